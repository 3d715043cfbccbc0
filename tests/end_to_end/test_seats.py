"""Seat maps over real devices: a publish sets places everywhere within 2 s, and a preset is on another desk within 5 s."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from classtap_core.booking.operations import CreateBooking
from classtap_core.booking.records import Booking, booking_id
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import decode
from classtap_core.schedule.records import Session
from classtap_core.schedule.rules import starts_ms
from classtap_core.schedule.seats import SeatMapVersion, version_id
from classtap_core.seating.documents import packed, unpacked
from classtap_core.seating.formats.native import read_json
from classtap_core.seating.in_force import affected, coming
from classtap_core.seating.laying import lay_out
from classtap_core.seating.model import SeatMap
from classtap_core.seating.operations import SaveDraft
from classtap_core.seating.presets import SavePreset
from classtap_core.seating.publishing import PublishSeatMap
from classtap_core.seating.records import SeatDraft, SeatPreset, preset_id
from classtap_core.seating.templates import read_template
from cloud.pages.seats import SeatPages
from resources import path
from sync.client.engine import State
from sync.client.node import Node
from tests.end_to_end.house_rig import answer_of, cloud_row, everything_holds, say, staff, started, until
from tests.end_to_end.rig import Studio, inside, running_studio


class House:
    """A studio with a kiosk and two desks, all syncing, and a room with classes to come."""

    def __init__(self, studio: Studio, other: Node) -> None:
        self.studio, self.other = studio, other
        self.kiosk, self.desk = studio.nodes["kiosk"], studio.nodes["desk"]
        self.nodes = (self.kiosk, self.desk, other)
        started(self.nodes)
        until(lambda: all(one.engine.status().state is State.ONLINE for one in self.nodes), *self.nodes)
        self.author = staff(studio)
        self.now_ms = studio.cloud.clock.now().corrected
        found = [decode(Session, row.body) for row in self.rows(coming(Id(studio.plan.main), self.now_ms))]
        later = [one for one in found if starts_ms(one) > self.now_ms + 3_600_000 and one.state == "open"]
        self.room = later[0].room
        self.sessions = affected(found, self.room, now_ms=self.now_ms)

    def rows(self, wanted: Any) -> list[Any]:
        return list(self.studio.cloud.studios.storage(self.studio.plan.studio).find(wanted))

    def free_for(self, child: Id) -> Id:
        """A class of the room that a child is not booked in yet."""
        held = self.studio.cloud.studios.storage(self.studio.plan.studio)
        ids = {booking_id(self.studio.plan.studio, session, child): session for session in self.sessions}
        return next(session for id, session in ids.items() if id not in held.rows(Booking, list(ids)))

    def draft(self, node: Node, name: str, seat_map: SeatMap, **fields: Any) -> tuple[Id, Id]:
        """Save a draft on a device; its id and its revision."""
        draft = derived("test", name)
        asked = SaveDraft(
            draft=draft, room=self.room, location=Id(self.studio.plan.main), name=name, document=packed(seat_map),
            **fields,
        )  # fmt: skip
        receipt = say(node, asked, self.author)
        assert receipt.outcome.status is Status.ACCEPTED, receipt.outcome
        return draft, receipt.operation

    def publish(self, node: Node, draft: tuple[Id, Id], head: int, **fields: Any) -> Any:
        asked = PublishSeatMap(
            draft=draft[0], revision=draft[1], room=self.room, location=Id(self.studio.plan.main), head=head,
            sessions=self.sessions, **fields,
        )  # fmt: skip
        return say(node, asked, self.author)


def here(node: Node, record: Any, id: Id) -> Any:
    """A record as a device shows it, or None."""
    with node.reader() as reader:
        row = reader.rows(record, [id]).get(id)
    return None if row is None else decode(record, row.body)


def capacities(node: Node, sessions: tuple[Id, ...]) -> set[int]:
    with node.reader() as reader:
        return {decode(Session, row.body).capacity for row in reader.rows(Session, list(sessions)).values()}


def laid(spots: int) -> SeatMap:
    template = read_template(read_json(path("seatmaps", "mat.json").read_bytes()))
    return lay_out(template, {"mats.rows": 4, "mats.columns": spots // 4}, seed=derived("test", "seed"))


PLACES = laid(40).capacity()
"""The template leaves out what stands in the aisle."""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with running_studio(tmp_path / "data", families=8) as studio:
        other = studio.pair("desk", tmp_path / "other" / "desk")
        try:
            yield House(studio, other)
        finally:
            other.close()


def test_capacity_is_everywhere_within_two_seconds(house: House) -> None:
    for version, spots in enumerate((40, 32, 40), start=1):
        spent = published(house, version, laid(spots))
        if spent <= 2.0:  # a machine that is busy with something else has three tries
            break
    assert spent <= 2.0


def published(house: House, version: int, seat_map: SeatMap) -> float:
    """Publish the next version at the desk: the seconds until every device has the room's places."""
    places = seat_map.capacity()
    draft = house.draft(house.desk, f"version {version}", seat_map)
    until(lambda: cloud_row(house.studio, SeatDraft, draft[0]), house.desk)
    began = time.monotonic()
    receipt = house.publish(house.desk, draft, version - 1)
    assert receipt.outcome.status is Status.WAITING
    answer = until(lambda: answer_of(house.desk, receipt.operation), house.desk)
    assert answer.stands, answer
    for node in house.nodes:
        until(lambda node=node: capacities(node, house.sessions) == {places}, node)
    spent = time.monotonic() - began
    page = SeatPages(house.studio.cloud.studios).states(house.studio.plan.studio, house.sessions[0])
    assert len(page.states) == places
    assert unpacked(here(house.kiosk, SeatMapVersion, version_id(house.room, version)).document) == seat_map
    return spent


