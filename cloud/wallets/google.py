"""Google's wallet: a signed JWT with a generic object whose barcode rolls by itself, with the phone offline too."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Id
from classtap_core.passes.rolling import STEP_S
from cloud.passes import held_pass
from cloud.studios import Studios
from resources.text import Catalogue

SAVE = "https://pay.google.com/gp/v/save/"
TOKENS = "https://oauth2.googleapis.com/token"
SCOPE = "https://www.googleapis.com/auth/wallet_object.issuer"
VOID: dict[str, Any] = {"state": "INACTIVE"}
"""What a cancelled pass becomes; Google lays it among those that are over."""


class GoogleSigner(NamedTuple):
    """The operator's service account, and the issuer's number from Google's console. `token_uri` gives tokens for it."""

    issuer: str
    email: str
    key: rsa.RSAPrivateKey
    key_id: str = ""
    token_uri: str = TOKENS


def google_signer(file: Path, issuer: str) -> GoogleSigner:
    """A service account's JSON file. Raises EnvironmentFault `wallet.google`."""
    try:
        found = msgspec.json.decode(file.read_bytes())
        key = serialization.load_pem_private_key(found["private_key"].encode(), password=None)
        email = found["client_email"]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, msgspec.MsgspecError) as error:
        raise EnvironmentFault("wallet.google", file=str(file)) from error
    if not isinstance(key, rsa.RSAPrivateKey) or not issuer:
        raise EnvironmentFault("wallet.google", file=str(file))
    return GoogleSigner(issuer, email, key, str(found.get("private_key_id", "")), str(found.get("token_uri", TOKENS)))


def object_of(signer: GoogleSigner, studio: Id, family: Id) -> str:
    """The name of a family's object. It outlives epochs, so that a phone's pass changes in place."""
    return f"{signer.issuer}.{studio}_{family}"


def google_pass(studios: Studios, signer: GoogleSigner, studio: Id, family: Id) -> dict[str, Any]:
    """The object as it now is, but for its words. Raises Refused `pass.unknown`, `pass.revoked`."""
    held = held_pass(studios, studio, family)
    now_s = studios.clock.now().corrected // 1000
    shown = studios.pass_keys.rolling(studios.studio(studio), held, now_s=now_s, life_s=held.expires_s - held.issued_s)
    return {
        "id": object_of(signer, studio, family), "classId": _class_of(signer), "state": "ACTIVE",
        "validTimeInterval": {"end": {"date": _iso(shown.expires)}},
        "rotatingBarcode": {
            "type": "QR_CODE", "renderEncoding": "UTF_8",
            "valuePattern": f"{shown.text}*{{totp_timestamp_seconds}}*{{totp_value_0}}",
            "totpDetails": {
                "periodMillis": str(STEP_S * 1000), "algorithm": "TOTP_SHA1",
                "parameters": [{"key": shown.key.hex(), "valueLength": 8}],
            },
        },
    }  # fmt: skip


def save_link(
    made: Mapping[str, Any], signer: GoogleSigner, words: Catalogue, *, studio: str, family: str, now_s: int
) -> str:
    """The link that puts a pass into Google's wallet, with the studio's and the family's names on it."""
    titles = {"cardTitle": studio, "header": family, "subheader": words.say("family.pass")}
    object_: dict[str, Any] = {
        **made, "genericType": "GENERIC_OTHER", "hexBackgroundColor": "#0B655D",
        **{name: _said(text, words.language) for name, text in titles.items()},
    }  # fmt: skip
    # Both guardians of a family hold its pass, each on a phone of their own.
    class_ = {"id": _class_of(signer), "multipleDevicesAndHoldersAllowedStatus": "MULTIPLE_HOLDERS"}
    claims = {
        "iss": signer.email, "aud": "google", "typ": "savetowallet", "iat": now_s, "origins": [],
        "payload": {"genericClasses": [class_], "genericObjects": [object_]},
    }  # fmt: skip
    return SAVE + _jwt(signer, claims)


def assertion(signer: GoogleSigner, *, now_s: int) -> str:
    """What the token service takes for the service account's word (RFC 7523)."""
    return _jwt(
        signer,
        {
            "iss": signer.email, "scope": SCOPE, "aud": signer.token_uri, "iat": now_s, "exp": now_s + 3_600,
        },
    )  # fmt: skip


def _jwt(signer: GoogleSigner, claims: Mapping[str, Any]) -> str:
    """A JWT as RS256, because Google takes no other."""
    header = {"alg": "RS256", "typ": "JWT", **({"kid": signer.key_id} if signer.key_id else {})}
    body = b".".join(_web(msgspec.json.encode(part)) for part in (header, claims))
    signature = signer.key.sign(body, padding.PKCS1v15(), hashes.SHA256())
    return (body + b"." + _web(signature)).decode()


def _class_of(signer: GoogleSigner) -> str:
    return f"{signer.issuer}.classtap_family"


def _said(text: str, language: str) -> dict[str, Any]:
    return {"defaultValue": {"language": language, "value": text}}


def _iso(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, tz=UTC).isoformat().replace("+00:00", "Z")


def _web(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
