"""Where the PnL of a run comes from: delta, gamma, vega, theta, trading, fees, and what these do not explain.

Owns `Attribution` and its formulas. The PnL of a contract is exact, cash and marks alone, so that its parts sum to it to
the last digit. It never decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import attrs

from strikeloop.contracts import DAY_NS, Contract, ContractId
from strikeloop.encoding import plain
from strikeloop.events import ContractSettled, Filled, PositionUpdated
from strikeloop.margin import trading_fee
from strikeloop.portfolio import Portfolio, Position
from strikeloop.pricing import Greeks
from strikeloop.summary.market import Look, Market, market_of

PARTS = ("delta", "gamma", "vega", "theta", "trading")
"""What is computed; fees and the rest follow exactly."""
ZERO, ONE = Decimal(0), Decimal(1)
_PLACES = Decimal("1e-8")


@attrs.define(eq=False)
class Trips:
    """Round trips, from flat to flat, each with its fees: how many won and lost, and how much."""

    won: int = 0
    lost: int = 0
    even: int = 0
    gained: Decimal = ZERO
    given: Decimal = ZERO

    def add(self, pnl: Decimal) -> None:
        if pnl > 0:
            self.won, self.gained = self.won + 1, self.gained + pnl
        elif pnl < 0:
            self.lost, self.given = self.lost + 1, self.given - pnl
        else:
            self.even += 1

    @property
    def count(self) -> int:
        return self.won + self.lost + self.even


@attrs.define(eq=False)
class Line:
    """One contract: what was paid and received, what is held, and what the greeks explain so far."""

    contract: ContractId
    specification: Contract | None
    look: Look
    size: Decimal = ZERO
    cash: Decimal = ZERO
    """Premiums and settlements, before fees."""
    fees: Decimal = ZERO
    begun: Decimal = ZERO
    """What the position that the run began with was worth."""
    parts: list[float] = attrs.field(factory=lambda: [0.0] * len(PARTS))
    fills: int = 0
    traded: Decimal = ZERO
    """Contracts bought and sold."""
    opened: int | None = None
    closed: int | None = None
    settle_price: Decimal | None = None
    trip: Decimal = ZERO
    """Cash less fees when the position was opened."""

    @property
    def multiplier(self) -> Decimal:
        return ONE if self.specification is None else self.specification.multiplier

    def value(self) -> Decimal:
        """What the position is worth at the last mark."""
        return ZERO if not self.size or self.look.mark is None else self.worth(self.size, self.look.mark)

    def worth(self, size: Decimal, mark: float) -> Decimal:
        return Decimal(repr(mark)) * size * self.multiplier


class Attribution:
    """Follows every contract of the run. `parts` and `fees` are running sums over all of them; `trips` the closed round trips.

    Theory: between two looks at a contract that is held, with the greeks of the earlier look and u = size · multiplier,

    | part | formula |
    |---|---|
    | delta | u · delta · ΔF, F the forward of the expiry |
    | gamma | u · ½ · gamma · ΔF² |
    | vega | u · vega · 100 · ΔIV, IV the venue's mark volatility, vega per volatility point |
    | theta | u · theta · Δt, in days |
    | trading | (mark − price) · size · multiplier of each fill; the middle of a quote that is newer stands in for the mark |
    | fees | what trades and settlements cost, by the contract's rates where the venue does not say |
    | rest | the PnL less all of these: higher orders, settlement against the last mark, whatever has no greeks |

    A look is an update of the position, or a fill.
    """

    def __init__(self, portfolio: Portfolio) -> None:
        self._portfolio = portfolio
        self.lines: dict[ContractId, Line] = {}
        self.parts = [0.0] * len(PARTS)
        self.fees = self.traded = ZERO
        self.fees_computed = 0
        """Fills of which the venue did not say the fee."""
        self.trips = Trips()

    def on_position(self, event: PositionUpdated, *, is_start: bool) -> Line | None:
        """A position with its mark. Before the run starts its size is what the run begins with; after, fills tell sizes."""
        line = self.lines.get(event.contract)
        if line is None:
            if not event.size or not is_start:
                return None
            line = self._line(event.contract, event.received)
        self._move(line, self._look(event))
        if is_start:
            line.size, line.opened = event.size, event.received
            line.begun = line.trip = line.value()
        return line

    def on_fill(self, event: Filled, market: Market | None = None) -> Line:
        """A trade: first what the market (as it is now) did until then, then the size."""
        line = self.lines.get(event.contract)
        if line is None:
            line = self._line(event.contract, event.received)
        market = market_of(self._portfolio, event.contract) if market is None else market
        look = market.fresh(event.received)
        if look.mark is None:
            look.mark = float(event.price)
        self._move(line, look)
        self._trade(line, event, look.mark, market)
        return line

    def on_settled(self, event: ContractSettled) -> None:
        """A contract expired: what it paid, against its last mark, is part of the rest."""
        line = self.lines.get(event.contract)
        if line is None:
            return
        line.cash += event.pnl
        line.settle_price = event.settle_price
        self._pay(line, event.fee)
        if line.size:
            self._close(line, event.received)
        line.size = ZERO

    # ---- what came of it ----

    def record(self, positions: Iterable[Position] = ()) -> dict[str, Any]:
        """`contracts`, `expiries` and `total` in JSON types, amounts as text. `positions` are those that the account holds at the end."""
        held = {position.contract: position.size for position in positions}
        contracts = [self._row(line, held.get(line.contract, ZERO)) for line in self.lines.values()]
        by_expiry: dict[int, list[dict[str, Any]]] = {}
        for row in contracts:
            if row["expiry"] is not None:
                by_expiry.setdefault(row["expiry"], []).append(row)
        expiries = [{"expiry": expiry, "contracts": len(rows), **_sums(rows)} for expiry, rows in sorted(by_expiry.items())]
        return {
            "total": _told(_sums(contracts)),
            "expiries": [_told(row) for row in expiries],
            "contracts": [_told(row) for row in contracts],
        }

    def _row(self, line: Line, size: Decimal) -> dict[str, Any]:
        known = line.specification
        pnl, parts = _pnl(line), [Decimal(repr(part)).quantize(_PLACES) for part in line.parts]
        return {
            "contract": line.contract,
            "adapter": line.contract.adapter,
            "underlying": "" if known is None else known.underlying,
            "kind": "" if known is None else known.kind.value,
            "strike": None if known is None else known.strike,
            "expiry": None if known is None else known.expiry,
            "opened": line.opened,
            "closed": line.closed if not line.size else None,
            "size": size,
            "mark_price": line.look.mark if line.size else None,
            "settle_price": line.settle_price,
            "fills": line.fills,
            "traded": line.traded,
            "pnl": pnl,
            **dict(zip(PARTS, parts, strict=True)),
            "fees": -line.fees,
            "rest": pnl + line.fees - sum(parts, ZERO),
        }

    # ---- inside ----

    def _line(self, contract: ContractId, time: int) -> Line:
        line = Line(contract, self._portfolio.contracts.get(contract), Look(time, None, None, None, None))
        self.lines[contract] = line
        return line

    def _look(self, event: PositionUpdated) -> Look:
        """The mark, and the forward that belongs to it."""
        market = market_of(self._portfolio, event.contract, is_marked=event.mark_price is not None)
        mark = market.mark if event.mark_price is None else event.mark_price
        greeks = market.greeks if event.delta is None else _greeks(event)
        return Look(event.received, mark, market.underlying, None if market.ticker is None else market.ticker.mark_iv, greeks)

    def _move(self, line: Line, now: Look) -> None:
        """The market went from the line's last look to this one while `size` was held."""
        before = line.look
        if now.mark is None:
            now.mark = before.mark
        line.look = now
        greeks = before.greeks
        if greeks is None or not line.size:
            return
        units = float(line.size * line.multiplier)
        if now.forward is not None and before.forward is not None:
            moved = now.forward - before.forward
            self._add(line, 0, units * greeks.delta * moved)
            self._add(line, 1, units * 0.5 * greeks.gamma * moved * moved)
        if now.iv is not None and before.iv is not None:
            self._add(line, 2, units * greeks.vega * 100.0 * (now.iv - before.iv))
        self._add(line, 3, units * greeks.theta * (now.time - before.time) / DAY_NS)

    def _trade(self, line: Line, event: Filled, mark: float, market: Market) -> None:
        size, multiplier, received = event.size, line.multiplier, event.received
        paid = event.price * size * multiplier
        self._add(line, 4, float(Decimal(repr(mark)) * size * multiplier - paid))
        self.traded += abs(paid)
        line.fills += 1
        line.traded += abs(size)
        fee, before, after = self._fee(line, event, market), line.size, line.size + size
        if before and before * after < 0:  # through zero: the rest of the fill opens the other side
            share = fee * abs(before / size)
            line.cash += event.price * before * multiplier
            self._pay(line, share)
            self._close(line, received)
            self._open(line, received)
            line.cash -= event.price * after * multiplier
            self._pay(line, fee - share)
        else:
            if not before:
                self._open(line, received)
            line.cash -= paid
            self._pay(line, fee)
            if before and not after:
                self._close(line, received)
        line.size = after

    def _fee(self, line: Line, event: Filled, market: Market) -> Decimal:
        """What the venue charged; where it did not say, what the contract's rates come to, as a taker unless it says otherwise."""
        if event.fee is not None or line.specification is None:
            return event.fee or ZERO
        self.fees_computed += 1
        price = market.index or market.underlying
        index = event.price if price is None else Decimal(repr(price))
        return trading_fee(line.specification, event.size, event.price, index, is_maker=bool(event.is_maker))

    def _open(self, line: Line, time: int) -> None:
        line.trip = line.cash - line.fees
        line.opened = time if line.opened is None else line.opened

    def _close(self, line: Line, time: int) -> None:
        line.closed = time
        self.trips.add(line.cash - line.fees - line.trip)

    def _pay(self, line: Line, fee: Decimal) -> None:
        line.fees += fee
        self.fees += fee

    def _add(self, line: Line, part: int, amount: float) -> None:
        line.parts[part] += amount
        self.parts[part] += amount


def _pnl(line: Line) -> Decimal:
    return line.cash - line.fees + line.value() - line.begun


def _greeks(event: PositionUpdated) -> Greeks:
    return Greeks(delta=event.delta or 0.0, gamma=event.gamma or 0.0, vega=event.vega or 0.0, theta=event.theta or 0.0)


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """The row in JSON types, amounts without idle zeros."""
    return {name: amount(value) if isinstance(value, Decimal) else plain(value) for name, value in row.items()}


def amount(value: Decimal) -> str:
    """Money as text, exactly, without idle zeros.

    >>> amount(Decimal("100.500")), amount(Decimal("1E+5"))
    ('100.5', '100000')
    """
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _sums(rows: Iterable[dict[str, Any]]) -> dict[str, Decimal]:
    rows = list(rows)
    return {name: sum((row[name] for row in rows), ZERO) for name in ("pnl", *PARTS, "fees", "rest")}
