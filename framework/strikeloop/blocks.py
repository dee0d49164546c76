"""Why opening orders are refused at the moment, apart from what rules say.

Owns `Blocks`. An account that is not confirmed is not traded on, nor one of which the driver misses something, nor a run that is
halted or stopping. Each cause ends by itself.
"""

from __future__ import annotations

from strikeloop.events import GapClosed, GapOpened, Reconciled, StreamEvent, StreamLost, StreamStale


class Blocks(dict[tuple[str, str], str]):
    """Reasons by (adapter, cause); adapter "" is the whole run, cause "" what the account's own stream says."""

    @property
    def is_halted(self) -> bool:
        """Whether every order of the run is refused."""
        return any(adapter == "" for adapter, _ in self)

    def fold(self, event: StreamEvent) -> None:
        """What a stream says of an account, or the driver of what it misses of one: each blocks until it says otherwise itself."""
        adapter = event.adapter
        if event.port == "driver" and isinstance(event, GapOpened):
            self[adapter, event.channel] = event.reason
        elif event.port == "driver" and isinstance(event, GapClosed):
            self.pop((adapter, event.channel), None)
        if event.port != "account":
            return
        if isinstance(event, StreamLost):
            self[adapter, ""] = f"the connection to {adapter} is lost: {event.reason}"
        elif isinstance(event, GapOpened):
            self[adapter, ""] = f"{event.channel} of {adapter} missed messages: {event.reason}"
        elif isinstance(event, StreamStale):
            self[adapter, ""] = f"the account of {adapter} was not confirmed for {event.age_s:.0f} s"
        elif isinstance(event, Reconciled | GapClosed):
            self.pop((adapter, ""), None)
