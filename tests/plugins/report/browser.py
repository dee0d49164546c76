"""A real browser, asked over its debugging protocol: opens a page, runs JavaScript in it, and tells what went wrong there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
WAIT_S = 60.0


def installed() -> str:
    """The path of a browser; the test is skipped where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser is installed: none of {', '.join(NAMES)} is on the path (Debian: apt-get install chromium)")
    return found


class Page:
    """A page of the browser. `troubles` are exceptions and errors of its console; `loaded` what it asked for beside itself."""

    def __init__(self, link: ClientConnection) -> None:
        self._link, self._count, self._is_loaded = link, 0, False
        self.shown: tuple[Path, int, bool] | None = None
        self.troubles: list[str] = []
        self.loaded: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")

    def open(self, path: Path, *, width: int = 1440, height: int = 900, is_dark: bool = False) -> None:
        """Show a file in a window of this width, and return when its charts are drawn."""
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])
        self._is_loaded, self.shown = False, (path, width, is_dark)
        self._ask("Page.navigate", url=path.as_uri())
        while not self._is_loaded:
            self._note(json.loads(self._link.recv(timeout=WAIT_S)))
        self.does("'drawn' in document.documentElement.dataset || new Promise(done => addEventListener('drawn', () => done(true)))")

    def does(self, script: str) -> Any:
        """The value of a JavaScript expression in the page; of a promise, what it comes to."""
        answer = self._ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def types(self, *keys: str) -> None:
        """Press and release keys, by their names."""
        for key in keys:
            for kind in ("rawKeyDown", "keyUp"):
                self._ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=_KEYS[key])

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        self._link.send(json.dumps({"id": self._count, "method": method, "params": parameters}))
        while True:
            told = json.loads(self._link.recv(timeout=WAIT_S))
            self._note(told)
            if told.get("id") == self._count:
                assert "error" not in told, told
                return dict(told["result"])

    def _note(self, told: dict[str, Any]) -> None:
        match told.get("method"), told.get("params"):
            case "Runtime.exceptionThrown", {"exceptionDetails": details}:
                self.troubles.append(str(details))
            case "Log.entryAdded", {"entry": {"level": "error", "text": text}}:
                self.troubles.append(str(text))
            case "Page.loadEventFired", _:
                self._is_loaded = True
            case "Network.requestWillBeSent", {"request": {"url": url}}:
                self.loaded.append(str(url))


_KEYS = {"Tab": 9, "ArrowDown": 40}


@contextmanager
def browsing(profile: Path) -> Iterator[Page]:
    """A browser with a profile of its own, until the block ends."""
    rights = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [installed(), *OPTIONS, *rights, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as browser:
        assert browser.stderr is not None
        try:
            where = next(found[1] for line in browser.stderr if (found := re.search(r"DevTools listening on ws://([^/]+)", line)))
            threading.Thread(target=browser.stderr.read, daemon=True).start()  # a full pipe would stop it
            with connect(f"ws://{where}/devtools/page/{_page(where)}", max_size=None, proxy=None) as link:
                yield Page(link)
        finally:
            browser.terminate()


def _page(where: str) -> str:
    """The id of the one page that is open."""
    with urllib.request.urlopen(f"http://{where}/json/list", timeout=WAIT_S) as answer:  # our own browser
        return next(str(one["id"]) for one in json.load(answer) if one["type"] == "page")
