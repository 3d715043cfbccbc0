"""The keys that sign passes: made in the cloud, wrapped at rest, published in a bundle that the studio's root signs."""

import hmac
import secrets

import msgspec

from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.passes.codec import Algorithm, PassClaims, encode
from classtap_core.passes.keys import KeyBundle, PassKey, signed_bundle
from classtap_core.passes.records import Pass
from classtap_core.passes.signing import Signer, ed25519_signer
from cloud.storage.backend import Books
from cloud.storage.database import Connection
from cloud.storage.directory import Directory, StudioEntry
from cloud.storage.pass_keys import StoredKey, add_key, keys_of

KEY_YEARS = 5
_YEAR_S = 366 * 86_400


class PassKeys:
    """Every studio's pass keys and root key. Private halves are opened for one signature at a time."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._directory = Directory(books.database, books.tables)

    def start(self, connection: Connection, studio: StudioEntry, *, now_s: int) -> None:
        """Make a new studio's root key, nonce secret and first pass key."""
        for name in ("pass_root", "pass_nonce"):
            wrapped = self._books.secret.wrap(secrets.token_bytes(32), f"{name}/{studio.id}")
            self._directory.put_secret(connection, studio.id, name, wrapped)
        seed = secrets.token_bytes(32)
        key = StoredKey(
            1, int(Algorithm.ED25519), ed25519_signer(seed).public,
            self._books.secret.wrap(seed, f"pass_key/{studio.id}/1"), now_s - 86_400, now_s + KEY_YEARS * _YEAR_S, None,
        )  # fmt: skip
        add_key(connection, self._books.tables, studio.id, key)

    def root_public(self, connection: Connection, studio: Id) -> bytes:
        """What devices pin when they pair: 32 bytes."""
        return self._root(connection, studio).public

    def bundle(self, studio: StudioEntry, *, now_s: int) -> bytes:
        """The signed bundle of the studio's public keys, as devices take it."""
        with self._books.database.read(studio.id) as connection:
            keys = tuple(
                PassKey(
                    key_id=key.key_id, algorithm=Algorithm(key.algorithm), public=key.public,
                    not_before=key.not_before, not_after=key.not_after, revoked_at=key.revoked_at,
                )
                for key in keys_of(connection, self._books.tables, studio.id)
            )  # fmt: skip
            root = self._root(connection, studio.id)
        # A key comes or goes only once: what has happened to the set so far counts its versions.
        version = len(keys) + sum(key.revoked_at is not None for key in keys)
        bundle = KeyBundle(studio=int(studio.pass_studio, 16), bundle_version=version, issued_at=now_s, keys=keys)
        return signed_bundle(bundle, root)

    def issue(self, studio: StudioEntry, issued: Pass, *, now_s: int) -> str:
        """The text of a family's pass; the same epoch under the same key gives the same text.

        Raises Refused `pass.no_key` when no key is in force.
        """
        with self._books.database.read(studio.id) as connection:
            standing = [key for key in keys_of(connection, self._books.tables, studio.id) if key.in_force(now_s)]
            if not standing:
                raise Refused("pass.no_key")
            key = standing[-1]
            nonce_key = self._secret(connection, studio.id, "pass_nonce")
        signer = ed25519_signer(self._books.secret.unwrap(key.wrapped, f"pass_key/{studio.id}/{key.key_id}"))
        named = [key.key_id, issued.handle, issued.epoch, issued.issued_s, issued.expires_s]
        nonce = hmac.digest(nonce_key, msgspec.json.encode(named), "sha256")[:6]
        claims = PassClaims(
            algorithm=signer.algorithm, key_id=key.key_id, studio=int(studio.pass_studio, 16),
            handle=int(issued.handle, 16), epoch=issued.epoch, not_before=issued.issued_s, expires=issued.expires_s,
            nonce=int.from_bytes(nonce, "big"), test=studio.environment != "live",
        )  # fmt: skip
        return encode(claims, signer.sign)

    def _root(self, connection: Connection, studio: Id) -> Signer:
        return ed25519_signer(self._secret(connection, studio, "pass_root"))

    def _secret(self, connection: Connection, studio: Id, name: str) -> bytes:
        wrapped = self._directory.secret(connection, studio, name)
        if wrapped is None:
            raise Refused("cloud.no_studio")
        return self._books.secret.unwrap(wrapped, f"{name}/{studio}")
