"""The chart library inside the page: packed, because it is two thirds smaller that way.

Owns where plotly's script comes from and the files of the page's own style and behavior.
"""

from __future__ import annotations

import base64
import gzip
from functools import cache
from importlib.resources import files


@cache
def library() -> str:
    """plotly.js as base64 of gzip: assets/page.js unpacks it in the browser."""
    script = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    return base64.b64encode(gzip.compress(script, 9, mtime=0)).decode("ascii")


@cache
def asset(name: str) -> str:
    """A file of the assets folder."""
    return files("strikeloop_report").joinpath("assets", name).read_text(encoding="utf-8")
