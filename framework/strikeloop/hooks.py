"""The hooks: what a plugin may implement, and how a class becomes a plugin.

Owns the specifications, the markers `hookimpl`, `plugin` and `state`, and the check that reports everything wrong
with a plugin class before a run. pluggy keeps the specifications and the order of calls; calling is
strikeloop.dispatch's business.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeVar, cast, dataclass_transform, get_args, get_type_hints, overload

import attrs
import pluggy

from strikeloop import events as e
from strikeloop.commands import AmendOrder, SubmitOrder, Verdict
from strikeloop.desk import Desk
from strikeloop.errors import PluginError, Problem

PROJECT = "strikeloop"
F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=type)
OnFault = Literal["cancel", "keep"]

_specification = pluggy.HookspecMarker(PROJECT)
_marker = pluggy.HookimplMarker(PROJECT)


@overload
def hookspec(function: F, /) -> F: ...
@overload
def hookspec(*, since: str = ..., instead: str = ...) -> Callable[[F], F]: ...
def hookspec(function: F | None = None, /, *, since: str = "0.1", instead: str = "") -> F | Callable[[F], F]:
    """Mark the specification of a hook: the version of the core that brought it, and `instead` what to do in its place once it goes.

    A hook with `instead` is still called; who implements it is warned, by `strikeloop check` and when a run begins.
    """

    def mark(specified: F) -> F:
        name = specified.__name__
        warning = FutureWarning(f"{name} will go: {instead}") if instead else None
        specified.__strikeloop_since__ = since  # type: ignore[attr-defined]  # read back by `since` and `instead_of`
        specified.__strikeloop_instead__ = instead  # type: ignore[attr-defined]  # as above
        return _specification(warn_on_impl=warning)(specified)

    return mark if function is None else mark(function)


def since(hook: str) -> str:
    """The version of the core that brought this hook."""
    return cast("str", getattr(Hooks, hook).__strikeloop_since__)


def instead_of(hook: str) -> str:
    """What to do in place of a hook that will go; "" of one that stays."""
    return cast("str", getattr(Hooks, hook).__strikeloop_instead__)


@overload
def hookimpl(function: F, /) -> F: ...
@overload
def hookimpl(*, tryfirst: bool = False, trylast: bool = False) -> Callable[[F], F]: ...
def hookimpl(function: F | None = None, /, *, tryfirst: bool = False, trylast: bool = False) -> F | Callable[[F], F]:
    """Mark a method as the implementation of the hook with its name.

    `tryfirst` and `trylast` move it before or behind those of the plugins that stand earlier in the config.
    """
    marked = _marker(tryfirst=tryfirst, trylast=trylast)
    return marked(function) if function is not None else marked


def state(default: Any = attrs.NOTHING, *, factory: Callable[[], Any] | None = None, init: Literal[False] = False) -> Any:
    """A field that is not a setting: what a plugin remembers while it runs.

    Use `factory=list` for a mutable start value: raises PluginError for a mutable `default`. `init` is there for type
    checkers, which learn from it that the constructor does not take the field.
    """
    if _is_mutable(default):
        raise PluginError(f"state({default!r}) would be shared by all instances: write state(factory={type(default).__name__})")
    if factory is not None:
        return attrs.field(factory=factory, init=init, metadata={"state": True})
    return attrs.field(default=default, init=init, metadata={"state": True})


@overload
@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(attrs.field, state))
def plugin(cls: C, /) -> C: ...
@overload
@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(attrs.field, state))
def plugin(*, on_fault: OnFault = "cancel") -> Callable[[C], C]: ...
def plugin(cls: C | None = None, /, *, on_fault: OnFault = "cancel") -> C | Callable[[C], C]:
    """Make a class a plugin: keyword-only attrs whose fields are settings, compared by identity.

    `on_fault` says what becomes of a strategy's working orders when one of its hooks raises: "cancel" or "keep".
    Raises PluginError for another `on_fault`, and for a setting whose default could be changed: all instances would share it.
    """
    if on_fault not in get_args(OnFault):
        raise PluginError(f'on_fault={on_fault!r} is unknown: write "cancel" or "keep"')

    def decorate(cls: C) -> C:
        made = attrs.define(cls, eq=False, kw_only=True, slots=False)
        for field in attrs.fields(made):
            if _is_mutable(field.default):
                raise PluginError(
                    f"{_where(cls)}: the default of {field.name} would be shared by all instances: use attrs.field(factory=…)"
                )
        made.__strikeloop_on_fault__ = on_fault  # type: ignore[attr-defined]  # read back by `on_fault_of`
        return made

    return decorate if cls is None else decorate(cls)


def on_fault_of(cls: type) -> OnFault:
    """What the class declared with `@plugin(on_fault=…)`; "cancel" where it declared nothing."""
    return cast("OnFault", getattr(cls, "__strikeloop_on_fault__", "cancel"))


class Hooks:
    """Every hook with its types and when it is called. An implementation takes any subset of the arguments."""

    @hookspec
    def on_start(self, event: e.RunStarted, desk: Desk) -> None:
        """The account is reconciled and the contracts are known; called once, before any other hook."""

    @hookspec
    def on_stop(self, event: e.RunStopping, desk: Desk) -> None:
        """The run ends; commands given here still leave."""

    @hookspec
    def on_position(self, event: e.PositionUpdated, desk: Desk) -> None:
        """The account's position in a contract changed, or its mark and greeks did."""

    @hookspec
    def on_balance(self, event: e.BalanceUpdated, desk: Desk) -> None:
        """The state of the account in a currency changed."""

    @hookspec
    def on_portfolio_risk(self, event: e.PortfolioRiskUpdated, desk: Desk) -> None:
        """The risk of the whole account was computed anew."""

    @hookspec
    def on_ledger(self, event: e.LedgerPosted, desk: Desk) -> None:
        """Cash moved: premium, fee, settlement, transfer."""

    @hookspec
    def on_settlement(self, event: e.ContractSettled | e.PositionClosed, desk: Desk) -> None:
        """A contract was settled, or a position went to zero by the venue's hand."""

    @hookspec
    def on_liquidation(self, event: e.Liquidated, desk: Desk) -> None:
        """The venue takes positions away."""

    @hookspec
    def on_contract(self, event: e.ContractListed | e.ContractExpired, desk: Desk) -> None:
        """A contract was listed or expired."""

    @hookspec
    def on_order(self, event: e.OrderUpdated, desk: Desk) -> None:
        """One of this instance's orders changed; rules see every order."""

    @hookspec
    def on_fill(self, event: e.Filled, desk: Desk) -> None:
        """One of this instance's orders traded; rules see every fill."""

    @hookspec
    def on_refused(self, event: e.OrderRefused, desk: Desk) -> None:
        """A command of this instance did not leave; rules see every refusal."""

    @hookspec
    def on_timer(self, event: e.TimerFired, desk: Desk) -> None:
        """A timer of this instance is due."""

    @hookspec
    def on_quote(self, event: e.Quoted, desk: Desk) -> None:
        """Best bid or ask of a watched contract changed."""

    @hookspec
    def on_trade(self, event: e.Traded, desk: Desk) -> None:
        """Somebody traded a watched contract."""

    @hookspec
    def on_book(self, event: e.BookUpdated, desk: Desk) -> None:
        """Depth of a watched contract."""

    @hookspec
    def on_ticker(self, event: e.TickerUpdated, desk: Desk) -> None:
        """Mark, IVs and greeks of a watched contract."""

    @hookspec
    def on_underlying(self, event: e.UnderlyingPriced, desk: Desk) -> None:
        """The index price of a watched underlying."""

    @hookspec
    def on_candle(self, event: e.CandleClosed, desk: Desk) -> None:
        """A bar of a watched contract is complete."""

    @hookspec
    def on_stream(self, event: e.StreamEvent, desk: Desk) -> None:
        """Something about a connection: opened, lost, reconciled, a channel refused, a gap."""

    @hookspec
    def on_alert(self, event: e.AlertRaised, desk: Desk) -> None:
        """Some plugin, or the engine, raised an alert."""

    @hookspec
    def on_fault(self, event: e.PluginFaulted, desk: Desk) -> None:
        """Some plugin raised in a hook."""

    @hookspec
    def on_timing(self, event: e.HooksTimed, desk: Desk) -> None:
        """Some plugin is slow, or none is any more; each ten seconds of a live run at most."""

    @hookspec
    def on_halt(self, event: e.HaltUpdated, desk: Desk) -> None:
        """The kill switch is in another state: halted, withdrawing orders, reducing positions, done with it, or armed again."""

    @hookspec
    def on_event(self, event: e.Event, desk: Desk) -> None:
        """Everything, market events of all contracts included; after the hook of the event's own kind."""

    @hookspec
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        """Judge an order or amendment before it leaves: None lets it pass, Refused stops it, Resized makes it smaller.

        Rules only. Every rule is asked and every reason is recorded; a rule that raises refuses whatever is not reduce-only.
        """


