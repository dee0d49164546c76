"""strikeloop: what a strategy, a rule or an adapter is written with.

Owns the public names and nothing else. Each is looked up when it is first asked for (PEP 562), so that
`import strikeloop` loads nothing: listing plugins and `--help` stay quick, and a broken corner breaks only those
who use it. The other public modules are strikeloop.adapter, .venue, .wire, .pricing, .margin and .testing.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # type checkers know the name; the module `typing` takes longer to load than everything else here

if TYPE_CHECKING:
    from strikeloop.commands import (
        AmendOrder,
        Approved,
        CancelOrder,
        Command,
        Refused,
        Resized,
        Reviewable,
        SubmitOrder,
        TimeInForce,
        Verdict,
    )
    from strikeloop.contracts import Contract, ContractId, OptionKind
    from strikeloop.desk import Desk
    from strikeloop.drafts import draft, maker
    from strikeloop.encoding import Digest, canonical, described, record
    from strikeloop.errors import (
        AuthRejectedError,
        ConfigError,
        DecodeError,
        InvariantError,
        LinkLostError,
        OrderRejectedError,
        OutcomeUnknownError,
        PluginError,
        Problem,
        StateInUseError,
        StorageError,
        StrikeloopError,
        SubscriptionRefusedError,
        VenueError,
    )
    from strikeloop.events import (
        AccountChange,
        AccountEvent,
        AlertRaised,
        BalanceUpdated,
        BookUpdated,
        CandleClosed,
        ChannelRefused,
        ChannelSubscribed,
        ContractExpired,
        ContractListed,
        ContractSettled,
        Event,
        Filled,
        GapClosed,
        GapOpened,
        HaltRequested,
        HaltReset,
        HaltState,
        HaltUpdated,
        HooksTimed,
        HookTime,
        LedgerPosted,
        Liquidated,
        MarketChange,
        MmpTriggered,
        OrderRefused,
        OrderState,
        OrderUpdated,
        Origin,
        PluginFaulted,
        PortfolioRiskUpdated,
        PositionClosed,
        PositionUpdated,
        Quoted,
        Reconciled,
        RunStarted,
        RunStopping,
        Severity,
        StreamEvent,
        StreamLost,
        StreamOpened,
        StreamStale,
        TickerUpdated,
        TimerFired,
        Traded,
        UnderlyingPriced,
    )
    from strikeloop.exposure import Exposure
    from strikeloop.hooks import hookimpl, plugin, state
    from strikeloop.orders import Order
    from strikeloop.portfolio import Position
    from strikeloop.study import run_backtest
    from strikeloop.whatif import WhatIf

__all__ = [
    "AccountChange",
    "AccountEvent",
    "AlertRaised",
    "AmendOrder",
    "Approved",
    "AuthRejectedError",
    "BalanceUpdated",
    "BookUpdated",
    "CancelOrder",
    "CandleClosed",
    "ChannelRefused",
    "ChannelSubscribed",
    "Command",
    "ConfigError",
    "Contract",
    "ContractExpired",
    "ContractId",
    "ContractListed",
    "ContractSettled",
    "DecodeError",
    "Desk",
    "Digest",
    "Event",
    "Exposure",
    "Filled",
    "GapClosed",
    "GapOpened",
    "HaltRequested",
    "HaltReset",
    "HaltState",
    "HaltUpdated",
    "HookTime",
    "HooksTimed",
    "InvariantError",
    "LedgerPosted",
    "LinkLostError",
    "Liquidated",
    "MarketChange",
    "MmpTriggered",
    "OptionKind",
    "Order",
    "OrderRefused",
    "OrderRejectedError",
    "OrderState",
    "OrderUpdated",
    "Origin",
    "OutcomeUnknownError",
    "PluginError",
    "PluginFaulted",
    "PortfolioRiskUpdated",
    "Position",
    "PositionClosed",
    "PositionUpdated",
    "Problem",
    "Quoted",
    "Reconciled",
    "Refused",
    "Resized",
    "Reviewable",
    "RunStarted",
    "RunStopping",
    "Severity",
    "StateInUseError",
    "StorageError",
    "StreamEvent",
    "StreamLost",
    "StreamOpened",
    "StreamStale",
    "StrikeloopError",
    "SubmitOrder",
    "SubscriptionRefusedError",
    "TickerUpdated",
    "TimeInForce",
    "TimerFired",
    "Traded",
    "UnderlyingPriced",
    "VenueError",
    "Verdict",
    "WhatIf",
    "canonical",
    "described",
    "draft",
    "hookimpl",
    "maker",
    "plugin",
    "record",
    "run_backtest",
    "state",
]

_HOMES = (
    *("errors", "contracts", "commands", "events", "encoding", "drafts"),
    *("orders", "portfolio", "exposure", "whatif", "desk", "hooks", "study"),
)
"""The modules that own these names, from the ground up: a name is looked for no higher than where it lives."""


if not TYPE_CHECKING:  # a type checker that saw this would take any misspelt name for granted

    def __getattr__(name: str) -> object:
        if name in __all__:
            for home in _HOMES:
                module = import_module(f"{__name__}.{home}")
                if hasattr(module, name):
                    value = globals()[name] = getattr(module, name)
                    return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
