"""What a studio's log says of a person: each operation with the part that is sealed under them, opened for who asks."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import or_, select

from classtap_core.kernel.chain import Link, Sealer
from classtap_core.kernel.envelope import unpack
from classtap_core.kernel.ids import Id
from cloud.storage.backend import Books, change_context, part_context, unpack_parts
from cloud.storage.sealing import names

_read_link = msgspec.json.Decoder(Link).decode


def history(books: Books, studio: Id, people: Sequence[Id]) -> Iterator[dict[str, Any]]:
    """By the studio's sequence: when, what, by which device, what came of it, and what it said and changed of each."""
    table, dialect = books.tables.log, books.database.dialect
    log = table.c
    wanted = [names(column, one, dialect) for column in (log.parts, log.changes) for one in people]
    with books.database.read(studio) as connection:
        keys = books.keys(connection, studio)
        keys.warm(people)
        sealer = Sealer(keys, books.entropy)
        rows = connection.execute(
            select(table).where(log.studio_id == studio, or_(*wanted)).order_by(log.sequence)
        ).all()
        for row in rows:
            said = _of(
                sealer, unpack_parts(row.parts), people, part_context(row.device_id, row.epoch, row.device_sequence)
            )
            changed = _of(sealer, unpack_parts(row.changes), people, change_context(row.sequence))
            outcome = _read_link(row.link).outcome
            yield {
                "sequence": row.sequence, "at_ms": row.decided_ms, "operation": row.operation, "kind": row.kind,
                "device": row.device_id, "outcome": outcome.status.value, "said": said, "changed": changed,
            }  # fmt: skip


def _of(sealer: Sealer, sealed: dict[str, bytes], people: Sequence[Id], context: str) -> dict[str, Any]:
    mine = {subject: box for subject, box in sealed.items() if subject in people}
    return {**unpack(sealer.open(mine, context))} if mine else {}
