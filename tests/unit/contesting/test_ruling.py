"""A contested fact of any device is decided by somebody with the right: it happened as it was told, or it did not."""

import pytest
from msgspec.structs import replace

from classtap_core.access.assignment_operations import EndGrant
from classtap_core.access.operations import RevokeDevice
from classtap_core.checkin.operations import ChildMark
from classtap_core.checkin.reading import fetch
from classtap_core.checkin.records import Attendance, State, attendance_id
from classtap_core.checkin.rules import standing
from classtap_core.contesting.operations import RuleContested, spec_of
from classtap_core.contesting.records import DISMISSED, HAPPENED, Contested, ContestedPart, Ruling
from classtap_core.house import registry
from classtap_core.kernel.erasure import subjects_of
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Kind
from classtap_core.kernel.outcomes import Outcome, Status
from classtap_core.kernel.undo import Undo
from classtap_core.people.erasing import ErasePeople
from tests.unit.house.world import (
    ANA,
    BEN,
    CLERK,
    DESK,
    FAMILY,
    KIOSK,
    NINE_BALLET,
    OWNER,
    STUDIO,
    TEACHER,
    Member,
    World,
    named,
    staff,
    state_of,
)

SAID = replace(ChildMark(child=ANA, state="late"), reason="traffic", note="bus")
ENTRY = attendance_id(STUDIO, NINE_BALLET, ANA)


class Told:
    """A clerk whose grant had ended marks Ana at a kiosk; a desk looks on."""

    def __init__(self) -> None:
        self.world = World()
        self.kiosk = self.world.join(KIOSK)
        self.desk = self.world.join(DESK, role="desk")
        self.kiosk.clock.advance(60_000)
        self.world.say(EndGrant(grant=named("clerk grant")))
        receipt = self.kiosk.mark(NINE_BALLET, SAID, author=staff(CLERK))
        assert receipt.outcome.status is Status.ACCEPTED
        self.fact = receipt.operation
        self.world.sync()

    def held(self) -> Contested:
        return fetch(self.desk.store, Contested, [self.fact])[self.fact]

    def rule(self, happened: bool, by: Id = OWNER) -> Outcome:
        """Say it at the desk; what the cloud makes of it."""
        under = self.held().under if happened else ()
        receipt = self.desk.bus.submit(RuleContested(fact=self.fact, happened=happened, under=under), staff(by))
        assert receipt.outcome.status in (Status.WAITING, Status.REFUSED), receipt.outcome
        if receipt.outcome.status is Status.REFUSED:
            return receipt.outcome
        (answer,) = self.world.push(DESK)
        self.world.sync()
        return answer.outcome

    def mark(self, member: Member) -> State:
        found = fetch(member.store, Attendance, [ENTRY])
        return standing(found[ENTRY].marks).state if found else State.NONE


@pytest.fixture
def told() -> Told:
    return Told()


def test_every_fact_may_be_decided() -> None:
    facts = {name: spec for name, spec in registry().specs.items() if spec.kind is Kind.FACT}
    assert {name: spec_of(name) for name in facts} == facts
    assert spec_of("family.rename") is None, "an edit is not contested"


def test_a_contested_fact_lies_there_without_consequences(told: Told) -> None:
    held = told.held()
    assert (held.fact, held.device, held.author.id, held.why) == ("attendance.mark", KIOSK, CLERK, "permission.expired")
    assert told.mark(told.desk) is told.mark(told.kiosk) is State.NONE
    assert "bus" not in held.said, "what is a child's is not in the open part"
    parts = state_of(told.world.cloud, ContestedPart)
    assert [list(subjects_of(ContestedPart, id, body)) for id, body in parts.items()] == [[ANA]]
    for member in (told.kiosk, told.desk):
        assert not state_of(member.store, ContestedPart)
    assert not state_of(told.kiosk.store, Contested), "kiosks are told what was decided, not what was said"


