"""Putting right what is wrong, where that is safe: a dropped spot goes to the nearest place where nothing is hurt."""

from collections.abc import Iterator
from math import hypot

from msgspec.structs import replace

from classtap_core.seating.model import PointUm, Spot
from classtap_core.seating.snapping import nearest_node
from classtap_core.seating.validation.checker import Checker

TRIES = 600


def nearest_good(checker: Checker, spot: Spot, grid_um: int, *, origin: PointUm = (0, 0)) -> Spot | None:
    """The spot at the grid crossing nearest to where it was dropped at which no rule is hurt (catalogue 15).

    Where it was dropped counts first, on the grid or off it. None where no good place is found within some hundred
    tries. Raises KeyError for a spot that the checked map does not have.
    """
    if not checker.hurts(spot):
        return spot
    for x, y in _nodes((spot.x_um, spot.y_um), grid_um, origin):
        moved = replace(spot, x_um=x, y_um=y)
        if not checker.hurts(moved):
            return moved
    return None


def _nodes(place: PointUm, grid_um: int, origin: PointUm) -> Iterator[PointUm]:
    """Crossings of the grid around a place, the nearest first."""
    middle = nearest_node(place, grid_um, origin=origin)
    reach = int(TRIES**0.5 / 2) + 1
    around = [
        (middle[0] + i * grid_um, middle[1] + j * grid_um)
        for i in range(-reach, reach + 1)
        for j in range(-reach, reach + 1)
    ]
    around.sort(key=lambda node: (hypot(node[0] - place[0], node[1] - place[1]), node))
    yield from around[:TRIES]
