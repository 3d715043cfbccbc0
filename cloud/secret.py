"""The cloud's own key: wraps subjects' and signing keys at rest. It lives beside the database, never in it."""

import hmac
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from classtap_core.kernel.errors import EnvironmentFault

VARIABLE = "CLASSTAP_CLOUD_KEY"
"""Environment variable that holds the key as 64 hex digits, for operators with a secret store of their own."""

_KEY_BYTES, _NONCE_BYTES = 32, 12


class Secret:
    """Wraps keys and derives keys for single purposes. Its bytes never leave this object."""

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise ValueError("the cloud's key has 32 bytes")
        self._key = key
        self._box = ChaCha20Poly1305(self.derived("wrap"))

    def derived(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose (HMAC-SHA-256)."""
        return hmac.digest(self._key, b"classtap-cloud/" + purpose.encode(), "sha256")

    @property
    def fingerprint(self) -> str:
        """Tells one key from another without telling anything of it."""
        return self.derived("fingerprint")[:8].hex()

    def wrap(self, plain: bytes, context: str) -> bytes:
        """Seal a key for rest, bound to where it belongs."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._box.encrypt(nonce, plain, context.encode())

    def unwrap(self, box: bytes, context: str) -> bytes:
        """The wrapped key. Raises EnvironmentFault `cloud.secret` when this is not the key that wrapped it."""
        try:
            return self._box.decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], context.encode())
        except InvalidTag as error:
            raise EnvironmentFault("cloud.secret") from error


def load_secret(folder: Path, environ: Mapping[str, str] = os.environ) -> Secret:
    """The key from the environment, else from `folder/secret.key` (made on first use, readable by its owner only).

    Raises EnvironmentFault `cloud.secret_malformed`, or `cloud.secret_open` when others could read the file.
    """
    given = environ.get(VARIABLE)
    if given is not None:
        return Secret(_parsed(given))
    path = folder / "secret.key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise EnvironmentFault("cloud.secret_open", path=str(path)) from None
        return Secret(_parsed(path.read_text(encoding="ascii")))
    key = os.urandom(_KEY_BYTES)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return Secret(key)


def _parsed(text: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise EnvironmentFault("cloud.secret_malformed")
    return key
