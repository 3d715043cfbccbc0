"""Results somebody was told that are no longer so, with what can be done about them. Each stays until a person has seen it."""

from __future__ import annotations

from functools import cache

from classtap_core import house
from classtap_core.auditing.lines import Line
from classtap_core.contesting.doubling import Chooser
from classtap_desktop.kit.notice_words import NoticeLine, lines_of, sentence
from classtap_desktop.operator import Operator
from classtap_desktop.screens.sessions import read_places
from classtap_desktop.source import DeskSource

__all__ = ["NoticeLine", "concerns", "read_notices", "sentence"]


def read_notices(source: DeskSource, operator: Operator | None) -> tuple[NoticeLine, ...]:
    """Return what has not been seen and concerns who signed in, newest first: what they said themselves, and what
    somebody else said here that they might have said too. Anybody else would read whom it is about.
    """
    notices = source.notices()
    if operator is None or not notices:
        return ()
    by = Chooser(operator.grants, source.clock.now().corrected)
    found = lines_of(source.reader, notices, _zone(source), by=by)
    return tuple(line for line in found if concerns(operator, line.kind, line.told, source))


def concerns(operator: Operator | None, kind: str, told: Line | None, source: DeskSource) -> bool:
    """Whether somebody may read what was said here: who said it, and who might have said it too."""
    if operator is None:
        return False
    mine = told is not None and told.author == operator.id
    at_ms = source.clock.now().corrected
    return mine or operator.may(_needs().get(kind, ""), location=source.place.location, at_ms=at_ms)


@cache
def _needs() -> dict[str, str]:
    return {name: spec.needs or "" for name, spec in house.registry().specs.items()}


def _zone(source: DeskSource) -> str:
    places = read_places(source.reader)
    here = [place for place in places if place.id == source.place.location] or list(places)
    return here[0].zone if here else "UTC"
