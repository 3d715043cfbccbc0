"""Roles as data: what each may do, and which scopes a device of that role may hold."""

from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from classtap_core.kernel.records import Sensitivity


class Capability(StrEnum):
    """Everything that can be allowed or denied. The names are stored and never change."""

    MARK_ATTENDANCE = "mark_attendance"
    OVERRIDE_GATE = "override_gate"
    RECORD_SCAN = "record_scan"
    VIEW_ROSTER = "view_roster"
    VIEW_SCHEDULE = "view_schedule"
    VIEW_FAMILY = "view_family"
    VIEW_CONTACT = "view_contact"
    VIEW_HEALTH = "view_health"
    VIEW_CUSTODY = "view_custody"
    VIEW_AUDIT = "view_audit"
    EDIT_FAMILY = "edit_family"
    EDIT_HEALTH = "edit_health"
    CREATE_BOOKING = "create_booking"
    CANCEL_BOOKING = "cancel_booking"
    TAKE_LEASE = "take_lease"
    ISSUE_PASS = "issue_pass"
    REVOKE_PASS = "revoke_pass"
    MANAGE_SCHEDULE = "manage_schedule"
    PUBLISH_POLICY = "publish_policy"
    MANAGE_STAFF = "manage_staff"
    PAIR_DEVICE = "pair_device"
    REVOKE_DEVICE = "revoke_device"
    EXIT_KIOSK = "exit_kiosk"
    UNDO = "undo"
    MANAGE_STUDIO = "manage_studio"
    EDIT_SEATMAP = "edit_seatmap"
    PUBLISH_SEATMAP = "publish_seatmap"
    TAG_SPOT = "tag_spot"
    TAKE_SIGNATURE = "take_signature"
    EXPORT_PERSON = "export_person"
    EXPORT_STUDIO = "export_studio"
    ERASE_PERSON = "erase_person"


C = Capability
_VIEWS = frozenset({C.VIEW_ROSTER, C.VIEW_SCHEDULE, C.VIEW_FAMILY})
_FRONT_DESK = _VIEWS | {
    C.MARK_ATTENDANCE, C.OVERRIDE_GATE, C.RECORD_SCAN, C.VIEW_CONTACT, C.VIEW_HEALTH, C.EDIT_FAMILY, C.EDIT_HEALTH,
    C.CREATE_BOOKING, C.CANCEL_BOOKING, C.ISSUE_PASS, C.REVOKE_PASS, C.EXIT_KIOSK, C.UNDO, C.TAG_SPOT,
    C.TAKE_SIGNATURE,
}  # fmt: skip
_MANAGER = _FRONT_DESK | {
    C.VIEW_CUSTODY, C.VIEW_AUDIT, C.MANAGE_SCHEDULE, C.PUBLISH_POLICY, C.MANAGE_STAFF, C.PAIR_DEVICE, C.REVOKE_DEVICE,
    C.EDIT_SEATMAP, C.PUBLISH_SEATMAP, C.EXPORT_PERSON, C.ERASE_PERSON,
}  # fmt: skip

OWNER, MANAGER, FRONT_DESK, INSTRUCTOR = "owner", "manager", "front_desk", "instructor"
SUBSTITUTE, ACCOUNTANT, PORTAL_ADMIN = "substitute", "accountant", "portal_admin"
KIOSK, DESK, CLOUD = "kiosk", "desk", "cloud"
PRICES = "prices"
"""The part of the money that is what things cost."""

ROLES: MappingProxyType[str, frozenset[Capability]] = MappingProxyType(
    {
        OWNER: frozenset(Capability),
        MANAGER: _MANAGER,
        FRONT_DESK: _FRONT_DESK,
        INSTRUCTOR: frozenset({C.MARK_ATTENDANCE, C.VIEW_ROSTER, C.VIEW_SCHEDULE, C.EDIT_SEATMAP, C.TAG_SPOT}),
        SUBSTITUTE: frozenset({C.MARK_ATTENDANCE, C.VIEW_ROSTER, C.VIEW_SCHEDULE, C.TAG_SPOT}),
        ACCOUNTANT: frozenset({C.VIEW_SCHEDULE, C.VIEW_AUDIT}),
        PORTAL_ADMIN: frozenset({C.VIEW_SCHEDULE, C.CREATE_BOOKING, C.CANCEL_BOOKING}),
    }
)
"""What people may do. A substitute is given the class, the room and the days; a portal's admin books for a company."""

BEFORE: MappingProxyType[str, tuple[frozenset[Capability], ...]] = MappingProxyType(
    {INSTRUCTOR: (frozenset({C.MARK_ATTENDANCE, C.VIEW_ROSTER, C.VIEW_SCHEDULE}),)}
)
"""A role's earlier versions, the first first; what was given by one of them stays as it was given. They never change."""


def newest(role: str) -> int:
    """The version of a role's blueprint that is given today; 0 for no role."""
    return len(BEFORE.get(role, ())) + 1 if role in ROLES else 0


def blueprint(role: str, version: int = 0) -> frozenset[Capability]:
    """What a version of a blueprint allows; 0 for the newest. One of a later program, unknown here, allows nothing."""
    before = BEFORE.get(role, ())
    if version in (0, len(before) + 1):
        return ROLES.get(role, frozenset())
    return before[version - 1] if 1 <= version <= len(before) else frozenset()


class Upgrade(NamedTuple):
    """What comes and what goes from one version of a blueprint to another, by name."""

    gained: tuple[str, ...]
    lost: tuple[str, ...]


def upgrade(role: str, version: int, to: int = 0) -> Upgrade:
    """What raising a blueprint means."""
    had, has = blueprint(role, version), blueprint(role, to)
    return Upgrade(tuple(sorted(has - had)), tuple(sorted(had - has)))


DEVICE_ROLES: MappingProxyType[str, frozenset[Capability]] = MappingProxyType(
    {
        KIOSK: frozenset(
            {
                C.MARK_ATTENDANCE, C.RECORD_SCAN, C.CREATE_BOOKING, C.TAKE_LEASE, C.VIEW_ROSTER, C.VIEW_SCHEDULE,
                C.TAKE_SIGNATURE,
            }
        ),
        DESK: frozenset({C.RECORD_SCAN, C.TAKE_LEASE}),
        CLOUD: frozenset(),
    }
)  # fmt: skip
"""What a device may do of itself, with nobody signed in."""

_BOARD = ("studio", "keys", "schedule/{location}/*", "roster/{location}/*", "families/{location}")
SCOPES: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        KIOSK: (*_BOARD, "lease/{location}", "pins", "scans/{location}/*", "seatmaps/{location}", "rulings/{location}"),
        DESK: (
            *_BOARD, "contact_masked/{location}", "pins", "lease/{location}", "health/{location}",
            "contact/{location}", "custody/{location}", "scans/{location}/*", "seatmaps/{location}",
            "seatdrafts/{location}", "seatpresets", "registrations/{location}", "rulings/{location}", "contested",
            "contested/{location}",
        ),
        CLOUD: (),
    }
)  # fmt: skip
"""What a device of a role may hold, most urgent first. Kiosks hold no health, custody or contact (OPERATIONS 27)."""

WITHHELD: MappingProxyType[str, frozenset[Sensitivity]] = MappingProxyType(
    {KIOSK: frozenset({Sensitivity.HEALTH, Sensitivity.CUSTODY, Sensitivity.CONTACT})}
)
"""Kinds of records with such a field are never sent to a device of a role, whatever scope they lie in."""
