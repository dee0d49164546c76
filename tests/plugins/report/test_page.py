"""The page: complete, self-contained, safe, the same for the same run."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop.summary import Summary
from strikeloop_report import headline, render
from tests.plugins.report.sample import HOSTILE, SECOND, START, poisoned, result


class Seen(HTMLParser):
    """What a browser would find: tags with their attributes, and the text that is shown."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.shown: list[str] = []
        self._silent = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._silent += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.shown.append(data.strip())


def figures(page: str) -> list[list[Any]]:
    """The charts in the page, as the browser reads them: for each the figures that the reader may choose from."""
    found = re.search(r'<script type="application/json" id="plots">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    charts: list[list[Any]] = json.loads(found[1])
    return charts


def trace(page: str, name: str) -> Any:
    """The first line or mark of this name."""
    return next(one for chart in figures(page) for one in chart[0]["data"] if one.get("name") == name)


def shapes(page: str) -> Any:
    """What is shaded in the first chart."""
    return figures(page)[0][0]["layout"]["shapes"]


def shown(page: str, anchor: str) -> list[str]:
    """The texts of one section."""
    found = re.search(rf'<section id="{anchor}">(.*?)</section>', page, re.DOTALL)
    assert found is not None, anchor
    return Seen(found[1]).shown


def test_the_headline_figures_stand_on_the_page() -> None:
    told = " ".join(Seen(render(result())).shown)
    for figure in (
        "20260601-demo",
        "live · trio",
        "−2.00",
        "100,000.00",
        "−2.56 %",
        "75 %",
        "of 4 round trips",
        "of 2 orders",
        "by 1 rule",
        "1 critical",
        "1 reconnected",
        "1,246",
        "in 10 s",
        "ab" * 32,
    ):
        assert figure in told


ANCHORS = [
    "kill-switch",
    "plugins-that-raised",
    "equity-and-drawdown",
    "figures",
    "pnl-by-cause",
    "greeks",
    "margin-use",
    "trades-on-the-price",
    "expiry-calendar",
    "fill-quality",
    "what-happened-when",
    "refusals",
    "alerts",
    "positions-at-the-end",
    "orders",
    "fills",
    "connections",
    "events",
    "assumptions",
]


def test_everything_that_the_run_has_is_shown_in_this_order_and_linked_from_the_top() -> None:
    tags = Seen(render(result())).tags
    assert [attributes["id"] for tag, attributes in tags if tag == "section"] == ANCHORS
    assert [attributes["href"] for tag, attributes in tags if tag == "a"] == [f"#{anchor}" for anchor in ANCHORS]


def test_no_id_stands_twice_on_the_page() -> None:
    ids = [attributes["id"] for _, attributes in Seen(render(result())).tags if "id" in attributes]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("anchor", "sentence"),
    [
        ("equity-and-drawdown", "No balance of the account was heard."),
        ("figures", "The run told no figures."),
        ("pnl-by-cause", "Nothing was held or traded: there is no PnL to explain."),
        ("greeks", "No portfolio risk was heard: the account held nothing."),
        ("margin-use", "No margin was heard of."),
        ("trades-on-the-price", "No trades: nothing was filled in this run."),
        ("expiry-calendar", "No contract with a known expiry was held."),
        ("fill-quality", "No trades: there are no prices to judge."),
        ("what-happened-when", "Nothing was traded, refused, reported or lost."),
        ("refusals", "No rule refused an order."),
        ("alerts", "No alert was raised."),
        ("positions-at-the-end", "The account was flat at the end."),
        ("orders", "No order was sent."),
        ("fills", "Nothing was filled."),
        ("assumptions", "The run did not tell what it was configured with."),
    ],
)
def test_where_there_is_nothing_the_page_says_so(anchor: str, sentence: str) -> None:
    assert sentence in shown(render({}), anchor)
    assert sentence not in shown(render(result()), anchor)


def test_where_all_was_zero_no_line_of_zeros_is_drawn() -> None:
    zeros = dict.fromkeys(("delta", "gamma", "vega", "theta", "margin_occupied", "margin_required", "drawdown"), [0.0] * 11)
    page = render(result(series={**result()["series"], **zeros}))
    assert "All were 0 throughout: the account held nothing." in shown(page, "greeks")
    assert "No margin was used." in shown(page, "margin-use")
    assert figures(page)[0][0]["layout"]["yaxis2"]["range"] == [-0.01, 0.0005]


def test_a_run_of_which_nothing_is_known_has_no_charts() -> None:
    page = Seen(render({}))
    assert ("main", {}) in page.tags
    assert not [attributes for _, attributes in page.tags if attributes.get("class") == "chart"]


def test_each_figure_stands_beside_its_formula_and_what_is_not_defined_is_a_dash() -> None:
    told = shown(render(result()), "figures")
    for name, value in (("maximum drawdown", "−2.56 %"), ("win rate", "75 %"), ("Sharpe ratio", "–"), ("fees", "0.84")):
        assert told[told.index(name) + 1] == value
    assert any("mean / sample deviation" in text for text in told)
    assert any("shorter than 20 minutes" in text for text in told)


