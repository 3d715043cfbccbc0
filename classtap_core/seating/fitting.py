"""A template in a room of another size: as many spots as it holds, or all of them closer together."""

from typing import NamedTuple

from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.seating.laying import lay_out
from classtap_core.seating.model import Room
from classtap_core.seating.templates import Parameter, Template, Values, parameters


class Fitted(NamedTuple):
    """Values under which a template fits a room, and what became of the counts."""

    values: dict[str, int]
    spots: int
    before: int


def fitted_to(template: Template, room: Room, values: Values | None = None) -> Fitted:
    """Fit to Room: as many rows and columns as the room holds, gaps and aisles as they are.

    Aisles keep their share of the columns. Raises Refused `seatmap.no_room` where not even one spot fits.
    """
    chosen = dict(values or {})
    before = len(lay_out(template, chosen, seed="").spots)
    for block in template.blocks:
        chosen |= {
            f"{block.name}.rows": 1,
            f"{block.name}.columns": chosen.get(f"{block.name}.aisles", block.aisles) + 1,
        }
    _check_room(template, room, chosen)
    growing = True
    while growing:
        growing = False
        for block in template.blocks:
            for name in ("columns", "rows"):
                more = {**chosen, f"{block.name}.{name}": chosen[f"{block.name}.{name}"] + 1}
                if _fits(template, room, more):
                    chosen, growing = more, True
    return Fitted(chosen, len(lay_out(template, chosen, seed="", room=room).spots), before)


def with_counts_kept(template: Template, room: Room, values: Values | None = None) -> Fitted:
    """Keep Counts: every spot, with gaps and margins as narrow as needed and no narrower than allowed.

    Raises Refused `seatmap.no_room` where that is not enough.
    """
    chosen = dict(values or {})
    before = len(lay_out(template, chosen, seed="").spots)
    if _fits(template, room, chosen):
        return Fitted(chosen, before, before)
    known = parameters(template)
    lengths = [
        name for name, one in known.items() if one.unit == "um" and not name.endswith((".width_um", ".length_um"))
    ]
    _check_room(template, room, {**chosen, **{name: known[name].least for name in lengths}})
    low, high = 0, 64
    while low < high:
        share = (low + high + 1) // 2
        if _fits(template, room, _narrowed(known, lengths, chosen, share)):
            low = share
        else:
            high = share - 1
    return Fitted(_narrowed(known, lengths, chosen, low), before, before)


def _fits(template: Template, room: Room, values: Values) -> bool:
    try:
        lay_out(template, values, seed="", room=room)
    except (Refused, BadInput):
        return False
    return True


def _check_room(template: Template, room: Room, values: Values) -> None:
    lay_out(template, values, seed="", room=room)


def _narrowed(known: dict[str, Parameter], lengths: list[str], values: Values, share: int) -> dict[str, int]:
    """Lengths so many 64ths of the way from their least to what they were."""
    narrow = {}
    for name in lengths:
        least = known[name].least
        wanted = values.get(name, known[name].value)
        narrow[name] = max(least, (least + max(0, wanted - least) * share // 64) // 2_000 * 2_000)
    return {**values, **narrow}
