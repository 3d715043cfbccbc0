"""What a lens and a sensor do to a picture: perspective, blur, glare, low light, noise. Pictures are uint8 BGR."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
FOCAL_PX = 1150.0
"""Focal length of the demo's camera in pixels: about 58 degrees across 1280, like a common webcam."""
ROOM = 160
"""How far noise may be shifted between frames, in pixels."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a flat thing is held: centre in frame pixels, scale (frame pixels per sprite pixel), turns in degrees."""

    x: float
    y: float
    scale: float
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0


def homography(pose: Pose, centre: tuple[float, float]) -> NDArray[np.float64]:
    """The 3x3 matrix that carries sprite pixels to frame pixels, turning around the sprite point `centre`."""
    roll, yaw, pitch = np.radians((pose.roll, pose.yaw, pose.pitch))
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    turn = about_y @ about_x @ about_z
    distance = FOCAL_PX / pose.scale
    plane = np.column_stack((turn[:, 0], turn[:, 1], np.array([0.0, 0.0, distance])))
    lens = np.array([[FOCAL_PX, 0, pose.x], [0, FOCAL_PX, pose.y], [0, 0, 1]])
    shift = np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, 1]])
    matrix = lens @ plane @ shift
    return np.asarray(matrix / matrix[2, 2], dtype=np.float64)


def carried(points: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The points (n, 2) after the homography."""
    ahead = np.column_stack((points, np.ones(len(points)))) @ matrix.T
    return np.asarray(ahead[:, :2] / ahead[:, 2:], dtype=np.float64)


def defocused(picture: Picture, sigma_px: float) -> Picture:
    """Out of focus by a Gaussian of `sigma_px`; below a fifth of a pixel nothing happens."""
    if sigma_px < 0.2:
        return picture
    if sigma_px > 2.4:
        return _halved(picture, lambda half: defocused(half, sigma_px / 2))
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), dtype=np.uint8)


def streaked(picture: Picture, dx: float, dy: float) -> Picture:
    """Smeared along a straight move of (dx, dy) pixels during the exposure; less than one pixel is none."""
    length = float(np.hypot(dx, dy))
    if length < 1.0:
        return picture
    if length > 14:
        return _halved(picture, lambda half: streaked(half, dx / 2, dy / 2))
    size = int(np.ceil(length)) | 1
    canvas = np.zeros((size * 8, size * 8), np.float32)
    middle = size * 4
    half = np.array([dx, dy]) * 4
    start = (round(middle - half[0]), round(middle - half[1]))
    end = (round(middle + half[0]), round(middle + half[1]))
    cv2.line(canvas, start, end, 1.0, 8)
    kernel = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE), np.uint8)


def _halved(picture: Picture, change: Callable[[Picture], Picture]) -> Picture:
    """A strong blur made at half size: nothing finer is left to lose."""
    height, width = picture.shape[:2]
    half = cv2.resize(picture, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(change(np.asarray(half, np.uint8)), (width, height)), np.uint8)


def glared(picture: Picture, x: float, y: float, *, radius: float, strength: float, angle: float = 30.0) -> Picture:
    """A lamp's reflection: an oval of light added around (x, y); strength 1 burns its middle out."""
    height, width = picture.shape[:2]
    small = np.zeros((max(2, height // 4), max(2, width // 4)), np.float32)
    axes = (max(1, round(radius / 4)), max(1, round(radius / 9)))
    cv2.ellipse(small, (round(x / 4), round(y / 4)), axes, angle, 0, 360, strength * 255, -1)
    small = cv2.GaussianBlur(small, (0, 0), max(1.0, radius / 18))
    light = cv2.resize(np.clip(small, 0, 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.add(picture, cv2.merge((light, light, light))), np.uint8)


def exposed(picture: Picture, *, gain: float = 1.0, black: float = 0.0, warmth: float = 0.0) -> Picture:
    """Brightness as a camera sets it: `gain` times, `black` added, `warmth` shifts blue to red (-0.3..0.3)."""
    if gain == 1.0 and black == 0.0 and warmth == 0.0:
        return picture
    if warmth == 0.0:
        return np.asarray(cv2.convertScaleAbs(picture, alpha=gain, beta=black), np.uint8)
    ramp = np.arange(256, dtype=np.float64)
    channels = [ramp * gain * factor + black for factor in (1 - warmth, 1.0, 1 + warmth)]
    table = np.stack([np.clip(channel, 0, 255).astype(np.uint8) for channel in channels], axis=-1)
    return np.asarray(cv2.LUT(picture, table[np.newaxis]), np.uint8)


class Grain:
    """Sensor noise from one large noise picture made once: cheap per frame, never the same two frames running."""

    def __init__(self, rng: np.random.Generator, size: tuple[int, int]) -> None:
        """`size` is (width, height) in pixels."""
        width, height = size
        self._size = size
        self._noise = rng.standard_normal((height + ROOM, width + ROOM), dtype=np.float32)
        self._ready: dict[float, tuple[Picture, Picture]] = {}

    def over(self, picture: Picture, sigma: float, rng: np.random.Generator) -> Picture:
        """The picture with Gaussian noise of `sigma` grey levels on its brightness."""
        if sigma <= 0:
            return picture
        if sigma not in self._ready:
            self._ready[sigma] = (self._scaled(sigma), self._scaled(-sigma))
        top, left = (int(value) for value in rng.integers(0, ROOM, 2))
        rows, columns = slice(top, top + self._size[1]), slice(left, left + self._size[0])
        up, down = self._ready[sigma]
        return np.asarray(cv2.subtract(cv2.add(picture, up[rows, columns]), down[rows, columns]), np.uint8)

    def _scaled(self, sigma: float) -> Picture:
        one = np.clip(sigma * self._noise, 0, 255).astype(np.uint8)
        return np.asarray(cv2.merge((one, one, one)), np.uint8)
