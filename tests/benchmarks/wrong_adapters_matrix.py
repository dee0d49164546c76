"""Every wrong adapter before every check of the contract: which of them find it, beside those that are made for it. By hand.

`python -m tests.benchmarks.wrong_adapters_matrix` takes some minutes. A fault that few checks find is told apart well.
"""

from __future__ import annotations

import time

import pytest

from strikeloop.testing import AdapterContract, ContractBrokenError
from tests.framework.testing.wrong_adapters import FAULTS, Spoil, Suite

CHECKS = sorted(name for name in dir(AdapterContract) if name.startswith("test_"))


def found_by(spoil: Spoil) -> list[str]:
    """The checks that fail."""
    found = []
    for check in CHECKS:
        try:
            getattr(Suite(spoil), check)("asyncio")
        except ContractBrokenError:
            found.append(check)
        except pytest.skip.Exception:
            continue
        except Exception as error:  # noqa: BLE001 - a check that breaks in another way is told
            found.append(f"{check} ({type(error).__name__}: {error})"[:120])
    return found


def main() -> None:
    """Print one line for each fault."""
    began, others = time.process_time(), []
    for spoil, named in FAULTS:
        found = found_by(spoil)
        missed = [check for check in named if check not in found]
        beside = [check for check in found if check not in named]
        others.append(len(beside))
        print(f"{spoil.__name__}: missed by {missed or 'none'}, found beside by {len(beside)}: {beside[:3]}", flush=True)
    alone = sum(not count for count in others)
    print(f"{len(FAULTS)} faults, {alone} found by their named checks alone, median beside {sorted(others)[len(others) // 2]}")
    print(f"{time.process_time() - began:.0f} s of CPU")


if __name__ == "__main__":
    main()