def test_a_preset_and_drafts_of_two_desks_reach_everybody(house: House) -> None:
    plain = {**json.loads(path("seatmaps", "mat.json").read_text(encoding="utf-8")), "name": "Ours"}
    receipt = say(house.desk, SavePreset(name="Ours", template=json.dumps(plain)), house.author)
    assert receipt.outcome.status is Status.ACCEPTED
    id = preset_id(house.studio.plan.studio, "Ours")
    until(lambda: here(house.other, SeatPreset, id), house.desk, house.other)
    first = house.draft(house.desk, "mine", laid(20))
    second = house.draft(house.other, "theirs", laid(24))
    for node in (house.desk, house.other):
        until(lambda node=node: here(node, SeatDraft, first[0]) and here(node, SeatDraft, second[0]), node)
    assert here(house.kiosk, SeatDraft, first[0]) is None, "a kiosk holds no drafts"
    until(lambda: all(node.pending() == 0 for node in house.nodes), *house.nodes)
    everything_holds(house.studio, *house.nodes)


def test_a_publish_made_offline_waits_and_is_refused_with_reasons(house: House) -> None:
    """While the cable is out, one desk takes a spot away; meanwhile, somebody is booked on it from elsewhere."""
    whole = laid(40)
    first = house.publish(house.desk, house.draft(house.desk, "first", whole), 0)
    until(lambda: answer_of(house.desk, first.operation), house.desk)
    until(lambda: here(house.desk, SeatMapVersion, version_id(house.room, 1)), house.desk)
    family = house.studio.plan.families[-1]
    taken, child = whole.spots[0].id, Id(family.children[0].child)
    house.studio.proxy.cut()
    smaller = replace(whole, spots=whole.spots[1:])
    draft = house.draft(house.desk, "second", smaller, based_on=1)
    asked = house.publish(house.desk, draft, 1)
    assert asked.outcome.status is Status.WAITING
    booked = CreateBooking(
        session=house.free_for(child), child=child, family=Id(family.family), location=Id(house.studio.plan.main),
        spot=taken,
    )  # fmt: skip
    ledger = house.studio.cloud.studios.author(house.studio.plan.studio, booked, source="test")
    assert ledger.link.outcome.stands, ledger.link.outcome
    house.studio.proxy.restore()
    house.desk.probe()
    refused = until(lambda: answer_of(house.desk, asked.operation), house.desk)
    assert refused.status is Status.REFUSED
    assert {one.code for item in refused.items for one in item.reasons} == {"seatmap.seats_lost", "session.with_others"}
    assert [(one["spot"], one["to"]) for one in refused.alternatives] == [(taken, "")]
    assert capacities(house.kiosk, house.sessions) == {PLACES}
    id = booking_id(house.studio.plan.studio, booked.session, child)
    until(lambda: here(house.desk, Booking, id), house.desk)
    assert until(lambda: here(house.other, SeatDraft, draft[0]), house.other).state == "draft"


def test_a_link_from_the_command_opens_the_page(house: House) -> None:
    published = house.publish(house.desk, house.draft(house.desk, "first", laid(40)), 0)
    assert until(lambda: answer_of(house.desk, published.operation), house.desk).stands
    data, url = house.studio.data, house.studio.server.url
    made = inside("seatmap", "link", house.sessions[0], "--url", url, "--minutes", "5", "--json", data=data)
    assert made.code == 0, made.err
    answer = httpx.get(made.json["url"])
    assert (answer.status_code, answer.text.count('type="radio"')) == (200, PLACES)
    refused = inside("seatmap", "link", "nobody", data=data)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert inside("seatmap", "link", "9" * 32, data=data).code == 1
    assert inside("seatmap", "link", house.sessions[0], "--minutes", "0", data=data).code == 2
