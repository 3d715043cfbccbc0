"""What a device believes of what another tells it: no more than the cloud would, and nothing that may not lie there."""

from typing import Any

import msgspec
import pytest

from classtap_core.access.operations import RevokeDevice
from classtap_core.access.rules import is_withheld, scopes_for
from classtap_core.checkin.operations import ChildMark, MarkAttendance, RecordScan
from classtap_core.kernel.batches import read_batch
from classtap_core.kernel.bus import Verdict
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.operations import Operation, Payload, Reads
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.scopes import covers
from classtap_core.kernel.tx import Tx
from classtap_core.passes.operations import IssuePass, RevokePass
from classtap_core.people.guardian_operations import BlockGuardian
from tests.unit.house.test_told import EVERYTHING, as_in_the_cloud, base, run_of
from tests.unit.house.world import (
    ANA,
    CLERK,
    DESK,
    FAMILY,
    HALF_PAST,
    KIOSK,
    MAIN,
    NINE_BALLET,
    OTHER_KIOSK,
    OWNER,
    TEACHER,
    Member,
    World,
    device,
    named,
    staff,
)


@pytest.fixture
def world() -> World:
    made = World()
    assert made.say(IssuePass(family=FAMILY, home=MAIN, handle="00" * 8, issued_s=1, expires_s=2)).link.outcome.stands
    return made


def holds(shape: type[msgspec.Struct], scopes: tuple[str, ...]) -> bool:
    """As a kiosk of the place."""
    return not is_withheld("kiosk", shape) and all(covers(scopes_for("kiosk", MAIN), scope) for scope in scopes)


def hear(listener: Member, author: Member) -> None:
    run = run_of(author)
    listener.bus.hear(run, read_batch(run), holds=holds)


def forged(world: World, payload: Payload, author: Author, *, by: Any = KIOSK) -> Member:
    """A device whose program asks nobody, and says what it likes."""
    member = world.join(by, scopes=EVERYTHING)
    member.bus.bus.permission = Anybody()
    assert member.bus.submit(payload, author).sequence == 1
    return member


class Anybody:
    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield from ()

    def allows(self, tx: Tx, op: Operation[Any]) -> Verdict:
        return Verdict(True)


@pytest.mark.parametrize(
    ("payload", "author"),
    [
        (RevokePass(family=FAMILY, home=MAIN, epoch=1), device(KIOSK)),
        (RevokePass(family=FAMILY, home=MAIN, epoch=1), staff(TEACHER)),
        (RevokeDevice(device=DESK), device(KIOSK)),
        (RevokeDevice(device=DESK), staff(CLERK)),
        (MarkAttendance(session=NINE_BALLET, items=(ChildMark(child=ANA, state="absent"),)), device(DESK)),
    ],
)
def test_who_has_no_right_to_it_is_not_believed_here_either(world: World, payload: Payload, author: Author) -> None:
    """OPERATIONS 2: kept, and without consequences until somebody with the right decides."""
    liar, listener = forged(world, payload, author), world.join(OTHER_KIOSK)
    before = base(listener)
    hear(listener, liar)
    assert base(listener) == before
    (run,) = listener.store.told_runs()
    (answer,) = world.authority.push(run).answers
    assert answer.outcome.status is Status.CONTESTED
    listener.bus.brought(KIOSK, 1, (answer,))
    world.pull(OTHER_KIOSK)
    assert as_in_the_cloud(world, listener)
    assert listener.store.told_runs() == []


def test_a_revoked_device_is_believed_up_to_then(world: World) -> None:
    kiosk, listener = world.join(KIOSK), world.join(OTHER_KIOSK)
    world.say(RevokeDevice(device=KIOSK))
    world.pull(OTHER_KIOSK)
    kiosk.clock.advance(1_000)
    kiosk.mark(HALF_PAST, ChildMark(child=ANA, state="present"))
    before = base(listener)
    hear(listener, kiosk)
    assert base(listener) == before


def test_what_a_payload_says_that_may_not_lie_here_is_not_kept(world: World) -> None:
    desk, listener = world.join(DESK, scopes=EVERYTHING), world.join(OTHER_KIOSK)
    said = BlockGuardian(child=ANA, guardian=named("guardian"), reason="The court of Madrid")
    assert desk.bus.submit(said, staff(OWNER)).sequence
    hear(listener, desk)
    assert listener.store.told_runs() == []


def test_what_was_said_of_a_session_that_is_not_known_yet_shows_once_it_is(world: World) -> None:
    kiosk = world.join(KIOSK)
    late = world.join(OTHER_KIOSK, scopes=("studio", f"roster/{MAIN}/*"))
    kiosk.mark(HALF_PAST, ChildMark(child=ANA, state="present"))
    before = base(late)
    hear(late, kiosk)
    assert base(late) == before
    late.store.scopes = scopes_for("kiosk", MAIN)
    rows, through = world.cloud.pull(late.store.scopes, after=0)
    late.bus.apply(rows, cursor=through)
    assert {kind for kind, _ in base(late)} - {kind for kind, _ in before} >= {"attendance"}


@pytest.mark.parametrize("ms", [-(1 << 52), 0, 1 << 52])
def test_a_clock_that_is_absurd_does_no_harm(world: World, ms: int) -> None:
    """OPERATIONS 10; what it says is as the cloud would take it."""
    kiosk, listener = world.join(KIOSK), world.join(OTHER_KIOSK)
    kiosk.clock.wall = ms
    scan = RecordScan(location=MAIN, date="2026-11-21", outcome="ok", handle="00" * 8)
    assert kiosk.bus.submit(scan, device(KIOSK), id=named("scan")).outcome.stands
    hear(listener, kiosk)
    assert ("scan", named("scan")) in base(listener)
    world.push(KIOSK)
    world.pull(OTHER_KIOSK)
    assert as_in_the_cloud(world, listener)
