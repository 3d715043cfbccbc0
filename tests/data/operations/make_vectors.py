"""Write golden operations that are not there yet. Never writes over one: they hold for ever."""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

import msgspec  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402

from classtap_core.access.operations import RevokeDevice  # noqa: E402
from classtap_core.booking.operations import (  # noqa: E402
    CreateBooking,
    LapseLease,
    TakeLease,
    lease_id,
)
from classtap_core.booking.policy_operations import PublishPolicy  # noqa: E402
from classtap_core.booking.rules import LEASE_GRACE_MS, LEASE_MS  # noqa: E402
from classtap_core.checkin.operations import ChildMark, MarkAttendance, RecordScan  # noqa: E402
from classtap_core.kernel.authority import Authority, Ledger, Mark  # noqa: E402
from classtap_core.kernel.batches import Batch, Received  # noqa: E402
from classtap_core.kernel.clock import Correction, ManualClock  # noqa: E402
from classtap_core.kernel.device import DeviceBus  # noqa: E402
from classtap_core.kernel.device_store import Entry  # noqa: E402
from classtap_core.kernel.envelope import GENESIS, Author, Parts, batch_statement, read  # noqa: E402
from classtap_core.kernel.memory import MemoryCloud, MemoryDevice  # noqa: E402
from classtap_core.kernel.operations import Payload  # noqa: E402
from classtap_core.kernel.records import plain  # noqa: E402
from classtap_core.kernel.undo import Undo  # noqa: E402
from classtap_core.people.operations import RenameFamily  # noqa: E402
from tests.unit.house import world as house  # noqa: E402
from tests.unit.kernel import toy  # noqa: E402
from tests.unit.kernel.rig import ALL, SEATS, STAFF, STUDIO, child, enrol, mark, seeded, verify  # noqa: E402

HERE = Path(__file__).parent
SECRET = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"  # RFC 8032 7.1, test 1

PAYLOADS: dict[str, Payload] = {
    "enrol": enrol(0, name="Zoë 🦊 \u2028\x7f"),
    "mark_five": toy.MarkPresence(
        house="north", items=tuple(toy.Item(child(number), "present", f"note {number}\n") for number in range(5))
    ),
    "mark_plain": mark(0, state="absent"),
    "rename": toy.Rename(child=child(0), name="\ufb33\U0001f600"),
    "post": toy.Post(seats=SEATS, free=3),
    "borrow": toy.Borrow(seats=SEATS),
}


def made() -> dict[str, dict[str, Any]]:
    """All vectors, in the order of one device's chain."""
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SECRET))
    registry = toy.registry()
    device_id = "019d0000000070008000000000000001"
    backend = MemoryDevice(registry, studio=STUDIO, device=device_id, scopes=ALL)  # type: ignore[arg-type]
    clock = ManualClock(1_790_000_000_000, Correction(offset=-250, uncertainty=12, mono=0, boot="golden"), "golden")
    bus = DeviceBus(backend, toy.bus(authority=False), clock, seeded("golden/device"))
    cloud = MemoryCloud(registry, STUDIO)
    public = key.public_key().public_bytes_raw()
    cloud.set_mark(Mark(device=backend.head().device, epoch=1, sequence=0, hash=GENESIS, public_key=public))
    authority = Authority(
        cloud, toy.bus(authority=True), ManualClock(1_790_000_005_000), seeded("golden/cloud"), verify
    )
    found = {}
    for name, payload in PAYLOADS.items():
        author = Author(type="staff", id=STAFF.id, grants=(child(9),)) if name == "rename" else STAFF
        bus.submit(payload, author, source="golden")
        clock.advance(1_001)
        entry = backend.log[-1]
        statement = batch_statement(
            studio=STUDIO, device=entry_device(backend), epoch=1, last_sequence=entry.sequence, last_hash=entry.hash
        )
        signature = key.sign(statement)
        batch = Batch(STUDIO, entry_device(backend), 1, (Received(entry.data, entry.parts),), signature)
        pushed = authority.push(batch)
        bus.acknowledge(pushed.answers)
        rows, cursor = cloud.pull(ALL, after=backend.head().cursor)
        bus.apply(rows, cursor=cursor)
        (ledger,) = pushed.decided
        found[name] = vector(entry, statement, signature, public, ledger)
    return found


