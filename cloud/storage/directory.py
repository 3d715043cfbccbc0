"""The directory: which studios there are, whose token and code is whose. The only tables read without naming a studio.

Tokens and codes rest as hashes: whoever reads this database cannot act as a device.
"""

import hashlib
import hmac
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select, update

from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Id
from cloud.secret import Secret
from cloud.storage.database import Database
from cloud.storage.tables import Tables

MOVED, UNFINISHED = "moved", "unfinished"
"""Facts of a database that was copied to another, and of a copy that is not whole."""


class StudioEntry(NamedTuple):
    """A studio as the directory knows it. `pass_studio`: its number inside passes, as 16 hex digits."""

    id: Id
    name: str
    environment: str
    pass_studio: str
    cloud_device: Id
    founded_ms: int


class DeviceEntry(NamedTuple):
    """A device's papers as the cloud keeps them.

    Attributes:
        seen_ms: when it last said how it is (every five minutes of contact). report: what it said, as JSON.
        purge: the order to destroy its store; purged_ms: when it said that this was done.
    """

    studio: Id
    id: Id
    name: str
    program: str
    role: str
    location: Id
    scopes: tuple[str, ...]
    public_key: bytes
    epoch: int
    sequence: int
    contested: int
    paired_ms: int
    revoked_ms: int | None
    seen_ms: int | None = None
    report: str | None = None
    purge: str | None = None
    purged_ms: int | None = None


class CodeEntry(NamedTuple):
    """A pairing code's meaning. `device` and `public_key` once it was used."""

    hash: str
    studio: Id
    role: str
    location: Id
    name: str
    scopes: tuple[str, ...]
    expires_ms: int
    device: Id | None
    public_key: str | None


def hashed(text: str) -> str:
    """What is kept of a token or code. Both are long and random, so one hash without salt is enough."""
    return hashlib.sha256(text.encode()).hexdigest()


