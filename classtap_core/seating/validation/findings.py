"""What is wrong with a map: the rule, the items, what is required and what is there."""

from enum import StrEnum
from typing import NamedTuple

from classtap_core.seating.model import PointUm


class Rule(StrEnum):
    """Every rule, in the order findings are listed (the contract's names)."""

    OVERLAP = "overlap"
    SPACING = "spacing"
    CLEARANCE_FRONT = "clearance_front"
    CLEARANCE_REAR = "clearance_rear"
    CLEARANCE_SIDE = "clearance_side"
    WALL_OFFSET = "wall_offset"
    AISLE_WIDTH = "aisle_width"
    EGRESS = "egress"
    ACCESSIBLE_PATH = "accessible_path"
    DUPLICATE_LABEL = "duplicate_label"
    CAPACITY = "capacity"


ORDER = {rule: place for place, rule in enumerate(Rule)}
UM, SPOTS = "um", "spots"


class Violation(NamedTuple):
    """One thing wrong.

    Attributes:
        items: ids of spots, zones and paths; the one whose rule is hurt first.
        required, actual: in `unit`, which is `um` or `spots`. An actual length below 0 says how deep two things lie in
            each other, or how far something lies outside.
        at_um: where to look.
    """

    rule: Rule
    items: tuple[str, ...]
    required: int
    actual: int
    unit: str
    at_um: PointUm


def in_order(found: list[Violation]) -> tuple[Violation, ...]:
    """Findings by rule, then by their items."""
    return tuple(sorted(found, key=lambda one: (ORDER[one.rule], one.items)))
