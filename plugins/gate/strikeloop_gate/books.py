"""What the venue's books say of the account: orders, executions, positions, cash, settlements, portfolio risk.

Owns one method for each private listing of REST v4, its paging and what its rows mean as events. It only asks: nothing
here places or changes anything, and nothing is kept. Source: APIv4, sections Options and Unified.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any, Final, TypeVar

import attrs
from msgspec import UNSET

from strikeloop import (
    BalanceUpdated,
    ContractSettled,
    Event,
    Filled,
    LedgerPosted,
    OrderUpdated,
    Origin,
    PortfolioRiskUpdated,
    PositionClosed,
    PositionUpdated,
    VenueError,
)
from strikeloop_gate import ledger, orders
from strikeloop_gate.figures import figure, whole
from strikeloop_gate.refusals import NO_FUNDS, NO_SUCH_ORDER
from strikeloop_gate.rest import Rest
from strikeloop_gate.restforms import (
    AccountDetail,
    Answer,
    RestAccount,
    RestClosedPosition,
    RestLedgerEntry,
    RestOrder,
    RestPosition,
    RestSettlement,
    RestTrade,
    RiskUnits,
    listed,
)
from strikeloop_gate.sources import SECOND_NS, Source, contract_id, identity, moment
from strikeloop_gate.strictjson import MalformedError

ORDER, ORDERS = Answer(RestOrder), Answer(list[RestOrder])
POSITION, POSITIONS, TRADES = Answer(RestPosition), Answer(list[RestPosition]), Answer(list[RestTrade])
ACCOUNT, DETAIL, ENTRIES = Answer(RestAccount), Answer(AccountDetail), Answer(list[RestLedgerEntry])
CLOSES, SETTLEMENTS, RISK_UNITS = Answer(list[RestClosedPosition]), Answer(list[RestSettlement]), Answer(RiskUnits)
PAGE: Final = 1_000
MOST_PAGES: Final = 20
PORTFOLIO_MARGIN: Final = 2

E = TypeVar("E", bound=Event)
Row = tuple[Any, Any, Mapping[str, Any]]
Pairs = tuple[tuple[str, str], ...]


@attrs.frozen
class Standing:
    """The account at one moment: its balance, and how the venue margins it."""

    balance: BalanceUpdated
    user: str
    margin_mode: int
    """0 classic, 1 cross currency, 2 portfolio, 3 single currency."""
    equity: Decimal

    @property
    def is_portfolio(self) -> bool:
        return self.margin_mode == PORTFOLIO_MARGIN


@attrs.define(eq=False)
class Books:
    """The private listings of one account, as events with origin snapshot.

    `since` and `until` are ns UTC, `until` 0 is now. A listing is read to its end, at most 20,000 rows of it, page by
    page; what a page repeats because something was added meanwhile is left out. Everything raises VenueError,
    AuthRejectedError.
    """

    name: str
    rest: Rest

    def source(self, origin: Origin = Origin.SNAPSHOT) -> Source:
        """Now, at the venue and here."""
        return Source(self.name, self.rest.clock.now(), self.rest.clock.local(), origin)

    async def user(self) -> str:
        """The user id. An options wallet exists from the first transfer on; the user does before that."""
        try:
            return (await self.account()).user
        except VenueError as exc:
            if exc.code != NO_FUNDS:
                raise
        [(detail, _, _)] = listed("GET /account/detail", DETAIL, await self.rest.get("/account/detail"))
        return identity(detail.user_id, "user_id")

    async def account(self) -> Standing:
        """GET /options/accounts. Raises VenueError with code USER_NOT_FOUND where it was never funded."""
        path = "/options/accounts"
        [(item, _, _)] = listed(f"GET {path}", ACCOUNT, await self.rest.get(path))
        with _named(path):
            return Standing(
                balance=ledger.account(self.source(), item),
                user=identity(item.user, "user"),
                margin_mode=0 if item.margin_mode is UNSET else item.margin_mode,
                equity=figure(item.total if item.equity is UNSET else item.equity, "equity"),
            )

    async def orders(self, status: str, *, contract: str = "", underlying: str = "", since: int = 0, until: int = 0) -> list[OrderUpdated]:
        """GET /options/orders: those that are `open`, or `finished`."""
        query = (("status", status), *_scope(contract, underlying), *_window(since, until))
        return await self._all("/options/orders", query, ORDERS, self._order, lambda order: order.order_id)

    async def order(self, order_id: str) -> OrderUpdated | None:
        """GET /options/orders/{id}; None where the venue does not know it."""
        path = f"/options/orders/{order_id}"
        try:
            body = await self.rest.get(path, urgent=True)
        except VenueError as exc:
            if exc.code in NO_SUCH_ORDER or exc.code == 404:
                return None
            raise
        [(item, _, beyond)] = listed(f"GET {path}", ORDER, body)
        try:
            return orders.order_updated(self.source(), item, beyond)
        except MalformedError as exc:
            raise VenueError(f"GET {path}: {exc}") from None

    async def named(self, client_id: str, *, contract: str = "") -> OrderUpdated | None:
        """The order with this text, among open and then among finished ones.

        A text is not unique at the venue; ids grow, so the latest is the one with the largest. In this order none is
        missed: an order leaves the open ones only for the finished ones.
        """
        for status in ("open", "finished"):
            query = (("status", status), *_scope(contract, ""))
            is_it = partial(_has_text, client_id)
            same: list[OrderUpdated] = [
                order for order in await self._rows("/options/orders", query, ORDERS, self._order, is_it) if is_it(order)
            ]
            if same:
                return max(same, key=lambda order: (len(order.order_id or ""), order.order_id or ""))
        return None

    async def trades(self, underlying: str, *, contract: str = "", since: int = 0, until: int = 0) -> list[Filled]:
        """GET /options/my_trades, oldest first."""
        query = (*_scope(contract, underlying), *_window(since, until, always=True))
        build: Callable[..., Iterable[Any]] = ledger.trade
        found = await self._all("/options/my_trades", query, TRADES, build, lambda fill: (fill.contract, fill.trade_id, fill.order_id))
        return sorted(found, key=lambda fill: (fill.time, fill.contract, len(fill.trade_id), fill.trade_id))

    async def positions(self, underlying: str = "") -> list[PositionUpdated]:
        """GET /options/positions; rows of size 0 occur."""
        path, query = "/options/positions", _scope("", underlying)
        rows = listed(f"GET {path}", POSITIONS, await self.rest.get(path, query))
        return list(self._built(path, rows, ledger.position))

    async def position(self, contract: str) -> PositionUpdated:
        """GET /options/positions/{contract}; of size 0 where there is none."""
        path = f"/options/positions/{contract}"
        found: Iterator[PositionUpdated] = self._built(path, listed(f"GET {path}", POSITION, await self.rest.get(path)), ledger.position)
        return next(found)

    async def entries(self, *, kind: str = "", since: int = 0, until: int = 0) -> list[LedgerPosted]:
        """GET /options/account_book, oldest first; `kind` dnw, prem, fee, refr or set."""
        query = (*((("type", kind),) if kind else ()), *_window(since, until))
        build: Callable[..., Iterable[Any]] = ledger.entry
        found = await self._all("/options/account_book", query, ENTRIES, build)
        return sorted(found, key=lambda entry: entry.time)

    async def closes(self, underlying: str, *, contract: str = "") -> list[PositionClosed]:
        """GET /options/position_close, oldest first."""
        build: Callable[..., Iterable[Any]] = ledger.closed_position
        found = await self._all("/options/position_close", _scope(contract, underlying), CLOSES, build)
        return sorted(found, key=lambda closed: closed.time)

    async def settlements(self, underlying: str, *, contract: str = "", since: int = 0, until: int = 0) -> list[ContractSettled]:
        """GET /options/my_settlements, oldest first."""
        query = (*_scope(contract, underlying), *_window(since, until))
        found = await self._all("/options/my_settlements", query, SETTLEMENTS, _settled, lambda event: (event.contract, event.time))
        return sorted(found, key=lambda event: (event.time, event.contract))

    async def risk(self, equity: Decimal) -> PortfolioRiskUpdated:
        """GET /unified/risk_units, summed over the coins: the venue's own figures, in portfolio margin mode only.

        It states neither leverage nor value at risk; effective leverage here is maintenance margin over `equity`.
        """
        path = "/unified/risk_units"
        [(item, twin, _)] = listed(f"GET {path}", RISK_UNITS, await self.rest.get(path))
        source = self.source(Origin.VENUE)
        with _named(path):
            initial = sum((figure(unit.initial_margin, "initial_margin") for unit in item.risk_units), Decimal(0))
            maintenance = sum((figure(unit.maintain_margin, "maintain_margin") for unit in item.risk_units), Decimal(0))
        return PortfolioRiskUpdated(
            time=source.time,
            received=source.received,
            origin=source.origin,
            adapter=self.name,
            total_delta=sum(unit.delta for unit in twin.risk_units) + 0.0,
            total_gamma=sum(unit.gamma for unit in twin.risk_units) + 0.0,
            total_vega=sum(unit.vega for unit in twin.risk_units) + 0.0,
            total_theta=sum(unit.theta for unit in twin.risk_units) + 0.0,
            margin_occupied=initial,
            margin_required=maintenance,
            effective_leverage=float(maintenance / equity) if equity > 0 else 0.0,
        )

    # ---- inside ----

    @staticmethod
    def _order(source: Source, item: Any, twin: Any, raw: Mapping[str, Any]) -> Iterator[OrderUpdated]:  # noqa: ARG004 - the form of a builder
        yield orders.order_updated(source, item, raw)

    def _built(self, path: str, rows: list[Row], build: Callable[..., Iterable[Any]]) -> Iterator[Any]:
        source = self.source()
        with _named(path):
            for row in rows:
                yield from build(source, *row)

    async def _rows(
        self, path: str, query: Pairs, form: Answer, build: Callable[..., Iterable[E]], wanted: Callable[[E], bool] | None = None
    ) -> list[E]:
        """A listing page by page, to its end or to the first page with a row that is `wanted`. Raises VenueError when it has no end."""
        found: list[E] = []
        for number in range(MOST_PAGES):
            window = (*query, ("limit", str(PAGE)), ("offset", str(number * PAGE)))
            rows = listed(f"GET {path}", form, await self.rest.get(path, window, urgent=wanted is not None))
            found += self._built(path, rows, build)
            if len(rows) < PAGE or (wanted is not None and any(map(wanted, found))):
                return found
        raise VenueError(f"GET {path}: more than {MOST_PAGES * PAGE} rows; ask for a shorter time")

    async def _all(
        self, path: str, query: Pairs, form: Answer, build: Callable[..., Iterable[E]], key: Callable[[E], Hashable] = id
    ) -> list[E]:
        """Every row of a listing; of rows with one `key` the first, which is the newest."""
        found = await self._rows(path, query, form, build)
        return list({key(event): event for event in reversed(found)}.values())[::-1]


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Say of which request it is that a row cannot be understood."""
    try:
        yield
    except MalformedError as exc:
        raise VenueError(f"GET {path}: {exc}") from None


def _has_text(client_id: str, order: OrderUpdated) -> bool:
    return order.client_id == client_id


def _scope(contract: str, underlying: str) -> Pairs:
    return tuple((name, value) for name, value in (("underlying", underlying), ("contract", contract)) if value)


def _window(since: int, until: int, *, always: bool = False) -> Pairs:
    """`from` and `to` in seconds, the later one rounded up."""
    start = (("from", str(max(0, since) // SECOND_NS)),) if since > 0 or always else ()
    return (*start, *((("to", str(-(-until // SECOND_NS))),) if until else ()))


def _settled(source: Source, item: Any, twin: Any, raw: Mapping[str, Any]) -> Iterator[ContractSettled]:
    """A row of my_settlements states the cash of the whole position; the socket's states it per contract."""
    yield ContractSettled(
        time=moment(source, item),
        received=source.received,
        origin=source.origin,
        raw=raw,
        contract=contract_id(source.adapter, item.contract),
        settle_price=figure(item.settle_price, "settle_price"),
        size=whole(item.size, "size"),
        pnl=figure(item.settle_profit, "settle_profit"),
        fee=figure(item.fee, "fee"),
        realized_pnl=figure(item.realised_pnl, "realised_pnl"),
    )