class Directory:
    """Queries of the directory and of a studio's devices. Each method takes the connection of a transaction."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database, self._tables = database, tables

    def check_standing(self, connection: Connection) -> None:
        """Raises EnvironmentFault `cloud.moved` when all was copied elsewhere, `cloud.copying` when the copy is not whole."""
        facts = self._tables.facts
        named = set(connection.scalars(select(facts.c.name).where(facts.c.name.in_([MOVED, UNFINISHED]))))
        if MOVED in named:
            raise EnvironmentFault("cloud.moved")
        if UNFINISHED in named:
            raise EnvironmentFault("cloud.copying")

    def check_secret(self, connection: Connection, secret: Secret) -> None:
        """Raises EnvironmentFault `cloud.secret` when another key wrapped what is in here."""
        facts = self._tables.facts
        kept = select(facts.c.value).where(facts.c.name == "secret")
        found = connection.scalar(kept)
        if found is None:
            # Another worker may write it at the same moment; whose it is then is looked at as ever.
            connection.execute(self._database.insert_new(facts), [{"name": "secret", "value": secret.fingerprint}])
            found = connection.scalar(kept)
        if found is None or not hmac.compare_digest(found, secret.fingerprint):
            raise EnvironmentFault("cloud.secret")

    def add_studio(self, connection: Connection, entry: StudioEntry) -> None:
        connection.execute(self._tables.studios.insert(), [entry._asdict()])
        row = {"studio_id": entry.id, "sequence": 0, "hash": "0" * 64, "horizon": 0, "erasures": 0}
        connection.execute(self._tables.head.insert(), [row])

    def studio(self, connection: Connection, id: Id) -> StudioEntry | None:
        table = self._tables.studios
        found = connection.execute(select(table).where(table.c.id == id)).first()
        return None if found is None else StudioEntry(**found._mapping)

    def studio_numbered(self, connection: Connection, number: str) -> StudioEntry | None:
        """By its number inside passes (16 hex digits)."""
        table = self._tables.studios
        found = connection.execute(select(table).where(table.c.pass_studio == number)).first()
        return None if found is None else StudioEntry(**found._mapping)

    def answers(self, connection: Connection) -> None:
        """Read one row of whatever there is."""
        connection.execute(select(self._tables.studios.c.id).limit(1)).first()

    def studios(self, connection: Connection) -> list[StudioEntry]:
        table = self._tables.studios
        return [StudioEntry(**row._mapping) for row in connection.execute(select(table).order_by(table.c.id))]

    def add_code(self, connection: Connection, entry: CodeEntry) -> None:
        row = {
            "hash": entry.hash, "studio_id": entry.studio, "role": entry.role, "location": entry.location,
            "name": entry.name, "scopes": msgspec.json.encode(entry.scopes).decode(), "expires_ms": entry.expires_ms,
        }  # fmt: skip
        connection.execute(self._tables.codes.insert(), [row])

    def code(self, connection: Connection, hash: str) -> CodeEntry | None:
        table = self._tables.codes
        found = connection.execute(select(table).where(table.c.hash == hash).with_for_update()).first()
        if found is None or not hmac.compare_digest(found.hash, hash):
            return None
        return CodeEntry(
            found.hash, found.studio_id, found.role, found.location, found.name, _scopes(found.scopes),
            found.expires_ms, found.device_id, found.public_key,
        )  # fmt: skip

    def use_code(self, connection: Connection, hash: str, *, device: Id, public_key: str) -> None:
        table = self._tables.codes
        connection.execute(update(table).where(table.c.hash == hash).values(device_id=device, public_key=public_key))

    def forget_codes(self, connection: Connection, *, before_ms: int) -> None:
        table = self._tables.codes
        connection.execute(table.delete().where(table.c.expires_ms < before_ms))

    def add_device(self, connection: Connection, entry: DeviceEntry) -> None:
        row = {
            "studio_id": entry.studio, "id": entry.id, "name": entry.name, "program": entry.program,
            "role": entry.role, "location": entry.location, "scopes": msgspec.json.encode(entry.scopes).decode(),
            "public_key": entry.public_key, "epoch": entry.epoch, "sequence": entry.sequence, "hash": "0" * 64,
            "contested": entry.contested, "paired_ms": entry.paired_ms, "revoked_ms": entry.revoked_ms,
        }  # fmt: skip
        connection.execute(self._tables.device.insert(), [row])

    def add_token(self, connection: Connection, hash: str, *, studio: Id, device: Id) -> None:
        """Give a device its first token; an earlier one of the same device stops working."""
        table = self._tables.tokens
        connection.execute(table.delete().where(table.c.studio_id == studio, table.c.device_id == device))
        connection.execute(table.insert(), [{"hash": hash, "studio_id": studio, "device_id": device, "fresh": 1}])

    def has_spoken(self, connection: Connection, *, studio: Id, device: Id) -> bool:
        """Whether a device has used a token that it was given."""
        table = self._tables.tokens
        used = select(table.c.hash).where(
            table.c.studio_id == studio, table.c.device_id == device, table.c.fresh.is_(None)
        )
        return connection.execute(used.limit(1)).first() is not None

    def add_next_token(self, connection: Connection, hash: str, *, studio: Id, device: Id) -> None:
        """Give a device a token for later: the one it has works until this one was used. One at a time waits so."""
        table = self._tables.tokens
        mine = (table.c.studio_id == studio, table.c.device_id == device)
        connection.execute(table.delete().where(*mine, table.c.fresh.is_not(None)))
        connection.execute(table.insert(), [{"hash": hash, "studio_id": studio, "device_id": device, "fresh": 1}])

    def settle_token(self, connection: Connection, hash: str, *, studio: Id, device: Id) -> None:
        """A token was used for the first time: from now on it is the only one."""
        table = self._tables.tokens
        mine = (table.c.studio_id == studio, table.c.device_id == device)
        used = connection.execute(update(table).where(*mine, table.c.hash == hash).values(fresh=None))
        if used.rowcount:
            connection.execute(table.delete().where(*mine, table.c.hash != hash))

    def device_of_token(self, connection: Connection, hash: str) -> tuple[DeviceEntry, bool] | None:
        """Whose token it is, and whether it was not used before."""
        table = self._tables.tokens
        found = connection.execute(select(table).where(table.c.hash == hash)).first()
        if found is None or not hmac.compare_digest(found.hash, hash):
            return None
        studio = Id(found.studio_id)
        self._database.enter(connection, studio)
        device = self.device(connection, studio, Id(found.device_id))
        return None if device is None else (device, found.fresh is not None)

    def device(self, connection: Connection, studio: Id, id: Id) -> DeviceEntry | None:
        table = self._tables.device
        found = connection.execute(select(table).where(table.c.studio_id == studio, table.c.id == id)).first()
        return None if found is None else _device(found._mapping)

    def devices(self, connection: Connection, studio: Id) -> list[DeviceEntry]:
        table = self._tables.device
        query = select(table).where(table.c.studio_id == studio).order_by(table.c.paired_ms, table.c.id)
        return [_device(row._mapping) for row in connection.execute(query)]

    def set_scopes(self, connection: Connection, studio: Id, device: Id, scopes: tuple[str, ...]) -> bool:
        """Whether there was such a device."""
        table = self._tables.device
        done = connection.execute(
            update(table)
            .where(table.c.studio_id == studio, table.c.id == device)
            .values(scopes=msgspec.json.encode(scopes).decode())
        )
        return done.rowcount > 0

    def revoke(self, connection: Connection, studio: Id, device: Id, *, at_ms: int) -> bool:
        """Whether there was such a device, not yet revoked."""
        table = self._tables.device
        done = connection.execute(
            update(table)
            .where(table.c.studio_id == studio, table.c.id == device, table.c.revoked_ms.is_(None))
            .values(revoked_ms=at_ms)
        )
        return done.rowcount > 0

    def order_purge(self, connection: Connection, studio: Id, device: Id, *, order: Id) -> None:
        """Note that a device is to destroy its store; the first order stands."""
        table = self._tables.device
        connection.execute(
            update(table)
            .where(table.c.studio_id == studio, table.c.id == device, table.c.purge.is_(None))
            .values(purge=order)
        )

    def put_secret(self, connection: Connection, studio: Id, name: str, wrapped: bytes) -> None:
        row = {"studio_id": studio, "name": name, "wrapped": wrapped}
        connection.execute(self._tables.secret.insert(), [row])

    def secret(self, connection: Connection, studio: Id, name: str) -> bytes | None:
        table = self._tables.secret
        query = select(table.c.wrapped).where(table.c.studio_id == studio, table.c.name == name)
        found: bytes | None = connection.scalar(query)
        return found


def _scopes(text: str) -> tuple[str, ...]:
    return tuple(msgspec.json.decode(text, type=list[str]))


def _device(row: object) -> DeviceEntry:
    found = dict(row)  # type: ignore[call-overload]
    found.pop("hash")
    found["studio"] = found.pop("studio_id")
    found["scopes"] = _scopes(found["scopes"])
    return DeviceEntry(**found)
