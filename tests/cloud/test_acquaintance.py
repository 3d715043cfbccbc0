"""A device's second push is taken on the word of its first; whatever it is told is asked anew."""

import httpx
import pytest
from sqlalchemy import delete, update

from cloud.acquaintance import Acquaintance
from cloud.composition import Cloud
from cloud.storage.directory import StudioEntry
from tests.cloud.rig import ALL, Device, code_of, marks


@pytest.fixture
def known(device: Device) -> Device:
    """It has pushed, and was told what it holds."""
    device.submit(marks(3))
    assert device.push(1, 1, scopes=ALL).page is not None
    return device


def test_who_is_revoked_is_answered_and_told_nothing_more(known: Device, cloud: Cloud, studio: StudioEntry) -> None:
    assert known.papers is not None
    cloud.studios.revoke(studio.id, known.papers.device)
    pushed = known.push(2, 3, scopes=ALL)
    assert (pushed.acked, pushed.page) == (3, None)


def test_a_token_that_ended_opens_no_page(known: Device, cloud: Cloud) -> None:
    with cloud.database.administer() as connection:
        connection.execute(delete(cloud.books.tables.tokens))
    pushed = known.push(2, 3, scopes=ALL)
    assert (pushed.acked, pushed.page) == (3, None)


def test_what_it_may_hold_is_asked_anew(known: Device, cloud: Cloud, studio: StudioEntry) -> None:
    assert known.papers is not None
    cloud.studios.set_scopes(studio.id, known.papers.device, ("schedule",))
    page = known.push(2, 3, scopes=ALL).page
    assert page is not None
    assert page.allowed == ("schedule",)
    assert page.rows == ()


def test_a_device_that_a_backup_does_not_know_pairs_anew(known: Device, cloud: Cloud, client: httpx.Client) -> None:
    devices = cloud.books.tables.device
    with cloud.database.administer() as connection:
        connection.execute(delete(cloud.books.tables.batch))
        connection.execute(update(devices).values(id=devices.c.id + "x"))
    for _ in range(2):
        assert code_of(known.send(known.batch(2, 3))) == (401, "auth.token")


def test_nobody_is_remembered_longer_for_coming_again(known: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the directory said is a minute old at most, however often the device pushes."""
    met: list[int] = []
    monkeypatch.setattr(Acquaintance, "meet", lambda *_: met.append(1))
    for _ in range(3):
        known.push(2, 3)
    assert met == []


def test_so_many_are_remembered_and_no_more(device: Device, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.acquaintance.MOST", 2)
    assert device.papers is not None
    entry, seen = cloud.studios.device_of(device.papers.token), Acquaintance()
    for token in ("a", "b", "c"):
        seen.meet(token, entry)
    assert [seen.of(token) is not None for token in ("a", "b", "c")] == [False, False, True]
    seen.forget("c")
    assert seen.of("c") is None
