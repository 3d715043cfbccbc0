"""The keys that sign passes: made in the cloud, wrapped at rest, published in a bundle that the studio's root signs."""

import hmac
import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from classtap_core.checkin.attendees import AttendeePass, event_number
from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import Id
from classtap_core.passes import rolling
from classtap_core.passes.codec import Algorithm, Kind, PassClaims, Tier, encode
from classtap_core.passes.jws import jwks, to_jws
from classtap_core.passes.keys import KeyBundle, PassKey, signed_bundle
from classtap_core.passes.records import Pass
from classtap_core.passes.signing import Signer, ed25519_signer, es256_signer
from cloud.key_service import KeyService, key_service
from cloud.storage.backend import Books
from cloud.storage.database import Connection
from cloud.storage.directory import Directory, StudioEntry
from cloud.storage.pass_keys import StoredKey, add_key, keys_of, revoke_key

KEY_YEARS = 5
_YEAR_S = 366 * 86_400
ROTATE_AFTER_S = _YEAR_S
"""How old a key may get before the next is made."""
LEAD_S = 2 * 86_400
"""A new key is published so long before it signs, so that a kiosk that was offline for a day knows it."""
ROLLING_S = 72 * 3_600
"""How long the text under a rolling code is good: so long a family's page works without the internet."""
ROLLING_GRAIN_S = 3_600
"""Within an hour the same text is given, so that what was sent and what is shown agree."""
MOST_KEYS = 255


class RollingText(NamedTuple):
    """What a family's page shows: the signed text, the key of its codes (20 bytes), until when (Unix seconds)."""

    text: str
    key: bytes
    expires: int


