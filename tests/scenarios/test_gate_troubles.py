"""Everything that goes wrong between a user and Gate, as a run meets it: each leads to a state or an error that says what to do.

The same rows stand in the troubleshooting table of plugins/gate/README.md.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from strikeloop import AlertRaised, ChannelRefused, StreamLost
from strikeloop.live import run, status_of
from strikeloop.testing.faults import Requests, Reset, Respond, Responses, Rule, html_page, redirect, server_error, too_many_requests
from strikeloop.wire import Secret
from strikeloop_venue.served import Faults
from tests.scenarios.gate_world import trading

pytestmark = pytest.mark.anyio

ACCOUNT, ORDERS = "/options/accounts", "/options/orders"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end nobody waits for orders in doubt."""
    monkeypatch.setattr(run, "STOP_S", 0.3)


def says(status: int, label: str, message: str = "said so") -> Respond:
    return Respond(status, json.dumps({"label": label, "message": message}))


def always(method: str, path: str, answer: Any) -> Rule:
    return Rule(Requests(method, path), answer, times=None)


# ---- credentials and rights


@pytest.mark.parametrize(
    ("rules", "settings", "label", "cure"),
    [
        ((), {"key": Secret("another-key")}, "INVALID_KEY", "check key"),
        ((), {"secret": Secret("another-secret")}, "INVALID_SIGNATURE", "check secret"),
        ((always("GET", ACCOUNT, says(403, "FORBIDDEN")),), {}, "FORBIDDEN", "give the key options rights"),
        ((always("GET", ACCOUNT, says(403, "IP_FORBIDDEN")),), {}, "IP_FORBIDDEN", "add it to the key's IP whitelist"),
        ((always("GET", ACCOUNT, html_page(403)),), {}, "HTTP 403", "check rest_url and this machine's address"),
    ],
    ids=["key", "secret", "permission", "address", "gateway"],
)
async def test_credentials_that_are_refused_stop_the_account_and_nothing_is_sent(
    rules: tuple[Rule, ...], settings: dict[str, Any], label: str, cure: str
) -> None:
    async with trading(*rules, **settings) as world:
        await world.until(lambda: world.said(AlertRaised))
        (alert,) = world.said(AlertRaised)
        assert (alert.topic, alert.severity.value) == ("credentials", "critical")
        assert label in alert.text
        assert cure in alert.text
        assert world.session.state == "auth-failed"
        assert not world.live.started
        assert not world.proxy.those(Requests("POST"))
        assert len(world.proxy.those(Requests("GET", ACCOUNT))) <= 3


async def test_a_key_that_may_only_read_has_its_orders_rejected_with_the_cure() -> None:
    async with trading(always("POST", ORDERS, says(403, "READ_ONLY"))) as world:
        await world.ready()
        told = await world.told(world.bid(), "rejected")
        assert "READ_ONLY" in told.reason
        assert "give the key options trading rights" in told.reason


async def test_an_account_that_was_never_funded_has_nothing_and_its_orders_say_how_to_open_it() -> None:
    nobody = says(400, "USER_NOT_FOUND", "please transfer funds first")
    rules = [always(method, path, nobody) for method, path in (("GET", ACCOUNT), ("GET", "/options/positions"), ("POST", ORDERS))]
    async with trading(*rules) as world:
        await world.ready()
        balance = world.live.engine.portfolio.balance
        assert balance is not None
        assert balance.total == balance.available == 0
        told = await world.told(world.bid(), "rejected")
        assert "transfer USDT to the options account" in told.reason


async def test_a_subscription_that_is_refused_for_its_user_id_blocks_orders_and_leaves_the_other_channels() -> None:
    faults = Faults(refusals={"options.orders": (2, "invalid argument: user id")})
    async with trading(faults=faults) as world:
        await world.until(lambda: world.said(ChannelRefused))
        await world.until(lambda: world.session.last_reconciled is not None)
        refused = world.said(ChannelRefused)[0]
        assert (refused.channel, refused.code, refused.message) == ("options.orders", "2", "invalid argument: user id")
        states = {status.channel.name: status.state.value for status in world.session.channels}
        assert states.pop("options.orders") == "refused"
        assert set(states.values()) == {"confirmed"}
        assert world.session.connections == 1
        assert (world.live.started, status_of(world.live)["state"]) == (False, "degraded")
        assert [adapter for adapter, _ in world.live.engine.blocks] == ["gate"]


# ---- what is asked for


