"""Golden operations: every version reads them, writes the same bytes, and agrees with hashlib and a slow writer."""

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from classtap_core import house
from classtap_core.kernel.canonical import parse
from classtap_core.kernel.chain import ChainRow, Link, join_changes, verify_device, verify_studio
from classtap_core.kernel.envelope import Envelope, batch_statement, commitments, join_parts, read, write
from classtap_core.kernel.records import plain
from tests.data.operations.make_vectors import PAYLOADS, made
from tests.unit.kernel import toy
from tests.unit.kernel.test_canonical import slow

FOLDER = Path(__file__).parents[2] / "data" / "operations"
FILES = {path.name: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
TOYS = [name for name in FILES if name.startswith("toy.")]
HOUSE = [name for name in FILES if name.startswith("house.")]
ORDER = [f"toy.{name}.v1.json" for name in PAYLOADS]


def tagged(tag: str, data: str) -> str:
    return hashlib.sha256(tag.encode() + data.encode()).hexdigest()


def parts(vector: dict[str, Any], name: str = "parts") -> dict[str, bytes]:
    return {subject: part.encode() for subject, part in vector[name].items()}


@pytest.mark.parametrize("file", FILES)
def test_bytes_hashes_and_signature_by_hashlib_alone(file: str) -> None:
    vector = FILES[file]
    envelope, link = json.loads(vector["envelope"]), json.loads(vector["link"])
    for text in (vector["envelope"], vector["link"], *vector["parts"].values(), *vector["change_parts"].values()):
        assert slow(json.loads(text)) == text
    assert tagged("CTO1", vector["envelope"]) == vector["hash"] == link["envelope"]
    assert tagged("CTL1", vector["link"]) == vector["link_hash"]
    promised = [[subject, tagged("CTV1", part)] for subject, part in sorted(vector["parts"].items())]
    assert envelope["payload"] == promised
    changed = [[subject, tagged("CTV1", part)] for subject, part in sorted(vector["change_parts"].items())]
    assert link.get("changes", []) == changed
    said = {name: envelope[name] for name in ("studio", "device", "epoch", "sequence")} | {"hash": vector["hash"]}
    assert vector["statement"] == "CTB1" + slow(said)
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(vector["public_key"])).verify(
        bytes.fromhex(vector["signature"]), vector["statement"].encode()
    )


@pytest.mark.parametrize("file", HOUSE)
def test_the_rooms_read_what_their_first_version_wrote(file: str) -> None:
    vector = FILES[file]
    sealed = read(vector["envelope"].encode(), parts(vector))
    assert write(sealed.envelope, sealed.parts).data.decode() == vector["envelope"]
    op = house.registry().read(sealed.envelope, join_parts(sealed.parts), sealed.hash)
    assert plain(op.payload) == vector["payload"]
    link = msgspec.json.decode(vector["link"], type=Link)
    assert link.written().decode() == vector["link"]
    for change in join_changes(parts(vector, "change_parts")) if vector["change_parts"] else ():
        if change.before is None and change.after is not None:
            msgspec.convert(change.after, house.registry().records[change.kind])


def test_the_rooms_first_operations_are_all_there() -> None:
    assert {name.removeprefix("house.").removesuffix(".v1.json") for name in HOUSE} >= {
        "attendance.mark", "scan.record", "family.rename", "booking.create", "booking.create.leased", "policy.publish",
        "device.revoke", "lease.take", "lease.lapse", "kernel.undo",
    }  # fmt: skip


@pytest.mark.parametrize("file", TOYS)
def test_this_version_reads_them_and_writes_the_same(file: str) -> None:
    vector = FILES[file]
    sealed = read(vector["envelope"].encode(), parts(vector))
    assert sealed.hash == vector["hash"]
    assert write(sealed.envelope, sealed.parts).data.decode() == vector["envelope"]
    assert commitments(sealed.parts) == sealed.envelope.payload
    envelope: Envelope = sealed.envelope
    statement = batch_statement(
        studio=envelope.studio, device=envelope.device, epoch=envelope.epoch,
        last_sequence=envelope.sequence, last_hash=sealed.hash,
    )  # fmt: skip
    assert statement.decode() == vector["statement"]
    op = toy.registry().read(envelope, join_parts(sealed.parts), sealed.hash)
    assert op.payload == PAYLOADS[file.split(".")[1]]
    link = msgspec.json.decode(vector["link"], type=Link)
    assert link.written().decode() == vector["link"]
    if vector["change_parts"]:
        assert all(change.scope for change in join_changes(parts(vector, "change_parts")))


def test_they_are_one_chain_of_each_kind() -> None:
    vectors = [FILES[name] for name in ORDER]
    entries = [ChainRow(n, v["envelope"].encode(), parts(v)) for n, v in enumerate(vectors, 1)]
    links = [ChainRow(n, v["link"].encode(), parts(v, "change_parts")) for n, v in enumerate(vectors, 1)]
    assert verify_device(entries, head=vectors[-1]["hash"]) == (len(vectors), None, "")
    assert verify_studio(links, head=vectors[-1]["link_hash"]) == (len(vectors), None, "")


def test_made_again_they_come_out_the_same() -> None:
    again = made()
    assert {f"toy.{name}.v1.json": vector for name, vector in again.items()} == {name: FILES[name] for name in ORDER}


def test_an_erased_part_leaves_the_rest() -> None:
    vector = FILES["toy.mark_five.v1.json"]
    subjects = sorted(parts(vector))
    kept = {subject: part for subject, part in parts(vector).items() if subject != subjects[1]}
    sealed = read(vector["envelope"].encode(), kept)
    assert sealed.hash == vector["hash"]
    notes = [item.get("note") for item in join_parts(sealed.parts)["items"]]
    assert sum(note is None for note in notes) == 1
    assert parse(vector["envelope"]) == json.loads(vector["envelope"])
