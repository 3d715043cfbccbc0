"""A place's timetable and its people, as other programs read them."""

import io
import zipfile
from typing import NamedTuple

from classtap_core.checkin.reading import fetch, search
from classtap_core.exchange import oneroster
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Reader
from classtap_core.people.records import Child, ChildHealth, Contact, Family
from classtap_core.schedule import calendar
from classtap_core.schedule.records import ClassType, Instructor, Location, Room, Session
from classtap_core.timekeeping.rules import local_date, shift_date

DAYS, MOST_DAYS = 90, 366


class Timetable(NamedTuple):
    """How many sessions, and the iCalendar file they are in."""

    sessions: int
    data: bytes


class People(NamedTuple):
    """How many there are, and the ZIP of OneRoster files they are in."""

    children: int
    guardians: int
    data: bytes


def timetable(reader: Reader, place: Id, *, name: str, zone: str, now_ms: int, days: int = DAYS) -> Timetable:
    """The sessions of a location from today on for so many days; `name` is the calendar's."""
    today = local_date(now_ms, zone)
    last = shift_date(today, max(0, min(days, MOST_DAYS)))
    found = search(reader, Session, "by_location_date", place, low=today, high=last)
    words = calendar.Words(
        {one.id: one.name for one in search(reader, ClassType, "by_id")},
        {one.id: one.name for one in search(reader, Room, "by_location", place)},
        {one.id: one.name for one in search(reader, Instructor, "by_id")},
    )
    return Timetable(len(found), calendar.write(found, words, name=name, zone=zone, at_ms=now_ms))


def people(reader: Reader, place: Id, *, name: str) -> People:
    """Everybody whose home a location is; `name` is the school's where the location has none."""
    families = [one.id for one in search(reader, Family, "by_home", place)]
    children = [child for family in families for child in search(reader, Child, "by_family", family)]
    contacts = [contact for family in families for contact in search(reader, Contact, "by_family", family)]
    health = fetch(reader, ChildHealth, [child.id for child in children])
    houses = fetch(reader, Location, [place])
    born = {id: one.birth_date for id, one in health.items()}
    school = houses[place].name if place in houses else name
    files = oneroster.write(children, contacts, born=born, school=place, name=school)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for file, data in files.items():
            made.writestr(zipfile.ZipInfo(f"{file}.csv"), data)
    return People(len(children), len(contacts), packed.getvalue())
