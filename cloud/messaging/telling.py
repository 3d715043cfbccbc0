"""What families are told without anybody asking: effects become messages, where the studio wishes it.

Each message has an id made from its effect, so that an effect carried out twice asks once.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from classtap_core.booking.operations import GuardianOverruled
from classtap_core.booking.records import Booking
from classtap_core.booking.rules import BOOKED
from classtap_core.checkin.attendees import AttendeePassIssued
from classtap_core.checkin.operations import AttendanceChanged
from classtap_core.checkin.reading import fetch, search
from classtap_core.checkin.records import Attendance, attendance_id
from classtap_core.checkin.release import ChildHanded
from classtap_core.checkin.rules import standing
from classtap_core.documents.operations import ConsentChanged
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.effects import Intent
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id, derived
from classtap_core.messaging.operations import AskMessage
from classtap_core.messaging.records import Message
from classtap_core.messaging.settings import CHANGES, WELCOME, settings_of
from classtap_core.messaging.templates import CONSENT, ENTRY, LATE, OVERRULED, PASS, PASS_GONE, PICKED_UP
from classtap_core.passes.operations import PassIssued, PassRevoked
from classtap_core.people.records import Child
from classtap_core.schedule.records import Session
from classtap_core.schedule.rules import ends_ms, starts_ms
from classtap_core.schedule.telling import SessionsChanged
from cloud.jobs.effects import Runner
from cloud.studios import Studios

QUIET_MS = 10 * 60_000
"""What was signed for several children at once is told a family once."""


class Asked(NamedTuple):
    """One message to be asked for: what tells it apart from others of its effect, and the asking."""

    apart: str
    payload: AskMessage


def ask(studios: Studios, studio: Id, effect: str, wanted: Iterable[Asked]) -> None:
    """Ask for what has not been asked for yet. `effect` and `Asked.apart` make each message's id."""
    found = {derived("message", effect, one.apart): one.payload for one in wanted}
    done = studios.storage(studio).settled(found)
    clock = Author(type="clock", id=studio)
    drafts = [CloudDraft(payload, clock, "effect", id=id) for id, payload in found.items() if id not in done]
    if drafts:
        studios.authority(studio).author_all(studios.studio(studio).cloud_device, drafts)


def _wants(studios: Studios, studio: Id, name: str) -> bool:
    return name in settings_of(studios.storage(studio), studio).sends


def _sessions(studios: Studios, studio: Id, effect: Intent) -> None:
    """Each family with a child booked hears of its sessions once, named by the first of them."""
    if not _wants(studios, studio, CHANGES):
        return
    reader, now_ms = studios.storage(studio), studios.clock.now().corrected
    sessions = fetch(reader, Session, [Id(id) for id, _ in effect.body["sessions"]])
    theirs: dict[Id, list[tuple[Session, int, Id]]] = {}
    for id, was_ms in effect.body["sessions"]:
        session = sessions.get(Id(id))
        if session is None or max(was_ms, ends_ms(session)) <= now_ms:
            continue
        booked = [one for one in search(reader, Booking, "by_session", session.id) if one.state == BOOKED]
        for child in fetch(reader, Child, [one.child for one in booked]).values():
            theirs.setdefault(child.family, []).append((session, was_ms, child.id))
    ask(
        studios, studio, effect.id,
        (Asked(family, _of_sessions(family, effect.body["what"], told)) for family, told in theirs.items()),
    )  # fmt: skip


def _of_sessions(family: Id, what: str, told: list[tuple[Session, int, Id]]) -> AskMessage:
    first, was_ms, _ = min(told, key=lambda one: (one[1], one[0].id))
    more = len({session.id for session, _, _ in told}) - 1
    values: dict[str, str | int] = {"session": first.id, "was_ms": was_ms, "reason": first.reason, "more": more}
    children = tuple(dict.fromkeys(child for _, _, child in told))
    return AskMessage(family=family, template=what, children=children, program=first.class_type, values=values)


def _overruled(studios: Studios, studio: Id, effect: Intent) -> None:
    reader, said = studios.storage(studio), effect.body
    child = fetch(reader, Child, [Id(said["child"])]).get(Id(said["child"]))
    if child is None or not _wants(studios, studio, OVERRULED):
        return
    asked = AskMessage(
        family=child.family, template=OVERRULED, children=(child.id,), guardian=said["guardian"],
        values={"session": said["session"]},
    )  # fmt: skip
    ask(studios, studio, effect.id, [Asked(said["guardian"], asked)])


