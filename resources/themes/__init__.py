"""The colour tokens of every look, and the contrast between two of them (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from resources import path


@cache
def looks() -> Mapping[str, Mapping[str, str]]:
    """Return every look by name (``light``, ``dark``, ``bright``): token to ``#RRGGBB``, and ``scheme``."""
    table = tomllib.loads(path("themes", "tokens.toml").read_text(encoding="utf-8"))
    whole: dict[str, Mapping[str, str]] = {}
    for name, own in table.items():
        base = own.pop("base", None)
        whole[name] = MappingProxyType({**(table[base] if base else {}), **own})
    return MappingProxyType(whole)


def tokens(look: str) -> Mapping[str, str]:
    """Return the tokens of one look; raises ``KeyError`` for a look there is not."""
    return looks()[look]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two ``#RRGGBB`` colours, 1.0 to 21.0 (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
