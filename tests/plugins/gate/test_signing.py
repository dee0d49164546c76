"""Known answers of both signatures; key and secret are the words `key` and `secret`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from strikeloop.wire import Secret
from strikeloop_gate.signing import request_signature, stream_signature

SECRET = Secret("secret")
TIME_S = 1541993715


@pytest.mark.parametrize(
    ("channel", "sign"),
    [
        (
            "options.orders",
            "f1213b00628fdb1c299bb507676ba7bbc39a85158859088309cf940cac3242b35f99b071dc384589024e32599690f9c278edc7a6e776b8f7a393361aa35e4067",
        ),
        (
            "options.positions",
            "5eabc79829f567178ce186ba776930bf332610dbbbc40666d8eedeabcfe7a83b92e19f82d29da54c0b4f458603666a114bd9a1d05f8670b2c77510a430f30ce7",
        ),
    ],
)
def test_a_subscription_is_signed_over_channel_event_and_time(channel: str, sign: str) -> None:
    assert stream_signature(SECRET, channel=channel, event="subscribe", time_s=TIME_S) == sign


def test_a_get_is_signed_over_its_query_and_an_empty_body() -> None:
    assert request_signature(
        SECRET,
        method="GET",
        path="/api/v4/options/orders",
        query="contract=BTC_USDT-20260626-70000-C&status=open",
        body=b"",
        timestamp=str(TIME_S),
    ) == (
        "cb78a3f981aaa15013324b18bece9a2ba015a3649e5f026e9eb1b198e552aefb7fd6acb31e4d8d65388893442ac1303c7062b2b16ab3d5bcbd2fd59b174a7ada"
    )


def test_a_post_is_signed_over_the_bytes_of_its_body() -> None:
    assert request_signature(
        SECRET,
        method="POST",
        path="/api/v4/options/orders",
        query="",
        body=b'{"contract":"BTC_USDT-20260626-70000-C","size":-1,"price":"200","tif":"gtc","text":"t-abc"}',
        timestamp=str(TIME_S),
    ) == (
        "7363cb90d1a8f9c30cae99f7afa82238ac529e606b2d862ae1e261ae14b414a286eee9be42b891a6b0ce1c306780ca41dfdbabe89929bc3359c1427bfadc9308"
    )


def test_every_vector_of_the_reference_data_is_reproduced(shared: Path) -> None:
    vectors = json.loads((shared / "fixtures/gate/ws_envelopes/signature_vectors.json").read_text())
    secret = Secret(vectors["secret"])
    for vector in vectors["ws"]:
        parts = dict(part.split("=") for part in vector["string"].split("&"))
        assert stream_signature(secret, channel=parts["channel"], event=parts["event"], time_s=int(parts["time"])) == vector["sign"]
    for vector in vectors["rest"]:
        found = request_signature(
            secret,
            method=vector["method"],
            path=vector["path"],
            query=vector["query"],
            body=vector["body"].encode(),
            timestamp=str(vectors["time"]),
        )
        assert found == vector["sign"]
    assert len(vectors["ws"]) + len(vectors["rest"]) == 10
