"""The real rooms in the cloud: founding, rights judged from records, revoking by an operation, passes, ticks."""

import gc

from classtap_core.access.operations import RevokeDevice
from classtap_core.access.records import Device as DeviceRecord
from classtap_core.booking import reactions
from classtap_core.booking.operations import TakeLease
from classtap_core.booking.policies import policy_versions, read_policy
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.booking.records import Lease
from classtap_core.booking.rules import LEASE_GRACE_MS, LEASE_MS
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.operations import Range
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import decode
from classtap_core.kernel.tx import Snapshot, Tx
from classtap_core.passes.codec import decode as decode_text
from classtap_core.passes.keys import verify_bundle
from classtap_core.passes.operations import IssuePass, RevokePass
from classtap_core.passes.signing import is_signed as is_pass_signed
from cloud.jobs.pass_care import PassCare
from cloud.jobs.ticks import Ticks, sweep
from cloud.storage.audit import audit
from cloud.storage.pulls import head_of
from sync import protocol
from sync.signed import is_signed
from tests.cloud.house_rig import House
from tests.cloud.rig import code_of
from tests.unit.house import world


def test_a_paired_device_is_in_the_studios_records_and_holds_its_roles_scopes(home: House) -> None:
    kiosk, desk = home.join("kiosk"), home.join("desk")
    assert kiosk.papers is not None
    assert desk.papers is not None
    row = home.studios.storage(world.STUDIO).rows(DeviceRecord, [kiosk.papers.device])[kiosk.papers.device]
    assert decode(DeviceRecord, row.body).role == "kiosk"
    assert not any(scope.startswith(("health", "custody", "contact")) for scope in kiosk.papers.scopes)
    assert f"health/{world.MAIN}" in desk.papers.scopes
    held = {row.kind for row in kiosk.pull("studio", "families/*", "health/*", "contact/*", "custody/*").rows}
    assert {"child", "family", "device"} <= held
    assert not held & {"child_health", "contact", "custody"}
    assert "child_health" in {row.kind for row in desk.pull("health/*").rows}
    assert kiosk.snapshot("studio").total > 0


def test_a_page_may_end_between_two_kinds(home: House) -> None:
    desk = home.join("desk")
    for scope in ("studio", f"families/{world.MAIN}"):
        whole = [row.id for row in desk.snapshot(scope).rows]
        kinds = [row.kind for row in desk.snapshot(scope).rows]
        assert len(set(kinds)) > 1
        for limit in range(1, len(whole) + 1):
            rows: list[str] = []
            after, more = "", True
            while more:
                page = desk.snapshot(scope, after=after, limit=limit)
                rows += [row.id for row in page.rows]
                after, more = page.next, bool(page.next)
            assert rows == whole


def test_a_revocation_by_an_operation_shuts_the_device_out_in_the_same_commit(home: House) -> None:
    kiosk = home.join("kiosk")
    assert kiosk.papers is not None
    assert home.say(RevokeDevice(device=kiosk.papers.device, reason="stolen")) is Status.ACCEPTED
    answer = home.client.get("/sync/v1/pull", headers=kiosk.headers)
    assert code_of(answer) == (403, "device.revoked")


def test_a_revocation_from_outside_is_an_operation_too(home: House) -> None:
    kiosk = home.join("kiosk")
    assert kiosk.papers is not None
    home.studios.revoke(world.STUDIO, kiosk.papers.device, reason="lost")
    row = home.studios.storage(world.STUDIO).rows(DeviceRecord, [kiosk.papers.device])[kiosk.papers.device]
    assert decode(DeviceRecord, row.body).revocations[0].reason == "lost"
    assert code_of(home.client.get("/sync/v1/keys", headers=kiosk.headers)) == (403, "device.revoked")


