"""Certificates for loopback servers: one authority the client is told to trust, one it is not, and what can be wrong."""

from __future__ import annotations

import ssl
import warnings
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest
import trustme


@attrs.frozen
class Certificates:
    """`ca_file` is what the client trusts; `good` serves 127.0.0.1, each of `bad` must be refused."""

    ca_file: str
    good: ssl.SSLContext
    bad: dict[str, ssl.SSLContext]


def served_with(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    trusted, stranger = trustme.CA(), trustme.CA()
    ca_file: Path = tmp_path_factory.mktemp("ca") / "ca.pem"
    trusted.cert_pem.write_to_path(str(ca_file))
    old = served_with(trusted.issue_cert("127.0.0.1"))
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that TLS 1.1 is deprecated is the point
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    return Certificates(
        ca_file=str(ca_file),
        good=served_with(trusted.issue_cert("127.0.0.1")),
        bad={
            "expired": served_with(
                trusted.issue_cert("127.0.0.1", not_before=datetime(2019, 1, 1, tzinfo=UTC), not_after=datetime(2020, 1, 1, tzinfo=UTC))
            ),
            "wrong host": served_with(trusted.issue_cert("venue.example")),
            "self-signed": served_with(stranger.issue_cert("127.0.0.1")),
            "TLS 1.1": old,
        },
    )
