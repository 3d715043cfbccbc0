"""A camera recording of a lobby: passes on cards and phones held to the lens by moving hands, and the truth about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from classtap_cli.demo import props
from classtap_cli.demo.lettering import Letters, qt_letters
from classtap_cli.demo.lobby import Layer, behind, lobby, person
from classtap_cli.demo.optics import (
    Grain,
    Picture,
    Pose,
    carried,
    exposed,
    homography,
)
from classtap_cli.demo.stamping import stamp

WIDTH, HEIGHT, FPS = 1280, 720, 30
JPEG_QUALITY = 84
ENTER_S = 0.5
SHUTTER = 0.4
"""Share of a frame's time the shutter is open."""
IN_VIEW = 0.9
"""Share of a symbol that must be inside the frame for the truth to name it."""

Form = Literal["card", "phone"]
Light = Literal["clean", "tilt", "rotate", "small", "motion", "noise", "lowlight", "glare", "defocus"]
Damage = Literal["torn", "blotted"]


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing held to the lens.

    code: the symbol's text; expected: the outcome a kiosk should give, written to the truth as it is; family: the name
    on the card; form: card or phone; light: what makes it hard; seconds: how long it is held, entry and exit included;
    gap_s: empty lobby before it; dip_ms: it drops out of view once for about so long and comes back; damage: what
    happened to the card.
    """

    code: str
    expected: str
    family: str
    form: Form = "card"
    light: Light = "clean"
    seconds: float = 2.4
    gap_s: float = 1.0
    dip_ms: int = 0
    damage: Damage | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame: BGR picture, its number from 0, the code in view or None, and the scene's expected outcome."""

    picture: Picture
    frame: int
    code: str | None
    expected: str | None
    visible: float
    scene: int | None


@dataclass(frozen=True, slots=True)
class Recording:
    """What was written: the video or folder, the truth beside it, how many frames, how long it plays in seconds."""

    video: Path
    truth: Path
    frames: int
    seconds: float


def shots(
    scenes: Sequence[Scene],
    *,
    seed: int,
    studio: str = "ClassTap Studio",
    letters: Letters | None = None,
    matrix: props.MatrixOf = props.qr_matrix,
    tail_s: float = 0.8,
) -> Iterator[Shot]:
    """Every frame of the recording, 1280x720 at 30 a second; the same arguments give the same frames."""
    rng = np.random.default_rng(seed)
    letters = letters or qt_letters()
    room = lobby(rng)
    grain = Grain(rng, (WIDTH, HEIGHT))
    number = 0
    for index, scene in enumerate(scenes):
        for _ in range(round(scene.gap_s * FPS)):
            yield Shot(_finished(_empty(room), "clean", grain, rng), number, None, None, 0.0, None)
            number += 1
        act = _Act(scene, rng, studio=studio, letters=letters, matrix=matrix)
        for step in range(act.frames):
            picture, visible = act.frame(step, room)
            seen = visible >= IN_VIEW
            yield Shot(
                _finished(picture, scene.light, grain, rng),
                number,
                scene.code if seen else None,
                scene.expected if seen else None,
                visible,
                index,
            )
            number += 1
    for _ in range(round(tail_s * FPS)):
        yield Shot(_finished(_empty(room), "clean", grain, rng), number, None, None, 0.0, None)
        number += 1


