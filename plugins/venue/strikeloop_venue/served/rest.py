"""The REST face: which path answers what, and the public half of the answers.

Owns the request value, the routing table's form, the errors with their labels, and the public endpoints of Gate's
REST v4 options section. Reads bytes from nobody: the listener hands over whole requests.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import attrs

from strikeloop_venue.served import bodies
from strikeloop_venue.served.market import MINUTE_NS, Bar, ContractBoard, UnderlyingBoard
from strikeloop_venue.served.running import RunningVenue
from strikeloop_venue.served.spelling import SECOND_NS, seconds

Row = TypeVar("Row")
PREFIX = "/api/v4"


class RestError(Exception):
    """An answer that is not 2xx: HTTP status, Gate's label, a sentence."""

    def __init__(self, status: int, label: str, message: str) -> None:
        self.status, self.label, self.message = status, label, message
        super().__init__(f"{status} {label}: {message}")


@attrs.frozen
class Request:
    """One request under /api/v4: `path` without the prefix, `args` what the route's placeholders matched."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes = b""
    args: tuple[str, ...] = ()
    user_id: int = 0

    def required(self, name: str) -> str:
        value = self.query.get(name, "")
        if not value:
            raise RestError(400, "MISSING_REQUIRED_PARAM", f"missing {name}")
        return value

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number within its bounds."""
        value = self.query.get(name, "")
        if not value:
            return default
        if not value.isascii() or not value.isdecimal() or not low <= int(value) <= high:
            raise RestError(400, "INVALID_PARAM_VALUE", f"{name} must be an integer from {low} to {high}")
        return int(value)

    def json(self) -> dict[str, Any]:
        """The body, which must be a JSON object."""
        try:
            body = json.loads(self.body or b"{}")
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise RestError(400, "INVALID_REQUEST_BODY", "the body must be a JSON object")
        return body


Handler = Callable[[RunningVenue, Request], Any | Awaitable[Any]]


@attrs.frozen
class Route:
    """One endpoint. A `*` in `path` matches one segment and becomes an argument; `window_s` is the rate limit's window."""

    method: str
    path: str
    handler: Handler
    signed: bool = False
    window_s: float = 10.0
    status: int = 200

    def match(self, path: str) -> tuple[str, ...] | None:
        mine, theirs = self.path.split("/"), path.split("/")
        if len(mine) != len(theirs):
            return None
        pairs = list(zip(mine, theirs, strict=True))
        matches = all(m == t or (m == "*" and t) for m, t in pairs)
        return tuple(t for m, t in pairs if m == "*") if matches else None


def find_route(routes: Sequence[Route], method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    """The route of a request. Raises RestError 404 for an unknown path, 405 for a wrong method."""
    found = [(route, args) for route in routes if (args := route.match(path)) is not None]
    for route, args in found:
        if route.method == method:
            return route, args
    if found:
        raise RestError(405, "METHOD_NOT_ALLOWED", f"{method} is not allowed on {path}")
    raise RestError(404, "NOT_FOUND", f"no endpoint {path}")


def page(rows: Sequence[Row], request: Request, time_of: Callable[[Row], int]) -> list[Row]:
    """Newest first, within `from`/`to` (seconds, inclusive), after `offset`, at most `limit`."""
    start = request.integer("from", 0, 0, 10**12) * SECOND_NS
    end = (request.integer("to", 10**10, 0, 10**12) + 1) * SECOND_NS
    offset, limit = request.integer("offset", 0, 0, 10**9), request.integer("limit", 100, 1, 1000)
    return [row for row in reversed(rows) if start <= time_of(row) < end][offset : offset + limit]


def board_of(venue: RunningVenue, name: str) -> ContractBoard:
    board = venue.market.contracts.get(name)
    if board is None:
        raise RestError(400, "CONTRACT_NOT_FOUND", f"contract {name} not found")
    return board


def underlying_of(venue: RunningVenue, name: str) -> UnderlyingBoard:
    board = venue.market.underlyings.get(name)
    if board is None:
        raise RestError(400, "INVALID_PARAM_VALUE", f"underlying {name} not found")
    return board


def _boards(venue: RunningVenue, request: Request) -> list[ContractBoard]:
    underlying = underlying_of(venue, request.required("underlying")).name
    return [board for board in venue.market.contracts.values() if board.contract.underlying == underlying]


def _time(venue: RunningVenue, request: Request) -> Any:
    return {"server_time": int(venue.clock.wall_s() * 1000)}


def _nothing(venue: RunningVenue, request: Request) -> Any:
    return []


def _underlyings(venue: RunningVenue, request: Request) -> Any:
    return [bodies.underlying_body(board) for board in venue.market.underlyings.values()]


def _expirations(venue: RunningVenue, request: Request) -> Any:
    return sorted({seconds(board.contract.expiry) for board in _boards(venue, request)})


def _contracts(venue: RunningVenue, request: Request) -> Any:
    expiry = request.integer("expiration", 0, 0, 10**12)
    boards = _boards(venue, request)
    return [bodies.contract_body(board) for board in boards if expiry in (0, seconds(board.contract.expiry))]


def _contract(venue: RunningVenue, request: Request) -> Any:
    return bodies.contract_body(board_of(venue, request.args[0]))


def _tickers(venue: RunningVenue, request: Request) -> Any:
    boards = _boards(venue, request)
    return [bodies.ticker_body(board, venue.market.underlyings[board.contract.underlying]) for board in boards]


def _underlying_ticker(venue: RunningVenue, request: Request) -> Any:
    return bodies.underlying_ticker_body(underlying_of(venue, request.args[0]))


def _order_book(venue: RunningVenue, request: Request) -> Any:
    board = board_of(venue, request.required("contract"))
    with_id = request.query.get("with_id", "").lower() == "true"
    return bodies.book_body(board, request.integer("limit", 10, 1, 50), venue.now, with_id=with_id)


def _trades(venue: RunningVenue, request: Request) -> Any:
    name, kind = request.query.get("contract", ""), request.query.get("type", "")
    boards = [board_of(venue, name)] if name else list(venue.market.contracts.values())
    wanted = [board for board in boards if kind in ("", "C" if board.contract.is_call else "P")]
    rows = sorted((row for board in wanted for row in board.trades), key=lambda row: row.event.time)
    return [bodies.trade_body(row) for row in page(rows, request, lambda row: row.event.time)]


_INTERVALS = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60}


