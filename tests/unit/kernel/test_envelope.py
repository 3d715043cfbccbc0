"""The envelope's door: what is let in, and that nothing in it can be touched."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.canonical import canonical
from classtap_core.kernel.clock import Timestamp
from classtap_core.kernel.envelope import (
    GENESIS,
    Author,
    Basis,
    Envelope,
    GateResult,
    Sealed,
    batch_statement,
    commitments,
    link_hash,
    make_parts,
    read,
    write,
)
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import derived
from classtap_core.kernel.records import plain
from tests.unit.kernel import toy
from tests.unit.kernel.rig import STAFF, STUDIO, child, mark, seeded

PARTS = make_parts(toy.MarkPresence, plain(mark(0, 1, 2, note="n")), seeded("envelope"))


def envelope(**fields: object) -> Envelope:
    said: dict[str, object] = {
        "v": 1, "kind": "toy.mark", "version": 1, "studio": STUDIO, "device": derived("device"), "epoch": 1,
        "sequence": 1, "previous": GENESIS, "id": derived("operation"), "author": STAFF,
        "at": Timestamp(wall=1_790_000_000_000, mono=5, boot="b", offset=3, uncertainty=4),
        "payload": commitments(PARTS),
    }  # fmt: skip
    return Envelope(**{**said, **fields})  # type: ignore[arg-type]


SEALED = write(envelope(), PARTS)


def code(data: bytes, parts: dict[str, bytes] | None = None) -> str:
    with pytest.raises(BadInput) as refusal:
        read(data, PARTS if parts is None else parts)
    return refusal.value.code


def test_what_was_written_is_read() -> None:
    assert read(SEALED.data, PARTS) == SEALED
    assert canonical(json.loads(SEALED.data)) == SEALED.data


def test_no_byte_can_be_changed_and_keep_the_hash() -> None:
    """A changed byte is refused, or makes another envelope that the signed chain does not hold."""
    hashes = set()
    for place in range(len(SEALED.data)):
        for flip in (0x01, 0x02, 0x20, 0x80):
            data = bytearray(SEALED.data)
            data[place] ^= flip
            try:
                hashes.add(read(bytes(data), PARTS).hash)
            except BadInput:
                continue
    assert SEALED.hash not in hashes


@pytest.mark.parametrize("subject", sorted(PARTS))
def test_no_byte_of_a_part_can_be_changed(subject: str) -> None:
    part = PARTS[subject]
    for place in range(len(part)):
        changed = part[:place] + bytes([part[place] ^ 1]) + part[place + 1 :]
        assert code(SEALED.data, {**PARTS, subject: changed}) == "envelope.commitment"


@pytest.mark.parametrize("subject", sorted(PARTS))
def test_a_missing_part_is_an_erased_one(subject: str) -> None:
    rest = {other: part for other, part in PARTS.items() if other != subject}
    assert read(SEALED.data, rest).hash == SEALED.hash


def test_parts_that_are_not_those_it_commits_to() -> None:
    assert code(SEALED.data, {**PARTS, child(9): b"{}"}) == "envelope.commitment"
    first, second = child(0), child(1)
    assert code(SEALED.data, {**PARTS, first: PARTS[second], second: PARTS[first]}) == "envelope.commitment"


def test_fields_of_a_later_version_stay_in_the_bytes() -> None:
    later = json.loads(SEALED.data) | {"weather": {"é": [1, None]}, "zzz": "new"}
    later["author"]["mood"] = "good"
    data = canonical(later)
    sealed = read(data, PARTS)
    assert sealed.data == data
    assert sealed.hash == link_hash(data)
    assert sealed.envelope == SEALED.envelope


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "envelope.malformed"),
        (b"{}", "envelope.malformed"),
        (b"[]", "envelope.malformed"),
        (SEALED.data[:-1], "envelope.malformed"),
        (SEALED.data + b" ", "envelope.not_canonical"),
        (b" " + SEALED.data, "envelope.not_canonical"),
        (SEALED.data.replace(b'"v":1', b'"v": 1'), "envelope.not_canonical"),
        (SEALED.data.replace(b'"v":1', b'"v":1,"v":1'), "envelope.not_canonical"),
        (SEALED.data.replace(b"toy.mark", b"toy\\u002emark"), "envelope.not_canonical"),
        (SEALED.data.replace(b'"v":1', b'"v":2'), "envelope.format"),
        (SEALED.data.replace(b'"sequence":1', b'"sequence":1.0'), "envelope.malformed"),
        (SEALED.data.replace(b'"v":1', b'"v":1,"zzz":1.5'), "canonical.type"),
        (SEALED.data.replace(b'"v":1', b'"v":1,"zzz":9007199254740992'), "canonical.integer"),
        (SEALED.data.replace(b"toy.mark", b"toy\xffmark"), "envelope.malformed"),
        (b'{"v":' + b"[" * 200_000, "envelope.malformed"),
        (SEALED.data.replace(b'"v":1', b'"v":1,"zzz":' + b"[" * 100_000 + b"]" * 100_000), "envelope.malformed"),
    ],
)
def test_what_is_no_envelope(data: bytes, expected: str) -> None:
    assert code(data) == expected


@pytest.mark.parametrize("field", ["studio", "device", "id"])
@pytest.mark.parametrize("value", ["", "../../etc/passwd", "A" * 32, "0" * 33])
def test_ids_have_the_shape_of_ids(field: str, value: str) -> None:
    assert code(write(envelope(**{field: value}), PARTS).data) == "envelope.malformed"


def test_one_subject_has_one_commitment() -> None:
    twice = (*commitments(PARTS), (child(0), "0" * 64))
    assert code(write(envelope(payload=twice), {}).data) == "envelope.payload"


def test_what_cannot_be_written_canonically_is_refused_at_the_author() -> None:
    for wrong in (
        {"source": "\ud800"},
        {"sequence": 2**53},
        {"gates": (GateResult("g", "i", "allow", "", {"n": -(2**53)}),)},
    ):
        with pytest.raises(BadInput):
            write(envelope(**wrong), PARTS)


names = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\ufb33\U0001f600\x7f\u2028"), max_size=6)


@given(
    versions=st.dictionaries(names, names, max_size=4),
    params=st.dictionaries(names, names | st.integers(-(2**53) + 1, 2**53 - 1), max_size=4),
    source=names,
    wall=st.integers(-(2**53) + 1, 2**53 - 1),
)
def test_whatever_is_written_can_be_read(
    versions: dict[str, str], params: dict[str, str | int], source: str, wall: int
) -> None:
    made = write(
        envelope(
            source=source, at=Timestamp(wall=wall, mono=0, boot=source), basis=Basis(versions=versions),
            gates=(GateResult("gate", child(0), "warn", "code", params),),
            author=Author(type="guardian", id=child(3), proof=source),
        ),
        PARTS,
    )  # fmt: skip
    assert read(made.data, PARTS) == Sealed(made.envelope, made.data, made.hash, PARTS)


def test_the_batch_statement() -> None:
    said = batch_statement(studio=STUDIO, device=derived("device"), epoch=2, last_sequence=17, last_hash="ab")
    assert said == (
        b'CTB1{"device":"' + derived("device").encode() + b'","epoch":2,"hash":"ab","sequence":17,"studio":"'
        + STUDIO.encode() + b'"}'
    )  # fmt: skip