class PassKeys:
    """Every studio's pass keys and root key. Private halves are opened for one signature at a time."""

    def __init__(self, books: Books, service: KeyService | None = None) -> None:
        """`service` wraps the private halves of pass keys; without one, whatever the environment names."""
        self._books = books
        self._directory = Directory(books.database, books.tables)
        self._service = service or key_service(books.secret)
        self._rotating = threading.Lock()

    def start(self, connection: Connection, studio: StudioEntry, *, now_s: int) -> None:
        """Make a new studio's root key, its secrets and its first pass key."""
        for name in ("pass_root", "pass_nonce", "pass_rolling"):
            self._put_secret(connection, studio.id, name, secrets.token_bytes(32))
        add_key(connection, self._books.tables, studio.id, self._made(studio.id, 1, now_s - 86_400))

    # --- what is published

    def root_public(self, connection: Connection, studio: Id) -> bytes:
        """What devices pin when they pair: 32 bytes."""
        return self._root(connection, studio).public

    def keys(self, studio: Id) -> list[StoredKey]:
        """All keys a studio ever had, in the order they were made."""
        with self._books.database.read(studio) as connection:
            return keys_of(connection, self._books.tables, studio)

    def bundle(self, studio: StudioEntry, *, now_s: int) -> bytes:
        """The signed bundle of the studio's public keys, as devices take it."""
        with self._books.database.read(studio.id) as connection:
            root = self._root(connection, studio.id)
        return signed_bundle(self.published(studio, now_s=now_s), root)

    def published(self, studio: StudioEntry, *, now_s: int) -> KeyBundle:
        """The same, not yet signed."""
        stored = self.keys(studio.id)
        keys = tuple(
            PassKey(
                key_id=key.key_id, algorithm=Algorithm(key.algorithm), public=key.public,
                not_before=key.not_before, not_after=key.not_after, revoked_at=key.revoked_at,
            )
            for key in stored
        )  # fmt: skip
        return KeyBundle(
            studio=int(studio.pass_studio, 16), bundle_version=version_of(stored), issued_at=now_s, keys=keys
        )

    def jwks(self, studio: StudioEntry, *, now_s: int) -> dict[str, object]:
        """The same as a JWK set, for API users."""
        return jwks(self.published(studio, now_s=now_s))

    # --- keys come and go

    def rotate(
        self, studio: StudioEntry, *, now_s: int, lead_s: int = LEAD_S, algorithm: Algorithm = Algorithm.ED25519
    ) -> StoredKey:
        """Publish the next key, which signs from `lead_s` on; keys before it stay good to their end.

        Raises Refused `keys.too_many` after 255 keys.
        """
        with self._rotating, self._books.database.write(studio.id) as connection:
            known = keys_of(connection, self._books.tables, studio.id)
            if len(known) >= MOST_KEYS:
                raise Refused("keys.too_many")
            number = max((key.key_id for key in known), default=0) + 1
            key = self._made(studio.id, number, now_s + lead_s, algorithm)
            add_key(connection, self._books.tables, studio.id, key)
        return key

    def revoke(self, studio: StudioEntry, key_id: int, *, now_s: int) -> StoredKey:
        """A key signs nothing any more, whatever a text claims; the key that signs instead from this moment on.

        Raises BadInput `keys.unknown`. A key that is revoked already stays as it was.
        """
        known = {key.key_id: key for key in self.keys(studio.id)}
        if key_id not in known:
            raise BadInput("keys.unknown", key=key_id)
        with self._books.database.write(studio.id) as connection:
            revoke_key(connection, self._books.tables, studio.id, key_id, at_s=now_s)
        standing = [key for key in known.values() if key.key_id != key_id and key.in_force(now_s)]
        return standing[-1] if standing else self.rotate(studio, now_s=now_s, lead_s=0)

    def due(self, studio: StudioEntry, *, now_s: int) -> bool:
        """Whether the newest key is old enough for the next, or none will be in force soon."""
        good = [key for key in self.keys(studio.id) if key.revoked_at is None]
        newest = good[-1] if good else None
        return newest is None or now_s - newest.not_before >= ROTATE_AFTER_S or newest.not_after - now_s < _YEAR_S

    # --- what is signed

    def issue(self, studio: StudioEntry, issued: Pass, *, now_s: int) -> str:
        """The text of a family's printed pass; the same epoch under the same key gives the same text.

        Raises Refused `pass.no_key` when no key is in force.
        """
        return self._text(studio, _of_family(issued), now_s=now_s)

    def issue_all(self, studio: StudioEntry, issued: Iterable[Pass], *, now_s: int) -> list[str]:
        """The texts of many families' printed passes, in their order, each as `issue` gives it."""
        sign = self._signing(studio, now_s=now_s)
        signed = (sign(_of_family(one)) for one in issued)
        return [encode(claims, signer.sign) for claims, signer in signed]

    def jws(self, studio: StudioEntry, issued: Pass, *, now_s: int) -> str:
        """The same claims as a JWS, for API users. Raises as `issue`."""
        claims, signer = self._signed(studio, _of_family(issued), now_s=now_s)
        return to_jws(claims, signer)

    def rolling(
        self, studio: StudioEntry, issued: Pass, *, now_s: int, life_s: int = ROLLING_S
    ) -> RollingText:  # fmt: skip
        """What a family's page needs for the next days: a freshly signed text and the key of its codes.

        `life_s`: how long the text is good; a wallet that cannot fetch another gets one for the pass's whole life.
        Raises as `issue`.
        """
        begins = max(issued.issued_s, now_s - now_s % ROLLING_GRAIN_S)
        expires = min(issued.expires_s, begins + life_s)
        if expires <= begins:
            raise Refused("pass.ended")
        shape = _of_family(issued, tier=Tier.ROLLING, not_before=begins, expires=expires)
        key = self.rolling_key(studio, issued.handle, issued.epoch)
        return RollingText(self._text(studio, shape, now_s=now_s), key, expires)

    def rolling_key(self, studio: StudioEntry, handle: str, epoch: int) -> bytes:
        """The key of one epoch's codes: 20 bytes. The studio's own never leaves the cloud."""
        with self._books.database.read(studio.id) as connection:
            wrapped = self._directory.secret(connection, studio.id, "pass_rolling")
        if wrapped is None:  # a studio from before there were codes
            with self._rotating, self._books.database.write(studio.id) as connection:
                if self._directory.secret(connection, studio.id, "pass_rolling") is None:
                    self._put_secret(connection, studio.id, "pass_rolling", secrets.token_bytes(32))
                secret = self._secret(connection, studio.id, "pass_rolling")
        else:
            secret = self._books.secret.unwrap(wrapped, f"pass_rolling/{studio.id}")
        return rolling.rolling_key(secret, handle=int(handle, 16), epoch=epoch)

    def attend(self, studio: StudioEntry, issued: AttendeePass, *, now_s: int) -> str:
        """The text of an attendee pass. Raises as `issue`."""
        shape = _Shape(
            handle=issued.handle, epoch=issued.epoch, not_before=issued.issued_s, expires=issued.expires_s,
            kind=Kind.EVENT, event=event_number(issued.session), token=int(issued.token, 16),
        )  # fmt: skip
        return self._text(studio, shape, now_s=now_s)

    def _text(self, studio: StudioEntry, shape: "_Shape", *, now_s: int) -> str:
        claims, signer = self._signed(studio, shape, now_s=now_s)
        return encode(claims, signer.sign)

    def _signed(self, studio: StudioEntry, shape: "_Shape", *, now_s: int) -> tuple[PassClaims, Signer]:
        return self._signing(studio, now_s=now_s)(shape)

    def _signing(self, studio: StudioEntry, *, now_s: int) -> Callable[["_Shape"], tuple[PassClaims, Signer]]:
        """What is needed to sign now, opened once: claims of a shape, and who signs them."""
        with self._books.database.read(studio.id) as connection:
            standing = [key for key in keys_of(connection, self._books.tables, studio.id) if key.in_force(now_s)]
            if not standing:
                raise Refused("pass.no_key")
            key = standing[-1]
            nonce_key = self._secret(connection, studio.id, "pass_nonce")
        signer = self._signer(studio.id, key)

        def sign(shape: "_Shape") -> tuple[PassClaims, Signer]:
            named = [key.key_id, shape.handle, shape.epoch, shape.not_before, shape.expires]
            nonce = hmac.digest(nonce_key, msgspec.json.encode(named), "sha256")[:6]
            claims = PassClaims(
                algorithm=signer.algorithm, key_id=key.key_id, studio=int(studio.pass_studio, 16),
                handle=int(shape.handle, 16), epoch=shape.epoch, not_before=shape.not_before, expires=shape.expires,
                nonce=int.from_bytes(nonce, "big"), test=studio.environment != "live", tier=shape.tier,
                kind=shape.kind, event=shape.event, token=shape.token,
            )  # fmt: skip
            return claims, signer

        return sign

    # --- private halves

    def _made(self, studio: Id, key_id: int, from_s: int, algorithm: Algorithm = Algorithm.ED25519) -> StoredKey:
        seed = secrets.token_bytes(32)
        wrapped = self._service.wrap(seed, _key_name(studio, key_id))
        public = _SIGNERS[algorithm](seed).public
        return StoredKey(key_id, int(algorithm), public, wrapped, from_s, from_s + KEY_YEARS * _YEAR_S, None)

    def _signer(self, studio: Id, key: StoredKey) -> Signer:
        return _SIGNERS[Algorithm(key.algorithm)](self._service.unwrap(key.wrapped, _key_name(studio, key.key_id)))

    def _root(self, connection: Connection, studio: Id) -> Signer:
        return ed25519_signer(self._secret(connection, studio, "pass_root"))

    def _put_secret(self, connection: Connection, studio: Id, name: str, value: bytes) -> None:
        self._directory.put_secret(connection, studio, name, self._books.secret.wrap(value, f"{name}/{studio}"))

    def _secret(self, connection: Connection, studio: Id, name: str) -> bytes:
        wrapped = self._directory.secret(connection, studio, name)
        if wrapped is None:
            raise Refused("cloud.no_studio")
        return self._books.secret.unwrap(wrapped, f"{name}/{studio}")


