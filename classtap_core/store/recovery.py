"""The owner's recovery key: printed once at set-up, it opens a store whose keyring is lost, and its backups elsewhere.

Only its public half is on a device. `store.recovery` beside the database holds the store's key sealed to it.
"""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from classtap_core.kernel.errors import BadInput, EnvironmentFault
from classtap_core.kernel.ids import Entropy
from classtap_core.store.folder import RECOVERY_FILE, write_closed, write_fault
from classtap_core.store.sealing import KEY_BYTES, seal, unseal

_CONTEXT = "store key"
_CHECK_BYTES = 3  # 35 bytes are exactly 56 letters
_LETTERS, _GROUP, _GROUPS_A_LINE = 56, 4, 7
_ALIKE = str.maketrans("018", "OIB")  # RFC 4648 has none of these, and people write them for what they look like


class RecoveryKey(NamedTuple):
    """Both halves. The private one is shown or printed once, and kept by nobody but the owner."""

    private: bytes

    @property
    def public(self) -> bytes:
        """32 bytes; every device of the studio has them."""
        return X25519PrivateKey.from_private_bytes(self.private).public_key().public_bytes_raw()

    def text(self) -> str:
        """Two lines of seven groups of four letters: the private half and a check of it."""
        letters = base64.b32encode(self.private + _check(self.private)).decode()
        groups = [letters[at : at + _GROUP] for at in range(0, _LETTERS, _GROUP)]
        return "\n".join(" ".join(groups[at : at + _GROUPS_A_LINE]) for at in range(0, len(groups), _GROUPS_A_LINE))


class SealedKey(msgspec.Struct, frozen=True, kw_only=True):
    """The recovery file: whose key it is sealed to (public half, hex), and the store's key so sealed (hex)."""

    v: int = 1
    public: str
    sealed: str


def make(entropy: Entropy) -> RecoveryKey:
    """A new recovery key."""
    return RecoveryKey(entropy(KEY_BYTES))


def read(text: str) -> RecoveryKey:
    """A recovery key as somebody typed it: in any case, spaces and dashes anywhere, 0 for O, 1 for I, 8 for B.

    Raises BadInput `recovery.length` with how many letters there are, `recovery.letters` with the first that is none,
    `recovery.check` when one was mistyped.
    """
    letters = "".join(part for part in text.upper() if not part.isspace() and part not in "-.").translate(_ALIKE)
    strange = next((one for one in letters if one not in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), None)
    if strange is not None:
        raise BadInput("recovery.letters", letter=strange)
    if len(letters) != _LETTERS:
        raise BadInput("recovery.length", letters=len(letters), needed=_LETTERS)
    whole = base64.b32decode(letters)
    private, check = whole[:KEY_BYTES], whole[KEY_BYTES:]
    if _check(private) != check:
        raise BadInput("recovery.check")
    return RecoveryKey(private)


def seal_key(folder: Path, key: bytes, public: bytes, entropy: Entropy, *, name: str = RECOVERY_FILE) -> None:
    """Keep a store's key sealed to the owner. Raises BadInput `seal.public`, EnvironmentFault as `write_fault`."""
    kept = SealedKey(public=public.hex(), sealed=seal(key, public, _CONTEXT, entropy).hex())
    try:
        write_closed(folder / name, msgspec.json.encode(kept))
    except OSError as error:
        raise write_fault(error, folder) from error


def sealed_to(folder: Path) -> bytes | None:
    """The public half that a folder's key is sealed to; None without one that can be read."""
    try:
        return bytes.fromhex(msgspec.json.decode((folder / RECOVERY_FILE).read_bytes(), type=SealedKey).public)
    except (OSError, ValueError, msgspec.DecodeError):
        return None


def unsealed_keys(folder: Path, names: tuple[str, ...], owner: RecoveryKey) -> Iterator[bytes]:
    """The keys that a folder's recovery files hold for this owner.

    Raises EnvironmentFault `store.no_recovery` without any file, BadInput `recovery.other` when none is sealed to them.
    """
    there, opened = False, False
    for name in names:
        try:
            kept = msgspec.json.decode((folder / name).read_bytes(), type=SealedKey)
            there = True
            key = unseal(bytes.fromhex(kept.sealed), owner.private, _CONTEXT)
        except (OSError, ValueError, msgspec.DecodeError, BadInput):
            continue
        opened = True
        yield key
    if not there:
        raise EnvironmentFault("store.no_recovery", folder=str(folder))
    if not opened:
        raise BadInput("recovery.other")


def _check(private: bytes) -> bytes:
    return hashlib.sha256(b"CTR1 recovery" + private).digest()[:_CHECK_BYTES]
