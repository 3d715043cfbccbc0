"""Who sees what of a map: clients public spots with their aliases, staff those and their own, nobody the hidden ones."""

from enum import StrEnum
from typing import NamedTuple

from classtap_core.seating.model import Mirroring, SeatMap, Spot, Visibility


class Audience(StrEnum):
    """For whom a map is drawn."""

    CLIENTS = "clients"
    STAFF = "staff"


class Seen(NamedTuple):
    """A spot as somebody sees it: its name for them, and where it lies in their view."""

    spot: Spot
    name: str
    x_um: int
    y_um: int
    rotation_mdeg: int


def seen_by(seat_map: SeatMap, audience: Audience) -> tuple[Seen, ...]:
    """The spots an audience sees. Clients see a mirrored map mirrored; zones are not for them."""
    shown = {Visibility.PUBLIC} if audience is Audience.CLIENTS else {Visibility.PUBLIC, Visibility.STAFF}
    mirrored = audience is Audience.CLIENTS and seat_map.mirroring is Mirroring.RIGHT
    return tuple(
        Seen(
            spot,
            spot.named(for_clients=audience is Audience.CLIENTS),
            seat_map.room.width_um - spot.x_um if mirrored else spot.x_um,
            spot.y_um,
            -spot.rotation_mdeg % 360_000 if mirrored else spot.rotation_mdeg,
        )
        for spot in seat_map.spots
        if spot.visibility in shown
    )


def spot_named(seat_map: SeatMap, name: str, audience: Audience) -> Spot | None:
    """The one spot that an audience knows by a name; None where there is none or more than one."""
    found = [seen.spot for seen in seen_by(seat_map, audience) if seen.name == name]
    return found[0] if len(found) == 1 else None
