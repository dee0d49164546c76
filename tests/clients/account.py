"""One account on the served venue, and how each client is pointed at it.

Owns the settings of the clients: what their own documentation says, and the address. Nothing of a client is changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs

LIVE = "https://api.gateio.ws"


class Anywhere(str):
    """A WebSocket address for ccxt.pro, which looks it up by settlement currency in some places and takes it whole in others."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> str:
        return str(self) if isinstance(key, str) else str.__getitem__(self, key)


@attrs.frozen
class Account:
    rest: str
    ws: str
    key: str
    secret: str
    user_id: int

    def ccxt(self, exchange: Any, *types: str) -> Any:
        """An exchange of ccxt's, ccxt.async_support's or ccxt.pro's."""
        options = {"defaultType": "option", "fetchMarkets": {"types": list(types or ("option",))}, "unifiedAccount": False}
        settings = {"apiKey": self.key, "secret": self.secret, "uid": str(self.user_id), "enableRateLimit": False, "options": options}
        made = exchange(settings)
        made.urls["api"] = {**self._moved(made.urls["api"]), "option": Anywhere(self.ws)}
        return made

    def _moved(self, urls: Any) -> Any:
        if isinstance(urls, dict):
            return {name: self._moved(url) for name, url in urls.items()}
        return self.rest if isinstance(urls, str) and urls.startswith(LIVE) else urls

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
