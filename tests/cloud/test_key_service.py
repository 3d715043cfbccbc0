"""Key services: AWS's own example of a signature, and both wire forms against a server that checks them."""

import base64
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from classtap_core.kernel.errors import EnvironmentFault
from cloud.key_service import AwsKms, GcpKms, key_service, sign_v4
from cloud.secret import Secret

ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
ARN = "arn:aws:kms:eu-west-3:111122223333:key/1234"
GCP = "projects/p/locations/europe/keyRings/r/cryptoKeys/k"
BOX, NONCE = AESGCM(b"\x07" * 32), b"\x00" * 12


def test_a_signature_of_aws_s_own_suite() -> None:
    """`get-vanilla` and `post-vanilla` of the Signature Version 4 test suite."""
    for method, expected in (
        ("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ):
        signed = sign_v4(
            method, "https://example.amazonaws.com/", {}, b"", region="us-east-1", service="service", at=AT,
            access=ACCESS, secret=SECRET,
        )  # fmt: skip
        assert signed["Authorization"].endswith(f"Signature={expected}")


class _Services(BaseHTTPRequestHandler):
    """Both services, as their documents say: a wrong signature or context opens nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(body)
        try:
            answer = self._aws(asked, body) if "X-Amz-Target" in self.headers else self._gcp(asked)
            self._say(200, answer)
        except (InvalidTag, PermissionError):
            self._say(400, {"__type": "InvalidCiphertextException"})

    def _aws(self, asked: dict[str, Any], body: bytes) -> dict[str, str]:
        at = datetime.strptime(self.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        names = ("Content-Type", "X-Amz-Target")
        expected = sign_v4(
            "POST", f"http://{self.headers['Host']}/", {name: self.headers[name] for name in names}, body,
            region="eu-west-3", service="kms", at=at, access=ACCESS, secret=SECRET,
        )  # fmt: skip
        if self.headers["Authorization"] != expected["Authorization"] or asked["KeyId"] != ARN:
            raise PermissionError
        context = json.dumps(asked["EncryptionContext"], sort_keys=True).encode()
        if self.headers["X-Amz-Target"] == "TrentService.Encrypt":
            return {"CiphertextBlob": _b64(BOX.encrypt(NONCE, base64.b64decode(asked["Plaintext"]), context))}
        return {"Plaintext": _b64(BOX.decrypt(NONCE, base64.b64decode(asked["CiphertextBlob"]), context))}

    def _gcp(self, asked: dict[str, Any]) -> dict[str, str]:
        if self.headers["Authorization"] != "Bearer token" or not self.path.startswith(f"/v1/{GCP}:"):
            raise PermissionError
        context = base64.b64decode(asked["additionalAuthenticatedData"])
        if self.path.endswith(":encrypt"):
            return {"ciphertext": _b64(BOX.encrypt(NONCE, base64.b64decode(asked["plaintext"]), context))}
        return {"plaintext": _b64(BOX.decrypt(NONCE, base64.b64decode(asked["ciphertext"]), context))}

    def _say(self, status: int, answer: dict[str, str]) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Services)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def environ(url: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL_KMS": url, "AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET,
        "CLASSTAP_GCP_KMS_URL": url, "GOOGLE_OAUTH_ACCESS_TOKEN": "token",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["aws", "gcp"])
def test_what_a_service_wrapped_only_it_opens_and_only_where_it_belongs(url: str, kind: str) -> None:
    known = environ(url)
    service: AwsKms | GcpKms = AwsKms(ARN, known) if kind == "aws" else GcpKms(GCP, known)
    box = service.wrap(b"seed" * 8, "pass_key/studio/1")
    assert b"seed" not in box
    assert service.unwrap(box, "pass_key/studio/1") == b"seed" * 8
    with pytest.raises(EnvironmentFault, match=r"keys.service"):
        service.unwrap(box, "pass_key/another/1")


def test_keys_from_before_the_service_still_open(url: str) -> None:
    own = Secret(b"\x01" * 32)
    before = own.wrap(b"old", "c")
    service = key_service(own, {**environ(url), "CLASSTAP_KEY_SERVICE": f"aws:{ARN}"})
    assert service.unwrap(before, "c") == b"old"
    assert service.unwrap(service.wrap(b"new", "c"), "c") == b"new"
    assert key_service(own, {}) is own


@pytest.mark.parametrize("name", ["vault:x", "aws", "gcp:"])
def test_a_service_nobody_knows_is_said_at_once(name: str) -> None:
    with pytest.raises(EnvironmentFault, match=r"keys.service"):
        key_service(Secret(b"\x01" * 32), {"CLASSTAP_KEY_SERVICE": name})


def test_a_wrong_credential_is_a_fault_without_a_word_of_it(url: str) -> None:
    known = {**environ(url), "AWS_SECRET_ACCESS_KEY": "wrong"}
    with pytest.raises(EnvironmentFault, match=r"keys.service") as caught:
        AwsKms(ARN, known).wrap(b"secret seed", "c")
    assert "wrong" not in str(caught.value)
    assert "seed" not in str(caught.value)
