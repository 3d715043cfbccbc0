"""A seeded studio to try passes in: its keys, a bundle, and a verdict with everything in order but what a test changes."""

from typing import Any

import msgspec
import pytest

from classtap_core.passes import rolling
from classtap_core.passes.codec import Algorithm, PassClaims, encode
from classtap_core.passes.keys import KeyBundle, PassKey
from classtap_core.passes.ledger import HeldPasses, PassState, SeenScans
from classtap_core.passes.signing import Signer, ed25519_signer, es256_signer
from classtap_core.passes.verify import Environment, Tolerance, Verdict, verify

NOW = 1_790_000_005
YEAR_S = 365 * 86_400


class Studio:
    """A studio's issuing side and one device of it. `scan` judges a text at `NOW` unless told otherwise."""

    now = NOW
    studio = 0x1122334455667788
    handle = 0x99AABBCCDDEEFF00

    def __init__(self) -> None:
        self.signers: dict[int, Signer] = {1: ed25519_signer(bytes(range(32))), 2: es256_signer(0xC0FFEE)}
        self.bundle = KeyBundle(
            studio=self.studio,
            bundle_version=1,
            issued_at=NOW - 60,
            keys=tuple(
                PassKey(
                    key_id=key_id,
                    algorithm=signer.algorithm,
                    public=signer.public,
                    not_before=NOW - YEAR_S,
                    not_after=NOW + YEAR_S,
                )
                for key_id, signer in self.signers.items()
            ),
        )
        self.passes = HeldPasses()
        self.passes.put(self.handle, PassState(active_epoch=1))
        self.rolling_key = rolling.rolling_key(b"studio rolling key", handle=self.handle, epoch=1)
        self.passes.put_rolling_key(self.handle, epoch=1, key=self.rolling_key)
        self.ledger = SeenScans()

    def claims(self, **changes: Any) -> PassClaims:
        claims = PassClaims(
            algorithm=Algorithm.ED25519,
            key_id=1,
            studio=self.studio,
            handle=self.handle,
            epoch=1,
            not_before=NOW - 60,
            expires=NOW + 60,
            nonce=0xA1B2C3D4E5F6,
        )
        return msgspec.structs.replace(claims, **changes)

    def text(self, **changes: Any) -> str:
        claims = self.claims(**changes)
        return encode(claims, self.signers[claims.key_id if claims.key_id in self.signers else 1].sign)

    def scan(self, text: str, **changes: Any) -> Verdict:
        known: dict[str, Any] = {
            "keys": self.bundle,
            "studio": self.studio,
            "now_s": NOW,
            "uncertainty_s": 0,
            "environment": Environment.LIVE,
            "tolerance": Tolerance(),
            "ledger": self.ledger,
            "passes": self.passes,
        }
        return verify(text, **{**known, **changes})


@pytest.fixture
def studio() -> Studio:
    return Studio()
