"""Both chains see every touch, and an erased person takes nothing of anybody else along."""

import json
from collections.abc import Callable

import pytest

from classtap_core.kernel.chain import (
    ChainRow,
    Sealer,
    Verified,
    change_parts,
    join_changes,
    studio_hash,
    verify_device,
    verify_studio,
)
from classtap_core.kernel.envelope import join_parts
from classtap_core.kernel.envelope import read as read_envelope
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.memory import MemoryCloud
from classtap_core.kernel.tx import Change
from tests.unit.kernel import toy
from tests.unit.kernel.rig import STAFF, Cloud, Device, child, enrol, mark, seeded


class Ring:
    """Keys of subjects; a destroyed one is never made again."""

    def __init__(self) -> None:
        self.keys: dict[str, bytes | None] = {}
        self.entropy = seeded("ring")

    def key(self, subject: str) -> bytes | None:
        if subject not in self.keys:
            self.keys[subject] = self.entropy(32)
        return self.keys[subject]


Chain = tuple[list[ChainRow], Callable[..., Verified], str]


def chains() -> dict[str, Chain]:
    cloud = Cloud()
    device = Device("desk", cloud)
    for number in range(4):
        device.bus.submit(enrol(number, name=f"name {number}"), STAFF)
        device.bus.submit(mark(number, note=f"note {number}"), STAFF)
    device.sync()
    entries = [ChainRow(entry.sequence, entry.data, entry.parts) for entry in device.backend.log]
    links = [ChainRow(ledger.link.sequence, ledger.link_data, ledger.change_parts) for ledger in cloud.backend.ledgers]
    return {
        "device": (entries, verify_device, device.backend.head().hash),
        "studio": (links, verify_studio, cloud.backend.lock_head().hash),
    }


CHAINS = chains()
LENGTH = 8
both = pytest.mark.parametrize("which", ["device", "studio"])
everywhere = pytest.mark.parametrize("place", range(LENGTH))


def test_both_chains_verify() -> None:
    for rows, verify, head in CHAINS.values():
        assert verify(rows, head=head) == (LENGTH, None, "")
        assert verify(rows[3:], previous=_previous(rows, 3), first=4, head=head) == (LENGTH - 3, None, "")


def _previous(rows: list[ChainRow], place: int) -> str:
    previous: str = json.loads(rows[place].data)["previous"]
    return previous


@both
@everywhere
def test_a_removed_entry_is_seen(which: str, place: int) -> None:
    rows, verify, head = CHAINS[which]
    found = verify(rows[:place] + rows[place + 1 :], head=head)
    assert found.bad_sequence == place + 1
    renumbered = [row._replace(sequence=n) for n, row in enumerate(rows[:place] + rows[place + 1 :], 1)]
    assert verify(renumbered, head=head).bad_sequence == place + 1


@both
@everywhere
def test_an_edited_entry_is_seen(which: str, place: int) -> None:
    """Any digit of the bytes, kept canonical; at the latest, the next entry does not name it."""
    rows, verify, head = CHAINS[which]
    data = rows[place].data
    tried = 0
    for at in range(0, len(data), 7):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        found = verify([*rows[:place], rows[place]._replace(data=changed), *rows[place + 1 :]], head=head)
        assert found.bad_sequence in (place + 1, place + 2), (at, found)
        tried += 1
    assert tried > 40


@both
@everywhere
def test_a_swap_is_seen(which: str, place: int) -> None:
    rows, verify, head = CHAINS[which]
    for other in range(LENGTH):
        if other != place:
            swapped = list(rows)
            swapped[place], swapped[other] = rows[other], rows[place]
            assert verify(swapped, head=head).bad_sequence == min(place, other) + 1
            renumbered = [row._replace(sequence=n) for n, row in enumerate(swapped, 1)]
            assert verify(renumbered, head=head).bad_sequence == min(place, other) + 1


