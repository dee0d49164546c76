"""The specification of strikeloop_notify.channels: what a mask hides."""

from __future__ import annotations

import pytest

from strikeloop.wire import Secret
from strikeloop_notify.channels import Mask


@pytest.mark.parametrize(
    ("url", "marks"),
    [
        ("tgram://123456:AAtoken/987654", ["123456:AAtoken", "AAtoken", "987654"]),
        ("https://hooks.example.test/services/T0000/B1111/xyzsecret?key=k-e-y-1", ["T0000", "B1111", "xyzsecret", "k-e-y-1"]),
        ("mailtos://anna:p%40ssword@example.test?to=ben@example.test", ["anna", "p%40ssword", "p@ssword", "ben@example.test"]),
        ("plain-bearer-token", ["plain-bearer-token"]),
        ("odd://[no-address/secret", ["odd://[no-address/secret"]),
    ],
)
def test_no_part_of_a_secret_address_passes(url: str, marks: list[str]) -> None:
    mask = Mask([Secret(url)])
    for mark in [*marks, url]:
        assert mark not in mask(f"before {mark} behind")
        assert mask(f"before {mark} behind").startswith("before ***")


def test_the_host_of_an_address_may_be_told() -> None:
    assert Mask([Secret("https://hooks.example.test/secret")])("hooks.example.test is down") == "hooks.example.test is down"


def test_a_mask_does_not_show_what_it_hides() -> None:
    assert "pass-word" not in repr(Mask([Secret("json://anna:pass-word@example.test")]))
