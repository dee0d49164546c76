"""What the venue's refusals mean: the table is whole, and each label becomes the one error that fits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from strikeloop import AuthRejectedError, OrderRejectedError, OutcomeUnknownError, VenueError
from strikeloop_gate.refusals import LABELS, NEVER_ASKED, Verdict, failure

ORDERS = ("POST", "PUT", "DELETE")
ERRORS = {Verdict.REFUSED: OrderRejectedError, Verdict.CREDENTIALS: AuthRejectedError, Verdict.UNCERTAIN: OutcomeUnknownError}


def test_the_table_holds_every_label_of_the_reference(shared: Path) -> None:
    text = (shared / "spec/gate_options_api.md").read_text()
    line = next(line for line in text.splitlines() if line.startswith("* Labels worth modelling"))
    assert set(re.findall(r"[A-Z]+(?:_[A-Z]+)+|FORBIDDEN|INTERNAL", line)) == set(LABELS)


@pytest.mark.parametrize("name", LABELS)
def test_every_label_says_what_it_means(name: str) -> None:
    said = str(failure("POST", "POST /options/orders", 400, name, "said so"))
    assert said.startswith(f"POST /options/orders: HTTP 400 {name}: said so - ")
    assert LABELS[name].meaning in said
    assert LABELS[name].cure in said


@pytest.mark.parametrize("method", ORDERS)
@pytest.mark.parametrize("status", [200, 201, 400, 401, 404, 429])
@pytest.mark.parametrize("name", LABELS)
def test_of_a_command_a_label_tells_whether_it_was_done(name: str, status: int, method: str) -> None:
    error = failure(method, method, status, name, "")
    assert type(error) is ERRORS[LABELS[name].verdict]
    assert error.code == name


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("name", [*LABELS, ""])
def test_of_a_command_that_broke_at_the_venue_nobody_knows(name: str, status: int) -> None:
    assert type(failure("POST", "POST", status, name, "")) is OutcomeUnknownError


@pytest.mark.parametrize("name", LABELS)
def test_a_question_fails_without_harm(name: str) -> None:
    expected = AuthRejectedError if LABELS[name].verdict is Verdict.CREDENTIALS else VenueError
    assert type(failure("GET", "GET", 400, name, "")) is expected


@pytest.mark.parametrize("status", [*range(200, 210), *range(300, 309), *range(400, 432), *range(500, 512)])
def test_without_a_label_only_some_statuses_say_that_a_command_was_not_done(status: int) -> None:
    expected = AuthRejectedError if status in (401, 403) else OrderRejectedError if status in NEVER_ASKED else OutcomeUnknownError
    assert type(failure("POST", "POST", status, "", "")) is expected


def test_a_label_that_nobody_documented_is_a_refusal_where_the_venue_did_not_break() -> None:
    assert type(failure("POST", "POST", 400, "BRAND_NEW", "")) is OrderRejectedError
    assert type(failure("POST", "POST", 500, "BRAND_NEW", "")) is OutcomeUnknownError
