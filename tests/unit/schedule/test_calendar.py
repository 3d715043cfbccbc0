"""Calendars out, read back by libical and vobject; calendars of others in, and what of them is lost, by name."""

import pytest
import vobject

from classtap_core.kernel.errors import BadInput
from classtap_core.schedule import calendar
from classtap_core.schedule.calendar import Draft, Lost, Words
from classtap_core.schedule.rules import ends_ms, planned, starts_ms
from classtap_core.timekeeping.rules import instant_ms
from tests.oracles.calendar_libical import spans, unix
from tests.unit.house.world import BALLET, BLUE, MAIN, TEACHER, named

ZONE = "Europe/Madrid"
WORDS = Words({BALLET: 'Ballet; "small", ñ 🩰'}, {BLUE: "Blue, 2nd floor"}, {TEACHER: "Tom Teacher"})
STARTS = ("2026-03-22T02:30", "2026-03-29T02:30", "2026-10-25T02:30", "2026-11-21T09:00")
SESSIONS = tuple(
    planned(
        named(start), class_type=BALLET, location=MAIN, room=BLUE, instructor=TEACHER, start=start, zone=ZONE,
        duration_min=45, capacity=8,
    )
    for start in STARTS
)  # fmt: skip


def written() -> str:
    return calendar.write(SESSIONS, WORDS, name="Main", zone=ZONE, at_ms=1_795_248_000_000).decode()


@pytest.mark.needs("libical")
def test_libical_finds_every_session_at_its_instant_also_in_gap_and_overlap() -> None:
    found = spans(written(), first_s=unix("2026-01-01T00:00"), last_s=unix("2027-01-01T00:00"))
    assert found == sorted((f"{one.id}@classtap", starts_ms(one) // 1000, ends_ms(one) // 1000) for one in SESSIONS)


def test_vobject_reads_words_and_times_as_they_were() -> None:
    events = list(vobject.readOne(written()).vevent_list)
    assert [int(event.dtstart.value.timestamp() * 1000) for event in events] == [starts_ms(one) for one in SESSIONS]
    assert {(event.summary.value, event.location.value, event.status.value) for event in events} == {
        ('Ballet; "small", ñ 🩰', "Blue, 2nd floor", "CONFIRMED")
    }


def test_what_goes_out_comes_in_again() -> None:
    read = calendar.read(written().encode(), zone=ZONE)
    assert read.lost == ()
    assert [instant_ms(draft.start, ZONE) for draft in read.drafts] == [starts_ms(one) for one in SESSIONS]
    assert {draft.duration_min for draft in read.drafts} == {45}


def event(*lines: str, uid: str = "a") -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT"])


def read(*events: str) -> calendar.Read:
    text = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *events, "END:VCALENDAR", ""])
    return calendar.read(text.encode(), zone=ZONE)


START = "DTSTART;TZID=Europe/Madrid:20261123T100000"