class _Shape(NamedTuple):
    """What is to be signed, before a key and a nonce are chosen for it."""

    handle: str
    epoch: int
    not_before: int
    expires: int
    tier: Tier = Tier.STATIC
    kind: Kind = Kind.FAMILY
    event: int | None = None
    token: int | None = None


def version_of(keys: Sequence[StoredKey]) -> int:
    """A key comes or goes only once: what has happened to the set so far counts its versions."""
    return len(keys) + sum(key.revoked_at is not None for key in keys)


def _of_family(
    issued: Pass, *, tier: Tier = Tier.STATIC, not_before: int | None = None, expires: int | None = None
) -> _Shape:
    return _Shape(
        issued.handle, issued.epoch, issued.issued_s if not_before is None else not_before,
        issued.expires_s if expires is None else expires, tier,
    )  # fmt: skip


def _key_name(studio: Id, key_id: int) -> str:
    return f"pass_key/{studio}/{key_id}"


def _es256(seed: bytes) -> Signer:
    """A number below the curve's order from 32 random bytes; the one in four billion above it is folded in."""
    return es256_signer(int.from_bytes(seed, "big") % (_P256_ORDER - 1) + 1)


_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SIGNERS: dict[Algorithm, Callable[[bytes], Signer]] = {Algorithm.ED25519: ed25519_signer, Algorithm.ES256: _es256}
