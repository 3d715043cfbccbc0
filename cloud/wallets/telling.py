"""Wallets hear that a pass changed: Apple's phones by a push, after which they ask; Google's objects are written anew.

Apple: an empty push to every phone that registered, over HTTP/2 with the Pass Type ID's certificate. Google: a PATCH of the
generic object, with a token for the operator's service account (RFC 7523).
"""

import threading
from collections.abc import Mapping
from typing import Any

import httpx

from classtap_core.kernel.effects import Intent
from classtap_core.kernel.errors import ClassTapError, EnvironmentFault
from classtap_core.kernel.ids import Id
from classtap_core.passes.operations import PassIssued, PassRevoked
from cloud.jobs.effects import Runner
from cloud.studios import Studios
from cloud.wallets.apple import AppleSigner, serial_of
from cloud.wallets.google import VOID, GoogleSigner, assertion, google_pass, object_of
from cloud.wallets.registered import GOOGLE, registered, unregister
from cloud.wallets.signers import Wallets

TIMEOUT_S = 10
GONE = ("BadDeviceToken", "DeviceTokenNotForTopic", "Unregistered")
"""What Apple says of a phone that has let go of the pass."""
_TOKEN_EARLY_S = 60


class WalletTeller:
    """Tells wallets of changed passes, over connections that stay open between them. Safe to call from several threads."""

    def __init__(self, wallets: Wallets) -> None:
        self._wallets = wallets
        self._apple: httpx.Client | None = None
        self._google: httpx.Client | None = None
        self._token, self._token_until_s = "", 0
        self._lock = threading.Lock()

    @property
    def runners(self) -> Mapping[str, Runner]:
        """What it carries out; nothing where no wallet is set up."""
        return {kind.KIND: self.tell for kind in (PassIssued, PassRevoked)} if self._wallets.offered else {}

    def tell(self, studios: Studios, studio: Id, effect: Intent) -> None:
        """Raises EnvironmentFault `wallet.unreachable`, `wallet.refused`: it is tried again."""
        family = Id(effect.body["family"])
        serial = serial_of(studio, family)
        for one in registered(studios.books, studio, serial):
            if one.device == GOOGLE and self._wallets.google is not None:
                known = self._patch(self._wallets.google, studios, studio, family)
            elif one.device != GOOGLE and self._wallets.apple is not None:
                known = self._push(self._wallets.apple, one.token)
            else:
                continue
            if not known:
                unregister(studios.books, studio, one.device, serial)

    def close(self) -> None:
        for client in (self._apple, self._google):
            if client is not None:
                client.close()

    def _push(self, signer: AppleSigner, token: str) -> bool:
        """Whether Apple still knows the phone."""
        with self._lock:
            if self._apple is None:
                self._apple = httpx.Client(http2=True, verify=signer.context(), timeout=TIMEOUT_S)
        headers = {"apns-topic": signer.pass_type, "apns-push-type": "background", "apns-priority": "5"}
        url = f"{self._wallets.apns}/3/device/{token}"
        answer = _asked(self._apple, "POST", url, content=b"{}", headers=headers)
        if answer.is_success:
            return True
        if answer.status_code in (400, 410) and _said(answer).get("reason") in GONE:
            return False
        raise EnvironmentFault("wallet.refused", status=answer.status_code)

    def _patch(self, signer: GoogleSigner, studios: Studios, studio: Id, family: Id) -> bool:
        """Whether Google still has the object."""
        now_s = studios.clock.now().corrected // 1000
        name = object_of(signer, studio, family)
        try:
            body = google_pass(studios, signer, studio, family)
        except ClassTapError:
            body = VOID
        headers = {"Authorization": f"Bearer {self._bearer(signer, now_s)}"}
        url = f"{self._wallets.google_api}/walletobjects/v1/genericObject/{name}"
        answer = _asked(self._client(), "PATCH", url, json=body, headers=headers)
        if answer.status_code == 404:
            return False
        if not answer.is_success:
            self._token_until_s = 0
            raise EnvironmentFault("wallet.refused", status=answer.status_code)
        return True

    def _bearer(self, signer: GoogleSigner, now_s: int) -> str:
        """A token for the service account, asked for anew shortly before it ends."""
        if now_s >= self._token_until_s:
            form = {
                "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion(signer, now_s=now_s)
            }  # fmt: skip
            answer = _asked(self._client(), "POST", signer.token_uri, data=form)
            found = _said(answer)
            if not answer.is_success or not isinstance(found.get("access_token"), str):
                raise EnvironmentFault("wallet.refused", status=answer.status_code)
            self._token = found["access_token"]
            self._token_until_s = now_s + int(found.get("expires_in", 0)) - _TOKEN_EARLY_S
        return self._token

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._google is None:
                self._google = httpx.Client(timeout=TIMEOUT_S)
            return self._google


def _asked(client: httpx.Client, method: str, url: str, **said: Any) -> httpx.Response:
    try:
        return client.request(method, url, **said)
    except httpx.HTTPError as error:
        raise EnvironmentFault("wallet.unreachable") from error


def _said(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
