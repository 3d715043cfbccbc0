"""The demo's recording: the same seed the same frames, a truth that independent decoders agree with, plausible scenes."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp
from pyzbar import pyzbar

from classtap_cli.demo import props
from classtap_cli.demo.hard_frames import CONDITIONS, empty_frames, hard_frames
from classtap_cli.demo.lettering import qt_letters
from classtap_cli.demo.recording import FPS, Scene, Shot, shots, write_recording

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def text_of(seed: int) -> str:
    return "CT:" + "".join(np.random.default_rng(seed).choice(list(LETTERS), 153))


URL = "https://parking.example/pay?lot=42"


def read(picture: np.ndarray) -> list[str]:
    return [code.text for code in zxingcpp.read_barcodes(picture)]


def filmed(*scenes: Scene, seed: int = 3) -> list[Shot]:
    return list(shots(scenes, seed=seed, tail_s=0.2))


def test_the_same_seed_gives_the_same_frames_and_another_gives_others() -> None:
    scene = Scene(text_of(1), "ok", "Okafor", gap_s=0.1, seconds=0.9)
    one, two, other = filmed(scene), filmed(scene), filmed(scene, seed=4)
    assert all(np.array_equal(a.picture, b.picture) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[20].picture, other[20].picture)
    assert one[0].picture.shape == (720, 1280, 3)


def test_the_video_its_truth_and_a_decoder_agree(tmp_path: Path) -> None:
    scenes = [
        Scene(text_of(1), "ok", "Familie Lindqvist", gap_s=0.2, seconds=1.6),
        Scene(URL, "unreadable", "Parking", form="phone", gap_s=0.2, seconds=1.6),
        Scene(text_of(2), "revoked", "عائلة محمد", form="phone", light="tilt", gap_s=0.2, seconds=1.6),
    ]
    made = write_recording(scenes, tmp_path / "recording.avi", seed=5)
    truth = [json.loads(line) for line in made.truth.read_text(encoding="utf-8").splitlines()]
    assert [line["frame"] for line in truth] == list(range(made.frames))
    video = cv2.VideoCapture(str(made.video))
    assert (video.get(cv2.CAP_PROP_FPS), video.get(cv2.CAP_PROP_FRAME_WIDTH)) == (30, 1280)
    found: dict[int, list[bool]] = {0: [], 1: [], 2: []}
    for line in truth:
        there, picture = video.read()
        assert there
        texts = read(picture)
        if line["code"] is None:
            assert texts == []
            assert line["expected"] is None
        else:
            assert line["code"] == scenes[line["scene"]].code
            assert line["expected"] == scenes[line["scene"]].expected
            found[line["scene"]].append(line["code"] in texts)
    assert not video.read()[0]
    video.release()
    assert all(np.mean(hits) > 0.55 for hits in found.values())  # the lens hunts for the first third of a second
    assert all(len(hits) > 20 for hits in found.values())


def test_a_folder_of_images_is_the_same_recording(tmp_path: Path) -> None:
    scene = Scene(text_of(1), "ok", "Okafor", gap_s=0.1)
    made = write_recording([replace(scene, seconds=1.6)], tmp_path / "frames", seed=3)
    files = sorted((tmp_path / "frames").iterdir())
    assert [file.name for file in files] == [f"f_{number:05d}.jpg" for number in range(made.frames)]
    assert read(cv2.imread(str(files[30]))) == [text_of(1)]


@pytest.mark.parametrize("damage", ["torn", "blotted"])
def test_nobody_reads_a_damaged_code(damage: str) -> None:
    scene = Scene(text_of(1), "unreadable", "Okafor", damage=damage, gap_s=0.1, seconds=1.6)  # type: ignore[arg-type]
    told = [shot for shot in filmed(scene) if shot.code is not None]
    assert len(told) > 25
    detector = cv2.QRCodeDetector()
    for shot in told[::4]:
        assert read(shot.picture) == []
        assert pyzbar.decode(shot.picture, symbols=[pyzbar.ZBarSymbol.QRCODE]) == []
        assert detector.detectAndDecode(shot.picture)[0] == ""


def runs_of(told: Sequence[Shot]) -> list[tuple[bool, int]]:
    return [(there, len(list(group))) for there, group in groupby(told, key=lambda shot: shot.code is not None)]


def test_a_dip_is_out_of_view_for_less_than_the_kiosk_takes_for_a_new_sighting() -> None:
    runs = runs_of(filmed(Scene(text_of(1), "ok", "Okafor", seconds=2.0, dip_ms=500, gap_s=0.2)))
    assert [there for there, _ in runs] == [False, True, False, True, False]
    assert 100 < runs[2][1] * 1000 / FPS < 800


def test_a_card_comes_in_from_outside_and_leaves_again() -> None:
    told = filmed(Scene(text_of(1), "ok", "Okafor", gap_s=0.2, seconds=1.6))
    seen = [shot.visible for shot in told if shot.scene == 0]
    assert seen[0] == 0.0
    assert seen[-1] == 0.0
    assert max(seen) == 1.0
    assert any(0.05 < share < 0.9 for share in seen)


def test_a_symbol_of_ours_is_the_picture_of_a_pass_and_others_are_drawn_too() -> None:
    assert props.qr_matrix(text_of(1)).shape == (45, 45)
    assert read(props.code_picture(props.qr_matrix(URL), 6)) == [URL]


@pytest.mark.parametrize(
    "name", ["Müller-Østerberg", "Иванова", "محمد علي", "שרה כהן", "प्रिया शर्मा", "李小龍", "김민준"]
)
def test_names_of_many_scripts_have_letters(name: str) -> None:
    letters = qt_letters()
    drawn = letters(name, 60, True)
    unknown = letters("\U000f1234" * len(name), 60, True)  # private use: the box a missing letter gets
    assert drawn.shape[0] == 60
    assert 0.03 < (drawn > 128).mean() < 0.5
    assert drawn.shape != unknown.shape or not np.array_equal(drawn, unknown)


def test_arabic_letters_join() -> None:
    letters = qt_letters()
    joined, apart = letters("محمد", 60, False), letters("\u200c".join("محمد"), 60, False)  # U+200C keeps them apart
    assert joined.shape != apart.shape


def test_hard_frames_cover_every_condition_and_come_again_the_same() -> None:
    texts = [text_of(1), text_of(2)]
    once, again = (list(hard_frames(texts, per_condition=1, seed=9)) for _ in range(2))
    assert [frame.condition for frame in once] == list(CONDITIONS)
    assert all(np.array_equal(a.picture, b.picture) for a, b in zip(once, again, strict=True))
    easy = {frame.condition: frame for frame in once}
    for condition in ("clean", "rotate", "tilt", "bezel"):
        assert read(easy[condition].picture) == [easy[condition].text]
    assert all(frame.text is None and read(frame.picture) == [] for frame in empty_frames(count=2, seed=9))
