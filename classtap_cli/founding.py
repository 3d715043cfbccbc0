"""A new studio in the cloud: its owner, the owner's PIN and key, a first location; and finding locations again."""

import os
from typing import Any

from classtap_core.access.operations import SetPin
from classtap_core.access.owner_key import SetOwnerKey
from classtap_core.access.pins import hash_pin
from classtap_core.checkin.reading import search
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id, fresh
from classtap_core.kernel.operations import Payload
from classtap_core.schedule.operations import AddLocation
from classtap_core.schedule.records import Location
from classtap_core.timekeeping.rules import local_of
from cloud.composition import Cloud

SOURCE = "cli"


def found_studio(
    cloud: Cloud, name: str, *, owner: str, pin: str, location: str, zone: str, environment: str, sealed_to: bytes
) -> dict[str, Any]:
    """Found a studio whose devices seal themselves to `sealed_to`, the public half of the owner's recovery key.

    Raises BadInput `pin.shape`, `time.zone` before anything is written; Refused as operations are.
    """
    now = cloud.clock.now().corrected
    local_of(now, zone)
    pepper = os.urandom(32)
    hash = hash_pin(pin, pepper=pepper, entropy=os.urandom)
    person, place = fresh(now, os.urandom), fresh(now, os.urandom)
    entry = cloud.studios.found(name, environment=environment, owner=person, owner_name=owner, pepper=pepper)
    author = Author(type="clock", id=entry.id)
    payloads: tuple[Payload, ...] = (
        AddLocation(location=place, name=location, zone=zone),
        SetPin(staff=person, hash=hash),
        SetOwnerKey(public=sealed_to.hex()),
    )
    drafts = [CloudDraft(payload, author, SOURCE) for payload in payloads]
    for ledger in cloud.studios.authority(entry.id).author_all(entry.cloud_device, drafts):
        outcome = ledger.link.outcome
        if not outcome.stands:
            raise Refused(outcome.reasons[0].code if outcome.reasons else "cli.refused")
    return {"studio": entry.id, "owner": person, "location": place, "environment": environment}


def place_called(cloud: Cloud, studio: Id, named: str) -> Id:
    """The location of an id or a name; without one, the only location there is.

    Raises Refused `cloud.no_location`, `cloud.which_location` with how many.
    """
    places = search(cloud.studios.storage(studio), Location, "by_id")
    found = [place for place in places if not named or named in (place.id, place.name)]
    if not found:
        raise Refused("cloud.no_location", location=named)
    if len(found) > 1:
        raise Refused("cloud.which_location", found=len(found))
    return found[0].id
