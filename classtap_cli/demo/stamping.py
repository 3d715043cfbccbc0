"""Putting a held thing into a frame, as the lens sees it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from classtap_cli.demo.optics import Picture, carried, defocused, glared, streaked
from classtap_cli.demo.props import Sprite


def stamp(
    picture: Picture,
    sprite: Sprite,
    matrix: NDArray[np.float64],
    *,
    move: tuple[float, float],
    sigma: float,
    lamp: tuple[float, float] | None,
) -> None:
    """Put the thing into the picture as the lens sees it, in place; only the part it covers is touched.

    matrix: sprite to frame pixels; move: pixels travelled while the shutter is open; sigma: defocus in pixels; lamp:
    where on the card or phone a reflection sits, 0..1 across and down.
    """
    rows, columns = sprite.alpha.shape
    outline = carried(np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float64), matrix)
    margin = int(3 * sigma + max(abs(move[0]), abs(move[1])) + 3)
    left, top = np.maximum(np.floor(outline.min(axis=0)).astype(int) - margin, 0)
    right, bottom = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + margin, picture.shape[1::-1])
    if right - left < 2 or bottom - top < 2:
        return
    place = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]]) @ matrix
    size = (int(right - left), int(bottom - top))
    colour = cv2.warpPerspective(sprite.colour, place, size, flags=cv2.INTER_LINEAR)
    alpha = cv2.warpPerspective(sprite.alpha, place, size, flags=cv2.INTER_LINEAR)
    spot = picture[top:bottom, left:right]
    if lamp is not None:
        x0, y0, x1, y1 = sprite.face
        at = np.array([(x0 + (x1 - x0) * lamp[0], y0 + (y1 - y0) * lamp[1])], np.float64)
        x, y = carried(at, place)[0]
        colour = glared(np.asarray(colour, np.uint8), x, y, radius=size[0] * 0.3, strength=0.8)
    share = cv2.merge((alpha, alpha, alpha))
    inside = cv2.multiply(colour, share, scale=1 / 255)
    outside = cv2.multiply(np.ascontiguousarray(spot), cv2.bitwise_not(share), scale=1 / 255)
    mixed = np.asarray(cv2.add(inside, outside), np.uint8)
    spot[:] = streaked(defocused(mixed, sigma), *move)