async def test_an_underlying_that_the_venue_does_not_have_is_named(anyio_backend: str) -> None:
    async with trading(underlyings=("DOGE_USDT",)) as world:
        feed = world.live.feeds["gate"].session
        await world.until(lambda: world.said(StreamLost))
        assert (feed.state, world.live.started) == ("down", False)
        assert "INVALID_PARAM_VALUE: underlying DOGE_USDT not found" in world.said(StreamLost)[0].reason


async def test_a_contract_that_the_venue_no_longer_lists_is_named_in_the_orders_reason() -> None:
    async with trading(always("POST", ORDERS, says(400, "CONTRACT_NOT_FOUND", "contract X not found"))) as world:
        await world.ready()
        told = await world.told(world.bid(), "rejected")
        assert "CONTRACT_NOT_FOUND: contract X not found - the venue lists no such contract" in told.reason


# ---- time


@pytest.mark.parametrize("skew_s", [-3_600.0, 3_600.0])
async def test_a_clock_that_is_an_hour_off_does_no_harm(skew_s: float) -> None:
    async with trading(faults=Faults(skew_s=skew_s)) as world:
        await world.ready()
        client_id = world.bid()
        await world.told(client_id, "open")
        world.cancel(client_id)
        await world.told(client_id, "canceled")
        await world.until(lambda: any(alert.topic == "clock" for alert in world.said(AlertRaised)))
        assert {alert.topic for alert in world.said(AlertRaised)} == {"go", "clock"}


async def test_a_clock_that_jumps_while_the_run_goes_on_costs_one_order_at_most() -> None:
    async with trading() as world:
        await world.ready()
        world.server.venue.clock.skew_s = 3_600.0
        first = world.bid()
        await world.until(lambda: world.state(first) in ("rejected", "open"))
        await world.adapter.account.snapshot()
        await world.told(world.bid(), "open")


# ---- limits and broken answers


@pytest.mark.parametrize("answer", [too_many_requests(), too_many_requests(1)], ids=["no-headers", "retry-after"])
async def test_an_order_over_the_limit_is_rejected_and_the_next_waits_for_its_turn(answer: Respond) -> None:
    async with trading(Rule(Requests("POST", ORDERS), answer)) as world:
        await world.ready()
        told = await world.told(world.bid(), "rejected")
        assert "TOO_MANY_REQUESTS" in told.reason
        await world.told(world.bid(), "open")


async def test_a_query_over_the_limit_delays_the_snapshot_and_no_cancel() -> None:
    async with trading() as world:
        await world.ready()
        client_id = world.bid()
        await world.told(client_id, "open")
        world.proxy.add(always("GET", "/options/", too_many_requests(30)))
        with pytest.raises(Exception, match="TOO_MANY_REQUESTS"):
            await world.adapter.account.snapshot()
        world.cancel(client_id)
        await world.told(client_id, "canceled")


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (server_error(502), "HTTP 502"),
        (server_error(504), "HTTP 504"),
        (says(500, "SERVER_ERROR"), "SERVER_ERROR"),
        (html_page(), "not JSON"),
        (redirect("http://127.0.0.2/api/v4/options/orders"), "HTTP 307"),
    ],
    ids=["502", "504", "server-error", "html", "redirect"],
)
async def test_an_order_whose_answer_tells_nothing_is_unknown_and_never_sent_again(answer: Respond, word: str) -> None:
    async with trading(Rule(Requests("POST", ORDERS), answer)) as world:
        await world.ready()
        client_id = world.bid()
        told = await world.told(client_id, "unknown")
        assert told.reason.startswith("no answer: POST /options/orders: ")
        assert word in told.reason
        assert len(world.proxy.those(Requests("POST", ORDERS))) == 1


async def test_an_order_that_arrived_though_its_answer_broke_is_found_by_its_text() -> None:
    async with trading(Rule(Responses("POST", ORDERS), Reset())) as world:
        await world.ready()
        client_id = world.bid()
        await world.told(client_id, "open")
        world.cancel(client_id)
        await world.told(client_id, "canceled")
        assert len(world.proxy.those(Requests("POST", ORDERS))) == 1


@pytest.mark.parametrize("answer", [server_error(502), html_page(), too_many_requests(1)], ids=["502", "html", "429"])
async def test_a_cancel_whose_answer_broke_is_made_again(answer: Respond) -> None:
    async with trading(Rule(Requests("DELETE", ORDERS), answer)) as world:
        await world.ready()
        client_id = world.bid()
        await world.told(client_id, "open")
        world.cancel(client_id)
        await world.told(client_id, "canceled")
        assert len(world.proxy.those(Requests("DELETE", ORDERS))) == 2
