"""A client made from docs/sync.md alone (`stranger.py`) lives a day with the cloud: so page and code cannot drift."""

import ast
import hashlib
import secrets
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from classtap_core.kernel.ids import Id
from tests.cloud import stranger
from tests.cloud.house_rig import House
from tests.cloud.stranger import Refusal, Stranger, derived, fresh
from tests.unit.house import world

LATER = world.NINE + 60_000


@pytest.fixture
def house_database() -> str:
    """One engine is enough here: `test_parity` and the others hold both to the same answers."""
    return ""


def test_it_imports_nothing_of_ours() -> None:
    tree = ast.parse(Path(stranger.__file__).read_text(encoding="utf-8"))
    names = {one.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names}
    names |= {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names <= {"gzip", "hashlib", "json", "secrets", "time", "collections", "typing", "httpx", "cryptography"}


def joined(home: House, role: str) -> Stranger:
    """A stranger with all that it may hold."""
    code = home.studios.pairing_code(world.STUDIO, role=role, location=world.MAIN, name=role)
    made = Stranger(home.client, LATER)
    made.pair(code.code)
    for scope in made.papers["scopes"]:
        made.load(scope, limit=3)
    return made


def agrees(device: Stranger) -> bool:
    theirs = device.pull(digest=True)["digests"]
    assert set(theirs) == set(device.papers["scopes"])
    return all(device.digest(scope) == theirs[scope] for scope in theirs)


def owner_of(device: Stranger) -> dict[str, Any]:
    (grant,) = [one for one in device.of("grant") if one["role"] == "owner"]
    return {"type": "staff", "id": grant["holder"], "grants": [grant["id"]]}


def refusal(act: Any) -> tuple[int, str, dict[str, Any]]:
    with pytest.raises(Refusal) as found:
        act()
    return found.value.status, found.value.code, found.value.params


def test_a_day_of_a_stranger(home: House) -> None:
    desk, kiosk = joined(home, "desk"), joined(home, "kiosk")
    owner = owner_of(desk)
    assert agrees(desk)
    assert agrees(kiosk)
    assert not {place[0] for place in kiosk.rows} & {"child_health", "custody", "contact", "contact_masked"}

    # Every outcome, in one batch.
    family = desk.of("family")[0]
    session = next(one for one in desk.of("session") if one["location"] == world.MAIN)
    booked = [one for one in desk.of("booking") if one["session"] == session["id"]]
    child = booked[0]["child"] if booked else desk.of("child")[0]["id"]
    mark = {"session": session["id"], "items": [{"child": child, "state": "present"}]}
    late = {"session": session["id"], "items": [{"child": child, "state": "late"}]}
    new_name = {"base": family["name"], "name": "Núñez 😀"}
    said = [
        desk.say("family.rename", {"family": family["id"]}, {family["id"]: new_name}, author=owner),
        desk.say("attendance.mark", mark, author=owner, gates=[{"gate": "window", "item": child, "result": "allow"}]),
        desk.say("attendance.mark", mark, author=owner),
        desk.say("attendance.mark", late, author=owner),
        desk.say("attendance.mark", late),
        desk.say("family.rename", {"family": family["id"]}, {family["id"]: new_name}),
        desk.say("never.heard_of", {"x": 1}, author=owner),
        desk.say("attendance.mark", {"later": True}, author=owner, version=9),
        desk.say("attendance.mark", {"session": 7}, author=owner),
    ]
    first = desk.push(said, cursor=desk.cursor, scopes=desk.papers["scopes"])
    assert [one.status for one in said] == [
        "accepted", "accepted", "duplicate", "superseded", "contested", "refused",
        "quarantined", "quarantined", "quarantined",
    ]  # fmt: skip
    assert [one.answer["outcome"]["reasons"][0]["code"] for one in said[4:] if one.answer] == [
        "permission.denied", "permission.denied", "operation.unknown", "operation.version", "operation.payload",
    ]  # fmt: skip
    assert first["acked"] == 9
    assert first["takes"]["attendance.mark"] >= 1
    assert "Núñez 😀" in {row["body"]["name"] for row in first["page"]["rows"] if row["kind"] == "family"}
    assert desk.push(said)["answers"] == first["answers"], "the same bytes are answered as they were"
    kiosk.pull()
    assert "Núñez 😀" in {one["name"] for one in kiosk.of("family")}
    assert agrees(desk)
    assert agrees(kiosk)

    # Said again, once the cloud understands it.
    again = desk.say(
        "attendance.mark", mark, author=owner, id=derived("retry", said[7].fields["id"]), at=said[7].fields["at"],
        cause=said[7].fields["id"],
    )  # fmt: skip
    desk.drain()
    assert again.status == "duplicate"

    # Taken back before it was sent.
    renamed = desk.say(
        "family.rename", {"family": family["id"]}, {family["id"]: {"base": "Núñez 😀", "name": "Nobody"}}, author=owner
    )
    back = desk.say("kernel.undo", {"operation": renamed.fields["id"]}, author=owner)
    desk.push([renamed, back])
    assert {renamed.status, back.status} == {"accepted"}
    desk.pull()
    assert "Núñez 😀" in {one["name"] for one in desk.of("family")}

    # What the wire will not take is refused whole, and nothing is kept of it.
    desk.pull()
    before = desk.through
    waiting = desk.say("scan.record", scan(desk))
    batch = desk.batch([waiting])
    bent = batch["items"][0]["envelope"].replace('"source":"stranger"', '"source":"somebody"')
    for body, code in (
        ({**batch, "signature": "00" * 64}, (401, "sync.signature")),
        ({**batch, "studio": fresh()}, (403, "sync.other_studio")),
        ({**batch, "items": [{"envelope": bent, "parts": batch["items"][0]["parts"]}]}, (401, "sync.signature")),
        (
            {**batch, "items": [*batch["items"], {**batch["items"][0], "parts": {"": "{}"}}]},
            (400, "envelope.commitment"),
        ),
        ({**batch, "cursor": None}, (400, "sync.malformed")),
        ({**batch, "items": batch["items"] * 501}, (413, "sync.too_many")),
        ({**batch, "items": []}, (400, "sync.empty")),
    ):
        assert refusal(lambda body=body: desk.call("POST", "push", body=body))[:2] == code
    beyond = desk.say("scan.record", scan(desk))
    gap = (409, "sync.gap", {"expected": waiting.fields["sequence"]})
    assert refusal(lambda: desk.push([beyond])) == gap
    desk.pull()
    assert desk.through == before
    desk.drain()
    assert {waiting.status, beyond.status} == {"accepted"}

    # A row that went wrong here is found, and its leaf alone is fetched.
    desk.pull()
    place = next(place for place in desk.rows if place[0] == "child")
    desk.rows[place] += " "
    assert not agrees(desk)
    assert desk.repair(place[1]) == [place[2][-2:]]
    assert agrees(desk)


def test_the_same_bytes_are_answered_with_the_same_bytes(home: House) -> None:
    """Also what was made a moment ago, and is read from where it is kept the second time: down to the order of members."""
    desk = joined(home, "desk")
    mark = {"session": world.EVENING, "items": [{"child": world.ANA, "state": "present"}]}
    batch = desk.batch([desk.say("attendance.mark", mark, author=owner_of(desk))])
    first, again = (desk.call("POST", "push", body=batch).text.partition('"cloud_ms"')[0] for _ in range(2))
    assert "opens_ms" in first
    assert "closes_ms" in first
    assert again == first


def scan(device: Stranger) -> dict[str, Any]:
    return {"location": world.MAIN, "date": "2026-11-21", "outcome": "revoked", "handle": "00" * 8}


def test_two_histories_of_a_stranger_both_live(home: House) -> None:
    device = joined(home, "kiosk")
    device.say("scan.record", scan(device))
    device.drain()
    twin = Stranger(home.client, LATER)
    twin.key, twin.papers, twin.log = device.key, dict(device.papers), list(device.log)
    for _ in range(2):
        device.say("scan.record", scan(device))
    mine = [twin.say("scan.record", scan(twin)) for _ in range(3)]
    device.drain()
    twin.drain()
    assert [(said.fields["epoch"], said.fields["sequence"]) for said in twin.log[1:]] == [(2, 1), (2, 2), (2, 3)]
    assert [said.fields["id"] for said in twin.log[1:]] == [said.fields["id"] for said in mine]
    device.say("scan.record", scan(device))
    device.drain()
    assert {said.status for said in (*device.log, *twin.log)} == {"accepted"}


def test_a_stranger_borrows_places(home: House) -> None:
    kiosk = joined(home, "kiosk")
    session = next(one for one in kiosk.of("session") if one["location"] == world.MAIN)
    asked = kiosk.say("lease.take", {"session": session["id"], "places": 2})
    kiosk.drain()
    kiosk.pull()
    id = derived("lease", asked.fields["id"])
    (lease,) = [one for one in kiosk.of("lease") if one["id"] == id]
    assert (lease["device"], lease["places"]) == (kiosk.papers["device"], 2)
    taken = {one["child"] for one in kiosk.of("booking") if one["session"] == session["id"]}
    child = next(one for one in kiosk.of("child") if one["id"] not in taken)
    wanted = {
        "session": session["id"], "child": child["id"], "family": child["family"], "location": world.MAIN, "lease": id,
    }  # fmt: skip
    foreign = kiosk.say("booking.create", {**wanted, "lease": fresh()})
    spent = kiosk.say("booking.create", wanted)
    kiosk.drain()
    assert [spent.status, foreign.status] == ["accepted", "refused"]


def test_one_stranger_brings_what_another_wrote(home: House) -> None:
    """§5.1: it counts by the rights of who wrote it, and both are told the same; a withdrawn device's word is contested.

    The second mark is of after the withdrawal by the device's own clock.
    """
    author, carrier = joined(home, "kiosk"), joined(home, "desk")
    session = next(one for one in author.of("session") if one["location"] == world.MAIN)
    children = [one["id"] for one in author.of("child")][:2]
    marks = [
        author.say("attendance.mark", {"session": session["id"], "items": [{"child": child, "state": "present"}]})
        for child in children
    ]
    run = author.batch(marks[:1])
    bare = {**run, "items": [{"envelope": run["items"][0]["envelope"], "parts": {}}]}
    assert refusal(lambda: carrier.call("POST", "push", body=bare)) == (409, "sync.parts_missing", {"sequence": 1})
    answer = carrier.call("POST", "push", body={**run, "cursor": carrier.cursor, "scopes": carrier.papers["scopes"]})
    told = answer.json()
    assert ([one["outcome"]["status"] for one in told["answers"]], told["acked"]) == (["accepted"], 1)
    carrier.take(answer.text, told["page"])
    assert children[0] in {one["child"] for one in carrier.of("attendance")}
    assert carrier.call("POST", "push", body=bare).json()["answers"] == told["answers"], "known by its hash"
    assert author.push(marks[:1])["answers"] == told["answers"]

    home.studios.revoke(world.STUDIO, Id(author.papers["device"]))
    (late,) = carrier.call("POST", "push", body=author.batch(marks)).json()["answers"][1:]
    assert late["outcome"]["status"] == "contested"
    assert refusal(lambda: author.call("POST", "push", body=carrier.batch([carrier.say("x.y", {})])))[:2] == (
        403, "device.revoked",
    )  # fmt: skip


def test_a_stranger_carries_a_blob(home: House) -> None:
    desk, kiosk = joined(home, "desk"), joined(home, "kiosk")
    sealed = secrets.token_bytes(1_500_000)
    name = hashlib.sha256(sealed).hexdigest()
    offer = {
        "blob": {"hash": name, "size": 1_490_000, "type": "image/png"}, "sealed": len(sealed), "kind": "child_health",
        "key": secrets.token_hex(32), "subject": desk.of("child")[0]["id"], "scope": f"health/{world.MAIN}",
    }  # fmt: skip
    missing = desk.call("POST", f"blob/{name}", body=offer).json()["missing"]
    assert missing == [[0, 1_048_576], [1_048_576, 1_500_000]]
    assert refusal(lambda: desk.call("GET", f"blob/{name}"))[:2] == (404, "blob.unknown")
    standings = [
        desk.call("PUT", f"blob/{name}", params={"start": start}, content=sealed[start:end]).json()
        for start, end in reversed(missing)
    ]
    assert [one["whole"] for one in standings] == [False, True]
    assert desk.call("GET", f"blob/{name}").json() == offer
    assert desk.call("GET", f"blob/{name}", params={"start": 7, "end": 1_000_007}).content == sealed[7:1_000_007]
    assert refusal(lambda: kiosk.call("GET", f"blob/{name}"))[:2] == (403, "scope.not_yours")


def test_a_stranger_hears_hints_and_is_told_to_go(home: House) -> None:
    desk, kiosk = joined(home, "desk"), joined(home, "kiosk")
    heard: list[str] = []
    open_ = threading.Event()

    def listen() -> None:
        headers = {"Authorization": f"Bearer {kiosk.papers['token']}"}
        with (
            httpx.Client(base_url=home.server.url, timeout=60) as line,
            line.stream("GET", "/sync/v1/live", headers=headers) as stream,
        ):
            for text in stream.iter_lines():
                heard.append(text)
                open_.set()

    ear = threading.Thread(target=listen)
    ear.start()
    assert open_.wait(20)
    unsent = kiosk.say("scan.record", scan(kiosk))
    order = desk.say("device.revoke", {"device": kiosk.papers["device"], "purge": True}, author=owner_of(desk))
    desk.drain()
    assert order.status == "accepted"
    ear.join(20)
    assert not ear.is_alive(), "the line ends with the revocation"
    assert heard[:2] == ["event: hint", f'data: {{"through":{kiosk_head(heard)}}}']

    status, code, params = refusal(kiosk.pull)
    assert (status, code) == (403, "device.purge")
    answer = kiosk.push([unsent], cursor=kiosk.cursor, scopes=kiosk.papers["scopes"])
    assert "page" not in answer, "what it knew is taken; it is told nothing"
    for done in (False, True):
        kiosk.call("POST", "purged", body={"order": params["order"], "done": done, "unsent": 0})
    assert refusal(kiosk.pull)[:2] == (401, "auth.token")


def kiosk_head(heard: list[str]) -> int:
    return int(heard[1].rpartition(":")[2].rstrip("}"))


def test_a_stranger_loses_a_scope(home: House) -> None:
    desk = joined(home, "desk")
    less = [scope for scope in desk.papers["scopes"] if not scope.startswith("health/")]
    assert desk.of("child_health")
    home.studios.set_scopes(world.STUDIO, Id(desk.papers["device"]), tuple(less))
    page = desk.pull()
    assert page["allowed"] == less
    assert not desk.of("child_health")
    assert refusal(lambda: desk.load(f"health/{world.MAIN}"))[:2] == (403, "scope.not_yours")
    assert agrees(desk)


def test_a_stranger_goes_on_with_a_snapshot_that_was_cut(home: House) -> None:
    desk = joined(home, "desk")
    whole = dict(desk.rows)
    scope = f"families/{world.MAIN}"
    desk.rows = {place: body for place, body in desk.rows.items() if place[1] != scope}
    middle = desk.load(scope, limit=2, pages=range(2))
    assert middle
    assert len([place for place in desk.rows if place[1] == scope]) == 4
    desk.load(scope, limit=500, after=middle)
    assert desk.rows == whole


def test_a_stranger_changes_its_token_and_says_how_it_is(home: House) -> None:
    desk = joined(home, "desk")
    old = desk.papers["token"]
    desk.papers["token"] = desk.call("POST", "token").json()["token"]
    desk.pull()
    new, desk.papers["token"] = desk.papers["token"], old
    assert refusal(desk.pull)[:2] == (401, "auth.token")
    desk.papers["token"] = new
    desk.call("POST", "report", body={"program": "stranger", "version": "1", "pending": 2, "a field of tomorrow": 1})
    (mine,) = [one for one in desk.call("GET", "devices").json()["devices"] if one["device"] == desk.papers["device"]]
    assert mine["report"]["pending"] == 2
