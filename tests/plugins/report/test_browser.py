"""The pages in a real browser: their charts are drawn, their figures are there, and they fit the screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from strikeloop_report import compare, render
from tests.plugins.report.browser import Page, browsing
from tests.plugins.report.sample import START, result

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browsing(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def shown(browser: Page, report: Path) -> Page:
    """The report on a wide screen, in the light; opened once."""
    if browser.shown != (report, 1440, False):
        browser.open(report)
    return browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    other = "BTC_USDT-20260601-80000-P"
    marks = {**result()["marks"], other: {"time": [START], "mark": [1.0]}}
    fills = [*result()["fill_list"], {**result()["fill_list"][0], "contract": other}]
    alerts = result()["alert_list"] * 11 + [{**result()["alert_list"][0], "text": "the needle"}]
    path = tmp_path_factory.mktemp("run") / "report.html"
    path.write_text(render(result(marks=marks, fill_list=fills, alert_list=alerts)), encoding="utf-8")
    return path


ALL_DRAWN = "[...document.querySelectorAll('.chart')].every(one => one.querySelector('.plot-container'))"
WIDER = "document.documentElement.scrollWidth - innerWidth"
OVERFLOWING = "[...document.querySelectorAll('.chart svg')].filter(one => one.getBoundingClientRect().right > innerWidth).length"


def test_a_figure_is_read_from_the_page_and_from_a_chart(shown: Page) -> None:
    assert shown.does("document.querySelector('.card b').textContent") == "−2.00"
    told = shown.does("[...document.querySelectorAll('#pnl-by-cause svg .bartext')].map(one => one.textContent)")
    assert told == ["+1.00", "−0.25", "+0.50", "−2.50", "+0.03", "−0.84", "+0.06", "−2.00"]
    assert shown.does(ALL_DRAWN)


def test_a_long_table_is_filtered_by_words(shown: Page) -> None:
    visible = "[...document.querySelectorAll('#alerts .tall tbody tr')].filter(one => !one.hidden).length"
    assert shown.does(visible) == 12
    shown.does(
        "(() => { const box = document.querySelector('#alerts input'); box.value = 'Needle'; box.dispatchEvent(new Event('input')); })()"
    )
    assert shown.does(visible) == 1


def test_the_contract_whose_trades_are_shown_is_chosen_from_the_keyboard(shown: Page) -> None:
    chosen = "document.querySelector('#trades-on-the-price select')"
    place = f"document.getElementById('chart-' + {chosen}.dataset.chart).data[0].y.length"
    assert shown.does(place) > 1
    shown.does(f"{chosen}.focus()")
    shown.types("ArrowDown")
    assert shown.does(f"{chosen}.selectedIndex") == 1
    assert shown.does(place) == 1


def test_every_link_and_table_is_reached_with_the_tabulator(shown: Page) -> None:
    reached = "document.activeElement.getAttribute('href') || document.activeElement.getAttribute('aria-label')"
    shown.does("document.querySelector('nav a').focus()")
    seen = [shown.does(reached)]
    for _ in range(2):
        shown.types("Tab")
        seen.append(shown.does(reached))
    assert seen == ["#kill-switch", "#plugins-that-raised", "#equity-and-drawdown"]
    assert shown.does("[...document.querySelectorAll('.scroll')].every(one => one.tabIndex === 0 && one.ariaLabel)") is True


@pytest.mark.parametrize(("width", "is_dark"), [(1440, False), (400, True)])
def test_the_page_fits_the_screen_and_nothing_goes_wrong_in_it(browser: Page, report: Path, width: int, is_dark: bool) -> None:
    browser.troubles.clear()
    browser.loaded.clear()
    browser.open(report, width=width, is_dark=is_dark)
    assert browser.does(WIDER) <= 0
    assert browser.does("Math.max(...[...document.querySelectorAll('tr')].map(row => row.offsetHeight))") < 200
    assert browser.does(OVERFLOWING) == 0
    assert browser.does("getComputedStyle(document.body).backgroundColor") == ("rgb(16, 20, 26)" if is_dark else "rgb(246, 247, 249)")
    assert browser.troubles == []
    assert {url.partition(":")[0] for url in browser.loaded} <= {"file", "data", "blob"}


def test_on_paper_a_dark_page_is_light(browser: Page, report: Path) -> None:
    if browser.shown != (report, 400, True):
        browser.open(report, width=400, is_dark=True)
    browser.does("dispatchEvent(new Event('beforeprint'))")
    assert browser.does("getComputedStyle(document.documentElement).getPropertyValue('--paper').trim()") == "#fff"
    assert browser.does("Math.max(...[...document.querySelectorAll('.chart svg')].map(one => one.getBoundingClientRect().width))") == 680
    browser.does("dispatchEvent(new Event('afterprint'))")
    assert browser.does("getComputedStyle(document.documentElement).getPropertyValue('--paper').trim()") == "#171c23"


def test_a_comparison_is_drawn_too(browser: Page, tmp_path: Path) -> None:
    path = tmp_path / "comparison.html"
    path.write_text(compare([result(), result(run="other", digest="ef" * 32)]), encoding="utf-8")
    browser.open(path, width=400)
    assert browser.does("document.querySelectorAll('.chart .plot-container').length") == browser.does(
        "document.querySelectorAll('.chart').length"
    )
    assert browser.does(WIDER) <= 0
    assert browser.does("Math.max(...[...document.querySelectorAll('tr')].map(row => row.offsetHeight))") < 200
