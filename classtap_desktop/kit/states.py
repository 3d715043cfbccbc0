"""The four states a child can be in at check-in, and how each looks: icon, word's code and colour token together."""

from __future__ import annotations

from typing import NamedTuple


class Face(NamedTuple):
    """How a state looks; ``on`` and ``soft`` are the tokens of text on the full and the pale colour."""

    code: str
    icon: str | None
    token: str
    on: str
    soft: str


FACES = {
    "none": Face("state.none", None, "muted", "surface", "raised"),
    "present": Face("state.present", "check", "present", "on_present", "present_soft"),
    "late": Face("state.late", "clock", "late", "on_late", "late_soft"),
    "absent": Face("state.absent", "dash", "absent", "on_absent", "absent_soft"),
}
CHOICES = ("present", "late", "absent")
