"""Versions of a document: which is in force, which signature still does. Dates of catalogue 13; JSON by RFC 8785."""

import hashlib
import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from classtap_core.documents import rules
from classtap_core.documents.records import (
    Attached,
    Consents,
    Document,
    Edition,
    Ending,
    Signing,
    SigningCode,
    Wording,
)
from classtap_core.documents.rules import Standing
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.schedule.reach import Reach, check
from classtap_core.schedule.records import Session
from tests.unit.documents.paper import PDF, WAIVER, WORDS
from tests.unit.house.world import ANA, BALLET, BLUE, MAIN, NORTH, TEACHER, YOGA, named

DAYS = ("2026-01-01", "2026-06-01", "2026-09-01", "2026-12-31")


def session(day: str = "2026-11-21", *, program: str = "") -> Session:
    return Session(
        id=named("s"), class_type=BALLET, location=MAIN, room=BLUE, instructor=TEACHER, start=f"{day}T09:00", date=day,
        zone="Europe/Madrid", duration_min=45, capacity=8, program=program,
    )  # fmt: skip


def edition(number: int, effective: str, *, breaking: bool = False, withdrawn: str = "") -> Edition:
    return Edition(number=number, effective=effective, hash="h", breaking=breaking, withdrawn=withdrawn)


def waiver(
    *editions: Edition, attached: tuple[Attached, ...] = (Attached(),), state: str = "open", firm: bool = False
) -> Document:
    return Document(
        id=WAIVER, name="Waiver", category="waiver", revision=1, editions=editions, state=state, attached=attached,
        firm=firm,
    )  # fmt: skip


def signed(number: int, at_ms: int = 10, *, program: str = "", operation: str = "a") -> Signing:
    return Signing(
        operation=named(operation), document=WAIVER, number=number, hash="h", guardian=named("guardian"), at_ms=at_ms,
        method="typed", artifact=PDF, program=program,
    )  # fmt: skip


def owed_of(found: list[Document], at: Session, signings: Consents | None, *, when: str) -> list[rules.Owed]:
    return rules.owed(rules.asked_of(found, at, when=when), at, signings)


def consents(*signings: Signing, endings: tuple[Ending, ...] = ()) -> Consents:
    return Consents(id=ANA, home=MAIN, signings=signings, endings=endings)


def test_the_version_in_force_is_the_latest_that_has_begun() -> None:
    three = (edition(1, "2026-01-01"), edition(2, "2026-06-01"), edition(3, "2026-06-01"))
    found = [rules.in_force(three, day) for day in ("2025-12-31", "2026-01-01", "2026-05-31", "2026-06-01")]
    assert [one and one.number for one in found] == [None, 1, 1, 3]


def test_a_breaking_version_asks_anew_only_for_sessions_from_its_first_day_on() -> None:
    """Catalogue 13: breaking invalidates earlier signatures only for classes after the effective date."""
    asked = waiver(edition(1, "2026-01-01"), edition(2, "2026-06-01"), edition(3, "2026-09-01", breaking=True))
    standings = {
        (number, day): owed_of([asked], session(day), consents(signed(number)), when="booking")[0].standing
        for number in (1, 2, 3)
        for day in ("2026-05-31", "2026-08-31", "2026-09-01")
    }
    assert standings == {
        (1, "2026-05-31"): Standing.VALID, (1, "2026-08-31"): Standing.VALID, (1, "2026-09-01"): Standing.OUTDATED,
        (2, "2026-05-31"): Standing.VALID, (2, "2026-08-31"): Standing.VALID, (2, "2026-09-01"): Standing.OUTDATED,
        (3, "2026-05-31"): Standing.VALID, (3, "2026-08-31"): Standing.VALID, (3, "2026-09-01"): Standing.VALID,
    }  # fmt: skip