def test_it_happened_as_it_was_told(told: Told) -> None:
    assert told.rule(True).status is Status.ACCEPTED
    assert told.held().ruled == HAPPENED
    for member in (told.desk, told.kiosk):
        (mark,) = fetch(member.store, Attendance, [ENTRY])[ENTRY].marks
        assert (mark.operation, mark.by, mark.reason, mark.note) == (told.fact, CLERK, "traffic", "bus")
        assert standing((mark,)).state is State.LATE
    ruling = fetch(told.kiosk.store, Ruling, [told.fact])[told.fact]
    assert (ruling.device, ruling.by, ruling.outcome.status) == (KIOSK, OWNER, Status.ACCEPTED)
    assert told.rule(True).status is Status.DUPLICATE
    assert told.rule(False).reasons[0].code == "contested.ruled"


def test_it_did_not_happen(told: Told) -> None:
    assert told.rule(False).status is Status.ACCEPTED
    assert told.held().ruled == DISMISSED
    assert told.mark(told.desk) is told.mark(told.kiosk) is State.NONE
    ruling = fetch(told.kiosk.store, Ruling, [told.fact])[told.fact]
    assert ruling.outcome.reasons[0].code == "contested.dismissed"


@pytest.mark.parametrize("who", [CLERK, TEACHER])
def test_only_who_has_the_right_decides(told: Told, who: Id) -> None:
    """The clerk's right has ended; the teacher may mark, and may not take back what others did."""
    outcome = told.rule(True, who)
    assert (outcome.status, outcome.reasons[0].code.split(".")[0]) == (Status.REFUSED, "permission")
    assert told.held().ruled == ""


def test_the_right_over_the_fact_itself_is_asked_for(told: Told) -> None:
    """Who may mark and undo may not, by deciding, revoke a device."""
    told.world.say(RevokeDevice(device=KIOSK))
    late = told.kiosk.bus.submit(RevokeDevice(device=DESK), staff(OWNER))
    told.world.push(KIOSK)
    told.world.sync(DESK)
    held = fetch(told.desk.store, Contested, [late.operation])[late.operation]
    assert (held.fact, held.needs, held.why) == ("device.revoke", "revoke_device", "permission.device_revoked")


def test_what_is_locked_is_named(told: Told) -> None:
    told.desk.bus.submit(RuleContested(fact=told.fact, happened=True), staff(OWNER))
    (answer,) = told.world.push(DESK)
    assert answer.outcome.reasons[0].params["why"] == "contested.under"


def test_a_decision_can_be_taken_back(told: Told) -> None:
    told.rule(True)
    by = told.world.authority.backend.authors  # the cloud's own word for which operations it has
    assert by([told.fact]) == {told.fact: KIOSK}
    operation = next(entry.id for entry in told.desk.store.entries([2, 1]) if entry.kind == "contested.rule")
    assert told.world.say(Undo(operation=operation)).link.outcome.stands
    told.world.sync()
    assert told.held().ruled == ""
    assert told.mark(told.kiosk) is State.NONE


def test_what_was_erased_since_cannot_be_believed(told: Told) -> None:
    assert told.world.say(ErasePeople(people=(FAMILY, ANA, BEN, named("guardian")), why="request")).link.outcome.stands
    told.world.sync()
    told.desk.bus.submit(RuleContested(fact=told.fact, happened=True, under=told.held().under), staff(OWNER))
    (answer,) = told.world.push(DESK)
    assert answer.outcome.reasons[0].params["why"] == "contested.erased"


@pytest.mark.parametrize(("happened", "now"), [(True, Status.ACCEPTED), (False, Status.REFUSED)])
def test_the_first_teller_is_told_once(told: Told, happened: bool, now: Status) -> None:
    assert told.kiosk.store.notices.pop(told.fact).now.status is Status.CONTESTED
    told.rule(happened)
    ruling = fetch(told.kiosk.store, Ruling, [told.fact])[told.fact]
    told.kiosk.bus.learn(ruling.sequence, ruling.outcome, epoch=ruling.epoch)
    assert told.kiosk.store.notices.pop(told.fact).now.status is now
    assert not told.kiosk.bus.learn(ruling.sequence, ruling.outcome, epoch=ruling.epoch)
