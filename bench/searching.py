"""People looked for among 50,000 with real names of thirty countries, beside a plain LIKE over the same rows."""

import random
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
from faker import Faker

from bench.claims import Claim, claim, percentile
from classtap_core import house
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.ids import derived
from classtap_core.kernel.records import Record
from classtap_core.people.records import Child, Contact
from classtap_core.store.reader import StoreReader
from classtap_core.store.store import Store

RUNS = 1
CHILDREN, GUARDIANS, ASKED = 30_000, 20_000, 400
COUNTRIES = [
    "en_US",
    "en_GB",
    "de_DE",
    "es_ES",
    "fr_FR",
    "it_IT",
    "pl_PL",
    "pt_BR",
    "tr_TR",
    "sv_SE",
    "no_NO",
    "cs_CZ",
    "hu_HU",
    "ro_RO",
    "vi_VN",
    "nl_NL",
    "ru_RU",
    "uk_UA",
    "bg_BG",
    "el_GR",
    "ar_AA",
    "ar_EG",
    "fa_IR",
    "he_IL",
    "zh_CN",
    "ja_JP",
    "ko_KR",
    "hi_IN",
    "th_TH",
    "ka_GE",
    "hy_AM",
]
BESIDE = "LIKE over the same rows, one word, names alone, in the same store"


class Person(NamedTuple):
    """A name, and a number of which only guardians have one."""

    given: str
    surname: str
    phone: str


@cache
def people() -> tuple[Person, ...]:
    """The same every time: each fourth from a country that does not write in Latin letters."""
    pick, makers = random.Random(1), [Faker(country) for country in COUNTRIES]
    for number, maker in enumerate(makers):
        maker.seed_instance(number)
    found = []
    for _ in range(CHILDREN + GUARDIANS):
        maker = pick.choice(makers)
        phone = f"+{pick.choice((1, 7, 34, 44, 49, 972))} {pick.randrange(10**8, 10**9)}"
        found.append(Person(maker.first_name(), maker.last_name(), phone))
    return tuple(found)


def run() -> list[Claim]:
    """One run."""
    with tempfile.TemporaryDirectory(dir=".") as place:
        folder = Path(place) / "desk"
        registry = house.registry()
        with Store.create(folder, registry, program="bench", studio=derived("s"), device=derived("d")) as store:
            _fill(store)
            asked = list(_asked())
            with store.reader() as reader:
                reader.search("warm")
                took = [_timed(reader, text) for text in asked]
                plain = [_like(reader, text) for text in asked]
    return [
        claim("search.50000_people.p95_ms", percentile(took, 95), goal=30.0, beside=(BESIDE, percentile(plain, 95))),
        claim("search.50000_people.p50_ms", percentile(took, 50), beside=(BESIDE, percentile(plain, 50))),
    ]


def _fill(store: Store) -> None:
    def row(record: Record) -> Pulled:
        return Pulled(record.KIND, record.id, record.scope(), msgspec.json.encode(record))

    home = derived("home")
    rows = []
    for number, one in enumerate(people()):
        family = derived("family", str(number // 2))
        if number < CHILDREN:
            child = Child(
                id=derived("child", str(number)), family=family, home=home, given=one.given, surname=one.surname
            )
            rows.append(row(child))
        else:
            name, email = f"{one.given} {one.surname}", f"p{number}@example.org"
            rows.append(
                row(
                    Contact(
                        id=derived("contact", str(number)), family=family, home=home, relation="mother", name=name,
                        phone=one.phone, email=email,
                    )
                )
            )  # fmt: skip
    for start in range(0, len(rows), 2_000):
        store.call(lambda start=start: _put(store, rows[start : start + 2_000]))  # type: ignore[misc]


def _put(store: Store, rows: list[Pulled]) -> None:
    with store.device.atomic():
        store.device.put_base(rows)


def _asked() -> Iterator[str]:
    """What people type: beginnings of one to three letters, names, both words, parts, slips, digits."""
    pick = random.Random(2)
    for number in range(ASKED):
        one = pick.choice(people())
        word = pick.choice((one.given, one.surname))
        at = pick.randrange(len(word))
        yield (
            word[:1], word[:2], word[:3], word, f"{one.given} {one.surname}", word[1:4] or word,
            word[:at] + pick.choice("aeiourstnl") + word[at + 1 :], f"{one.surname[:3]} {one.given[:2]}", one.phone[-5:],
        )[number % 9]  # fmt: skip


def _timed(reader: StoreReader, text: str) -> float:
    began = time.perf_counter()
    reader.search(text)
    return (time.perf_counter() - began) * 1_000


def _like(reader: StoreReader, text: str) -> float:
    """A scan that knows neither accents nor scripts, slips, several words or an order."""
    began = time.perf_counter()
    asked = f"%{text.split()[0].lower()}%"
    reader.conn.execute("SELECT kind, id FROM searchable WHERE words LIKE ? LIMIT 20", (asked,)).fetchall()
    return (time.perf_counter() - began) * 1_000
