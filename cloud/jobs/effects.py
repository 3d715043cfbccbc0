"""Effects whose home is the cloud: carried out after the commit that asked for them, each until it is done.

One stays on the list until its runner has done it; a runner may be called again with the same id, and must make of that
the same thing. One that fails is tried again later and later; after `MOST_TRIES` it is set aside with the reason, and
`again` puts it back. What nobody carries out yet is kept for the day somebody does, and holds up nothing. One that must
happen at most once is taken off the list before it is carried out.
"""

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import and_, delete, func, or_, select, update

from classtap_core.kernel.effects import Home, Intent
from classtap_core.kernel.errors import ClassTapError
from classtap_core.kernel.ids import Id
from cloud.storage.backend import READY
from cloud.studios import Studios

MOST_AT_ONCE = 500
MOST_TRIES = 10
FIRST_MS, LONGEST_MS = 15_000, 3_600_000
"""How long until the second try; then twice as long each time, up to an hour, give or take a fifth."""
ROUND_MS = 15_000
"""After so long no further effect is begun in a round; the next round goes on."""
CLAIM_MS = 60_000
"""For so long a runner has what it took; a worker that dies leaves it to the others then."""
KEPT_MS = 30 * 86_400_000
"""So long what nobody carries out is kept."""
ASIDE = "aside"
"""Tried too often; waits for a person."""

_log = logging.getLogger("classtap.cloud")

Runner = Callable[[Studios, Id, Intent], None]
"""Carries out one effect of a studio. It may be called again with the same id, unless that is `at_most_once`."""


class Stuck(NamedTuple):
    """An effect that was set aside, and why: the code of the last error."""

    id: Id
    kind: str
    tries: int
    why: str


def joined(*tables: Mapping[str, Runner]) -> dict[str, Runner]:
    """Runners of several parts as one table; an effect that two of them carry out goes to the one, then the other."""
    found: dict[str, list[Runner]] = {}
    for table in tables:
        for kind, runner in table.items():
            found.setdefault(kind, []).append(runner)
    return {kind: _each(runners) for kind, runners in found.items()}


def _each(runners: Sequence[Runner]) -> Runner:
    def carry_out(studios: Studios, studio: Id, effect: Intent) -> None:
        for runner in runners:
            runner(studios, studio, effect)

    return runners[0] if len(runners) == 1 else carry_out


def drain(
    studios: Studios,
    studio: Id,
    runners: Mapping[str, Runner],
    *,
    uniform: Callable[[float, float], float] = random.uniform,
) -> int:
    """Carry out what is due in one studio; how many effects were done. One that fails holds up no other.

    A runner that raises `ClassTapError` gives its code as the reason; of any other error only its type is kept.
    """
    table, now_ms = studios.books.tables.effect, studios.clock.now().corrected
    with studios.books.database.read(studio) as connection:
        rows = connection.execute(
            select(table)
            .where(
                table.c.studio_id == studio, table.c.state == READY, table.c.kind.in_(list(runners)),
                # Longer than that nothing is put off: it was done by a clock that was ahead.
                or_(func.coalesce(table.c.due_ms, 0) <= now_ms, table.c.due_ms > now_ms + 2 * LONGEST_MS),
            )
            .order_by(func.coalesce(table.c.due_ms, 0), table.c.sequence, table.c.id)
            .limit(MOST_AT_ONCE)
        ).all()  # fmt: skip
    done, began = 0, studios.clock.now().mono
    for row in rows:
        if studios.clock.now().mono - began >= ROUND_MS:
            break  # a mail server that does not answer must not keep the other studios waiting
        done += _carry_out(studios, studio, row, runners[row.kind], uniform)
    return done