def test_a_pass_has_one_text_that_verifies(home: House) -> None:
    now_s = world.NINE // 1000
    desk, kiosk = home.join("desk"), home.join("kiosk")
    url = f"/sync/v1/pass/{world.FAMILY}"
    assert code_of(home.client.get(url, headers=desk.headers)) == (404, "pass.unknown")
    issue = IssuePass(
        family=world.FAMILY, home=world.MAIN, handle="0123456789abcdef", issued_s=now_s, expires_s=now_s + 86_400
    )
    assert home.say(issue) is Status.ACCEPTED
    assert code_of(home.client.get(url, headers=kiosk.headers)) == (403, "pass.not_here")
    first = protocol.decode(protocol.PassText, home.client.get(url, headers=desk.headers).content)
    home.clock.advance(60_000)
    again = protocol.decode(protocol.PassText, home.client.get(url, headers=desk.headers).content)
    assert first == again
    assert first.expires == now_s + 86_400
    assert desk.papers is not None
    keys = home.client.get("/sync/v1/keys", headers=desk.headers).content
    bundle = verify_bundle(keys, bytes.fromhex(desk.papers.root))
    claims = decode_text(first.text)
    key = bundle.key(claims.claims.key_id)
    assert key is not None
    assert is_pass_signed(claims.signed, claims.signature, algorithm=key.algorithm, public=key.public)
    assert (claims.claims.studio, claims.claims.handle) == (bundle.studio, 0x0123456789ABCDEF)
    assert (claims.claims.epoch, claims.claims.not_before, claims.claims.test) == (1, now_s, False)
    assert home.say(RevokePass(family=world.FAMILY, home=world.MAIN, epoch=1)) is Status.ACCEPTED
    assert code_of(home.client.get(url, headers=desk.headers)) == (409, "pass.revoked")


def test_a_lease_that_is_due_is_taken_back_once(home: House) -> None:
    assert home.say(TakeLease(session=world.HALF_PAST, places=2)) is Status.ACCEPTED
    home.clock.advance(LEASE_MS + LEASE_GRACE_MS)
    assert sweep(home.studios, world.STUDIO, [reactions.due]) == 0
    home.clock.advance(1)
    assert sweep(home.studios, world.STUDIO, [reactions.due]) == 1
    assert sweep(home.studios, world.STUDIO, [reactions.due]) == 0
    PassCare(home.studios).tend(world.STUDIO)
    found = head_of(home.server.cloud.books, world.STUDIO)
    Ticks(home.studios).sweep_all()
    assert head_of(home.server.cloud.books, world.STUDIO) == found
    storage = home.studios.storage(world.STUDIO)
    assert storage.find(Range(Lease, "by_state", ("open",))) == []
    assert len(storage.find(Range(Lease, "by_state", ("lapsed",)))) == 1
    assert audit(home.server.cloud.books, world.STUDIO, verify=is_signed).ok


def test_a_policy_begins_on_its_day_by_the_sweep(home: House) -> None:
    day_ms = home.clock.now().corrected + 86_400_000
    for head, minutes, from_ms in ((0, 20, 0), (1, 45, day_ms)):
        said = PublishPolicy(name="checkin", head=head, values={"after_min": minutes}, from_ms=from_ms)
        assert home.say(said) is Status.ACCEPTED
    storage = home.studios.storage(world.STUDIO)
    assert sweep(home.studios, world.STUDIO, [reactions.due]) == 0
    home.clock.advance(86_400_000)
    assert read_policy(storage, world.STUDIO, "checkin") == (2, {"after_min": 20})
    assert sweep(home.studios, world.STUDIO, [reactions.due]) == 1
    assert sweep(home.studios, world.STUDIO, [reactions.due]) == 0
    assert read_policy(storage, world.STUDIO, "checkin") == (2, {"after_min": 45})
    assert [one.state for one in policy_versions(storage, "checkin")] == ["begun", "begun"]


def test_a_decided_batch_leaves_nothing_for_the_collector(home: House) -> None:
    """Thousands of objects a push that only Python's collector could free made it stop every push for 300 ms."""
    authority, device = home.studios.authority(world.STUDIO), home.studio.cloud_device
    clerk = Author(type="staff", id=world.OWNER)

    def mark(state: str) -> None:
        said = [
            MarkAttendance(session=world.HALF_PAST, items=(ChildMark(child=child, state=state),))
            for child in (world.ANA, world.BEN)
        ]
        authority.author_all(device, [CloudDraft(payload, clerk, "test") for payload in said])

    mark("absent")
    gc.collect()
    gc.disable()
    try:
        mark("late")
        assert not [one for one in gc.get_objects() if isinstance(one, Snapshot | Tx)]
    finally:
        gc.enable()
