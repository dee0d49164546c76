"""Optional libraries of the wire: the one message that says which extra brings them.

Owns nothing else; it never imports them at import time, so that the light core stays light.
"""

from __future__ import annotations

from importlib import import_module

from strikeloop.errors import ConfigError, Problem


def require_live(user: str, module: str) -> None:
    """Raise ConfigError naming the extra when `module`, which `user` stands on, is not installed."""
    try:
        import_module(module)
    except ImportError as exc:
        raise ConfigError(Problem(user, f"the library {module} is not installed", "pip install strikeloop[live]")) from exc
