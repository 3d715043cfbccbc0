"""The JWS form: RFC 8037's own example, and nobody else's key, algorithm or spelling."""

import base64
import json
from typing import Any

import msgspec
import pytest

from classtap_core.passes.codec import Kind
from classtap_core.passes.jws import BadJws, claims_of, compact, jwks, to_jws
from classtap_core.passes.signing import ed25519_signer
from tests.unit.passes.conftest import NOW, Studio

RFC_8037_SEED = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
RFC_8037_JWS = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)
RFC_8037_X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


def test_rfc_8037_appendix_a() -> None:
    signer = ed25519_signer(base64.urlsafe_b64decode(RFC_8037_SEED + "="))
    assert compact(b'{"alg":"EdDSA"}', b"Example of Ed25519 signing", signer) == RFC_8037_JWS
    assert base64.urlsafe_b64encode(signer.public).rstrip(b"=").decode() == RFC_8037_X


@pytest.mark.parametrize("key_id", [1, 2])
def test_the_same_claims_come_back(studio: Studio, key_id: int) -> None:
    claims = studio.claims(key_id=key_id, algorithm=studio.signers[key_id].algorithm)
    event = msgspec.structs.replace(claims, kind=Kind.EVENT, event=7, token=9)
    for one in (claims, event):
        assert claims_of(to_jws(one, studio.signers[key_id]), studio.bundle) == one


def bent(text: str, part: int, **changes: Any) -> str:
    parts = text.split(".")
    body = json.loads(base64.urlsafe_b64decode(parts[part] + "=="))
    parts[part] = base64.urlsafe_b64encode(json.dumps({**body, **changes}).encode()).rstrip(b"=").decode()
    return ".".join(parts)


@pytest.mark.parametrize(
    ("part", "changes", "code"),
    [
        (0, {"alg": "none"}, "signature"),
        (0, {"alg": "HS256"}, "signature"),
        (0, {"kid": "1122334455667788.9"}, "unknown_key"),
        (0, {"kid": "ffffffffffffffff.1"}, "other_studio"),
        (0, {"crit": ["x"]}, "malformed"),
        (1, {"epoch": 2}, "signature"),
        (1, {"iss": "ffffffffffffffff"}, "other_studio"),
        (1, {"exp": NOW + 10**6}, "signature"),
        (1, {"sub": "not hex"}, "signature"),
    ],
)
def test_what_was_bent_is_refused(studio: Studio, part: int, changes: dict[str, Any], code: str) -> None:
    text = to_jws(studio.claims(), studio.signers[1])
    with pytest.raises(BadJws) as caught:
        claims_of(bent(text, part, **changes), studio.bundle)
    assert caught.value.code == code


@pytest.mark.parametrize("text", ["", "..", "a.b", "a.b.c.d", "é.é.é", "A" * 5000])
def test_what_is_no_jws_is_refused(studio: Studio, text: str) -> None:
    with pytest.raises(BadJws):
        claims_of(text, studio.bundle)


def test_the_key_set_has_no_revoked_key_and_nothing_private(studio: Studio) -> None:
    keys = list(studio.bundle.keys)
    keys[1] = msgspec.structs.replace(keys[1], revoked_at=NOW)
    found = jwks(msgspec.structs.replace(studio.bundle, keys=tuple(keys)))
    (one,) = found["keys"]
    assert (one["kty"], one["crv"], one["alg"], one["kid"]) == ("OKP", "Ed25519", "EdDSA", "1122334455667788.1")
    assert "d" not in one
    both = jwks(studio.bundle)["keys"]
    assert (both[1]["kty"], both[1]["crv"], len(base64.urlsafe_b64decode(both[1]["x"] + "="))) == ("EC", "P-256", 32)
