"""Wallet passes in the formats Apple and Google publish, signed by a test authority and checked by OpenSSL."""

import base64
import hashlib
import hmac
import io
import json
import struct
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.checkin.settings import PASS_POLICY, PassSettings
from classtap_core.house import bus
from classtap_core.kernel.clock import ManualClock
from classtap_core.passes import picture
from classtap_core.passes.brand import Brand
from classtap_core.passes.codec import decode
from classtap_core.passes.operations import IssuePass, RevokePass
from classtap_core.passes.rolling import with_code
from cloud.composition import open_cloud
from cloud.passes import family_pass
from cloud.serve import CloudServer
from cloud.wallets.google import SAVE
from tests.cloud.families import GINA, HANDLE, Families, founded, served
from tests.cloud.wallet_services import AppleServer, GoogleServer
from tests.guards.tools import needs
from tests.unit.house.world import FAMILY, MAIN, MINUTE, NINE, STUDIO

PASS_TYPE, TEAM = "pass.example.classtap", "TEAM123456"
pytestmark = [
    pytest.mark.needs("openssl"),
    pytest.mark.leaves("ThreadPoolExecutor", reason="the clock's thread ends with the cloud"),
]


class Rig(NamedTuple):
    """A served studio with wallets, a browser's cookie, and where the authority's certificate lies."""

    families: Families
    server: CloudServer
    client: httpx.Client
    folder: Path
    google: rsa.RSAPrivateKey
    apns: AppleServer
    objects: GoogleServer


def pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def issued(
    name: list[tuple[Any, str]], key: rsa.RSAPrivateKey, by: Any = None, *, authority: bool = False, host: str = ""
) -> Any:
    """A certificate of a test authority."""
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in name])
    made, signing = (by[0].subject, by[1]) if by else (subject, key)
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(made).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=30))
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    if host:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return builder.sign(signing, hashes.SHA256())


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("wallet")
    keys = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(4)]
    root = issued([(NameOID.COMMON_NAME, "Test Root")], keys[0], authority=True)
    names = [(NameOID.USER_ID, PASS_TYPE), (NameOID.COMMON_NAME, PASS_TYPE), (NameOID.ORGANIZATIONAL_UNIT_NAME, TEAM)]
    mine = issued(names, keys[1], (root, keys[0]))
    for name, certificate in (("wwdr.pem", root), ("certificate.pem", mine)):
        (folder / name).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(pem(keys[1]))
    theirs = issued([(NameOID.COMMON_NAME, "localhost")], keys[3], (root, keys[0]), host="localhost")
    (folder / "apns.pem").write_bytes(theirs.public_bytes(serialization.Encoding.PEM))
    (folder / "apns-key.pem").write_bytes(pem(keys[3]))
    apns = AppleServer(str(folder / "apns.pem"), str(folder / "apns-key.pem"), str(folder / "wwdr.pem"))
    objects = GoogleServer()
    account = {
        "client_email": "wallet@example.iam", "private_key": pem(keys[2]).decode(), "private_key_id": "k1",
        "token_uri": f"{objects.url}/token",
    }  # fmt: skip
    (folder / "account.json").write_text(json.dumps(account), encoding="utf-8")
    clock = ManualClock(NINE - 60 * MINUTE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLASSTAP_WALLET_APPLE", str(folder))
        patch.setenv("CLASSTAP_WALLET_GOOGLE", str(folder / "account.json"))
        patch.setenv("CLASSTAP_WALLET_GOOGLE_ISSUER", "3388000000001")
        patch.setenv("CLASSTAP_WALLET_GOOGLE_API", objects.url)
        patch.setenv("CLASSTAP_WALLET_APPLE_PUSH", apns.url)
        patch.setenv("SSL_CERT_FILE", str(folder / "wwdr.pem"))
        cloud = open_cloud(tmp_path_factory.mktemp("cloud"), bus(authority=True), clock=clock)
        families = founded(cloud, clock)
        with served(cloud) as server, httpx.Client(base_url=server.url) as client:
            client.cookies.set("classtap_family", cloud.doors.enter(cloud.doors.link(STUDIO, GINA)))
            yield Rig(families, server, client, folder, keys[2], apns, objects)
    apns.close()
    objects.close()


def opened(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_pkpass_holds_together_and_openssl_believes_its_signature(rig: Rig, tmp_path: Path) -> None:
    answer = rig.client.get("/f/home/apple.pkpass", params={"family": FAMILY})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/vnd.apple.pkpass")
    files = opened(answer.content)
    assert {"pass.json", "manifest.json", "signature", "icon.png", "icon@2x.png"} <= set(files)
    manifest = json.loads(files["manifest.json"])
    assert manifest == {
        name: hashlib.sha1(data, usedforsecurity=False).hexdigest()
        for name, data in files.items()
        if name not in ("manifest.json", "signature")
    }
    for name in ("manifest.json", "signature"):
        (tmp_path / name).write_bytes(files[name])
    verify = [
        needs("openssl"), "smime", "-verify", "-inform", "DER", "-in", str(tmp_path / "signature"), "-content",
        str(tmp_path / "manifest.json"), "-CAfile", str(rig.folder / "wwdr.pem"), "-purpose", "any", "-out", "/dev/null",
    ]  # fmt: skip
    told = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    (tmp_path / "manifest.json").write_bytes(files["manifest.json"] + b" ")
    assert subprocess.run(verify, capture_output=True, check=False).returncode != 0, "a test that can fail"
    said = json.loads(files["pass.json"])
    assert (said["passTypeIdentifier"], said["teamIdentifier"], said["formatVersion"]) == (PASS_TYPE, TEAM, 1)
    text = family_pass(rig.families.cloud.studios, STUDIO, FAMILY).text
    assert said["barcodes"] == [{"format": "PKBarcodeFormatQR", "message": text, "messageEncoding": "iso-8859-1"}]
    assert len(said["authenticationToken"]) >= 16


def test_googles_link_is_signed_and_its_barcode_makes_the_codes_a_kiosk_takes(rig: Rig) -> None:
    answer = rig.client.get("/f/home/google", params={"family": FAMILY}, follow_redirects=False)
    assert answer.status_code == 303
    link = answer.headers["location"]
    assert link.startswith(SAVE)
    head, body, signature = link[len(SAVE) :].split(".")

    def read(part: str) -> bytes:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    rig.google.public_key().verify(read(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    assert json.loads(read(head)) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    claims = json.loads(read(body))
    assert (claims["aud"], claims["typ"], claims["iss"]) == ("google", "savetowallet", "wallet@example.iam")
    (one,) = claims["payload"]["genericObjects"]
    assert one["id"] == f"3388000000001.{STUDIO}_{FAMILY}", "no epoch in it: it changes in place"
    code = one["rotatingBarcode"]
    (parameters,) = code["totpDetails"]["parameters"]
    key, period = bytes.fromhex(parameters["key"]), int(code["totpDetails"]["periodMillis"]) // 1000
    at = 1_795_250_000 // period * period
    # RFC 6238 by an independent hand, as Google's documentation fills the pattern
    digest = hmac.digest(key, struct.pack(">Q", at // period), "sha1")
    offset = digest[19] & 15
    value = (struct.unpack_from(">I", digest, offset)[0] & 0x7FFFFFFF) % 10 ** parameters["valueLength"]
    made = code["valuePattern"].replace("{totp_timestamp_seconds}", str(at)).replace("{totp_value_0}", f"{value:08d}")
    assert made == with_code(made[:156], key, at_s=at)
    claims_of_pass = decode(made).claims
    held = family_pass(rig.families.cloud.studios, STUDIO, FAMILY).held
    assert claims_of_pass.expires == held.expires_s, "it lives as long as the pass, for Google asks for no other"


def test_a_phone_registers_asks_what_changed_and_gets_the_newest_voided_once_it_is_cancelled(rig: Rig) -> None:
    said = json.loads(opened(rig.client.get("/f/home/apple.pkpass", params={"family": FAMILY}).content)["pass.json"])
    serial, service = said["serialNumber"], said["webServiceURL"]
    assert service == f"{rig.server.url}/f/wallet"
    mine = {"Authorization": f"ApplePass {said['authenticationToken']}"}
    where = f"{service}/v1/devices/phone-1/registrations/{PASS_TYPE}"
    with httpx.Client() as phone:
        assert phone.post(f"{where}/{serial}", json={"pushToken": "t"}).status_code == 401
        strange = {"Authorization": b"ApplePass \xe9"}
        assert phone.post(f"{where}/{serial}", json={"pushToken": "t"}, headers=strange).status_code == 401
        assert phone.post(f"{where}/{serial}", json={"pushToken": "t"}, headers=mine).status_code == 201
        assert phone.post(f"{where}/{serial}", json={"pushToken": "t"}, headers=mine).status_code == 200
        found = phone.get(where).json()
        assert found["serialNumbers"] == [serial]
        tag = {"passesUpdatedSince": found["lastUpdated"]}
        assert phone.get(where, params=tag).status_code == 204
        rig.families.say(RevokePass(family=FAMILY, home=MAIN, epoch=1, reason="lost"))
        assert phone.get(where, params=tag).json()["serialNumbers"] == [serial]
        newest = f"{service}/v1/passes/{PASS_TYPE}/{serial}"
        assert phone.get(newest).status_code == 401
        voided = json.loads(opened(phone.get(newest, headers=mine).content)["pass.json"])
        assert (voided["voided"], voided["barcodes"]) == (True, [])
        assert phone.post(f"{service}/v1/log", json={"logs": ["x"]}).status_code == 200
        assert phone.delete(f"{where}/{serial}", headers=mine).status_code == 200
        assert phone.get(where).status_code == 204
    reissue(rig)


def reissue(rig: Rig) -> None:
    """The next epoch of the family's pass."""
    now_s = rig.families.clock.now().corrected // 1000
    expires_s = now_s + 86_400 * 365
    rig.families.say(
        IssuePass(
            family=FAMILY, home=MAIN, handle=HANDLE, issued_s=now_s, expires_s=expires_s, because="schedule"
        )
    )  # fmt: skip


@pytest.mark.expected_log("effect pass.issued", reason="Apple says later")
def test_phones_are_told_at_once_over_http_2_and_one_that_let_go_is_forgotten(rig: Rig) -> None:
    said = json.loads(opened(rig.client.get("/f/home/apple.pkpass", params={"family": FAMILY}).content)["pass.json"])
    mine = {"Authorization": f"ApplePass {said['authenticationToken']}"}
    service = f"{said['webServiceURL']}/v1/devices"
    for phone in ("kept", "gone"):
        url = f"{service}/{phone}/registrations/{PASS_TYPE}/{said['serialNumber']}"
        assert httpx.post(url, json={"pushToken": f"token-{phone}"}, headers=mine).status_code == 201
    rig.families.send()
    rig.apns.pushes.clear()
    rig.apns.says["token-gone"] = (410, "Unregistered")
    reissue(rig)
    rig.families.send()
    paths = [push.path for push in rig.apns.pushes]
    assert sorted(paths) == ["/3/device/token-gone", "/3/device/token-kept"]
    push = rig.apns.pushes[0]
    assert (push.headers["apns-topic"], push.body, push.certificate) == (PASS_TYPE, b"{}", PASS_TYPE)
    newest = httpx.get(f"{said['webServiceURL']}/v1/passes/{PASS_TYPE}/{said['serialNumber']}", headers=mine)
    text = json.loads(opened(newest.content)["pass.json"])["barcodes"][0]["message"]
    assert text == family_pass(rig.families.cloud.studios, STUDIO, FAMILY).text, "and gets the newest"
    rig.apns.pushes.clear()
    rig.apns.says["token-kept"] = (503, "Shutdown")
    reissue(rig)
    rig.families.send()
    assert [push.path for push in rig.apns.pushes] == ["/3/device/token-kept"]
    del rig.apns.says["token-kept"]
    rig.families.clock.advance(MINUTE)
    rig.families.send()
    assert len(rig.apns.pushes) == 2, "tried again"


def test_googles_object_becomes_what_the_pass_is_under_a_token_of_the_service_account(rig: Rig) -> None:
    rig.families.send()
    rig.objects.patched.clear()
    rig.client.get("/f/home/google", params={"family": FAMILY}, follow_redirects=False)
    reissue(rig)
    rig.families.send()
    ((path, bearer, body),) = rig.objects.patched
    assert path == f"/walletobjects/v1/genericObject/3388000000001.{STUDIO}_{FAMILY}"
    assert bearer == "Bearer t1"
    held = family_pass(rig.families.cloud.studios, STUDIO, FAMILY).held
    text = body["rotatingBarcode"]["valuePattern"]
    assert (body["state"], decode(text[:156] + "*1795250000*00000000").claims.epoch) == ("ACTIVE", held.epoch)
    _, claims, signature = (
        base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in rig.objects.assertions[0].split(".")
    )
    signed = rig.objects.assertions[0].rpartition(".")[0].encode()
    rig.google.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    said = json.loads(claims)
    assert (said["scope"], said["aud"]) == (
        "https://www.googleapis.com/auth/wallet_object.issuer", f"{rig.objects.url}/token",
    )  # fmt: skip
    assert said["exp"] - said["iat"] <= 3600
    rig.families.say(RevokePass(family=FAMILY, home=MAIN, epoch=held.epoch, reason="lost"))
    rig.families.send()
    assert rig.objects.patched[-1][1:] == ("Bearer t1", {"state": "INACTIVE"})
    rig.objects.gone.add(path.rpartition("/")[2])
    reissue(rig)
    rig.families.send()
    before = len(rig.objects.patched)
    reissue(rig)
    rig.families.send()
    assert len(rig.objects.patched) == before, "nobody holds it any more"


def test_apples_pass_wears_the_studios_colours_and_logo(rig: Rig) -> None:
    logo = picture.png("CT:LOGO", scale=1)
    settings = PassSettings(brand=Brand(dark="#102040", light="#fff8e0", logo=logo))
    rig.families.say(PublishPolicy(name=PASS_POLICY, head=0, values=settings.values()))
    files = opened(rig.client.get("/f/home/apple.pkpass", params={"family": FAMILY}).content)
    said = json.loads(files["pass.json"])
    assert (said["backgroundColor"], said["foregroundColor"]) == ("rgb(16, 32, 64)", "rgb(255, 248, 224)")
    assert files["logo.png"] == logo
    assert hashlib.sha1(logo, usedforsecurity=False).hexdigest() == json.loads(files["manifest.json"])["logo.png"]


def test_a_family_that_is_not_theirs_has_no_wallet_pass(rig: Rig) -> None:
    assert rig.client.get("/f/home/apple.pkpass", params={"family": "0" * 32}).status_code == 404
    assert httpx.get(f"{rig.server.url}/f/home/apple.pkpass", params={"family": FAMILY}).status_code == 401
    assert rig.client.get("/f/home/wallets").json() == ["apple", "google"]
