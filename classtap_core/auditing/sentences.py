"""Every operation as a sentence: which of its fields the sentence names. The words are in the text catalogue.

The sentence of `room.add` is `audit.op.room.add`; it may name `{who}` and the parameters listed here. A field is a path into
the payload (`items.child` is each item's); what lies there is an id, whose record's name is said, or a text of its own.
"""

from collections.abc import Mapping
from types import MappingProxyType

PREFIX = "audit.op."

SENTENCES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "attendance.mark": {"what": "items.child", "where": "session"},
        "blueprint.apply": {"what": "holders", "role": "role"},
        "booking.cancel": {"what": "child", "where": "session"},
        "booking.create": {"what": "child", "where": "session"},
        "booking.seat": {"what": "child", "where": "session"},
        "category.edit": {"what": "name"},
        "child.add": {"what": "items.child", "where": "family"},
        "child.health": {"what": "child"},
        "class.add": {"what": "name"},
        "class.edit": {"what": "class_type"},
        "closure.add": {"what": "location", "when": "first"},
        "closure.remove": {},
        "contact.verify": {"what": "contact"},
        "device.purged": {"what": "device"},
        "device.register": {"what": "name"},
        "device.revoke": {"what": "device"},
        "family.add": {"what": "name"},
        "family.rename": {"what": "family", "name": "name"},
        "grant.end": {"what": "grant"},
        "grant.give": {"what": "holder", "role": "role"},
        "guardian.block": {"what": "guardian", "where": "child"},
        "guardian.edit": {"what": "guardian", "where": "child"},
        "guardian.hand_over": {"what": "to", "where": "child"},
        "guardian.merge": {"what": "keep"},
        "guardian.unblock": {"what": "guardian", "where": "child"},
        "instructor.add": {"what": "name"},
        "instructor.edit": {"what": "instructor"},
        "kernel.undo": {"what": "operation"},
        "learner.edit": {"what": "child"},
        "lease.lapse": {"where": "session"},
        "lease.take": {"where": "session"},
        "level.edit": {"what": "name"},
        "location.add": {"what": "name"},
        "location.edit": {"what": "location"},
        "pack.publish": {"what": "name"},
        "pass.issue": {"what": "family"},
        "pass.revoke": {"what": "family"},
        "policy.publish": {"what": "name"},
        "program.cancel": {"what": "program"},
        "program.plan": {"what": "name"},
        "room.add": {"what": "name", "where": "location"},
        "room.edit": {"what": "room"},
        "scan.record": {"what": "family", "where": "location"},
        "seatcomment.add": {},
        "seatdraft.decide": {"what": "draft"},
        "seatdraft.discard": {"what": "draft"},
        "seatdraft.save": {"what": "name", "where": "room"},
        "seatdraft.submit": {"what": "draft"},
        "seatlock.release": {"where": "room"},
        "seatlock.take": {"where": "room"},
        "seatmap.publish": {"where": "room"},
        "seatmap.rollback": {"where": "room"},
        "seatpreset.remove": {"what": "name"},
        "seatpreset.save": {"what": "name"},
        "seatrollout.apply": {"where": "room"},
        "seatrollout.cancel": {"where": "room"},
        "seatrollout.plan": {"what": "name"},
        "seatrollout.retry": {"where": "room"},
        "series.change": {"what": "series"},
        "series.end": {"what": "series"},
        "series.extend": {"what": "series"},
        "series.plan": {"what": "class_type", "where": "location"},
        "session.add": {"where": "location"},
        "session.cancel": {"where": "session"},
        "session.change": {"where": "session"},
        "session.substitute": {"what": "instructor", "where": "sessions"},
        "spot.restore": {"what": "spot", "where": "room"},
        "spot.tag": {"what": "spot", "where": "room"},
        "staff.add": {"what": "name"},
        "staff.set_pin": {"what": "staff"},
        "studio.found": {"what": "name"},
        "studio.owner_key": {},
    }
)
"""Operation → the sentence's parameters and the fields they are taken from."""


def code_of(kind: str) -> str:
    """The catalogue's code of an operation's sentence."""
    return PREFIX + kind
