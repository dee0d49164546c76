"""The kill switch: halts a run, withdraws its orders and closes positions under limits, as a pure machine."""

from strikeloop.killswitch.machine import LOOK_NS, NAME, KillSwitch
from strikeloop.killswitch.settings import HaltSettings

__all__ = ["LOOK_NS", "NAME", "HaltSettings", "KillSwitch"]
