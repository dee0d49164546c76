"""The page: complete, self-contained, safe, the same for the same run."""

from __future__ import annotations

import base64
import gzip
import json
import re
import time
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop_report import render
from strikeloop_report.bundle import library
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


def figures(page: str) -> Any:
    """The charts in the page, as the browser reads them."""
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_headline_figures_stand_on_the_page() -> None:
    shown = " ".join(Seen(render(result())).shown)
    for figure in (
        "20260601-demo",
        "live · trio",
        "99,998",
        "−2",
        "of 2 orders",
        "by 1 rule",
        "1 critical",
        "1 reconnected",
        "1,246",
        "in 10 s",
        "ab" * 32,
    ):
        assert figure in shown


@pytest.mark.parametrize(
    "heading",
    [
        "Equity and underlying",
        "What happened when",
        "Greeks of the account",
        "Margin and equity",
        "Plugins that raised",
        "What hung on the queue",
        "Positions at the end",
        "Refusals",
        "Alerts",
        "Orders by instance",
        "Orders",
        "Fills",
        "Connections",
        "Events",
    ],
)
def test_everything_that_the_run_has_is_shown(heading: str) -> None:
    assert heading in Seen(render(result())).shown


def test_the_bracket_of_a_simulated_run_is_told_from_pessimistic_to_optimistic() -> None:
    shown = Seen(render(result())).shown
    assert [text for text in shown if "queue" in text][1:] == ["at the back of the queue", "at the front of the queue"]
    assert shown.index("402") < shown.index("518") < shown.index("1,120")


def test_a_run_of_which_nothing_is_known_is_still_a_page() -> None:
    page = Seen(render({}))
    assert [text for text in page.shown if text in ("Orders", "Alerts", "Events", "Equity and underlying")] == []
    assert ("main", {}) in page.tags


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
    assert [(tag, name) for tag, attributes in tags for name in attributes if name in ("src", "href", "srcset", "data", "action")] == []
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
    assert len(page) < 2_500_000


def test_a_page_without_charts_carries_no_library() -> None:
    assert len(render({"run": "r"})) < 50_000


def test_the_same_run_gives_the_same_page() -> None:
    assert render(result()) == render(result())


def test_a_large_run_is_drawn_in_less_than_a_second() -> None:
    times = [START + place * SECOND for place in range(2_000)]
    order, alert = result()["order_list"][0], result()["alert_list"][0]
    series: dict[str, Any] = {
        name: [float(place % 77) for place in range(len(times))]
        for name in ("equity", "underlying", "delta", "gamma", "vega", "theta", "margin_occupied", "margin_required")
    }
    series["time"] = times
    large = result(series=series, order_list=[order] * 5_000, alert_list=[alert] * 5_000, fill_list=result()["fill_list"] * 2_500)
    library()
    before = time.perf_counter()
    page = render(large)
    assert time.perf_counter() - before < 1.0
    assert "the last 500 of 5,000" in page


def test_fills_stand_on_the_line_of_the_underlying_at_their_time() -> None:
    chart = figures(render(result()))[0]
    bought = next(trace for trace in chart["data"] if trace["name"] == "bought")
    assert (bought["x"], bought["y"], bought["yaxis"]) == ([(START + 2 * SECOND) // 1_000_000], [70_002.0], "y2")
    assert bought["text"] == ["bought 2 BTC_USDT-20260601-70000-C at 463 by maker"]


def test_the_time_without_a_connection_is_shaded() -> None:
    shapes = figures(render(result()))[0]["layout"]["shapes"]
    assert [(shape["x0"], shape["x1"]) for shape in shapes] == [((START + 6 * SECOND) // 1_000_000, (START + 7 * SECOND) // 1_000_000)]


def test_a_connection_that_never_came_back_is_shaded_to_the_end() -> None:
    shapes = figures(render(result(stream_list=result()["stream_list"][:2])))[0]["layout"]["shapes"]
    assert shapes[0]["x1"] == (START + 10 * SECOND) // 1_000_000


def test_a_line_keeps_only_the_points_where_it_changes_and_its_ends() -> None:
    vega = next(trace for trace in figures(render(result()))[2]["data"] if trace["name"] == "vega")
    assert vega["x"] == [START // 1_000_000, (START + 10 * SECOND) // 1_000_000]


def test_margin_is_told_as_a_share_of_equity() -> None:
    occupied = next(trace for trace in figures(render(result()))[3]["data"] if trace["name"] == "occupied")
    assert set(occupied["text"]) == {"0.5% of equity"}


def test_refusals_are_counted_by_rule() -> None:
    refusal = result()["refusal_list"][0]
    page = Seen(render(result(refusal_list=[refusal, refusal, {**refusal, "rule": "greeks"}])))
    place = page.shown.index("limits")
    assert page.shown[place : place + 4] == ["limits", "2", "greeks", "1"]
