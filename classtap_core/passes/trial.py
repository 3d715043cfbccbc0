"""Whether a picture of a pass can be read: seeded frames as a webcam sees them, and how many of them a decoder reads."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Colour = NDArray[np.uint8]

FRAME = (640, 480)
SIDE_PX = 150
BLUR, NOISE, TURN, LEAN = 0.8, 8.0, 25.0, 0.03
"""Gaussian blur in pixels, noise in grey levels, degrees either way, and how far a corner is off its place (share of the
side)."""

_QR: Any = zxingcpp.BarcodeFormat.QRCode


def frames(picture: Colour, *, count: int, seed: int, side_px: int = SIDE_PX) -> Iterator[Colour]:
    """`count` frames 640x480 with the picture somewhere in them, `side_px` a side; the same seed, the same frames."""
    rng = np.random.default_rng(seed)
    height, width = picture.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    for _ in range(count):
        half = side_px / 2
        turn = np.radians(rng.uniform(-TURN, TURN))
        round_ = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        square = np.array([[-half, -half], [half, -half], [half, half], [-half, half]]) @ round_.T
        square += rng.uniform(-LEAN, LEAN, (4, 2)) * side_px
        reach = half * 1.5
        middle = rng.uniform([reach, reach], [FRAME[0] - reach, FRAME[1] - reach])
        to = (square + middle).astype(np.float32)
        shrunk = cv2.resize(picture, (2 * side_px, 2 * side_px), interpolation=cv2.INTER_AREA)
        matrix = cv2.getPerspectiveTransform(corners * np.float32(2 * side_px / width), to)
        scene = np.full((FRAME[1], FRAME[0], *picture.shape[2:]), int(rng.integers(150, 226)), np.uint8)
        laid = cv2.warpPerspective(
            shrunk, matrix, FRAME, dst=scene, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_TRANSPARENT
        )
        soft = cv2.GaussianBlur(laid, (0, 0), BLUR).astype(np.float32)
        soft += (
            rng.normal(0.0, NOISE, soft.shape[:2])[..., None] if soft.ndim == 3 else rng.normal(0.0, NOISE, soft.shape)
        )
        yield np.asarray(np.clip(soft, 0, 255), np.uint8)


def read_rate(picture: Colour, text: str, *, count: int, seed: int, side_px: int = SIDE_PX) -> float:
    """The share of such frames in which the first decoder of a kiosk, and it alone, reads the text."""
    found = sum(text in first_look(frame) for frame in frames(picture, count=count, seed=seed, side_px=side_px))
    return found / count


def first_look(frame: Colour) -> list[str]:
    """What one look of zxing-cpp reads."""
    grey = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    return [code.text for code in zxingcpp.read_barcodes(grey, _QR)]
