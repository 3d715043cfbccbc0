"""Google's wallet: a signed JWT with a generic object whose barcode rolls by itself, with the phone offline too."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.passes.rolling import STEP_S
from cloud.passkeys import RollingText

SAVE = "https://pay.google.com/gp/v/save/"


class GoogleSigner(NamedTuple):
    """The operator's service account, and the issuer's number from Google's console."""

    issuer: str
    email: str
    key: rsa.RSAPrivateKey
    key_id: str = ""


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
    return GoogleSigner(issuer, email, key, str(found.get("private_key_id", "")))


def save_link(
    shown: RollingText, signer: GoogleSigner, *, serial: str, studio: str, family: str, title: str, now_s: int
) -> str:  # fmt: skip
    """The link that puts a pass into Google's wallet. The JWT is RS256 because Google takes no other."""
    name = f"{signer.issuer}.{serial}"
    object_: dict[str, Any] = {
        "id": name, "classId": f"{signer.issuer}.classtap_family", "state": "ACTIVE", "genericType": "GENERIC_OTHER",
        "cardTitle": _said(studio), "header": _said(family), "subheader": _said(title), "hexBackgroundColor": "#0B655D",
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
    class_ = {
        "id": f"{signer.issuer}.classtap_family",
        "multipleDevicesAndHoldersAllowedStatus": "ONE_USER_ALL_DEVICES",
    }
    claims = {
        "iss": signer.email, "aud": "google", "typ": "savetowallet", "iat": now_s, "origins": [],
        "payload": {"genericClasses": [class_], "genericObjects": [object_]},
    }  # fmt: skip
    header = {"alg": "RS256", "typ": "JWT", **({"kid": signer.key_id} if signer.key_id else {})}
    body = b".".join(_web(msgspec.json.encode(part)) for part in (header, claims))
    signature = signer.key.sign(body, padding.PKCS1v15(), hashes.SHA256())
    return SAVE + (body + b"." + _web(signature)).decode()


def _said(text: str) -> dict[str, Any]:
    return {"defaultValue": {"language": "en", "value": text}}


def _iso(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, tz=UTC).isoformat().replace("+00:00", "Z")


def _web(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