def test_a_withdrawn_version_gives_way_to_the_one_before() -> None:
    asked = waiver(edition(1, "2026-01-01"), edition(2, "2026-06-01", breaking=True, withdrawn="2026-07-01"))
    for day, number, standing in (
        ("2026-06-30", 2, Standing.OUTDATED), ("2026-07-01", 1, Standing.VALID),
    ):  # fmt: skip
        (owed,) = owed_of([asked], session(day), consents(signed(1)), when="checkin")
        assert (owed.number, owed.standing) == (number, standing)


def test_nothing_is_asked_before_the_first_version_nor_of_what_is_retired_or_only_shown() -> None:
    early, retired = waiver(edition(1, "2027-01-01")), waiver(edition(1, "2026-01-01"), state="retired")
    assert owed_of([early, retired], session(), None, when="booking") == []


@pytest.mark.parametrize(
    ("reach", "asked"),
    [
        (Reach(), True), (Reach(location=MAIN), True), (Reach(location=NORTH), False), (Reach(class_type=YOGA), False),
        (Reach(location=MAIN, class_type=BALLET, room=BLUE), True), (Reach(program="p"), False),
        (Reach(first="2026-11-21", last="2026-11-21"), True), (Reach(first="2026-11-22"), False),
        (Reach(last="2026-11-20"), False),
    ],
)  # fmt: skip
def test_where_a_document_is_attached(reach: Reach, asked: bool) -> None:
    found = owed_of(
        [waiver(edition(1, "2026-01-01"), attached=(Attached(reach=reach),))], session(), None, when="booking"
    )
    assert bool(found) is asked


def test_when_and_how_strictly() -> None:
    mild = Attached(severity="warn", at="booking")
    strict = Attached(at="checkin")
    one = waiver(edition(1, "2026-01-01"), attached=(mild, strict))
    assert [owed_of([one], session(), None, when=when)[0].severity for when in ("booking", "checkin")] == [
        "warn",
        "block",
    ]
    both = waiver(edition(1, "2026-01-01"), attached=(Attached(severity="warn"), Attached()))
    (owed,) = owed_of([both], session(), None, when="booking")
    assert owed.severity == "block"


def test_one_that_is_signed_for_each_program() -> None:
    each = waiver(edition(1, "2026-01-01"), attached=(Attached(each_program=True),))
    assert [owed.standing for owed in owed_of([each], session(program="p"), consents(signed(1)), when="booking")] == [
        Standing.MISSING
    ]
    here = consents(signed(1, program="p"))
    assert owed_of([each], session(program="p"), here, when="booking")[0].standing is Standing.VALID
    assert owed_of([each], session(program="q"), here, when="booking")[0].standing is Standing.MISSING


def test_what_was_taken_back_no_longer_counts_until_it_is_signed_again() -> None:
    ending = Ending(operation=named("e"), document=WAIVER, guardian=named("guardian"), at_ms=20)
    for found, standing in (
        (consents(signed(1, 10), endings=(ending,)), Standing.MISSING),
        (consents(signed(1, 10), signed(1, 30), endings=(ending,)), Standing.VALID),
        (consents(signed(1, 20), endings=(ending,)), Standing.MISSING),
    ):
        assert rules.standing_of(found, WAIVER, "", 1) is standing


def test_signatures_fold_to_the_same_in_any_order() -> None:
    words = [signed(1, 10), signed(1, 10, operation="b"), signed(2, 5, operation="c"), signed(1, 10)]
    found = set()
    for order in permutations(words):
        folded = consents()
        for word in order:
            folded = rules.with_signing(folded, word)
        found.add(folded)
    assert len(found) == 1
    assert len(found.pop().signings) == 3


def test_signing_and_taking_back_come_to_the_same_in_either_order() -> None:
    ending = Ending(operation=named("e"), document=WAIVER, guardian=named("guardian"), at_ms=20)
    one = rules.with_ending(rules.with_signing(consents(), signed(1)), ending)
    other = rules.with_signing(rules.with_ending(consents(), ending), signed(1))
    assert one == other == rules.with_ending(one, ending)


