"""DKIM against the published example of RFC 8463, and against a second implementation that has passed it."""

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.errors import BadInput
from cloud.messaging.dkim import Dkim, relaxed, relaxed_body
from tests.cloud.dkim_checking import _body, holds

KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
"""RFC 8463, A.2: the example's public key."""
SEED = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
PLAIN = b"""From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")
PUBLISHED = b"""DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
""".replace(b"\n", b"\r\n")


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_the_second_implementation_reads_what_the_rfc_published() -> None:
    assert holds(PUBLISHED + PLAIN, KEY)
    assert not holds(PUBLISHED + PLAIN.replace(b"hungry", b"angry"), KEY)
    assert not holds(PUBLISHED + PLAIN.replace(b"Suzie", b"Susie"), KEY)


def test_the_body_hash_is_the_published_one() -> None:
    signed = Dkim("brisbane", "football.example.com", pem(_published())).signed(PLAIN, at_s=1_528_637_909)
    assert b"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;" in signed
    assert holds(signed, KEY)


def _published() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode(SEED))


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_what_is_signed_holds_and_breaks_where_it_must(kind: str) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048) if kind == "rsa" else _published()
    form = (
        (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        if kind == "rsa"
        else (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    )
    public = base64.b64encode(key.public_key().public_bytes(*form)).decode()
    signed = Dkim("one", "small-steps.example", pem(key)).signed(PLAIN, at_s=1_795_274_640)
    assert holds(signed, public)
    assert holds(signed.replace(b"Is dinner ready?", b"Is  dinner\r\n ready?"), public), "a relay may fold"
    assert holds(b"Received: by a relay\r\n" + signed, public)
    assert not holds(signed.replace(b"To: Suzie", b"To: Susie"), public)
    assert not holds(signed.replace(b"From: Joe", b"From: Eve\r\nFrom: Joe"), public), "a second sender"


@pytest.mark.parametrize("wrong", [b"", b"no key", pem(ec.generate_private_key(ec.SECP256R1()))])
def test_what_is_no_key_of_dkim_is_refused(wrong: bytes) -> None:
    with pytest.raises(BadInput, match=r"mail\.dkim_key"):
        Dkim("one", "small-steps.example", wrong).signed(PLAIN, at_s=0)


def test_relaxing_by_the_rfcs_own_example() -> None:
    """RFC 6376, 3.4.5."""
    assert relaxed("A", b" X") == b"a:X"
    assert relaxed("B ".strip(), b" Y\t\r\n\tZ  ") == b"b:Y Z"
    assert relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n") == b" C\r\nD E\r\n"
    assert relaxed_body(b"") == b""


@given(st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"a", b"b  ", b"\r\n\r\n"]), max_size=30))
def test_bodies_relax_alike(parts: list[bytes]) -> None:
    body = b"".join(parts)
    assert relaxed_body(body) == _body(body)
