"""MarketMaker: two prices around the mark, lower the more it holds, and none on the side that is full."""

from __future__ import annotations

from decimal import Decimal

from strikeloop import AmendOrder, SubmitOrder, TimeInForce
from strikeloop_strategies import MarketMaker
from tests.plugins.risk.scene import CALL, Scene
from tests.strategies.days import holdings, played


def quotes(maker: MarketMaker, held: int) -> dict[str, Decimal | None]:
    """What it shows of one contract whose mark stands, holding so many of it."""
    scene = Scene(strategies=(maker,))
    scene.market()
    desk = next(iter(scene.engine.instances)).desk
    if held:
        desk.book_fill(CALL.id, Decimal(held))
    ticker = desk.ticker(CALL.id)
    assert ticker is not None
    return {side: maker._price(desk, CALL, ticker, is_buy=side == "buy") for side in ("buy", "sell")}


def test_without_inventory_both_prices_are_as_far_from_the_mark() -> None:
    flat = quotes(MarketMaker(half_width=0.02), 0)
    assert flat["buy"] is not None
    assert flat["sell"] is not None
    assert flat["buy"] < flat["sell"]
    assert flat["buy"] % CALL.tick == flat["sell"] % CALL.tick == 0


def test_inventory_moves_both_prices_against_it() -> None:
    maker = MarketMaker(half_width=0.02, skew=2.0, max_position=10)
    long, flat, short = (quotes(maker, held) for held in (5, 0, -5))
    for side in ("buy", "sell"):
        prices = [one[side] for one in (long, flat, short)]
        assert [price is None for price in prices] == [False] * 3
        assert prices[0] < prices[1] < prices[2]  # type: ignore[operator]  # none of them is None


def test_a_side_that_is_full_is_not_quoted() -> None:
    maker = MarketMaker(max_position=10)
    assert quotes(maker, 10)["buy"] is None
    assert quotes(maker, -10)["sell"] is None
    assert quotes(maker, 10)["sell"] is not None


def test_its_quotes_are_post_only_follow_the_mark_and_never_outgrow_the_inventory() -> None:
    run = played(MarketMaker(half_width=0.01, max_position=3, requote_s=600))
    orders = [command for command in run.commands if isinstance(command, SubmitOrder)]
    assert {order.tif for order in orders} == {TimeInForce.POC}
    assert any(isinstance(command, AmendOrder) for command in run.commands)
    assert run.fills
    assert all(abs(size) <= 3 for held in holdings(run) for size in held.values())
