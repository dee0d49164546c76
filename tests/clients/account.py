"""One account on the served venue, and how each client is pointed at it.

Owns the settings of the clients: what their own documentation says, and the address. Nothing of a client is changed;
ccxt is pointed by the very lines that the venue's README gives.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

README = Path(__file__).parents[2] / "plugins" / "venue" / "README.md"


def from_readme(name: str) -> Any:
    """A function that the venue's README defines."""
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    namespace: dict[str, Any] = {}
    exec(next(block for block in blocks if f"def {name}" in block), namespace)  # noqa: S102  # our own documentation
    return namespace[name]


@attrs.frozen
class Account:
    rest: str
    ws: str
    key: str
    secret: str
    user_id: int
    control: Mapping[str, str]

    def channels(self) -> set[str]:
        """The channels on which the venue tells somebody of this account now."""
        request = urllib.request.Request(self.control["url"] + "/connections", headers={"Authorization": "Bearer " + self.control["token"]})  # noqa: S310 - a loopback address
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - a loopback address
            rows = json.load(answer)
        return {channel for row in rows if self.user_id in row["users"] for channel in row["channels"]}

    def ccxt(self, exchange: Any, *types: str) -> Any:
        """An exchange of ccxt's, ccxt.async_support's or ccxt.pro's that loads markets of these types."""
        where, account = {"rest": self.rest, "ws": self.ws}, {"key": self.key, "secret": self.secret, "user_id": self.user_id}
        made = from_readme("on_the_served_venue")(exchange, where, account)
        made.enableRateLimit = False
        if types:
            made.options["fetchMarkets"] = {"types": list(types)}
        return made

    @contextmanager
    def gate_api(self, gate_api: Any) -> Iterator[Any]:
        """The options section of gate-api."""
        configuration = gate_api.Configuration(host=self.rest, key=self.key, secret=self.secret)
        with gate_api.ApiClient(configuration) as client:
            try:
                yield gate_api.OptionsApi(client)
            finally:
                client.rest_client.pool_manager.clear()

    def gate_ws(self, gate_ws: Any) -> Any:
        """A connection of gate-ws's; it runs in the loop that is running."""
        configuration = gate_ws.Configuration(app="options", host=self.ws, api_key=self.key, api_secret=self.secret, ping_interval=1)
        return gate_ws.Connection(configuration)
