"""The keys that sign passes: made in the cloud, wrapped at rest, published in a bundle that the studio's root signs."""

import hmac
import secrets

import msgspec
from sqlalchemy import Connection, select

from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.passes.codec import Algorithm, PassClaims, encode
from classtap_core.passes.keys import KeyBundle, PassKey, signed_bundle
from classtap_core.passes.records import Pass
from classtap_core.passes.signing import Signer, ed25519_signer
from cloud.storage.backend import Books
from cloud.storage.directory import Directory, StudioEntry

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
        row = {
            "studio_id": studio.id, "key_id": 1, "algorithm": int(Algorithm.ED25519),
            "public": ed25519_signer(seed).public, "wrapped": self._books.secret.wrap(seed, f"pass_key/{studio.id}/1"),
            "not_before": now_s - 86_400, "not_after": now_s + KEY_YEARS * _YEAR_S, "revoked_at": None,
        }  # fmt: skip
        connection.execute(self._books.tables.pass_key.insert(), [row])

    def root_public(self, connection: Connection, studio: Id) -> bytes:
        """What devices pin when they pair: 32 bytes."""
        return self._root(connection, studio).public

    def bundle(self, studio: StudioEntry, *, now_s: int) -> bytes:
        """The signed bundle of the studio's public keys, as devices take it."""
        table = self._books.tables.pass_key
        with self._books.database.read() as connection:
            found = connection.execute(
                select(table).where(table.c.studio_id == studio.id).order_by(table.c.key_id)
            ).all()
            keys = tuple(
                PassKey(
                    key_id=row.key_id, algorithm=Algorithm(row.algorithm), public=row.public,
                    not_before=row.not_before, not_after=row.not_after, revoked_at=row.revoked_at,
                )
                for row in found
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
        table = self._books.tables.pass_key
        with self._books.database.read() as connection:
            row = connection.execute(
                select(table)
                .where(
                    table.c.studio_id == studio.id,
                    table.c.revoked_at.is_(None),
                    table.c.not_before <= now_s,
                    table.c.not_after >= now_s,
                )
                .order_by(table.c.key_id.desc())
                .limit(1)
            ).first()
            if row is None:
                raise Refused("pass.no_key")
            nonce_key = self._secret(connection, studio.id, "pass_nonce")
        signer = ed25519_signer(self._books.secret.unwrap(row.wrapped, f"pass_key/{studio.id}/{row.key_id}"))
        named = [row.key_id, issued.handle, issued.epoch, issued.issued_s, issued.expires_s]
        nonce = hmac.digest(nonce_key, msgspec.json.encode(named), "sha256")[:6]
        claims = PassClaims(
            algorithm=signer.algorithm, key_id=row.key_id, studio=int(studio.pass_studio, 16),
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
