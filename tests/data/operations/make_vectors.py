"""Write golden operations that are not there yet. Never writes over one: they hold for ever."""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402

from classtap_core.kernel.authority import Authority, Batch, Ledger, Mark, Received  # noqa: E402
from classtap_core.kernel.clock import Correction, ManualClock  # noqa: E402
from classtap_core.kernel.device import DeviceBus, Entry  # noqa: E402
from classtap_core.kernel.envelope import GENESIS, Author, batch_statement  # noqa: E402
from classtap_core.kernel.memory import MemoryCloud, MemoryDevice  # noqa: E402
from classtap_core.kernel.operations import Payload  # noqa: E402
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


def entry_device(backend: MemoryDevice) -> Any:
    return backend.head().device


def vector(entry: Entry, statement: bytes, signature: bytes, public: bytes, ledger: Ledger) -> dict[str, Any]:
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
    for name, content in made().items():
        path = HERE / f"toy.{name}.v1.json"
        if not path.exists():
            path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=True) + "\n")
            print(path.name)
