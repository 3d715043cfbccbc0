"""A seat map's sheet as pixels, with OpenCV: smooth edges, and words in any script where OpenCV brings its fonts."""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from classtap_core.seating.drawing import Shape, Sheet, Words

Image = NDArray[np.uint8]
MM_PER_INCH = 25.4
_FINE = 4
"""Corners are placed to a sixteenth of a pixel (OpenCV's `shift`)."""
MOST_PIXELS = 60_000_000


def write_png(page: Sheet, *, dpi: int = 144) -> bytes:
    """A sheet as a PNG of so many dots an inch; fewer where the page is so large that it would not fit in memory."""
    dots = min(dpi / MM_PER_INCH, (MOST_PIXELS / (page.width * page.height)) ** 0.5)
    image: Image = np.full((max(1, round(page.height * dots)), max(1, round(page.width * dots)), 3), 255, np.uint8)
    for item in page.items:
        if isinstance(item, Shape):
            _draw_shape(image, item, dots)
        else:
            _draw_words(image, item, dots)
    done, data = cv2.imencode(".png", image)
    if not done:
        raise RuntimeError("OpenCV could not write a PNG")
    return data.tobytes()


def _draw_shape(image: Image, item: Shape, dots: float) -> None:
    points = np.round(np.array(item.points) * dots * (1 << _FINE)).astype(np.int32)
    if item.fill and item.closed:
        cv2.fillPoly(image, [points], _color(item.fill), cv2.LINE_AA, _FINE)
    if item.stroke:
        thickness = max(1, round(item.width * dots))
        lines = _dashes(item) if item.dashed else [item.points]
        for line in lines:
            corners = np.round(np.array(line) * dots * (1 << _FINE)).astype(np.int32)
            closed = item.closed and not item.dashed
            cv2.polylines(image, [corners], closed, _color(item.stroke), thickness, cv2.LINE_AA, _FINE)


def _dashes(item: Shape) -> list[tuple[tuple[float, float], ...]]:
    """The outline cut into strokes of 1.2 mm with gaps of 0.8 mm."""
    corners = [*item.points, item.points[0]] if item.closed else list(item.points)
    found: list[tuple[tuple[float, float], ...]] = []
    for (ax, ay), (bx, by) in pairwise(corners):
        length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
        for step in range(min(2000, int(length / 2) + 1)):
            start, stop = step * 2.0, min(step * 2.0 + 1.2, length)
            if start < stop:
                share, end = start / length, stop / length
                found.append(
                    ((ax + share * (bx - ax), ay + share * (by - ay)), (ax + end * (bx - ax), ay + end * (by - ay)))
                )
    return found


def _draw_words(image: Image, item: Words, dots: float) -> None:
    size = max(4, round(item.size * dots))
    if hasattr(cv2, "FontFace"):  # OpenCV 5: any script
        face = cv2.FontFace("sans")
        weight = 600 if item.bold else 400
        width = cv2.getTextSize((0, 0), item.text, (0, 0), face, size, weight)[2]
        x = round(item.x * dots) - {"start": 0, "middle": width // 2, "end": width}[item.anchor]
        cv2.putText(image, item.text, (x, round(item.y * dots)), _color(item.color), face, size, weight)
        return
    text = item.text.encode("ascii", "replace").decode()
    scale = size / 30
    thick = 2 if item.bold else 1
    width = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)[0][0]
    x = round(item.x * dots) - {"start": 0, "middle": width // 2, "end": width}[item.anchor]
    at = (x, round(item.y * dots))
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, _color(item.color), thick, cv2.LINE_AA)


def _color(hex: str) -> tuple[int, int, int]:
    return int(hex[5:7], 16), int(hex[3:5], 16), int(hex[1:3], 16)
