"""What a family sees: one window that draws a ``State`` and says what was touched. It decides nothing."""

from __future__ import annotations

from kiosk.screens.window import KioskWindow

__all__ = ["KioskWindow"]
