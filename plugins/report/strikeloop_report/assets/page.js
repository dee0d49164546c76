"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("plots").textContent);
  const packed = document.getElementById("library");
  const chosen = figures.map(() => 0);

  async function unpack() {
    const bytes = Uint8Array.from(atob(packed.textContent), (letter) => letter.charCodeAt(0));
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(plain).text();
    document.head.append(script);
    packed.remove();
  }

  // "var(--blue)" anywhere in a figure becomes the color that the style sheet has for it now.
  function colored(value, style) {
    if (typeof value === "string") return value.startsWith("var(--") ? style.getPropertyValue(value.slice(4, -1)).trim() : value;
    if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map((one) => colored(one, style));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, colored(one, style)]));
    return value;
  }

  const PAPER = 680; // pixels of a page of A4 between its margins

  function draw(place) {
    const style = getComputedStyle(document.documentElement);
    const isPaper = "paper" in document.documentElement.dataset;
    const isNarrow = innerWidth < 620 && !isPaper;
    const common = {
      ...(isPaper ? { width: PAPER } : {}),
      margin: { l: isNarrow ? 44 : 58, r: isNarrow ? 10 : 24, t: 26, b: 34 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "x unified",
      font: { family: getComputedStyle(document.body).fontFamily, size: isNarrow ? 11 : 12, color: "var(--soft)" },
      hoverlabel: { bgcolor: "var(--paper)", bordercolor: "var(--line)", font: { color: "var(--ink)" }, align: "left" },
      legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom" }, colorway: ["var(--blue)"],
    };
    const figure = figures[place][chosen[place]];
    const { data, layout } = colored({ data: figure.data, layout: { ...common, ...figure.layout } }, style);
    return Plotly.react(`chart-${place}`, data, layout, { responsive: true, displaylogo: false, displayModeBar: false });
  }

  const drawAll = () => Promise.all(figures.map((_, place) => draw(place)));

  function excuse(error) {
    document.querySelectorAll(".chart").forEach((place) => {
      place.classList.add("empty");
      place.textContent = `The charts need a browser of 2023 or later (${error.message}). The tables below hold the figures.`;
    });
  }

  document.querySelectorAll(".bar input").forEach((input) => {
    const lines = input.closest(".bar").nextElementSibling.querySelectorAll("tbody tr");
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase();
      lines.forEach((line) => { line.hidden = !line.textContent.toLowerCase().includes(wanted); });
    });
  });

  document.querySelectorAll("select[data-chart]").forEach((select) => {
    select.addEventListener("change", () => {
      chosen[select.dataset.chart] = select.selectedIndex;
      draw(Number(select.dataset.chart));
    });
  });

  // On paper everything is drawn as in the light.
  function toPaper(isPaper) {
    if (isPaper) document.documentElement.dataset.paper = "";
    else delete document.documentElement.dataset.paper;
    drawAll();
  }

  if (packed) {
    unpack().then(drawAll).then(() => {
      document.documentElement.dataset.drawn = "";
      dispatchEvent(new Event("drawn"));
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
      matchMedia("(max-width: 620px)").addEventListener("change", drawAll);
      addEventListener("beforeprint", () => toPaper(true));
      addEventListener("afterprint", () => toPaper(false));
    }).catch(excuse);
  }
})();
