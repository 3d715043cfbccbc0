"""May this holder do this, here, now? Default deny; deny beats allow; a grant counts whole or not at all. Pure."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from classtap_core.access.blueprints import DEVICE_ROLES, SCOPES, WITHHELD, blueprint
from classtap_core.access.records import Device, DeviceRevocation, Grant
from classtap_core.kernel.bus import Verdict
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Resource
from classtap_core.kernel.records import Record, sensitivities
from classtap_core.kernel.scopes import covers

DENIED, EXPIRED = "permission.denied", "permission.expired"
DEVICE_UNKNOWN, DEVICE_REVOKED = "permission.device_unknown", "permission.device_revoked"
NOT_THIS_DEVICE, AUTHOR_UNKNOWN = "permission.not_this_device", "permission.author"


def decide(grants: Iterable[Grant], capability: str, resource: Resource, *, at_ms: int) -> Verdict:
    """Judge one capability over one resource at an instant; the verdict names the grants it stands on.

    A grant allows where it holds for the whole of the resource; a deny bites where it meets any part of it.
    """
    return judged(speaking(grants, capability), resource, at_ms=at_ms)


def speaking(grants: Iterable[Grant], capability: str) -> tuple[Grant, ...]:
    """Those grants that have anything to say of a capability."""
    return tuple(
        grant
        for grant in grants
        if capability in grant.capabilities or capability in blueprint(grant.role, grant.version)
    )


def judged(speaking: Iterable[Grant], resource: Resource, *, at_ms: int) -> Verdict:
    """The decision, over the grants that speak of what is asked."""
    speaking = tuple(speaking)
    standing = [grant for grant in speaking if in_force(grant, at_ms)]
    if any(grant.deny and _meets(grant, resource) for grant in standing):
        return Verdict(False, DENIED)
    allowing = tuple(grant.id for grant in standing if not grant.deny and _contains(grant, resource))
    if allowing:
        return Verdict(True, grants=allowing)
    over = any(not grant.deny and _contains(grant, resource) and _ended(grant, at_ms) for grant in speaking)
    return Verdict(False, EXPIRED if over else DENIED)


def capabilities_of(grant: Grant) -> frozenset[str]:
    """The blueprint's, of the version it was given by, and its own."""
    return blueprint(grant.role, grant.version).union(grant.capabilities)


class Place(NamedTuple):
    """Where a grant holds, as in its record: "" for all there are. The same names as `Resource`."""

    location: str = ""
    room: str = ""
    class_type: str = ""
    segment: str = ""
    money: str = ""

    @property
    def resource(self) -> Resource:
        """All of it, as a permission is asked about it."""
        location, room, class_type = (Id(one) if one else None for one in self[:3])
        return Resource(location, room, class_type, self.segment or None, self.money or None)


def place_of(grant: Grant) -> Place:
    return Place(grant.location, grant.room, grant.class_type, grant.segment, grant.money)


def in_force(grant: Grant, at_ms: int) -> bool:
    return grant.valid_from_ms <= at_ms and not _ended(grant, at_ms)


def beyond(own: Iterable[Grant], given: Grant, *, at_ms: int) -> tuple[str, ...]:
    """The capabilities of a grant that its giver does not hold over all of it: nobody gives what they have not."""
    own = tuple(own)
    resource = place_of(given).resource
    return tuple(
        capability
        for capability in sorted(capabilities_of(given))
        if not decide(own, capability, resource, at_ms=at_ms).allowed
    )


def device_may(device: Device | None, capability: str, resource: Resource) -> Verdict:
    """What a device may do of itself, with nobody signed in: its role's blueprint, where it stands."""
    if device is None:
        return Verdict(False, DEVICE_UNKNOWN)
    here = not device.location or device.location == resource.location
    return Verdict(True) if here and capability in DEVICE_ROLES.get(device.role, ()) else Verdict(False, DENIED)


def device_stands(device: Device | None, at_ms: int) -> Verdict:
    """Whether anything a device wrote at an instant is to be believed at all."""
    if device is None:
        return Verdict(False, DEVICE_UNKNOWN)
    revoked = device.revoked_at_ms
    return Verdict(False, DEVICE_REVOKED) if revoked is not None and at_ms >= revoked else Verdict(True)


def revoked(device: Device, revocation: DeviceRevocation) -> tuple[DeviceRevocation, ...]:
    """The device's revocations with one more: a set, in order of time, whatever order they come in."""
    return tuple(sorted({*device.revocations, revocation}, key=lambda one: (one.at_ms, one.operation)))


def scopes_for(role: str, location: str) -> tuple[str, ...]:
    """The patterns a device may hold, most urgent first; of every location where `location` is ""."""
    patterns = SCOPES.get(role, ())
    if location:
        return tuple(pattern.format(location=location) for pattern in patterns)
    wide = tuple(pattern.partition("{")[0] + "*" if "{" in pattern else pattern for pattern in patterns)
    return tuple(pattern for pattern in wide if f"{pattern}/*" not in wide)


def scopes_but(patterns: Iterable[str], withheld: Container[str]) -> tuple[str, ...]:
    """Those patterns whose first part (`health` of `health/<location>`) is not withheld."""
    return tuple(pattern for pattern in patterns if _first_part(pattern) not in withheld)


def withheld_of(patterns: Iterable[str], held: Sequence[str]) -> tuple[str, ...]:
    """The first parts of those patterns that a list of scopes does not hold whole, sorted: `scopes_but` these it holds."""
    return tuple(sorted({_first_part(pattern) for pattern in patterns if not covers(held, pattern)}))


def may_hold(device: Device) -> tuple[str, ...]:
    """The scope patterns a device may hold as its record says it, most urgent first: its role's where it stands, but for
    what is withheld from it. None for one that was revoked, or whose role is a later version's."""
    return () if device.revocations else scopes_but(scopes_for(device.role, device.location), device.withheld)


def may_be_told(device: Device, shape: type[msgspec.Struct], *scopes: str) -> bool:
    """Whether what a record or a payload of this shape says may lie on a device, `scopes` being where it lies.

    Without `scopes`, whether anything of this shape may, wherever it lies: for what an operation says, beside the rows it
    changes, each of which is asked about with the scope it lies in, and the one it left.
    """
    held = may_hold(device)
    return bool(held) and not is_withheld(device.role, shape) and all(covers(held, scope) for scope in scopes)


def is_withheld(role: str, shape: type[msgspec.Struct]) -> bool:
    """Whether a record or a payload has fields that are never for a device of a role, whatever scope it lies in."""
    return not WITHHELD.get(role, frozenset()).isdisjoint(sensitivities(shape))


def kinds_withheld(role: str, records: Mapping[str, type[Record]]) -> frozenset[str]:
    """The kinds of records that are not for a device of a role."""
    return frozenset(kind for kind, record in records.items() if is_withheld(role, record))


def _first_part(pattern: str) -> str:
    return pattern.partition("/")[0]


def _contains(grant: Grant, resource: Resource) -> bool:
    return all(not limit or limit == value for limit, value in _pairs(grant, resource))


def _meets(grant: Grant, resource: Resource) -> bool:
    return all(not limit or value is None or limit == value for limit, value in _pairs(grant, resource))


def _pairs(grant: Grant, resource: Resource) -> Iterable[tuple[str, str | None]]:
    return zip(place_of(grant), resource, strict=True)


def _ended(grant: Grant, at_ms: int) -> bool:
    return bool(grant.valid_to_ms) and at_ms >= grant.valid_to_ms
