"""Where in a frame something like a code may be: cheap enough for every frame, so that dear looks are short ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Corners = tuple[tuple[int, int], ...]

CELL = 16
"""Side of a cell of the texture map in frame pixels."""
SPREAD = 0.2
"""Share of the strongest texture that still counts as part of the same patch."""
MARGIN = 40
"""Frame pixels kept around a patch: the quiet zone, and what perspective cuts off."""
LEAST_STRENGTH = 8.0
LEAST_SIDE = 48
LEAST_CRISPNESS = 0.13
"""Strength as a share of the patch's own contrast: 0.17 for the most blurred code anybody read, 0.09 for the sharpest
corner of a lobby out of focus (bench/decode.py's frames)."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A part of a frame dense with edges: left, top, right, bottom in pixels; strength in grey levels over its
    surroundings (a printed code in focus has more than 60, a blurred one more than 20)."""

    left: int
    top: int
    right: int
    bottom: int
    strength: float

    def cut(self, grey: Grey) -> Grey:
        """The patch's pixels, in memory of their own."""
        return np.ascontiguousarray(grey[self.top : self.bottom, self.left : self.right])


def patch_of(grey: Grey, *, known: tuple[Corners, ...] = ()) -> Patch | None:
    """The patch with the densest edges, None when there is nothing like a code; `known` codes are looked past."""
    height, width = grey.shape
    if min(height, width) < LEAST_SIDE:
        return None
    half = cv2.resize(grey, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    edges: Any = cv2.morphologyEx(half, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    cells = cv2.resize(edges, (max(1, width // CELL), max(1, height // CELL)), interpolation=cv2.INTER_AREA)
    density = cv2.blur(cells.astype(np.float32), (3, 3))
    around = float(np.median(density))
    for corners in known:
        cv2.fillConvexPoly(density, (np.array(corners, np.int32) / CELL).round().astype(np.int32), around)
        cv2.polylines(density, [(np.array(corners, np.int32) / CELL).round().astype(np.int32)], True, around, 3)
    _, strongest, _, at = cv2.minMaxLoc(density)
    strength = strongest - around
    if strength < LEAST_STRENGTH:
        return None
    dense = (density > around + strength * SPREAD).astype(np.uint8)
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(dense)
    x, y, across, down = (int(value) * CELL for value in boxes[labels[at[1], at[0]]][:4])
    if min(across, down) < LEAST_SIDE:
        return None
    patch = Patch(
        max(0, x - MARGIN),
        max(0, y - MARGIN),
        min(width, x + across + MARGIN),
        min(height, y + down + MARGIN),
        strength,
    )
    dark, light = np.percentile(grey[patch.top : patch.bottom : 4, patch.left : patch.right : 4], (3, 97))
    return patch if strength >= LEAST_CRISPNESS * max(8.0, float(light - dark)) else None


def finders(grey: Grey) -> int:
    """How many finder patterns of a QR code the patch shows: three nested squares, 7, 5 and 3 modules wide.

    Of a code that no decoder reads, this says that it is a code all the same (ISO/IEC 18004, 6.3.3).
    """
    soft = cv2.GaussianBlur(cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR), (0, 0), 1.0)
    black = cv2.adaptiveThreshold(soft, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 91, 8)
    outlines, tree = cv2.findContours(black, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
    if tree is None:
        return 0
    areas = [cv2.contourArea(outline) for outline in outlines]
    found = 0
    for outer, (_, _, middle, parent) in enumerate(tree[0]):
        inner = tree[0][middle][2] if middle >= 0 else -1
        if inner < 0 or areas[outer] < 120 or areas[inner] <= 0:
            continue
        alone = tree[0][middle][0] < 0 and tree[0][inner][0] < 0 and parent < len(areas)
        ring, core = areas[middle] / areas[outer], areas[inner] / areas[outer]
        # 25/49 and 9/49 of the outer square, less what blur takes or gives.
        if alone and 0.34 < ring < 0.72 and 0.09 < core < 0.34 and _square(outlines[outer], areas[outer]):
            found += 1
    return found


def _square(outline: Any, area: float) -> bool:
    (_, _), (across, down), _ = cv2.minAreaRect(outline)
    return min(across, down) > 0.5 * max(across, down) and area > 0.72 * across * down