def made_by_the_house() -> dict[str, dict[str, Any]]:
    """One of each operation that the first version of the rooms has, as a kiosk, a desk and the cloud wrote it."""
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SECRET))
    public = key.public_key().public_bytes_raw()
    world = house.World(seed="golden")
    kiosk, desk = world.join(house.KIOSK), world.join(house.DESK, role="desk")
    borrowing = TakeLease(session=house.HALF_PAST, places=1)
    lease = lease_id(kiosk.bus.submit(borrowing, house.device(house.KIOSK), source="golden").operation)
    world.sync()
    marks = (
        ChildMark(child=house.BEN, state="late", note="dentist \U0001f9b7", expected_ms=house.NINE + 40 * 60_000),
        ChildMark(child=house.ANA, state="absent", reason="ill"),
    )
    scan = RecordScan(location=house.MAIN, date="2026-11-21", outcome="ok", handle="0f" * 8, family=house.FAMILY)
    booking = CreateBooking(
        session=house.EVENING, child=house.ZOE, family=house.STRANGERS, location=house.MAIN, via="walk_in"
    )
    clerk, owner, device = house.staff(house.CLERK), house.staff(house.OWNER), house.device(house.KIOSK)
    for member, payload, author in (
        (kiosk, MarkAttendance(session=house.HALF_PAST, items=marks), device),
        (kiosk, scan, device),
        (kiosk, booking, device),
        (kiosk, msgspec.structs.replace(booking, session=house.HALF_PAST, lease=lease), device),
        (desk, RenameFamily(family=house.FAMILY, base="García Núñez", name="Núñez"), clerk),
        (desk, PublishPolicy(name="checkin", head=0, values={"before_min": 20}), owner),
        (desk, RevokeDevice(device=house.OTHER_KIOSK, reason="lost"), owner),
        (desk, Undo(operation=house.named("golden")), owner),
    ):
        receipt = member.bus.submit(payload, author, source="golden")
        assert receipt.sequence, (payload, receipt.outcome)
    world.sync()
    world.clock.advance(LEASE_MS + LEASE_GRACE_MS + 1)
    tick = LapseLease(lease=lease, session=house.HALF_PAST, location=house.MAIN)
    world.author([(house.CLOCK, tick)])
    found = {}
    for ledger in world.cloud.ledgers:
        if ledger.op is None or (ledger.op.source == "test" and ledger.link.kind != "lease.lapse"):
            continue
        envelope = read(ledger.data, ledger.parts)
        statement = batch_statement(
            studio=envelope.envelope.studio, device=envelope.envelope.device, epoch=envelope.envelope.epoch,
            last_sequence=envelope.envelope.sequence, last_hash=envelope.hash,
        )  # fmt: skip
        name = ledger.link.kind if ledger.link.kind not in found else f"{ledger.link.kind}.leased"
        entry = Written(ledger.data, envelope.hash, ledger.parts)
        found[name] = vector(entry, statement, key.sign(statement), public, ledger)
        found[name]["payload"] = plain(ledger.op.payload)
    return found


class Written(NamedTuple):
    """What of an entry a vector keeps."""

    data: bytes
    hash: str
    parts: Parts


def entry_device(backend: MemoryDevice) -> Any:
    return backend.head().device


def vector(entry: Entry | Written, statement: bytes, signature: bytes, public: bytes, ledger: Ledger) -> dict[str, Any]:
    return {
        "envelope": entry.data.decode(),
        "hash": entry.hash,
        "parts": {subject: part.decode() for subject, part in entry.parts.items()},
        "statement": statement.decode(),
        "public_key": public.hex(),
        "signature": signature.hex(),
        "link": ledger.link_data.decode(),
        "link_hash": ledger.link_hash,
        "change_parts": {subject: part.decode() for subject, part in ledger.change_parts.items()},
    }


if __name__ == "__main__":
    vectors = {f"toy.{name}": content for name, content in made().items()}
    vectors |= {f"house.{name}": content for name, content in made_by_the_house().items()}
    for name, content in vectors.items():
        path = HERE / f"{name}.v1.json"
        if not path.exists():
            path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=True) + "\n")
            print(path.name)
