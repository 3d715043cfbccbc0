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


class Template(NamedTuple):
    """One kind of message.

    Attributes:
        right: what a guardian must be allowed for the child, beside hearing from the studio at all.
        roles: the only roles that may ever get it, whatever is allowed to one guardian alone.
        urgent: the emergency variant: all ways at once, wishes aside, and further people after five minutes without a
            delivery.
    """

    code: str
    roles: tuple[str, ...]
    right: Right | None = None
    channels: tuple[str, ...] = CHANNELS
    urgent: bool = False


_GUARDIANS = (PRIMARY, SECONDARY)
PASS, PAGE, ABSENT, LATE, INVOICE, PICKED_UP, NEWS, ALARM = (
    "pass", "page", "absent", "late", "invoice", "picked_up", "news", "alarm",
)  # fmt: skip

TEMPLATES: Mapping[str, Template] = MappingProxyType(
    {
        one.code: one
        for one in (
            Template(PASS, _GUARDIANS),
            Template(PAGE, _GUARDIANS),
            Template(ABSENT, _GUARDIANS, Right.ATTENDANCE),
            Template(LATE, _GUARDIANS, Right.ATTENDANCE),
            Template(INVOICE, _GUARDIANS, Right.PAY),
            Template(PICKED_UP, (PRIMARY, SECONDARY, PICKUP), Right.ATTENDANCE),
            Template(NEWS, (PRIMARY, SECONDARY, PICKUP)),
            Template(ALARM, (PRIMARY, SECONDARY, PICKUP, EMERGENCY), urgent=True),
        )
    }
)
"""Billing names no role below the second: nobody who only picks up is ever told of money (catalogue 08)."""
