"""Labels by rule: rows and seats counted from a corner, in letters or numbers, as the signs in the room say."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from string import Formatter
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.model import Length, Mirroring, Name, SeatMap, Spot, SpotId

RULES_VERSION = 1


class Signs(StrEnum):
    """What a sequence is written in."""

    LETTERS = "letters"
    NUMBERS = "numbers"


class Corner(StrEnum):
    """Where counting begins, as the room is drawn."""

    TOP_LEFT = "top_left"
    TOP_RIGHT = "top_right"
    BOTTOM_LEFT = "bottom_left"
    BOTTOM_RIGHT = "bottom_right"


class Lines(StrEnum):
    """Which spots form a line: those beside each other or those behind each other."""

    ROWS = "rows"
    COLUMNS = "columns"


class By(StrEnum):
    """What makes spots one line: where they stand, or the `row` or `group` they were given (arcs and fans)."""

    POSITION = "position"
    ROW = "row"
    GROUP = "group"


class Count(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A sequence of signs. After Z come AA, AB (ruling 14).

    Attributes:
        signs: letters or numbers; without it, as the start is written. start: the first sign. step: how many to go on. skip: signs that are left out, such as I, O or 13.
        letters: the alphabet of a sequence of letters. digits: numbers are filled with zeros up to so many.
    """

    signs: Signs | None = None
    start: Annotated[str, Meta(min_length=1, max_length=9)] = "1"
    step: Annotated[int, Meta(ge=1, le=1000)] = 1
    skip: tuple[Name, ...] = ()
    letters: Annotated[str, Meta(min_length=2, max_length=60)] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    digits: Annotated[int, Meta(ge=1, le=6)] = 1


ROW_LETTERS = Count(start="A")
SEAT_NUMBERS = Count()


