"""What a desk remembers of how a person likes it: a small file beside the store, never anything about people."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec


class Settings(msgspec.Struct, kw_only=True):
    """Attributes: `look` (`system`, `light`, `dark`, `bright`), `locale`, `text_scale` (1.0 to 2.0), `size` (width and
    height of the window in pixels), `maximized`, `screen` (shown first), `location` (the schedule's filter),
    `lock_after_s` (without a touch; 0: never)."""

    look: str = "system"
    locale: str = "en"
    text_scale: float = 1.0
    size: tuple[int, int] = (1280, 800)
    maximized: bool = False
    screen: str = "today"
    location: str = ""
    lock_after_s: int = 300


def load(file: Path | None, *, locale: str = "en") -> Settings:
    """Return what was remembered; anything missing, broken or of another version is as if never said.

    ``locale`` is the system's, for a desk that nobody has told otherwise.
    """
    if file is None:
        return Settings(locale=locale)
    try:
        return msgspec.json.decode(file.read_bytes(), type=Settings)
    except (OSError, msgspec.DecodeError):
        return Settings(locale=locale)


def save(file: Path | None, settings: Settings) -> None:
    """Remember, whole or not at all. A disk that refuses costs a preference, no more, so it is not an error."""
    if file is None:
        return
    fresh = file.with_name(f"{file.name}.new")
    with contextlib.suppress(OSError):
        fresh.write_bytes(msgspec.json.format(msgspec.json.encode(settings)))
        os.replace(fresh, file)
