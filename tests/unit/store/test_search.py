"""Finding people in the store: the index follows the rows, holds nothing of who is gone, and agrees with the judgement."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Registry
from classtap_core.kernel.records import Record, Sensitivity, about
from classtap_core.naming.matching import Asked, How, fit
from classtap_core.store import search
from classtap_core.store.device import SqlDevice
from tests.unit.store.conftest import DEVICE, KEY, STUDIO


class Family(Record, frozen=True, kw_only=True):
    KIND: ClassVar[str] = "family"
    PREFIX: ClassVar[str] = "families"
    SEARCH: ClassVar[tuple[str, ...]] = ("name", "also")

    name: Annotated[str, about("id")]
    also: tuple[str, ...] = ()


class Guardian(Record, frozen=True, kw_only=True):
    """Somebody to call."""

    KIND: ClassVar[str] = "guardian"
    PREFIX: ClassVar[str] = "contact"
    SEARCH: ClassVar[tuple[str, ...]] = ("name", "phone", "email")

    name: Annotated[str, about("id")]
    phone: Annotated[str, about("id", Sensitivity.CONTACT)] = ""
    email: Annotated[str, about("id", Sensitivity.CONTACT)] = ""


NAMES = (
    "Ångström", "Łukasz Żak", "García Márquez", "Nguyễn Thị Ánh", "Straße", "O'Brien-Smith", "王小明", "たなか さくら",
    "김민준", "Иванов Пётр", "محمد علي", "שָׁלוֹם כהן", "आयुष शर्मा", "Þóra Ægisdóttir", "İpek Yılmaz", "สมชาย ใจดี",
)  # fmt: skip


@pytest.fixture
def people(data_dir: Path) -> Iterator[SqlDevice]:
    device = SqlDevice.create(
        data_dir / "store.db", KEY, Registry([type("rooms", (), {"Family": Family, "Guardian": Guardian})]), studio=STUDIO, device=DEVICE  # type: ignore[list-item]
    )  # fmt: skip
    device.put_base([family(name) for name in NAMES])
    yield device
    device.close()


def family(name: str, *also: str) -> Pulled:
    record = Family(id=family_id(name), name=name, also=also)
    return Pulled("family", record.id, "families/x", msgspec.json.encode(record))


def family_id(name: str) -> Id:
    return derived("family", name)


def guardian(name: str, phone: str = "", email: str = "") -> Pulled:
    record = Guardian(id=derived("guardian", name), name=name, phone=phone, email=email)
    return Pulled("guardian", record.id, "contact/x", msgspec.json.encode(record))


def names(device: SqlDevice, text: str, most: int = search.MOST) -> list[str]:
    return [msgspec.json.decode(found.row.body)["name"] for found in device.search(text, most=most)]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("angstrom", "Ångström"), ("ÅNG", "Ångström"), ("żak łu", "Łukasz Żak"), ("ZAK", "Łukasz Żak"),
        ("garcia mar", "García Márquez"), ("nguyen anh", "Nguyễn Thị Ánh"), ("strasse", "Straße"),
        ("brien", "O'Brien-Smith"), ("SMITH o", "O'Brien-Smith"), ("王", "王小明"), ("小明", "王小明"), ("明", "王小明"),
        ("さく", "たなか さくら"), ("김", "김민준"), ("김민", "김민준"), ("ИВАНОВ", "Иванов Пётр"), ("петр", "Иванов Пётр"),
        ("محمد", "محمد علي"), ("שלום", "שָׁלוֹם כהן"), ("आयुष", "आयुष शर्मा"), ("शर्", "आयुष शर्मा"),
        ("ægis", "Þóra Ægisdóttir"), ("ipek", "İpek Yılmaz"), ("สมชาย", "สมชาย ใจดี"),
        ("Ａｎｇ", "Ångström"), ("angstroem", "Ångström"), ("rcia", "García Márquez"), ("garsia", "García Márquez"),
        ("ivanov", "Иванов Пётр"), ("pyotr iv", "Иванов Пётр"), ("mohammed", "محمد علي"), ("cohen", "שָׁלוֹם כהן"),
        ("wang xiaoming", "王小明"), ("obrien", "O'Brien-Smith"), ("angstorm", "Ångström"), ("zzz", None), ("marquez x", None),
    ],
)  # fmt: skip
def test_names_are_found(people: SqlDevice, typed: str, found: str | None) -> None:
    assert names(people, typed)[:1] == ([found] if found else [])


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


def test_no_word_of_who_is_gone_is_kept(people: SqlDevice) -> None:
    people.put_base([guardian("Quimby Lee", "+44 20 7946 0958", "quimby@example.org"), family("Lee")])
    assert kept_words(people) >= {"quimby", "lee"}
    people.put_base([guardian("Quimby Lee")])
    assert people.conn.execute("SELECT count(*) FROM search_reach").fetchone() == (0,)
    people.put_base([guardian("Quimby Lee", "+44 20 7946 0958", "quimby@example.org")])
    people.erase(derived("guardian", "Quimby Lee"))
    assert "quimby" not in kept_words(people)
    assert "lee" in kept_words(people), "another has that name"
    assert people.search("0958") == people.search("quimby@") == []
    assert people.conn.execute("SELECT count(*) FROM search_reach").fetchone() == (0,)
    for name in NAMES:
        people.put_base([Pulled("family", family_id(name), "families/x", None)])
    people.put_base([Pulled("family", family_id("Lee"), "families/x", None)])
    assert kept_words(people) == set()


def kept_words(device: SqlDevice) -> set[str]:
    return {word for (word,) in device.conn.execute("SELECT word FROM search_word")}


def test_the_best_come_first(people: SqlDevice) -> None:
    given = ["Chloe Adams", "Zoe Poe", "Poe Dameron", "Allan Poe", "Hippoepa", "Пое", "Powe", "Roe"]
    people.put_base([family(name) for name in given])
    assert names(people, "poe") == ["Poe Dameron", "Allan Poe", "Zoe Poe", "Hippoepa", "Пое"], (
        "Powe is three letters off"
    )
    people.put_base([family("Poet Anders"), family("Post Anders")])
    assert names(people, "poet")[0] == "Poet Anders"
    hows = [found.fit.how for found in people.search("poet")]
    assert hows == sorted(hows)
    assert (hows[0], hows[-1]) == (How.BEGINS, How.SLIP)


def test_numbers_and_addresses_find_who_to_call(people: SqlDevice) -> None:
    people.put_base([guardian("Inés", "+1 212-555-0123", "ines.a@example.org"), guardian("Bo", "020 7946 0958")])
    for typed, found in (
        ("0123", ["Inés"]), ("(212) 555", ["Inés"]), ("+44 20 7946 0958", ["Bo"]), ("946 09", ["Bo"]),
        ("example.org", ["Inés"]), ("INES.A@", ["Inés"]), ("ines", ["Inés"]), ("99", []), ("0124", []),
    ):  # fmt: skip
        assert names(people, typed) == found, typed
    assert {mark.field for found in people.search("0123") for mark in found.fit.marks} == {"phone"}


def test_nobody_finds_what_they_may_not_read(people: SqlDevice) -> None:
    people.put_base([guardian("Inés Álvarez", "+1 212-555-0123")])
    assert people.search("0123", kinds=["family"]) == []
    assert people.search("0123", readable=lambda kind, scope: scope != "contact/x") == []
    assert people.search("0123", readable=lambda kind, scope: scope == "contact/x") != []


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlDevice]:
    """Three hundred names of two words, in five scripts."""
    device = SqlDevice.create(
        tmp_path_factory.mktemp("crowd") / "store.db", KEY,
        Registry([type("rooms", (), {"Family": Family})]), studio=STUDIO, device=DEVICE,  # type: ignore[list-item]
    )  # fmt: skip
    device.put_base([family(name) for name in CROWD])
    yield device
    device.close()


CROWD = tuple(
    f"{one} {other}"
    for one, other in zip(
        sorted(
            f"{first}{last}"
            for first in ("Bar", "Ñul", "Čet", "Øst", "Хру", "Жан", "Δημ", "Ψυχ", "خال", "נחמ", "Wil", "Kür", "Zha", "Qoy", "Ędv")
            for last in ("ter", "ов", "ης", "ات", "son", "ый", "ünd", "κος", "im", "ף", "elle", "ica", "onn", "tz", "уля", "éau",
                         "ιώτης", "ova", "لي", "ström")
        ),
        random.Random(5).sample(
            [f"{first}{last}" for first in ("Gar", "Пет", "Παπ", "حسن", "שלו") for last in range(100, 160)], 300
        ),
        strict=True,
    )
)  # fmt: skip


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_the_index_finds_all_that_fit_best(crowd: SqlDevice, data: st.DataObject) -> None:
    """The index is generous and the judgement strict: together they leave out nobody who fits well."""
    name = data.draw(st.sampled_from(CROWD))
    word = data.draw(st.sampled_from(name.split()))
    at = data.draw(st.integers(0, len(word) - 2))
    typed = data.draw(
        st.sampled_from(
            [word[at:], word[: at + 2], word[:at] + "x" + word[at + 1 :], word[:at] + word[at + 1 :], word[:at] + "x" + word[at:],
             word[:at] + word[at + 1] + word[at] + word[at + 2 :], name, " ".join(reversed(name.split()))]
        )
    )  # fmt: skip
    if not typed.strip():
        return
    asked = Asked(typed)
    fits = {one: found.how for one in CROWD if (found := fit(asked, [("name", one)])) is not None}
    found = {msgspec.json.decode(one.row.body)["name"]: one.fit.how for one in crowd.search(typed)}
    assert len(found) == min(len(fits), search.MOST), typed
    worst = max(found.values(), default=How.BEGINS)
    assert {one for one, how in fits.items() if how < worst} <= set(found), typed
    assert all(fits[one] == how for one, how in found.items())
