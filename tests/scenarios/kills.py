"""A live run that is killed and started again on one state directory, against a venue in a process of its own; and the books after it.

What the venue lists over REST is the truth that the journals of all runs together are compared with.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from strikeloop import OrderState
from strikeloop.journal import Journal, is_begun, legacy_of
from tests.scenarios.console import environ

STRATEGY = '''
"""Churn: orders without end, some filled, some resting, some canceled at once."""

from strikeloop import ContractId, Desk, RunStarted, TimerFired, hookimpl, plugin, state


@plugin
class Churn:
    every_s: float = 0.04
    turn: int = state(0)

    @hookimpl
    def on_start(self, event: RunStarted, desk: Desk) -> None:
        desk.watch("BTC_USDT")
        desk.every(self.every_s, "churn")

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        self.turn += 1
        quoted = [c for c in desk.contracts if (q := desk.quote(c)) and q.bid and q.ask]
        if not quoted:
            return
        contract = quoted[self.turn % min(4, len(quoted))]
        quote = desk.quote(contract)
        for order in desk.working[:-6]:
            desk.cancel(order.key)
        if self.turn % 3 == 0:
            (desk.buy if self.turn % 2 else desk.sell)(contract, 1, quote.ask if self.turn % 2 else quote.bid, tif="ioc")
        else:
            desk.buy(contract, 1 + self.turn % 3, quote.bid)
'''


@attrs.frozen
class Venue:
    """One account of a served venue in a process of its own."""

    rest_url: str
    ws_url: str
    key: str
    secret: str
    pid: int

    def request(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """One signed request."""
        words = "&".join(f"{name}={value}" for name, value in query.items())
        content = b"" if body is None else json.dumps(body).encode()
        moment = f"{time.time():.3f}"
        text = "\n".join((method, f"/api/v4{path}", words, hashlib.sha512(content).hexdigest(), moment))
        sign = hmac.new(self.secret.encode(), text.encode(), hashlib.sha512).hexdigest()
        headers = {"KEY": self.key, "Timestamp": moment, "SIGN": sign, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.rest_url}{path}?{words}", content or None, headers, method=method)  # noqa: S310 - a loopback address
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return json.load(answer)

    def place(self, text: str) -> str:
        """An order of other hands that rests: a buy far below the market. Its number at the venue."""
        chain = self.request("GET", "/options/tickers", underlying="BTC_USDT")
        deep = max(chain, key=lambda row: float(row["mark_price"]))
        price = round(float(deep["mark_price"]) * 0.6, -1)
        order = self.request(
            "POST", "/options/orders", {"contract": deep["name"], "size": 1, "price": f"{price:.0f}", "tif": "gtc", "text": text}
        )
        return str(order["id"])

    def listed(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every row of a paged listing."""
        rows: list[dict[str, Any]] = []
        while page := self.request("GET", path, limit=1000, offset=len(rows), **query):
            rows += page
        return rows

    def orders(self) -> list[dict[str, Any]]:
        return [row for status in ("open", "finished") for row in self.listed("/options/orders", status=status)]

    def open_orders(self) -> list[dict[str, Any]]:
        return self.listed("/options/orders", status="open")


@contextmanager
def venue_process(folder: Path, accounts: int = 1, *more: str) -> Iterator[list[Venue]]:
    """`strikeloop venue serve`, ended at the end; one venue for each account."""
    serve = [sys.executable, "-m", "strikeloop", "venue", "serve"]
    words = ["--seed", "5", "--balance", "10000000", "--accounts", str(accounts), *more]
    with (folder / "venue.err").open("w") as errors:
        child = subprocess.Popen([*serve, *words], cwd=folder, env=environ(), stdout=subprocess.PIPE, stderr=errors, text=True)
    stdout = child.stdout
    assert stdout is not None
    with stdout:
        try:
            said = json.loads(stdout.readline())
            yield [Venue(said["rest"], said["ws"], account["key"], account["secret"], child.pid) for account in said["accounts"]]
        finally:
            child.send_signal(signal.SIGCONT)
            child.terminate()
            child.wait(10)


CHURN = """
[strategies.churn]
use = "./churn.py:Churn"
"""


def configure(folder: Path, venue: Venue, more: str = "", strategies: str = CHURN) -> None:
    """A config for live trading with `Churn` on the venue."""
    folder.chmod(0o700)
    (folder / "churn.py").write_text(STRATEGY)
    for name, text in (("key", venue.key), ("secret", venue.secret)):
        (folder / f"{name}.txt").write_text(text)
        (folder / f"{name}.txt").chmod(0o600)
    (folder / "strikeloop.toml").write_text(
        f"""
[run]
mode = "live"
{more}
[adapters.gate]
use = "gate"
rest_url = "{venue.rest_url}"
ws_url = "{venue.ws_url}"
channels = ["options.book_ticker"]
key = {{ file = "key.txt" }}
secret = {{ file = "secret.txt" }}
{strategies}"""
    )