def test_every_figure_of_a_run_is_on_the_page() -> None:
    told = {"currency", "return_period_s", "return_periods"}
    assert set(Summary(run="r", mode="sim").figures()) == {*headline.FIGURES, *told}


def test_the_causes_are_drawn_with_their_sum_and_told_by_expiry_and_contract() -> None:
    page = render(result())
    (bars,) = next(chart[0]["data"] for chart in figures(page) if chart[0]["data"][0]["type"] == "bar")
    assert dict(zip(bars["y"], bars["x"], strict=True)) == {
        "delta": 1.0,
        "gamma": -0.25,
        "vega": 0.5,
        "theta": -2.5,
        "trading": 0.03,
        "fees": -0.84,
        "rest": 0.06,
        "PnL": -2.0,
    }
    told = shown(page, "pnl-by-cause")
    assert told.count("−0.84") == 2
    assert "2026-06-02 00:00:00" in told


def test_the_rest_over_time_is_what_the_causes_do_not_explain() -> None:
    rest = trace(render(result()), "rest")
    assert rest["y"][-1] == pytest.approx(-2.0 - (0.1 - 0.25) * 10)


def test_what_the_account_gained_outside_of_contracts_is_told() -> None:
    assert "Outside of contracts" not in " ".join(shown(render(result()), "pnl-by-cause"))
    moved = {**result()["pnl"], "outside": "12.5"}
    page = render(result(pnl=moved))
    assert "marks not told yet): +12.50." in " ".join(shown(page, "pnl-by-cause"))
    (bars,) = next(chart[0]["data"] for chart in figures(page) if chart[0]["data"][0]["type"] == "bar")
    assert (bars["y"][-2:], bars["x"][-2:]) == (["outside", "PnL"], [12.5, 10.5])


def test_the_calendar_tells_what_is_still_to_come() -> None:
    told = shown(render(result()), "expiry-calendar")
    assert told[told.index("2026-06-02 00:00:00") + 1] == "1.0 days away"
    row = {**result()["pnl"]["contracts"][0], "size": "0", "settle_price": "70123.456", "closed": START + 9 * SECOND}
    settled = shown(render(result(pnl={**result()["pnl"], "contracts": [row]})), "expiry-calendar")
    assert settled[settled.index("2026-06-02 00:00:00") + 1] == "settled"
    assert "70,123.46" in settled


def test_fills_are_measured_against_the_middle_of_the_quote() -> None:
    told = shown(render(result()), "fill-quality")
    assert told[told.index("maker") : told.index("maker") + 6] == ["maker", "maker", "1", "50 %", "+1", "+0.04"]
    assert told[told.index("others") : told.index("others") + 6] == ["others", "taker", "1", "50 %", "−1", "−0.02"]


def test_fills_without_a_quote_of_both_sides_are_left_out_and_counted() -> None:
    fill = {**result()["fill_list"][0], "bid": None}
    told = " ".join(shown(render(result(fill_list=[fill, *result()["fill_list"]])), "fill-quality"))
    assert "1 of 3 fills came without a quote of both sides and are left out." in told
    assert "no middle to measure against" in " ".join(shown(render(result(fill_list=[fill])), "fill-quality"))


def test_the_bracket_of_a_simulated_run_is_told_from_pessimistic_to_optimistic() -> None:
    told = shown(render(result()), "fill-quality")
    assert told.index("402") < told.index("518") < told.index("1,120")


def test_where_no_resting_order_was_filled_no_bracket_of_zeros_is_shown() -> None:
    views = {name: {"orders": 0, "contracts": "0"} for name in ("back", "real", "front")}
    assert "the queue model" in " ".join(shown(render(result(venue={"queue": views})), "fill-quality"))


def test_the_assumptions_are_told_one_by_one() -> None:
    told = shown(render(result()), "assumptions")
    for name, value in (
        ("digest", "ab" * 32),
        ("data 1, SHA-256", "cd" * 32),
        ("seed", "7"),
        ("version.venue", "strikeloop-venue 0.1.0"),
        ("venue.queue", "risk-averse"),
        ("venue.latency.entry_ms", "5.0"),
    ):
        assert told[told.index(name) + 1] == value


def test_the_reader_chooses_the_contract_whose_trades_are_shown() -> None:
    other = "BTC_USDT-20260601-80000-P"
    marks = {**result()["marks"], other: {"time": [START], "mark": [1.0]}}
    fills = [*result()["fill_list"], {**result()["fill_list"][0], "contract": other}]
    page = render(result(marks=marks, fill_list=fills))
    assert len(next(chart for chart in figures(page) if len(chart) > 1)) == 2
    assert sum(tag == "option" for tag, _ in Seen(page).tags) == 2


@pytest.mark.parametrize("name", sorted(result()))
def test_every_part_of_a_result_may_be_absent_empty_or_of_another_type(name: str) -> None:
    for value in (None, "", [], {}, 3, "text", [1], [[1, 2, 3]], {"a": "b"}, float("nan"), True):
        assert "</html>" in render(result(**{name: value}))
    assert "</html>" in render({key: value for key, value in result().items() if key != name})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: JSON | st.lists(st.dictionaries(st.sampled_from(["time", "size", "event", "text", "state"]), JSON), max_size=2)
            for name in result()
        },
    )
)
def test_no_content_of_result_json_can_break_it(content: dict[str, Any]) -> None:
    assert "</html>" in render(content)


