"""What time causes: series without end are made further ahead. Two clocks give a tick the same id."""

from typing import NamedTuple

from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import decode
from classtap_core.kernel.tx import Reader
from classtap_core.schedule.records import Series
from classtap_core.schedule.series import OPEN
from classtap_core.schedule.series_operations import ExtendSeries, far_enough


class Tick(NamedTuple):
    """A tick to be authored: its payload, and the id that two clocks would both give it."""

    payload: ExtendSeries
    id: Id


def due(reader: Reader, now_ms: int) -> list[Tick]:
    """Series that reach less far ahead than they should, and up to which date they are made now."""
    latest, _ = far_enough("UTC", now_ms)
    found = []
    for row in reader.find(Range(Series, "by_state", (OPEN,), low="", high=latest)):
        series: Series = decode(Series, row.body)
        needed, through = far_enough(series.zone, now_ms)
        if series.through < needed:
            id = derived("tick", "clock", "series.extend", series.id, through)
            found.append(Tick(ExtendSeries(series=series.id, through=through), id))
    return found
