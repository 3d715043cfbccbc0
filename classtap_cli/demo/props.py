"""The things held to the lens: printed cards and phones showing a pass, each with the hand that holds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

from classtap_cli.demo.lettering import Letters
from classtap_cli.demo.optics import Picture
from classtap_core.passes import picture
from classtap_core.passes.codec import PREFIX

Matrix = NDArray[np.bool_]
Colour = tuple[int, int, int]

PAPER: Colour = (250, 252, 253)
INK: Colour = (34, 28, 27)
MUTED: Colour = (98, 87, 86)
ACCENT: Colour = (93, 101, 11)
SKIN: tuple[Colour, ...] = ((150, 178, 224), (112, 146, 198), (78, 108, 158), (58, 82, 124), (168, 192, 232))
QUIET = picture.QUIET_ZONE
MARGIN = 190
"""Room around a card for the hand, in sprite pixels."""


@dataclass(frozen=True, slots=True)
class Sprite:
    """A thing to be held up.

    colour: BGR picture; alpha: 255 where the thing is; code: the symbol's corners without quiet zone, clockwise from
    top left, in sprite pixels; face: left, top, right, bottom of the card or phone; centre: what a pose places.
    """

    colour: Picture
    alpha: Picture
    code: NDArray[np.float64]
    face: tuple[int, int, int, int]
    centre: tuple[float, float]
    glows: bool = False

    @property
    def code_width(self) -> float:
        """Width of the symbol in sprite pixels."""
        return float(self.code[1][0] - self.code[0][0])


def qr_matrix(text: str) -> Matrix:
    """The symbol's modules without quiet zone, error correction M."""
    if text.startswith(PREFIX):
        return np.array(picture.matrix(text), dtype=np.bool_)[QUIET:-QUIET, QUIET:-QUIET]
    code = QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(text)
    code.make(fit=True)
    return np.array(code.get_matrix(), dtype=np.bool_)


def code_picture(
    matrix: Matrix, module: int, *, quiet: int = QUIET, ink: Colour = INK, paper: Colour = PAPER
) -> Picture:
    """The symbol as a BGR picture with `quiet` modules of paper around it."""
    grown = np.kron(np.pad(matrix, quiet), np.ones((module, module), np.bool_))
    drawn = np.empty((*grown.shape, 3), np.uint8)
    drawn[:] = paper
    drawn[grown] = ink
    return drawn


