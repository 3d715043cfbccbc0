"""A map's way through the real cloud: published, rolled out by the clock's sweep once, freed places left as effects."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from classtap_core.house import bus
from classtap_core.kernel.authority import CloudDraft, Ledger
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import decode
from classtap_core.schedule.records import Session
from classtap_core.seating.documents import packed
from classtap_core.seating.operations import SaveDraft
from classtap_core.seating.publishing import PublishSeatMap
from classtap_core.seating.reactions import due
from classtap_core.seating.records import SeatRolloutStep, Target
from classtap_core.seating.rollouts import PlanRollout
from cloud.composition import Cloud, open_cloud
from cloud.jobs.ticks import sweep
from tests.unit.house.world import (
    BLUE,
    EVENING,
    FOUNDING,
    HALF_PAST,
    MAIN,
    MINUTE,
    NINE,
    NINE_BALLET,
    OWNER,
    RED,
    STUDIO,
    named,
    staff,
)
from tests.unit.seating.test_publishing import a_map

EIGHT = NINE - 60 * MINUTE


class Rig:
    """A founded studio on SQLite, an hour before its first class."""

    def __init__(self, data: Path) -> None:
        self.clock = ManualClock(EIGHT)
        self.cloud: Cloud = open_cloud(data, bus(authority=True), clock=self.clock)
        self.cloud.studios.found("Small Steps", id=STUDIO, owner=OWNER, owner_name="Olga", pass_studio="00" * 8)
        for author, payload in FOUNDING[1:]:
            self.say(payload, author)

    def say(self, payload: Any, author: Any = None) -> Ledger:
        studios = self.cloud.studios
        draft = CloudDraft(payload, author or staff(OWNER), "test")
        (ledger,) = studios.authority(STUDIO).author_all(studios.studio(STUDIO).cloud_device, [draft])
        assert ledger.link.outcome.stands, ledger.link
        return ledger

    def one(self, record: Any, id: Id) -> Any:
        row = self.cloud.studios.storage(STUDIO).rows(record, [id])[id]
        return decode(record, row.body)

    def steps(self, state: str) -> list[SeatRolloutStep]:
        rows = self.cloud.studios.storage(STUDIO).find(Range(SeatRolloutStep, "by_state", (state,)))
        return [decode(SeatRolloutStep, row.body) for row in rows]

    def effects(self) -> list[str]:
        effect = self.cloud.books.tables.effect
        with self.cloud.database.read(STUDIO) as connection:
            found = connection.execute(select(effect.c.kind, effect.c.body).where(effect.c.studio_id == STUDIO)).all()
        return sorted(row.body.decode() for row in found if row.kind == "seats.freed")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.cloud.close()


def test_published_rolled_out_once_and_what_it_freed_is_kept(rig: Rig) -> None:
    saved = rig.say(SaveDraft(draft=named("draft"), room=BLUE, location=MAIN, name="Blue", document=packed(a_map())))
    rig.say(
        PublishSeatMap(
            draft=named("draft"), revision=saved.link.operation, room=BLUE, location=MAIN, head=0,
            sessions=(NINE_BALLET, EVENING),
        )
    )  # fmt: skip
    assert [rig.one(Session, id).capacity for id in (NINE_BALLET, EVENING, HALF_PAST)] == [4, 4, 8]
    assert rig.effects() == [f'{{"session":"{NINE_BALLET}","places":2}}']

    at_ms = EIGHT + MINUTE
    rig.say(
        PlanRollout(name="House", room=BLUE, location=MAIN, version=1, targets=(Target(RED, MAIN),), effective_ms=at_ms)
    )
    studios = rig.cloud.studios
    assert sweep(studios, STUDIO, [due]) == 0
    rig.clock.advance(MINUTE)
    assert [sweep(studios, STUDIO, [due]) for _ in range(3)] == [1, 0, 0]
    assert [(one.room, one.version) for one in rig.steps("succeeded")] == [(RED, 1)]
    assert rig.one(Session, HALF_PAST).capacity == 4
