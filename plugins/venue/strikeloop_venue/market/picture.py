"""A generated market as a picture: the path of the index, volatility over time, and the smile of each expiry.

Owns what is read off the events and how it is drawn. The page holds its script; it asks no network.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from strikeloop import Contract, ContractListed, Event, TickerUpdated, UnderlyingPriced
from strikeloop_venue.market.expiries import SECOND
from strikeloop_venue.market.generated import GeneratedMarket

_SMILES = 3
"""How many moments the smiles are shown at."""
_MOST_POINTS = 2_000


@attrs.define
class Sketch:
    """What the picture shows. `smiles[k]` are (contract, forward, volatility) at the moment `moments[k]`, ns UTC."""

    moments: tuple[int, ...]
    path: list[tuple[int, float]] = attrs.field(factory=list)
    money: dict[int, list[tuple[int, float]]] = attrs.field(factory=dict)
    """Volatility nearest to the money over time, for each expiry."""
    smiles: list[list[tuple[Contract, float, float]]] = attrs.field(factory=list)


def sketch(market: GeneratedMarket) -> Sketch:
    """Read the market once, from its first event to its last. Raises ValueError for one without end."""
    if market.duration_s is None:
        raise ValueError("a market without end cannot be drawn; give duration_s")
    source, length = market.open("venue"), market.duration_s * SECOND
    found = Sketch(tuple(market.begin + length * part // (_SMILES + 1) for part in range(1, _SMILES + 1)))
    _read(source.events(), {contract.id: contract for contract in source.contracts()}, found, max(SECOND, length // _MOST_POINTS))
    return found


def _read(events: Iterable[Event], contracts: dict[Any, Contract], found: Sketch, pause: int) -> None:
    latest: dict[Any, TickerUpdated] = {}
    due = 0
    for event in events:
        if isinstance(event, TickerUpdated):
            latest[event.contract] = event
        elif isinstance(event, ContractListed):
            contracts[event.contract] = event.specification
        elif isinstance(event, UnderlyingPriced) and event.time >= due:
            due = event.time + pause
            latest = {contract: ticker for contract, ticker in latest.items() if contracts[contract].expiry > event.time}
            _note(event, latest, contracts, found)


def _note(event: UnderlyingPriced, latest: dict[Any, TickerUpdated], contracts: dict[Any, Contract], found: Sketch) -> None:
    found.path.append((event.time, event.price))
    rows = [
        (contracts[contract], ticker.underlying_price, ticker.mark_iv)
        for contract, ticker in latest.items()
        if ticker.underlying_price is not None and ticker.mark_iv is not None
    ]
    nearest: dict[int, tuple[float, float]] = {}
    for contract, forward, iv in rows:
        distance = abs(float(contract.strike) - forward)
        nearest[contract.expiry] = min(nearest.get(contract.expiry, (distance, iv)), (distance, iv))
    for expiry, (_, iv) in nearest.items():
        found.money.setdefault(expiry, []).append((event.time, iv))
    if len(found.smiles) < len(found.moments) and event.time >= found.moments[len(found.smiles)]:
        found.smiles.append(rows)


def draw(market: GeneratedMarket, out: Path) -> None:
    """Write the picture of the market to `out`, one HTML page. Raises ValueError, OSError; needs plotly."""
    from plotly import graph_objects  # noqa: PLC0415  # an extra: only who draws needs it
    from plotly.subplots import make_subplots  # noqa: PLC0415  # the same

    found = sketch(market)
    titles = ["index", "volatility at the money", *(f"smiles at {_moment(moment):%d %b %H:%M} UTC" for moment in found.moments)]
    figure = make_subplots(rows=3, cols=_SMILES, specs=[[{"colspan": _SMILES}, None, None]] * 2 + [[{}] * _SMILES], subplot_titles=titles)
    figure.add_trace(graph_objects.Scatter(**_line(found.path), line={"color": "#444"}, showlegend=False), 1, 1)
    expiries = sorted({contract.expiry for smile in found.smiles for contract, _, _ in smile} | set(found.money))
    for rank, expiry in enumerate(expiries):
        color, name = _PALETTE[rank % len(_PALETTE)], f"{_moment(expiry):%d %b}"
        style: dict[str, Any] = {"line": {"color": color}, "name": name, "legendgroup": name}
        figure.add_trace(graph_objects.Scatter(**_line(found.money.get(expiry, [])), **style), 2, 1)
        for column, smile in enumerate(found.smiles):
            points = sorted((float(contract.strike), iv) for contract, forward, iv in smile if _is_shown(contract, expiry, forward))
            xs, ys = [strike for strike, _ in points], [iv for _, iv in points]
            figure.add_trace(graph_objects.Scatter(x=xs, y=ys, mode="lines+markers", showlegend=False, **style), 3, 1 + column)
    heading = f"{market.underlying} · {market.scenario} · {market.process.kind} · seed {market.seed}"
    figure.update_layout(title=heading, height=1_000, template="plotly_white", legend_title="expiry")
    figure.update_yaxes(tickformat=".0%", row=2)
    figure.update_yaxes(tickformat=".0%", row=3)
    figure.write_html(out, include_plotlyjs=True)


_PALETTE = ("#3b6fb6", "#d1603d", "#3a8f5c", "#8a5aa8", "#b08a1e", "#4aa3a8", "#c2507d", "#6b6b6b")


def _is_shown(contract: Contract, expiry: int, forward: float) -> bool:
    """Whether the option belongs to the smile of this expiry: each strike by its option out of the money."""
    return contract.expiry == expiry and contract.is_call == (float(contract.strike) >= forward)


def _line(points: list[tuple[int, float]]) -> dict[str, Any]:
    return {"x": [_moment(time) for time, _ in points], "y": [value for _, value in points], "mode": "lines"}


def _moment(time: int) -> datetime:
    return datetime.fromtimestamp(time / SECOND, UTC)
