"""Small rooms for tests, drawn as text: a letter is a spot, a dot an empty cell, one metre each way."""

from classtap_core.kernel.ids import derived
from classtap_core.seating.model import EquipmentType, Limits, Room, SeatMap, Spot, Zone, ZoneKind

CELL_UM = 1_000_000
CHAIR = EquipmentType(id="chair", name="Chair", width_um=500_000, length_um=500_000)


def spot_id(name: str) -> str:
    return derived("test.spot", name)


def zone(kind: ZoneKind, name: str = "z", **fields: object) -> Zone:
    return Zone(id=derived("test.zone", name), kind=kind, **fields)  # type: ignore[arg-type]


def room(drawing: str, *, type: EquipmentType = CHAIR, zones: tuple[Zone, ...] = (), **fields: object) -> SeatMap:
    """A map with a spot in the middle of each cell that is not a dot; spots are named by row and column from 1."""
    rows = drawing.split()
    spots = tuple(
        Spot(
            id=spot_id(f"{y + 1},{x + 1}"),
            type=type.id,
            x_um=x * CELL_UM + CELL_UM // 2,
            y_um=y * CELL_UM + CELL_UM // 2,
        )
        for y, row in enumerate(rows)
        for x, cell in enumerate(row)
        if cell != "."
    )
    size = Room(width_um=len(rows[0]) * CELL_UM, length_um=len(rows) * CELL_UM)
    made = {"room": size, "limits": Limits(), **fields}
    return SeatMap(name="Test", types=(type,), spots=spots, zones=zones, **made)  # type: ignore[arg-type]


def labels(seat_map: SeatMap) -> str:
    """The labels as they lie in the room, row by row."""
    rows: dict[int, list[tuple[int, str]]] = {}
    for spot in seat_map.spots:
        rows.setdefault(spot.y_um, []).append((spot.x_um, spot.label))
    return " / ".join(" ".join(label for _, label in sorted(row)) for _, row in sorted(rows.items()))
