"""Finding entries: whatever is asked, pages put together are what a plain loop over every entry finds, newest first."""

from collections.abc import Callable, Iterator
from random import Random

import pytest
import sqlcipher3
from msgspec.structs import replace

from classtap_core.auditing import finding
from classtap_core.auditing.finding import Query, Spot, find, terms_meant
from classtap_core.auditing.records import AuditStream, Hold, stream_id
from classtap_core.auditing.rules import cutoffs, stream_of
from classtap_core.auditing.terms import BY, DEVICE, KIND, ON, WORD, places_of, terms_of, words_in
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.store.engine import database
from classtap_core.store.trail import Trail, create
from tests.unit.auditing.entries import envelope

PEOPLE = [f"{number:032x}" for number in range(4)]
DEVICES = [f"{number:032x}" for number in range(100, 103)]
KINDS = ["attendance.mark", "room.add", "grant.give"]
WORDS = ["ballet", "ballroom", "judo", "öffnung"]

Entries = list[tuple[Spot, frozenset[str]]]


@pytest.fixture
def entries() -> Entries:
    dice = Random(5)
    found = []
    for sequence in range(1, 400):
        terms = {"every", BY + dice.choice(PEOPLE), ON + dice.choice(PEOPLE), DEVICE + dice.choice(DEVICES)}
        terms |= {KIND + dice.choice(KINDS), *(WORD + word for word in dice.sample(WORDS, 2))}
        found.append((Spot(1_000 + dice.randrange(200) * 10, sequence), frozenset(terms)))
    return found


@pytest.fixture
def trail(entries: Entries) -> Iterator[Trail]:
    conn = sqlcipher3.connect(":memory:", isolation_level=None)
    create(database(conn))
    names = sorted({term for _, terms in entries for term in terms})
    conn.executemany("INSERT INTO trail_name (number, name) VALUES (?, ?)", list(enumerate(names, 1)))
    number = {name: at for at, name in enumerate(names, 1)}
    conn.executemany(
        "INSERT INTO trail VALUES (?, ?, ?)", [(number[term], *spot) for spot, terms in entries for term in terms]
    )
    yield Trail(conn)
    conn.close()


def plainly(entries: Entries, query: Query) -> list[Spot]:
    """Every entry looked at, one by one."""

    def fits(spot: Spot, terms: frozenset[str]) -> bool:
        wanted: list[Callable[[], bool]] = [
            lambda: not query.person or bool({BY + query.person, ON + query.person} & terms),
            lambda: not query.author or BY + query.author in terms,
            lambda: not query.thing or ON + query.thing in terms,
            lambda: not query.device or DEVICE + query.device in terms,
            lambda: not query.kind or KIND + query.kind in terms,
            lambda: spot.at_ms >= query.since_ms and (not query.until_ms or spot.at_ms < query.until_ms),
            lambda: all(
                any(term.startswith(WORD) and word in term[len(WORD) :] for term in terms)
                or bool(set(query.meanings.get(word, ())) & terms)
                for word in words_in(query.text)
            ),
        ]
        return all(one() for one in wanted)

    return sorted((spot for spot, terms in entries if fits(spot, terms)), reverse=True)


def turned(trail: Trail, query: Query) -> list[Spot]:
    """All pages."""
    found: list[Spot] = []
    after = ""
    while True:
        page = find(
            trail, Query(**{**{name: getattr(query, name) for name in query.__struct_fields__}, "after": after})
        )
        assert len(page.spots) <= query.most
        found += page.spots
        if not page.next:
            return found
        after = page.next


