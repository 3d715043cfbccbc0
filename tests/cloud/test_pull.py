"""Pulls and snapshots over HTTP: what changed, in pages that can be taken up again, and never what is not yours."""

from typing import Any

import httpx
import pytest

from classtap_core.kernel.undo import Undo
from cloud.composition import Cloud
from cloud.storage import pulls
from cloud.storage.directory import StudioEntry
from sync import protocol
from tests.cloud.conftest import paired
from tests.cloud.rig import ALL, STAFF, Device, child_id, code_of, enrolments, marks, seed
from tests.unit.kernel import toy


def bodies(rows: tuple[protocol.WireRow, ...]) -> dict[str, Any]:
    """Row id → what it says now; None where it is gone."""
    return {row.id: None if bytes(row.body) == b"null" else protocol.decode(Any, row.body) for row in rows}


def test_a_pull_brings_what_changed_and_then_nothing(device: Device) -> None:
    device.submit(marks(3))
    device.push(1, 3)
    page = device.pull("roster/*")
    assert {body["child"] for body in bodies(page.rows).values()} == {child_id(0), child_id(1), child_id(2)}
    assert (page.through, page.more, page.resnapshot) == (3, False, ())
    again = device.pull("roster/*", cursor=page.cursor)
    assert (again.rows, again.through) == ((), 3)
    device.submit(marks(1))
    device.push(4, 4)
    later = device.pull("roster/*", cursor=page.cursor)
    assert [row.id for row in later.rows] == [toy.presence_id(child_id(0))]
    assert later.through == 4
    assert device.pull("roster/*", cursor=later.cursor).rows == ()  # each answer moves the cursor on


