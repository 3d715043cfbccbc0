"""The cloud's own rows as they lie here: what a page of a snapshot says is gone."""

from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classtap_core.kernel import undo
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Registry
from classtap_core.kernel.records import Record
from classtap_core.store import replica
from classtap_core.store.device import SqlDevice
from tests.unit.kernel import toy
from tests.unit.store.conftest import DEVICE, KEY, STAFF, STUDIO, bus_over, child_id, child_row

HOUSES = ("east", "north", "west")


class Badge(Record, frozen=True, kw_only=True):
    KIND: ClassVar[str] = "badge"
    PREFIX: ClassVar[str] = "families"


def registry() -> Registry:
    """The toy room, and one more kind of record in its scopes."""
    badges = ModuleType("badges")
    badges.Badge = Badge  # type: ignore[attr-defined]
    return Registry([toy, undo, badges])


def badge(number: int, house: str) -> Pulled:
    return Pulled("badge", derived("badge", str(number)), f"families/{house}", b"{}")


def comet(number: int, house: str) -> Pulled:
    """Of a kind that this version does not know."""
    return Pulled("comet", derived("comet", str(number)), f"families/{house}", b'{"tail":3}')


ROWS = [
    *(child_row(number, house=house) for number, house in enumerate(HOUSES * 4)),
    *(badge(number, house) for number, house in enumerate(HOUSES * 2)),
    *(comet(number, house) for number, house in enumerate(HOUSES)),
]
PLACES = sorted((row.kind, row.scope, row.id) for row in ROWS)
HERE = frozenset(place for at, place in enumerate(PLACES) if at % 5)
RENAMED = [child_id(number) for number in (0, 1, 5) if any(place[2] == child_id(number) for place in HERE)]
"""Children under unsent work of this device."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlDevice]:
    """What is `HERE`, some of it overlaid."""
    path = tmp_path_factory.mktemp("replica") / "store.db"
    made = SqlDevice.create(path, KEY, registry(), studio=STUDIO, device=DEVICE)
    with made.atomic():
        made.hold(("families/*",))
    bus = bus_over(made)
    bus.apply([row for row in ROWS if (row.kind, row.scope, row.id) in HERE])
    for child in RENAMED:
        bus.submit(toy.Rename(child=child, name="Anna"), STAFF)
    yield made
    made.close()


def gone(
    device: SqlDevice, pattern: str, page: Iterable[Pulled], after: replica.Place | None, *, last: bool
) -> set[Id]:
    return {row.id for row in replica.not_in_page(device, pattern, list(page), after=after, last=last)}


places = st.sampled_from(PLACES)
houses = st.sampled_from(["families/*", *(f"families/{house}" for house in HOUSES)])


@settings(max_examples=400)
@given(page=st.sets(places, max_size=4), after=st.none() | places, pattern=houses, last=st.booleans())
def test_gone_is_what_lies_in_the_page_s_span_and_is_not_in_it(
    small: SqlDevice, page: set[replica.Place], after: replica.Place | None, pattern: str, last: bool
) -> None:
    if after is not None and pattern not in ("families/*", after[1]):
        after = None

    def within(place: replica.Place) -> bool:
        return pattern in ("families/*", place[1]) and (after is None or place > after)

    page = set(filter(within, page))
    end = max(page, default=after)
    span = {place for place in HERE if within(place) and (last or (end is not None and place <= end))}
    found = gone(small, pattern, (row for row in ROWS if (row.kind, row.scope, row.id) in page), after, last=last)
    assert found == {place[2] for place in span - page}


def test_a_page_costs_what_lies_in_its_span(device: SqlDevice) -> None:
    """And not what the scope has: a large one is loaded in many pages. Counted in steps of SQLite's machine."""
    rows = sorted((child_row(number) for number in range(2_000)), key=lambda row: row.id)
    bus_over(device).apply(rows)
    place = [(row.kind, row.scope, row.id) for row in rows]
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    def cost(page: list[Pulled], after: replica.Place | None, *, last: bool) -> int:
        nonlocal steps
        steps = 0
        device.conn.set_progress_handler(step, 1)
        assert gone(device, "families/north", page, after, last=last) == set()
        device.conn.set_progress_handler(None, 1)
        return steps

    whole = cost(rows, None, last=True)
    assert 0 < cost(rows[1_000:1_100], place[999], last=False) < whole / 10
    assert 0 < cost(rows[1_900:], place[1_899], last=True) < whole / 10
