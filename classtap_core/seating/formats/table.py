"""Spots as CSV, one a line: `id,label,alias,x_um,y_um,rotation_mdeg,type,visibility,tags`, tags parted by `;`."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.equipment import type_or_plain
from classtap_core.seating.formats.report import Note, Report, repeated, spot_id
from classtap_core.seating.model import FAR_UM, FULL_TURN_MDEG, Room, SeatMap, Source, Spot, Visibility

COLUMNS = ("id", "label", "alias", "x_um", "y_um", "rotation_mdeg", "type", "visibility", "tags")
FORMAT = "csv"
PLAIN_TYPE = "chair"
MARGIN_UM = 500_000
LONGEST = 200

_WHOLE = re.compile(r"[+-]?[0-9]{1,12}(\.0*)?", re.ASCII)
_OWN_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


def write_csv(seat_map: SeatMap) -> tuple[bytes, Report]:
    """A map's spots as CSV (UTF-8, RFC 4180), and what of the map is not in it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for spot in seat_map.spots:
        place = (spot.x_um, spot.y_um, spot.rotation_mdeg)
        tags = ";".join(spot.tags)
        writer.writerow(
            (spot.origin or spot.id, spot.label, spot.alias, *place, spot.type, spot.visibility.value, tags)
        )
    ids = [spot.origin or spot.id for spot in seat_map.spots]
    count = len(seat_map.spots)
    report = Report(seats=count, kept=count, repeated_ids=repeated(ids), lost=tuple(_lost(seat_map)))
    return out.getvalue().encode(), report


def read_csv(data: bytes, *, name: str = "") -> tuple[SeatMap, Report]:
    """The map in a CSV of spots: a room just large enough for them.

    Columns may come in any order, parted by commas or semicolons; only `x_um` and `y_um` must be there. Columns of
    other names stay with their spot. Raises BadInput `seatmap.not_csv`, or `seatmap.wrong` with line and column.
    """
    rows = _rows(data)
    header = [cell.strip().lower() for cell in next(rows, (0, [""]))[1]]
    for needed in ("x_um", "y_um"):
        if needed not in header:
            raise BadInput("seatmap.wrong", path="line 1", why=f"there is no column {needed}")
    if len(set(header)) < len(header):
        raise BadInput("seatmap.wrong", path="line 1", why="a column stands there twice")
    mended = [Note("line 1", f"there is no column {column}") for column in COLUMNS if column not in header]
    read = [(line, _cells(header, cells, line)) for line, cells in rows]
    ids = [cells.get("id", "") for _, cells in read]
    often = Counter(ids)
    met: Counter[str] = Counter()
    spots = []
    for line, cells in read:
        spots.append(_spot(cells, line, again=met[cells.get("id", "")], often=often, mended=mended))
        met[cells.get("id", "")] += 1
    used = sorted({spot.type for spot in spots})
    mended += [Note("type", f"{type}: its footprint is not in the file; the usual one is taken") for type in used]
    seat_map = SeatMap(
        name=name[:LONGEST] or "Imported",
        room=_room(spots, mended),
        types=tuple(type_or_plain(type) for type in used),
        spots=tuple(spots),
        source=Source(format=FORMAT),
    )
    return seat_map, Report(len(read), len(spots), repeated(ids), tuple(mended))


def _rows(data: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput("seatmap.not_csv", why="it is not UTF-8 text") from error
    first = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise BadInput("seatmap.not_csv", why=f"line {reader.line_num}: {error}") from error


def _cells(header: list[str], cells: list[str], line: int) -> dict[str, str]:
    if len(cells) > len(header):
        raise BadInput("seatmap.wrong", path=f"line {line}", why="it has more cells than the first line")
    return dict(zip(header, cells, strict=False))


def _spot(cells: dict[str, str], line: int, *, again: int, often: Counter[str], mended: list[Note]) -> Spot:
    given = cells.get("id", "")
    own = bool(_OWN_ID.fullmatch(given)) and often[given] == 1
    turn = _whole(cells.get("rotation_mdeg") or "0", line, "rotation_mdeg")
    if not 0 <= turn < FULL_TURN_MDEG:
        mended.append(Note(f"line {line}", f"a turn of {turn} is read as {turn % FULL_TURN_MDEG}"))
    seen = cells.get("visibility", "").strip() or Visibility.PUBLIC.value
    if seen not in tuple(Visibility):
        raise BadInput("seatmap.wrong", path=f"line {line}, visibility", why="expected public, staff or hidden")
    extra = {key: value for key, value in cells.items() if key not in COLUMNS and key}
    return Spot(
        id=given if own else spot_id(given or f"line {line}", again),
        type=_text(cells, "type", line) or PLAIN_TYPE,
        x_um=_whole(cells.get("x_um", ""), line, "x_um"),
        y_um=_whole(cells.get("y_um", ""), line, "y_um"),
        rotation_mdeg=turn % FULL_TURN_MDEG,
        label=_text(cells, "label", line),
        alias=_text(cells, "alias", line),
        visibility=Visibility(seen),
        tags=tuple(tag for tag in _text(cells, "tags", line).split(";") if tag),
        origin="" if own else given,
        extra=dict(extra),
    )


def _text(cells: dict[str, str], column: str, line: int) -> str:
    found = cells.get(column, "")
    if len(found) > LONGEST:
        raise BadInput("seatmap.wrong", path=f"line {line}, {column}", why=f"longer than {LONGEST} letters")
    return found


def _whole(text: str, line: int, column: str) -> int:
    if not _WHOLE.fullmatch(text.strip()):
        raise BadInput("seatmap.wrong", path=f"line {line}, {column}", why="expected a whole number")
    value = int(text.strip().split(".")[0])
    if abs(value) > FAR_UM:
        raise BadInput("seatmap.wrong", path=f"line {line}, {column}", why="farther than 500 m")
    return value


def _room(spots: list[Spot], mended: list[Note]) -> Room:
    mended.append(Note("room", "the file has no room; one just large enough is taken"))
    reach = [max(type_or_plain(spot.type).width_um, type_or_plain(spot.type).length_um) for spot in spots]
    width = max((spot.x_um + far for spot, far in zip(spots, reach, strict=True)), default=0)
    length = max((spot.y_um + far for spot, far in zip(spots, reach, strict=True)), default=0)
    return Room(
        width_um=min(max(1_000_000, width + MARGIN_UM), FAR_UM),
        length_um=min(max(1_000_000, length + MARGIN_UM), FAR_UM),
    )


def _lost(seat_map: SeatMap) -> Iterator[Note]:
    yield Note("", "room: 1")
    for what in ("types", "zones", "paths", "layers", "groups", "categories"):
        if count := len(getattr(seat_map, what)):
            yield Note("", f"{what}: {count}")
    if count := sum(spot.status.value != "operational" for spot in seat_map.spots):
        yield Note("", f"status: {count}")
    if any(";" in tag for spot in seat_map.spots for tag in spot.tags):
        yield Note("", "tags with a semicolon are cut there")
