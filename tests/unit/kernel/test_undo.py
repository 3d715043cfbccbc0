"""Undo: before-values where nobody changed them since, and a list of the rest."""

import json

import pytest

from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.undo import Undo
from tests.unit.kernel import toy
from tests.unit.kernel.rig import SEATS, STAFF, Cloud, Device, child, enrol, mark


@pytest.fixture
def device() -> Device:
    return Device("desk", Cloud())


def name_of(device: Device, number: int) -> str | None:
    row = device.backend.rows(toy.Child, [child(number)]).get(child(number))
    return None if row is None else json.loads(row.body)["name"]


def do(device: Device, payload: toy.Payload, author: Author = STAFF) -> Id:
    return device.bus.submit(payload, author).operation


def test_a_change_is_put_back(device: Device) -> None:
    do(device, enrol(0, name="Ana"))
    renamed = do(device, toy.Rename(child=child(0), name="Bo"))
    receipt = device.bus.submit(Undo(operation=renamed), STAFF)
    assert receipt.outcome.status is Status.ACCEPTED
    assert name_of(device, 0) == "Ana"


def test_what_was_made_goes_and_an_undone_undo_brings_it_back(device: Device) -> None:
    made = do(device, enrol(0, name="Ana"))
    undone = do(device, Undo(operation=made))
    assert name_of(device, 0) is None
    redo = device.bus.submit(Undo(operation=undone), STAFF)
    assert redo.outcome.status is Status.ACCEPTED
    assert name_of(device, 0) == "Ana"


def test_lists_come_back_as_they_were(device: Device) -> None:
    do(device, mark(0))
    second = do(device, mark(0, state="late"))
    device.sync()
    assert device.bus.submit(Undo(operation=second), STAFF).outcome.status is Status.ACCEPTED
    (row,) = device.backend.rows(toy.Presence, [toy.presence_id(child(0))]).values()
    assert b"late" not in row.body


def test_what_somebody_changed_since_is_left_and_listed(device: Device) -> None:
    both = do(device, mark(0, 1))
    do(device, mark(1, state="late"))
    outcome = device.bus.submit(Undo(operation=both), STAFF).outcome
    assert outcome.status is Status.ACCEPTED
    assert [(item.key, item.status, item.reasons[0].code) for item in outcome.items] == [
        (toy.presence_id(child(1)), Status.SUPERSEDED, "undo.changed_since")
    ]
    assert not device.backend.rows(toy.Presence, [toy.presence_id(child(0))])
    assert device.backend.rows(toy.Presence, [toy.presence_id(child(1))])


def test_all_of_it_changed_since(device: Device) -> None:
    made = do(device, enrol(0, name="Ana"))
    do(device, toy.Rename(child=child(0), name="Bo"))
    outcome = device.bus.submit(Undo(operation=made), STAFF).outcome
    assert outcome.status is Status.SUPERSEDED
    assert name_of(device, 0) == "Bo"


def test_another_field_changed_since_does_not_matter(device: Device) -> None:
    do(device, toy.Enrol(child=child(0), house="north", name="Ana"))
    renamed = do(device, toy.Rename(child=child(0), name="Bo"))
    do(device, toy.Enrol(child=child(0), house="south", name="Bo"))
    assert device.bus.submit(Undo(operation=renamed), STAFF).outcome.status is Status.ACCEPTED
    (row,) = device.backend.rows(toy.Child, [child(0)]).values()
    assert (row.scope, name_of(device, 0)) == ("families/south", "Ana")


def test_the_cloud_undoes_what_another_device_did_and_a_device_waits_for_it() -> None:
    cloud = Cloud()
    desk, kiosk = Device("desk", cloud), Device("kiosk", cloud)
    marked = do(kiosk, mark(0))
    kiosk.sync()
    desk.sync()
    receipt = desk.bus.submit(Undo(operation=marked), STAFF)
    assert (receipt.outcome.status, receipt.outcome.needs) == (Status.WAITING, ("log",))
    assert desk.sync() == []
    assert kiosk.sync() == []
    for device in (desk, kiosk):
        assert not device.backend.rows(toy.Presence, [toy.presence_id(child(0))])


@pytest.mark.parametrize("cut", range(5))
def test_what_was_undone_before_it_was_sent_is_undone_in_the_cloud(cut: int) -> None:
    """However the batches are cut: an undo may travel with what it takes back, and with the undo of itself."""
    cloud = Cloud()
    device = Device("desk", cloud)
    do(device, enrol(0, name="Ana"))
    renamed = do(device, toy.Rename(child=child(0), name="Bo"))
    undone = do(device, Undo(operation=renamed))
    do(device, Undo(operation=undone))
    do(device, Undo(operation=do(device, toy.Rename(child=child(0), name="Cy"))))
    for first, last in ((1, cut), (1, 6)):
        if last:
            answers = cloud.authority.push(device.batch(first, last)).answers
    assert [answer.outcome.status for answer in answers] == [Status.ACCEPTED] * 6
    assert json.loads(cloud.backend.rows(toy.Child, [child(0)])[child(0)].body)["name"] == "Bo"


def test_an_operation_that_never_was(device: Device) -> None:
    outcome = device.cloud.authority.author(
        device.cloud.own, Undo(operation=derived("never")), STAFF, source="test"
    ).link.outcome
    assert (outcome.status, outcome.reasons[0].code) == (Status.REFUSED, "undo.unknown")


def test_an_operation_that_changed_nothing(device: Device) -> None:
    waiting = do(device, toy.Take(seats=SEATS))
    assert device.bus.submit(Undo(operation=waiting), STAFF).outcome.status is Status.ACCEPTED
