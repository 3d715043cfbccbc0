"""What a desk asks the cloud of the studio's audit, and what comes back: lines to put into words, never whole records."""

from collections.abc import Callable, Iterator

import msgspec
from msgspec.structs import replace

from classtap_core.auditing.finding import MOST, Query
from classtap_core.auditing.lines import Line
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import Sensitivity


class AskAudit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page of the audit as `staff`, who is signed in at the desk that asks, may read it.

    `revealed`: kinds of what is else masked that they have revealed of an entry, each with a reason that is on record.
    """

    staff: Id
    query: Query
    revealed: dict[Id, tuple[Sensitivity, ...]] = {}


class AuditPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Lines, newest first. `next` is where to go on, "" at the end; a page may be short, or empty, before it."""

    lines: tuple[Line, ...]
    next: str = ""


Page = Callable[[Query], AuditPage]
"""Answers a query with a page."""


def every(page: Page, query: Query) -> Iterator[Line]:
    """All lines a query finds, page by page."""
    asked = replace(query, after="", most=MOST)
    while True:
        found = page(asked)
        yield from found.lines
        if not found.next:
            return
        asked = replace(asked, after=found.next)
