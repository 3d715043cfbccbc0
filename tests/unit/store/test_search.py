"""Finding a family: whatever the case, the accents and the script, a name is found by how its words begin."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.device import Pulled
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Registry
from classtap_core.kernel.records import Record, about
from classtap_core.store import search
from classtap_core.store.device import SqlDevice
from tests.unit.store.conftest import DEVICE, KEY, STUDIO


class Family(Record, frozen=True, kw_only=True):
    KIND: ClassVar[str] = "family"
    PREFIX: ClassVar[str] = "families"
    SEARCH: ClassVar[tuple[str, ...]] = ("name", "also")

    name: Annotated[str, about("id")]
    also: tuple[str, ...] = ()


NAMES = (
    "Ångström", "Łukasz Żak", "García Márquez", "Nguyễn Thị Ánh", "Straße", "O'Brien-Smith", "王小明", "たなか さくら",
    "김민준", "Иванов Пётр", "محمد علي", "שָׁלוֹם כהן", "आयुष शर्मा", "Þóra Ægisdóttir", "İpek Yılmaz", "สมชาย ใจดี",
)  # fmt: skip


@pytest.fixture
def people(data_dir: Path) -> Iterator[SqlDevice]:
    device = SqlDevice.create(
        data_dir / "store.db", KEY, Registry([type("rooms", (), {"Family": Family})]), studio=STUDIO, device=DEVICE  # type: ignore[list-item]
    )  # fmt: skip
    device.put_base([family(name) for name in NAMES])
    yield device
    device.close()


def family(name: str, *also: str) -> Pulled:
    record = Family(id=family_id(name), name=name, also=also)
    return Pulled("family", record.id, "families/x", msgspec.json.encode(record))


def family_id(name: str) -> Id:
    return derived("family", name)


def names(device: SqlDevice, text: str) -> list[str]:
    return [msgspec.json.decode(row.body)["name"] for row in device.search(text)]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("angstrom", "Ångström"), ("ÅNG", "Ångström"), ("żak łu", "Łukasz Żak"), ("ZAK", "Łukasz Żak"),
        ("garcia mar", "García Márquez"), ("nguyen anh", "Nguyễn Thị Ánh"), ("strasse", "Straße"),
        ("brien", "O'Brien-Smith"), ("SMITH o", "O'Brien-Smith"), ("王", "王小明"), ("小明", "王小明"), ("明", "王小明"),
        ("さく", "たなか さくら"), ("김", "김민준"), ("김민", "김민준"), ("ИВАНОВ", "Иванов Пётр"), ("петр", "Иванов Пётр"),
        ("محمد", "محمد علي"), ("שלום", "שָׁלוֹם כהן"), ("आयुष", "आयुष शर्मा"), ("शर्", "आयुष शर्मा"),
        ("ægis", "Þóra Ægisdóttir"), ("ipek", "İpek Yılmaz"), ("สมชาย", "สมชาย ใจดี"),
        ("Ａｎｇ", "Ångström"), ("angstroem", None), ("rcia", None),
    ],
)  # fmt: skip
def test_names_are_found(people: SqlDevice, typed: str, found: str | None) -> None:
    assert names(people, typed) == ([found] if found else [])


@pytest.mark.parametrize("typed", ["", "  ", "'", '"', "*", "-", "( OR", "^", "a AND", "NEAR(", "\x00", "😀"])
def test_anything_can_be_typed(people: SqlDevice, typed: str) -> None:
    assert isinstance(people.search(typed), list)


def test_at_most_twenty_in_the_order_of_their_words(people: SqlDevice) -> None:
    many = [f"Zeta {number:02}" for number in range(40)]
    people.put_base([family(name) for name in reversed(many)])
    assert names(people, "zeta") == many[:20]
    assert len(people.search("zeta", most=3)) == 3
    assert len(people.search("zeta", most=500)) == search.MOST


def test_the_index_follows_the_rows(people: SqlDevice) -> None:
    people.put_base([family("Ångström", "Quimby")])
    assert names(people, "quim ang") == ["Ångström"]
    people.put_base([family("Ångström")])
    assert names(people, "quim") == []
    people.put_base([Pulled("family", family_id("Ångström"), "families/x", None)])
    assert names(people, "ang") == []
    assert people.search("王", kinds=["family"]) != []
    assert people.search("王", kinds=["staff"]) == []
    people.hold(["families/*"])
    people.release_scopes(["families/*"])
    assert people.search("王") == []
    assert people.conn.execute("SELECT count(*) FROM searchable").fetchone() == (0,)


def test_who_was_erased_is_in_no_index(people: SqlDevice) -> None:
    """FTS5 keeps the words of deleted rows unless told otherwise."""
    people.erase(family_id("García Márquez"))
    assert people.search("garcia") == []
    shadow = [repr(people.conn.execute(f"SELECT * FROM searchable_fts_{part}").fetchall()) for part in ("data", "idx")]
    assert not any("garcia" in rows or "marquez" in rows for rows in shadow)


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_text_folds_as_accented_text_does(text: str) -> None:
    assert f"{search.folded(text)} e".strip() == search.folded(f"{text} é")
