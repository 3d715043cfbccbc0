"""Who may do what, exhaustively: every role and version, every right, every way a grant is limited, judged twice.

The second judge is Cedar, which knows nothing of ours: it is handed the sets of rights as data, and limits as attributes.
"""

from itertools import product

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.access.blueprints import BEFORE, ROLES, Capability, blueprint, newest, upgrade
from classtap_core.access.filtering import RowFilter
from classtap_core.access.masking import NEEDS, Blind, Sight
from classtap_core.access.records import Grant
from classtap_core.access.rules import Place, decide, kinds_withheld
from classtap_core.house import registry
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Resource
from classtap_core.kernel.records import Sensitivity

NOW = 1_795_248_000_000
A, B, ROOM, YOGA = (derived("table", name) for name in ("a", "b", "room", "yoga"))
PLACES = (
    Place(), Place(location=A), Place(location=A, room=ROOM), Place(location=A, class_type=YOGA), Place(class_type=YOGA),
    Place(segment="kids"), Place(money="refunds"), Place(location=A, segment="kids", money="refunds"),
)  # fmt: skip
RESOURCES = (
    *(Resource(*one) for one in product((None, A), (None, ROOM), (None, YOGA), (None, "kids"), (None, "refunds"))),
    Resource(B), Resource(B, ROOM, YOGA, "adults", "payouts"),
)  # fmt: skip
GIVEN = [(role, version, False) for role in ROLES for version in range(1, newest(role) + 1)]
DENIED = [("owner", 1, True), ("instructor", 1, True), ("instructor", 2, True)]


def cedar_says(rights: frozenset[str], place: Place, *, deny: bool) -> list[bool]:
    """Cedar's answers for every right over every resource."""
    actions = ", ".join(f'Action::"{right}"' for right in sorted(rights))
    limits = {name: limit for name, limit in place._asdict().items() if limit}
    meets = [f'resource has {name} && resource.{name} == "{limit}"' for name, limit in limits.items()]
    policy = f"permit(principal, action in [{actions}], resource) when {{ {' && '.join(meets) or 'true'} }};"
    if deny:
        bites = [f'(!(resource has {name}) || resource.{name} == "{limit}")' for name, limit in limits.items()]
        policy = (
            "permit(principal, action, resource);"
            f"forbid(principal, action in [{actions}], resource) when {{ {' && '.join(bites) or 'true'} }};"
        )
    entities = [
        {
            "uid": {"type": "Thing", "id": str(at)}, "parents": [],
            "attrs": {name: value for name, value in resource._asdict().items() if value},
        }
        for at, resource in enumerate(RESOURCES)
    ]  # fmt: skip
    asked = [
        {"principal": 'Staff::"who"', "action": f'Action::"{right.value}"', "resource": f'Thing::"{at}"', "context": {}}
        for right in Capability
        for at in range(len(RESOURCES))
    ]
    return [bool(answer.allowed) for answer in cedarpy.is_authorized_batch(asked, policy, entities)]


@pytest.mark.parametrize(("role", "version", "deny"), GIVEN + DENIED)
def test_the_whole_table(role: str, version: int, deny: bool) -> None:
    rights = frozenset(str(right) for right in blueprint(role, version))
    for place in PLACES:
        given = Grant(id=derived("g"), holder=derived("w"), role=role, version=version, deny=deny, **place._asdict())
        everything = Grant(id=derived("all"), holder=derived("w"), role="owner")
        grants = [given, everything] if deny else [given]
        ours = [decide(grants, right, resource, at_ms=NOW).allowed for right in Capability for resource in RESOURCES]
        assert ours == cedar_says(rights, place, deny=deny), place


def test_a_blueprint_is_read_only_and_its_earlier_versions_stand() -> None:
    """What the spine's instructors were given; a later version says what it adds."""
    assert blueprint("instructor", 1) == {"mark_attendance", "view_roster", "view_schedule"}
    assert upgrade("instructor", 1) == (("edit_seatmap", "tag_spot"), ())
    assert upgrade("instructor", 2, 1) == ((), ("edit_seatmap", "tag_spot"))
    assert blueprint("instructor", 3) == frozenset()
    assert newest("nobody") == 0
    for role in BEFORE:
        assert blueprint(role) == blueprint(role, newest(role)) == ROLES[role]
    with pytest.raises(TypeError):
        ROLES["owner"] = frozenset()  # type: ignore[index]