def write_recording(
    scenes: Sequence[Scene],
    target: Path,
    *,
    seed: int,
    studio: str = "ClassTap Studio",
    matrix: props.MatrixOf = props.qr_matrix,
    progress: Callable[[int], None] | None = None,
) -> Recording:
    """Write the recording to `target`: a Motion-JPEG `.avi`, or a folder of `f_00000.jpg` when it has no suffix.

    `truth.jsonl` beside it has a line a frame: `frame`, `code` (null when none is in view), `expected`, and how much
    of the symbol is `visible` and in which `scene`. Files of that name are replaced. OSError when it cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    truth = target.parent / "truth.jsonl"
    count = 0
    with _sink(target) as sink, truth.open("w", encoding="utf-8") as lines, ThreadPoolExecutor(1) as encoder:
        written: Future[None] | None = None
        for shot in shots(scenes, seed=seed, studio=studio, letters=qt_letters(), matrix=matrix):
            if written is not None:
                written.result()
            written = encoder.submit(sink.write, shot)
            line = {
                "frame": shot.frame,
                "code": shot.code,
                "expected": shot.expected,
                "visible": round(shot.visible, 3),
                "scene": shot.scene,
            }
            lines.write(json.dumps(line, ensure_ascii=False) + "\n")
            count += 1
            if progress is not None and count % FPS == 0:
                progress(count)
        if written is not None:
            written.result()
    return Recording(target, truth, count, count / FPS)


class _Act:
    """One scene, ready to be asked for its frames."""

    def __init__(
        self, scene: Scene, rng: np.random.Generator, *, studio: str, letters: Letters, matrix: props.MatrixOf
    ) -> None:
        self._scene = scene
        self.frames = round((scene.seconds + (scene.dip_ms / 1000)) * FPS)
        modules = matrix(scene.code)
        self._modules = modules.shape[0]
        self._sprite = _prop(scene, modules, rng, studio=studio, letters=letters)
        self._person: Layer = person(rng)
        self._held = _held_pose(scene, rng, self._sprite)
        self._sway = rng.uniform(0, 6.28, 8)
        self._side = float(rng.uniform(-1, 1))
        self._lamp = (float(rng.uniform(0.25, 0.75)), float(rng.uniform(0.3, 0.7)))

    def frame(self, step: int, room: Picture) -> tuple[Picture, float]:
        """The frame before the sensor, and the share of the symbol inside it."""
        pose, before = self._pose(step), self._pose(step - 1)
        shift = -self._side * 14 + 6 * np.sin(step / 37 + self._sway[0])
        arrived = self._presence(step)
        shift += (1 - arrived) * 210 * np.sign(self._side or 1)
        glow = (pose.x, pose.y) if self._sprite.glows else None
        picture = behind(room, self._person, shift=float(shift), glow=glow, size=(WIDTH, HEIGHT))
        move = ((pose.x - before.x) * SHUTTER, (pose.y - before.y) * SHUTTER)
        matrix = homography(pose, self._sprite.centre)
        focus = self._focus(step, pose)
        lamp = self._lamp if self._scene.light == "glare" else None
        stamp(picture, self._sprite, matrix, move=move, sigma=focus, lamp=lamp)
        return picture, _share_inside(carried(self._sprite.code, matrix))

    def _presence(self, step: int) -> float:
        """How far the person has come in: 0 outside, 1 there."""
        edge = 0.35 * FPS
        return float(np.clip(min(step, self.frames - 1 - step) / edge, 0, 1))

    def _pose(self, step: int) -> Pose:
        t = step / FPS
        lowered = self._lowered(step)
        a, b, c, d, e, f, *_ = self._sway
        shake = 7.0 if self._scene.light == "motion" else 1.0
        held = self._held
        return replace(
            held,
            x=held.x + 9 * np.sin(t * 2.1 + a) + 3.2 * shake * np.sin(t * 9.7 + b) + lowered * 150 * self._side,
            y=held.y + 8 * np.sin(t * 1.7 + c) + 2.4 * shake * np.sin(t * 8.3 + d) + lowered * 760,
            roll=held.roll + 1.6 * np.sin(t * 1.9 + e) + lowered * 16 * self._side,
            yaw=held.yaw + 2.5 * np.sin(t * 1.3 + f),
            pitch=held.pitch + 2.0 * np.sin(t * 1.1 + a) - lowered * 14,
            scale=held.scale * (1 + 0.02 * np.sin(t * 1.5 + b) - 0.12 * lowered),
        )

    def _lowered(self, step: int) -> float:
        """1 below the frame, 0 held up: up at the start, down at the end, once in between for a dip."""
        enter = ENTER_S * FPS
        down = max(1 - _eased(step / enter), _eased((step - self.frames + enter) / enter))
        if self._scene.dip_ms:
            middle, half = self.frames / 2, self._scene.dip_ms / 1000 * FPS / 2
            down = max(down, _eased((half - abs(step - middle)) / (half * 0.6)))
        return down

    def _focus(self, step: int, pose: Pose) -> float:
        """Blur in frame pixels: the lens hunts for half a second, then is sharp, or stays soft."""
        module = self._sprite.code_width * pose.scale / self._modules
        settled = 0.42 * module if self._scene.light == "defocus" else 0.55
        return float(settled + 3.2 * np.exp(-step / FPS / 0.28))


def _prop(
    scene: Scene, modules: props.Matrix, rng: np.random.Generator, *, studio: str, letters: Letters
) -> props.Sprite:
    skin = int(rng.integers(len(props.SKIN)))
    make = props.card if scene.form == "card" else props.phone
    unit = max(4, round(360 / modules.shape[0]))
    sprite = make(modules, studio=studio, family=scene.family, letters=letters, skin=skin, module=unit)
    if scene.damage == "torn":
        sprite = props.torn(sprite, rng)
    elif scene.damage == "blotted":
        sprite = props.blotted(sprite, rng)
    if scene.form == "phone":
        sprite = props.screened(
            sprite, pitch=float(rng.uniform(24, 44)), strength=0.07, angle=float(rng.uniform(0, 90))
        )
    return sprite


def _held_pose(scene: Scene, rng: np.random.Generator, sprite: props.Sprite) -> Pose:
    wide = rng.uniform(150, 175) if scene.light == "small" else rng.uniform(235, 300)
    lean = {"tilt": 34.0, "rotate": 8.0}.get(scene.light, 9.0)
    roll = float(rng.choice((-1, 1)) * rng.uniform(22, 40)) if scene.light == "rotate" else float(rng.uniform(-8, 8))
    return Pose(
        x=WIDTH / 2 + float(rng.uniform(-170, 170)),
        y=HEIGHT * 0.45 + float(rng.uniform(-20, 24)),
        scale=wide / sprite.code_width,
        roll=roll,
        yaw=float(rng.choice((-1, 1)) * rng.uniform(0.7, 1.0) * lean),
        pitch=float(rng.uniform(-0.6, 0.6) * lean),
    )


def _finished(picture: Picture, light: Light, grain: Grain, rng: np.random.Generator) -> Picture:
    """What the sensor makes of the light: exposure and noise."""
    drift = 1 + 0.012 * float(rng.standard_normal())
    if light == "lowlight":
        return grain.over(exposed(picture, gain=0.3 * drift, black=5, warmth=0.1), 7.0, rng)
    if light == "noise":
        return grain.over(exposed(picture, gain=0.8 * drift), 17.0, rng)
    return grain.over(exposed(picture, gain=drift), 2.5, rng)


def _empty(room: Picture) -> Picture:
    return behind(room, None, size=(WIDTH, HEIGHT))


def _eased(share: float) -> float:
    share = float(np.clip(share, 0, 1))
    return share * share * (3 - 2 * share)


def _share_inside(corners: NDArray[np.float64]) -> float:
    frame = np.array([(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)], np.float32)
    symbol = corners.astype(np.float32)
    whole = cv2.contourArea(symbol)
    if whole <= 0:
        return 0.0
    inside, _ = cv2.intersectConvexConvex(symbol, frame)
    return float(np.clip(inside / whole, 0, 1))


class _VideoSink(AbstractContextManager["_VideoSink"]):
    """Motion JPEG in an AVI: the one video every OpenCV build reads."""

    def __init__(self, path: Path) -> None:
        fourcc = cv2.VideoWriter.fourcc(*"MJPG")
        self._writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, FPS, (WIDTH, HEIGHT))
        if not self._writer.isOpened():
            raise OSError(f"cannot write a video to {path}")

    def write(self, shot: Shot) -> None:
        self._writer.write(shot.picture)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.release()


class _FolderSink(AbstractContextManager["_FolderSink"]):
    """One JPEG a frame, named so that the order by name is the order in time."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("f_*.jpg"):
            old.unlink()
        self._folder = folder

    def write(self, shot: Shot) -> None:
        path = self._folder / f"f_{shot.frame:05d}.jpg"
        if not cv2.imwrite(str(path), shot.picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
            raise OSError(f"cannot write a picture to {path}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def _sink(target: Path) -> _VideoSink | _FolderSink:
    return _VideoSink(target) if target.suffix else _FolderSink(target)
