"""What there is to say, as data: who may be told, and on which ways. The words are `message.<code>.*` of the catalogue.

A later feature adds a line here and its words; who gets it, on which way and in which order is the router's business.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from classtap_core.people.guardians import EMERGENCY, PICKUP, PRIMARY, SECONDARY, Right

EMAIL, SMS = "email", "sms"
CHANNELS = (EMAIL, SMS)
"""In the order a studio that says nothing else tries them."""
USUAL = "usual"
WAYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"email_sms": (EMAIL, SMS), "sms_email": (SMS, EMAIL), "email": (EMAIL,), "sms": (SMS,), "none": ()}
)
"""What people choose from, by name; `USUAL` is whatever counts next."""


def ways_of(channels: tuple[str, ...]) -> str:
    """The name of a choice; `USUAL` for one that has none."""
    return next((name for name, ways in WAYS.items() if ways == channels), USUAL)


class Template(NamedTuple):
    """One kind of message.

    Attributes:
        right: what a guardian must be allowed for the child, beside hearing from the studio at all.
        roles: the only roles that may ever get it, whatever is allowed to one guardian alone.
        urgent: the emergency variant: all ways at once, wishes aside, and further people after five minutes without a
            delivery.
        linked: it leads to the family's page. of_session: its words tell of a session (`values["session"]`).
    """

    code: str
    roles: tuple[str, ...]
    right: Right | None = None
    channels: tuple[str, ...] = CHANNELS
    urgent: bool = False
    linked: bool = False
    of_session: bool = False


_GUARDIANS = (PRIMARY, SECONDARY)
_AT_THE_DOOR = (PRIMARY, SECONDARY, PICKUP)
PASS, PAGE, ABSENT, LATE, INVOICE, PICKED_UP, NEWS, ALARM = (
    "pass", "page", "absent", "late", "invoice", "picked_up", "news", "alarm",
)  # fmt: skip
CANCELLED, MOVED, TEACHER, OVERRULED, CONSENT, PASS_GONE, ENTRY = (
    "cancelled", "moved", "teacher", "overruled", "consent", "pass_gone", "entry",
)  # fmt: skip
PAPERS, SIGN_AGAIN = "papers", "sign_again"
"""Documents that end soon, and what a guardian signed in a version that no longer does."""

TEMPLATES: Mapping[str, Template] = MappingProxyType(
    {
        one.code: one
        for one in (
            Template(PASS, _GUARDIANS, linked=True),
            Template(PASS_GONE, _GUARDIANS),
            Template(ENTRY, _GUARDIANS, linked=True, of_session=True),
            Template(PAGE, _GUARDIANS, linked=True),
            Template(ABSENT, _GUARDIANS, Right.ATTENDANCE, linked=True),
            Template(LATE, _GUARDIANS, Right.ATTENDANCE, linked=True),
            Template(INVOICE, _GUARDIANS, Right.PAY, linked=True),
            Template(PICKED_UP, _AT_THE_DOOR, Right.ATTENDANCE),
            Template(NEWS, _AT_THE_DOOR),
            Template(CANCELLED, _AT_THE_DOOR, of_session=True),
            Template(MOVED, _AT_THE_DOOR, of_session=True),
            Template(TEACHER, _GUARDIANS, of_session=True),
            Template(OVERRULED, _GUARDIANS, linked=True, of_session=True),
            Template(CONSENT, _GUARDIANS, Right.SIGN, linked=True),
            Template(PAPERS, _GUARDIANS, Right.SIGN, linked=True),
            Template(SIGN_AGAIN, _GUARDIANS, Right.SIGN, linked=True),
            Template(ALARM, (PRIMARY, SECONDARY, PICKUP, EMERGENCY), urgent=True),
        )
    }
)
"""Billing names no role below the second: nobody who only picks up is ever told of money (catalogue 08)."""
