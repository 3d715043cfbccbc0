"""What a family has to sign: for its house, for the places it has, for one it wants; by whom; and the operation out of it."""

from classtap_core.checkin.board import board
from classtap_core.checkin.reading import fetch
from classtap_core.checkin.rules import Window
from classtap_core.documents.records import Attached
from classtap_core.kernel.ids import Id
from classtap_core.people.guardian_operations import BlockGuardian
from classtap_core.schedule.reach import Reach
from classtap_core.schedule.records import Session
from classtap_core.signing.bundle import bundle, request
from tests.unit.documents.paper import MUM, PDF, mum, publish, with_waiver
from tests.unit.house.world import (
    ANA,
    BALLET,
    BEN,
    BLUE,
    EVENING,
    FAMILY,
    KIOSK,
    MAIN,
    NINE,
    NINE_BALLET,
    STUDIO,
    YOGA,
    World,
    named,
)


def asked(world: World, wanted: Id | None = None) -> list[tuple[str, str, list[int]]]:
    """Child, program and versions, of everything that waits; also for a session somebody wants a place in."""
    session = fetch(world.cloud, Session, [wanted]).get(wanted) if wanted else None
    found = bundle(world.cloud, STUDIO, FAMILY, now_ms=NINE, session=session)
    assert found is not None
    return [(item.child.id, item.program, [one.version.number for one in item.asked]) for item in found.items]


def test_what_counts_for_the_house_is_asked_of_every_child() -> None:
    world = with_waiver()
    assert asked(world) == [(BEN, "", [1]), (ANA, "", [1])]
    publish(world, effective="2026-11-21", breaking=True)
    assert asked(world) == [(BEN, "", [2]), (ANA, "", [2])]


def test_what_counts_for_a_class_is_asked_of_who_is_booked_or_wants_to_be() -> None:
    assert asked(with_waiver(Attached(reach=Reach(class_type=BALLET)))) == [(BEN, "", [1]), (ANA, "", [1])]
    nobody_s = with_waiver(Attached(reach=Reach(first="2026-11-21", room=BLUE, class_type=BALLET)))
    assert asked(nobody_s, EVENING) == [(BEN, "", [1]), (ANA, "", [1])]
    yoga = with_waiver(Attached(reach=Reach(class_type=YOGA), at="checkin"))
    assert asked(yoga) == [(BEN, "", [1]), (ANA, "", [1])]
    early = with_waiver(Attached(reach=Reach(class_type=BALLET, last="2026-11-20")))
    assert asked(early) == []
    later = with_waiver(Attached(reach=Reach(first="2026-11-22")))
    assert asked(later) == []


def test_only_who_may_sign_is_offered_and_the_operation_names_what_was_shown() -> None:
    world = with_waiver()
    world.say(BlockGuardian(child=ANA, guardian=MUM))
    found = bundle(world.cloud, STUDIO, FAMILY, now_ms=NINE)
    assert found is not None
    (signer,) = found.signers
    assert (signer.guardian, signer.children) == (MUM, frozenset({BEN}))
    (item,) = found.of(MUM)
    assert item.asked[0].in_language("es").title == "Renuncia"
    assert item.asked[0].in_language("fr").title == "Waiver"
    said = request(signer, [(item, PDF)], method="typed", name="Gina", language="en")
    assert world.say(said, mum()).link.outcome.stands
    after = bundle(world.cloud, STUDIO, FAMILY, now_ms=NINE)
    assert after is not None
    assert [one.child.id for one in after.items] == [ANA]
    assert found.of(named("stranger")) == ()
    assert bundle(world.cloud, STUDIO, named("nobody"), now_ms=NINE) is None


def test_a_kiosk_reads_the_same_and_its_board_says_so() -> None:
    world = with_waiver()
    kiosk = world.join(KIOSK)
    mine, cloud = (bundle(place, STUDIO, FAMILY, now_ms=NINE) for place in (kiosk.store, world.cloud))
    assert mine == cloud
    shown = board(kiosk.store, STUDIO, FAMILY, location=MAIN, now_ms=NINE, window=Window())
    gates = {gate.gate: gate.code for group in shown.groups for child in group.children for gate in child.gates}
    assert gates["consent"] == "consent_missing"
    assert NINE_BALLET in {group.card.session.id for group in shown.groups}
