"""Effects whose home is the cloud: carried out after the commit that asked for them, in order, by one worker a studio.

One that must happen at most once is taken off the list before it is carried out, every other after: such a one may be
tried again, with the same id. What nobody carries out is taken off too.
"""

import logging
from collections.abc import Callable, Mapping

import msgspec
from sqlalchemy import delete, select

from classtap_core.kernel.effects import Home, Intent
from classtap_core.kernel.ids import Id
from cloud.storage.backend import READY
from cloud.studios import Studios

MOST_AT_ONCE = 500

_log = logging.getLogger("classtap.cloud")

Runner = Callable[[Studios, Id, Intent], None]
"""Carries out one effect of a studio. It may be called again with the same id, unless that is `at_most_once`."""

RUNNERS: Mapping[str, Runner] = {}
"""Effect kind → who carries it out. Webhooks and messages come with their rooms."""


def drain(studios: Studios, studio: Id, runners: Mapping[str, Runner] = RUNNERS) -> int:
    """Carry out what waits in one studio; how many effects were taken off. One that fails stays, and holds up no other."""
    table, database = studios.books.tables.effect, studios.books.database
    with database.read(studio) as connection:
        rows = connection.execute(
            select(table)
            .where(table.c.studio_id == studio, table.c.state == READY)
            .order_by(table.c.sequence, table.c.id)
            .limit(MOST_AT_ONCE)
        ).all()
    done: list[str] = []
    for row in rows:
        effect = Intent(Id(row.id), row.kind, Home.CLOUD, msgspec.json.decode(row.body), bool(row.at_most_once))
        runner = runners.get(effect.kind)
        if runner is None:
            done.append(effect.id)
            continue
        if effect.at_most_once:
            _off(studios, studio, [effect.id])
        try:
            runner(studios, studio, effect)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the others must not wait for it
            _log.error("effect %s: %s", effect.kind, type(fault).__name__)
            continue
        if not effect.at_most_once:
            done.append(effect.id)
    _off(studios, studio, done)
    return len(done) + sum(bool(row.at_most_once) and row.kind in runners for row in rows)


def _off(studios: Studios, studio: Id, effects: list[str]) -> None:
    table = studios.books.tables.effect
    if effects:
        with studios.books.database.write(studio) as connection:
            connection.execute(delete(table).where(table.c.studio_id == studio, table.c.id.in_(effects)))
