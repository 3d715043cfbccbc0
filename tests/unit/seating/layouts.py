"""Random rooms for the judges: small, crowded, turned every way, often exactly touching."""

import random

from classtap_core.kernel.ids import derived
from classtap_core.seating.model import (
    EquipmentType,
    Limits,
    Outline,
    Room,
    SeatMap,
    Spot,
    Zone,
    ZoneKind,
)

TYPES = (
    EquipmentType(id="bike", name="Bike", width_um=600_000, length_um=1_200_000, front_um=300_000, side_um=150_000),
    EquipmentType(
        id="reformer",
        name="Reformer",
        width_um=700_001,
        length_um=2_400_000,
        front_um=200_000,
        rear_um=450_000,
        side_um=333_333,
    ),
    EquipmentType(id="chair", name="Chair", width_um=500_000, length_um=500_000, outline=Outline.ROUND),
    EquipmentType(id="mat", name="Mat", width_um=610_000, length_um=1_730_000, outline=Outline.ROUND, rear_um=100_000),
)
ROOMS = (
    Room(width_um=7_000_000, length_um=6_000_000, wall_offsets_um=(500_000, 0, 250_000, 100_000)),
    Room(width_um=8_000_000, length_um=8_000_000),
    Room(
        width_um=8_000_000,
        length_um=7_000_000,
        points_um=(
            (0, 0),
            (8_000_000, 0),
            (8_000_000, 7_000_000),
            (3_000_000, 7_000_000),
            (3_000_000, 3_000_000),
            (0, 4_000_000),
        ),
        wall_offsets_um=(300_000, 0, 0, 200_000, 0, 100_000),
    ),
)


def layout(random: random.Random, *, spots: int = 6, accessible: bool = False) -> SeatMap:
    """A room with spots, zones and doors put anywhere."""
    room = random.choice(ROOMS)
    step = random.choice((1, 1, 50_000, 100_000))

    def along(length: int) -> int:
        return random.randrange(-200_000, length + 200_000) // step * step

    def turn() -> int:
        return random.choice((0, 90_000, 180_000, 270_000, 45_000, 30_000, random.randrange(360_000)))

    def id(kind: str, number: int) -> str:
        return derived("test", kind, str(number))

    made = tuple(
        Spot(
            id=id("spot", number),
            type=random.choice(TYPES).id,
            x_um=along(room.width_um),
            y_um=along(room.length_um),
            rotation_mdeg=turn(),
            tags=("accessible",) if accessible and random.random() < 0.5 else (),
        )
        for number in range(spots)
    )
    zones = [
        Zone(
            id=id("zone", number),
            kind=random.choice((ZoneKind.AISLE, ZoneKind.OBSTRUCTION, ZoneKind.WALL, ZoneKind.MIRROR, ZoneKind.STAGE)),
            outline=random.choice(tuple(Outline)),
            x_um=along(room.width_um),
            y_um=along(room.length_um),
            width_um=random.choice((100_000, 400_000, 2_000_001)),
            length_um=random.choice((200_000, 900_000)),
            rotation_mdeg=turn(),
        )
        for number in range(random.randrange(3))
    ]
    x, y = along(room.width_um), along(room.length_um)
    zones.append(
        Zone(
            id=id("zone", 90),
            kind=ZoneKind.OBSTRUCTION,
            points_um=(
                (x, y),
                (x + 900_000, y),
                (x + 900_000, y + 400_000),
                (x + 300_000, y + 300_000),
                (x, y + 1_000_000),
            ),
        )
    )
    zones.append(
        Zone(
            id=id("zone", 91),
            kind=ZoneKind.DOOR,
            x_um=random.randrange(1_000_000, 6_000_000),
            y_um=0,
            width_um=1_000_000,
            length_um=100_000,
            rotation_mdeg=180_000,
            clearance_um=random.choice((0, 800_000)),
        )
    )
    limits = Limits(spacing_um=random.choice((0, 100_000, 333_333)), accessible_um=random.choice((914_400, 600_000)))
    return SeatMap(name="random", room=room, types=TYPES, spots=made, zones=tuple(zones), limits=limits)
