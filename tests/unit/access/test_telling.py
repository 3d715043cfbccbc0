"""What a device tells another of the place, and what never: law 27 holds for what travels beside the rows as well."""

from typing import Any

import pytest
from msgspec.structs import replace

from classtap_core import house
from classtap_core.access.records import Device, DeviceRevocation
from classtap_core.access.rules import is_withheld
from classtap_core.access.telling import may_tell
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.eligibility.rules import Age
from classtap_core.kernel.device_store import Entry
from classtap_core.kernel.envelope import own
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Payload, Range, Recorded
from classtap_core.kernel.outcomes import ACCEPTED
from classtap_core.kernel.records import decode
from classtap_core.kernel.tx import Snapshot, Tx
from classtap_core.people.operations import RenameFamily
from tests.unit.booking.test_gates import SEVEN, asking
from tests.unit.house.test_told import NAMES, OTHER, facts, made
from tests.unit.house.world import (
    ANA,
    BEN,
    CLERK,
    DESK,
    FAMILY,
    KIOSK,
    NINE_BALLET,
    NORTH,
    OTHER_KIOSK,
    World,
    named,
    staff,
    state_of,
)


@pytest.fixture
def world() -> World:
    """Ballet asks for seven years; Ben is five."""
    return asking(SEVEN)


def listener(world: World, id: str = KIOSK, **as_well: Any) -> Device:
    found: Device = replace(decode(Device, state_of(world.cloud, Device)[Id(id)]), **as_well)
    return found


def said(world: World, payload: Payload) -> Entry:
    """What a clerk says at the desk, as it lies in its log."""
    desk = world.members.get(DESK) or world.join(DESK, role="desk")
    receipt = desk.bus.submit(payload, staff(CLERK))
    assert receipt.sequence, receipt.outcome
    (entry,) = desk.store.entries([receipt.sequence])
    return entry


def marked(world: World, child: str, override: str = "") -> Entry:
    item = ChildMark(child=child, state="present", override=override)  # type: ignore[arg-type]
    return said(world, MarkAttendance(session=NINE_BALLET, items=(item,)))


def tells(world: World, entry: Entry, to: Device) -> bool:
    return may_tell(entry, to, world.registry, house.CONFIDED)


def test_a_mark_is_told_to_whoever_may_have_the_roster(world: World) -> None:
    entry = marked(world, ANA)
    assert tells(world, entry, listener(world))
    assert tells(world, entry, listener(world, role="desk"))
    assert not tells(world, entry, listener(world, location=NORTH))
    assert not tells(world, entry, listener(world, withheld=("roster",)))
    assert not tells(world, entry, listener(world, role="cloud"))
    assert not tells(
        world, entry, listener(world, revocations=(DeviceRevocation(1, named("r"), CLERK, "lost", False),))
    )


def test_a_mark_that_says_when_a_child_will_be_old_enough_says_when_it_was_born(world: World) -> None:
    """The gate's word travels in the envelope, though no row has it."""
    entry = marked(world, BEN, override="asked")
    words = {gate.gate: dict(gate.params) for gate in own(entry.data).gates if gate.code}
    assert words["eligibility"]["eligible_on"] == "2028-08-30"
    assert not tells(world, entry, listener(world))
    assert tells(world, entry, listener(world, role="desk"))
    assert not tells(world, entry, listener(world, role="desk", withheld=("health",)))


def test_what_speaks_of_somebody_who_was_erased_is_told_nobody(world: World) -> None:
    late = ChildMark(child=ANA, state="late", note="Bus.")
    entry = said(world, MarkAttendance(session=NINE_BALLET, items=(late,)))
    assert tells(world, entry, listener(world))
    parts = {subject: part for subject, part in entry.parts.items() if subject != ANA}
    assert len(parts) < len(own(entry.data).payload)
    assert not tells(world, entry._replace(parts=parts), listener(world))


def test_what_the_cloud_answered_and_what_is_no_fact_is_told_nobody(world: World) -> None:
    entry = marked(world, ANA)
    assert not tells(world, entry._replace(answer=ACCEPTED), listener(world))
    assert not tells(world, entry._replace(changes=()), listener(world))
    assert not tells(world, said(world, RenameFamily(family=FAMILY, base="García Núñez", name="G")), listener(world))