@both
@everywhere
def test_a_doubled_entry_is_seen(which: str, place: int) -> None:
    rows, verify, head = CHAINS[which]
    doubled = [*rows[: place + 1], *rows[place:]]
    assert verify(doubled, head=head).bad_sequence == place + 2
    assert not verify([row._replace(sequence=n) for n, row in enumerate(doubled, 1)], head=head).ok


@both
@everywhere
def test_an_edited_part_is_seen(which: str, place: int) -> None:
    rows, verify, head = CHAINS[which]
    for subject, part in rows[place].parts.items():
        changed = {**rows[place].parts, subject: part.replace(b'"values"', b'"valuez"')}
        found = verify([*rows[:place], rows[place]._replace(parts=changed), *rows[place + 1 :]], head=head)
        assert found.bad_sequence == place + 1
        assert found.why.endswith("commitment")


@both
def test_without_the_head_a_cut_end_cannot_be_seen_and_with_it_it_is(which: str) -> None:
    rows, verify, head = CHAINS[which]
    assert verify(rows[:-1]).ok
    assert verify(rows[:-1], head=head) == (LENGTH - 1, LENGTH, "chain.head")
    assert verify([], head=head) == (0, 1, "chain.head")
    assert verify([row._replace(data=b"\xff{") for row in rows]).bad_sequence == 1


MARKERS = [f"Marker-{number}-Ünïque" for number in range(5)]


def five() -> tuple[Cloud, Device]:
    """One operation over five children, each with a note that would be found."""
    cloud = Cloud()
    device = Device("desk", cloud)
    items = tuple(toy.Item(child(number), "present", MARKERS[number]) for number in range(5))
    device.bus.submit(enrol(0, name=MARKERS[0] + " name"), STAFF)
    device.bus.submit(toy.Rename(child=child(0), name=MARKERS[0] + " renamed"), STAFF)
    device.bus.submit(toy.MarkPresence(house="north", items=items), STAFF)
    device.sync()
    return cloud, device


def stored(cloud: MemoryCloud, sealer: Sealer) -> list[bytes]:
    """Every byte of the log that a store would write, parts sealed."""
    found: list[bytes] = []
    for ledger in cloud.ledgers:
        found += [ledger.data, ledger.link_data]
        for kind, parts in (("operation", ledger.parts), ("changes", ledger.change_parts)):
            found += sealer.seal(parts, f"{kind}/{ledger.link.operation}").values()
    return found


def test_one_child_of_five_is_erased_and_nothing_else_changes() -> None:
    cloud, _ = five()
    ring = Ring()
    sealer = Sealer(ring, seeded("seal"))
    ledgers = cloud.backend.ledgers
    boxes = [sealer.seal(ledger.parts, str(n)) for n, ledger in enumerate(ledgers)]
    changed = [sealer.seal(ledger.change_parts, str(n)) for n, ledger in enumerate(ledgers)]
    ring.keys[child(0)] = None
    opened = [sealer.open(box, str(n)) for n, box in enumerate(boxes)]
    changes = [sealer.open(box, str(n)) for n, box in enumerate(changed)]

    kept = join_parts(opened[2])["items"]
    assert [item.get("note") for item in kept] == [None, *MARKERS[1:]]
    assert [item["child"] for item in kept] == [child(number) for number in range(5)]
    rows = [ChainRow(n, ledger.data, parts) for n, (ledger, parts) in enumerate(zip(ledgers, opened, strict=True), 1)]
    assert verify_device(rows, head=ledgers[-1].link.envelope) == (3, None, "")
    links = [ChainRow(n, le.link_data, parts) for n, (le, parts) in enumerate(zip(ledgers, changes, strict=True), 1)]
    assert verify_studio(links, head=ledgers[-1].link_hash) == (3, None, "")
    logged = [change for parts in changes for change in join_changes(parts)]
    assert MARKERS[0] not in repr(logged)
    assert all(marker in repr(logged) for marker in MARKERS[1:])

    every_byte = b"\0".join(
        [*stored(cloud.backend, sealer), *(part for parts in opened + changes for part in parts.values())]
    )
    assert every_byte.count(MARKERS[0].encode()) == 0
    assert json.dumps(MARKERS[0]).encode().strip(b'"') not in every_byte


