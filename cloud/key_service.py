"""Who wraps the private halves of pass keys at rest: the cloud's own key, or a key service of a cloud provider.

`CLASSTAP_KEY_SERVICE` names one: `aws:ARN` (AWS KMS) or `gcp:projects/…/cryptoKeys/NAME` (Google Cloud KMS). Without it
the cloud's own key does it (`cloud.secret`), from the environment or a file.
"""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import httpx

from classtap_core.kernel.errors import EnvironmentFault

VARIABLE = "CLASSTAP_KEY_SERVICE"
PATIENCE_S = 10.0
_AWS, _GCP = b"\0aws1", b"\0gcp1"
_METADATA = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"

Now = Callable[[], datetime]


class KeyService(Protocol):
    """Seals a few bytes so that only this service, told the same context, opens them."""

    def wrap(self, plain: bytes, context: str) -> bytes: ...

    def unwrap(self, box: bytes, context: str) -> bytes: ...


class EitherService:
    """Wraps with the service of today, and opens what the cloud's own key wrapped before there was one."""

    def __init__(self, service: KeyService, own: KeyService, *, mark: bytes) -> None:
        self._service, self._own, self._mark = service, own, mark

    def wrap(self, plain: bytes, context: str) -> bytes:
        return self._mark + self._service.wrap(plain, context)

    def unwrap(self, box: bytes, context: str) -> bytes:
        if box.startswith(self._mark):
            return self._service.unwrap(box[len(self._mark) :], context)
        return self._own.unwrap(box, context)


def key_service(own: KeyService, environ: Mapping[str, str] = os.environ) -> KeyService:
    """The service the environment names, or the cloud's own key. Raises EnvironmentFault `keys.service` for a bad name."""
    kind, _, name = environ.get(VARIABLE, "").partition(":")
    if not kind:
        return own
    if kind == "aws" and name:
        return EitherService(AwsKms(name, environ), own, mark=_AWS)
    if kind == "gcp" and name:
        return EitherService(GcpKms(name, environ), own, mark=_GCP)
    raise EnvironmentFault("keys.service", name=kind)


class AwsKms:
    """AWS KMS, `Encrypt` and `Decrypt` of its JSON 1.1 protocol, signed with Signature Version 4.

    Credentials are read from the environment as AWS's own tools do; the context goes along as encryption context.
    """

    def __init__(self, key: str, environ: Mapping[str, str] = os.environ, *, now: Now | None = None) -> None:
        """`key`: an ARN, whose region counts before AWS_REGION. AWS_ENDPOINT_URL_KMS replaces the address."""
        parts = key.split(":")
        self._key, self._environ = key, environ
        self._region = parts[3] if key.startswith("arn:") and len(parts) > 3 else environ.get("AWS_REGION", "us-east-1")
        self._url = environ.get("AWS_ENDPOINT_URL_KMS") or f"https://kms.{self._region}.amazonaws.com/"
        self._now = now or (lambda: datetime.now(UTC))

    def wrap(self, plain: bytes, context: str) -> bytes:
        return self._ask("Encrypt", {"Plaintext": _b64(plain)}, context, answer="CiphertextBlob")

    def unwrap(self, box: bytes, context: str) -> bytes:
        return self._ask("Decrypt", {"CiphertextBlob": _b64(box)}, context, answer="Plaintext")

    def _ask(self, action: str, what: dict[str, Any], context: str, *, answer: str) -> bytes:
        body = json.dumps({"KeyId": self._key, "EncryptionContext": {"classtap": context}, **what}).encode()
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"TrentService.{action}"}
        signed = sign_v4(
            "POST", self._url, headers, body, region=self._region, service="kms", at=self._now(),
            access=_given(self._environ, "AWS_ACCESS_KEY_ID"), secret=_given(self._environ, "AWS_SECRET_ACCESS_KEY"),
            session=self._environ.get("AWS_SESSION_TOKEN", ""),
        )  # fmt: skip
        return base64.b64decode(_post(self._url, body, signed).get(answer, ""))


class GcpKms:
    """Google Cloud KMS, `:encrypt` and `:decrypt` over REST; the context goes along as additional authenticated data.

    The access token is `GOOGLE_OAUTH_ACCESS_TOKEN`, else the machine's own from the metadata server.
    """

    def __init__(self, key: str, environ: Mapping[str, str] = os.environ) -> None:
        """`key`: projects/…/locations/…/keyRings/…/cryptoKeys/…. CLASSTAP_GCP_KMS_URL replaces the address."""
        self._environ = environ
        base = environ.get("CLASSTAP_GCP_KMS_URL") or "https://cloudkms.googleapis.com"
        self._url = f"{base.rstrip('/')}/v1/{key}"

    def wrap(self, plain: bytes, context: str) -> bytes:
        return self._ask("encrypt", {"plaintext": _b64(plain)}, context, answer="ciphertext")

    def unwrap(self, box: bytes, context: str) -> bytes:
        return self._ask("decrypt", {"ciphertext": _b64(box)}, context, answer="plaintext")

    def _ask(self, action: str, what: dict[str, Any], context: str, *, answer: str) -> bytes:
        body = json.dumps({**what, "additionalAuthenticatedData": _b64(context.encode())}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token()}"}
        return base64.b64decode(_post(f"{self._url}:{action}", body, headers).get(answer, ""))

    def _token(self) -> str:
        given = self._environ.get("GOOGLE_OAUTH_ACCESS_TOKEN")
        if given:
            return given
        try:
            answer = httpx.get(_METADATA, headers={"Metadata-Flavor": "Google"}, timeout=PATIENCE_S)
            answer.raise_for_status()
            return str(answer.json()["access_token"])
        except (httpx.HTTPError, KeyError, ValueError) as error:
            raise EnvironmentFault("keys.service", why="token") from error


def sign_v4(
    method: str, url: str, headers: Mapping[str, str], body: bytes, *, region: str, service: str, at: datetime,
    access: str, secret: str, session: str = "",
) -> dict[str, str]:  # fmt: skip
    """The headers of a request to AWS with its signature (Signature Version 4); the URL has no query."""
    found = urlsplit(url)
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    sent = {**headers, "Host": found.netloc, "X-Amz-Date": stamp}
    if session:
        sent["X-Amz-Security-Token"] = session
    lower = dict(sorted((name.lower(), value.strip()) for name, value in sent.items()))
    names = ";".join(lower)
    path = quote(found.path or "/", safe="/-_.~")
    canonical = "\n".join(
        [method, path, "", *(f"{name}:{value}" for name, value in lower.items()), "", names, _hash(body)]
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    statement = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, _hash(canonical.encode())])
    key = f"AWS4{secret}".encode()
    for part in (stamp[:8], region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, statement.encode(), "sha256").hex()
    sent["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={access}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return sent


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """The service's answer. Raises EnvironmentFault `keys.service` with the status, never with what was sent."""
    try:
        answer = httpx.post(url, content=body, headers=dict(headers), timeout=PATIENCE_S)
    except httpx.HTTPError as error:
        raise EnvironmentFault("keys.service", why=type(error).__name__) from None
    if answer.status_code != 200:
        raise EnvironmentFault("keys.service", why=f"HTTP {answer.status_code}")
    found: dict[str, Any] = answer.json()
    return found


def _given(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise EnvironmentFault("keys.service", why=name)
    return value


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
