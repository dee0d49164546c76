"""The REST face: which path answers what, and the public half of the answers.

Owns the request value, the routing table's form, the errors with their labels, and the public endpoints of Gate's
REST v4 options section. Reads bytes from nobody: the listener hands over whole requests.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import attrs

from strikeloop_venue.served import bodies
from strikeloop_venue.served.bars import INTERVALS, Bar
from strikeloop_venue.served.market import ContractBoard, MarketBoard, UnderlyingBoard
from strikeloop_venue.served.running import RunningVenue
from strikeloop_venue.served.spelling import SECOND_NS, decoded, seconds

Row = TypeVar("Row")
PREFIX = "/api/v4"
_DIGITS = 18
"""More of them make no number that is within any bounds here."""
_LATEST = 10**14
"""Seconds; clients that send milliseconds by mistake are told of nothing, as by the venue."""


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
        if not value.isascii() or not value.isdecimal() or len(value) > _DIGITS or not low <= int(value) <= high:
            raise RestError(400, "INVALID_PARAM_VALUE", f"{name} must be an integer from {low} to {high}")
        return int(value)

    def json(self) -> dict[str, Any]:
        """The body, which must be a JSON object."""
        try:
            body = decoded(self.body or b"{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise RestError(400, "INVALID_REQUEST_BODY", "the body must be a JSON object")
        return body


@attrs.frozen
class Route:
    """One endpoint. A `*` in `path` matches one segment and becomes an argument; `group` is what its rate limit is called.

    `handler(venue, request)` of a public endpoint; of a signed one `handler(member, request)`, called for who signed.
    """

    method: str
    path: str
    handler: Callable[[Any, Request], Any | Awaitable[Any]]
    signed: bool = False
    group: str = "public"
    status: int = 200

    @property
    def bucket(self) -> str:
        """What shares one rate limit: orders and cancels each all of them, else every endpoint by itself."""
        return "" if self.group in ("orders", "cancels") else f"{self.method} {self.path}"


class Router:
    """Finds the route of a request: by the path itself, else by its segments."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._exact: dict[str, dict[str, Route]] = {}
        self._open: list[tuple[list[str], dict[str, Route]]] = []
        for route in routes:
            if "*" not in route.path:
                self._exact.setdefault(route.path, {})[route.method] = route
                continue
            segments = route.path.split("/")
            known = next((methods for path, methods in self._open if path == segments), None)
            if known is None:
                known = {}
                self._open.append((segments, known))
            known[route.method] = route

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]]:
        """The route, and what its `*` matched. Raises RestError 404 for an unknown path, 405 for a wrong method."""
        methods, args = self._exact.get(path), tuple[str, ...]()
        if methods is None:
            methods, args = self._matched(path)
        if method not in methods:
            raise RestError(405, "METHOD_NOT_ALLOWED", f"{method} is not allowed on {path}; expected {' or '.join(methods)}")
        return methods[method], args

    def _matched(self, path: str) -> tuple[dict[str, Route], tuple[str, ...]]:
        theirs = path.split("/")
        for mine, methods in self._open:
            if len(mine) == len(theirs) and all(m == t or (m == "*" and t) for m, t in zip(mine, theirs, strict=True)):
                return methods, tuple(t for m, t in zip(mine, theirs, strict=True) if m == "*")
        raise RestError(404, "NOT_FOUND", f"no endpoint {path}")


def page(newest: Iterable[Row], request: Request, time_of: Callable[[Row], int]) -> list[Row]:
    """Of rows that come newest first: those within `from`/`to` (seconds, inclusive), after `offset`, at most `limit`."""
    start = request.integer("from", 0, 0, _LATEST) * SECOND_NS
    end = (request.integer("to", _LATEST, 0, _LATEST) + 1) * SECOND_NS
    offset, limit = request.integer("offset", 0, 0, 10**9), request.integer("limit", 100, 1, 1000)
    wanted = (row for row in newest if start <= time_of(row) < end)
    return list(itertools.islice(wanted, offset, offset + limit))


def board_of(market: MarketBoard, name: str) -> ContractBoard:
    board = market.contracts.get(name)
    if board is None:
        raise RestError(400, "CONTRACT_NOT_FOUND", f"contract {name} not found")
    return board


def underlying_of(market: MarketBoard, name: str) -> UnderlyingBoard:
    board = market.underlyings.get(name)
    if board is None:
        raise RestError(400, "INVALID_PARAM_VALUE", f"underlying {name} not found")
    return board


def _boards(venue: RunningVenue, request: Request) -> list[ContractBoard]:
    underlying = underlying_of(venue.market, request.required("underlying")).name
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
    return bodies.contract_body(board_of(venue.market, request.args[0]))


def _tickers(venue: RunningVenue, request: Request) -> Any:
    boards = _boards(venue, request)
    return [bodies.ticker_body(board, venue.market.underlyings[board.contract.underlying]) for board in boards]


def _underlying_ticker(venue: RunningVenue, request: Request) -> Any:
    return bodies.underlying_ticker_body(underlying_of(venue.market, request.args[0]))


def _order_book(venue: RunningVenue, request: Request) -> Any:
    board = board_of(venue.market, request.required("contract"))
    with_id = request.query.get("with_id", "").lower() == "true"
    return bodies.book_body(board, request.integer("limit", 10, 1, 50), venue.now, with_id=with_id)


def _trades(venue: RunningVenue, request: Request) -> Any:
    name, kind = request.query.get("contract", ""), request.query.get("type", "")
    if kind not in ("", "C", "P"):
        raise RestError(400, "INVALID_PARAM_VALUE", "type must be C or P")
    boards = [board_of(venue.market, name)] if name else list(venue.market.contracts.values())
    wanted = [board for board in boards if kind in ("", "C" if board.contract.is_call else "P")]
    rows = sorted((row for board in wanted for row in board.trades), key=lambda row: row.event.time, reverse=True)
    return [bodies.trade_body(row) for row in page(rows, request, lambda row: row.event.time)]


REST_INTERVALS = ("1m", "5m", "15m", "30m", "1h")


def _candlesticks(venue: RunningVenue, request: Request) -> Any:
    name = request.required("contract")
    board_of(venue.market, name.removeprefix("mark_").removeprefix("index_"))
    return [bodies.bar_body(bar) for bar in _bars(venue, request, name)]


def _underlying_candlesticks(venue: RunningVenue, request: Request) -> Any:
    name = underlying_of(venue.market, request.required("underlying")).name
    return [{**bodies.bar_body(bar), "sum": bodies.amount(bar)} for bar in _bars(venue, request, name)]


def _bars(venue: RunningVenue, request: Request, name: str) -> list[Bar]:
    """The candles of `name`, oldest first."""
    interval = request.query.get("interval", "5m")
    if interval not in REST_INTERVALS:
        raise RestError(400, "INVALID_PARAM_VALUE", f"interval must be one of {', '.join(REST_INTERVALS)}")
    series = venue.market.series(name)
    bars = () if series is None else series.bars(INTERVALS[interval])
    return page(bars, request, lambda bar: bar.start)[::-1]


def _settlements(venue: RunningVenue, request: Request) -> Any:
    underlying = underlying_of(venue.market, request.required("underlying")).name
    rows = (row for row in reversed(venue.market.settlements) if row.contract.underlying == underlying)
    return [bodies.settlement_body(row) for row in page(rows, request, lambda row: row.time)]


def _settlement(venue: RunningVenue, request: Request) -> Any:
    underlying_of(venue.market, request.required("underlying"))
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
    Route("GET", "/options/underlying/candlesticks", _underlying_candlesticks),
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
