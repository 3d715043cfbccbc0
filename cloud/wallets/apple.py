"""Apple's .pkpass: a zip of pass.json, pictures, a manifest of their hashes and a PKCS #7 signature over it.

Without a certificate that Apple issued a phone refuses it (docs/messages.md); everything else is as Apple publishes it.
"""

import hashlib
import hmac
import io
import ssl
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Id
from classtap_core.passes.brand import Brand
from classtap_core.passes.picture import RGB, SIGNATURE, png_file
from cloud.secret import Secret

MEDIA = "application/vnd.apple.pkpass"
SIDES = {"icon.png": 29, "icon@2x.png": 58, "icon@3x.png": 87}
_COLOUR = (11, 101, 93)


class AppleSigner(NamedTuple):
    """The operator's certificate, its key, and Apple's intermediate. The certificate says the pass type and the team."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    between: x509.Certificate
    folder: Path

    @property
    def pass_type(self) -> str:
        return _named(self.certificate, NameOID.USER_ID)

    @property
    def team(self) -> str:
        return _named(self.certificate, NameOID.ORGANIZATIONAL_UNIT_NAME)

    def context(self) -> ssl.SSLContext:
        """TLS as Apple's push service asks for it: with the certificate that passes are signed by."""
        found = ssl.create_default_context()
        found.load_cert_chain(self.folder / "certificate.pem", self.folder / "key.pem")
        return found

    def signed(self, manifest: bytes) -> bytes:
        """A detached PKCS #7 signature in DER, with its time and the intermediate."""
        builder = pkcs7.PKCS7SignatureBuilder().set_data(manifest)
        builder = builder.add_signer(self.certificate, self.key, hashes.SHA256()).add_certificate(self.between)
        options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
        return builder.sign(serialization.Encoding.DER, options)


def apple_signer(folder: Path) -> AppleSigner:
    """`certificate.pem`, `key.pem` and `wwdr.pem` of a folder. Raises EnvironmentFault `wallet.apple`."""
    try:
        certificate = x509.load_pem_x509_certificate((folder / "certificate.pem").read_bytes())
        key = serialization.load_pem_private_key((folder / "key.pem").read_bytes(), password=None)
        between = x509.load_pem_x509_certificate((folder / "wwdr.pem").read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise EnvironmentFault("wallet.apple", folder=str(folder)) from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise EnvironmentFault("wallet.apple", folder=str(folder))
    return AppleSigner(certificate, key, between, folder)


class Card(NamedTuple):
    """What a wallet shows. `text` is the pass's; `expires_s` Unix seconds; `voided` once it is cancelled; `brand`: the
    studio's colours and logo."""

    serial: str
    studio: str
    family: str
    text: str
    expires_s: int
    voided: bool = False
    brand: Brand = Brand()


def serial_of(studio: Id, family: Id) -> str:
    return f"{studio}.{family}"


def token_of(secret: Secret, serial: str) -> str:
    """What a phone shows to ask about its pass again (`ApplePass` authorization)."""
    return hmac.digest(secret.derived("wallet.apple"), serial.encode(), "sha256").hex()[:32]


def is_holders(secret: Secret, serial: str, authorization: str) -> bool:
    """Whether a call of Apple's service carries the token of the pass it speaks of."""
    kind, _, token = authorization.partition(" ")
    return kind == "ApplePass" and hmac.compare_digest(token.encode(), token_of(secret, serial).encode())


def pkpass(card: Card, signer: AppleSigner, *, service: str, token: str, said: dict[str, str]) -> bytes:
    """The file a phone takes. `service`: where it asks for the next version; `said`: `title`, `family` in words."""
    ends = datetime.fromtimestamp(card.expires_s, tz=UTC).isoformat().replace("+00:00", "Z")
    ground, ink = (_COLOUR, (255, 255, 255)) if card.brand.plain else (_rgb(card.brand.dark), _rgb(card.brand.light))
    document: dict[str, Any] = {
        "formatVersion": 1, "passTypeIdentifier": signer.pass_type, "teamIdentifier": signer.team,
        "serialNumber": card.serial, "organizationName": card.studio, "description": said["title"],
        "logoText": card.studio, "foregroundColor": f"rgb{ink}", "labelColor": f"rgb{ink}", "backgroundColor": f"rgb{ground}",
        "sharingProhibited": True, "expirationDate": ends, "voided": card.voided,
        "webServiceURL": service, "authenticationToken": token,
        "generic": {"primaryFields": [{"key": "family", "label": said["family"], "value": card.family}]},
        "barcodes": [{"format": "PKBarcodeFormatQR", "message": card.text, "messageEncoding": "iso-8859-1"}],
    }  # fmt: skip
    if card.voided:
        document["barcodes"] = []
    files = {"pass.json": msgspec.json.encode(document)}
    files |= {name: _square(side, ground) for name, side in SIDES.items()}
    if card.brand.logo.startswith(SIGNATURE):
        files["logo.png"] = card.brand.logo
    # SHA-1 is what the published format names; the signature over it is SHA-256.
    manifest = {name: hashlib.sha1(data, usedforsecurity=False).hexdigest() for name, data in files.items()}
    files["manifest.json"] = msgspec.json.encode(manifest)
    files["signature"] = signer.signed(files["manifest.json"])
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return whole.getvalue()


def _named(certificate: x509.Certificate, name: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(name)
    return str(found[0].value) if found else ""


def _rgb(colour: str) -> tuple[int, int, int]:
    """Of #rrggbb."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def _square(side: int, colour: tuple[int, int, int]) -> bytes:
    """A plain square as PNG: every pass must have an icon."""
    line = b"\0" + bytes(colour) * side
    return png_file(line * side, width=side, height=side, depth=8, color=RGB)
