"""One frame of Gate's options sockets to events, in either dialect: total and pure.

Owns the table of channels and the meaning of envelopes: updates, acknowledgements, errors, pongs. A frame gives a
`Decoded` or raises DecodeError, nothing else; nothing of a bad frame is used. What it keeps of a frame is its shape.
Theory of operation: a frame is read the thorough way, as a tree, and those like it after it the swift way, in C. What the
swift way gives is what the thorough way would have given; a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import DecimalException
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import attrs
import msgspec

from strikeloop import ChannelRefused, ChannelSubscribed, DecodeError, Event, OrderState, OrderUpdated
from strikeloop.adapter import Decoded
from strikeloop_gate import forms, ledger, market, orders
from strikeloop_gate.refusals import LABELS, Verdict
from strikeloop_gate.sources import MILLISECOND_NS, NOTHING, SECOND_NS, Source
from strikeloop_gate.strictjson import MalformedError, Numeral, extras, frozen, tree
from strikeloop_gate.structure import LONGEST, structured, within
from strikeloop_gate.swift import VARYING, Build, Shapes, reader

LARGEST_FRAME: Final = 1 << 20
AUTH_CODES: Final = frozenset({"4", "6", "11", "401", "403"})
AUTH_LABELS: Final = frozenset(name for name, label in LABELS.items() if label.verdict is Verdict.CREDENTIALS)


class Dialect(StrEnum):
    """Which forms of the four private channels are understood: the venue's, the seed document's, or both by their shape."""

    GATE = "gate"
    SEED = "seed"
    AUTO = "auto"


_UNKNOWN = OrderState.UNKNOWN  # looking a member up in its enumeration costs as much as building a small event
_ORDERS: Final = "options.orders"


def _market(build: Callable[[Source, Any], Iterable[Event]]) -> Build:
    return lambda source, _item, figures, _raw: build(source, figures)


@attrs.frozen
class _Way:
    """How an item of a result is read: its form, and what builds the events."""

    form: type[msgspec.Struct]
    build: Build
    is_flat: bool = True
    """Whether its fields have names of their own, not those of currencies."""


@attrs.frozen
class _Channel:
    """A channel. `whole` is an object as the seed document has it, `listed` an item of a list as the venue sends it.

    Where the two are one, or differ by shape alone (`by_shape`), the dialect does not matter.
    """

    name: str
    whole: _Way
    listed: _Way
    is_private: bool
    events: tuple[str, ...] = ("update",)
    by_shape: bool = False

    def way(self, dialect: Dialect, node: Mapping[str, Any], *, is_listed: bool) -> _Way:
        """How this item is to be read in a dialect; `auto` goes by its shape, and tells balances from entries by their fields."""
        if self.by_shape or dialect is Dialect.AUTO:
            is_snapshot = self.name == "options.balances" and "total" in node
            return self.listed if is_listed and not is_snapshot else self.whole
        return self.whole if dialect is Dialect.SEED else self.listed


def _private(name: str, listed: type[msgspec.Struct], build: Build, whole: _Way | None = None, *, is_flat: bool = True) -> _Channel:
    way = _Way(listed, build, is_flat)
    return _Channel(name, whole or way, way, is_private=True)


def _public(name: str, form: type[msgspec.Struct], build: Callable[[Source, Any], Iterable[Event]]) -> _Channel:
    way = _Way(form, _market(build))
    return _Channel(name, way, way, is_private=False)


_LISTED_CONTRACT = _Way(forms.ListedContract, market.listed)
CHANNELS: Final = (
    _private("options.positions", forms.GatePosition, ledger.position, _Way(forms.SeedPosition, ledger.seed_position)),
    _private(_ORDERS, forms.GateOrder, orders.order, _Way(forms.SeedOrder, orders.seed_order)),
    _private("options.balances", forms.LedgerEntry, ledger.entry, _Way(forms.SeedBalance, ledger.balance)),
    _private("options.portfolio", forms.Portfolio, ledger.portfolio),
    _private("options.usertrades", forms.UserTrade, ledger.trade),
    _private("options.liquidates", forms.Liquidation, ledger.liquidation),
    _private("options.user_settlements", forms.UserSettlement, ledger.settlement),
    _private("options.position_closes", forms.ClosedPosition, ledger.closed_position),
    _private("unified.asset_detail", forms.UnifiedDetail, ledger.unified_detail, is_flat=False),
    _private("unified.assets", forms.UnifiedTotal, ledger.unified_total),
    _public("options.contract_tickers", forms.Ticker, market.ticker),
    _public("options.tickers", forms.Ticker, market.ticker),
    _public("options.book_ticker", forms.BookTicker, market.book_ticker),
    _public("options.order_book_update", forms.BookChange, market.book_change),
    _Channel(
        "options.order_book",
        _Way(forms.BookSnapshot, _market(market.book_snapshot)),
        _Way(forms.BookRow, _market(market.book_row)),
        is_private=False,
        events=("all", "update"),
        by_shape=True,
    ),
    _public("options.trades", forms.Trade, market.trade),
    _public("options.ul_trades", forms.Trade, market.trade),
    _public("options.ul_price", forms.UnderlyingPrice, market.underlying_price),
    _public("options.ul_tickers", forms.UnderlyingTicker, market.underlying_ticker),
    _public("options.mark_prices", forms.MarkPrice, market.mark_price),
    _public("options.contract_candlesticks", forms.Candle, market.candle),
    _public("options.ul_candlesticks", forms.Candle, market.candle),
    _public("options.settlements", forms.PublicSettlement, market.public_settlement),
    _Channel("options.contracts", _LISTED_CONTRACT, _LISTED_CONTRACT, is_private=False),
)
_BY_NAME: Final = {channel.name: channel for channel in CHANNELS}
_ENVELOPE: Final = frozenset({"time", "channel", "event", "result", "time_ms", "error"})
_MOST_NOTICES: Final = 8


@attrs.frozen
class FrameDecoder:
    """Frames of one adapter instance to events; `dialect` decides between the two forms of the private channels.

    >>> decode = FrameDecoder("gate", Dialect.AUTO)
    >>> decode('{"time":1630576356,"channel":"options.pong","event":"","result":null}', 0).is_heartbeat
    True
    """

    name: str
    dialect: Dialect = Dialect.AUTO
    _shapes: Shapes = attrs.field(init=False, repr=False, eq=False, factory=Shapes)

    def decode(self, frame: bytes | str, received: int) -> Decoded:
        """Translate one frame that was received at `received` (ns UTC). Raises DecodeError."""
        (decoded,) = self.decode_batch((frame,), received)
        if isinstance(decoded, DecodeError):
            raise decoded
        return decoded

    __call__ = decode

    def decode_batch(self, frames: Sequence[bytes | str], received: int) -> list[Decoded | DecodeError]:
        """Frames that were received together: what `thoroughly` gives for each, or raises, swiftly where one like it was read before."""
        reader_of, read = self._shapes.get, list[Decoded | DecodeError]()
        for frame in frames:
            decoded: Decoded | DecodeError | None = None
            try:
                raw = frame if type(frame) is bytes else _octets(frame)
                shape = raw.translate(None, VARYING)
                swiftly = reader_of(shape)
                if swiftly is not None and (len(raw) <= LONGEST or len(raw) - len(shape) <= LONGEST):
                    decoded = swiftly(raw, received)
            except (msgspec.MsgspecError, MalformedError, DecimalException):
                pass  # it is left to the thorough way
            read.append(self._thoroughly(frame, received) if decoded is None else decoded)
        return read

    def _thoroughly(self, frame: bytes | str, received: int) -> Decoded | DecodeError:
        try:
            return self.thoroughly(frame, received)
        except DecodeError as error:
            return error

    def thoroughly(self, frame: bytes | str, received: int) -> Decoded:
        """Translate any frame, or tell what is wrong with it. Raises DecodeError."""
        try:
            raw = _octets(frame)
            document = tree(raw)
            if not isinstance(document, dict):
                raise MalformedError("", "expected one JSON object")
            return self._read(document, raw, received)
        except MalformedError as exc:
            raise _refusal(frame, exc) from None

    def _read(self, document: Mapping[str, Any], raw: bytes, received: int) -> Decoded:
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
        return self._update(known, document, raw, received)

    def _update(self, channel: _Channel, document: Mapping[str, Any], frame: bytes, received: int) -> Decoded:
        if "result" not in document:
            raise MalformedError("result", "the field is missing")
        result, source = document["result"], Source(self.name, _time(document), received)
        around = {key: frozen(value) for key, value in document.items() if key not in _ENVELOPE}
        events: list[Event] = []
        unknown = dict.fromkeys(around)
        ways = set()
        nodes = [] if result is None else result if isinstance(result, list) else [result]
        for index, node in enumerate(nodes):
            with within(f"result[{index}]" if nodes is result else "result"):
                if not isinstance(node, dict):
                    raise MalformedError("", "expected an object")
                way = channel.way(self.dialect, node, is_listed=nodes is result)
                found, more = _item(way, source, node, around)
            ways.add(way)
            events += found
            unknown.update(dict.fromkeys(more))
        notices = _notices(channel.name, unknown, events)
        if len(ways) == 1 and not notices:
            (way,) = ways
            self._shapes.learn(frame, reader(self.name, channel.name, document, way.form, way.build) if way.is_flat else None)
        return Decoded(channel=channel.name, events=tuple(events), notices=notices)

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


def _item(way: _Way, source: Source, node: Mapping[str, Any], around: Mapping[str, Any]) -> tuple[Iterable[Event], Mapping[str, Any]]:
    """The events of one object of a result, and what it holds that no form names."""
    item = structured(node, way.form)
    more = extras(item, node)
    raw = MappingProxyType({**around, **more}) if around or more else NOTHING
    return list(way.build(source, item, item, raw)), more


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


def _notices(channel: str, unknown: Iterable[str], events: Iterable[Event]) -> tuple[str, ...]:
    """What nobody documented and did no harm: fields, and values that leave an order's state unknown."""
    fields = [f"{channel} has a field {key[:40]!r} that is not documented" for key in unknown]
    if _is_unclear(events):
        fields.append(f"{channel} has a status, finish_as or tif that is not documented: the order's state is unknown")
    return tuple(fields[:_MOST_NOTICES])


def _is_unclear(events: Iterable[Event]) -> bool:
    """Whether an order has a state that nobody documented."""
    for event in events:  # noqa: SIM110  # a generator costs three times as much
        if type(event) is OrderUpdated and event.state is _UNKNOWN:
            return True
    return False


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
    if "time" not in document:
        raise MalformedError("time", "the field is missing")
    seconds = _ticks(document, "time", 9_000_000_000)
    return _ticks(document, "time_ms", 9_000_000_000_000) * MILLISECOND_NS if "time_ms" in document else seconds * SECOND_NS


def _ticks(document: Mapping[str, Any], key: str, most: int) -> int:
    value = document[key]
    if not isinstance(value, Numeral) or len(value) > 13 or not re.fullmatch(r"[0-9]+|-0", value, re.ASCII) or int(value) > most:
        raise MalformedError(key, "expected a time as a whole number")
    return int(value)
