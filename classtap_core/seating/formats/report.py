"""What a reader kept, found twice, mended and lost; what a writer could not say in the other format."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from classtap_core.kernel.ids import Id, derived


class Repeated(NamedTuple):
    """An id that stands in a file more than once, and how many times."""

    id: str
    times: int


class Note(NamedTuple):
    """Something about one place of a file; an empty path means the whole."""

    path: str
    what: str


class Report(NamedTuple):
    """What happened on the way in or out.

    Attributes:
        seats: how many the file has. kept: how many the map has.
        repeated_ids: ids found more than once; every seat is kept all the same (ruling 15).
        mended: what was missing or odd and how it was read. lost: what could not be carried over.
    """

    seats: int
    kept: int
    repeated_ids: tuple[Repeated, ...] = ()
    mended: tuple[Note, ...] = ()
    lost: tuple[Note, ...] = ()


def repeated(ids: Iterable[str]) -> tuple[Repeated, ...]:
    """The ids that come more than once, in the order they first came; empty ones aside."""
    return tuple(Repeated(id, count) for id, count in Counter(ids).items() if id and count > 1)


def spot_id(given: str, again: int) -> Id:
    """Our id for a seat of a file: of the id it has there, and how often that stood in the file before.

    The same for every format, so that a table and a plan of one room name the same spots.
    """
    return derived("seatmap.spot", given, str(again))


def again_and_again(ids: Iterable[str]) -> Iterator[int]:
    """For each id how often it came before."""
    met: Counter[str] = Counter()
    for id in ids:
        yield met[id]
        met[id] += 1