@given(st.lists(st.tuples(st.sampled_from(DAYS), st.booleans()), min_size=1, max_size=5), st.sampled_from(DAYS))
def test_the_version_in_force_always_does(drawn: list[tuple[str, bool]], day: str) -> None:
    """Whoever signs what is shown for a day is never asked again for that day."""
    editions = [edition(number, at, breaking=breaking) for number, (at, breaking) in enumerate(sorted(drawn), 1)]
    current = rules.in_force(editions, day)
    if current is not None:
        assert (
            rules.standing_of(consents(signed(current.number)), WAIVER, "", rules.least(editions, day))
            is Standing.VALID
        )


def test_the_gate_names_the_worst_and_staff_may_admit_unless_it_is_firm() -> None:
    missing = owed_of([waiver(edition(1, "2026-01-01"))], session(), None, when="checkin")
    blocked, admitted = rules.gate(ANA, missing), rules.gate(ANA, missing, override=True)
    assert (blocked.result, blocked.code, blocked.params["what"]) == ("block", "consent_missing", "Waiver")
    assert (admitted.result, admitted.code) == ("warn", "consent_missing")
    firm = owed_of([waiver(edition(1, "2026-01-01"), firm=True)], session(), None, when="checkin")
    assert (rules.gate(ANA, firm, override=True).result, rules.gate(ANA, firm, override=True).code) == (
        "block",
        "consent_firm",
    )
    assert rules.gate(ANA, []).result == "allow"


def test_the_fingerprint_is_sha_256_over_canonical_json() -> None:
    plain = [{"body": one.body, "language": one.language, "title": one.title} for one in WORDS]
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert rules.fingerprint(WORDS) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("wordings", "code"),
    [
        ((), "document.wording"), ((Wording("en", " ", "x"),), "document.wording"),
        ((WORDS[0], WORDS[0]), "document.wording"), ((Wording("en", "T", "x" * 12_001),), "document.too_long"),
    ],
)  # fmt: skip
def test_words_that_are_none(wordings: tuple[Wording, ...], code: str) -> None:
    with pytest.raises(BadInput, match=code):
        rules.check_wordings(wordings)


def test_attachments_and_dates_that_make_no_sense() -> None:
    for attached in (Attached(severity="maybe"), Attached(at="lunch")):
        with pytest.raises(BadInput, match=r"document\.attached"):
            rules.check_attached((attached,))
    with pytest.raises(BadInput, match=r"reach\.span"):
        check((Reach(first="2026-02-01", last="2026-01-01"),))


def test_a_version_begins_neither_in_the_past_nor_before_another() -> None:
    """2026-11-21T08:00Z is still the 20th at UTC-12."""
    known = (edition(1, "2026-12-01"),)
    asked = {
        day: rules.effective_trouble(known, day, now_ms=1_795_248_000_000)
        for day in ("2026-11-19", "2026-11-20", "2026-12-01")
    }
    assert asked == {"2026-11-19": "document.past", "2026-11-20": "document.order", "2026-12-01": ""}
    assert rules.effective_trouble((), "2020-01-01", now_ms=1_795_248_000_000) == ""


def test_a_code_shows_who_stands_at_one_kiosk_for_a_while() -> None:
    code = SigningCode(id=Id("c"), guardian=Id("g"), home=MAIN, request=Id("r"), device=Id("k"), at_ms=1_000)
    told = {"guardian": "g", "request": "r", "device": "k"}
    assert rules.proves(code, **told, at_ms=1_000 + 40 * 60_000)
    assert not rules.proves(code, **told, at_ms=1_001 + 40 * 60_000)
    assert not rules.proves(code, **told, at_ms=999)
    for name in told:
        assert not rules.proves(code, **{**told, name: "x"}, at_ms=1_000)
    assert not rules.proves(None, **told, at_ms=1_000)


def test_what_is_only_shown_is_owed_by_nobody() -> None:
    shown = replace(waiver(edition(1, "2026-01-01")), signed=False)
    assert owed_of([shown], session(), None, when="booking") == []
    assert [one[0].id for one in rules.asked_of([shown], session(), when="booking")] == [shown.id]