@attrs.define(eq=False)
class Child:
    """One `strikeloop run --live`; `reached` tells after how many seconds it said it was in a state."""

    process: subprocess.Popen[bytes]
    state_dir: Path
    before: frozenset[str]
    spawned: float
    reached: dict[str, float] = attrs.field(factory=dict)

    def status(self) -> dict[str, Any]:
        """What the run says of itself; nothing before it has a folder."""
        fresh = sorted(set(_runs(self.state_dir)) - self.before)
        try:
            found: dict[str, Any] = json.loads((self.state_dir / fresh[-1] / "status.json").read_bytes())
        except (IndexError, FileNotFoundError):
            return {}
        return found

    def wait_for(self, *states: str, seconds: float) -> str:
        """Until the run is in one of these states, or ends, or time is over; the state it is in."""
        end = time.monotonic() + seconds
        while True:
            state = str(self.status().get("state", ""))
            self.reached.setdefault(state, time.monotonic() - self.spawned)
            if state in states or time.monotonic() > end or self.process.poll() is not None:
                return state
            time.sleep(0.02)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self, number: int = signal.SIGTERM, seconds: float = 15) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


WITHOUT_STDIN = ("sh", "-c", 'exec "$@" <&-', "sh")


def start(folder: Path, *words: str, by: Sequence[str] = ()) -> Child:
    """`strikeloop run --live` in this folder, started `by` a command of this kind."""
    state_dir = folder / "runs"
    before = frozenset(_runs(state_dir))
    with (folder / "run.err").open("ab") as errors, (folder / "run.out").open("ab") as out:
        process = subprocess.Popen(
            [*by, sys.executable, "-m", "strikeloop", "run", "--live", "--json", "--quiet", *words],
            cwd=folder,
            env=environ(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
        )
    return Child(process, state_dir, before, time.monotonic())


def _runs(state_dir: Path) -> list[str]:
    return sorted(entry.name for entry in os.scandir(state_dir) if entry.is_dir()) if state_dir.exists() else []


# ---- the books -----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Books:
    """What the journals of all runs say together: intents, the last word on each order, each fill as often as it was told."""

    intents: Counter[str]
    orders: Mapping[str, dict[str, Any]]
    fills: Counter[tuple[str, str, str]]


def journals(state_dir: Path) -> list[Path]:
    """The journals of all runs, oldest first, but for those that nothing was ever committed to."""
    return [path for run in _runs(state_dir) if is_begun(path := state_dir / run / "journal.sqlite")]


def books(state_dir: Path) -> Books:
    """Read every journal of a state directory; each must be sound."""
    intents: Counter[str] = Counter()
    orders: dict[str, dict[str, Any]] = {}
    fills: Counter[tuple[str, str, str]] = Counter()
    for path in journals(state_dir):
        said: dict[str, dict[str, Any]] = {}
        with Journal.open(path) as journal:
            intents.update(row.key for row in journal.rows("intent") if row.body["command"] == "SubmitOrder")
            for row in journal.events("OrderUpdated", "Filled"):
                if row.body["event"] == "Filled":
                    fills[(row.body["contract"], row.body["trade_id"], row.body["order_id"])] += 1
                elif row.body["client_id"] and not (row.body["client_id"] in said and _is_over(said[row.body["client_id"]])):
                    said[row.body["client_id"]] = row.body
        orders |= said
    return Books(intents=intents, orders=orders, fills=fills)


def _is_over(order: Mapping[str, Any]) -> bool:
    """Whether an order's end was told in a run: it stands there, whatever comes late; only one that was absent may come back."""
    state = OrderState(order["state"])
    return state.is_terminal and state is not OrderState.ABSENT


def unresolved(state_dir: Path) -> tuple[str, ...]:
    """The orders whose end the last run does not know."""
    with Journal.open(state_dir / _runs(state_dir)[-1] / "journal.sqlite") as journal:
        return tuple(intent.order.client_id for intent in legacy_of(journal).intents)


def differences(venue: Venue, state_dir: Path) -> list[str]:
    """Every way in which the venue and the journals do not agree; none where nothing was lost, repeated or invented."""
    ours, wrong = books(state_dir), []
    listed = [row for row in venue.orders() if row["text"].startswith("t-")]
    by_text = Counter(row["text"] for row in listed)
    wrong += [f"{text} is at the venue {count} times" for text, count in by_text.items() if count > 1]
    wrong += [f"{text} is at the venue and in no journal" for text in by_text if text not in ours.intents]
    wrong += [f"{name} was meant to leave {count} times" for name, count in ours.intents.items() if count > 1]
    rows = {row["text"]: row for row in listed}
    for name in ours.intents:
        wrong += _differs(name, ours.orders.get(name), rows.get(name))
    ids = {str(row["id"]) for row in listed}
    trades = Counter(
        (row["contract"], str(row["id"]), str(row["order_id"]))
        for row in venue.listed("/options/my_trades", underlying="BTC_USDT")
        if str(row["order_id"]) in ids
    )
    told = Counter({key: count for key, count in ours.fills.items() if key[2] in ids})
    for key in {*trades, *told}:
        if trades[key] != told[key]:
            wrong.append(f"fill {key} was told {told[key]} times, and the venue has it {trades[key]} times")
    return wrong


def _differs(name: str, ours: Mapping[str, Any] | None, row: Mapping[str, Any] | None) -> list[str]:
    state = "" if ours is None else ours["state"]
    if row is None:
        return [] if state in ("absent", "rejected") else [f"{name} is {state or 'not spoken of'} and the venue does not know it"]
    if ours is None or state in ("absent", "rejected"):
        return [f"{name} is {state or 'not spoken of'} and at the venue {row['status']}"]
    is_open = row["status"] == "open"
    if is_open != (state == "open"):
        return [f"{name} is {state} and at the venue {row['status']}"]
    if ours["left"] is not None and Decimal(ours["left"]) != Decimal(row["left"]):
        return [f"{name} has {ours['left']} left, at the venue {row['left']}"]
    return []