def _consent(studios: Studios, studio: Id, effect: Intent) -> None:
    reader, now_ms = studios.storage(studio), studios.clock.now().corrected
    child = fetch(reader, Child, [Id(effect.body["child"])]).get(Id(effect.body["child"]))
    if child is None or not _wants(studios, studio, CONSENT):
        return
    told = search(reader, Message, "by_family", child.family, low=now_ms - QUIET_MS)
    if any(one.template == CONSENT for one in told):
        return
    ask(studios, studio, effect.id, [Asked("", AskMessage(family=child.family, template=CONSENT))])


def _issued(studios: Studios, studio: Id, effect: Intent) -> None:
    """A pass that is new again replaces what a family printed; a family's first is sent where the studio wishes it."""
    if _wants(studios, studio, WELCOME if effect.body["because"] == "first" else PASS):
        ask(studios, studio, effect.id, [Asked("", AskMessage(family=effect.body["family"], template=PASS))])


def _admitted(studios: Studios, studio: Id, effect: Intent) -> None:
    """A child's pass to one class goes to those who show it, unless the class is over."""
    said, reader = effect.body, studios.storage(studio)
    session = fetch(reader, Session, [Id(said["session"])]).get(Id(said["session"]))
    if session is None or ends_ms(session) <= studios.clock.now().corrected or not _wants(studios, studio, ENTRY):
        return
    asked = AskMessage(
        family=said["family"], template=ENTRY, children=(Id(said["child"]),), program=session.class_type,
        values={"session": session.id},
    )  # fmt: skip
    ask(studios, studio, effect.id, [Asked("", asked)])


def _revoked(studios: Studios, studio: Id, effect: Intent) -> None:
    if _wants(studios, studio, PASS_GONE):
        ask(studios, studio, effect.id, [Asked("", AskMessage(family=effect.body["family"], template=PASS_GONE))])


def _handed(studios: Studios, studio: Id, effect: Intent) -> None:
    """A child was given to an adult: once a child and session, whoever says it again."""
    said, reader = effect.body, studios.storage(studio)
    session = fetch(reader, Session, [Id(said["session"])]).get(Id(said["session"]))
    child = fetch(reader, Child, [Id(said["child"])]).get(Id(said["child"]))
    if session is None or child is None or not _wants(studios, studio, PICKED_UP):
        return
    asked = AskMessage(
        family=child.family, template=PICKED_UP, children=(child.id,), program=session.class_type,
        values={"session": session.id},
    )  # fmt: skip
    ask(studios, studio, f"handed/{session.id}/{child.id}", [Asked("", asked)])


def _marked(studios: Studios, studio: Id, effect: Intent) -> None:
    """Absences, and children expected later than the studio's threshold: once a child and session, while it is so."""
    said = effect.body
    reader, now_ms = studios.storage(studio), studios.clock.now().corrected
    settings = settings_of(reader, studio)
    if said["state"] not in settings.sends:
        return
    session = fetch(reader, Session, [Id(said["session"])]).get(Id(said["session"]))
    child = fetch(reader, Child, [Id(said["child"])]).get(Id(said["child"]))
    if session is None or child is None or ends_ms(session) <= now_ms:
        return
    id = attendance_id(studio, session.id, child.id)
    entry = fetch(reader, Attendance, [id]).get(id)
    stands = standing(entry.marks if entry is not None else ())
    if stands.mark is None or str(stands.state) != said["state"]:
        return  # marked otherwise meanwhile
    late_ms = (stands.mark.expected_ms or 0) - starts_ms(session)
    if said["state"] == LATE and late_ms < settings.late_min * 60_000:
        return
    asked = AskMessage(
        family=child.family, template=said["state"], children=(child.id,), program=session.class_type,
        values={"session": session.id},
    )  # fmt: skip
    ask(studios, studio, f"attendance/{id}", [Asked(said["state"], asked)])


RUNNERS: Mapping[str, Runner] = {
    SessionsChanged.KIND: _sessions, GuardianOverruled.KIND: _overruled, ConsentChanged.KIND: _consent,
    PassIssued.KIND: _issued, PassRevoked.KIND: _revoked, AttendanceChanged.KIND: _marked,
    AttendeePassIssued.KIND: _admitted, ChildHanded.KIND: _handed,
}  # fmt: skip
"""Who turns which effect into messages."""
