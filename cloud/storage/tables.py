"""The tables. Every key of a studio's table begins with `studio_id`; the directory stands apart, in a schema of its own.

On PostgreSQL the directory is the schema `directory`. On SQLite, where a second file would cost the one commit that
pairing needs, it is the same file with `directory_` before each name.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

from classtap_core.kernel.operations import Registry
from classtap_core.kernel.records import Record

BYTE_ORDER = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that compares by its bytes on every engine, as the kernel's total order asks. SQLite's own order is that."""


class RecordTable(NamedTuple):
    """A record kind's table, and what its index columns are read with."""

    record: type[Record]
    table: Table
    columns: Mapping[str, str]
    """Indexed field → its column."""
    peek: msgspec.json.Decoder[Any]
    """Reads only the indexed fields of a body."""

    def values(self, body: bytes) -> dict[str, str | int | None]:
        """The index columns' values for a row's body."""
        seen = self.peek.decode(body)
        return {column: indexed(getattr(seen, field)) for field, column in self.columns.items()}


def indexed(value: Any) -> Any:
    """A value as an index column holds it: an enum's own value, a bool as 0 or 1."""
    if isinstance(value, Enum):
        value = value.value
    return int(value) if isinstance(value, bool) else value


class Tables(NamedTuple):
    """All tables of one database."""

    metadata: MetaData
    studios: Table
    tokens: Table
    codes: Table
    facts: Table
    jobs: Table
    wakes: Table
    tries: Table
    telephones: Table
    holders: Table
    head: Table
    device: Table
    batch: Table
    log: Table
    change: Table
    guard: Table
    subject_key: Table
    effect: Table
    secret: Table
    pass_key: Table
    door: Table
    wallet: Table
    inbound: Table
    once: Table
    trail_head: Table
    trail_name: Table
    trail: Table
    address: Table
    records: Mapping[str, RecordTable]

    @property
    def directory(self) -> list[Table]:
        """The tables that may be read without naming a studio."""
        return [
            self.studios, self.tokens, self.codes, self.facts, self.jobs, self.wakes, self.tries, self.telephones,
            self.holders,
        ]  # fmt: skip

    @property
    def of_studios(self) -> list[Table]:
        """The tables whose keys begin with `studio_id`, a table after those it points to."""
        apart = set(self.directory)
        return [table for table in self.metadata.sorted_tables if table not in apart]


def make_tables(registry: Registry, dialect: str) -> Tables:
    """The tables of a registry's records and of the cloud's own books, for `sqlite` or `postgresql`."""
    metadata = MetaData()
    records = {kind: _record_table(metadata, record) for kind, record in sorted(registry.records.items())}
    return Tables._make((metadata, *_directory(metadata, dialect), *_books(metadata), records))


def _text(name: str, *, empty: bool = False) -> Column[Any]:
    return Column(name, BYTE_ORDER, nullable=empty)


def _number(name: str, *, empty: bool = False, else_: int | None = None) -> Column[Any]:
    """`else_`: what a row has that was there before the column."""
    default = None if else_ is None else str(else_)
    return Column(name, BigInteger, nullable=empty, autoincrement=False, server_default=default)


def _bytes(name: str, *, empty: bool = False) -> Column[Any]:
    return Column(name, LargeBinary, nullable=empty)


