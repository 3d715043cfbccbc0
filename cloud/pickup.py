"""Pickup codes are made where attendance is decided, when a guardian's page first asks for one.

Not with each mark: most children's are never asked for, and a line at a door would wait for theirs.
"""

from collections.abc import Iterable

from classtap_core.checkin.pickup import HERE, SEED_BYTES, MakePickupCode, active_codes
from classtap_core.checkin.reading import search
from classtap_core.checkin.records import Attendance
from classtap_core.checkin.rules import standing
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.timekeeping.rules import local_date
from cloud.studios import Studios


def codes_now(studios: Studios, studio: Id, children: Iterable[Id], *, zone: str) -> dict[Id, str]:
    """The active codes of children, those made first that a mark of a moment ago asks for."""
    now_ms = studios.clock.now().corrected
    reader, today = studios.storage(studio), local_date(now_ms, zone)
    entries = [entry for child in children for entry in search(reader, Attendance, "by_child_date", child, today)]
    here = [entry for entry in entries if standing(entry.marks).state in HERE]
    found = active_codes(reader, studio, here, zone=zone, now_ms=now_ms)
    lacking = {entry.child: (entry.session, entry.child) for entry in here if entry.child not in found}
    if lacking:
        _make(studios, studio, list(lacking.values()))
        found = active_codes(studios.storage(studio), studio, here, zone=zone, now_ms=now_ms)
    return found


def _make(studios: Studios, studio: Id, pairs: list[tuple[Id, Id]]) -> None:
    clock = Author(type="clock", id=studio)
    drafts = [
        CloudDraft(MakePickupCode(session=session, child=child, seed=studios.entropy(SEED_BYTES).hex()), clock, "clock")
        for session, child in pairs
    ]
    studios.authority(studio).author_all(studios.studio(studio).cloud_device, drafts)
