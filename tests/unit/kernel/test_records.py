"""Cutting data along whose it is, and putting it together again."""

import json
from typing import Annotated, Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.envelope import join_parts, make_parts
from classtap_core.kernel.errors import BadInput, ProgramFault
from classtap_core.kernel.records import OPEN, Index, Record, about, join, plain, plan, split
from classtap_core.kernel.tx import order_key
from tests.unit.kernel.rig import seeded

texts = st.text(max_size=6)
ids = st.integers(0, 5).map(lambda number: f"{number:032x}")


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    child: str
    state: str
    note: Annotated[str, about("child")] = ""
    allergy: Annotated[tuple[str, ...], about("child")] = ()


class Letter(msgspec.Struct, frozen=True, omit_defaults=True):
    family: str
    guardian: str | None
    phone: Annotated[str, about("guardian")]
    lines: tuple[Line, ...]
    title: str = ""


lines = st.builds(Line, child=ids, state=texts, note=texts, allergy=st.lists(texts, max_size=2).map(tuple))
letters = st.builds(
    Letter, family=ids, guardian=ids | st.none(), phone=texts, lines=st.lists(lines, max_size=5).map(tuple), title=texts
)


@given(letters)
def test_split_and_join_are_inverse(letter: Letter) -> None:
    data = plain(letter)
    assert join(split(Letter, data)) == data
    parts = make_parts(Letter, data, seeded("x"))
    assert msgspec.convert(join_parts(parts), Letter) == letter


@given(letters)
def test_the_open_part_holds_nothing_of_anybody(letter: Letter) -> None:
    parts = split(Letter, plain(letter))
    kept = names_in(parts[OPEN])
    assert "family" in kept
    for line in letter.lines:
        assert not {"note", "allergy"} & kept
        if line.note:
            assert line.note in parts[line.child].values()
    assert ("phone" in kept) is (letter.guardian is None)


def names_in(value: Any) -> set[str]:
    """Every member's name, at any depth."""
    if isinstance(value, dict):
        return {*value, *(name for one in value.values() for name in names_in(one))}
    return {name for one in value for name in names_in(one)} if isinstance(value, list | tuple) else set()


@given(letters, ids)
def test_without_one_persons_part_the_others_stand(letter: Letter, erased: str) -> None:
    parts = split(Letter, plain(letter))
    parts.pop(erased, None)
    whole = join(parts)
    assert [line["child"] for line in whole["lines"]] == [line.child for line in letter.lines]
    for was, line in zip(letter.lines, whole["lines"], strict=True):
        if was.child != erased:
            assert line == plain(was)
        else:
            assert set(line) <= {"child", "state"}


def test_every_part_has_its_own_salt() -> None:
    parts = make_parts(Letter, plain(Letter("f", "g", "1", (Line("a", "s", "n"), Line("b", "s", "n")))), seeded("x"))
    salts = [json.loads(part)["salt"] for part in parts.values()]
    assert len(set(salts)) == 4
    assert all(len(salt) == 32 for salt in salts)


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"x": b'{"salt":"","values":{}}'},
        {OPEN: b"[]"},
        {OPEN: b'{"salt":"","values":[]}'},
        {OPEN: b'{"salt":"","values":{"":[]}}'},
        {OPEN: b'{"salt":"","values":{"":{"lines":[]}}}', "x": b'{"salt":"","values":{"lines/0/note":"n"}}'},
        {OPEN: b'{"salt":"","values":{"":{"lines":[]}}}', "x": b'{"salt":"","values":{"lines/a/note":"n"}}'},
        {OPEN: b'{"salt":"","values":{"":{}}}', "x": b'{"salt":"","values":{"lines/0/note":"n"}}'},
    ],
)
def test_parts_that_do_not_fit_are_refused(parts: dict[str, bytes]) -> None:
    with pytest.raises(BadInput):
        join_parts(parts)


class Inner(msgspec.Struct, frozen=True):
    child: str
    note: Annotated[str, about("child")]


class Outer(msgspec.Struct, frozen=True):
    inners: tuple[Inner, ...]


def _struct(hint: Any) -> type[msgspec.Struct]:
    return msgspec.defstruct("Wrong", [("child", str), ("field", hint)])


@pytest.mark.parametrize(
    "hint",
    [
        Annotated[str, about("child")] | None,
        Inner,
        Inner | None,
        list[Inner],
        dict[str, Inner],
        tuple[Inner, ...] | None,
        tuple[Outer, ...],
        Outer,
        dict[str, Annotated[str, about("child")]],
    ],
)
def test_a_mark_that_would_be_overlooked_is_a_fault(hint: Any) -> None:
    with pytest.raises(ProgramFault):
        plan(_struct(hint))


def test_marks_that_are_seen() -> None:
    assert [whose and whose.subject for _, whose, _ in plan(_struct(Annotated[str | None, about("child")]))] == [
        None,
        "child",
    ]


class Shelf(Record, frozen=True, kw_only=True):
    KIND: ClassVar[str] = "shelf"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_room", ("room", "row")),)

    room: str
    row: int | None = None
    tags: frozenset[str] = frozenset()


@given(st.lists(st.tuples(texts, st.none() | st.integers(), ids)))
def test_an_index_orders_by_the_bytes_of_its_fields(rows: list[tuple[str, int | None, str]]) -> None:
    shelves = [Shelf(id=id, room=room, row=row) for room, row, id in rows]  # type: ignore[arg-type]
    shelves.sort(key=lambda shelf: order_key(Shelf.INDEXES[0], shelf))
    expected = sorted(rows, key=lambda row: (row[0].encode(), row[1] is not None, row[1] or 0, row[2]))
    assert [(shelf.room, shelf.row, shelf.id) for shelf in shelves] == expected


@given(st.frozensets(texts, max_size=6))
def test_plain_data_is_what_json_gives_back(tags: frozenset[str]) -> None:
    data = plain(Shelf(id="0" * 32, room="r", tags=tags))  # type: ignore[arg-type]
    assert data == json.loads(json.dumps(data))
    assert data.get("tags", []) == sorted(tags)