def _carry_out(
    studios: Studios, studio: Id, row: Any, runner: Runner, uniform: Callable[[float, float], float]
) -> bool:
    effect = Intent(Id(row.id), row.kind, Home.CLOUD, msgspec.json.decode(row.body), bool(row.at_most_once))
    now_ms = studios.clock.now().corrected
    if effect.at_most_once:
        if not _off(studios, studio, row):
            return False
    elif not _note(studios, studio, row, due_ms=now_ms + CLAIM_MS):
        return False  # another worker took it meanwhile
    try:
        runner(studios, studio, effect)
    except Exception as fault:  # noqa: BLE001 - whatever it is, the others must not wait for it
        why = fault.code if isinstance(fault, ClassTapError) else type(fault).__name__
        _log.error("effect %s: %s", effect.kind, why)
        if not effect.at_most_once:
            tries = (row.tries or 0) + 1
            wait = min(LONGEST_MS, FIRST_MS << (tries - 1)) * uniform(0.8, 1.2)
            state = ASIDE if tries >= MOST_TRIES else READY
            _write(studios, studio, row.id, tries=tries, due_ms=now_ms + int(wait), why=why, state=state)
        return False
    if not effect.at_most_once:
        _off(studios, studio, row)
    return True


def stuck(studios: Studios, studio: Id) -> list[Stuck]:
    """What was set aside, oldest first."""
    table = studios.books.tables.effect
    with studios.books.database.read(studio) as connection:
        rows = connection.execute(
            select(table)
            .where(table.c.studio_id == studio, table.c.state == ASIDE)
            .order_by(table.c.sequence, table.c.id)
        )
        return [Stuck(Id(row.id), row.kind, row.tries, row.why) for row in rows]


def again(studios: Studios, studio: Id, effect: Id) -> bool:
    """Try one that was set aside from the beginning; False where there is none of that id."""
    table = studios.books.tables.effect
    with studios.books.database.write(studio) as connection:
        mine = and_(table.c.studio_id == studio, table.c.id == effect, table.c.state == ASIDE)
        return bool(connection.execute(update(table).where(mine).values(state=READY, tries=0, due_ms=0)).rowcount)


def forget(studios: Studios, studio: Id, runners: Mapping[str, Runner]) -> int:
    """Let go of what nobody has carried out for `KEPT_MS`; how many that was."""
    table, log = studios.books.tables.effect, studios.books.tables.log
    before_ms = studios.clock.now().corrected - KEPT_MS
    with studios.books.database.write(studio) as connection:
        through = connection.scalar(
            select(func.max(log.c.sequence)).where(log.c.studio_id == studio, log.c.decided_ms < before_ms)
        )
        old = and_(
            table.c.studio_id == studio, table.c.sequence <= (through or 0),
            or_(and_(table.c.state == READY, table.c.kind.not_in(list(runners))), table.c.state == ASIDE),
        )  # fmt: skip
        return int(connection.execute(delete(table).where(old)).rowcount)


def _note(studios: Studios, studio: Id, row: Any, *, due_ms: int) -> bool:
    """Take an effect for a while; False where another worker did since it was read."""
    table = studios.books.tables.effect
    with studios.books.database.write(studio) as connection:
        mine = and_(
            table.c.studio_id == studio, table.c.id == row.id, table.c.state == READY,
            func.coalesce(table.c.due_ms, 0) == (row.due_ms or 0),
        )  # fmt: skip
        return bool(connection.execute(update(table).where(mine).values(due_ms=due_ms)).rowcount)


def _write(studios: Studios, studio: Id, effect: str, **values: Any) -> None:
    table = studios.books.tables.effect
    with studios.books.database.write(studio) as connection:
        mine = and_(table.c.studio_id == studio, table.c.id == effect)
        connection.execute(update(table).where(mine).values(**values))


def _off(studios: Studios, studio: Id, row: Any) -> bool:
    table = studios.books.tables.effect
    with studios.books.database.write(studio) as connection:
        mine = and_(table.c.studio_id == studio, table.c.id == row.id)
        return bool(connection.execute(delete(table).where(mine)).rowcount)
