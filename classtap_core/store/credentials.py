"""A secret that the system hands to a service and to nobody else: systemd's credentials, for kiosks without a keyring.

systemd decrypts `classtap.key` (with the TPM, or the host's own key) into memory only this service can read, and names
the folder in CREDENTIALS_DIRECTORY; see systemd.exec(5), LoadCredentialEncrypted=.
"""

import os
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NAME = "classtap.key"
FEWEST_BYTES = 16
"""A shorter one is no secret, and is taken for none."""


def secret(account: str) -> bytes | None:
    """32 bytes for one key file, from the service's credential; None where the system hands this program none."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder:
        return None
    try:
        given = (Path(folder) / NAME).read_bytes()
    except OSError:
        return None
    if len(given) < FEWEST_BYTES:
        return None
    return HKDF(SHA256(), 32, salt=account.encode(), info=b"CTK1 store key").derive(given)
