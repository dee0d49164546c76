"""A burst of market frames over a real loopback socket, with private events and a cancel each 1,000 frames.

Run by hand: `uv run python tests/benchmarks/bench_burst.py [--frames 100000] [--backend asyncio|trio] [--uvloop]`. The venue
is two processes: one speaks WebSocket, one answers REST and notes when each cancel arrives. A strategy watches every
contract; the run journals to disk. Printed: frames a second, how long cancels took from the hook's decision to the venue,
private events that came, how much memory grew.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import h11
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from strikeloop import Desk, Event, GapOpened, LedgerPosted, Quoted, RunStarted, StreamLost, TimerFired, hookimpl, plugin, state
from strikeloop.engine import Engine, Plugin
from strikeloop.journal import Journal, RunRecord, StateDir
from strikeloop.live import Live, WallClock
from strikeloop.margin import Classic
from strikeloop.summary import Summary
from strikeloop.wire import Secret
from strikeloop_gate import Gate

EACH = 1_000
"""Frames between two cancels."""
PRIVATE_EACH = 100
"""Frames between two private events."""
CHUNK = 64
NAMES = [f"BTC_USDT-20991231-{strike}-C" for strike in range(60_000, 80_000, 1_000)]


# ---- the venue ----


def contract(name: str) -> dict[str, Any]:
    figures = {
        "strike_price": name.split("-")[2], "multiplier": "0.01", "order_price_round": "1", "mark_price_round": "0.1",
        "maker_fee_rate": "0.0003", "taker_fee_rate": "0.0003", "price_limit_fee_rate": "0.125", "settle_fee_rate": "0",
        "settle_limit_fee_rate": "0.125", "init_margin_low": "0.1", "init_margin_high": "0.15", "maint_margin_base": "0.075",
        "order_price_deviate": "0.2",
    }  # fmt: skip
    return {
        "name": name, "is_active": True, "is_call": True, "tag": "day", "underlying": "BTC_USDT", "create_time": 1,
        "expiration_time": 4_102_387_200, "order_size_min": 1, "order_size_max": 10_000, "orders_limit": 10, "position_limit": 40_000,
        **figures,
    }  # fmt: skip


class Rest:
    """Accepts every order, cancels it when asked, and notes when."""

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.arrived: dict[str, int] = {}

    def answer(self, method: str, path: str, body: bytes) -> Any:
        match method, path.partition("?")[0].removeprefix("/api/v4"):
            case "GET", "/spot/time":
                return {"server_time": time.time_ns() // 1_000_000}
            case "GET", "/options/contracts":
                return [contract(name) for name in NAMES]
            case "GET", "/options/accounts":
                named = ("position_value", "equity", "unrealised_pnl", "init_margin", "maint_margin", "order_margin")
                return {"user": 1, "currency": "USDT", "total": "100000", "available": "100000", **dict.fromkeys(named, "0")}
            case "GET", "/options/orders":
                return [order for order in self.orders.values() if order["status"] == "open"]
            case "POST", "/options/orders":
                order = {
                    "id": len(self.orders) + 1, "fill_price": "0", "status": "open", "create_time": time.time(), **json.loads(body)
                }  # fmt: skip
                order["left"] = order["size"]
                self.orders[str(order["id"])] = order
                return order
            case "DELETE", where:
                number = where.rsplit("/", 1)[-1]
                self.arrived.setdefault(self.orders[number]["text"], time.perf_counter_ns())
                self.orders[number] |= {"status": "finished", "finish_as": "cancelled"}
                return self.orders[number]
        return []

    async def serve(self, stream: anyio.abc.SocketStream) -> None:
        async with stream:
            side, head, body = h11.Connection(h11.SERVER), ("", ""), b""
            while True:
                event = side.next_event()
                if event is h11.NEED_DATA:
                    try:
                        side.receive_data(await stream.receive())
                    except (anyio.EndOfStream, anyio.BrokenResourceError):
                        return
                elif isinstance(event, h11.Request):
                    head, body = (event.method.decode(), event.target.decode()), b""
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    answer = json.dumps(self.answer(*head, body)).encode()
                    headers = [("content-type", "application/json"), ("content-length", str(len(answer)))]
                    sent = (h11.Response(status_code=200, headers=headers), h11.Data(data=answer), h11.EndOfMessage())
                    await stream.send(b"".join(side.send(part) or b"" for part in sent))
                    side.start_next_cycle()
                else:
                    return


def serve_rest(pipe: Connection) -> None:
    async def main() -> None:
        rest = Rest()
        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, rest.serve)
            pipe.send(listener.extra(anyio.abc.SocketAttribute.local_port))
            await anyio.to_thread.run_sync(pipe.recv)
            pipe.send(rest.arrived)
            tasks.cancel_scope.cancel()

    anyio.run(main)


class Streams:
    """Acknowledges subscriptions; once told to, sends the burst to the feed and its share of private events to the account."""

    def __init__(self, frames: int) -> None:
        self.frames, self.burst = frames, anyio.Event()

    async def serve(self, stream: anyio.abc.SocketStream) -> None:
        async with stream, anyio.create_task_group() as tasks:
            protocol = ServerProtocol()
            try:
                while data := await stream.receive():
                    protocol.receive_data(data)
                    for event in protocol.events_received():
                        if isinstance(event, Request):
                            protocol.send_response(protocol.accept(event))
                        elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                            self.acknowledge(protocol, json.loads(bytes(event.data)), stream, tasks)
                    await stream.send(b"".join(protocol.data_to_send()))
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                tasks.cancel_scope.cancel()

    def acknowledge(self, protocol: ServerProtocol, asked: dict[str, Any], stream: Any, tasks: anyio.abc.TaskGroup) -> None:
        event = asked.get("event", "")
        answer = {"time": int(time.time()), "channel": asked["channel"], "event": event, "error": None, "result": {"status": "success"}}
        if asked["channel"] == "options.ping":
            answer |= {"channel": "options.pong", "result": None}
        protocol.send_text(json.dumps(answer).encode())
        if asked["channel"] == "options.book_ticker" and event == "subscribe":
            tasks.start_soon(self.rush, stream, self.frames, quote)
        if asked["channel"] == "options.balances" and event == "subscribe":
            tasks.start_soon(self.rush, stream, self.frames // PRIVATE_EACH, entry)

    async def rush(self, stream: anyio.abc.SocketStream, count: int, make: Any) -> None:
        await self.burst.wait()
        for start in range(0, count, CHUNK):
            frames = [Frame(Opcode.TEXT, make(number)).serialize(mask=False) for number in range(start, min(start + CHUNK, count))]
            await stream.send(b"".join(frames))


def quote(number: int) -> bytes:
    now = time.time_ns() // 1_000_000
    ticker = {"t": now, "u": number + 1, "s": NAMES[number % len(NAMES)], "b": "100", "B": number + 1, "a": "101", "A": 1}
    return json.dumps(
        {"time": now // 1_000, "time_ms": now, "channel": "options.book_ticker", "event": "update", "result": ticker}
    ).encode()


def entry(number: int) -> bytes:
    now = time.time_ns() // 1_000_000
    posted = {
        "balance": 100_001 + number,
        "change": 1,
        "type": "prem",
        "text": f"{number}",
        "user": "1",
        "time": now // 1_000,
        "time_ms": now,
    }
    return json.dumps({"time": now // 1_000, "channel": "options.balances", "event": "update", "result": [posted]}).encode()


def serve_streams(pipe: Connection, frames: int) -> None:
    async def main() -> None:
        streams = Streams(frames)
        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, streams.serve)
            pipe.send(listener.extra(anyio.abc.SocketAttribute.local_port))
            await anyio.to_thread.run_sync(pipe.recv)
            streams.burst.set()
            await anyio.to_thread.run_sync(pipe.recv)
            tasks.cancel_scope.cancel()

    anyio.run(main)


# ---- our side ----


@plugin
class Canceler:
    """Place an order for each cancel; then watch, and cancel one each time another 1,000 frames have come."""

    count: int = 100
    ids: list[str] = state(factory=list)
    decided: dict[str, int] = state(factory=dict)
    quotes: int = state(0)
    entries: int = state(0)
    last: int = state(0)
    trouble: list[str] = state(factory=list)

    @hookimpl
    def on_start(self, event: RunStarted, desk: Desk) -> None:
        desk.watch("BTC_USDT")
        desk.every(0.02, "place")

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        if len(self.ids) < self.count:
            self.ids.append(desk.buy(desk.chain("BTC_USDT")[0].id, 1, 1))

    @hookimpl
    def on_quote(self, event: Quoted, desk: Desk) -> None:
        self.quotes += 1
        self.last = max(self.last, int(event.bid_size))
        while len(self.decided) < self.last // EACH and len(self.decided) < len(self.ids):
            client_id = self.ids[len(self.decided)]
            self.decided[client_id] = time.perf_counter_ns()
            desk.cancel(client_id)

    @hookimpl
    def on_ledger(self, event: LedgerPosted) -> None:
        self.entries += 1

    def hear(self, event: Event) -> None:
        """Everything of the run, also before it started."""
        if isinstance(event, GapOpened | StreamLost):
            self.trouble.append(f"{event.port}: {event.reason}")


def memory_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096 / 2**20


async def burst(canceler: Canceler, live: Live, go: Connection, frames: int) -> dict[str, float]:
    """Wait for the orders, then let the burst loose and wait until all of it was seen."""
    with anyio.move_on_after(30):
        while sum(order.state.value == "open" for order in live.engine.orders.working()) < canceler.count:  # noqa: ASYNC110 - no event tells
            await anyio.sleep(0.05)
    if len(live.engine.orders.working()) < canceler.count:
        raise SystemExit(f"the orders did not come to stand: {canceler.trouble[:3]}")
    before, most, lag, took, began = memory_mb(), 0.0, 0.0, 120.0, time.perf_counter()
    go.send("go")
    with anyio.move_on_after(120):
        while canceler.last < frames or canceler.entries < frames // PRIVATE_EACH or len(live.engine.orders.working()):
            await anyio.sleep(0.01)
            most = max(most, memory_mb())
            if canceler.last < frames:
                took = time.perf_counter() - began
            lag = max(lag, *(port.lag_ns / 1e6 for port in live.feeds.values()))
    return {"took_s": took, "memory_mb": most - before, "lag_ms": lag}


async def run(frames: int, ports: tuple[int, int], go: Connection, folder: Path) -> tuple[Canceler, dict[str, float], Live]:
    rest, ws = ports
    canceler = Canceler(count=frames // EACH)
    clock = WallClock()
    adapter = Gate(
        rest_url=f"http://127.0.0.1:{rest}/api/v4", ws_url=f"ws://127.0.0.1:{ws}/v4/ws", channels=("options.book_ticker",),
        key=Secret("key"), secret=Secret("secret"),
    ).open("gate", clock=clock.now)  # fmt: skip
    state_dir = StateDir(folder)
    kept = state_dir.create("burst")
    with Journal.create(kept.journal, {"run": "burst"}) as journal:
        record = RunRecord(kept, journal, "live")
        engine = Engine([Plugin(name="canceler", kind="strategy", plugin=canceler)], margin=Classic(), tag="b")
        live = Live(engine, clock=clock, summary=Summary(run="burst", mode="live"), book=record, listen=canceler.hear)
        live.add_adapter(adapter, trade=True)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(live.run)
            figures = await burst(canceler, live, go, frames)
            live.stop("stop", "the burst is over")
    return canceler, figures, live


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--backend", choices=["asyncio", "trio"], default="asyncio")
    parser.add_argument("--uvloop", action="store_true", help="asyncio on uvloop")
    options = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    (rest, rest_end), (ws, ws_end) = spawn.Pipe(), spawn.Pipe()
    servers = [spawn.Process(target=serve_rest, args=(rest_end,)), spawn.Process(target=serve_streams, args=(ws_end, options.frames))]
    for server in servers:
        server.start()
    backend_options = {"use_uvloop": True} if options.uvloop else {}
    with tempfile.TemporaryDirectory() as name:
        ports = rest.recv(), ws.recv()
        canceler, figures, live = anyio.run(
            run, options.frames, ports, ws, Path(name), backend=options.backend, backend_options=backend_options
        )
    rest.send("end")
    arrived: dict[str, int] = rest.recv()
    ws.send("end")
    for server in servers:
        server.join()
    report(options.frames, canceler, figures, arrived, live)
    return 0 if canceler.entries == options.frames // PRIVATE_EACH else 1


def report(frames: int, canceler: Canceler, figures: dict[str, float], arrived: dict[str, int], live: Live) -> None:
    took = sorted((arrived[one] - at) / 1e6 for one, at in canceler.decided.items() if one in arrived)
    left_out = sum(status.conflated for port in live.feeds.values() for status in port.session.channels)
    at = {quantile: took[min(len(took) - 1, int(len(took) * quantile))] for quantile in (0.5, 0.99, 1.0)} if took else {}
    pace = f"{frames} frames in {figures['took_s']:.2f} s: {frames / figures['took_s']:,.0f} a second"
    print(f"{pace}; told {canceler.quotes}, left out {left_out}")
    print(f"{len(took)} cancels, decision to venue: " + ", ".join(f"p{quantile * 100:g} {value:.1f} ms" for quantile, value in at.items()))
    print(f"private events {canceler.entries} of {frames // PRIVATE_EACH}; gaps and losses {canceler.trouble}")
    print(f"memory grew by {figures['memory_mb']:.1f} MB; a batch of frames waited {figures['lag_ms']:.1f} ms at most")


if __name__ == "__main__":
    sys.exit(main())
