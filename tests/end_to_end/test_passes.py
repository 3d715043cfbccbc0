"""Passes through the whole house: a cloud that tends them, a kiosk without a network, a thief with its disk."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from classtap_cli.demo.studio import DemoFamily
from classtap_core.checkin import attempts
from classtap_core.checkin.attendees import IssueAttendeePass
from classtap_core.checkin.reading import search
from classtap_core.checkin.records import Scan
from classtap_core.kernel.envelope import join_parts
from classtap_core.kernel.ids import Id
from classtap_core.passes import rolling
from classtap_core.passes.operations import RevokePass
from cloud.passes import FamilyPass, attendee_pass, family_pass
from kiosk import door as doors
from kiosk.door import Door
from sync.client.asking import the_cloud
from sync.client.engine import State
from sync.client.health import health_of
from sync.client.node import Node
from tests.end_to_end.house_rig import families_due, log_of, until
from tests.end_to_end.rig import Studio, inside
from tests.unit.passes.mutating import mutated

pytestmark = pytest.mark.leaves(
    "classtap-proxy|ThreadPoolExecutor-|cloud-reading", reason="the module's studio: its switch, its clock, its readers"
)

SEED = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with Studio(tmp_path_factory.mktemp("passes") / "data", families=8) as made:
        made.pair("kiosk")
        yield made


@pytest.fixture
def node(studio: Studio) -> Node:
    return studio.nodes["kiosk"]


def issued(studio: Studio, family: DemoFamily) -> FamilyPass:
    return family_pass(studio.cloud.studios, studio.plan.studio, family.family)


def shown(studio: Studio, family: DemoFamily, *, ago_s: int = 0) -> str:
    """What a family's screen showed so long ago."""
    found = issued(studio, family).rolling
    return rolling.with_code(found.text, found.key, at_s=studio.clock.now().wall // 1000 - ago_s)


def test_a_screen_is_admitted_offline_and_its_screenshot_is_not(studio: Studio, node: Node) -> None:
    family, door = families_due(studio)[0], Door(node)

    def armed() -> bool:
        node.engine.once()
        return door.scan(shown(studio, family), keep=False).result().outcome == "ok"

    until(armed, what="the sweep hands out the keys of codes")
    studio.proxy.cut()
    try:
        seen = door.scan(shown(studio, family)).result()
        assert (seen.outcome, seen.family, seen.board is not None) == ("ok", family.family, True)
        # 30 seconds for the step, 30 of tolerance, and what is left of a step of 15.
        late = door.scan(shown(studio, family, ago_s=75)).result()
        assert (late.outcome, late.reason) == ("expired", "code_stale")
        assert door.scan(studio.pass_text(family)).result().outcome == "ok", "the printed card beside it"
    finally:
        studio.proxy.restore()


def test_an_attendee_pass_lets_one_child_into_one_class_once(studio: Studio, node: Node) -> None:
    family, door = families_due(studio)[1], Door(node)
    board = door.scan(studio.pass_text(family)).result().board
    assert board is not None
    group = board.groups[0]
    session, child = group.card.session.id, Id(group.children[0].child)
    now_s = studio.clock.now().wall // 1000
    wanted = IssueAttendeePass(
        session=session, child=child, handle="5a" * 8, token="a5" * 6, issued_s=now_s, expires_s=now_s + 3600
    )
    assert studio.cloud.studios.author(studio.plan.studio, wanted, source="test").link.outcome.stands
    text = attendee_pass(studio.cloud.studios, studio.plan.studio, session, child).text
    desk = studio.pair("desk")
    with the_cloud(desk) as transport:
        assert transport.attendee_text(session, child).text == text, "what a desk prints"
    studio.leave("desk")
    node.engine.once()
    studio.proxy.cut()
    try:
        first, second = door.scan(text).result(), door.scan(text).result()
    finally:
        studio.proxy.restore()
    assert (first.outcome, first.child, first.session) == ("ok", child, session)
    assert first.board is not None
    assert [[one.child for one in shown.children] for shown in first.board.groups] == [[child]]
    assert (second.outcome, second.reason, second.may_override) == ("used", "entries_used", True)


def test_what_was_tried_in_vain_reaches_the_cloud(studio: Studio, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "TOLD_EVERY_MS", 0)
    door = Door(node)
    for text in mutated([studio.pass_text(families_due(studio)[0])], 20, seed=3):
        door.scan(text).result()
    assert door.tell_attempts(online=True).result()
    node.engine.once()
    storage = studio.cloud.studios.storage(studio.plan.studio)
    with storage.atomic():
        told = search(storage, attempts.ScanAttempts, "by_device", node.papers.device)
    counted = {one.outcome for row in told for one in row.items}
    assert sum(one.count for row in told for one in row.items) >= 20
    assert counted >= {"unreadable", "tampered"}


def test_the_ledger_outlives_the_day_it_was_written_on(
    studio: Studio, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In contact with the cloud, where a round lets go of days that are over: 14 days on it is here, 15 days on it is not."""
    scan = Door(node).scan(studio.pass_text(families_due(studio)[0])).result().scan
    node.engine.once()
    today = node.today()

    def here(later: int) -> bool:
        monkeypatch.setattr(node.engine.pulling, "today", lambda: today + timedelta(days=later))
        node.engine.once()
        with node.reader() as reader:
            return any(one.id == scan for one in search(reader, Scan, "by_handle"))

    assert [here(later) for later in (0, 3, 14, 15)] == [True, True, True, False]
    gone = node.evicted()
    assert gone.untold == gone.total > 0
    monkeypatch.setattr(doors, "TOLD_EVERY_MS", 0)
    assert Door(node).tell_attempts(online=True).result()
    node.engine.once()
    storage = studio.cloud.studios.storage(studio.plan.studio)
    with storage.atomic():
        rows = search(storage, attempts.ScanAttempts, "by_device", node.papers.device)
    assert [(row.evicted, row.evicted_ms) for row in rows if row.evicted] == [(gone.total, gone.last_ms)]
    assert node.evicted().untold == 0
    assert here(0), "the cloud has it still"


def test_a_stolen_disk_mints_no_pass(studio: Studio, node: Node) -> None:
    """Everything a kiosk keeps, opened with its own key: nothing in it signs, and the studio's secrets are not there."""
    node.engine.once()
    kept = b"\n".join(_everything(node))
    assert b"pass_rolling" in kept, "it does hold the keys of codes"
    bundle = node.keys
    assert bundle is not None
    theirs = {key.public for key in bundle.keys} | {bytes.fromhex(node.papers.root)}
    seeds = {bytes.fromhex(one.decode()) for one in SEED.findall(kept)}
    seeds |= {part for part in kept.split(b"\n") if len(part) == 32}
    assert len(seeds) > 10
    made = {Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw() for seed in seeds}
    assert not made & theirs
    keys, entry = studio.cloud.studios.pass_keys, studio.cloud.studios.studio(studio.plan.studio)
    with studio.cloud.database.read(entry.id) as connection:
        names = ("pass_root", "pass_nonce", "pass_rolling")
        secrets = [keys._secret(connection, entry.id, name) for name in names]
    for secret in secrets:
        assert secret not in kept
        assert secret.hex().encode() not in kept


def _everything(node: Node) -> Iterator[bytes]:
    """Every value in every table of the open store."""
    with node.reader() as reader:
        tables = [name for (name,) in reader.conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows: Any = reader.conn.execute(f'SELECT * FROM "{table}"')
            for row in rows:
                for value in row:
                    yield value if isinstance(value, bytes) else str(value).encode()
            yield table.encode()


def test_revocations_are_known_before_the_first_verdict_after_a_silence(studio: Studio, node: Node) -> None:
    """A pass and a key, both revoked while the kiosk was cut off: it says that it is in contact when it knows of both."""
    family, other = families_due(studio)[2:4]
    studios, id, door = studio.cloud.studios, studio.plan.studio, Door(node)
    card, screen = studio.pass_text(other), studio.pass_text(family)
    node.engine.start()
    until(lambda: node.engine.status().state is State.ONLINE, node)
    studio.proxy.cut()
    node.engine.nudge()
    until(lambda: node.engine.status().state is State.OFFLINE, node)
    held = issued(studio, family).held
    revoked = RevokePass(family=held.family, home=held.home, epoch=held.epoch, reason="lost")
    assert studios.author(id, revoked, source="test").link.outcome.stands
    studios.pass_keys.revoke(studios.studio(id), 1, now_s=studio.clock.now().wall // 1000)
    assert {door.scan(text).result().outcome for text in (screen, card)} == {"ok"}, "offline, it cannot know"
    studio.proxy.restore()
    until(lambda: node.engine.status().state is State.ONLINE, node)
    assert node.keys is not None
    assert node.keys.bundle_version == 3
    seen = door.scan(card).result()
    assert (seen.outcome, seen.reason) == ("unknown_key", "key_revoked")
    until(lambda: any(entry.kind == "keys.applied" and entry.answer is not None for entry in log_of(node)), node)
    (applied,) = (entry for entry in log_of(node) if entry.kind == "keys.applied")
    assert applied.answer.stands
    said = join_parts(applied.parts)
    assert (said["version"], said["revoked"]) == (3, [1])
    keys = health_of(node).keys
    assert keys is not None
    assert (keys.version, keys.interface, keys.revoked, keys.upgrade) == (3, 1, (1,), False)
    assert keys.updated_ms == node.keys.issued_at * 1_000
    assert keys.end_ms is not None
    assert keys.end_ms > keys.updated_ms
    assert door.scan(issued(studio, other).text).result().outcome == "ok", "signed anew"
    with node.reader() as reader:
        words = door.node.call(lambda bus: doors.HeldPasses(reader, id).state(int(held.handle, 16)))
    assert words is not None
    assert words.revoked_through == held.epoch
    node.engine.stop()


def test_keys_are_listed_made_and_revoked_from_the_command_line(studio: Studio) -> None:
    """Last here: what it revokes, the others signed with."""
    before = inside("cloud", "passkey", "list", data=studio.data).lines
    assert {"key", "algorithm", "public", "from", "to", "revoked"} == set(before[0])
    made = inside("cloud", "passkey", "rotate", "--es256", "--at-once", data=studio.data).json
    assert made["key"] == before[-1]["key"] + 1
    revoked = inside("cloud", "passkey", "revoke", str(made["key"]), data=studio.data).json
    assert revoked["revoked"] is True
    after = inside("cloud", "passkey", "list", data=studio.data).lines
    assert (after[-1]["algorithm"], after[-1]["revoked"] is None) == ("es256", False)
    assert after[-1]["key"] != revoked["signs_now"]
    no = inside("cloud", "passkey", "revoke", "200", data=studio.data)
    assert (no.code, no.out) == (1, "")
