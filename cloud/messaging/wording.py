"""What fills a message's sentences: the session it tells of, in the reader's language and the session's own time."""

from datetime import date as Day
from typing import TypeVar

from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import Record, decode
from classtap_core.kernel.tx import Reader
from classtap_core.messaging.records import Message
from classtap_core.messaging.templates import PAPERS, TEMPLATES
from classtap_core.schedule.records import ClassType, Instructor, Location, Room, Session
from classtap_core.schedule.rules import ends_ms, starts_ms
from classtap_core.timekeeping.rules import local_date
from resources.text import Catalogue

R = TypeVar("R", bound=Record)


def words_of(reader: Reader, message: Message, words: Catalogue) -> tuple[tuple[str, str], ...]:
    """The values of a message as words; nothing for one that tells of no session, or of one that is gone."""
    days = message.values.get("days")
    if message.template == PAPERS and isinstance(days, int):
        return (("when", words.say_n("message.papers.in", days) if days else words.say("message.papers.now")),)
    session = _one(reader, Session, str(message.values.get("session", "")))
    if not TEMPLATES[message.template].of_session or session is None:
        return ()
    taught, room = _one(reader, ClassType, session.class_type), _one(reader, Room, session.room)
    place, teacher = _one(reader, Location, session.location), _one(reader, Instructor, session.instructor)
    was_ms, more = message.values.get("was_ms"), message.values.get("more", 0)
    reason = f"message.reason.{message.values.get('reason', '')}"
    return (
        ("class", taught.name if taught else ""),
        ("when", _when(starts_ms(session), session, words)),
        ("was", _when(was_ms, session, words) if isinstance(was_ms, int) else ""),
        ("until", words.time(ends_ms(session), session.zone)),
        ("place", words.join([room.name if room else "", place.name if place else ""], by=", ")),
        ("teacher", teacher.name if teacher else ""),
        ("why", words.say(reason) if words.has(reason) else ""),
        ("more", words.say_n("message.more", more) if isinstance(more, int) and more > 0 else ""),
    )


def _when(at_ms: int, session: Session, words: Catalogue) -> str:
    day = Day.fromisoformat(local_date(at_ms, session.zone))
    return words.join([words.date(day), words.time(at_ms, session.zone)], by=", ")


def _one(reader: Reader, record: type[R], id: str) -> R | None:
    row = reader.rows(record, [Id(id)]).get(Id(id)) if id else None
    return None if row is None else decode(record, row.body)