def test_hostile_text_is_shown_as_text_wherever_it_comes_from() -> None:
    page = render(poisoned(result()))
    honest = Seen(render(result()))
    tags = Seen(page).tags
    assert HOSTILE not in page
    assert {tag for tag, _ in tags} <= {tag for tag, _ in honest.tags}
    assert sum(tag == "script" for tag, _ in tags) == sum(tag == "script" for tag, _ in honest.tags)
    assert not any(name.startswith("on") for _, attributes in tags for name in attributes)
    assert any('<script>alert("1")' in text for text in Seen(page).shown)


def test_hostile_names_of_events_and_states_are_shown_as_text() -> None:
    order = {**result()["order_list"][0], "state": HOSTILE}
    page = render(result(events={HOSTILE: 3}, order_list=[order]))
    assert HOSTILE not in page
    assert "img" not in {tag for tag, _ in Seen(page).tags}


def test_hostile_text_in_a_hover_label_stays_text_there_too() -> None:
    fill = {**result()["fill_list"][0], "contract": HOSTILE}
    told = json.dumps(figures(render(result(fill_list=[fill]))))
    assert "<img" not in told
    assert "&lt;img" in told


def test_nothing_is_loaded_from_anywhere() -> None:
    page = render(result())
    tags = Seen(page).tags
    loading = ("src", "href", "srcset", "data", "action")
    assert {attributes[name] for _, attributes in tags for name in attributes if name in loading} == {f"#{anchor}" for anchor in ANCHORS}
    policy = next(attributes["content"] for tag, attributes in tags if attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    assert "//" not in re.sub(r"<script type=\"application/gzip\".*?</script>", "", page, flags=re.DOTALL).replace("// ", "")


def test_the_chart_library_is_in_the_page_once_and_whole() -> None:
    page = render(result())
    packed = re.findall(r'<script type="application/gzip" id="library">(.*?)</script>', page)
    assert len(packed) == 1
    script = gzip.decompress(base64.b64decode(packed[0])).decode()
    assert "plotly.js v" in script[:200]
    assert len(page) < 3_000_000


def test_a_page_without_charts_carries_no_library() -> None:
    assert len(render({"run": "r"})) < 50_000


def test_the_same_run_gives_the_same_page() -> None:
    assert render(result()) == render(result())


def test_a_large_run_gives_a_page_of_a_few_megabytes() -> None:
    times = [START + place * SECOND for place in range(2_000)]
    order, alert = result()["order_list"][0], result()["alert_list"][0]
    series: dict[str, Any] = {name: [float(place % 77) for place in range(len(times))] for name in result()["series"]}
    series["time"] = times
    large = result(series=series, order_list=[order] * 5_000, alert_list=[alert] * 5_000, fill_list=result()["fill_list"] * 2_500)
    page = render(large)
    assert "the last 500 of 5,000" in page
    assert len(page) < 6_000_000


def test_fills_stand_on_the_line_of_the_underlying_at_their_time() -> None:
    bought = trace(render(result()), "bought")
    assert (bought["x"], bought["y"]) == ([(START + 2 * SECOND) // 1_000_000], [70_002.0])
    assert bought["text"] == ["bought 2 BTC_USDT-20260601-70000-C at 463 by maker"]


def test_fills_stand_on_the_line_of_their_contract_at_their_price() -> None:
    charts = [chart[0] for chart in figures(render(result())) if chart[0]["data"][0].get("name") == "mark"]
    assert [(one["name"], one["y"]) for one in charts[0]["data"][1:]] == [("bought", [463.0]), ("sold", [463.0])]


def test_the_time_without_a_connection_is_shaded() -> None:
    shaded = shapes(render(result()))
    assert [(shape["x0"], shape["x1"]) for shape in shaded] == [((START + 6 * SECOND) // 1_000_000, (START + 7 * SECOND) // 1_000_000)]


def test_a_connection_that_never_came_back_is_shaded_to_the_end() -> None:
    shaded = shapes(render(result(stream_list=result()["stream_list"][:2])))
    assert shaded[0]["x1"] == (START + 10 * SECOND) // 1_000_000


def test_a_line_keeps_only_the_points_where_it_changes_and_its_ends() -> None:
    assert trace(render(result()), "vega")["x"] == [START // 1_000_000, (START + 10 * SECOND) // 1_000_000]


def test_margin_is_told_as_a_share_of_equity() -> None:
    occupied = trace(render(result()), "occupied")
    assert occupied["y"][0] == 0.005
    assert set(occupied["text"]) == {"500"}


def test_refusals_are_counted_by_rule() -> None:
    refusal = result()["refusal_list"][0]
    told = shown(render(result(refusal_list=[refusal, refusal, {**refusal, "rule": "greeks"}])), "refusals")
    place = told.index("limits")
    assert told[place : place + 4] == ["limits", "2", "greeks", "1"]
