"""The same operation on every kind of store: the same outcome and records, or undetermined; never a different one."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from classtap_core.access.blueprints import Capability
from classtap_core.access.operations import RevokeDevice
from classtap_core.access.rules import scopes_for
from classtap_core.booking.operations import CreateBooking
from classtap_core.checkin.operations import ChildMark, MarkAttendance, RecordScan
from classtap_core.contesting.records import Contested, ContestedPart, Ruling
from classtap_core.documents.operations import TakeBackConsent
from classtap_core.documents.records import Attached
from classtap_core.health.operations import ConfirmProfile, EditProfile, FilePaper, OpenCard
from classtap_core.health.records import Allergy, HealthFacts
from classtap_core.house import bus, registry
from classtap_core.kernel.authority import Ledger
from classtap_core.kernel.bus import Decision
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Reason, Status
from classtap_core.kernel.tx import Change
from classtap_core.kernel.undo import Undo
from classtap_core.passes.operations import IssuePass, RevokePass
from classtap_core.people.operations import EditHealth, RenameFamily
from classtap_core.schedule.reach import Reach
from tests.unit.documents.paper import MUM, WAIVER, WORDS, attach, publish, signing_of, with_mum
from tests.unit.house.world import (
    ANA,
    BEN,
    CLERK,
    DESK,
    EVENING,
    FAMILY,
    HALF_PAST,
    KIOSK,
    MAIN,
    NINE_BALLET,
    NORTH,
    OTHER_KIOSK,
    OWNER,
    YOGA,
    ZOE,
    World,
    device,
    named,
    staff,
)


def test_every_operation_has_a_handler_and_needs_something_real() -> None:
    found = registry()
    assert {"attendance.mark", "scan.record", "family.rename", "booking.create", "policy.publish", "device.revoke",
            "lease.lapse", "kernel.undo"} <= set(found.specs)  # fmt: skip
    needs = {spec.name: spec.needs for spec in found.specs.values()}
    assert {name for name, need in needs.items() if need is None} == {
        "studio.found", "lease.lapse", "policy.begin", "seatrollout.apply", "series.extend", "device.purged", "contact.verify", "studio.take_in", "message.settle", "message.escalate", "contact.resume",
        "contact.bounced", "pickup.make", "message.unreached", "person.erase_again", "device.describe",
    }  # fmt: skip
    assert {str(need) for need in needs.values() if need} <= {capability.value for capability in Capability}


def test_fields_of_indexes_have_no_default_so_that_every_store_finds_them() -> None:
    for record in registry().records.values():
        required = {field.name for field in msgspec.structs.fields(record) if field.required}
        for index in record.INDEXES:
            assert set(index.fields) <= required, (record.KIND, index.name)


def test_the_order_of_gates_is_ruling_10b_s() -> None:
    assert [gate.name for gate in bus(authority=False).gates] == [
        "window", "pickup", "contact", "capability", "capability", "guardian", "overlap", "consent", "consent", "health", "health",
        "eligibility", "eligibility", "booking",
    ]  # fmt: skip


KEPT_BY_THE_CLOUD = {Contested.KIND, ContestedPart.KIND, Ruling.KIND}
"""What it writes beside a fact that it contests."""


class Said(NamedTuple):
    """An operation as one author says it from one device."""

    name: str
    payload: Payload
    author: Author


def mark(session: Any, *items: ChildMark) -> MarkAttendance:
    return MarkAttendance(session=session, items=items)


def present(child: Any) -> ChildMark:
    return ChildMark(child=child, state="present")


PEANUT = HealthFacts(allergies=(Allergy(what="Peanut", severity="severe"),))
SIGNED = signing_of(WORDS, ANA, BEN)
SAID = (
    Said("mark", mark(NINE_BALLET, present(ANA)), device(KIOSK)),
    Said("mark siblings", mark(HALF_PAST, present(BEN), ChildMark(child=ANA, state="late")), device(KIOSK)),
    Said("mark too early", mark(EVENING, present(BEN)), device(KIOSK)),
    Said("mark a stranger", mark(NINE_BALLET, present(ZOE)), device(KIOSK)),
    Said("mark by staff", mark(NINE_BALLET, present(ZOE)), staff(CLERK)),
    Said("mark nowhere", mark(named("nowhere"), present(ANA)), staff(OWNER)),
    Said("scan", RecordScan(location=MAIN, date="2026-11-21", outcome="ok", handle="00" * 8), device(KIOSK)),
    Said("rename", RenameFamily(family=FAMILY, base="García Núñez", name="García"), staff(CLERK)),
    Said("health", EditHealth(child=ANA, base="Peanut allergy", notes=""), staff(CLERK)),
    Said("health clash", EditHealth(child=ANA, base="x", notes="y"), staff(CLERK)),
    Said("health profile", EditProfile(child=BEN, base=HealthFacts(), wanted=PEANUT), staff(CLERK)),
    Said("health confirmed", ConfirmProfile(child=BEN), staff(CLERK)),
    Said("paper", FilePaper(child=BEN, paper="vaccination", expires="2027-01-01"), staff(CLERK)),
    Said("card", OpenCard(child=ANA, location=MAIN, reason="fell"), staff(CLERK)),
    Said("sign", SIGNED, staff(CLERK)),
    Said("sign without a code", SIGNED, device(KIOSK)),
    Said("take back", TakeBackConsent(child=ANA, guardian=MUM, document=WAIVER), staff(CLERK)),
    Said("revoke device", RevokeDevice(device=OTHER_KIOSK), staff(OWNER)),
    Said("revoke pass", RevokePass(family=FAMILY, home=MAIN, epoch=1), staff(CLERK)),
    Said("undo what never was", Undo(operation=named("no operation")), staff(OWNER)),
    Said("denied", RenameFamily(family=FAMILY, base="García Núñez", name="x"), device(KIOSK)),
)

STORES = {
    "kiosk": scopes_for("kiosk", MAIN),
    "desk": scopes_for("desk", MAIN),
    "desk of everywhere": scopes_for("desk", ""),
    "desk elsewhere": scopes_for("desk", NORTH),
    "studio only": ("studio", "keys"),
    "no roster": ("studio", f"schedule/{MAIN}/*", f"families/{MAIN}"),
    "nothing": (),
}


def ready() -> World:
    world = World()
    publish(world)
    attach(world, Attached(reach=Reach(class_type=YOGA), severity="warn"))
    with_mum(world)
    world.say(IssuePass(family=FAMILY, home=MAIN, handle="00" * 8, issued_s=1, expires_s=2))
    return world


def on_a_full_store(world: World, said: Said) -> Decision:
    """What a device that holds everything decides."""
    return _decide(world, said, ("studio", "keys", "pins", *(f"{prefix}/*" for prefix in PREFIXES)))


PREFIXES = ("schedule", "roster", "scans", "lease", "families", "health", "custody", "contact", "contact_masked")


def _decide(world: World, said: Said, scopes: tuple[str, ...]) -> Decision:
    member = world.join(KIOSK, scopes=scopes)
    return member.bus.decide(said.payload, said.author)


def undecided(reasons: tuple[Reason, ...]) -> bool:
    """Whether a place said that it cannot know, rather than something else."""
    return any(reason.code in {"undetermined", "not_held", "gate.not_held"} for reason in reasons)


def changed(changes: tuple[Change, ...], operation: str) -> list[tuple[Any, ...]]:
    """Changes without the operation's own id, which two places give anew."""
    return [
        (
            change.kind,
            change.before and _said(change.before, operation),
            _said(change.after or {}, operation),
            change.scope,
        )
        for change in changes
    ]