_PLACES = st.builds(
    Place, st.sampled_from(["", A, B]), st.sampled_from(["", ROOM]), st.sampled_from(["", YOGA]),
    st.sampled_from(["", "kids"]), st.sampled_from(["", "refunds"]),
)  # fmt: skip
_GRANTS = st.lists(
    st.builds(
        lambda number, role, place, deny: Grant(
            id=Id(f"{number:032x}"), holder=derived("w"), role=role, deny=deny, **place._asdict()
        ),
        st.integers(0, 99), st.sampled_from(list(ROLES)), _PLACES, st.booleans(),
    ),
    max_size=4,
)  # fmt: skip


@given(_GRANTS, st.sampled_from(list(Capability)), st.lists(st.sampled_from(RESOURCES), max_size=9))
def test_a_row_filter_is_the_one_decision(grants: list[Grant], right: str, rows: list[Resource]) -> None:
    kept = RowFilter(grants, right, at_ms=NOW).rows(rows, lambda row: row)
    assert kept == [row for row in rows if decide(grants, right, row, at_ms=NOW).allowed]


@given(_GRANTS, st.sampled_from([A, B, ""]), st.sampled_from([A, B]))
def test_what_is_out_of_reach_changes_nothing_that_is_seen(grants: list[Grant], seen: Id, other: Id) -> None:
    """Rows of a place somebody may not see may change as they like: the answer stays the same."""
    rows = RowFilter(grants, Capability.VIEW_ROSTER, at_ms=NOW)
    with_more = rows.rows([Resource(seen or None), Resource(other)], lambda row: row)
    if not rows.allows(Resource(other)):
        assert with_more == rows.rows([Resource(seen or None)], lambda row: row)


def _nothing(kind: str, location: str) -> frozenset[str]:
    return frozenset()


def test_sight_follows_rights_and_what_is_shown() -> None:
    clerk = Sight(
        [Grant(id=derived("c"), holder=derived("w"), role="front_desk", location=A)], at_ms=NOW, withheld=_nothing
    )
    assert clerk.sees(Sensitivity.HEALTH, A)
    assert not clerk.sees(Sensitivity.HEALTH, B)
    assert not clerk.sees(Sensitivity.CUSTODY, A)
    assert not clerk.audits(A)
    owner = [Grant(id=derived("o"), holder=derived("w"), role="owner")]
    assert not Sight(owner, at_ms=NOW, withheld=_nothing).sees(Sensitivity.SECRET, A), "nobody sees a secret"
    assert Sight(owner, at_ms=NOW, withheld=_nothing).sees(Sensitivity.OPEN, B)
    assert not Sight(owner, at_ms=NOW, withheld=_nothing).masked
    assert Sight(owner, at_ms=NOW, shown=[Sensitivity.PERSONAL], withheld=_nothing).masked
    assert {*NEEDS} == {*Sensitivity} - {Sensitivity.OPEN, Sensitivity.SECRET}


def test_whoever_runs_a_command_beside_nobody_sees_no_person() -> None:
    assert Blind().audits(A)
    assert [one for one in Sensitivity if Blind().sees(one, A)] == [Sensitivity.OPEN]


def test_what_reaches_a_place() -> None:
    """For what is offered there: any grant of it that stands, whatever room or class it is for; never a denial."""
    held = [
        Grant(id=derived("r1"), holder=derived("w"), role="instructor", location=A, room=ROOM),
        Grant(id=derived("r2"), holder=derived("w"), role="owner", location=B, deny=True),
        Grant(id=derived("r3"), holder=derived("w"), role="manager", location=B, valid_to_ms=NOW),
    ]
    rows = RowFilter(held, Capability.VIEW_ROSTER, at_ms=NOW)
    assert (rows.reaches(A), rows.reaches(B)) == (True, False)
    assert not RowFilter(held, Capability.MANAGE_STAFF, at_ms=NOW).reaches(A)
    assert RowFilter(held, Capability.MANAGE_STAFF, at_ms=NOW - 1).reaches(B)


def test_a_kiosk_is_sent_no_kind_of_record_that_it_may_not_hold() -> None:
    withheld = kinds_withheld("kiosk", registry().records)
    assert {"child_health", "custody", "contact", "contact_masked"} & withheld >= {"child_health", "custody", "contact"}
    assert not {"child", "family", "booking", "badge"} & withheld
    assert kinds_withheld("desk", registry().records) == frozenset()
