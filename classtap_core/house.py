"""The house: every room's records and operations, and the one door they stand behind."""

from types import MappingProxyType

from classtap_core.access import assignment_operations, inviting, owner_key, revealing
from classtap_core.access import operations as access_operations
from classtap_core.access import records as access_records
from classtap_core.access.permission import GrantPermission
from classtap_core.access.telling import Confided
from classtap_core.auditing import operations as auditing_operations
from classtap_core.auditing import records as auditing_records
from classtap_core.booking import field_operations, policy_operations, rescheduling
from classtap_core.booking import fields as booking_fields
from classtap_core.booking import freed as booking_freed
from classtap_core.booking import gates as booking_gates
from classtap_core.booking import operations as booking_operations
from classtap_core.booking import records as booking_records
from classtap_core.booking import spots as booking_spots
from classtap_core.booking.guardian_gates import GUARDIAN_OPERATIONS
from classtap_core.checkin import attempts as checkin_attempts
from classtap_core.checkin import attendees as pass_attendees
from classtap_core.checkin import operations as checkin_operations
from classtap_core.checkin import pickup as checkin_pickup
from classtap_core.checkin import records as checkin_records
from classtap_core.checkin import release as checkin_release
from classtap_core.checkin.gates import GATES as CHECKIN_GATES
from classtap_core.checkin.gates import MarksTogether
from classtap_core.contesting import operations as contesting_operations
from classtap_core.contesting import records as contesting_records
from classtap_core.contesting.keeping import ContestingBus
from classtap_core.documents import operations as document_operations
from classtap_core.documents import records as document_records
from classtap_core.health import operations as health_operations
from classtap_core.health import records as health_records
from classtap_core.kernel import erasure, undo
from classtap_core.kernel.bus import Bus
from classtap_core.kernel.operations import Registry
from classtap_core.messaging import operations as messaging_operations
from classtap_core.messaging import records as messaging_records
from classtap_core.passes import operations as passes_operations
from classtap_core.passes import records as passes_records
from classtap_core.people import (
    erasing,
    external_roles,
    guardian_operations,
    guardians,
    learners,
    profile_operations,
    verification,
)
from classtap_core.people import operations as people_operations
from classtap_core.people import records as people_records
from classtap_core.schedule import (
    offer_operations,
    place_operations,
    series_operations,
    taking_operations,
    timetable_operations,
)
from classtap_core.schedule import operations as schedule_operations
from classtap_core.schedule import records as schedule_records
from classtap_core.schedule import seats as room_seats
from classtap_core.seating import locking as seating_locking
from classtap_core.seating import operations as seating_operations
from classtap_core.seating import presets as seating_presets
from classtap_core.seating import publishing as seating_publishing
from classtap_core.seating import records as seating_records
from classtap_core.seating import rollouts as seating_rollouts
from classtap_core.seating import tagging as seating_tagging

ROOMS = (
    auditing_records, auditing_operations,
    access_records, access_operations, assignment_operations, owner_key, revealing, inviting, passes_records, passes_operations, pass_attendees, people_records, people_operations,
    learners, guardians, guardian_operations, verification, erasing,
    external_roles, profile_operations, document_records, document_operations, health_records, health_operations,
    booking_fields, field_operations, policy_operations,
    schedule_records, schedule_operations, place_operations, offer_operations,
    series_operations, timetable_operations, taking_operations, rescheduling, booking_records, booking_operations, booking_spots, checkin_records,
    checkin_operations, checkin_attempts, checkin_pickup, checkin_release,
    seating_records, seating_operations, seating_locking, seating_presets, seating_publishing, seating_rollouts,
    booking_freed, room_seats, seating_tagging, messaging_records, messaging_operations, undo, erasure,
    contesting_records, contesting_operations,
)  # fmt: skip


GATES = booking_gates.pipeline(*CHECKIN_GATES, *checkin_release.GATES, *booking_gates.GATES)
"""What stands before a mark or a booking, whatever route it comes by. Payment takes its place here."""

CONFIDED: Confided = MappingProxyType(booking_gates.CONFIDED)
"""Gates whose word gives away what not every device may know."""


def registry() -> Registry:
    """Everything this version knows."""
    return Registry(ROOMS)


def bus(*, authority: bool) -> Bus:
    """The bus of a device, or (`authority`) of the cloud: default deny, and the gates before a mark."""
    return ContestingBus(
        registry(), GrantPermission(guardians=GUARDIAN_OPERATIONS), GATES, together=MarksTogether(), authority=authority
    )