def _said(values: dict[str, Any], operation: str) -> str:
    return repr(sorted(values.items())).replace(operation, "<this operation>")


@pytest.mark.parametrize("said", SAID, ids=[said.name for said in SAID])
@pytest.mark.parametrize("store", STORES)
def test_a_filtered_store_agrees_with_a_full_one_or_says_it_cannot_know(said: Said, store: str) -> None:
    world = ready()
    full = on_a_full_store(world, said)
    here = _decide(world, said, STORES[store])
    assert here.fault is None
    assert full.fault is None
    if here.outcome.status is Status.WAITING or undecided(here.outcome.reasons):
        assert here.changes == ()
        return
    unknown = {item.key for item in here.outcome.items if undecided(item.reasons)}
    for mine, theirs in zip(here.outcome.items, full.outcome.items, strict=True):
        assert mine == theirs or mine.key in unknown
    if not unknown:
        assert here.outcome == full.outcome
        assert changed(here.changes, here.op.id) == changed(full.changes, full.op.id)


def test_parity_is_not_empty_talk() -> None:
    """On each store some of the operations above are decided, but on the one that holds nothing."""
    world = ready()
    decided = {
        store: [
            said.name
            for said in SAID
            if (found := _decide(world, said, scopes)).outcome.status is not Status.WAITING
            and not undecided(found.outcome.reasons)
            and not any(undecided(item.reasons) for item in found.outcome.items)
        ]
        for store, scopes in STORES.items()
    }
    assert decided["nothing"] == []
    assert decided["studio only"] == ["revoke device"]
    assert decided["desk of everywhere"] == [said.name for said in SAID if said.name != "undo what never was"]
    assert "mark siblings" in decided["kiosk"]
    assert "health" not in decided["kiosk"]


@pytest.mark.parametrize("said", SAID, ids=[said.name for said in SAID])
def test_the_cloud_comes_to_what_a_full_device_came_to(said: Said) -> None:
    world = ready()
    member = world.join(KIOSK, scopes=("studio", "keys", "pins", *(f"{prefix}/*" for prefix in PREFIXES)))
    receipt = member.bus.submit(said.payload, said.author)
    if receipt.sequence is None:
        cloud = world.authority.decide(KIOSK, said.payload, said.author, source="test")
        assert cloud.outcome == receipt.outcome
        return
    world.push(KIOSK)
    ledger = world.cloud.ledgers[-1]
    if receipt.outcome.status is Status.WAITING:
        assert (said.name, receipt.changes) == ("undo what never was", ())
        return
    assert ledger.link.outcome.status is receipt.outcome.status
    assert ledger.link.outcome.items == receipt.outcome.items
    made = [change for change in ledger.changes if change.kind not in KEPT_BY_THE_CLOUD]
    assert changed(made, receipt.operation) == changed(receipt.changes, receipt.operation)


