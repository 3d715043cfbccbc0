"""From what the store says to what a screen or a line of JSON shows. Pure."""

from typing import Any
from zlib import crc32

from classtap_core.checkin.board import Board, BoardChild
from classtap_core.checkin.records import State
from kiosk import view
from kiosk.door import Marked, Rosters, Sighted

COLOURS = 6
HEALTH = "health_note"


def shown(board: Board) -> view.Board:
    """A family's board as the screen draws it: names, states, and why a button is off."""
    groups = tuple(
        view.Group(
            session=group.card.session.id,
            start_ms=group.card.start_ms,
            end_ms=group.card.end_ms,
            class_name=group.card.class_name,
            room=group.card.room,
            coach=group.card.instructor,
            rows=tuple(_row(group.card.session.id, child) for child in group.children),
        )
        for group in board.groups
    )
    unsigned = {
        child.child
        for group in board.groups
        for child in group.children
        for gate in child.gates
        if gate.gate == "consent" and gate.result in ("block", "warn")
    }
    return view.Board(family=board.family, family_name=board.name, groups=groups, to_sign=len(unsigned))


def _row(session: str, child: BoardChild) -> view.Row:
    off = tuple(choice for choice in view.CHOICES if not child.may(State(choice.value)))
    why = next((child.why_not(State(choice.value)) for choice in off), None)
    return view.Row(
        child=child.child,
        session=session,
        name=" ".join(part for part in (child.given, child.surname) if part),
        initials_colour=crc32(child.child.encode()) % COLOURS,
        state=view.Status(child.state.value),
        reason=child.reason,
        expected_ms=child.expected_ms or None,
        health_note=HEALTH in child.badges,
        disabled_reason=why.gate if why else None,
        disabled=off,
    )


def line(sighted: Sighted, *, decoder: str | None, decode_ms: float, frame: int) -> dict[str, Any]:
    """A sighting as `kiosk --headless` and `scan` print it (docs/cli.md)."""
    return {
        "outcome": sighted.outcome,
        "reason": sighted.reason,
        "family": sighted.family or None,
        "children": _children(sighted.board) if sighted.board else [],
        "decoder": decoder,
        "decode_ms": round(decode_ms, 3),
        "verify_ms": round(sighted.verify_ms, 3),
        "frame": frame,
        **({} if sighted.rosters is Rosters.FRESH else {"rosters": str(sighted.rosters)}),
    }


def unread(*, decode_ms: float, frame: int) -> dict[str, Any]:
    """A code that no decoder could read."""
    return {
        "outcome": "unreadable",
        "reason": "no_code",
        "family": None,
        "children": [],
        "decoder": None,
        "decode_ms": round(decode_ms, 3),
        "verify_ms": 0.0,
        "frame": frame,
    }


def marked(found: list[tuple[str, Marked]]) -> list[dict[str, Any]]:
    """What became of marks, child by child."""
    return [
        {
            "session": session,
            "child": item.key,
            "outcome": item.status.value,
            "reasons": [{"code": reason.code, "params": reason.params} for reason in item.reasons],
        }
        for session, one in found
        for item in one.outcome.items
    ]


def _children(board: Board) -> list[dict[str, Any]]:
    return [
        {
            "child": child.child,
            "session": group.card.session.id,
            "class": group.card.class_name,
            "room": group.card.room,
            "start": group.card.start,
            "state": child.state.value,
            "gates": [
                {"gate": gate.gate, "result": gate.result, "code": gate.code, "params": gate.params}
                for gate in child.gates
            ],
        }
        for group in board.groups
        for child in group.children
    ]
