"""Who may do what: the table of roles, tuples that never add up, and deny that beats allow."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.access import rules
from classtap_core.access.blueprints import CLOUD, DESK, DEVICE_ROLES, KIOSK, ROLES, Capability
from classtap_core.access.records import Device, DeviceRevocation, Grant
from classtap_core.kernel.bus import Verdict
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Resource
from classtap_core.kernel.scopes import covers

A, B, YOGA, PILATES, ROOM = (derived("place", name) for name in ("a", "b", "yoga", "pilates", "room"))
WHO = derived("person", "who")
NOW = 1_795_248_000_000


def grant(name: str = "one", role: str = "", **fields: object) -> Grant:
    return Grant(id=derived("grant", name), holder=WHO, role=role, **fields)  # type: ignore[arg-type]


def may(*grants: Grant, do: str = "mark_attendance", at: Resource | None = None, at_ms: int = NOW) -> bool:
    return rules.decide(grants, do, at or Resource(A), at_ms=at_ms).allowed


# The permission table of the spine: a row a capability, a column a role.
PEOPLE = """
                  owner manager front_desk instructor substitute accountant portal_admin
mark_attendance   yes   yes     yes        yes        yes        no         no
override_gate     yes   yes     yes        no         no         no         no
record_scan       yes   yes     yes        no         no         no         no
view_roster       yes   yes     yes        yes        yes        no         no
view_schedule     yes   yes     yes        yes        yes        yes        yes
view_family       yes   yes     yes        no         no         no         no
view_contact      yes   yes     yes        no         no         no         no
view_health       yes   yes     yes        no         no         no         no
view_custody      yes   yes     no         no         no         no         no
view_audit        yes   yes     no         no         no         yes        no
edit_family       yes   yes     yes        no         no         no         no
edit_health       yes   yes     yes        no         no         no         no
create_booking    yes   yes     yes        no         no         no         yes
cancel_booking    yes   yes     yes        no         no         no         yes
take_lease        yes   no      no         no         no         no         no
issue_pass        yes   yes     yes        no         no         no         no
revoke_pass       yes   yes     yes        no         no         no         no
manage_schedule   yes   yes     no         no         no         no         no
publish_policy    yes   yes     no         no         no         no         no
manage_staff      yes   yes     no         no         no         no         no
pair_device       yes   yes     no         no         no         no         no
revoke_device     yes   yes     no         no         no         no         no
exit_kiosk        yes   yes     yes        no         no         no         no
undo              yes   yes     yes        no         no         no         no
manage_studio     yes   no      no         no         no         no         no
edit_seatmap      yes   yes     no         yes        no         no         no
publish_seatmap   yes   yes     no         no         no         no         no
tag_spot          yes   yes     yes        yes        yes        no         no
take_signature    yes   yes     yes        no         no         no         no
export_person     yes   yes     no         no         no         no         no
export_studio     yes   no      no         no         no         no         no
erase_person      yes   yes     no         no         no         no         no
"""
DEVICES = {
    KIOSK: {
        "mark_attendance", "record_scan", "create_booking", "take_lease", "view_roster", "view_schedule", "take_signature",
    },
    DESK: {"record_scan", "take_lease"},
    CLOUD: set(),
}  # fmt: skip


def test_the_permission_table() -> None:
    head, *lines = PEOPLE.strip().splitlines()
    roles = head.split()
    table = {line.split()[0]: dict(zip(roles, line.split()[1:], strict=True)) for line in lines}
    assert set(table) == {capability.value for capability in Capability}
    assert set(roles) == set(ROLES)
    for capability, role in itertools.product(table, roles):
        expected = table[capability][role] == "yes"
        assert may(grant(role=role), do=capability) is expected, (capability, role)


def test_what_devices_may_do_of_themselves() -> None:
    assert {role: {one.value for one in able} for role, able in DEVICE_ROLES.items()} == DEVICES
    kiosk = Device(id=WHO, name="k", role=KIOSK, location=A)
    assert rules.device_may(kiosk, "mark_attendance", Resource(A)).allowed
    assert not rules.device_may(kiosk, "mark_attendance", Resource(B)).allowed
    assert not rules.device_may(kiosk, "mark_attendance", Resource()).allowed
    assert not rules.device_may(kiosk, "publish_policy", Resource(A)).allowed
    assert rules.device_may(None, "mark_attendance", Resource(A)).code == rules.DEVICE_UNKNOWN
    odd = Device(id=WHO, name="k", role="of a later version")
    assert not rules.device_may(odd, "mark_attendance", Resource(A)).allowed
    everywhere = Device(id=WHO, name="k", role=KIOSK)
    assert rules.device_may(everywhere, "mark_attendance", Resource(B)).allowed


def test_nothing_is_allowed_by_default() -> None:
    assert rules.decide((), "mark_attendance", Resource(A), at_ms=NOW) == Verdict(False, rules.DENIED)
    assert not may(grant(role="a role of a later version"))


def test_yoga_at_a_and_pilates_at_b_never_add_up_to_yoga_at_b() -> None:
    """Ruling 21."""
    held = (
        grant("yoga at a", "instructor", location=A, class_type=YOGA),
        grant("pilates at b", "instructor", location=B, class_type=PILATES),
    )
    allowed = {
        (place, kind): may(*held, at=Resource(place, ROOM, kind)) for place in (A, B) for kind in (YOGA, PILATES)
    }
    assert allowed == {(A, YOGA): True, (A, PILATES): False, (B, YOGA): False, (B, PILATES): True}


def test_a_grant_for_one_place_is_not_one_for_the_studio() -> None:
    assert not may(grant(role="owner", location=A), at=Resource())
    assert may(grant(role="owner"), at=Resource())
    assert may(grant(role="instructor", room=ROOM), at=Resource(B, ROOM))
    assert not may(grant(role="instructor", room=ROOM), at=Resource(B, A))


def test_deny_beats_allow_and_reaches_whatever_contains_it() -> None:
    denied = grant("no", capabilities=("mark_attendance",), location=A, deny=True)
    assert not may(grant(role="owner"), denied)
    assert may(grant(role="owner"), denied, at=Resource(B))
    assert not may(grant(role="owner"), denied, at=Resource())
    assert may(grant(role="owner"), denied, do="undo")


def test_a_grant_holds_from_a_moment_up_to_another() -> None:
    brief = grant(role="instructor", valid_from_ms=NOW, valid_to_ms=NOW + 10)
    assert [may(brief, at_ms=NOW + step) for step in (-1, 0, 9, 10)] == [False, True, True, False]
    assert rules.decide((brief,), "mark_attendance", Resource(A), at_ms=NOW + 10).code == rules.EXPIRED
    assert rules.decide((brief,), "mark_attendance", Resource(A), at_ms=NOW - 1).code == rules.DENIED
    assert rules.decide((brief,), "undo", Resource(A), at_ms=NOW + 10).code == rules.DENIED


def test_a_verdict_names_the_grants_it_stands_on() -> None:
    wide, narrow, other = grant("wide", "owner"), grant("narrow", "instructor", location=A), grant("b", location=B)
    verdict = rules.decide((wide, narrow, other), "mark_attendance", Resource(A), at_ms=NOW)
    assert verdict.grants == (wide.id, narrow.id)


grants = st.builds(
    lambda n, role, place, kind, deny, start, end: grant(
        str(n), role, location=place, class_type=kind, deny=deny, valid_from_ms=start, valid_to_ms=end
    ),
    st.integers(0, 99), st.sampled_from([*ROLES, ""]), st.sampled_from(["", A, B]), st.sampled_from(["", YOGA, PILATES]),
    st.booleans(), st.sampled_from([0, NOW, NOW + 1]), st.sampled_from([0, NOW, NOW + 1]),
)  # fmt: skip
resources = st.builds(Resource, st.sampled_from([None, A, B]), st.none(), st.sampled_from([None, YOGA, PILATES]))


@given(st.lists(grants, max_size=6), st.sampled_from(list(Capability)), resources)
def test_no_set_of_grants_gives_what_no_single_one_gives(
    held: list[Grant], capability: str, resource: Resource
) -> None:
    together = rules.decide(held, capability, resource, at_ms=NOW).allowed
    alone = [rules.decide([one], capability, resource, at_ms=NOW).allowed for one in held]
    assert together <= any(alone)
    reordered = rules.decide(held[::-1], capability, resource, at_ms=NOW).allowed
    assert together == reordered


@given(st.lists(grants, max_size=5), grants)
def test_a_deny_never_widens_and_an_allow_never_narrows(held: list[Grant], more: Grant) -> None:
    for capability in Capability:
        before = rules.decide(held, capability, Resource(A, None, Id(YOGA)), at_ms=NOW).allowed
        after = rules.decide([*held, more], capability, Resource(A, None, Id(YOGA)), at_ms=NOW).allowed
        assert (after <= before) if more.deny else (after >= before)


def test_nobody_gives_what_they_have_not() -> None:
    manager = (grant("m", "manager", location=A),)
    assert rules.beyond(manager, grant("x", "front_desk", location=A), at_ms=NOW) == ()
    assert rules.beyond(manager, grant("x", "front_desk", location=B), at_ms=NOW)
    assert rules.beyond(manager, grant("x", "front_desk"), at_ms=NOW)
    assert rules.beyond(manager, grant("x", "owner", location=A), at_ms=NOW) == (
        "export_studio", "manage_studio", "take_lease",
    )  # fmt: skip
    narrow = grant("x", "instructor", location=A, room=ROOM, class_type=YOGA)
    assert rules.beyond(manager, narrow, at_ms=NOW) == ()


def test_a_device_is_believed_until_it_is_revoked() -> None:
    device = Device(id=WHO, name="k", role=KIOSK)
    assert rules.device_stands(device, NOW).allowed
    late, early = (DeviceRevocation(at, derived("op", str(at)), WHO) for at in (NOW + 5, NOW))
    both = Device(id=WHO, name="k", role=KIOSK, revocations=rules.revoked(device, late))
    both = Device(id=WHO, name="k", role=KIOSK, revocations=rules.revoked(both, early))
    assert both.revocations == (early, late)
    assert rules.revoked(both, late) == both.revocations
    assert both.revoked_at_ms == NOW
    assert [rules.device_stands(both, NOW + step).allowed for step in (-1, 0, 1)] == [True, False, False]
    assert rules.device_stands(None, NOW).code == rules.DEVICE_UNKNOWN


def test_a_kiosk_may_never_hold_health_custody_or_contacts() -> None:
    """OPERATIONS 27."""
    for location in ("", A):
        held = rules.scopes_for(KIOSK, location)
        for secret in ("health", "custody", "contact", "contact_masked"):
            assert not covers(held, f"{secret}/{A}")
        for needed in ("studio", "keys", f"schedule/{A}/2026-11", f"roster/{A}/2026-11-21", f"families/{A}", "pins"):
            assert covers(held, needed)


def test_a_device_holds_its_own_location_only() -> None:
    desk = rules.scopes_for(DESK, A)
    assert desk[:4] == ("studio", "keys", f"schedule/{A}/*", f"roster/{A}/*")
    for scope in ("schedule/{}/2026-11", "roster/{}/2026-11-21", "families/{}", "health/{}", "scans/{}/2026-11-21"):
        assert covers(desk, scope.format(A))
        assert not covers(desk, scope.format(B))
        assert covers(rules.scopes_for(DESK, ""), scope.format(B))
    assert rules.scopes_for(CLOUD, A) == ()
    assert rules.scopes_for("of a later version", A) == ()


@pytest.mark.parametrize("role", [KIOSK, DESK])
def test_scopes_come_most_urgent_first(role: str) -> None:
    held = rules.scopes_for(role, A)
    assert held[0] == "studio"
    assert held.index(f"roster/{A}/*") < held.index("pins")