HOOKS: tuple[str, ...] = tuple(name for name in vars(Hooks) if not name.startswith("_"))
MARKET_HOOKS = frozenset({"on_quote", "on_trade", "on_book", "on_ticker", "on_underlying", "on_candle"})
OWNER_HOOKS = frozenset({"on_order", "on_fill", "on_refused", "on_timer"})


def _kinds() -> Iterator[tuple[type[e.Event], str]]:
    streams = tuple(kind for kind in vars(e).values() if isinstance(kind, type) and issubclass(kind, e.StreamEvent))
    for name in HOOKS:
        if name in ("on_event", "review_order"):
            continue
        annotation = get_type_hints(getattr(Hooks, name))["event"]
        for kind in getattr(annotation, "__args__", (annotation,)):
            yield from ((stream, name) for stream in streams) if kind is e.StreamEvent else ((kind, name),)


HOOK_OF: dict[type[e.Event], str] = dict(_kinds())
"""The hook that each class of event is delivered to."""


def settings_of(cls: type) -> tuple[attrs.Attribute[Any], ...]:
    """The fields of a plugin class that are settings."""
    return tuple(field for field in attrs.fields(cls) if field.init and not field.metadata.get("state"))


UNDERLYINGS = "underlyings"
"""The metadata of a setting that names underlyings: a table's keys, or a list's items. `strikeloop check` knows then whether they exist."""


