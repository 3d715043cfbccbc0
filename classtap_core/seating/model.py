"""What a seat map is made of. Lengths are integer micrometres, turns integer millidegrees (ruling 11).

The origin is the room's top left corner, x runs right and y down. A spot turned by 0 faces up the page (to smaller y),
where the instructor stands; turns are clockwise as seen. Every part keeps keys this version does not know in `extra`.
"""

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

FORMAT = "classtap.seatmap"
VERSION = 1
FAR_UM = 500_000_000
"""No coordinate lies farther than 500 m from the origin: products of two differences then fit 64 bits."""
FULL_TURN_MDEG = 360_000

SpotId = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Coordinate = Annotated[int, Meta(ge=-FAR_UM, le=FAR_UM)]
Length = Annotated[int, Meta(ge=0, le=FAR_UM)]
Extent = Annotated[int, Meta(ge=1_000, le=FAR_UM, description="µm, at least a millimetre")]
Turn = Annotated[int, Meta(ge=0, lt=FULL_TURN_MDEG)]
Name = Annotated[str, Meta(max_length=200)]
PointUm = tuple[Coordinate, Coordinate]


class Unit(StrEnum):
    """How lengths are shown. Nothing is stored in it."""

    METRE = "m"
    FOOT = "ft"


class Modality(StrEnum):
    """What is taught in the room."""

    REFORMER = "reformer"
    CYCLING = "cycling"
    MAT = "mat"
    ROWING = "rowing"
    MIXED = "mixed"


class Outline(StrEnum):
    """The shape of a footprint."""

    RECTANGLE = "rectangle"
    ROUND = "round"


class Visibility(StrEnum):
    """Who sees a spot: everybody, staff, or nobody (it still takes up room)."""

    PUBLIC = "public"
    STAFF = "staff"
    HIDDEN = "hidden"


class Status(StrEnum):
    """Whether a spot can be given away. The last two cannot (catalogue 17)."""

    OPERATIONAL = "operational"
    NEEDS_ATTENTION = "needs_attention"
    OUT_OF_SERVICE = "out_of_service"


class ZoneKind(StrEnum):
    """What a zone is. Nothing may stand on the first six; the last two are drawn only."""

    WALL = "wall"
    MIRROR = "mirror"
    OBSTRUCTION = "obstruction"
    STAGE = "stage"
    AISLE = "aisle"
    DOOR = "door"
    DRAWING = "drawing"
    TEXT = "text"


class Mirroring(StrEnum):
    """Which side of the room a client sees on the left: the room's own, or its mirror image."""

    LEFT = "left"
    RIGHT = "right"


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Any piece of a map. `extra` holds the keys of its JSON object that this version does not know."""

    extra: dict[str, Any] = msgspec.field(default_factory=dict)


class Room(Part, frozen=True, kw_only=True):
    """The floor. Without `points_um` it is a rectangle from the origin.

    Attributes:
        points_um: corners of a room that is no rectangle, in order; the walls lie between them.
        wall_offsets_um: how far spots keep from each wall, in the order of the walls; a rectangle's are top, right,
            bottom, left. Empty means nothing is kept free.
    """

    width_um: Extent
    length_um: Extent
    points_um: tuple[PointUm, ...] = ()
    wall_offsets_um: tuple[Length, ...] = ()

    def corners(self) -> tuple[PointUm, ...]:
        """The room's corners in order; a rectangle's clockwise from the top left."""
        if self.points_um:
            return self.points_um
        return (0, 0), (self.width_um, 0), (self.width_um, self.length_um), (0, self.length_um)

    def offset_um(self, wall: int) -> int:
        """How much is kept free along a wall, by its place in the order of the walls."""
        return self.wall_offsets_um[wall] if wall < len(self.wall_offsets_um) else 0


class EquipmentType(Part, frozen=True, kw_only=True):
    """A kind of spot: its footprint and the room to leave around it.

    Attributes:
        width_um: across, from its left to its right. length_um: from its front to its rear.
        side_um: to be kept free on the left and on the right.
        alias: what clients call one, such as "Bike".
    """

    id: Name
    name: Name
    width_um: Extent
    length_um: Extent
    outline: Outline = Outline.RECTANGLE
    front_um: Length = 0
    rear_um: Length = 0
    side_um: Length = 0
    alias: Name = ""
    modality: Modality | None = None
    color: Name = ""


class Spot(Part, frozen=True, kw_only=True):
    """A place one person can book. `x_um` and `y_um` are the middle of its footprint.

    Attributes:
        id: stable for ever, whatever the label; bookings name it.
        label: what staff read. alias: what clients read instead, where they differ (ruling 14).
        row, seat: the parts of the label, where it was made by rule.
        tags: such as `accessible`, `premium`, `instructor_view`, `companion`, `aisle`.
        origin: its id in the file it came from; written back on export, repeats included (ruling 15).
        origin_path: where in that file it stood.
    """

    id: SpotId
    type: Name
    x_um: Coordinate
    y_um: Coordinate
    rotation_mdeg: Turn = 0
    label: Name = ""
    alias: Name = ""
    row: Name = ""
    seat: Name = ""
    visibility: Visibility = Visibility.PUBLIC
    tags: tuple[Name, ...] = ()
    status: Status = Status.OPERATIONAL
    category: Name = ""
    layer: Name = ""
    group: Name = ""
    locked: bool = False
    origin: str = ""
    origin_path: str = ""

    @property
    def reservable(self) -> bool:
        """Whether somebody can be given this spot: not hidden, and working."""
        return self.visibility is not Visibility.HIDDEN and self.status is Status.OPERATIONAL

    def named(self, *, for_clients: bool) -> str:
        """The name on a placard: clients read the alias where there is one."""
        return self.alias if for_clients and self.alias else self.label


class Zone(Part, frozen=True, kw_only=True):
    """Something of the room that is no spot: a pillar, an aisle, a mirror, a door, a drawing.

    A zone is a rectangle or an ellipse around its middle, or a polygon where `points_um` are given.

    Attributes:
        clearance_um: of a door: how deep its front is kept free. A door turned by 0 opens up the page.
        text: words drawn on it; `size_um` high. color, border_color: of a drawing.
    """

    id: SpotId
    kind: ZoneKind
    name: Name = ""
    outline: Outline = Outline.RECTANGLE
    x_um: Coordinate = 0
    y_um: Coordinate = 0
    width_um: Length = 0
    length_um: Length = 0
    rotation_mdeg: Turn = 0
    points_um: tuple[PointUm, ...] = ()
    clearance_um: Length = 0
    text: str = ""
    size_um: Length = 0
    color: Name = ""
    border_color: Name = ""
    layer: Name = ""
    group: Name = ""
    locked: bool = False
    origin_path: str = ""


class Path(Part, frozen=True, kw_only=True):
    """A way through the room, as its centre line and its width. An accessible one must stay clear."""

    id: SpotId
    points_um: Annotated[tuple[PointUm, ...], Meta(min_length=2)]
    width_um: Extent
    name: Name = ""
    accessible: bool = True
    layer: Name = ""
    locked: bool = False


class Layer(Part, frozen=True, kw_only=True):
    """What is shown, hidden and locked together. A hidden layer's zones still bind (catalogue 15)."""

    id: Name
    name: Name
    visible: bool = True
    locked: bool = False


