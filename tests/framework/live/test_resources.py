"""Memory and descriptors: a warning in time, nothing opens when it gets tight, and both end when there is room again."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from strikeloop import AlertRaised, Event, GapClosed, GapOpened
from strikeloop.live import resources
from strikeloop.live.resources import ResourceWatch, Thresholds, Use, usage

SECOND = 1_000_000_000
HERE = Path("/proc/self/statm").exists()


class Played:
    """A watch whose figures the test makes."""

    def __init__(self, **thresholds: Any) -> None:
        self.events: list[Event] = []
        self.share, self.now = 0.0, 0
        self.watch = ResourceWatch(Thresholds(**thresholds), lambda: ("gate", "other"), self.events.extend, self.read)

    def read(self, memory: int | None) -> Mapping[str, Use]:
        return {"descriptors": Use(round(self.share * 1000), 1000, "descriptors")}

    def at(self, share: float) -> list[str]:
        """What is told when this share is used, a second later."""
        self.events.clear()
        self.share, self.now = share, self.now + SECOND
        self.watch.tick(self.now)
        return [f"{type(one).__name__} {getattr(one, 'adapter', getattr(one, 'severity', ''))}" for one in self.events]


def test_people_are_warned_before_anything_is_denied() -> None:
    played = Played()
    assert played.at(0.69) == []
    assert played.at(0.70) == ["AlertRaised warning"]
    assert played.at(0.84) == []
    assert played.at(0.85) == ["GapOpened gate", "GapOpened other", "AlertRaised critical"]
    assert [one.text for one in played.events if isinstance(one, AlertRaised)] == [
        "descriptors: 850 of 1000 descriptors (85%): nothing is opened any more"
    ]


def test_what_wavers_around_a_threshold_is_told_once() -> None:
    played = Played()
    played.at(0.86)
    assert [played.at(share) for share in (0.84, 0.86, 0.81, 0.85)] == [[]] * 4


def test_orders_open_again_when_there_is_room() -> None:
    played = Played()
    played.at(0.9)
    assert played.at(0.79) == ["GapClosed gate", "GapClosed other", "AlertRaised warning"]
    assert played.at(0.64) == ["AlertRaised info"]
    assert [type(one) for one in played.events] == [AlertRaised]


def test_thresholds_are_settings() -> None:
    played = Played(warn_at=0.1, deny_at=0.2)
    assert played.at(0.2)[0] == "GapOpened gate"
    gap = played.events[0]
    assert isinstance(gap, GapOpened)
    assert (gap.port, gap.channel, gap.reason) == ("driver", "descriptors", "200 of 1000 descriptors of descriptors are used")


def test_it_looks_once_a_second() -> None:
    played = Played()
    played.at(0.5)
    played.share = 0.9
    played.watch.tick(played.now + SECOND - 1)
    assert played.events == []
    assert not [one for one in played.events if isinstance(one, GapClosed)]


@pytest.mark.skipif(not HERE, reason="needs /proc")
def test_this_process_uses_memory_and_descriptors_within_its_limits() -> None:
    found = usage()
    assert 0 < found["memory"].share < 1
    assert 2 < found["descriptors"].used < found["descriptors"].limit == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


@pytest.mark.skipif(not HERE, reason="needs /proc")
def test_the_least_limit_counts() -> None:
    assert usage(1 << 50)["memory"].limit < 1 << 50
    assert usage(1 << 30)["memory"].limit == 1 << 30


@pytest.mark.skipif(not HERE, reason="needs /proc")
def test_a_limit_of_the_address_space_counts_too() -> None:
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31));"
        "from strikeloop.live.resources import usage; print(usage()['memory'].limit)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == f"{2**31}\n"


@pytest.mark.skipif(not HERE, reason="needs /proc")
def test_when_no_file_can_be_opened_any_more_every_descriptor_is_used() -> None:
    program = (
        "import os, resource; from strikeloop.live.resources import usage; usage();"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); kept = []\n"
        "try:\n    while True: kept.append(os.open('/dev/null', 0))\nexcept OSError: pass\n"
        "found = usage()\nkept.clear()\nprint(found['descriptors'].used)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "64\n"


def test_limits_of_control_groups_are_found_from_the_own_one_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(resources, "PROC", tmp_path)
    (tmp_path / "cgroup").write_text("12:cpu:/x\n0::/a/b\n5:memory:/c\n")
    for file, text in (("a/b/memory.max", "max"), ("a/memory.max", "3000"), ("memory/c/memory.limit_in_bytes", "2000")):
        path = tmp_path / "groups" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    assert list(resources._group_limits()) == [3000, 2000]