def test_a_series_of_another_program_with_its_exceptions() -> None:
    found = read(
        event(
            "SUMMARY:Judo", "LOCATION:Attic", START, "DURATION:PT45M", "RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20261228T090000Z",
            "EXDATE;TZID=Europe/Madrid:20261207T100000", "EXDATE;TZID=Europe/Madrid:20261214T100000",
            "RDATE;TZID=Europe/Madrid:20261209T100000,20261210T110000",
        ),
        event("SUMMARY:Judo", "RECURRENCE-ID;TZID=Europe/Madrid:20261130T100000",
              "DTSTART;TZID=Europe/Madrid:20261201T170000", "DURATION:PT45M"),
        event("RECURRENCE-ID;TZID=Europe/Madrid:20261221T100000", START, "DURATION:PT45M", "STATUS:CANCELLED"),
    )  # fmt: skip
    (draft,) = found.drafts
    assert found.lost == ()
    assert (draft.title, draft.place, draft.start, draft.duration_min) == ("Judo", "Attic", "2026-11-23T10:00", 45)
    assert draft.rule == "FREQ=WEEKLY;UNTIL=20261228T100000;BYDAY=MO"
    assert draft.skip == ("2026-12-07T10:00", "2026-12-14T10:00")
    assert draft.extra == ("2026-12-09T10:00", "2026-12-10T11:00")
    assert draft.changed == (
        ("2026-11-30T10:00", Draft("a", "Judo", "", "2026-12-01T17:00", 45)), ("2026-12-21T10:00", None),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "start", "minutes"),
    [
        (("DTSTART:20261123T090000Z", "DTEND:20261123T100000Z"), "2026-11-23T10:00", 60),
        (("DTSTART;TZID=America/New_York:20261123T040000", "DURATION:PT1H30M"), "2026-11-23T10:00", 90),
        (("DTSTART:20261123T100000", "DTEND:20261123T104500"), "2026-11-23T10:00", 45),
        (("DTSTART;TZID=Europe/Madrid:20260329T013000", "DTEND;TZID=Europe/Madrid:20260329T033000"),
         "2026-03-29T01:30", 60),
    ],
)  # fmt: skip
def test_times_of_any_zone_become_local_ones(lines: tuple[str, ...], start: str, minutes: int) -> None:
    (draft,) = read(event(*lines)).drafts
    assert (draft.start, draft.duration_min) == (start, minutes)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (("DURATION:PT1H",), "calendar.no_start"),
        ((START,), "calendar.length"),
        ((START, "DTEND;TZID=Europe/Madrid:20261123T100000"), "calendar.length"),
        ((START, "DURATION:P2D"), "calendar.length"),
        ((START, "DTEND;VALUE=DATE:20261124"), "calendar.length"),
        ((START, "DTEND:20261123T110000"), "calendar.length"),
        (("DTSTART;VALUE=DATE:20261123", "DTEND;VALUE=DATE:20261124"), "calendar.whole_day"),
        ((START, "DURATION:PT1H", "RRULE:FREQ=HOURLY"), "recurrence.rule"),
        ((START, "DURATION:PT1H", "RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"), "recurrence.rule"),
        (("DTSTART:20261123T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY"), "calendar.rule_zone"),
        ((START, "DURATION:PT1H", "RRULE:FREQ=DAILY", "RDATE;VALUE=PERIOD:20261201T090000Z/PT1H"), "calendar.period"),
        ((START, "DURATION:PT1H", "RECURRENCE-ID;TZID=Europe/Madrid:20261123T100000"), "calendar.exception_alone"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_named(lines: tuple[str, ...], code: str) -> None:
    found = read(event(*lines), event(START, "DURATION:PT1H", uid="b"))
    assert found.lost == (Lost("a", code),)
    assert [draft.uid for draft in found.drafts] == ["b"]


def test_the_same_event_twice_counts_once() -> None:
    found = read(event(START, "DURATION:PT1H"), event(START, "DURATION:PT2H"))
    assert (len(found.drafts), found.lost) == (1, (Lost("a", "calendar.twice"),))


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n", b"\xff\xfe\x00"]
)
def test_what_is_no_calendar(data: bytes) -> None:
    with pytest.raises(BadInput, match=r"calendar\.unreadable"):
        calendar.read(data, zone=ZONE)


def test_a_broken_event_is_named_and_an_old_program_s_letters_are_read() -> None:
    event = "BEGIN:VEVENT\r\nUID:{0}\r\nSUMMARY:Niñas\r\nDTSTART:{1}\r\nDURATION:PT45M\r\nEND:VEVENT\r\n"
    text = "BEGIN:VCALENDAR\r\n" + event.format("a", "20271304T090000") + event.format("b", "20270104T090000")
    found = calendar.read(f"{text}END:VCALENDAR\r\n".encode("cp1252"), zone=ZONE)
    assert [(one.uid, one.title) for one in found.drafts] == [("b", "Niñas")]
    assert found.lost == (Lost("a", "calendar.broken"),)