def test_what_is_sealed_shows_no_marker_before_anybody_is_erased() -> None:
    cloud, _ = five()
    every_byte = b"\0".join(stored(cloud.backend, Sealer(Ring(), seeded("seal"))))
    assert not any(marker.encode() in every_byte for marker in MARKERS)


def test_a_salt_keeps_a_guess_from_being_checked() -> None:
    one, two = five()[0].backend.ledgers[2], five()[0].backend.ledgers[2]
    again = Cloud()
    device = Device("other", again)
    items = tuple(toy.Item(child(number), "present", MARKERS[number]) for number in range(5))
    device.bus.submit(toy.MarkPresence(house="north", items=items), STAFF)
    device.sync()
    assert one.link_hash == two.link_hash
    assert not set(dict(one.link.changes).values()) & set(dict(again.backend.ledgers[0].link.changes).values())


def test_a_seal_is_bound_to_its_place_and_to_its_subject() -> None:
    sealer = Sealer(Ring(), seeded("seal"))
    box = sealer.seal({"": b"open", "a": b"secret", "b": b"other"}, "here")
    assert box[""] == b"open"
    assert sealer.open(box, "here") == {"": b"open", "a": b"secret", "b": b"other"}
    for wrong, context in (
        ({"a": box["a"]}, "there"),
        ({"b": box["a"]}, "here"),
        ({"a": box["a"][:-1]}, "here"),
        ({"a": b""}, "here"),
        ({"a": box["a"][:12] + bytes([box["a"][12] ^ 1]) + box["a"][13:]}, "here"),
    ):
        with pytest.raises(BadInput):
            sealer.open(wrong, context)


def test_a_destroyed_key_seals_nothing_and_opens_nothing() -> None:
    ring = Ring()
    sealer = Sealer(ring, seeded("seal"))
    box = sealer.seal({"": b"open", "a": b"secret"}, "here")
    ring.keys["a"] = None
    assert sealer.open(box, "here") == {"": b"open"}
    assert sealer.seal({"": b"open", "a": b"secret"}, "here") == {"": b"open"}


def test_a_value_before_belongs_to_whom_it_was_about_before() -> None:
    """A note that moves from one child to another: erasing the first leaves none of its words under the second."""
    id = toy.presence_id(child(0))
    change = Change(
        kind="presence", id=id,
        before={"child": child(0), "marks": [{"order": [1, "d", 1], "state": "x", "note": "of the first"}]},
        after={"child": child(1), "marks": [{"order": [1, "d", 1], "state": "x", "note": "of the second"}]},
        scope="roster/north",
        body=json.dumps({"id": id, "house": "north", "child": child(1), "marks": [{"note": "of the second"}]}).encode(),
    )  # fmt: skip
    parts = change_parts([change], toy.registry().records, seeded("x"))
    assert b"of the first" in parts[child(0)]
    assert b"of the first" not in parts[child(1)] + parts[""]
    assert b"of the second" not in parts[child(0)] + parts[""]
    (again,) = join_changes(parts)
    assert (again.before, again.after) == (change.before, change.after)


def test_a_deleted_record_stays_somebodys() -> None:
    change = Change(
        kind="child", id=child(0), before={"id": child(0), "house": "north", "name": "Ana"}, after=None,
        scope="families/north", left="families/north",
    )  # fmt: skip
    parts = change_parts([change], toy.registry().records, seeded("x"))
    assert b"Ana" not in parts[""]
    assert b"Ana" in parts[child(0)]
    assert join_changes(parts) == (change,)


def test_a_link_names_what_came() -> None:
    cloud, device = five()
    for ledger, entry in zip(cloud.backend.ledgers, device.backend.log, strict=True):
        assert ledger.link.envelope == read_envelope(ledger.data, ledger.parts).hash == entry.hash
        assert studio_hash(ledger.link_data) == ledger.link_hash
