"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const packed = document.getElementById("library");

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
    if (Array.isArray(value)) return value.map((one) => colored(one, style));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, colored(one, style)]));
    return value;
  }

  function draw() {
    const style = getComputedStyle(document.documentElement);
    const common = {
      margin: { l: 64, r: 24, t: 28, b: 36 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "x unified",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: "var(--soft)" },
      hoverlabel: { bgcolor: "var(--paper)", bordercolor: "var(--line)", font: { color: "var(--ink)" }, align: "left" },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" }, colorway: ["var(--blue)"],
    };
    figures.forEach((figure, place) => {
      const { data, layout } = colored({ data: figure.data, layout: { ...common, ...figure.layout } }, style);
      Plotly.react(`chart-${place}`, data, layout, { responsive: true, displaylogo: false, displayModeBar: false });
    });
  }

  function excuse(error) {
    document.querySelectorAll(".chart").forEach((place) => {
      place.classList.add("empty");
      place.textContent = `The charts need a browser of 2023 or later (${error.message}). The tables below hold the figures.`;
    });
  }

  document.querySelectorAll("h2 input").forEach((input) => {
    const lines = input.closest("section").querySelectorAll(".tall tbody tr");
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase();
      lines.forEach((line) => { line.hidden = !line.textContent.toLowerCase().includes(wanted); });
    });
  });

  if (packed) {
    unpack().then(() => { draw(); matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw); }).catch(excuse);
  }
})();