class Group(Part, frozen=True, kw_only=True):
    """Spots and zones that are selected and moved as one; they name it."""

    id: Name
    name: Name = ""
    locked: bool = False


class Category(Part, frozen=True, kw_only=True):
    """A price or view class that spots belong to, with the colour it is drawn in."""

    id: Name
    name: Name
    color: Name = ""


class Background(Part, frozen=True, kw_only=True):
    """A picture or SVG under the map, for tracing.

    Attributes:
        blob: hash of the file in the store, or a file name beside the map.
        x_um, y_um: where its top left corner lies. nm_per_px: nanometres per pixel, set by calibration.
    """

    blob: Name
    media_type: Name = "image/png"
    x_um: Coordinate = 0
    y_um: Coordinate = 0
    nm_per_px: Annotated[int, Meta(ge=1)] = 10_000_000
    rotation_mdeg: Turn = 0
    opacity_percent: Annotated[int, Meta(ge=0, le=100)] = 50
    locked: bool = True


class Limits(Part, frozen=True, kw_only=True):
    """What the map is checked against.

    Attributes:
        spacing_um: between the footprints of two spots. aisle_um: how wide an aisle stays.
        accessible_um: how wide the way to an accessible spot is; 0.9144 m is ADA 2010, 403.5.1.
        capacity: at most so many reservable spots; 0 means no limit.
    """

    spacing_um: Length = 0
    aisle_um: Length = 0
    accessible_um: Length = 914_400
    capacity: Annotated[int, Meta(ge=0)] = 0


class Source(Part, frozen=True, kw_only=True):
    """The file a map was imported from, kept whole so that it can be written back with nothing lost."""

    format: Name
    nm_per_px: Annotated[int, Meta(ge=1)] = 1
    document: Any = None


class SeatMap(Part, frozen=True, kw_only=True):
    """A room to scale with everything in it.

    Attributes:
        unit: what lengths are shown in. mirroring: which way clients see it, and which way numbers run.
        template: the preset it was laid out from, and the values it was laid out with.
    """

    name: Name
    room: Room
    modality: Modality = Modality.MIXED
    unit: Unit = Unit.METRE
    limits: Limits = Limits()
    mirroring: Mirroring = Mirroring.LEFT
    types: tuple[EquipmentType, ...] = ()
    spots: tuple[Spot, ...] = ()
    zones: tuple[Zone, ...] = ()
    paths: tuple[Path, ...] = ()
    layers: tuple[Layer, ...] = ()
    groups: tuple[Group, ...] = ()
    categories: tuple[Category, ...] = ()
    background: Background | None = None
    template: Name = ""
    template_values: dict[str, int] = msgspec.field(default_factory=dict)
    source: Source | None = None

    def type_of(self, spot: Spot) -> EquipmentType:
        """The equipment that stands on a spot. Raises KeyError for a type the map does not have."""
        return self.types_by_id()[spot.type]

    def types_by_id(self) -> dict[str, EquipmentType]:
        """The equipment types by their ids."""
        return {type.id: type for type in self.types}

    def capacity(self) -> int:
        """How many people can be given a spot: what the class's capacity becomes on publishing."""
        return sum(spot.reservable for spot in self.spots)