def _directory(metadata: MetaData, dialect: str) -> tuple[Table, ...]:
    def table(name: str, *columns: Any) -> Table:
        if dialect == "postgresql":
            return Table(name, metadata, *columns, schema="directory")
        return Table(f"directory_{name}", metadata, *columns)

    return (
        table(
            "studio", _text("id"), _text("name"), _text("environment"), _text("pass_studio"), _text("cloud_device"),
            _number("founded_ms"), PrimaryKeyConstraint("id"), UniqueConstraint("pass_studio"),
        ),
        table(
            "token", _text("hash"), _text("studio_id"), _text("device_id"), _number("fresh", empty=True),
            PrimaryKeyConstraint("hash"), Index("directory_token_device", "studio_id", "device_id"),
        ),
        table(
            "code", _text("hash"), _text("studio_id"), _text("role"), _text("location"), _text("name"),
            _text("scopes"), _number("expires_ms"), _text("device_id", empty=True),
            _text("public_key", empty=True), PrimaryKeyConstraint("hash"),
        ),
        table("fact", _text("name"), _text("value"), PrimaryKeyConstraint("name")),
        table(
            "job", _text("kind"), _text("studio_id"), _number("due_ms"), _text("holder"), _number("until_ms"), _number("seen", else_=0),
            PrimaryKeyConstraint("kind", "studio_id"), Index("directory_job_due", "due_ms"),
        ),
        table(
            "wake", _text("studio_id"), _number("sequence"), _number("stamp_ms"), PrimaryKeyConstraint("studio_id"),
            Index("directory_wake_stamp", "stamp_ms"),
        ),
        table("tries", _text("who"), _number("left"), _number("since_ms"), PrimaryKeyConstraint("who")),
        table(
            "telephone", _text("studio_id"), _text("contact"), _text("hash"), _number("sequence"),
            PrimaryKeyConstraint("studio_id", "contact"), Index("directory_telephone_hash", "hash"),
            Index("directory_telephone_sequence", "studio_id", "sequence"),
        ),
        table("holder", _text("hash"), _text("studio_id"), PrimaryKeyConstraint("hash", "studio_id")),
    )  # fmt: skip


