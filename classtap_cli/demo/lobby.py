"""The room behind the family, out of focus: drawn small, since a blurred picture needs no more pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from classtap_cli.demo.optics import Picture

SMALL = (320, 180)
Layer = tuple[Picture, NDArray[np.float32]]

CLOTHES = ((120, 86, 52), (66, 74, 160), (96, 128, 88), (168, 160, 150), (58, 52, 60), (70, 150, 196))
HAIR = ((28, 30, 36), (40, 62, 98), (70, 110, 160), (90, 90, 94))


def lobby(rng: np.random.Generator) -> Picture:
    """The empty studio lobby, 320x180: wall, window, floor, a shelf with mats, a plant, a bench and a door."""
    width, height = 640, 360
    room: Picture = np.empty((height, width, 3), np.uint8)
    room[:] = (196, 206, 212)
    floor = np.array([(0, 262), (width, 240), (width, height), (0, height)])
    cv2.fillPoly(room, [floor], (104, 138, 168))
    for x in range(-300, 1000, 56):
        cv2.line(room, (x, height), (320 + (x - 320) // 3, 246), (94, 126, 154), 1, cv2.LINE_AA)
    cv2.line(room, (0, 262), (width, 240), (236, 240, 242), 5, cv2.LINE_AA)
    cv2.rectangle(room, (30, 24), (206, 178), (238, 246, 250), -1)
    cv2.rectangle(room, (30, 24), (206, 178), (226, 228, 230), 5)
    cv2.line(room, (118, 24), (118, 178), (214, 216, 218), 4)
    for x, y, size in ((52, 150, 28), (84, 160, 24), (150, 146, 32), (186, 158, 26)):
        cv2.circle(room, (x, y), size, (176, 212, 190), -1, cv2.LINE_AA)
    cv2.rectangle(room, (520, 60), (612, 262), (128, 112, 86), -1)
    cv2.rectangle(room, (532, 74), (600, 160), (186, 178, 160), -1)
    cv2.circle(room, (530, 190), 4, (210, 220, 224), -1)
    for row in range(3):
        y = 84 + row * 44
        cv2.rectangle(room, (276, y + 30), (470, y + 35), (120, 142, 160), -1)
        for column in range(9):
            colour = tuple(int(value) for value in rng.integers(70, 210, 3))
            cv2.circle(room, (290 + column * 21, y + 20), 10, colour, -1, cv2.LINE_AA)
    cv2.rectangle(room, (250, 236), (480, 252), (90, 120, 150), -1)
    for x in (262, 466):
        cv2.rectangle(room, (x, 252), (x + 8, 300), (70, 96, 122), -1)
    for _ in range(26):
        angle, reach = rng.uniform(-2.6, -0.5), rng.uniform(30, 78)
        tip = (round(232 + reach * np.cos(angle)), round(226 + reach * np.sin(angle)))
        cv2.line(room, (232, 230), tip, (62, int(rng.integers(90, 140)), 70), 7, cv2.LINE_AA)
    cv2.rectangle(room, (212, 226), (252, 276), (120, 130, 172), -1)
    soft = cv2.GaussianBlur(room, (0, 0), 5.5).astype(np.float32)
    rows, columns = np.indices((height, width), dtype=np.float32)
    daylight = np.exp(-(((columns - 118) / 230) ** 2 + ((rows - 100) / 190) ** 2))
    corner = ((columns - 320) / 420) ** 2 + ((rows - 180) / 300) ** 2
    light = (0.72 + 0.36 * daylight - 0.16 * corner)[..., np.newaxis]
    lit = np.clip(soft * light, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(lit, SMALL, interpolation=cv2.INTER_AREA), np.uint8)


def person(rng: np.random.Generator) -> Layer:
    """Somebody standing behind the pass, far out of focus: colour 320x180 and a soft mask 0..1."""
    width, height = SMALL
    colour = np.zeros((height, width, 3), np.uint8)
    shape = np.zeros((height, width), np.uint8)
    cloth = CLOTHES[int(rng.integers(len(CLOTHES)))]
    hair = HAIR[int(rng.integers(len(HAIR)))]
    shade = rng.uniform(0.5, 1.0)
    skin = (int(160 * shade), int(186 * shade), int(226 * shade))
    seam = tuple(int(value * 0.72) for value in cloth)
    x = int(rng.integers(130, 200))
    trunk = np.array([(x - 70, 180), (x - 62, 58), (x - 24, 38), (x + 24, 38), (x + 62, 58), (x + 70, 180)])
    cv2.fillPoly(colour, [trunk], cloth, cv2.LINE_AA)
    cv2.fillPoly(shape, [trunk], 255, cv2.LINE_AA)
    for at, axes, fill in (((x, -6), (32, 36), hair), ((x, 34), (14, 20), skin), ((x, -2), (25, 32), skin)):
        cv2.ellipse(colour, at, axes, 0, 0, 360, fill, -1, cv2.LINE_AA)
        cv2.ellipse(shape, at, axes, 0, 0, 360, 255, -1, cv2.LINE_AA)
    cv2.line(colour, (x - 34, 70), (x - 38, 180), seam, 3, cv2.LINE_AA)
    cv2.line(colour, (x + 34, 70), (x + 38, 180), seam, 3, cv2.LINE_AA)
    soft = cv2.GaussianBlur(shape, (0, 0), 3.2).astype(np.float32) / 255
    spread = cv2.GaussianBlur(colour, (0, 0), 3.2).astype(np.float32)
    full = np.clip(spread / np.maximum(soft, 0.08)[..., np.newaxis], 0, 255).astype(np.uint8)
    return full, np.asarray(soft, np.float32)


def behind(
    room: Picture,
    layer: Layer | None,
    *,
    size: tuple[int, int],
    shift: float = 0.0,
    glow: tuple[float, float] | None = None,
) -> Picture:
    """The background at full `size` (width, height).

    layer: somebody, moved `shift` small pixels to the side; glow: where a bright screen lights the air, frame pixels.
    """
    scene = room
    if layer is not None:
        move = np.array([[1, 0, shift], [0, 1, 0]], np.float32)
        colour = cv2.warpAffine(layer[0], move, SMALL, borderMode=cv2.BORDER_REPLICATE)
        share = cv2.warpAffine(layer[1], move, SMALL)
        scene = np.asarray(cv2.blendLinear(colour, room, share, 1 - share), np.uint8)
    if glow is not None:
        at = (round(glow[0] * SMALL[0] / size[0]), round(glow[1] * SMALL[1] / size[1]))
        spot = np.zeros(SMALL[::-1], np.uint8)
        cv2.circle(spot, at, 46, 52, -1)
        light = cv2.blur(cv2.blur(spot, (41, 41)), (41, 41))
        scene = np.asarray(cv2.add(scene, cv2.merge((light, light, light))), np.uint8)
    return np.asarray(cv2.resize(scene, size, interpolation=cv2.INTER_LINEAR), np.uint8)
