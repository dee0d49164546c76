"""The contract of an adapter as tests: subclass it, say how the venue speaks, and some 75 checks run offline.

Owns `AdapterContract`, which is its groups put together.
"""

from __future__ import annotations

from strikeloop.testing.suite.connecting import Connecting
from strikeloop.testing.suite.decoding import Decoding
from strikeloop.testing.suite.hygiene import Hygiene
from strikeloop.testing.suite.trading import Trading
from strikeloop.testing.suite.truth import Truth


class AdapterContract(Decoding, Connecting, Truth, Trading, Hygiene):
    """Subclass it as `Test…`, set `spelling`, and write `adapter`.

    ```python
    class TestMyVenue(AdapterContract):
        spelling = MySpelling()

        def adapter(self):
            return MyVenue(key=Secret(KEY), secret=Secret(SECRET))
    ```

    `recorded` holds frames that the venue really sent; `package` names the adapter's package where it is not the one of its
    settings. A read-only adapter skips what needs an account. Every check that fails says what the venue did, what was
    expected, and where to look.
    """