def underlyings_in(made: Any, field: attrs.Attribute[Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """(key below the section, name) of every underlying that a setting names; words that the metadata excepts are none."""
    value = getattr(made, field.name)
    if UNDERLYINGS not in field.metadata or not isinstance(value, Mapping | tuple | list):
        return
    is_table = isinstance(value, Mapping)
    for name in value:
        if name not in field.metadata[UNDERLYINGS]:
            yield ((field.name, name) if is_table else (field.name,)), name


def hooks_of(cls: type) -> tuple[str, ...]:
    """The hooks a class implements, in the order of the specification."""
    return tuple(name for name in HOOKS if _options(getattr(cls, name, None)) is not None)


def problems(cls: type, kind: Literal["strategy", "risk", "sink"] = "strategy") -> list[Problem]:
    """Everything wrong with the hooks of a plugin class, each with file and line and the fix."""
    if not hasattr(cls, "__strikeloop_on_fault__"):
        return [Problem(_where(cls), f"{cls.__name__} is not a plugin class", "put @plugin above it")]
    found: list[Problem] = []
    for name, member in inspect.getmembers_static(cls):
        if isinstance(member, staticmethod | classmethod) and (name in HOOKS or _options(member.__func__) is not None):
            found.append(Problem(_where(member.__func__), f"{name} is no method of the object", "hooks are plain methods: def …(self, …)"))
        elif inspect.isfunction(member):
            found.extend(_method_problems(name, member, kind))
    if not hooks_of(cls) and not found:
        found.append(
            Problem(_where(cls), f"{cls.__name__} implements no hook", f"mark a method with @hookimpl; the hooks are {', '.join(HOOKS)}")
        )
    return found


def warnings(cls: type) -> list[Problem]:
    """What a plugin class does that still works and will not for ever."""
    return [Problem(_where(getattr(cls, name)), f"{name} will go", instead_of(name)) for name in hooks_of(cls) if instead_of(name)]


def _is_mutable(default: Any) -> bool:
    """Whether a default value could be changed by one instance under the hands of another."""
    return not isinstance(default, attrs.Factory) and type(default).__hash__ is None  # type: ignore[arg-type]  # attrs types Factory as a function


def _options(function: Any) -> Any:
    return getattr(function, f"{PROJECT}_impl", None)


def _method_problems(name: str, function: Any, kind: str) -> Iterator[Problem]:
    options, where = _options(function), _where(function)
    if options is None:
        if name in HOOKS:
            yield Problem(where, f"{name} has the name of a hook but is not marked", "put @hookimpl above it")
        return
    if name not in HOOKS:
        close = difflib.get_close_matches(name, HOOKS, n=1)
        yield Problem(where, f"there is no hook {name}", f"did you mean {close[0]}?" if close else f"the hooks are {', '.join(HOOKS)}")
        return
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        if kind != "sink":
            yield Problem(
                where,
                f"{name} is async",
                "hooks are plain functions: the engine never awaits; use desk.at or desk.every to come back later",
            )
    elif inspect.isgeneratorfunction(function) or options.get("wrapper") or options.get("hookwrapper"):
        yield Problem(where, f"{name} is a hook wrapper", "wrappers are refused: no plugin may overturn another's decision")
    if name == "review_order" and kind != "risk":
        yield Problem(where, "only rules judge orders", "list this plugin under [risk.NAME], or remove review_order")
    yield from _argument_problems(name, function, where)


def _argument_problems(name: str, function: Any, where: str) -> Iterator[Problem]:
    allowed = tuple(inspect.signature(getattr(Hooks, name)).parameters)[1:]
    wanted = get_type_hints(getattr(Hooks, name))
    try:
        given = get_type_hints(function)
    except (NameError, TypeError) as error:
        yield Problem(where, f"annotations of {name} cannot be resolved: {error}", "import the names it uses at run time")
        given = {}
    for argument, parameter in tuple(inspect.signature(function).parameters.items())[1:]:
        if parameter.kind is parameter.KEYWORD_ONLY:
            yield Problem(where, f"{name} takes {argument} by keyword only", "remove the * before it")
        elif argument not in allowed:
            yield Problem(where, f"{name} takes an argument {argument}", f"it may take {' and '.join(allowed)}, by these names")
        elif argument in given and not _fits(given[argument], wanted[argument]):
            yield Problem(
                where, f"{name} wants {argument}: {_spell(given[argument])}", f"the hook delivers {argument}: {_spell(wanted[argument])}"
            )


def _fits(given: Any, wanted: Any) -> bool:
    """Whether what the hook delivers is acceptable to the annotation: each delivered class under one of the given ones."""
    if given is Any:
        return True
    takes = tuple(t for t in getattr(given, "__args__", (given,)) if isinstance(t, type))
    gives = tuple(t for t in getattr(wanted, "__args__", (wanted,)) if isinstance(t, type))
    return all(issubclass(one, takes) for one in gives)


def _spell(annotation: Any) -> str:
    return getattr(annotation, "__name__", None) or re.sub(r"\b(?:[a-z_]+\.)+", "", str(annotation))


def _where(thing: Any) -> str:
    try:
        return f"{inspect.getsourcefile(thing)}:{inspect.getsourcelines(thing)[1]}"
    except (OSError, TypeError):
        return f"{thing.__module__}.{thing.__qualname__}"
