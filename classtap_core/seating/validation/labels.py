"""Names that stand for two spots, and more spots than the room may hold."""

from collections import defaultdict

from classtap_core.seating.model import SeatMap, Spot, Visibility
from classtap_core.seating.validation.findings import SPOTS, Rule, Violation


def duplicate_labels(seat_map: SeatMap) -> list[Violation]:
    """Labels that staff read on two spots, and names that clients read on two public spots."""
    staff: dict[str, list[Spot]] = defaultdict(list)
    clients: dict[str, list[Spot]] = defaultdict(list)
    for spot in seat_map.spots:
        staff[spot.label].append(spot)
        if spot.visibility is Visibility.PUBLIC:
            clients[spot.named(for_clients=True)].append(spot)
    found = {}
    for names in (clients, staff):
        for name, spots in names.items():
            if name and len(spots) > 1:
                items = tuple(sorted(spot.id for spot in spots))
                found[items] = Violation(
                    Rule.DUPLICATE_LABEL, items, 1, len(spots), SPOTS, (spots[0].x_um, spots[0].y_um)
                )
    return list(found.values())


def too_many(seat_map: SeatMap) -> list[Violation]:
    """More spots that can be given away than the map's limit."""
    limit, actual = seat_map.limits.capacity, seat_map.capacity()
    if limit and actual > limit:
        return [Violation(Rule.CAPACITY, (), limit, actual, SPOTS, (0, 0))]
    return []
