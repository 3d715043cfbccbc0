"""Pickup codes over a real database: made when a page asks, and only once."""

from pathlib import Path

from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.checkin.pickup import PickupCode
from classtap_core.checkin.reading import search
from cloud.pickup import codes_now
from tests.cloud.families import Families, families
from tests.unit.house.world import ANA, BEN, HALF_PAST, MAIN, MINUTE, STUDIO

ZONE = "Europe/Madrid"


def held(found: Families) -> dict[str, str]:
    codes = search(found.cloud.studios.storage(STUDIO), PickupCode, "by_day", MAIN, "2026-11-21")
    return {one.child: one.code for one in codes}


def mark(found: Families, child: str, state: str) -> None:
    found.clock.advance(45 * MINUTE)
    found.say(MarkAttendance(session=HALF_PAST, items=(ChildMark(child=child, state=state),)))


def test_a_page_that_asks_has_a_code_made_once_and_only_for_who_is_here(tmp_path: Path) -> None:
    with families(tmp_path) as found:
        studios = found.cloud.studios
        assert codes_now(studios, STUDIO, [ANA, BEN], zone=ZONE) == {}
        mark(found, ANA, "present")
        found.say(MarkAttendance(session=HALF_PAST, items=(ChildMark(child=BEN, state="absent"),)))
        assert held(found) == {}
        shown = codes_now(studios, STUDIO, [ANA, BEN], zone=ZONE)
        assert shown.keys() == {ANA}
        assert shown == held(found) == codes_now(studios, STUDIO, [ANA, BEN], zone=ZONE)
