"""One frame of Gate's options sockets to events, in either dialect: total and pure.

Owns the table of channels and the meaning of envelopes: updates, acknowledgements, errors, pongs. A frame gives a
`Decoded` or raises DecodeError, nothing else; nothing of a bad frame is used. It never keeps anything between frames.
Theory of operation: an update is decoded in C (see strictjson); when it has as many colons as known keys, there is
nothing else in it. Only frames with unknown fields, and those that are no updates, are read again as a tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Any, Final

import attrs
import msgspec

from strikeloop import ChannelRefused, ChannelSubscribed, DecodeError, Event
from strikeloop.adapter import Decoded
from strikeloop_gate import forms, ledger, market
from strikeloop_gate.ledger import MILLISECOND_NS, NOTHING, SECOND_NS, Source
from strikeloop_gate.refusals import LABELS, Verdict
from strikeloop_gate.strictjson import MalformedError, Numeral, count_keys, envelope, explain, extras, frozen, tree, twin

LARGEST_FRAME: Final = 1 << 20
SEED_CHANNELS: Final = frozenset({"options.positions", "options.orders", "options.balances", "options.portfolio"})
AUTH_CODES: Final = frozenset({"4", "6", "11", "401", "403"})
AUTH_LABELS: Final = frozenset(name for name, label in LABELS.items() if label.verdict is Verdict.CREDENTIALS)


class Dialect(StrEnum):
    """Which forms of the four private channels are understood: the venue's, the seed document's, or both by their shape."""

    GATE = "gate"
    SEED = "seed"
    AUTO = "auto"


Build = Callable[[Source, Any, Any, Mapping[str, Any]], Iterator[Event]]


def _market(build: Callable[[Source, Any], Iterator[Event]]) -> Build:
    return lambda source, _item, twin, _raw: build(source, twin)


@attrs.frozen
class _Channel:
    """A channel: the type of its result, what builds the events, and the events its updates may have."""

    name: str
    result: Any
    build: Build
    is_private: bool = False
    events: tuple[str, ...] = ("update",)


def _private(name: str, result: Any, build: Build) -> _Channel:
    return _Channel(name, result, build, is_private=True)


def _public(name: str, result: Any, build: Callable[[Source, Any], Iterator[Event]], *events: str) -> _Channel:
    return _Channel(name, result, _market(build), events=events or ("update",))


def _book(source: Source, item: Any) -> Iterator[Event]:
    return market.book_row(source, item) if hasattr(item, "c") else market.book_snapshot(source, item)


_TRADES = list[forms.Trade] | forms.Trade | None
_CANDLES = list[forms.Candle] | None
_CHANNELS: Final = (
    _private("options.positions", forms.SeedPosition | list[forms.GatePosition] | None, ledger.position),
    _private("options.orders", forms.SeedOrder | list[forms.GateOrder] | None, ledger.order),
    _private("options.balances", forms.SeedBalance | list[forms.LedgerEntry] | None, ledger.balance),
    _private("options.portfolio", forms.Portfolio | list[forms.Portfolio] | None, ledger.portfolio),
    _private("options.usertrades", list[forms.UserTrade] | None, ledger.trade),
    _private("options.liquidates", list[forms.Liquidation] | None, ledger.liquidation),
    _private("options.user_settlements", list[forms.UserSettlement] | None, ledger.settlement),
    _private("options.position_closes", list[forms.ClosedPosition] | None, ledger.closed_position),
    _public("options.contract_tickers", forms.Ticker, market.ticker),
    _public("options.tickers", forms.Ticker, market.ticker),
    _public("options.book_ticker", forms.BookTicker, market.book_ticker),
    _public("options.order_book_update", forms.BookChange, market.book_change),
    _public("options.order_book", forms.BookSnapshot | list[forms.BookRow], _book, "all", "update"),
    _public("options.trades", _TRADES, market.trade),
    _public("options.ul_trades", _TRADES, market.trade),
    _public("options.ul_price", forms.UnderlyingPrice, market.underlying_price),
    _public("options.ul_tickers", forms.UnderlyingTicker, market.underlying_ticker),
    _public("options.mark_prices", forms.MarkPrice, market.mark_price),
    _public("options.contract_candlesticks", _CANDLES, market.candle),
    _public("options.ul_candlesticks", _CANDLES, market.candle),
    _public("options.settlements", forms.PublicSettlement, market.public_settlement),
    _Channel("options.contracts", forms.ListedContract, market.listed),
)
# A snapshot of the balances that comes in a list, which no document shows, is still one by its fields.
_LISTED_BALANCE: Final = _private("options.balances", list[forms.SeedBalance], ledger.balance)

_BY_NAME: Final = {channel.name: channel for channel in _CHANNELS}
_EXACT: Final = {channel.name: envelope(channel.name, channel.events, channel.result) for channel in _CHANNELS}
_BY_TWIN: Final[dict[type, _Channel]] = {twin(_EXACT[channel.name]): channel for channel in _CHANNELS}
_twins: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(reduce(or_, _BY_TWIN), strict=False)
_exact: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(reduce(or_, _EXACT.values()))
_balance_form: Final = envelope("options.balances", ("update",), list[forms.SeedBalance])
_balance_twins: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(twin(_balance_form), strict=False)
_balance_exact: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(_balance_form)


@attrs.frozen
class FrameDecoder:
    """Frames of one adapter instance to events; `dialect` decides between the two forms of the private channels.

    >>> decode = FrameDecoder("gate", Dialect.AUTO)
    >>> decode('{"time":1630576356,"channel":"options.pong","event":"","result":null}', 0).is_heartbeat
    True
    """

    name: str
    dialect: Dialect = Dialect.AUTO

    def __call__(self, frame: bytes | str, received: int) -> Decoded:
        """Translate one frame that was received at `received` (ns UTC). Raises DecodeError."""
        try:
            raw = _octets(frame)
            try:
                twin_form, form = _twins.decode(raw), _exact.decode(raw)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
                return self._other(raw, received, exc)
            return self._update(_BY_TWIN[type(twin_form)], form, twin_form, raw, received)
        except MalformedError as exc:
            raise _refusal(frame, exc) from None

    def _update(self, channel: _Channel, form: Any, twin_form: Any, raw: bytes, received: int) -> Decoded:
        result, twins = form.result, twin_form.result
        document = None if raw.count(b":") == count_keys(twin_form) else tree(raw)
        if channel.name in SEED_CHANNELS:
            self._check_shape(channel.name, result)
        time = form.time * SECOND_NS if form.time_ms is msgspec.UNSET else form.time_ms * MILLISECOND_NS
        source = Source(self.name, time, received)
        build = ledger.entry if channel.name == "options.balances" and _is_ledger(result) else channel.build
        if type(result) is not list:
            if result is None:
                return Decoded(channel=channel.name)
            beyond = NOTHING if document is None else _beyond(form, document, result, document["result"])
            return Decoded(channel=channel.name, events=_events(build(source, result, twins, beyond), "result"))
        events: list[Event] = []
        for index, item in enumerate(result):
            beyond = NOTHING if document is None else _beyond(form, document, item, document["result"][index])
            events += _events(build(source, item, twins[index], beyond), f"result[{index}]")
        return Decoded(channel=channel.name, events=tuple(events))

    def _check_shape(self, channel: str, result: Any) -> None:
        if self.dialect is Dialect.SEED and (result is None or type(result) is list):
            raise MalformedError("result", "expected an object, as the seed dialect has it")
        if self.dialect is Dialect.GATE and result is not None and type(result) is not list:
            raise MalformedError("result", "expected an array, as the venue sends it")
        if self.dialect is Dialect.GATE and channel == "options.portfolio":
            raise MalformedError("channel", "the venue has no such channel; only the seed dialect does")

    def _other(self, raw: bytes, received: int, refused: Exception) -> Decoded:
        """Everything that is no well-formed update."""
        document = tree(raw)
        if not isinstance(document, dict):
            raise MalformedError("", "expected one JSON object")
        channel, event = _text(document, "channel"), document.get("event", "")
        failure = self._failure(document, channel, received)
        if failure is not None:
            return Decoded(channel=channel, events=(failure,))
        if channel.endswith(".pong"):
            return Decoded(channel=channel, is_heartbeat=True, sent=_time(document))
        if event == "upgrade":
            return Decoded(channel=channel, reconnect=True)
        if event in ("subscribe", "unsubscribe"):
            return self._acknowledged(document, channel, received)
        known = _BY_NAME.get(channel)
        if known is None:
            raise MalformedError("channel", f"unknown channel {channel[:64]!r}")
        if event not in known.events:
            raise MalformedError("event", "the field is missing" if "event" not in document else f"unknown event {str(event)[:64]!r}")
        return self._listed_balance(raw, received, channel, refused)

    def _listed_balance(self, raw: bytes, received: int, channel: str, refused: Exception) -> Decoded:
        if channel == "options.balances" and b'"total"' in raw:
            try:
                twin_form, form = _balance_twins.decode(raw), _balance_exact.decode(raw)
            except msgspec.MsgspecError:
                raise explain(raw, refused) from None
            return self._update(_LISTED_BALANCE, form, twin_form, raw, received)
        raise explain(raw, refused)

    def _failure(self, document: Mapping[str, Any], channel: str, received: int) -> ChannelRefused | None:
        """The refusal in a frame: the venue's `error` object, a failed status, or the seed document's event error."""
        error, result = document.get("error"), document.get("result")
        failed = isinstance(result, dict) and result.get("status") == "fail"
        if document.get("event") == "error":
            error = document
        elif not error and not failed:
            return None
        if not isinstance(error, dict):
            error = {} if error is None else {"message": error}
        code, message = _scalar(error.get("code")), _scalar(error.get("message"))
        if error is document and "code" not in document:
            raise MalformedError("code", "the field is missing")
        if error is document and "message" not in document:
            raise MalformedError("message", "the field is missing")
        label, message = _labelled(_scalar(error.get("label")), message)
        if label:
            message = f"{label}: {message}"
        return ChannelRefused(
            time=_time(document),
            received=received,
            adapter=self.name,
            port=_port(channel),
            channel=channel,
            code=code or label,
            message=message,
            is_auth=code in AUTH_CODES or label in AUTH_LABELS,
        )

    def _acknowledged(self, document: Mapping[str, Any], channel: str, received: int) -> Decoded:
        if "result" not in document and "error" not in document:
            raise MalformedError("result", "the field is missing: this is a request, not an answer")
        time = _time(document)
        if document["event"] == "unsubscribe":
            return Decoded(channel=channel)
        confirmed = ChannelSubscribed(time=time, received=received, adapter=self.name, port=_port(channel), channel=channel)
        return Decoded(channel=channel, events=(confirmed,), sent=time)


def _octets(frame: bytes | str) -> bytes:
    if isinstance(frame, str):
        try:
            frame = frame.encode()
        except UnicodeEncodeError:
            raise MalformedError("", "half of a surrogate pair is no character") from None
    if len(frame) > LARGEST_FRAME:
        raise MalformedError("", f"{len(frame)} bytes are more than a frame may have")
    return frame


def _refusal(frame: bytes | str, exc: MalformedError) -> DecodeError:
    """The DecodeError; it names the channel where the frame still tells one."""
    text = frame if isinstance(frame, str) else frame[:8_192].decode(errors="replace")
    channel = ""
    try:
        document = tree(_octets(frame))
        if isinstance(document, dict) and type(document.get("channel")) is str:
            channel = document["channel"][:64]
    except MalformedError:
        pass
    return DecodeError(exc.reason, channel=channel, field=exc.field, frame=text)


def _events(built: Iterable[Event], path: str) -> tuple[Event, ...]:
    try:
        return tuple(built)
    except MalformedError as exc:
        raise MalformedError(f"{path}.{exc.field}" if exc.field else path, exc.reason) from None


def _beyond(form: Any, document: Mapping[str, Any], item: Any, node: Mapping[str, Any]) -> Mapping[str, Any]:
    found = {**extras(form, document), **extras(item, node)}
    return MappingProxyType(found) if found else NOTHING


def _is_ledger(result: Any) -> bool:
    return type(result) is list and bool(result) and isinstance(result[0], forms.LedgerEntry)


def _port(channel: str) -> str:
    known = _BY_NAME.get(channel)
    return "feed" if known is not None and not known.is_private else "account"


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    if key not in document:
        raise MalformedError(key, "the field is missing")
    if type(value) is not str or not value:
        raise MalformedError(key, "expected a name")
    return value


def _scalar(value: Any) -> str:
    return str(value) if isinstance(value, str) else "" if value is None else str(frozen(value))


def _labelled(label: str, message: str) -> tuple[str, str]:
    """(label, message) of an error whose message may itself be a JSON object with both."""
    if message.lstrip().startswith("{"):
        try:
            inner = tree(message.encode())
        except MalformedError:
            return label, message
        return _scalar(inner.get("label")) or label, _scalar(inner.get("message")) or message
    return label, message


def _time(document: Mapping[str, Any]) -> int:
    """The frame's own time in ns, from time_ms where there is one."""
    for key, unit, most in (("time_ms", MILLISECOND_NS, 9_000_000_000_000), ("time", SECOND_NS, 9_000_000_000)):
        if key in document:
            value = document[key]
            if not isinstance(value, Numeral) or not value.isdigit() or len(value) > 13 or int(value) > most:
                raise MalformedError(key, "expected a time as a whole number")
            return int(value) * unit
    raise MalformedError("time", "the field is missing")