def test_pages_can_be_taken_up_and_lose_nothing_that_changes_meanwhile(
    cloud: Cloud, studio: StudioEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of 7 over 40 rows; after each page some row changes, before or behind the cursor."""
    seed(cloud, studio.id, enrolments(40))
    seen: dict[str, bytes] = {}
    cursor, more, turn = "", True, 0
    while more:
        page = pulls.pull(cloud.books, studio.id, ALL, cursor=cursor, most=7)
        seen |= {row.id: row.body or b"" for row in page.rows}
        cursor, more = page.cursor, page.more
        if turn < 12:
            seed(cloud, studio.id, [toy.Rename(child=child_id(turn * 3), name=f"Renamed {turn}")])
            more = True
        turn += 1
    head = pulls.head_of(cloud.books, studio.id)
    assert page.through == head == 52
    rows = cloud.studios.storage(studio.id).rows(toy.Child, [child_id(number) for number in range(40)])
    assert seen == {id: row.body for id, row in rows.items()}
    assert turn > 12


def test_one_operation_with_more_rows_than_a_page(device: Device, cloud: Cloud, studio: StudioEntry) -> None:
    items = tuple(toy.Item(child_id(number), "present") for number in range(25))
    seed(cloud, studio.id, [toy.MarkPresence(house="h1", items=items), *enrolments(1)])
    found: list[str] = []
    throughs = []
    cursor, more = "", True
    while more:
        page = pulls.pull(cloud.books, studio.id, ALL, cursor=cursor, most=10)
        found += [row.id for row in page.rows]
        cursor, more = page.cursor, page.more
        throughs.append(page.through)
    assert len(found) == len(set(found)) == 26
    # Sequence 1 is through only when its last row has been sent.
    assert throughs == [0, 0, 2]


def test_a_row_that_leaves_what_is_held_is_taken_away(device: Device, cloud: Cloud, studio: StudioEntry) -> None:
    seed(cloud, studio.id, [*enrolments(1, house="h1")])
    first = device.pull("families/h1")
    assert len(first.rows) == 1
    seed(cloud, studio.id, [*enrolments(1, house="h2")])
    left = device.pull("families/h1", cursor=first.cursor)
    assert [(row.scope, bytes(row.body)) for row in left.rows] == [("families/h1", b"null")]
    moved = device.pull("families/*", cursor=first.cursor)
    assert [(row.scope, bytes(row.body) != b"null") for row in moved.rows] == [("families/h2", True)]


def test_a_deleted_row_is_pulled_as_gone(device: Device, cloud: Cloud, studio: StudioEntry) -> None:
    ledger = cloud.studios.authority(studio.id).author(studio.cloud_device, enrolments(1)[0], STAFF, source="test")
    page = device.pull("families/*")
    seed(cloud, studio.id, [Undo(operation=ledger.link.operation)])
    gone = device.pull("families/*", cursor=page.cursor)
    assert [(row.id, bytes(row.body)) for row in gone.rows] == [(child_id(0), b"null")]


def test_nothing_leaks_beyond_what_a_device_may_hold(
    cloud: Cloud, studio: StudioEntry, client: httpx.Client, device: Device
) -> None:
    narrow = paired(cloud, studio, client, scopes=("families/h1", "roster/h1"))
    seed(cloud, studio.id, [*enrolments(1, house="h1"), *marks(1, house="h1"), *marks(1, start=1, house="h2")])
    other = toy.Enrol(child=child_id(9), house="h2", name="Secret")
    seed(cloud, studio.id, [other])
    mine = {child_id(0), toy.presence_id(child_id(0))}
    for asked in (ALL, ("families/*", "roster/*"), ("families/h1", "roster/h1", "families/h2"), ("*",), ("/*",), ("",)):
        rows = narrow.pull(*asked).rows
        assert {row.id for row in rows} <= mine, asked
        assert all(row.scope.endswith("/h1") for row in rows)
    assert {row.id for row in narrow.pull(*ALL).rows} == mine
    assert narrow.pull("families/h2").rows == ()
    # Nor by a push's page, nor by asking for nothing.
    narrow.submit(marks(1, start=5))
    pushed = narrow.push(1, 1, scopes=ALL)
    assert pushed.page is not None
    assert {row.scope for row in pushed.page.rows} == {"families/h1", "roster/h1"}
    assert narrow.pull().rows == ()
    for scope in ("families/h2", "families/*", "families", "*", "roster/h1/../h2", "families/h1/x"):
        answer = client.get(f"/sync/v1/snapshot/{scope}", headers=narrow.headers)
        assert answer.status_code in (403, 404), scope
    assert {row.id for row in device.pull(*ALL).rows} > mine


def test_a_device_that_loses_a_scope_is_told_and_gets_no_more_of_it(
    cloud: Cloud, studio: StudioEntry, device: Device
) -> None:
    seed(cloud, studio.id, [*enrolments(1), *marks(1)])
    page = device.pull("families/*", "roster/h1")
    assert page.allowed is None
    assert device.papers is not None
    cloud.studios.set_scopes(studio.id, device.papers.device, ("roster/h1",))
    seed(cloud, studio.id, [*enrolments(1), *marks(1)])
    later = device.pull("families/*", "roster/h1", cursor=page.cursor)
    assert {row.kind for row in later.rows} == {"presence"}
    assert later.allowed == ("roster/h1",)
    # What it had not sent yet still arrives.
    device.submit(marks(1))
    assert device.push(1, 1, scopes=["roster/h1"]).acked == 1


def test_a_row_that_moves_to_where_one_may_not_look_comes_without_its_body(
    cloud: Cloud, studio: StudioEntry, client: httpx.Client
) -> None:
    narrow = paired(cloud, studio, client, scopes=("families/h1",))
    seed(cloud, studio.id, enrolments(1, house="h1"))
    cursor = narrow.pull("families/h1").cursor
    seed(cloud, studio.id, enrolments(1, house="h2"))
    answer = client.get("/sync/v1/pull", params={"cursor": cursor, "scope": ["families/h1"]}, headers=narrow.headers)
    assert b"h2" not in answer.content
    assert b"sa 0" not in answer.content
    assert b"families/h1" in answer.content


def test_another_studios_rows_and_cursors_are_out_of_reach(device: Device, cloud: Cloud, client: httpx.Client) -> None:
    elsewhere = cloud.studios.found("Elsewhere")
    seed(cloud, elsewhere.id, enrolments(3))
    assert device.pull(*ALL).rows == ()
    assert device.snapshot("families/*").rows == ()
    stranger = paired(cloud, elsewhere, client)
    theirs = stranger.pull(*ALL).cursor
    answer = client.get("/sync/v1/pull", params={"cursor": theirs, "scope": "families/*"}, headers=device.headers)
    assert code_of(answer) == (400, "sync.cursor")


@pytest.mark.parametrize("cursor", ["x", "!!!", "AAAA", "bnVsbA", "é", "W10", "eyJhIjoxfQ"])
def test_cursors_that_are_none(device: Device, client: httpx.Client, cursor: str) -> None:
    answer = client.get("/sync/v1/pull", params={"cursor": cursor, "scope": "roster/*"}, headers=device.headers)
    assert code_of(answer) == (400, "sync.cursor")
    answer = client.get("/sync/v1/snapshot/roster/*", params={"after": cursor}, headers=device.headers)
    assert code_of(answer) == (400, "sync.cursor")


@pytest.mark.parametrize("sequence", [99, 2])
def test_a_cursor_from_elsewhen_asks_for_a_new_snapshot(
    device: Device, cloud: Cloud, studio: StudioEntry, sequence: int
) -> None:
    """Ahead of the cloud (it was restored), or behind what it remembers (tombstones have expired)."""
    seed(cloud, studio.id, enrolments(5))
    head = cloud.books.tables.head
    with cloud.database.administer() as connection:
        connection.execute(head.update().where(head.c.studio_id == studio.id).values(horizon=3))
    stale = pulls.written(pulls.Cursor(studio.id, sequence))
    page = device.pull("families/*", "roster/*", cursor=stale)
    assert page.rows == ()
    assert page.resnapshot == ("families/*", "roster/*")
    assert device.pull("families/*", cursor=page.cursor).resnapshot == ()


def test_a_snapshot_is_whole_and_resumes_anywhere(device: Device, cloud: Cloud, studio: StudioEntry) -> None:
    seed(cloud, studio.id, [*enrolments(30), *marks(10)])
    seed(cloud, studio.id, [toy.Enrol(child=child_id(100 + number), house="h2", name="x") for number in range(5)])
    whole = device.snapshot("families/*")
    assert (len(whole.rows), whole.next, whole.total, whole.through) == (35, "", 35, 45)
    assert len(device.snapshot("families/h1").rows) == 30
    assert len(device.snapshot("roster/*").rows) == 10
    rows: list[protocol.WireRow] = []
    after = ""
    while True:
        page = device.snapshot("families/*", after=after, limit=8)
        assert (page.through, page.cursor) == (whole.through, whole.cursor)
        # The same page again, as after a cut: the same rows.
        assert device.snapshot("families/*", after=after, limit=8).rows == page.rows
        rows += page.rows
        after = page.next
        if not after:
            break
        # What changes while the snapshot is taken is what the pull from its cursor brings.
        seed(cloud, studio.id, [toy.Rename(child=child_id(0), name=f"Again {len(rows)}")])
    assert [row.id for row in rows] == [row.id for row in whole.rows]
    brought = device.pull("families/*", cursor=whole.cursor)
    assert [row.id for row in brought.rows] == [child_id(0)]


def test_a_page_that_was_cut_is_gone_on_with_behind_any_row(device: Device, cloud: Cloud, studio: StudioEntry) -> None:
    seed(cloud, studio.id, [*enrolments(6), *marks(4)])
    seed(cloud, studio.id, [toy.Enrol(child=child_id(100 + number), house="h2", name="x") for number in range(3)])
    whole = device.snapshot("families/*")
    for number, row in enumerate(whole.rows, 1):
        rest = device.snapshot("families/*", after=f"{whole.cursor}~{row.kind}/{row.scope}/{row.id}")
        assert rest.rows == whole.rows[number:]
        assert (rest.through, rest.cursor, rest.next) == (whole.through, whole.cursor, "")
    # A later row's page bears the sequence that the first one began at, whatever happened meanwhile.
    seed(cloud, studio.id, [toy.Rename(child=child_id(0), name="Again")])
    first = whole.rows[0]
    again = device.snapshot("families/*", after=f"{whole.cursor}~{first.kind}/{first.scope}/{first.id}", limit=2)
    assert (again.through, again.rows) == (whole.through, whole.rows[1:3])
    assert device.snapshot("families/*", after=again.next).rows == whole.rows[3:]


@pytest.mark.parametrize("behind", ["", "child", "child/h1", "child//x", "/families/h1/x", "child/families/h1/", "~"])
def test_rows_to_go_on_behind_that_are_none(device: Device, client: httpx.Client, behind: str) -> None:
    cursor = device.snapshot("families/*").cursor
    answer = client.get("/sync/v1/snapshot/families/*", params={"after": f"{cursor}~{behind}"}, headers=device.headers)
    assert code_of(answer) == (400, "sync.cursor")


@pytest.mark.parametrize("limit", ["0", "-1", "2001", "x", "１", pytest.param("1" * 5_000, id="long")])
def test_limits_that_are_none(device: Device, client: httpx.Client, limit: str) -> None:
    answer = client.get("/sync/v1/snapshot/roster/*", params={"limit": limit}, headers=device.headers)
    assert code_of(answer) == (400, "sync.limit")


def test_answers_are_packed_only_for_those_who_ask(device: Device, cloud: Cloud, studio: StudioEntry) -> None:
    seed(cloud, studio.id, enrolments(100))
    url = "/sync/v1/snapshot/families/*"
    packed = device.client.get(url, headers={**device.headers, "Accept-Encoding": "gzip"})
    plain = device.client.get(url, headers={**device.headers, "Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert packed.num_bytes_downloaded * 4 < plain.num_bytes_downloaded
