"""What people see and hear: words, colours, fonts, icons and tones, as files and the few functions that read them."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent


def path(*parts: str) -> Path:
    """Return the path of a bundled file or folder, for example ``path("icons", "check.svg")``."""
    return ROOT.joinpath(*parts)
