"""The same claims for API users: public keys as a JWK set (RFC 7517, 8037), a pass as a JWS (RFC 7515)."""

import base64
import binascii
from typing import Any

import msgspec

from classtap_core.passes.codec import SIGNATURE_BYTES, Algorithm, Kind, PassClaims, Tier
from classtap_core.passes.keys import KeyBundle, PassKey
from classtap_core.passes.signing import Signer, is_signed

TYPE = "classtap-pass+jws"
_NAMES = {Algorithm.ED25519: "EdDSA", Algorithm.ES256: "ES256"}
MOST_CHARACTERS = 4_096


class BadJws(ValueError):
    """A JWS that is none of ours; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def jwks(bundle: KeyBundle) -> dict[str, Any]:
    """The studio's public keys as a JWK set: every one that is not revoked, with its window as `nbf` and `exp`."""
    return {"keys": [_jwk(bundle.studio, key) for key in bundle.keys if key.revoked_at is None]}


def _jwk(studio: int, key: PassKey) -> dict[str, Any]:
    if key.algorithm is Algorithm.ED25519:
        shape = {"kty": "OKP", "crv": "Ed25519", "x": _b64(key.public)}
    else:
        shape = {"kty": "EC", "crv": "P-256", "x": _b64(key.public[1:33]), "y": _b64(key.public[33:])}
    return {
        **shape, "kid": kid(studio, key.key_id), "use": "sig", "alg": _NAMES[key.algorithm],
        "nbf": key.not_before, "exp": key.not_after,
    }  # fmt: skip


def kid(studio: int, key_id: int) -> str:
    """A key's name among all studios'."""
    return f"{studio:016x}.{key_id}"


def to_jws(claims: PassClaims, signer: Signer) -> str:
    """A pass as a JWS in compact form; what a QR code says, word by word."""
    header = {"alg": _NAMES[signer.algorithm], "kid": kid(claims.studio, claims.key_id), "typ": TYPE}
    body: dict[str, Any] = {
        "iss": f"{claims.studio:016x}", "sub": f"{claims.handle:016x}", "jti": f"{claims.nonce:012x}",
        "iat": claims.not_before, "nbf": claims.not_before, "exp": claims.expires, "epoch": claims.epoch,
        "tier": claims.tier.name.lower(), "kind": claims.kind.name.lower(), "test": claims.test,
        "fallback": claims.fallback,
    }  # fmt: skip
    if claims.event is not None and claims.token is not None:
        body |= {"event": f"{claims.event:016x}", "token": f"{claims.token:012x}"}
    return compact(msgspec.json.encode(header), msgspec.json.encode(body), signer)


def compact(header: bytes, payload: bytes, signer: Signer) -> str:
    """RFC 7515, 7.1."""
    signing = f"{_b64(header)}.{_b64(payload)}"
    return f"{signing}.{_b64(signer.sign(signing.encode()))}"


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: str
    kid: str
    typ: str


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    iss: str
    sub: str
    jti: str
    iat: int
    nbf: int
    exp: int
    epoch: int
    tier: str
    kind: str
    test: bool = False
    fallback: bool = False
    event: str | None = None
    token: str | None = None


def claims_of(text: str, bundle: KeyBundle) -> PassClaims:
    """The claims of a JWS that one of the bundle's keys signed, whose times are the caller's to judge.

    The key says the algorithm, never the header. Raises BadJws `malformed`, `other_studio`, `unknown_key`, `signature`.
    """
    if len(text) > MOST_CHARACTERS or text.count(".") != 2:
        raise BadJws("malformed")
    first, second, third = text.split(".")
    try:
        header, body = msgspec.json.decode(_bytes(first), type=_Header), msgspec.json.decode(_bytes(second), type=_Body)
        signature, studio = _bytes(third), int(body.iss, 16)
        named, _, number = header.kid.partition(".")
        key_id = int(number)
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadJws("malformed") from error
    if studio != bundle.studio or named != f"{bundle.studio:016x}":
        raise BadJws("other_studio")
    key = bundle.key(key_id)
    if key is None or key.revoked_at is not None:
        raise BadJws("unknown_key")
    signed = len(signature) == SIGNATURE_BYTES and is_signed(
        f"{first}.{second}".encode(), signature, algorithm=key.algorithm, public=key.public
    )
    if not signed or header.alg != _NAMES[key.algorithm] or header.typ != TYPE:
        raise BadJws("signature")
    return _claims(body, key)


def _claims(body: _Body, key: PassKey) -> PassClaims:
    try:
        return PassClaims(
            algorithm=key.algorithm, key_id=key.key_id, studio=int(body.iss, 16), handle=int(body.sub, 16),
            epoch=body.epoch, not_before=body.nbf, expires=body.exp, nonce=int(body.jti, 16), test=body.test,
            tier=Tier[body.tier.upper()], fallback=body.fallback, kind=Kind[body.kind.upper()],
            event=None if body.event is None else int(body.event, 16),
            token=None if body.token is None else int(body.token, 16),
        )  # fmt: skip
    except (KeyError, ValueError) as error:
        raise BadJws("malformed") from error


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """Base64url without padding, each byte string in one spelling (RFC 7515, 2)."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadJws("malformed") from error
    if _b64(data) != text:
        raise BadJws("malformed")
    return data
