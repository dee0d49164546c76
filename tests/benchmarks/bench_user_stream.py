"""200,000 messages of an account, in the seed document's dialect, from bytes to the hooks of three plugins: where each µs goes.

Run by hand: `uv run python tests/benchmarks/bench_user_stream.py [--peer-python PATH] [--messages N] [--rounds N]`. Ours is what a live
run uses: decoder, session and engine. Beside it, in one interleaved call: Structs alone (every number a Decimal), Structs and three
bound methods, and in the peers' interpreter nautilus_trader's MessageBus and csp's nodes over the same Structs (csp's with floats).
Those that are missing are named and left out. CPU time, median of the rounds; on another machine only ratios mean anything. Nobody
here placed these orders; look-ups beside the clock have told the session so, and all messages reach all three plugins.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

KINDS = {
    "positions": "contract size entry_price mark_price realised_pnl unrealised_pnl delta gamma vega theta",
    "orders": "id contract size price fill_price status type tif create_time finish_time",
    "balances": "total unrealized_pnl option_value short_positions long_positions available currency margin_ratio",
    "portfolio": "total_delta total_gamma total_vega total_theta margin_occupied margin_required effective_leverage portfolio_var",
}
SHARES = (40, 35, 15, 10)
TEXT, INTEGERS = frozenset(["contract", "id", "status", "type", "tif", "currency"]), frozenset({"create_time", "finish_time"})
CONTRACTS = [f"BTC_USDT-20230630-{strike}-{kind}" for strike in range(28_000, 33_000, 500) for kind in "CP"]
BEGIN_S = 1_687_996_800
BATCH = 50
PLUGINS = 3


def messages(count: int) -> Iterator[bytes]:
    """Updates of all four channels, every figure another one; an order that is open has not traded."""
    chance = random.Random(8)
    for at in range(count):
        a, b, c, d = (chance.random() for _ in range(4))
        kind, contract, now = chance.choices(list(KINDS), SHARES)[0], chance.choice(CONTRACTS), BEGIN_S + at // 10
        price, status = f"{2000 * a:.1f}", ("open", "closed", "cancelled")[at % 3]
        traded = price if status == "closed" else "0"
        values: Sequence[Any] = {
            "positions": (contract, f"{round(a * 20 - 10)}.0", f"{2000 * b:.1f}", f"{2100 * c:.1f}", f"{d * 10:.2f}",
                          f"{(d - 0.5) * 100:.2f}", f"{a * 2 - 1:.4f}", f"{b * 0.001:.6f}", f"{c * 20:.2f}", f"{-d * 10:.2f}"),
            "orders": (str(123_456_789 + at), contract, "1.0", price, traded, status, "limit", "gtc", now, now),
            "balances": (f"{10_000 * a:.2f}", f"{500 * b:.2f}", f"{2000 * c:.2f}", "3", "2", f"{7500 * d:.2f}", "USDT", f"{a:.4f}"),
            "portfolio": (f"{a * 10 - 5:.4f}", f"{b * 0.01:.6f}", f"{c * 200:.2f}", f"{-d * 100:.2f}", f"{a * 2000:.2f}", f"{b * 1500:.2f}",
                          f"{c * 5:.2f}", f"{d * 1000:.2f}"),
        }[kind]  # fmt: skip
        result = dict(zip(KINDS[kind].split(), values, strict=True))
        frame = {"time": now, "channel": f"options.{kind}", "event": "update", "result": result}
        yield json.dumps(frame, separators=(",", ":")).encode()


# ---- what others do: needs nothing of ours ----


def structs(number: Any) -> tuple[dict[type[Any], str], Callable[[bytes], Any]]:
    """Tagged Structs over the four updates, and their decoder."""
    import msgspec

    kinds: dict[type[Any], str] = {}
    for name, fields in KINDS.items():
        form = msgspec.defstruct(
            name, [(field, str if field in TEXT else int if field in INTEGERS else number) for field in fields.split()]
        )
        envelope: list[Any] = [("time", int), ("event", str), ("result", form)]
        kinds[msgspec.defstruct("Frame", envelope, tag_field="channel", tag=f"options.{name}")] = name
    first, *others = kinds
    union: Any = first
    for kind in others:
        union = union | kind
    return kinds, msgspec.json.Decoder(union, strict=number is not float).decode


def handlers(counts: list[int]) -> list[Callable[[Any], None]]:
    def handler(at: int) -> Callable[[Any], None]:
        def handle(_message: Any) -> None:
            counts[at] += 1

        return handle

    return [handler(at) for at in range(PLUGINS)]


def by_struct(frames: list[bytes]) -> Callable[[], None]:
    from decimal import Decimal

    _, decode = structs(Decimal)

    def run() -> None:
        for frame in frames:
            decode(frame)

    return run


def by_calls(frames: list[bytes]) -> Callable[[], None]:
    from decimal import Decimal

    kinds, decode = structs(Decimal)
    table = {kind: tuple(handlers([0] * PLUGINS)) for kind in kinds}

    def run() -> None:
        for frame in frames:
            message = decode(frame)
            for handle in table[type(message)]:
                handle(message.result)

    return run


def by_nautilus(frames: list[bytes]) -> Callable[[], None]:
    from decimal import Decimal

    from nautilus_trader.common.component import MessageBus, TestClock  # of the peers' interpreter
    from nautilus_trader.model.identifiers import TraderId

    kinds, decode = structs(Decimal)
    bus = MessageBus(TraderId("T-1"), TestClock())
    for name in kinds.values():
        for handle in handlers([0] * PLUGINS):
            bus.subscribe(name, handle)
    publish = bus.publish

    def run() -> None:
        for frame in frames:
            message = decode(frame)
            publish(kinds[type(message)], message.result)

    return run


def by_csp(frames: list[bytes]) -> Callable[[], None]:
    from datetime import datetime, timedelta

    import csp  # of the peers' interpreter
    from csp import ts

    kinds, decode = structs(float)
    place = {kind: at for at, kind in enumerate(kinds)}
    begin = datetime(2023, 6, 29)  # noqa: DTZ001  # csp takes no time zones
    rows = [(begin + timedelta(microseconds=at + 1), frame) for at, frame in enumerate(frames)]

    @csp.node
    def split(frame: ts[object]) -> csp.Outputs(a=ts[object], b=ts[object], c=ts[object], d=ts[object]):  # type: ignore[valid-type]  # its syntax
        if csp.ticked(frame):
            message = decode(frame)
            at = place[type(message)]
            if at == 0:
                csp.output(a=message.result)
            elif at == 1:
                csp.output(b=message.result)
            elif at == 2:
                csp.output(c=message.result)
            else:
                csp.output(d=message.result)

    @csp.node
    def hear(message: ts[object], counts: Any, at: int) -> None:
        if csp.ticked(message):
            counts[at] += 1

    @csp.graph
    def whole() -> None:
        parts = split(csp.curve(object, rows))
        for part in (parts.a, parts.b, parts.c, parts.d):
            for at in range(PLUGINS):
                hear(part, [0] * PLUGINS, at)

    return lambda: csp.run(whole, starttime=begin, endtime=begin + timedelta(days=1))


def by_basana(frames: list[bytes]) -> Callable[[], None]:
    import asyncio
    from datetime import UTC, datetime
    from decimal import Decimal

    import basana as bs  # of the peers' interpreter

    class Update(bs.Event):  # type: ignore[misc]  # its classes are not at hand
        """A message as its adapters wrap it: numbers become Decimals where they are read."""

        def __init__(self, channel: str, result: dict[str, Any]) -> None:
            super().__init__(datetime.now(UTC))
            self.channel, self.result = channel, result

        def number(self, name: str) -> Any:
            return Decimal(self.result[name])

    class Frames(bs.EventSource):  # type: ignore[misc]  # the same
        def __init__(self) -> None:
            super().__init__()
            self._left = iter(frames)

        def pop(self) -> Update | None:
            frame = next(self._left, None)
            if frame is None:
                return None
            message = json.loads(frame)
            return Update(message["channel"], message["result"])

    first = {f"options.{name}": next(f for f in fields.split() if f not in TEXT | INTEGERS) for name, fields in KINDS.items()}

    def handler() -> Callable[[Any], Any]:
        async def handle(event: Any) -> None:
            event.number(first[event.channel])

        return handle

    dispatcher = bs.backtesting_dispatcher()
    source = Frames()
    for _ in range(PLUGINS):
        dispatcher.subscribe(source, handler())
    return lambda: asyncio.run(dispatcher.run())


PEERS = {
    "Structs alone": by_struct,
    "Structs, three bound methods": by_calls,
    "nautilus_trader": by_nautilus,
    "csp": by_csp,
    "basana": by_basana,
}
OURS = "strikeloop"


def timed(run: Callable[[], None], count: int) -> float:
    gc.collect()
    gc.freeze()
    begun = time.process_time()
    run()
    return (time.process_time() - begun) * 1e6 / count


# ---- ours ----


class Ours:
    """The path of a live run, in its parts: decoder, session, engine."""

    def __init__(self) -> None:
        from strikeloop import ContractId
        from strikeloop.session import Find
        from tests.benchmarks.account_path import AccountPath

        path = AccountPath(PLUGINS)
        self.plugins = path.counters
        self._decode, self._session, self._step, self._line = path.decode_batch, path.session, path.step, path.line
        self._find, self._contract = Find, ContractId.of

    def run(self, frames: list[bytes]) -> tuple[float, float, float]:
        """µs per message in each part, with as little garbage collection as a live run has."""
        from strikeloop.garbage import LIVE, little_garbage_collection

        gc.collect()
        with little_garbage_collection(LIVE):
            return self._run(frames)

    def _run(self, frames: list[bytes]) -> tuple[float, float, float]:
        clock, decode, session, step, line = time.process_time_ns, self._decode, self._session, self._step, self._line
        parts = [0, 0, 0]
        for at in range(0, len(frames), BATCH):
            now, batch = 1_700_000_000_000_000_000 + at, frames[at : at + BATCH]
            self._look_up(batch, now)
            begun = clock()
            decoded = decode(batch, now)
            after_decoding = clock()
            session.receive(line, decoded, now)  # type: ignore[arg-type]  # none of these frames is damaged
            events, _ = session.take()
            after_session = clock()
            for event in events:
                step(event)
            after_engine = clock()
            for part, spent in enumerate((after_decoding - begun, after_session - after_decoding, after_engine - after_session)):
                parts[part] += spent
        return tuple(part / len(frames) / 1e3 for part in parts)  # type: ignore[return-value]  # three of them

    def _look_up(self, frames: list[bytes], now: int) -> None:
        """The venue was asked, and names none of these orders as ours."""
        for frame in frames:
            result = json.loads(frame)["result"]
            if "id" in result:
                self._session.found(self._find(self._contract("gate", result["contract"]), None, result["id"]), None, now)
        self._session.take()


def by_ours(frames: list[bytes]) -> tuple[float, float, float]:
    ours = Ours()
    parts = ours.run(frames)
    if any(one.count < len(frames) for one in ours.plugins):
        sys.exit(f"of {len(frames)} messages {[one.count for one in ours.plugins]} reached the plugins")
    return parts


def measure(options: argparse.Namespace) -> None:
    found: dict[str, list[float]] = {name: [] for name in (*PEERS, "ours", "  decoding", "  session", "  engine and plugins")}
    frames = list(messages(options.messages))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "messages")
        file.write_bytes(b"\n".join(frames))
        for _ in range(options.rounds):
            for name in PEERS:
                python = sys.executable if name.startswith("Structs") else options.peer_python
                command = [python, __file__, "--child", name, "--file", str(file)]
                told = subprocess.run(command, capture_output=True, text=True, check=False) if python else None
                found[name] += [float(told.stdout)] if told is not None and told.returncode == 0 else []
            parts = by_ours(frames)
            for name, spent in zip(("  decoding", "  session", "  engine and plugins"), parts, strict=True):
                found[name].append(spent)
            found["ours"].append(sum(parts))
    print(f"{'case':32} {'µs/message':>10} {'× Structs':>10}")
    for name, times in found.items():
        if not times:
            print(f"{name:32} {'missing':>10}")
            continue
        ratios = [one / other for one, other in zip(times, found["Structs alone"], strict=False)]
        print(f"{name:32} {statistics.median(times):>10.2f} {statistics.median(ratios):>10.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", help="an interpreter with nautilus_trader, csp, basana and msgspec")
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=(*PEERS, OURS), help="one case over the messages in --file, which is else written")
    parser.add_argument("--file", type=Path)
    options = parser.parse_args()
    if options.child:
        frames = options.file.read_bytes().split(b"\n")
        print(sum(by_ours(frames)) if options.child == OURS else timed(PEERS[options.child](frames), len(frames)))
    elif options.file:
        options.file.write_bytes(b"\n".join(messages(options.messages)))
    else:
        measure(options)


if __name__ == "__main__":
    sys.path.insert(0, ".")
    main()