class Numbering(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How a room is numbered.

    Attributes:
        label: of `{row}`, `{seat}` and `{n}`, the running number over all lines. prefix, suffix: around it.
        alias: what clients read, of the same; empty leaves aliases as they are.
        serpentine: every second line runs the other way. continuous: seats count on from line to line.
        line_starts: for single lines, by their sign, the seat they begin with.
        tolerance_um: how far apart spots of one line may lie across it; 0 takes half the shallowest footprint.
        follow_mirroring: where the map is mirrored, left and right change places.
        types, spots: number only these; the others keep their labels.
    """

    version: int = RULES_VERSION
    label: Annotated[str, Meta(max_length=100)] = "{row}{seat}"
    prefix: Name = ""
    suffix: Name = ""
    alias: Annotated[str, Meta(max_length=100)] = ""
    lines: Lines = Lines.ROWS
    by: By = By.POSITION
    corner: Corner = Corner.TOP_LEFT
    rows: Count = ROW_LETTERS
    seats: Count = SEAT_NUMBERS
    serpentine: bool = False
    continuous: bool = False
    line_starts: dict[str, str] = msgspec.field(default_factory=dict)
    tolerance_um: Length = 0
    follow_mirroring: bool = True
    types: tuple[Name, ...] = ()
    spots: tuple[SpotId, ...] = ()


class Relabelling(NamedTuple):
    """What numbering does to one spot, for a preview."""

    spot: str
    before: str
    after: str


def number(seat_map: SeatMap, rules: Numbering) -> SeatMap:
    """The map with new labels, rows, seats and (where there is a rule for them) aliases.

    Raises BadInput `numbering.sign` for a start that its signs cannot write, and `numbering.field` for a label with a
    field that is not `{row}`, `{seat}` or `{n}`.
    """
    _check_fields(rules.label)
    _check_fields(rules.alias)
    named: dict[str, Spot] = {}
    lines = lines_of(seat_map, rules)
    running = 0
    rows = signs(rules.rows)
    carried = signs(rules.seats)
    for line in lines:
        row = next(rows)
        seats = carried if rules.continuous else signs(rules.seats)
        if row in rules.line_starts:
            seats = carried = signs(replace(rules.seats, start=rules.line_starts[row]))
        for spot in line:
            running += 1
            fields = {"row": row, "seat": next(seats), "n": str(running)}
            named[spot.id] = replace(
                spot,
                label=rules.prefix + rules.label.format(**fields) + rules.suffix,
                alias=rules.alias.format(**fields) if rules.alias else spot.alias,
                row=fields["row"],
                seat=fields["seat"],
            )
    return replace(seat_map, spots=tuple(named.get(spot.id, spot) for spot in seat_map.spots))


def preview(seat_map: SeatMap, rules: Numbering) -> tuple[Relabelling, ...]:
    """What `number` would change, in the map's order. Raises as `number` does."""
    after = number(seat_map, rules)
    return tuple(
        Relabelling(old.id, old.label, new.label)
        for old, new in zip(seat_map.spots, after.spots, strict=True)
        if old.label != new.label
    )


def flipped(seat_map: SeatMap, rules: Numbering | None = None) -> SeatMap:
    """The map seen from the other side of its mirror: numbered anew, while nothing in the room moves.

    Without rules, as for a map that was numbered elsewhere, the names in each row change places from end to end.
    """
    other = Mirroring.LEFT if seat_map.mirroring is Mirroring.RIGHT else Mirroring.RIGHT
    mirrored = replace(seat_map, mirroring=other)
    if rules is not None:
        return number(mirrored, rules)
    by = By.ROW if all(spot.row for spot in seat_map.spots) else By.POSITION
    named: dict[str, Spot] = {}
    for line in lines_of(seat_map, Numbering(by=by, follow_mirroring=False)):
        for spot, opposite in zip(line, reversed(line), strict=True):
            names = {key: getattr(opposite, key) for key in ("label", "alias", "row", "seat")}
            named[spot.id] = replace(spot, **names)
    return replace(mirrored, spots=tuple(named[spot.id] for spot in seat_map.spots))


def lines_of(seat_map: SeatMap, rules: Numbering) -> list[list[Spot]]:
    """The spots to be numbered, line by line, in the order they are counted."""
    types, named = frozenset(rules.types), frozenset(rules.spots)
    chosen = [spot for spot in seat_map.spots if (not types or spot.type in types) and (not named or spot.id in named)]
    across, along = (_y, _x) if rules.lines is Lines.ROWS else (_x, _y)
    if rules.by is By.POSITION:
        lines = list(_by_position(chosen, across, tolerance_um(seat_map, chosen, rules)))
    else:
        lines = _by_name(chosen, across, rules.by.value)
    for line in lines:
        line.sort(key=lambda spot: (along(spot), across(spot), spot.id))
    from_right = rules.corner in (Corner.TOP_RIGHT, Corner.BOTTOM_RIGHT)
    if rules.follow_mirroring and seat_map.mirroring is Mirroring.RIGHT:
        from_right = not from_right
    from_bottom = rules.corner in (Corner.BOTTOM_LEFT, Corner.BOTTOM_RIGHT)
    last_line, last_seat = (from_bottom, from_right) if rules.lines is Lines.ROWS else (from_right, from_bottom)
    if last_line:
        lines.reverse()
    for index, line in enumerate(lines):
        if last_seat != (rules.serpentine and index % 2 == 1):
            line.reverse()
    return lines


def tolerance_um(seat_map: SeatMap, chosen: Sequence[Spot], rules: Numbering) -> int:
    """How far apart spots of one line may lie: as the rules say, or half the least side of a footprint."""
    if rules.tolerance_um or not chosen:
        return rules.tolerance_um
    types = seat_map.types_by_id()
    return min(min(types[spot.type].length_um, types[spot.type].width_um) for spot in chosen) // 2


def signs(count: Count) -> Iterator[str]:
    """A sequence without end. Raises BadInput `numbering.sign` where it cannot begin."""
    kind = count.signs or (Signs.NUMBERS if count.start.isdigit() else Signs.LETTERS)
    if kind is Signs.NUMBERS:
        if not (count.start.isascii() and count.start.isdigit()):
            raise BadInput("numbering.sign", sign=count.start)
        value = int(count.start)
    else:
        if len(set(count.letters)) < len(count.letters) or not set(count.start) <= set(count.letters):
            raise BadInput("numbering.sign", sign=count.start)
        value = value_of(count.start, count.letters)
    return _signs_from(value, count, kind)


def _signs_from(value: int, count: Count, kind: Signs) -> Iterator[str]:
    skip = frozenset(count.skip)
    while True:
        sign = str(value).zfill(count.digits) if kind is Signs.NUMBERS else letters_of(value, count.letters)
        if sign not in skip:
            yield sign
        value += count.step


def letters_of(value: int, letters: str) -> str:
    """1 is A, 26 is Z, 27 is AA: counting with no zero."""
    sign = ""
    while value > 0:
        value, place = divmod(value - 1, len(letters))
        sign = letters[place] + sign
    return sign


def value_of(sign: str, letters: str) -> int:
    """The number that letters stand for; the inverse of `letters_of`."""
    value = 0
    for letter in sign:
        value = value * len(letters) + letters.index(letter) + 1
    return value


def read_rules(plain: Any) -> Numbering:
    """Rules from decoded JSON. Raises BadInput `numbering.wrong` with the path, or `numbering.newer`."""
    try:
        rules = msgspec.convert(plain, Numbering)
    except msgspec.ValidationError as error:
        why, _, path = str(error).partition(" - at `")
        raise BadInput("numbering.wrong", path=path.rstrip("`") or "$", why=why) from error
    if rules.version != RULES_VERSION:
        raise BadInput("numbering.newer", version=rules.version, known=RULES_VERSION)
    for start in rules.line_starts.values():
        signs(replace(rules.seats, start=start or " "))
    signs(rules.rows)
    signs(rules.seats)
    _check_fields(rules.label)
    _check_fields(rules.alias)
    return rules


def _by_position(spots: Iterable[Spot], across: Any, tolerance: int) -> Iterator[list[Spot]]:
    """Lines of spots that lie no farther apart across the line than a tolerance from its first."""
    line: list[Spot] = []
    for spot in sorted(spots, key=lambda spot: (across(spot), spot.id)):
        if line and across(spot) - across(line[0]) > tolerance:
            yield line
            line = []
        line.append(spot)
    if line:
        yield line


def _by_name(spots: Iterable[Spot], across: Any, field: str) -> list[list[Spot]]:
    """Lines of spots that share a row or a group, in the order of their middles."""
    named: dict[str, list[Spot]] = {}
    for spot in spots:
        named.setdefault(getattr(spot, field), []).append(spot)
    return sorted(
        named.values(), key=lambda line: (sum(across(spot) for spot in line) / len(line), min(one.id for one in line))
    )


def _x(spot: Spot) -> int:
    return spot.x_um


def _y(spot: Spot) -> int:
    return spot.y_um


def _check_fields(template: str) -> None:
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise BadInput("numbering.field", template=template) from error
    for _, name, spec, conversion in parts:
        if name is not None and (name not in ("row", "seat", "n") or spec or conversion):
            raise BadInput("numbering.field", template=template)
