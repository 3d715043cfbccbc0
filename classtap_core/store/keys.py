"""The key of a store: 32 random bytes, wrapped under a secret of the service or the keyring, else in a closed file."""

import contextlib
import hashlib
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from keyring.errors import KeyringError

from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Entropy
from classtap_core.store import credentials
from classtap_core.store.engine import KEY_BYTES
from classtap_core.store.folder import KEY_FILE, write_closed, write_fault

SERVICE = "classtap"
"""What our entries are called in the keyring."""


class KeyProtection(StrEnum):
    """How well the key is kept.

    CREDENTIAL: wrapped under a secret that systemd hands to this service. KEYRING: under one of the system's keyring.
    FILE: in a file that only this user can read; whoever copies the whole folder can open the store (reduced
    protection, said on the health screen).
    """

    CREDENTIAL = "credential"
    KEYRING = "keyring"
    FILE = "file"


class Ring(Protocol):
    """A keyring: the system's (`keyrings.SystemRing`), or one made for a test."""

    def get_password(self, service: str, username: str, /) -> str | None: ...

    def set_password(self, service: str, username: str, password: str, /) -> None: ...

    def delete_password(self, service: str, username: str, /) -> None: ...


class StoreKey(NamedTuple):
    """An open key and how it is protected at rest."""

    key: bytes
    protection: KeyProtection


class _Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The key file. `check` tells a right key from a wrong one before any database is touched.

    Attributes:
        account: names the wrapping secret, in the keyring or of the service. wrapped: nonce and sealed key, hex.
        key: hex, unwrapped.
    """

    v: int = 1
    protection: KeyProtection
    check: str
    account: str = ""
    wrapped: str = ""
    key: str = ""


def make(folder: Path, entropy: Entropy, ring: Ring | None) -> StoreKey:
    """Make a store's key and keep it: under the service's credential, in the keyring, else in a closed file."""
    return keep(folder, entropy(KEY_BYTES), entropy, ring)


def keep(folder: Path, key: bytes, entropy: Entropy, ring: Ring | None, *, name: str = KEY_FILE) -> StoreKey:
    """Keep a key that there is already, under a new secret. Raises EnvironmentFault as `write_fault`."""
    kept = _under_credential(key, entropy)
    if kept is None and ring is not None:
        kept = _wrapped(key, entropy, ring)
    if kept is None:
        kept = _Kept(protection=KeyProtection.FILE, check=_check(key), key=key.hex())
    try:
        write_closed(folder / name, msgspec.json.encode(kept))
    except OSError as error:
        raise write_fault(error, folder) from error
    return StoreKey(key, kept.protection)


def load(folder: Path, ring: Ring | None, *, name: str = KEY_FILE) -> StoreKey:
    """The key of a store.

    Raises EnvironmentFault `store.key_missing` when the key file is gone or the keyring no longer has the secret,
    `store.keyring` when the keyring cannot be asked, `store.credential` when the system did not hand this program the
    service's secret, `store.key_damaged`, `store.wrong_key`.
    """
    try:
        kept = msgspec.json.decode((folder / name).read_bytes(), type=_Kept)
        sealed, plain = bytes.fromhex(kept.wrapped), bytes.fromhex(kept.key)
    except FileNotFoundError as error:
        raise EnvironmentFault("store.key_missing") from error
    except OSError as error:
        raise EnvironmentFault("store.cannot_open") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise EnvironmentFault("store.key_damaged") from error
    match kept.protection:
        case KeyProtection.FILE:
            key = plain
        case KeyProtection.CREDENTIAL:
            key = _out_of_credential(sealed, kept.account)
        case _:
            key = _unwrapped(sealed, kept.account, ring)
    if _check(key) != kept.check:
        raise EnvironmentFault("store.wrong_key")
    return StoreKey(key, kept.protection)


def protection(folder: Path) -> KeyProtection | None:
    """How a store's key is kept, without opening it; None when there is no readable key file."""
    try:
        return msgspec.json.decode((folder / KEY_FILE).read_bytes(), type=_Kept).protection
    except (OSError, msgspec.DecodeError):
        return None


def forget(folder: Path, ring: Ring | None, *, name: str = KEY_FILE) -> None:
    """Take a key file's secret out of the keyring and remove the file; what is not there is no trouble."""
    forget_secret(folder, ring, name=name)
    (folder / name).unlink(missing_ok=True)


def forget_secret(folder: Path, ring: Ring | None, *, name: str = KEY_FILE) -> None:
    """Take a key file's secret out of the keyring."""
    try:
        account = msgspec.json.decode((folder / name).read_bytes(), type=_Kept).account
    except (OSError, msgspec.DecodeError):
        account = ""
    if account and ring is not None:
        with contextlib.suppress(KeyringError, OSError, KeyError):
            ring.delete_password(SERVICE, account)


def _wrapped(key: bytes, entropy: Entropy, ring: Ring) -> _Kept | None:
    """The key under a new secret of the keyring; None where the keyring does not keep one."""
    account, secret, nonce = entropy(16).hex(), entropy(KEY_BYTES), entropy(12)
    try:
        ring.set_password(SERVICE, account, secret.hex())
        if ring.get_password(SERVICE, account) != secret.hex():
            return None
    except (KeyringError, OSError):
        return None
    return _sealed(key, secret, nonce, account, KeyProtection.KEYRING)


def _under_credential(key: bytes, entropy: Entropy) -> _Kept | None:
    """The key under a secret from the service's credential; None where the system hands this program none."""
    account, nonce = entropy(16).hex(), entropy(12)
    secret = credentials.secret(account)
    if secret is None:
        return None
    return _sealed(key, secret, nonce, account, KeyProtection.CREDENTIAL)


def _out_of_credential(sealed: bytes, account: str) -> bytes:
    secret = credentials.secret(account)
    if secret is None:
        raise EnvironmentFault("store.credential", name=credentials.NAME)
    return _opened(sealed, secret, account)


def _unwrapped(sealed: bytes, account: str, ring: Ring | None) -> bytes:
    if ring is None:
        raise EnvironmentFault("store.keyring")
    try:
        secret = ring.get_password(SERVICE, account)
    except (KeyringError, OSError) as error:
        raise EnvironmentFault("store.keyring") from error
    if secret is None:
        raise EnvironmentFault("store.key_missing")
    try:
        opener = bytes.fromhex(secret)
    except ValueError as error:
        raise EnvironmentFault("store.wrong_key") from error
    return _opened(sealed, opener, account)


def _sealed(key: bytes, secret: bytes, nonce: bytes, account: str, protection: KeyProtection) -> _Kept:
    wrapped = nonce + ChaCha20Poly1305(secret).encrypt(nonce, key, account.encode())
    return _Kept(protection=protection, check=_check(key), account=account, wrapped=wrapped.hex())


def _opened(sealed: bytes, secret: bytes, account: str) -> bytes:
    try:
        return ChaCha20Poly1305(secret).decrypt(sealed[:12], sealed[12:], account.encode())
    except (InvalidTag, ValueError) as error:
        raise EnvironmentFault("store.wrong_key") from error


def _check(key: bytes) -> str:
    return hashlib.sha256(b"CTK-store" + key).hexdigest()[:16]
