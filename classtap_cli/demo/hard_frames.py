"""Still frames that are hard to read, condition by condition: what decoders are compared on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from classtap_cli.demo import props
from classtap_cli.demo.lettering import Letters, qt_letters
from classtap_cli.demo.lobby import behind, lobby, person
from classtap_cli.demo.optics import Grain, Picture, Pose, exposed, homography
from classtap_cli.demo.stamping import stamp

SIZE = (1280, 720)
CONDITIONS = (
    "clean",
    "small",
    "rotate",
    "tilt",
    "defocus",
    "motion",
    "noise",
    "lowlight",
    "glare",
    "moire",
    "bezel",
    "combo",
)


@dataclass(frozen=True, slots=True)
class HardFrame:
    """A BGR frame 1280x720, the condition that makes it hard and the text a decoder should find, None for none."""

    condition: str
    text: str | None
    picture: Picture


def hard_frames(
    texts: Sequence[str],
    *,
    per_condition: int,
    seed: int,
    letters: Letters | None = None,
    matrix: props.MatrixOf = props.qr_matrix,
) -> Iterator[HardFrame]:
    """`per_condition` frames of each condition, the texts in turn; the same arguments give the same frames."""
    rng = np.random.default_rng(seed)
    stage = _Stage(rng, matrix, letters or qt_letters())
    turn = 0
    for condition in CONDITIONS:
        for _ in range(per_condition):
            text = texts[turn % len(texts)]
            turn += 1
            yield HardFrame(condition, text, stage.frame(condition, text))


def empty_frames(*, count: int, seed: int) -> Iterator[HardFrame]:
    """The lobby with and without people, nothing held up."""
    rng = np.random.default_rng(seed)
    room, grain = lobby(rng), Grain(rng, SIZE)
    for number in range(count):
        layer = person(rng) if number % 2 else None
        picture = behind(room, layer, shift=float(rng.uniform(-30, 30)), size=SIZE)
        yield HardFrame("empty", None, _compressed(grain.over(picture, 3.0, rng)))


class _Stage:
    """The lobby and the cards and phones already made for a text."""

    def __init__(self, rng: np.random.Generator, matrix: props.MatrixOf, letters: Letters) -> None:
        self._rng, self._matrix, self._letters = rng, matrix, letters
        self._room, self._grain = lobby(rng), Grain(rng, SIZE)
        self._people = [person(rng) for _ in range(12)]
        self._made: dict[tuple[str, bool], tuple[props.Sprite, int]] = {}

    def frame(self, condition: str, text: str) -> Picture:
        """One frame of the condition; "combo" is three at once, chosen anew for each frame."""
        rng = self._rng
        parts = {condition}
        if condition == "combo":
            parts = set(
                rng.choice(["rotate", "tilt", "motion", "noise", "lowlight", "glare"], 3, replace=False).tolist()
            )
        hard = 0.6 if condition == "combo" else 1.0
        on_phone = condition in ("moire", "bezel") or (condition == "combo" and rng.random() < 0.5)
        sprite, modules = self._prop(text, on_phone)
        if condition == "moire":
            sprite = props.screened(
                sprite,
                pitch=float(rng.uniform(9, 46)),
                strength=float(rng.uniform(0.12, 0.26)),
                angle=float(rng.uniform(0, 180)),
            )
        module = float(rng.uniform(1.6, 2.5) if condition == "small" else rng.uniform(3.0, 5.6))
        pose = self._pose(parts, module * modules / sprite.code_width, hard)
        sigma = module * float(rng.uniform(0.34, 0.74)) if "defocus" in parts else 0.5
        smear = module * hard * float(rng.uniform(0.6, 1.7)) if "motion" in parts else 0.0
        way = float(rng.uniform(0, 2 * np.pi))
        lamp = (float(rng.uniform(0.3, 0.7)), float(rng.uniform(0.35, 0.75))) if "glare" in parts else None
        somebody = self._people[int(rng.integers(len(self._people)))]
        picture = behind(self._room, somebody, shift=float(rng.uniform(-20, 20)), size=SIZE)
        stamp(
            picture,
            sprite,
            homography(pose, sprite.centre),
            move=(smear * np.cos(way), smear * np.sin(way)),
            sigma=sigma,
            lamp=lamp,
        )
        if "lowlight" in parts:
            picture = exposed(picture, gain=float(rng.uniform(0.12, 0.3)), black=6, warmth=0.12)
            picture = self._grain.over(picture, float(rng.integers(5, 9)), rng)
        if "noise" in parts:
            picture = self._grain.over(picture, float(rng.integers(9, 21)) * 2 * hard, rng)
        return _compressed(self._grain.over(picture, 2.5, rng))

    def _pose(self, parts: set[str], scale: float, hard: float) -> Pose:
        rng = self._rng
        lean, tip = (float(rng.uniform(36, 56)), 34.0) if "tilt" in parts else (float(rng.uniform(0, 9)), 7.0)
        roll = rng.uniform(-180, 180) if "rotate" in parts else rng.uniform(-7, 7)
        return Pose(
            x=SIZE[0] / 2 + float(rng.uniform(-200, 200)),
            y=SIZE[1] * 0.46 + float(rng.uniform(-60, 60)),
            scale=scale,
            roll=float(roll),
            yaw=float(rng.choice((-1, 1)) * lean * hard),
            pitch=float(rng.uniform(-tip, tip) * hard),
        )

    def _prop(self, text: str, on_phone: bool) -> tuple[props.Sprite, int]:
        if (text, on_phone) not in self._made:
            modules = self._matrix(text)
            make = props.phone if on_phone else props.card
            sprite = make(
                modules,
                studio="ClassTap Studio",
                family="Familie Lindqvist",
                letters=self._letters,
                skin=len(self._made),
                module=max(4, round(360 / modules.shape[0])),
            )
            self._made[text, on_phone] = (sprite, modules.shape[0])
        return self._made[text, on_phone]


def _compressed(picture: Picture) -> Picture:
    """Through JPEG, as a webcam sends it."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
