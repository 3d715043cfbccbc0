"""What stands in studios, with the room makers and trainers ask for; a studio's own types take precedence.

Footprints are of common models (Concept2 Model D: 2.44 x 0.61 m and 2.7 x 1.2 m to row in; a 68 x 24 inch mat).
"""

from classtap_core.seating.model import EquipmentType, Modality, Outline

STANDARD: tuple[EquipmentType, ...] = (
    EquipmentType(
        id="reformer",
        name="Reformer",
        width_um=660_000,
        length_um=2_400_000,
        front_um=300_000,
        rear_um=450_000,
        side_um=450_000,
        alias="Reformer",
        modality=Modality.REFORMER,
        color="#DDEEEA",
    ),
    EquipmentType(
        id="bike",
        name="Bike",
        width_um=550_000,
        length_um=1_150_000,
        front_um=200_000,
        rear_um=300_000,
        side_um=250_000,
        alias="Bike",
        modality=Modality.CYCLING,
        color="#E0E9F8",
    ),
    EquipmentType(
        id="mat",
        name="Mat",
        width_um=610_000,
        length_um=1_730_000,
        front_um=150_000,
        rear_um=150_000,
        side_um=300_000,
        alias="Mat",
        modality=Modality.MAT,
        color="#DDF0E5",
    ),
    EquipmentType(
        id="rower",
        name="Rower",
        width_um=610_000,
        length_um=2_440_000,
        front_um=130_000,
        rear_um=130_000,
        side_um=295_000,
        alias="Erg",
        modality=Modality.ROWING,
        color="#FBEBD0",
    ),
    EquipmentType(
        id="chair",
        name="Chair",
        width_um=450_000,
        length_um=450_000,
        alias="Chair",
        modality=Modality.MIXED,
        color="#F8E0E5",
    ),
    EquipmentType(
        id="bench",
        name="Bench",
        width_um=300_000,
        length_um=1_200_000,
        side_um=300_000,
        alias="Bench",
        modality=Modality.MIXED,
        color="#FCE6D8",
    ),
    EquipmentType(
        id="ball",
        name="Ball",
        width_um=650_000,
        length_um=650_000,
        outline=Outline.ROUND,
        side_um=200_000,
        alias="Ball",
        modality=Modality.MIXED,
        color="#EDE7F6",
    ),
)
BY_ID = {type.id: type for type in STANDARD}


def type_or_plain(id: str) -> EquipmentType:
    """The standard type of an id, or a square of 0.6 m with that name where there is none."""
    return BY_ID.get(id) or EquipmentType(id=id, name=id, width_um=600_000, length_um=600_000)
