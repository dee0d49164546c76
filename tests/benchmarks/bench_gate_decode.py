"""From bytes to events to hooks, beside the limit: picows on uvloop with msgspec Structs that hold Decimals.

Run by hand: `uv run python tests/benchmarks/bench_gate_decode.py [--peer-python PATH] [--ccxt-python PATH] [--messages N] [--rounds N]`.
The peers live in interpreters of their own; those that are missing are named and left out. Every figure is CPU time of the
process that reads, in µs per message, median over rounds in which all cases take turns; on another machine only the ratios
mean anything. Messages are the seed document's four updates, each order with an id of its own; as nobody placed these orders,
the session holds them for a look-up, and three of four messages reach the hook.
`--mutations N` reads N damaged frames with one good one in 50 instead, and tells what became of them and of the memory.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gc
import hashlib
import json
import random
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

CONTRACT = "BTC_USDT-20230630-30000-C"
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
RESULTS: dict[str, dict[str, Any]] = {
    "options.positions": {
        "contract": CONTRACT, "size": "1.0", "entry_price": "2000", "mark_price": "2100", "realised_pnl": "0", "unrealised_pnl": "100",
        "delta": "0.65", "gamma": "0.0001", "vega": "10", "theta": "-5",
    },
    "options.orders": {
        "id": "123456789", "contract": CONTRACT, "size": "1.0", "price": "2000", "fill_price": "2000", "status": "closed",
        "type": "limit", "tif": "gtc", "create_time": 1234567890, "finish_time": 1234567890,
    },
    "options.balances": {
        "total": "10000", "unrealized_pnl": "500", "option_value": "2000", "short_positions": "3", "long_positions": "2",
        "available": "7500", "currency": "USDT", "margin_ratio": "0.2",
    },
    "options.portfolio": {
        "total_delta": "0.5", "total_gamma": "0.001", "total_vega": "20", "total_theta": "-10", "margin_occupied": "2000",
        "margin_required": "1500", "effective_leverage": "2.5", "portfolio_var": "1000",
    },
}  # fmt: skip
GATE_ORDER = {
    "id": 123456789, "contract": CONTRACT, "underlying": "BTC_USDT", "create_time": 1637897000, "size": -10, "left": -10, "iceberg": 0,
    "price": 15000, "fill_price": 0, "status": "finished", "finish_as": "cancelled", "tif": "gtc", "text": "web", "is_close": False,
    "is_reduce_only": False, "is_liq": False, "mkfr": 0.0003, "tkfr": 0.0003, "refu": 0, "refr": 0, "user": "9000",
    "time": 1637897000, "time_ms": 1637897000000,
}  # fmt: skip
GATE_TICKER = {
    "name": CONTRACT, "last_price": "10", "mark_price": "350.6", "index_price": "79000", "position_size": 3, "bid1_price": "322",
    "bid1_size": 2000, "ask1_price": "330", "ask1_size": 5, "vega": "19.18789", "theta": "-168.86772", "rho": "-28.5", "gamma": "0.000116",
    "delta": "-0.22843", "mark_iv": "0.4103", "bid_iv": "0.4", "ask_iv": "0.4063", "leverage": "51.7",
}  # fmt: skip


def encoded(channel: str, result: Any) -> bytes:
    return json.dumps({"time": 1234567890, "channel": channel, "event": "update", "result": result}, separators=(",", ":")).encode()


def seed_messages(count: int) -> list[bytes]:
    """The four updates in turn, as the seed document has them."""
    channels = list(RESULTS)
    return [encoded(channels[at % 4], RESULTS[channels[at % 4]] | ({"id": str(10**9 + at)} if at % 4 == 1 else {})) for at in range(count)]


def gate_messages(count: int) -> list[bytes]:
    """Orders and tickers in turn, as the venue sends them."""
    kinds: tuple[tuple[str, Any], ...] = (("options.orders", [GATE_ORDER]), ("options.contract_tickers", GATE_TICKER))
    return [encoded(*kinds[at % 2]) for at in range(count)]


# ---- the limit: what runs in the peers' interpreter needs nothing of ours ----


def struct_decoder() -> Callable[[bytes], Any]:
    """Tagged Structs over the four updates, every number a Decimal."""
    import msgspec

    text, whole = {"contract", "id", "status", "type", "tif", "currency"}, {"create_time", "finish_time"}
    kinds = []
    for channel, result in RESULTS.items():
        fields = [(key, str if key in text else int if key in whole else Decimal) for key in result]
        form = msgspec.defstruct(channel.replace(".", "_"), fields)
        kinds.append(msgspec.defstruct("Frame", [("time", int), ("event", str), ("result", form)], tag_field="channel", tag=channel))
    union = kinds[0] | kinds[1] | kinds[2] | kinds[3]
    return msgspec.json.Decoder(union).decode


def serve() -> None:
    """One WebSocket client at a time gets `count` messages as fast as it reads them; the port is printed first."""
    asyncio.run(_serve())


async def _serve() -> None:
    payload = b""

    async def blast(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal payload
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        count = int(head.split(" ")[1].rsplit("/", 1)[1])
        key = next(line.split(": ", 1)[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()).decode()
        writer.write(f"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        await writer.drain()
        if not payload:
            payload = b"".join(b"\x81\x7e" + len(one).to_bytes(2, "big") + one for one in seed_messages(count))
        await asyncio.sleep(0.2)
        writer.write(payload)
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(blast, "127.0.0.1", 0, limit=2**20)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


def child_picows(port: int, count: int) -> float:
    """CPU µs for each message that picows on uvloop reads and a Struct decoder takes."""
    import uvloop
    from picows import WSListener, ws_connect  # type: ignore[import-not-found]  # of the peers' interpreter

    decode = struct_decoder()
    seen = 0
    begun = 0.0

    class Reader(WSListener):  # type: ignore[misc]  # picows is no dependency
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            nonlocal seen, begun
            if not seen:
                begun = time.process_time()
            decode(frame.get_payload_as_bytes())
            seen += 1
            if seen == count:
                transport.disconnect()

    async def run() -> None:
        transport, _ = await ws_connect(Reader, f"ws://127.0.0.1:{port}/{count}")
        await transport.wait_disconnected()

    uvloop.run(run())
    return (time.process_time() - begun) * 1e6 / (count - 1)


def child_ccxt(_port: int, count: int) -> float:
    """CPU µs for each order message that ccxt.pro handles, once it is loaded as a dict."""
    import ccxt.pro  # of an interpreter of its own

    async def run() -> float:
        exchange = ccxt.pro.gate({"apiKey": "k", "secret": "s", "uid": "9000"})
        market = {
            "id": CONTRACT, "symbol": "BTC/USDT:USDT-230630-30000-C", "base": "BTC", "quote": "USDT", "settle": "USDT", "type": "option",
            "baseId": "BTC", "quoteId": "USDT", "settleId": "USDT", "spot": False, "swap": False, "future": False, "option": True,
            "contract": True, "linear": True, "inverse": False, "active": True, "contractSize": 1, "precision": {}, "limits": {},
            "info": {},
        }  # fmt: skip
        exchange.set_markets([market])
        client = exchange.client("wss://op-ws.gateio.live/v4/ws")
        raws = [encoded("options.orders", [GATE_ORDER | {"id": at}]) for at in range(count)]
        begun = time.process_time()
        for raw in raws:
            exchange.handle_message(client, json.loads(raw))
        spent = (time.process_time() - begun) * 1e6 / count
        await exchange.close()
        return spent

    return asyncio.run(run())


# ---- ours ----


def hooked() -> tuple[Callable[[Sequence[bytes]], None], Callable[[], int]]:
    """Decoder, session and engine with one sink: what takes a batch of frames, and how many hooks were called."""
    from tests.benchmarks.account_path import AccountPath

    path = AccountPath(1)
    (counter,) = path.counters
    decode, session, step, line = path.decode_batch, path.session, path.step, path.line

    def take(frames: Sequence[bytes]) -> None:
        now = time.time_ns()
        session.receive(line, decode(frames, now), now)  # type: ignore[arg-type]  # none of these frames is damaged
        events, _ = session.take()
        for event in events:
            step(event)

    return take, lambda: counter.count


def child_ours(port: int, count: int, *, to_hook: bool) -> float:
    """CPU µs for each message from our socket on uvloop to its events, or to the hook of a plugin, as a live run has it."""
    import anyio

    from strikeloop.garbage import LIVE, little_garbage_collection
    from strikeloop.wire import connect_websocket
    from strikeloop_gate.decode import Dialect, FrameDecoder

    decode = FrameDecoder("gate", Dialect.SEED).decode_batch
    take, heard = hooked()

    async def run() -> float:
        link = await connect_websocket(f"ws://127.0.0.1:{port}/{count}")
        seen, begun = 0, 0.0
        while seen < count:
            frames = await link.receive()
            begun = begun or time.process_time()
            if to_hook:
                take(frames)
            else:
                decode(frames, time.time_ns())
            seen += len(frames)
        spent = time.process_time() - begun
        await link.aclose()
        return spent * 1e6 / count

    with little_garbage_collection(LIVE):
        spent = anyio.run(run, backend_options={"use_uvloop": True})
    if to_hook and heard() < count * 0.7:
        sys.exit(f"only {heard()} of {count} messages reached the hook")
    return spent


CHILDREN: dict[str, Callable[[int, int], float]] = {
    "picows": child_picows,
    "ccxt": child_ccxt,
    "events": lambda port, count: child_ours(port, count, to_hook=False),
    "hook": lambda port, count: child_ours(port, count, to_hook=True),
}


def decoding() -> dict[str, Callable[[], float]]:
    """Without sockets: µs for each message, in this process."""
    from strikeloop_gate.decode import Dialect, FrameDecoder

    seed, gate = seed_messages(4_000), gate_messages(4_000)
    of_seed, of_gate, structs = FrameDecoder("gate", Dialect.SEED), FrameDecoder("gate", Dialect.GATE), struct_decoder()

    def timed(function: Callable[[bytes], Any], frames: list[bytes]) -> float:
        begun = time.process_time()
        for frame in frames:
            function(frame)
        return (time.process_time() - begun) * 1e6 / len(frames)

    def in_batches(decoder: FrameDecoder, frames: list[bytes]) -> float:
        begun = time.process_time()
        for at in range(0, len(frames), 50):
            decoder.decode_batch(frames[at : at + 50], 1)
        return (time.process_time() - begun) * 1e6 / len(frames)

    def to_hook() -> float:
        take, _ = hooked()
        begun = time.process_time()
        for at in range(0, len(seed), 50):
            take(seed[at : at + 50])
        return (time.process_time() - begun) * 1e6 / len(seed)

    return {
        "msgspec Structs, no socket": lambda: timed(structs, seed),
        "seed frame → events, no socket": lambda: in_batches(of_seed, seed),
        "seed frame → hook, no socket": to_hook,
        "venue's frame → events, no socket": lambda: in_batches(of_gate, gate),
    }


def measure(options: argparse.Namespace) -> None:
    server = subprocess.Popen([sys.executable, __file__, "--child", "server"], stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline())  # type: ignore[union-attr]  # it is a pipe
        inside = decoding()
        outside = {
            "picows on uvloop + Structs (limit)": (options.peer_python, "picows", options.messages),
            "ours on uvloop → events": (sys.executable, "events", options.messages),
            "ours on uvloop → hook": (sys.executable, "hook", options.messages),
            "ccxt.pro handle_message": (options.ccxt_python, "ccxt", 5_000),
        }
        found: dict[str, list[float]] = {name: [] for name in (*inside, *outside)}
        for _ in range(options.rounds):
            for name, function in inside.items():
                gc.collect()
                found[name].append(function())
            for name, (python, child, count) in outside.items():
                if python:
                    told = subprocess.run(
                        [python, __file__, "--child", child, "--port", str(port), "--messages", str(count)],
                        capture_output=True,
                        text=True,
                        check=False,
                    )
                    found[name] += [float(told.stdout)] if told.returncode == 0 else []
        report(found)
    finally:
        server.kill()
        server.wait()


def report(found: dict[str, list[float]]) -> None:
    """The table: each case beside the limit of its kind, ratios taken inside one round."""
    bare, limit = found["msgspec Structs, no socket"], found["picows on uvloop + Structs (limit)"]
    print(f"{'case':40} {'µs/message':>10} {'× limit':>8}")
    for name, times in found.items():
        base = bare if "no socket" in name else limit
        if not times:
            print(f"{name:40} {'missing':>10}")
            continue
        ratios = [one / other for one, other in zip(times, base, strict=False)]
        print(f"{name:40} {statistics.median(times):>10.2f} {statistics.median(ratios) if ratios else float('nan'):>8.2f}")


# ---- damaged frames ----

POISONS = (b"NaN", b"1e999", b"9" * 5_000, b"[" * 200, b'"', b"\\ud800", b"\xff", b"null", b"-0")


def damaged(count: int, seed: int = 1) -> Iterator[tuple[bytes, bool]]:
    """Frames of both dialects, each damaged somewhere but for one in 50; with whether it is whole."""
    chance = random.Random(seed)
    whole = [*seed_messages(4), *gate_messages(2)]
    for at in range(count):
        frame = bytearray(whole[chance.randrange(len(whole))])
        if at % 50 == 0:
            yield bytes(frame), True
            continue
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(frame))
            match chance.randrange(4):
                case 0:
                    frame[place] = chance.randrange(256)
                case 1:
                    del frame[place : place + chance.randint(1, 30)]
                case 2:
                    frame[place:place] = frame[place : place + chance.randint(1, 60)]
                case _:
                    frame[place:place] = chance.choice(
                        [b"NaN", b"1e999", b"9" * 5_000, b"[" * 200, b'"', b"\\ud800", b"\xff", b"null", b"-0"]
                    )
            if not frame:
                break
        yield bytes(frame), False


def endure(count: int) -> tuple[int, int, int]:
    """Read `count` damaged frames; how many good ones there were, how many were read, and bytes of memory gained."""
    from strikeloop import DecodeError
    from strikeloop_gate.decode import Dialect, FrameDecoder

    decode = FrameDecoder("gate", Dialect.AUTO)
    good = read = 0
    before = 0
    tracemalloc.start()
    for at, (frame, is_whole) in enumerate(damaged(count)):
        if at == count // 4:
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
        good += is_whole
        try:
            read += bool(decode(frame, 1).events) and is_whole
        except DecodeError:
            continue
    gc.collect()
    gained = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return good, read, gained


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", help="an interpreter with picows, uvloop and msgspec")
    parser.add_argument("--ccxt-python", help="an interpreter with ccxt")
    parser.add_argument("--messages", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mutations", type=int, default=0, help="read this many damaged frames instead")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child == "server":
        serve()
    elif options.child:
        print(CHILDREN[options.child](options.port, options.messages))
    elif options.mutations:
        good, read, gained = endure(options.mutations)
        print(f"{options.mutations} frames: {good} good, {read} of them read, no uncaught exception, {gained / 1024:.0f} KiB gained")
    else:
        measure(options)


if __name__ == "__main__":
    sys.path.insert(0, ".")
    main()