def test_a_second_mark_that_says_the_same_is_told_to_whoever_is_alike(world: World) -> None:
    """It changes no row; but untold, it would keep from the cloud what comes behind it."""
    again = marked(world, ANA)._replace(changes=())
    kiosk = listener(world)
    assert not may_tell(again, kiosk, world.registry, house.CONFIDED)
    assert may_tell(again, kiosk, world.registry, house.CONFIDED, alike=True)
    assert not may_tell(again._replace(folded=False), kiosk, world.registry, house.CONFIDED, alike=True)


def test_what_somebody_says_of_a_contact_is_not_told_where_contacts_are_withheld() -> None:
    world = made()
    desk = world.join(OTHER, scopes=("studio", "keys", "pins", *(f"{one}/*" for one in PREFIXES)))
    (signing,) = [fact for fact in facts(world, OTHER) if fact.payload.SPEC.name == "document.sign"]
    receipt = desk.bus.submit(signing.payload, signing.author)
    (entry,) = desk.store.entries([receipt.sequence or 0])
    assert tells(world, entry, listener(world, DESK, withheld=("health",)))
    assert not tells(world, entry, listener(world, DESK, withheld=("contact",)))


def test_of_what_no_kiosk_may_hold_nothing_is_told_to_one() -> None:
    """Every fact of the house, as a desk says it."""
    world = made()
    desk = world.join(OTHER, scopes=("studio", "keys", "pins", *(f"{one}/*" for one in PREFIXES)))
    kiosk, told = listener(world, OTHER_KIOSK), set()
    for name, fact in zip(NAMES, facts(world, OTHER), strict=True):
        receipt = desk.bus.submit(fact.payload, fact.author)
        (entry,) = desk.store.entries([receipt.sequence or 0])
        if tells(world, entry, kiosk):
            told.add(name.split(" ")[1])
            assert not any(is_withheld("kiosk", world.registry.records[change.kind]) for change in entry.changes)
            assert not is_withheld("kiosk", fact.payload.SPEC.payload)
    assert told == {
        "attendance.mark", "pickup.hand", "device.revoke", "document.take_back", "message.seen", "pass.admit_no_more",
        "pass.revoke", "scan.attempts", "scan.override", "scan.record", "spot.tag",
    }  # fmt: skip


PREFIXES = (
    "schedule", "roster", "scans", "lease", "families", "health", "custody", "contact", "contact_masked", "seatmaps",
    "seatdrafts", "rulings", "registrations",
)  # fmt: skip


def test_a_gate_that_looks_at_what_kiosks_do_not_hold_is_known_to() -> None:
    world = asking(Age(min_months=84))
    everything = (ChildMark(child=ANA, state="present"), ChildMark(child=BEN, state="present", override="asked"))
    looked: dict[str, set[str]] = {}
    for prepared, payloads in (
        (world, [MarkAttendance(session=NINE_BALLET, items=everything)]),
        (found := made(), [fact.payload for fact in facts(found, OTHER)]),
    ):
        device = prepared.join(OTHER, scopes=("studio", "keys", "pins", *(f"{one}/*" for one in PREFIXES)))
        for payload in payloads:
            op = device.bus.decide(payload, staff(CLERK)).op
            for gate in house.GATES:
                if gate.applies(op):
                    snapshot = Snapshot(device.store, prepared.registry)
                    tx = Tx(snapshot, now=op.at.corrected, operation=op.id)
                    for wants in gate.reads(tx, op):
                        several = [wants] if isinstance(wants, Key | Range | Recorded) else list(wants)
                        snapshot.warm(several)
                        tx.declare(several)
                        records = [want.record for want in several if not isinstance(want, Recorded)]
                        looked.setdefault(gate.name, set()).update(
                            one.KIND for one in records if is_withheld("kiosk", one)
                        )
    assert {name: kinds for name, kinds in looked.items() if kinds} == {
        name: {record.KIND for record in records} for name, records in house.CONFIDED.items()
    }
