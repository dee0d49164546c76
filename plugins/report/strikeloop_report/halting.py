"""The kill switch: who pulled it and why, what it went through and when, what it withdrew and closed, and what it left.

Owns how changes of its state become engagements, each from the halt to the reset, and which orders belong to one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from strikeloop_report.markup import Column, Row, Section, chip, figure, price, table, time, words
from strikeloop_report.spelling import NONE, amount, moment, nanoseconds, number, rows, span, text

NAME = "killswitch"
"""The instance that its own orders belong to."""
ARMED, CANCELING = "armed", "canceling"


@attrs.frozen
class Engagement:
    """From a halt to the reset, or to the end of the run: the changes of state in order."""

    changes: tuple[Row, ...]

    @property
    def cause(self) -> Row:
        """The change that says who pulled it and why."""
        return self.changes[0]

    @property
    def since(self) -> int | None:
        return nanoseconds(self.cause.get("since"))

    @property
    def withdrawing_since(self) -> int | None:
        """When it began to withdraw orders; None where it did not."""
        return next((nanoseconds(row.get("time")) for row in self.changes if row.get("state") == CANCELING), None)

    @property
    def last(self) -> Row:
        """The last change before a reset."""
        return self.changes[-2 if self.ended is not None else -1]

    @property
    def ended(self) -> int | None:
        """When it was reset; None where it was not."""
        last = self.changes[-1]
        return nanoseconds(last.get("time")) if last.get("state") == ARMED else None


def kill_switch(result: Row) -> list[Section]:
    """Only where it was pulled."""
    found = engagements(rows(result, "halt_list"))
    if not found:
        return []
    body: list[str] = []
    for one in found:
        body += [f"<h3>At {moment(one.since)}</h3>"] if len(found) > 1 else []
        body += _told(result, one)
    return [Section("Kill switch", tuple(body), count=f"pulled {len(found)} times" if len(found) > 1 else "")]


def engagements(changes: Sequence[Row]) -> list[Engagement]:
    """The changes of state by engagement; a reset ends one."""
    found: list[list[Row]] = [[]]
    for row in changes:
        if row.get("state") == ARMED and not found[-1]:
            continue
        found[-1].append(row)
        if row.get("state") == ARMED:
            found.append([])
    return [Engagement(tuple(one)) for one in found if one]


def _told(result: Row, one: Engagement) -> Iterator[str]:
    yield f"<p>{_sentence(result, one)}</p>"
    yield _states(result, one)
    withdrawn = [row for row in rows(result, "order_list") if _is_withdrawn(row, one)]
    if withdrawn:
        yield f"<h3>Withdrawn <small>{len(withdrawn):,}</small></h3>{_withdrawn(result, withdrawn)}"
    closing = [row for row in rows(result, "order_list") if row.get("instance") == NAME and _is_within(row.get("time"), one)]
    if closing:
        yield f"<h3>Reduce-only orders of its own <small>{len(closing):,}</small></h3>{_closing(result, closing)}"
    left = _sentences(one.last)
    if left:
        yield f"<h3>Still there <small>{len(left):,}</small></h3><ul>{''.join(f'<li>{text(sentence)}</li>' for sentence in left)}</ul>"


def _sentence(result: Row, one: Engagement) -> str:
    cause, started = one.cause, number(result.get("started"))
    earlier = ", before this run began" if one.since is not None and started is not None and one.since < started else ""
    who = f"{text(cause.get('by'))}; cause: {text(cause.get('cause'))}"
    return f"<b>{text(cause.get('reason'))}</b>. Pulled at {moment(one.since, digits=3)} UTC{earlier} by {who}; {_task(cause)}."


def _states(result: Row, one: Engagement) -> str:
    before = [one.cause, *one.changes]
    found = [{**row, "note": _note(row, last)} for last, row in zip(before, one.changes, strict=False)]
    columns = [time(result), Column("after", lambda row: _after(row, one), is_figure=True), chip("state"), _said("note")]
    return table(columns, found, name="states of the kill switch", style="steps")


def _said(key: str) -> Column:
    """Words that most rows have none of: nothing then, not even a dash."""
    return Column("", lambda row: text(row.get(key)) if row.get(key) else "")


def _after(row: Row, one: Engagement) -> str:
    now = nanoseconds(row.get("time"))
    return NONE if now is None or one.since is None or now < one.since else span(round((now - one.since) / 1e9, 3))


def _task(row: Row) -> str:
    """What it is to do beside opening nothing."""
    asked = [*(["withdraw orders"] if row.get("cancel") else []), *(["close positions"] if row.get("flatten") else [])]
    return f"asked to {' and '.join(asked)}" if asked else "asked to open nothing more"


def _note(row: Row, before: Row) -> str:
    if row.get("state") == ARMED:
        return f"reset by {row.get('by')}: {row.get('reason')}"
    grown = [_task(row)] if _task(row) != _task(before) else []
    left = len(_sentences(row))
    return "; ".join([*grown, *([f"{left:,} still there"] if left else [])])


def _sentences(row: Row) -> list[str]:
    left = row.get("left")
    return [str(sentence) for sentence in left] if isinstance(left, list | tuple) else []


def _is_withdrawn(order: Row, one: Engagement) -> bool:
    """Whether an order ended as canceled after the kill switch began to withdraw orders; those of its own are told apart."""
    begun, ended = one.withdrawing_since, nanoseconds(order.get("updated"))
    if order.get("state") != "canceled" or order.get("instance") == NAME or begun is None or ended is None:
        return False
    placed = nanoseconds(order.get("time"))
    return ended >= begun and (placed is None or placed <= begun) and _is_within(ended, one)


def _is_within(when: object, one: Engagement) -> bool:
    now = nanoseconds(when)
    return now is not None and (one.since is None or now >= one.since) and (one.ended is None or now <= one.ended)


def _withdrawn(result: Row, found: Sequence[Row]) -> str:
    columns = [
        attrs.evolve(time(result, "updated"), name="time"),
        words("instance"),
        words("contract"),
        figure("size", sign=True),
        price(),
        figure("filled", sign=True),
        words("client id", "client_id"),
    ]
    return table(columns, found, name="orders withdrawn by the kill switch", is_long=True)


def _closing(result: Row, found: Sequence[Row]) -> str:
    columns = [
        time(result),
        words("contract"),
        figure("size", sign=True),
        Column("limit", lambda row: amount(row.get("price")), is_figure=True),
        figure("filled", sign=True),
        Column("at", lambda row: amount(row.get("fill_price")) if number(row.get("fill_price")) else NONE, is_figure=True),
        chip("state"),
        _said("reason"),
    ]
    return table(columns, found, name="reduce-only orders of the kill switch", is_long=True)


def standing(result: Row) -> tuple[str, str] | None:
    """How it stood at the end (as a chip) and who pulled it last; None where it never was."""
    found = engagements(rows(result, "halt_list"))
    if not found:
        return None
    last: dict[str, Any] = {"state": str(found[-1].changes[-1].get("state"))}
    return chip("state").cell(last), f"{text(found[-1].cause.get('cause'))}, at {moment(found[-1].since, with_date=False)}"