def card(matrix: Matrix, *, studio: str, family: str, letters: Letters, skin: int = 0, module: int = 8) -> Sprite:
    """A printed pass, portrait, with a band in the studio's colour, held from below by a hand."""
    code = code_picture(matrix, module)
    side = code.shape[0]
    width, height = side + 96, side + 330
    face = _flat(width, height, PAPER)
    cv2.rectangle(face, (0, 0), (width, 104), ACCENT, -1)
    _mark(face, (46, 52))
    _word(face, letters(studio, 46, True), (84, 30), (255, 255, 255), room=width - 108)
    _word(face, letters(family, 58, True), (width // 2, 124), INK, room=width - 48, centred=True)
    _word(face, letters("Family pass", 34, False), (width // 2, 182), MUTED, room=width - 48, centred=True)
    left, top = (width - side) // 2, 222
    face[top : top + side, left : left + side] = code
    cv2.line(face, (40, height - 62), (width - 40, height - 62), (218, 222, 224), 2)
    return _held(face, _rounded(width, height, 26), (left, top), matrix, module, skin=skin)


def phone(matrix: Matrix, *, studio: str, family: str, letters: Letters, skin: int = 0, module: int = 8) -> Sprite:
    """A phone with the pass on its screen, a dark bezel around it, held from below by a hand."""
    code = code_picture(matrix, module, ink=(18, 14, 12), paper=(255, 255, 255))
    side = code.shape[0]
    width, height, bezel = side + 84, side + 500, 20
    face = _flat(width, height, (30, 27, 26))
    cv2.rectangle(face, (3, 3), (width - 4, height - 4), (64, 60, 58), 3)
    screen = _flat(width - 2 * bezel, height - 2 * bezel, (243, 238, 236))
    across, down = screen.shape[1], screen.shape[0]
    cv2.rectangle(screen, (0, 0), (across, 150), ACCENT, -1)
    _word(screen, letters("9:41", 34, True), (30, 12), (255, 255, 255), room=120)
    cv2.rectangle(screen, (across - 74, 20), (across - 30, 38), (255, 255, 255), 2)
    cv2.rectangle(screen, (across - 70, 24), (across - 44, 34), (255, 255, 255), -1)
    _mark(screen, (46, 100))
    _word(screen, letters(studio, 44, True), (84, 78), (255, 255, 255), room=across - 108)
    _word(screen, letters(family, 56, True), (across // 2, 172), INK, room=across - 40, centred=True)
    left, top = (across - side) // 2, 252
    screen[top : top + side, left : left + side] = code
    _word(
        screen,
        letters("Hold this to the camera", 32, False),
        (across // 2, top + side + 30),
        MUTED,
        room=across - 40,
        centred=True,
    )
    cv2.rectangle(screen, (across // 2 - 70, down - 22), (across // 2 + 70, down - 15), (120, 116, 112), -1)
    face[bezel : bezel + down, bezel : bezel + across] = screen
    cv2.circle(face, (width // 2, bezel + 16), 9, (12, 10, 10), -1)
    return _held(face, _rounded(width, height, 54), (left + bezel, top + bezel), matrix, module, skin=skin, glows=True)


def torn(sprite: Sprite, rng: np.random.Generator) -> Sprite:
    """The same thing with a corner torn away, one finder pattern with it: nobody can read what is left."""
    colour, alpha = sprite.colour.copy(), sprite.alpha.copy()
    _, top, right, _ = sprite.face
    unit = sprite.code_width
    steps = 18
    across = np.linspace(sprite.code[0][0] + unit * 0.2, right + 10, steps)
    slope = np.linspace(0, 1, steps) ** 1.3
    down = top - 8 + slope * (sprite.code[2][1] - unit * 0.12 - top) + rng.uniform(-11, 11, steps)
    edge = np.column_stack((across, down)).astype(np.int32)
    hole = np.vstack((edge, [(right + 10, top - 20), (edge[0][0], top - 20)])).astype(np.int32)
    cv2.polylines(colour, [edge], False, (226, 232, 236), 12)
    gap = np.zeros_like(alpha)
    cv2.fillPoly(gap, [hole], 255)
    alpha[gap > 0] = 0
    return replace(sprite, colour=colour, alpha=alpha)


def blotted(sprite: Sprite, rng: np.random.Generator) -> Sprite:
    """The same thing with spilt coffee over two finder patterns and much of the data: nobody can read it."""
    stain: NDArray[Any] = np.zeros(sprite.alpha.shape, np.float32)
    unit = sprite.code_width
    left, top = sprite.code[0]
    for share_x, share_y, size in ((0.12, 0.2, 0.27), (0.5, 0.45, 0.3), (0.78, 0.8, 0.2), (0.1, 0.86, 0.16)):
        turns = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        reach = unit * size * np.ones_like(turns)
        for waves in (2, 3, 5):
            reach *= 1 + np.sin(turns * waves + rng.uniform(0, 6)) * 0.09 / waves**0.5
        points = np.column_stack(
            (left + unit * share_x + reach * np.cos(turns), top + unit * share_y + reach * np.sin(turns))
        )
        cv2.fillPoly(stain, [points.astype(np.int32)], 1.0, cv2.LINE_AA)
    stain = cv2.GaussianBlur(stain, (0, 0), 2) * (sprite.alpha / 255)
    rim = np.clip(stain - cv2.GaussianBlur(stain, (0, 0), 9), 0, 1)
    share = (0.95 * stain)[..., np.newaxis]
    brown: NDArray[Any] = np.array((44, 66, 96), np.float32) * (1 - 0.9 * rim[..., np.newaxis])
    mixed = sprite.colour.astype(np.float32) * (1 - share) + brown * share
    return replace(sprite, colour=mixed.astype(np.uint8))


def screened(sprite: Sprite, *, pitch: float, strength: float, angle: float) -> Sprite:
    """The same phone with the moire a sensor sees on a screen: soft bands `pitch` sprite pixels apart."""
    left, top, right, bottom = sprite.face
    rows, columns = np.indices((bottom - top, right - left), dtype=np.float32)
    turn = np.radians(angle)
    along = columns * np.float32(np.cos(turn)) + rows * np.float32(np.sin(turn)) + 14 * np.sin(rows / 190)
    slow = 1 + strength * np.sin(along * np.float32(2 * np.pi / pitch))
    fine = 1 + strength * 0.6 * np.sin((columns + rows * 0.12) * np.float32(2 * np.pi / (pitch * 0.23)))
    bands = 0.94 * np.stack((slow * fine, slow, slow * (2 - fine)), axis=-1)
    bands = 1 + (bands - 1) * np.clip((bottom - top - rows) / 260 - 0.6, 0, 1)[..., np.newaxis]
    colour = sprite.colour.copy()
    spot = colour[top:bottom, left:right]
    spot[:] = np.clip(spot * bands, 0, 255).astype(np.uint8)
    return replace(sprite, colour=colour)


def _flat(width: int, height: int, colour: Colour) -> Picture:
    face = np.empty((height, width, 3), np.uint8)
    face[:] = colour
    return face


def _rounded(width: int, height: int, radius: int) -> Picture:
    mask = np.zeros((height, width), np.uint8)
    cv2.rectangle(mask, (radius, 0), (width - radius - 1, height - 1), 255, -1)
    cv2.rectangle(mask, (0, radius), (width - 1, height - radius - 1), 255, -1)
    for x in (radius, width - radius - 1):
        for y in (radius, height - radius - 1):
            cv2.circle(mask, (x, y), radius, 255, -1, cv2.LINE_AA)
    return mask


def _word(
    face: Picture, mask: Picture, at: tuple[int, int], colour: Colour, *, room: int, centred: bool = False
) -> None:
    if mask.shape[1] > room:
        mask = np.asarray(
            cv2.resize(mask, (room, max(1, mask.shape[0] * room // mask.shape[1])), interpolation=cv2.INTER_AREA),
            np.uint8,
        )
    rows, columns = mask.shape
    left, top = at[0] - columns // 2 if centred else at[0], at[1]
    spot = face[top : top + rows, left : left + columns]
    share = mask[: spot.shape[0], : spot.shape[1], np.newaxis].astype(np.float32) / 255
    spot[:] = (spot * (1 - share) + np.array(colour, np.float32) * share).astype(np.uint8)


def _mark(face: Picture, at: tuple[int, int]) -> None:
    cv2.circle(face, at, 22, (255, 255, 255), 4, cv2.LINE_AA)
    points = np.array([(at[0] - 9, at[1]), (at[0] - 2, at[1] + 8), (at[0] + 11, at[1] - 9)])
    cv2.polylines(face, [points], False, (255, 255, 255), 5, cv2.LINE_AA)


def _held(
    face: Picture,
    mask: Picture,
    code_at: tuple[int, int],
    matrix: Matrix,
    module: int,
    *,
    skin: int,
    glows: bool = False,
) -> Sprite:
    """The face in a larger picture with fingers behind it, a thumb over its lower edge and a forearm."""
    height, width = mask.shape
    whole = (height + MARGIN + 900, width + 2 * MARGIN)
    colour = np.zeros((*whole, 3), np.uint8)
    alpha = np.zeros(whole, np.uint8)
    tone = SKIN[skin % len(SKIN)]
    left, top = MARGIN, 30
    bottom, right = top + height, left + width
    middle = left + width * 0.58
    _limb(colour, alpha, [(middle + 10, bottom + 40), (middle + 150, whole[0] + 60)], (128, 170), tone)
    for step in range(4):
        y = bottom - 40 - step * 74
        _limb(colour, alpha, [(left + 60, y + 12), (left - 16 + step * 3, y)], (33, 29), tone)
    _limb(colour, alpha, [(left + 40, bottom - 150), (middle, bottom + 60)], (96, 128), tone)
    inside = (slice(top, bottom), slice(left, right))
    share = mask[..., np.newaxis].astype(np.float32) / 255
    colour[inside] = (colour[inside] * (1 - share) + face * share).astype(np.uint8)
    alpha[inside] = np.maximum(alpha[inside], mask)
    tip = (right - 104, bottom - 34)
    shade = np.zeros(whole, np.float32)
    cv2.line(shade, (right - 20, bottom + 110), (tip[0] - 6, tip[1] + 4), 0.45, 92, cv2.LINE_AA)
    shade = cv2.GaussianBlur(shade, (0, 0), 14)[..., np.newaxis]
    colour[:] = (colour * (1 - shade)).astype(np.uint8)
    _limb(colour, alpha, [(middle + 90, bottom + 150), (right - 30, bottom + 66), tip], (76, 46, 36), tone)
    nail = tuple(min(255, int(value * 1.13) + 8) for value in tone)
    cv2.ellipse(colour, (tip[0] - 10, tip[1] - 4), (24, 17), 28, 0, 360, nail, -1, cv2.LINE_AA)
    side = matrix.shape[0] * module
    x, y = left + code_at[0] + QUIET * module, top + code_at[1] + QUIET * module
    corners = np.array([(x, y), (x + side, y), (x + side, y + side), (x, y + side)], np.float64)
    return Sprite(colour, alpha, corners, (left, top, right, bottom), (x + side / 2, y + side / 2), glows)


def _limb(
    colour: Picture, alpha: Picture, joints: list[tuple[float, float]], radii: tuple[int, ...], tone: Colour
) -> None:
    """A finger or an arm along its joints, rounded by light from above left."""
    reach = max(radii) * 2
    xs, ys = [joint[0] for joint in joints], [joint[1] for joint in joints]
    left, top = max(0, int(min(xs) - reach)), max(0, int(min(ys) - reach))
    right, bottom = min(alpha.shape[1], int(max(xs) + reach)), min(alpha.shape[0], int(max(ys) + reach))
    shape = np.zeros((bottom - top, right - left), np.uint8)
    for start, end, thick, thin in zip(joints, joints[1:], radii, radii[1:], strict=False):
        for share in np.linspace(0, 1, 40):
            at = (
                round(start[0] + (end[0] - start[0]) * share) - left,
                round(start[1] + (end[1] - start[1]) * share) - top,
            )
            cv2.circle(shape, at, round(thick + (thin - thick) * share), 255, -1, cv2.LINE_AA)
    tiny = cv2.resize(shape, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    tiny = cv2.GaussianBlur(tiny, (0, 0), max(radii) * 0.42 / 8, borderType=cv2.BORDER_CONSTANT)
    inner = cv2.resize(tiny, shape.shape[::-1], interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
    lit = np.roll(inner, (round(max(radii) * 0.22), round(max(radii) * 0.18)), (0, 1))
    light = (0.5 + 0.34 * lit + 0.26 * inner)[..., np.newaxis]
    share = shape[..., np.newaxis].astype(np.float32) / 255
    spot = colour[top:bottom, left:right]
    spot[:] = (spot * (1 - share) + np.clip(np.array(tone, np.float32) * light, 0, 255) * share).astype(np.uint8)
    np.maximum(alpha[top:bottom, left:right], shape, out=alpha[top:bottom, left:right])


MatrixOf = Callable[[str], Matrix]