QUERIES = [
    Query(most=7),
    Query(person=PEOPLE[0], most=5),
    Query(author=PEOPLE[1], thing=PEOPLE[2], device=DEVICES[0]),
    Query(kind="room.add", since_ms=1_500, until_ms=2_500, most=3),
    Query(text="ball", most=9),
    Query(text="Öffn judo"),
    Query(text="who", meanings={"who": (BY + PEOPLE[3],)}, device=DEVICES[1], most=4),
    Query(text="nothing"),
    Query(person="f" * 32),
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("budget", [20_000, 11])
def test_pages_are_what_a_loop_finds(
    trail: Trail, entries: Entries, query: Query, budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "BUDGET", budget)
    assert turned(trail, query) == plainly(entries, query)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (Query(text="a"), "audit.text"),
        (Query(text="x" * 65), "audit.text"),
        (Query(text="--"), "audit.text"),
        (Query(most=101), "audit.most"),
        (Query(after="here"), "audit.after"),
        (Query(after=f"{'1' * 5_000}.1"), "audit.after"),
        (Query(after=f"1.{2**63}"), "audit.after"),
    ],
)
def test_what_is_no_question_is_refused(trail: Trail, query: Query, code: str) -> None:
    with pytest.raises(BadInput, match=code):
        find(trail, query)


def test_terms_are_ids_and_words_that_are_nobodys() -> None:
    one = envelope("room.add", subjects=("", PEOPLE[0]))
    changed = {"kind": "room", "id": PEOPLE[1], "scope": f"roster/{PEOPLE[3]}/2026-11-21"}
    found = terms_of(one, {"room": PEOPLE[1], "name": "Öffnungs-Saal", "capacity": 12}, [changed])
    assert {f"on:{PEOPLE[0]}", f"on:{PEOPLE[1]}", f"in:{PEOPLE[3]}", f"by:{one.author.id}"} <= found
    assert {term for term in found if term.startswith("word:")} == {"word:offnungs", "word:saal"}


def test_what_a_reader_means_by_a_word() -> None:
    """A word of an operation's sentence in their language, or somebody's name."""
    kinds = {"room.add": "hat einen Raum eingerichtet", "pass.issue": "hat einen Pass ausgestellt"}
    found = terms_meant("Raum Anna", kinds, {"anna": [PEOPLE[0]]})
    assert found == {"raum": (KIND + "room.add",), "anna": (BY + PEOPLE[0], ON + PEOPLE[0])}


def test_terms_of_everything_that_can_stand_in_a_payload() -> None:
    """Ids in lists and as keys, what caused it, places once; long texts are nobody's words."""
    one = replace(envelope("room.add"), cause=PEOPLE[2])
    said = {PEOPLE[0]: ["short word", PEOPLE[1]], "text": "long " * 99, "n": 1, "none": None}
    scopes = [f"roster/{PEOPLE[3]}/2026-11-21", f"families/{PEOPLE[3]}", "studio"]
    found = terms_of(one, said, [{"id": PEOPLE[3], "scope": scope} for scope in scopes])
    assert {ON + person for person in PEOPLE} <= found
    assert {term for term in found if term.startswith(WORD)} == {WORD + "short", WORD + "word"}
    assert places_of(scopes) == (PEOPLE[3],)


def test_each_stream_goes_when_its_time_is_over_and_not_while_it_is_held() -> None:
    """2026-11-21 less 30 days, less the default of 365 for scans; a hold that was lifted no longer holds."""
    day, now = 86_400_000, 1_795_248_000_000
    hold = Hold(Id("1" * 32), Id("2" * 32), now, "court")
    said = [
        AuditStream(id=stream_id("bookings"), name="bookings", days=30),
        AuditStream(id=stream_id("health"), name="health", holds=(hold,)),
        AuditStream(id=stream_id("access"), name="access", holds=(hold,), lifted=(hold.id,)),
    ]
    found = cutoffs(said, now)
    assert found["bookings"] == now - 30 * day
    assert found["scans"] == now - 365 * day
    assert found["access"] == now - 2_555 * day
    assert "health" not in found
    assert stream_of("child.health") == "health"
    assert stream_of("child.edit") == "families"
    assert stream_of("nobody.knows") == "studio"