def _books(metadata: MetaData) -> tuple[Table, ...]:
    studio = "studio_id"
    head = Table(
        "head", metadata, _text(studio), _number("sequence"), _text("hash"), _number("horizon"), _number("erasures"),
        PrimaryKeyConstraint(studio),
    )  # fmt: skip
    device = Table(
        "device", metadata, _text(studio), _text("id"), _text("name"), _text("program"), _text("role"),
        _text("location"), _text("scopes"), _bytes("public_key"), _number("epoch"), _number("sequence"), _text("hash"),
        _number("contested"), _number("paired_ms"), _number("revoked_ms", empty=True), _number("seen_ms", empty=True),
        _text("report", empty=True), _text("purge", empty=True), _number("purged_ms", empty=True),
        PrimaryKeyConstraint(studio, "id"),
    )  # fmt: skip
    batch = Table(
        "batch", metadata, _text(studio), _text("device_id"), _number("epoch"), _number("sequence"),
        _bytes("signature"), _text("carrier", empty=True),
        PrimaryKeyConstraint(studio, "device_id", "epoch", "sequence"),
        ForeignKeyConstraint([studio, "device_id"], [device.c.studio_id, device.c.id]),
    )  # fmt: skip
    log = Table(
        "log", metadata, _text(studio), _number("sequence"), _text("operation"), _text("kind"), _text("device_id"),
        _number("epoch"), _number("device_sequence"), _text("envelope_hash"), _bytes("envelope"), _bytes("parts"),
        _bytes("link"), _text("link_hash"), _bytes("changes"), _number("decided_ms"), _text("status"),
        PrimaryKeyConstraint(studio, "sequence"),
        UniqueConstraint(studio, "device_id", "epoch", "device_sequence"),
        Index("log_operation", studio, "operation"),
    )  # fmt: skip
    change = Table(
        "change", metadata, _text(studio), _text("scope"), _text("kind"), _text("id"), _number("sequence"),
        _number("digest", empty=True),
        PrimaryKeyConstraint(studio, "scope", "kind", "id"),
        Index("change_sequence", studio, "sequence", "kind", "id", "scope"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    guard = Table("guard", metadata, _text(studio), _text("name"), PrimaryKeyConstraint(studio, "name"))
    subject_key = Table(
        "subject_key", metadata, _text(studio), _text("subject"), _bytes("wrapped", empty=True), _number("made_ms"),
        _number("destroyed_ms", empty=True), PrimaryKeyConstraint(studio, "subject"), sqlite_with_rowid=False,
    )  # fmt: skip
    effect = Table(
        "effect", metadata, _text(studio), _text("id"), _text("operation"), _number("sequence"), _text("kind"),
        _bytes("body"), _number("at_most_once"), _text("state"), _number("tries", empty=True),
        _number("due_ms", empty=True), _text("why", empty=True), PrimaryKeyConstraint(studio, "id"),
        Index("effect_state", studio, "state", "sequence"),
    )  # fmt: skip
    secret = Table(
        "secret", metadata, _text(studio), _text("name"), _bytes("wrapped"), PrimaryKeyConstraint(studio, "name")
    )
    pass_key = Table(
        "pass_key", metadata, _text(studio), _number("key_id"), _number("algorithm"), _bytes("public"),
        _bytes("wrapped"), _number("not_before"), _number("not_after"), _number("revoked_at", empty=True),
        PrimaryKeyConstraint(studio, "key_id"),
    )  # fmt: skip
    door = Table(
        "door", metadata, _text(studio), _text("hash"), _text("kind"), _text("contact"), _text("about"),
        _number("made_ms"), _number("expires_ms"), _number("used_ms", empty=True), _number("tries"),
        PrimaryKeyConstraint(studio, "hash"), Index("door_contact", studio, "contact", "kind"),
    )  # fmt: skip
    wallet = Table(
        "wallet", metadata, _text(studio), _text("device"), _text("serial"), _text("token"), _number("made_ms"),
        PrimaryKeyConstraint(studio, "device", "serial"),
    )  # fmt: skip
    inbound = Table(
        "inbound", metadata, _text(studio), _text("id"), _text("kind"), _bytes("body"), _number("received_ms"),
        PrimaryKeyConstraint(studio, "id"),
    )  # fmt: skip
    once = Table(
        "once", metadata, _text(studio), _text("id"), _text("said"), _number("made_ms"), _bytes("answer", empty=True),
        PrimaryKeyConstraint(studio, "id"),
    )  # fmt: skip
    return (
        head, device, batch, log, change, guard, subject_key, effect, secret, pass_key, door, wallet, inbound, once,
        *_trail(metadata),
    )  # fmt: skip


def _trail(metadata: MetaData) -> tuple[Table, ...]:
    """What finds entries of the log: each term's number, and under it the instants and sequences of its entries."""
    studio = "studio_id"
    head = Table(
        "trail_head", metadata, _text(studio), _number("sequence"), _number("names"), PrimaryKeyConstraint(studio)
    )
    name = Table(
        "trail_name", metadata, _text(studio), _text("name"), _number("number"), PrimaryKeyConstraint(studio, "name"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    trail = Table(
        "trail", metadata, _text(studio), _number("number"), _number("at_ms"), _number("sequence"),
        PrimaryKeyConstraint(studio, "number", "at_ms", "sequence"), sqlite_with_rowid=False,
    )  # fmt: skip
    address = Table(
        "address", metadata, _text(studio), _text("device_id"), _number("since_ms"), _text("address"),
        PrimaryKeyConstraint(studio, "device_id", "since_ms"),
    )  # fmt: skip
    return head, name, trail, address


def _record_table(metadata: MetaData, record: type[Record]) -> RecordTable:
    fields = sorted({field for index in record.INDEXES for field in index.fields})
    found = {field.name: field for field in msgspec.structs.fields(record)}
    name = f"record_{record.KIND.replace('.', '_')}"
    columns: list[Any] = []
    peeked: list[Any] = []
    for field in fields:
        kind = _column_type(found[field].type)
        columns.append(Column(f"by_{field}", kind, nullable=True))
        peeked.append((found[field].encode_name, str | int | bool | None, _default(found[field])))
    indexes = [
        Index(f"{name}_{index.name}", "studio_id", *(f"by_{field}" for field in index.fields), "id")
        for index in record.INDEXES
    ]
    table = Table(
        name, metadata, _text("studio_id"), _text("id"), _text("scope"), _bytes("body"), *columns,
        PrimaryKeyConstraint("studio_id", "id"), Index(f"{name}_scope", "studio_id", "scope", "id"), *indexes,
    )  # fmt: skip
    shape = msgspec.defstruct(f"Peek_{record.KIND}", peeked)
    names = {found[field].encode_name: f"by_{field}" for field in fields}
    return RecordTable(record, table, names, msgspec.json.Decoder(shape))


def _column_type(hint: Any) -> TypeEngine[Any]:
    """Whole numbers for int and bool (also optional, annotated or as an enum), text for everything else."""
    info = msgspec.inspect.type_info(hint)
    kinds = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    for kind in kinds:
        if isinstance(kind, msgspec.inspect.IntType | msgspec.inspect.BoolType):
            return BigInteger()
        if isinstance(kind, msgspec.inspect.EnumType) and issubclass(kind.cls, int):
            return BigInteger()
    return BYTE_ORDER


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return None if field.default is msgspec.NODEFAULT else indexed(field.default)
