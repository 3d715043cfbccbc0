"""What somebody should hear of seat maps: one waits for their approval, one of theirs was approved or sent back."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from classtap_core.access.blueprints import Capability
from classtap_core.access.records import Staff
from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.ids import Id
from classtap_core.schedule.records import Room
from classtap_core.seating.records import SeatDraft
from classtap_core.seating.rules import APPROVED, DRAFT, PENDING, PUBLISHED
from classtap_desktop.operator import Operator
from classtap_desktop.source import DeskSource
from resources.text import Catalogue

WEEK_MS = 7 * 86_400_000
"""What was decided longer ago is in the map's history."""
_MOST_KEPT = 200


class MapNews(NamedTuple):
    """One thing to hear. `code`: `waits`, `approved` or `sent_back`; `who` did it; `text`: the words said with it.

    `key` names it among what somebody has seen.
    """

    code: str
    room: str
    who: str
    text: str
    at_ms: int
    draft: Id
    key: str


def read_map_news(source: DeskSource, operator: Operator) -> tuple[MapNews, ...]:
    """What this person has not seen yet, newest first."""
    now_ms, seen = source.clock.now().corrected, _seen(source, operator.id)
    drafts = search(source.reader, SeatDraft, "by_room")
    rooms = fetch(source.reader, Room, [draft.room for draft in drafts])
    staff = fetch(source.reader, Staff, [Id(id) for one in drafts for id in (one.editor, one.decided_by) if id])
    found = []
    for draft in drafts:
        code = _code(draft, operator, now_ms)
        key = f"{draft.id}/{draft.revision if code == 'waits' else draft.decided_ms}/{code}"
        if not code or key in seen:
            continue
        who = staff.get(draft.editor if code == "waits" else Id(draft.decided_by))
        room = rooms.get(draft.room)
        found.append(
            MapNews(
                code, room.name if room else "–", who.name if who else "–", "" if code == "waits" else draft.decision,
                draft.saved_ms if code == "waits" else draft.decided_ms, draft.id, key,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-one.at_ms, one.key)))


def see(source: DeskSource, operator: Operator, news: MapNews) -> None:
    """Remember that this person has seen it. Raises EnvironmentFault where the disk is full."""
    kept = [*_seen(source, operator.id), news.key]
    source.keep(_name(operator.id), msgspec.json.encode(kept[-_MOST_KEPT:]))


def said(news: MapNews, words: Catalogue) -> str:
    """The sentence."""
    return words.say(f"desk.map_news.{news.code}", room=news.room, name=news.who, text=news.text)


def _code(draft: SeatDraft, operator: Operator, now_ms: int) -> str:
    if draft.state == PENDING:
        may = operator.may(Capability.PUBLISH_SEATMAP, location=draft.location, at_ms=now_ms)
        return "waits" if may and draft.editor != operator.id else ""
    if not draft.decided_by or now_ms - draft.decided_ms > WEEK_MS:
        return ""
    if draft.state in (APPROVED, PUBLISHED):
        return "approved" if operator.id in (draft.editor, draft.decided_by) else ""
    back = draft.state == DRAFT and draft.saved_ms <= draft.decided_ms
    return "sent_back" if back and operator.id == draft.editor else ""


def _name(staff: Id) -> str:
    return f"map_news/{staff}"


def _seen(source: DeskSource, staff: Id) -> list[str]:
    kept = source.kept(_name(staff))
    return msgspec.json.decode(kept, type=list[str]) if kept else []
