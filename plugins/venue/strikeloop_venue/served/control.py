"""The control endpoint of a served venue: look into its state, and make things go wrong.

Owns the paths under /control, their token and the words of their bodies. It speaks to the server object only, as a
test in the same process would; it is not there unless it was asked for.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import attrs

from strikeloop_venue.served import bodies
from strikeloop_venue.served.frames import Dialect
from strikeloop_venue.served.injection import FrameFault, FrameRule, Injection, RequestFault, RequestRule, Rule
from strikeloop_venue.served.member import Member
from strikeloop_venue.served.rest import RestError
from strikeloop_venue.served.running import RunningVenue
from strikeloop_venue.served.spelling import decoded
from strikeloop_venue.served.streams import Streams

PREFIX = "/control"


class Controlled(Protocol):
    """The server as it is controlled."""

    dialect: Dialect
    venue: RunningVenue
    streams: Streams
    injection: Injection

    def close(self, number: int | None, code: int | None) -> int: ...

    def freeze(self, seconds: float, number: int | None) -> int: ...

    def upgrade(self, number: int | None) -> int: ...

    def refuse(self, channel: str, code: int, message: str) -> None: ...

    def heal(self) -> None: ...


@attrs.frozen
class Control:
    """Answers `GET /control/…` and `POST /control/faults` for who has the token."""

    server: Controlled
    token: str = attrs.field(repr=False)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        """Status and body. Raises RestError."""
        given = headers.get("authorization", "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            raise RestError(401, "FORBIDDEN", "the control endpoint needs the header Authorization: Bearer TOKEN, as printed at the start")
        name = path.removeprefix(PREFIX).strip("/")
        if method == "GET" and name in _VIEWS:
            return 200, _VIEWS[name](self.server)
        if method == "POST" and name == "faults":
            return 201, self._inject(body)
        if method == "DELETE" and name == "faults":
            self.server.heal()
            return 200, {}
        raise RestError(404, "NOT_FOUND", f"{method} {path} is not there; GET {', '.join(_VIEWS)}, POST faults or DELETE faults are")

    def _inject(self, body: bytes) -> dict[str, Any]:
        try:
            fields = decoded(body)
        except ValueError:
            fields = None
        fault = fields.pop("fault", None) if isinstance(fields, dict) else None
        if not isinstance(fault, str) or fault not in _FAULTS:
            raise RestError(400, "INVALID_REQUEST_BODY", f'expected {{"fault": …}} with one of {", ".join(_FAULTS)}')
        act, known = _FAULTS[fault]
        wrong = [name for name, value in fields.items() if name not in known or not _fits(value, known[name])]
        if wrong:
            raise RestError(400, "INVALID_PARAM_VALUE", f"{fault} takes {', '.join(known) or 'nothing'}; {wrong[0]} does not fit")
        return act(self.server, fault, fields)


_KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("channel", "message", "method", "path", "body", "content_type", "label"), (str,)),
    **dict.fromkeys(("connection", "count", "code", "status"), (int,)),
    **dict.fromkeys(("seconds",), (int, float)),
}


def _fits(value: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool) and (not isinstance(value, int | float) or abs(value) < 10**6)


# ---- what is shown -----------------------------------------------------------------------------------------------


def _state(server: Controlled) -> Any:
    venue = server.venue
    return {
        "time": venue.now,
        "speed": venue.clock.speed,
        "skew_s": venue.clock.skew_s,
        "dialect": server.dialect.value,
        "is_paused": venue.is_paused,
        "contracts": len(venue.market.contracts),
        "accounts": len(venue.members),
        "connections": len(server.streams.connections),
        "faults": _faults(server),
    }


def _faults(server: Controlled) -> Any:
    return [{"id": number, **attrs.asdict(rule)} for number, rule in server.injection.rules.items()]


def _account(member: Member) -> Any:
    return {"key": member.credentials.key, **bodies.account_body(member.balance(), member.book, member.user_id, 0)}


def _orders(member: Member) -> Any:
    market = member.market
    rows = member.book.orders.values()
    return [bodies.order_body(row, market.specification(row.event.contract.name), member.user_id) for row in rows]


def _positions(member: Member) -> Any:
    return [{"contract": p.contract.name, "size": str(p.size), "entry_price": str(p.entry_price)} for p in member.positions()]


def _fills(member: Member) -> Any:
    return [bodies.my_trade_body(row) for row in member.book.fills]


def _by_user(view: Callable[[Member], Any]) -> Callable[[Controlled], Any]:
    return lambda server: {str(member.user_id): view(member) for member in server.venue.members}


def _connections(server: Controlled) -> Any:
    return [
        {
            "connection": connection.number,
            "path": connection.path,
            "waiting": len(connection.outbox),
            "channels": sorted({channel for channel, _ in connection.interests}),
            "users": sorted({user for _, user in connection.interests if user}),
        }
        for connection in server.streams.connections
    ]


_VIEWS: Mapping[str, Callable[[Controlled], Any]] = {
    "state": _state,
    "faults": _faults,
    "connections": _connections,
    "accounts": _by_user(_account),
    "orders": _by_user(_orders),
    "positions": _by_user(_positions),
    "fills": _by_user(_fills),
}


# ---- what goes wrong ---------------------------------------------------------------------------------------------


def _added(server: Controlled, rule: Rule) -> dict[str, Any]:
    return {"id": server.injection.add(rule)}


def _frame(server: Controlled, fault: str, fields: dict[str, Any]) -> dict[str, Any]:
    return _added(server, FrameRule(fault=FrameFault(fault), **fields))


def _request(server: Controlled, fault: str, fields: dict[str, Any]) -> dict[str, Any]:
    if not 200 <= fields.get("status", 200) <= 599 or not fields.get("content_type", "").isprintable():
        raise RestError(400, "INVALID_PARAM_VALUE", "status must be from 200 to 599, content_type one line")
    return _added(server, RequestRule(fault=RequestFault(fault), **fields))


def _close(server: Controlled, fault: str, fields: dict[str, Any]) -> dict[str, Any]:
    code = fields.get("code")
    if code is not None and not (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) and not 3000 <= code <= 4999:
        raise RestError(400, "INVALID_PARAM_VALUE", "code must be a close code that may be sent; without one the connection is reset")
    return {"closed": server.close(fields.get("connection"), code)}


def _freeze(server: Controlled, fault: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"frozen": server.freeze(fields.get("seconds", 5.0), fields.get("connection"))}


def _refuse(server: Controlled, fault: str, fields: dict[str, Any]) -> dict[str, Any]:
    if "channel" not in fields:
        raise RestError(400, "MISSING_REQUIRED_PARAM", "refuse needs a channel")
    server.refuse(fields["channel"], fields.get("code", 3), fields.get("message", "service error"))
    return {}


def _skew(server: Controlled, fault: str, fields: dict[str, Any]) -> dict[str, Any]:
    server.venue.clock.skew_s = float(fields.get("seconds", 0.0))
    return {}


def _upgrade(server: Controlled, fault: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"told": server.upgrade(fields.get("connection"))}


def _taking(*names: str) -> Mapping[str, tuple[type, ...]]:
    return {name: _KINDS[name] for name in names}


_OF_FRAMES = _taking("channel", "connection", "count", "seconds")
_OF_REQUESTS = _taking("method", "path", "count", "seconds", "status", "label", "body", "content_type")

_FAULTS: Mapping[str, tuple[Callable[[Controlled, str, dict[str, Any]], dict[str, Any]], Mapping[str, tuple[type, ...]]]] = {
    **{fault.value: (_frame, _OF_FRAMES) for fault in FrameFault},
    **{fault.value: (_request, _OF_REQUESTS) for fault in RequestFault},
    "close": (_close, _taking("connection", "code")),
    "freeze": (_freeze, _taking("connection", "seconds")),
    "refuse": (_refuse, _taking("channel", "code", "message")),
    "skew": (_skew, _taking("seconds")),
    "upgrade": (_upgrade, _taking("connection")),
}
