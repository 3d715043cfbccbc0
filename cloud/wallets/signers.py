"""What an operator's environment supplies for wallets; a wallet without its signer is not offered."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from cloud.wallets.apple import AppleSigner, apple_signer
from cloud.wallets.google import GoogleSigner, google_signer

APNS = "https://api.push.apple.com"
GOOGLE_API = "https://walletobjects.googleapis.com"


class Wallets(NamedTuple):
    """Who signs passes for which wallet. `apns`, `google_api`: where each is told that a pass changed."""

    apple: AppleSigner | None = None
    google: GoogleSigner | None = None
    apns: str = APNS
    google_api: str = GOOGLE_API

    @property
    def offered(self) -> tuple[str, ...]:
        return tuple(name for name in ("apple", "google") if getattr(self, name) is not None)


def wallets_of(environ: Mapping[str, str]) -> Wallets:
    """Raises EnvironmentFault `wallet.apple`, `wallet.google` for files that are not what they should be."""
    folder, account = environ.get("CLASSTAP_WALLET_APPLE", ""), environ.get("CLASSTAP_WALLET_GOOGLE", "")
    return Wallets(
        apple_signer(Path(folder)) if folder else None,
        google_signer(Path(account), environ.get("CLASSTAP_WALLET_GOOGLE_ISSUER", "")) if account else None,
        environ.get("CLASSTAP_WALLET_APPLE_PUSH", APNS).rstrip("/"),
        environ.get("CLASSTAP_WALLET_GOOGLE_API", GOOGLE_API).rstrip("/"),
    )
