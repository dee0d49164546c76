"""How a check runs and what it says when it fails: in four lines, with the place in the author's code, and nothing of ours."""

from __future__ import annotations

import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from strikeloop_corvid.account import CorvidAccount

from strikeloop.testing import ContractBrokenError
from strikeloop.testing.suite.broken import broken, place, raising
from strikeloop.testing.suite.watch import Watch, package_of
from tests.framework.testing.wrong_adapters import Changed, Suite, takes_silence_for_a_no

CHECK = "test_an_order_without_an_answer_is_an_OutcomeUnknownError"


def failure(spoil: Any, check: str = CHECK) -> ContractBrokenError:
    with pytest.raises(ContractBrokenError) as found:
        getattr(Suite(spoil), check)("asyncio")
    return found.value


def test_a_failure_says_what_happened_what_was_expected_what_came_and_where_to_look() -> None:
    heads = [line.strip().split(":")[0] for line in str(failure(takes_silence_for_a_no)).strip().splitlines()]
    assert heads == ["what happened", "expected", "got", "look at"]


def test_a_failure_points_into_the_authors_code() -> None:
    told = failure(takes_silence_for_a_no)
    line = int(told.where.removesuffix(")").rpartition(":")[2])
    source = Path(sys.modules[CorvidAccount.__module__].__file__ or "").read_text(encoding="utf-8").splitlines()
    assert "async def submit" in source[line - 1]


def test_a_failure_brings_none_of_our_own_frames() -> None:
    told = failure(takes_silence_for_a_no)
    assert len(traceback.extract_tb(told.__traceback__)) <= 4
    assert told.__cause__ is None


def breaks_in_a_listing(ports: Any) -> None:
    async def snapshot(inner: Any) -> Any:
        empty: dict[str, Any] = {}
        return await inner.snapshot() and empty["orders"]

    ports.account = Changed(ports.account, snapshot=snapshot)


def test_an_error_that_the_adapter_lets_out_is_told_with_its_line() -> None:
    told = failure(breaks_in_a_listing, "test_an_empty_account_is_an_empty_snapshot")
    assert (told.got, told.expected) == ("KeyError: 'orders'", "No orders and no positions, complete, and a balance.")
    assert "snapshot (test_suite_checks.py:" in told.where


def speaks_in_tongues(ports: Any) -> None:
    ports.account = Changed(ports.account, ping=lambda *_: b"hello")


def test_what_the_venue_does_not_understand_is_told() -> None:
    assert "the spelling could not read the frame b'hello'" in failure(speaks_in_tongues, "test_a_quiet_line_is_kept").got


def test_an_error_of_the_wrong_kind_and_none_at_all_are_told() -> None:
    with pytest.raises(ContractBrokenError, match="ValueError: no"), raising(KeyError, "it is asked", "here"):
        raise ValueError("no")
    with pytest.raises(ContractBrokenError, match="no error"), raising(KeyError, "it is asked", "here"):
        pass
    with raising(LookupError, "it is asked", "here", exactly=False) as raised:
        raise KeyError("x")
    assert isinstance(raised[0], KeyError)


def test_a_place_is_a_method_a_class_or_a_name() -> None:
    assert place(CorvidAccount, "submit").startswith("CorvidAccount.submit (account.py:")
    assert place(CorvidAccount, "nothing").startswith("CorvidAccount.nothing (account.py:")
    assert place(type("Made", (), {}), "x") == f"{__name__}.Made.x"


def test_broken_raises() -> None:
    with pytest.raises(ContractBrokenError, match="look at:       there"):
        broken("it rains", "sun", "rain", "there")


def test_a_watch_sees_a_call_by_whichever_name_and_only_of_its_package() -> None:
    from time import time_ns as now

    watch = Watch(__name__)
    with watch.looking():
        now()
    with Watch("somebody.else").looking() as other:
        now()
    assert [found.split(" in ")[0] for found in watch.found] == ["time.time_ns"]
    assert other.found == []


def test_what_belongs_to_an_author_is_a_package_or_a_lone_module() -> None:
    assert (package_of(CorvidAccount), package_of(Suite)) == ("strikeloop_corvid", Suite.__module__)


def test_a_suite_is_collected_on_each_backend_and_what_waits_for_nothing_once(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "from kestrel_spelling import KestrelSpelling\nfrom strikeloop.testing import AdapterContract\n"
        "from strikeloop_kestrel import Kestrel\n\n"
        "class TestIt(AdapterContract):\n    spelling = KestrelSpelling()\n    def adapter(self):\n        return Kestrel()\n"
    )
    paths = [str(Path(__file__).parents[2] / "examples" / "kestrel" / part) for part in (".", "tests")]
    program = f"import sys, pytest; sys.path[:0] = {paths}; sys.exit(pytest.main(['--collect-only', '-q', '-p', 'no:cacheprovider', '.']))"
    listed = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert listed.count("test_a_quiet_line_is_kept[") == 2
    assert listed.count("test_text_and_bytes_are_read_alike[") == 1