def _candlesticks(venue: RunningVenue, request: Request) -> Any:
    board = board_of(venue, request.required("contract"))
    bars = list(reversed(page(_bars(board, request), request, lambda bar: bar.start)))
    return [bodies.bar_body(bar) for bar in bars]


def _bars(board: ContractBoard, request: Request) -> list[Bar]:
    interval = request.query.get("interval", "5m")
    if interval not in _INTERVALS:
        raise RestError(400, "INVALID_PARAM_VALUE", f"interval must be one of {', '.join(_INTERVALS)}")
    width = _INTERVALS[interval] * MINUTE_NS
    out: list[Bar] = []
    for bar in board.bars:
        start = bar.start - bar.start % width
        if out and out[-1].start == start:
            out[-1].high, out[-1].low = max(out[-1].high, bar.high), min(out[-1].low, bar.low)
            out[-1].close, out[-1].volume = bar.close, out[-1].volume + bar.volume
        else:
            out.append(attrs.evolve(bar, start=start))
    return out


def _settlements(venue: RunningVenue, request: Request) -> Any:
    underlying = request.required("underlying")
    rows = [row for row in venue.market.settlements if row.contract.underlying == underlying]
    return [bodies.settlement_body(row) for row in page(rows, request, lambda row: row.time)]


def _settlement(venue: RunningVenue, request: Request) -> Any:
    at = request.integer("at", 0, 0, 10**12)
    for row in venue.market.settlements:
        if row.contract.id.name == request.args[0] and at in (0, seconds(row.time)):
            return bodies.settlement_body(row)
    raise RestError(404, "NOT_FOUND", f"no settlement of {request.args[0]}")


PUBLIC_ROUTES = (
    Route("GET", "/spot/time", _time),
    Route("GET", "/options/underlyings", _underlyings),
    Route("GET", "/options/expirations", _expirations),
    Route("GET", "/options/contracts", _contracts),
    Route("GET", "/options/contracts/*", _contract),
    Route("GET", "/options/tickers", _tickers),
    Route("GET", "/options/underlying/tickers/*", _underlying_ticker),
    Route("GET", "/options/order_book", _order_book),
    Route("GET", "/options/trades", _trades),
    Route("GET", "/options/candlesticks", _candlesticks),
    Route("GET", "/options/settlements", _settlements),
    Route("GET", "/options/settlements/*", _settlement),
    # Markets this venue has none of: clients list them before they come to the options.
    *(
        Route("GET", path, _nothing)
        for path in (
            "/spot/currencies",
            "/spot/currency_pairs",
            "/margin/currency_pairs",
            "/futures/usdt/contracts",
            "/futures/btc/contracts",
            "/delivery/usdt/contracts",
        )
    ),
)