def test_what_a_device_shows_is_what_the_cloud_has_once_all_is_pulled() -> None:
    world = ready()
    members = [world.join(KIOSK), world.join(DESK, role="desk"), world.join(OTHER_KIOSK, offset=700)]
    members[0].mark(HALF_PAST, present(ANA), present(BEN))
    members[1].bus.submit(RenameFamily(family=FAMILY, base="García Núñez", name="García"), staff(CLERK))
    members[2].mark(HALF_PAST, ChildMark(child=BEN, state="absent"))
    members[1].bus.submit(CreateBooking(session=EVENING, child=ZOE, family=FAMILY, location=MAIN), staff(CLERK))
    world.sync()
    world.sync()
    for member in members:
        held = {ref: row.body for ref, row in member.store.seen.all().items()}
        cloud = {ref: row.body for ref, row in world.cloud.state.all().items() if member.store.holds(row.scope)}
        assert held == cloud


def test_losing_a_location_takes_its_rows_and_keeps_unsent_marks_going() -> None:
    world = ready()
    kiosk = world.join(KIOSK)
    kiosk.mark(HALF_PAST, present(BEN))
    kiosk.store.scopes = ("studio", "keys")
    world.push(KIOSK)
    assert world.cloud.ledgers[-1].link.outcome.status is Status.ACCEPTED


def test_undo_takes_back_a_rename_and_lists_what_changed_since() -> None:
    world = ready()
    done = world.say(RenameFamily(family=FAMILY, base="García Núñez", name="García"))
    assert world.say(Undo(operation=done.link.operation)).link.outcome.status is Status.ACCEPTED
    assert b"N\xc3\xba\xc3\xb1ez" in world.cloud.state.all()["family", FAMILY].body
    again: Ledger = world.say(RenameFamily(family=FAMILY, base="García Núñez", name="García"))
    world.say(RenameFamily(family=FAMILY, base="García", name="Pérez"))
    late = world.say(Undo(operation=again.link.operation)).link.outcome
    assert [item.reasons[0].code for item in late.items] == ["undo.changed_since"]


SAME = """
from tests.unit.house.world import *
from tests.unit.house.test_house import SAID, ready
import hashlib
world = ready()
kiosk = world.join(KIOSK, scopes=("studio", "keys", "pins") + tuple(f"{p}/*" for p in (
    "schedule", "roster", "scans", "lease", "families", "health", "custody", "contact", "contact_masked")))
for said in SAID:
    kiosk.bus.submit(said.payload, said.author)
world.push(KIOSK)
digest = hashlib.sha256()
for ledger in world.cloud.ledgers:
    digest.update(ledger.link_data)
for ref, row in sorted(world.cloud.state.all().items()):
    digest.update(repr(ref).encode() + row.body)
print(digest.hexdigest())
"""


def test_another_hash_seed_locale_and_zone_change_nothing() -> None:
    """OPERATIONS, "Tests that hold it"."""
    surroundings = [
        {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"},
        {"PYTHONHASHSEED": "4242", "TZ": "Pacific/Apia", "LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "1"},
    ]
    printed = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SAME], env={**os.environ, **these, "PYTHONPATH": os.getcwd()},
            capture_output=True, text=True, check=True,
        ).stdout
        for these in surroundings
    ]  # fmt: skip
    assert len(printed[0].strip()) == 64
    assert printed[0] == printed[1]


def test_the_picture_of_the_model_shows_every_record() -> None:
    page = (Path(__file__).parents[3] / "docs" / "model.md").read_text(encoding="utf-8")
    picture = page.split("```mermaid")[1].split("```")[0]
    shown = set(re.findall(r"\b[a-z_]+\b", picture))
    assert set(registry().records) - shown == set()


def test_the_page_of_the_model_names_every_record_in_its_scope() -> None:
    page = (Path(__file__).parents[3] / "docs" / "model.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:5] for line in page.splitlines() if line.startswith("| `") and line.count("|") == 5]
    listed = {
        kind: prefix.strip(" `").split("/")[0]
        for prefixes, kinds, *_ in rows
        for prefix in prefixes.split(",")
        for kind in re.sub(r"\(.*?\)", "", kinds).replace(" ", "").split(",")
    }
    records = {kind: record.PREFIX for kind, record in registry().records.items() if kind != "contact"}
    assert {kind: listed[kind] for kind in records if kind in listed} == records
    for role, column in (("kiosk", 2), ("desk", 3)):
        held = {pattern.split("/")[0] for pattern in scopes_for(role, MAIN)}
        ticked = {
            prefix.strip(" `").split("/")[0] for row in rows if "✓" in row[column] for prefix in row[0].split(",")
        }
        assert ticked == held
