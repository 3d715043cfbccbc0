"""Decoding on real pictures: every stage, several codes, codes not ours, none, garbage; one sighting of a held card."""

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from classtap_core.passes import picture
from kiosk import decoding
from kiosk.camera import Camera, Frame, Hint, Mailbox, source_of
from kiosk.decoding import Decoder, DoorPick, Look, Purse, ScanWorker, Sighting, SteadyPick
from kiosk.sources import helped
from kiosk.texture import finders, patch_of

# A pass text of the contract's length: CT: and 153 letters of base45 (102 bytes).
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def text_of(seed: int) -> str:
    return "CT:" + "".join(np.random.default_rng(seed).choice(list(LETTERS), 153))


TEXT = text_of(1)


def code(text: str = TEXT, *, module: int = 4) -> np.ndarray:
    """The code as grey bytes, 53 modules a side with its quiet zone."""
    modules = np.array(picture.matrix(text))
    return np.where(np.kron(modules, np.ones((module, module))) > 0, 20, 235).astype(np.uint8)


def lobby(*codes: np.ndarray, step: int = 260) -> np.ndarray:
    """A grey frame 1280x720 with the codes side by side."""
    shade = np.linspace(90, 170, 1280).astype(np.uint8)
    frame = np.tile(shade, (720, 1))
    for number, one in enumerate(codes):
        top, left = 220, 60 + number * step
        frame[top : top + one.shape[0], left : left + one.shape[1]] = one
    return frame


def texts(found: list[Sighting]) -> list[str]:
    return [sighting.text for sighting in found]


def test_a_code_in_front_of_the_camera_is_read_at_once_with_its_corners() -> None:
    look = Decoder().look(cv2.cvtColor(lobby(code()), cv2.COLOR_GRAY2BGR))
    assert [(sighting.text, sighting.decoder) for sighting in look.sightings] == [(TEXT, "zxing")]
    assert [name for name, _ in look.stages] == ["zxing"]
    # Symbol without quiet zone: 16 px in from the picture's edge at (60, 220), 45 modules of 4 px.
    expected = np.array([(76, 236), (256, 236), (256, 416), (76, 416)])
    assert np.abs(np.array(look.sightings[0].corners) - expected).max() <= 4
    assert 0 < look.sightings[0].ms <= look.ms


def test_three_independent_decoders_agree_on_a_pass() -> None:
    from pyzbar import pyzbar

    data = np.frombuffer(picture.png(TEXT), np.uint8)
    drawn = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    assert texts(Decoder().decode(drawn)) == [TEXT]
    assert [found.data.decode() for found in pyzbar.decode(drawn)] == [TEXT]
    assert cv2.QRCodeDetector().detectAndDecode(drawn)[0] == TEXT


@pytest.mark.parametrize("turn", [0, 31, 90, 147, 180, 270])
@pytest.mark.parametrize("lean", [0.0, 0.3])
def test_turned_and_tilted_codes_are_read(turn: float, lean: float) -> None:
    flat = code(module=6)
    side = float(flat.shape[0])
    matrix = np.vstack((cv2.getRotationMatrix2D((side / 2, side / 2), turn, 0.8), [0, 0, 1]))
    matrix = np.array([[1, 0, 500], [0, 1, 200], [0, 0, 1.0]]) @ matrix
    squeeze = np.array([[1, 0, 0], [lean * 0.2, 1, 0], [lean / 1600, 0, 1]])
    frame = cv2.warpPerspective(flat, squeeze @ matrix, (1280, 720), borderValue=(140,))
    assert texts(Decoder().decode(frame)) == [TEXT]


def test_a_code_in_the_dark_needs_the_enlarged_look() -> None:
    noise = np.random.default_rng(3).normal(0, 7, (720, 1280))
    frame = np.clip(lobby(code()) * 0.1 + 8 + noise, 0, 255).astype(np.uint8)
    found = Decoder().decode(frame)
    assert [(sighting.text, sighting.decoder) for sighting in found] == [(TEXT, "zxing-2x")]


def test_a_code_out_of_focus_needs_the_sharpened_look() -> None:
    frame = cv2.GaussianBlur(lobby(code(module=5)), (0, 0), 0.58 * 5)
    found = Decoder().decode(frame)
    assert [(sighting.text, sighting.decoder) for sighting in found] == [(TEXT, "zxing-sharp")]
    assert abs(found[0].corners[0][0] - (60 + 20)) <= 6


def test_a_frame_with_several_codes_gives_all_and_ours_first() -> None:
    from qrcode.main import QRCode

    other = QRCode(border=4, box_size=1)
    other.add_data("https://parking.example/pay?lot=42")
    poster = np.where(np.kron(np.array(other.get_matrix()), np.ones((4, 4))) > 0, 20, 235).astype(np.uint8)
    found = Decoder().decode(lobby(poster, code(text_of(2)), code(text_of(3))))
    assert sorted(texts(found)[:2]) == sorted([text_of(2), text_of(3)])
    assert texts(found)[2:] == ["https://parking.example/pay?lot=42"]


def test_a_pass_is_still_looked_for_beside_a_poster() -> None:
    from qrcode.main import QRCode

    other = QRCode(border=4, box_size=1)
    other.add_data("https://parking.example/pay?lot=42")
    poster = np.where(np.kron(np.array(other.get_matrix()), np.ones((6, 6))) > 0, 20, 235).astype(np.uint8)
    blurred = cv2.GaussianBlur(np.pad(code(module=5), 20, constant_values=130), (0, 0), 0.58 * 5)
    found = Decoder().decode(lobby(poster, blurred, step=500))
    assert [(sighting.text[:8], sighting.decoder) for sighting in found] == [
        (TEXT[:8], "zxing-sharp"),
        ("https://", "zxing"),
    ]


def test_an_empty_lobby_costs_one_stage() -> None:
    look = Decoder().look(lobby())
    assert look.sightings == ()
    assert look.unread is None
    assert [name for name, _ in look.stages] == ["zxing"]


@pytest.mark.parametrize(
    "garbage",
    [
        np.zeros((0, 0), np.uint8),
        np.zeros((1, 1), np.uint8),
        np.zeros((1, 4000, 3), np.uint8),
        np.zeros((4000, 2), np.uint8),
        np.full((300, 300), np.nan),
        np.zeros((300, 300), np.float32),
        np.zeros((300, 300, 2), np.uint8),
        np.zeros((2, 3, 4, 5), np.uint8),
        np.zeros(300, np.uint8),
        np.array([object()]),
        np.random.default_rng(5).integers(0, 256, (720, 1280, 3), dtype=np.uint8),
        np.random.default_rng(6).integers(0, 256, (97, 61), dtype=np.uint8),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_garbage_says_nothing_and_never_raises(garbage: np.ndarray) -> None:
    assert Decoder().decode(garbage) == []


def test_pictures_in_any_memory_order_are_read() -> None:
    grey = lobby(code())
    colour = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    with_alpha = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGRA)
    for shown in (grey, np.asfortranarray(grey), colour[:, :, ::-1], with_alpha, grey[:, :, None], colour[::1]):
        assert texts(Decoder().decode(shown)) == [TEXT]


def test_without_zbar_one_stage_is_missing_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    torn = lobby(_torn(code(module=5)))
    assert "zbar" in [name for name, _ in Decoder().look(torn).stages]
    monkeypatch.setattr(decoding, "pyzbar", None)
    look = Decoder().look(torn)
    assert [name for name, _ in look.stages] == ["zxing", "zxing-2x", "zxing-soft", "zxing-sharp", "opencv", "finders"]
    assert texts(Decoder().decode(lobby(code()))) == [TEXT]


def _torn(whole: np.ndarray) -> np.ndarray:
    """Without its top right: one finder pattern and a third of the modules gone."""
    damaged = whole.copy()
    side = damaged.shape[0]
    damaged[: side * 6 // 10, side * 4 // 10 :] = 130
    return damaged


def test_a_torn_code_is_unread_but_seen() -> None:
    frame = lobby(_torn(code(module=5)))
    look = Decoder().look(frame)
    assert look.sightings == ()
    assert look.unread is not None
    (left, top), _, (right, bottom), _ = look.unread
    assert left <= 60 + 20
    assert right >= 60 + 100
    assert top <= 220 + 20
    assert bottom >= 220 + 245


def test_finder_patterns_are_counted() -> None:
    assert finders(code(module=5)) == 3
    assert finders(_torn(code(module=5))) == 2
    rough = np.random.default_rng(2).integers(0, 256, (300, 300), dtype=np.uint8)
    assert finders(cv2.GaussianBlur(rough, (0, 0), 1.5)) == 0


def test_the_patch_is_where_the_code_is() -> None:
    patch = patch_of(lobby(code()))
    assert patch is not None
    assert patch.left <= 76
    assert patch.top <= 236
    assert patch.right >= 256
    assert patch.bottom >= 416
    assert (patch.right - patch.left) * (patch.bottom - patch.top) < 350 * 350


def test_fall_backs_stay_within_their_purse() -> None:
    """At 30 frames a second with a code nobody can read, fall-backs take at most the share they were given."""
    torn = lobby(_torn(code(module=5)))
    now = [0.0]

    def clock() -> float:
        now[0] += 0.001  # every look at the clock takes a millisecond, so a full look costs about a dozen
        return now[0]

    decoder = Decoder(purse=Purse(share=0.1, most_ms=20.0), clock=clock)
    spent, full = 0.0, 0
    for frame in range(150):
        now[0] = frame / 30
        look = decoder.look(torn)
        closer = sum(ms for name, ms in look.stages if name != "zxing")
        spent, full = spent + closer, full + (closer > 0)
    assert 5 < full < 75
    assert spent <= 20.0 + 0.1 * 5_000 + 20.0  # the savings, a tenth of five seconds, one last debt


def test_decoding_from_several_threads_at_once_gives_each_its_own() -> None:
    decoder = Decoder()
    frames = [lobby(code(text_of(number))) for number in range(4)]
    found: dict[int, set[str]] = {number: set() for number in range(4)}

    def read(number: int) -> None:
        for _ in range(10):
            found[number].update(texts(decoder.decode(frames[number])))

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: {text_of(number)} for number in range(4)}


def sighting(text: str) -> Sighting:
    return Sighting(text, "zxing", 1.0, ((0, 0), (1, 0), (1, 1), (0, 1)))


def times(text: str, at: list[int]) -> list[int]:
    pick = SteadyPick()
    return [at_ms for at_ms in at if pick.offer([sighting(text)], at_ms)]


def test_the_same_text_within_800_ms_is_one_sighting() -> None:
    assert times(TEXT, [0, 33, 800]) == [0]  # CONTRACTS, kiosk --headless
    assert times(TEXT, [0, 801]) == [0, 801]
    assert times(TEXT, list(range(0, 10_000, 700))) == [0]  # held for ten seconds
    assert times(TEXT, [5_000, 100]) == [5_000, 100]  # a recording that starts again


def test_two_families_in_one_frame_are_two_sightings() -> None:
    pick = SteadyPick()
    both = [sighting(text_of(1)), sighting(text_of(2))]
    assert texts(pick.offer(both, 0)) == [text_of(1), text_of(2)]
    assert pick.offer(both, 400) == []


def test_a_strangers_code_waits_while_a_pass_is_there() -> None:
    pick = SteadyPick()
    both = [sighting(TEXT), sighting("https://parking.example")]
    assert texts(pick.offer(both, 0)) == [TEXT]
    assert pick.offer([both[1]], 500) == []  # the pass was there half a second ago
    assert texts(pick.offer([both[1]], 1_400)) == ["https://parking.example"]
    assert texts(pick.offer(both, 1_500)) == [TEXT]


def placed(text: str, side: int) -> Sighting:
    return Sighting(text, "zxing", 1.0, ((0, 0), (side, 0), (side, side), (0, side)))


def test_at_a_door_the_pass_that_is_held_counts_and_not_one_behind_it() -> None:
    pick, held, behind = DoorPick(), placed(text_of(1), 200), placed(text_of(2), 90)
    assert texts(pick.offer([behind, held], 0)) == [text_of(1)], "the larger of two that came together"
    assert pick.offer([behind], 33) == [], "one frame without it"
    assert pick.offer([behind, held], 66) == []
    told = [at_ms for at_ms in range(100, 900, 33) if texts(pick.offer([behind], at_ms)) == [text_of(2)]]
    assert told == [331], "it left; the next is served within a third of a second"
    assert pick.offer([behind, placed(text_of(3), 300)], 920) == [], "who came first stays"


def test_at_a_door_a_code_that_goes_by_is_nobodys() -> None:
    pick, bottle = DoorPick(), placed("https://water.example", 80)
    assert [at_ms for at_ms in range(0, 600, 100) if pick.offer([bottle], at_ms)] == [300]
    assert pick.offer([bottle], 3_000) == [], "it came anew"


def test_a_code_nobody_can_read_is_told_once_after_a_second() -> None:
    pick = SteadyPick()
    where = ((0, 0), (9, 0), (9, 9), (0, 9))
    unread = Look((), 20.0, (), where)
    told = [at_ms for at_ms in range(0, 4_000, 100) if pick.offer_look(unread, at_ms)]
    assert told == [1_000]
    assert pick.offer_look(Look((), 1.0, ()), 4_500) == []
    assert [at_ms for at_ms in range(6_000, 8_000, 100) if pick.offer_look(unread, at_ms)] == [7_000]


def test_a_pass_that_comes_into_focus_is_not_called_unreadable() -> None:
    pick = SteadyPick()
    unread = Look((), 20.0, (), ((0, 0), (9, 0), (9, 9), (0, 9)))
    read = Look((sighting(TEXT),), 1.0, ())
    told: list[Sighting] = []
    for at_ms in range(0, 900, 100):
        told += pick.offer_look(unread, at_ms)
    told += pick.offer_look(read, 900)
    for at_ms in range(1_000, 1_700, 100):
        told += pick.offer_look(unread, at_ms)
    assert texts(told) == [TEXT]


def write(path: Path, frames: list[np.ndarray]) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 30, (1280, 720))
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def test_the_worker_shows_frames_tells_each_sighting_once_and_stops(tmp_path: Path) -> None:
    first, second, empty = lobby(code(text_of(1))), lobby(code(text_of(2))), lobby()
    path = write(tmp_path / "scan.avi", [empty] * 3 + [first] * 12 + [empty] * 3 + [second] * 12 + [empty] * 3)
    camera = Camera(source_of(str(path)))
    told: list[tuple[str, str | None, int]] = []
    shown: list[int] = []
    worker = ScanWorker(
        camera.mailbox(),
        lambda found, frame: told.append((found.text, found.decoder, frame.index)),
        on_frame=lambda frame: shown.append(frame.index),
    )
    worker.start()
    camera.start()
    assert camera._thread is not None
    camera._thread.join(60)
    assert camera.stop()
    assert worker.stop()
    assert not worker.alive
    assert [(text, decoder) for text, decoder, _ in told] == [(text_of(1), "zxing"), (text_of(2), "zxing")]
    assert 3 <= told[0][2] < 15
    assert 18 <= told[1][2] < 30
    assert shown == sorted(set(shown))
    assert worker.frames == len(shown) >= 15
    pace = worker.pace()
    assert pace.frames == worker.frames
    assert 0 < pace.p50_ms <= pace.p95_ms


@pytest.mark.expected_log("scan.callback_failed", reason="the test's callback raises on purpose")
def test_a_callback_that_raises_costs_its_frame_only() -> None:
    from kiosk.camera import Mailbox

    box: Mailbox[Frame] = Mailbox()
    seen, both = [], threading.Event()

    def on_frame(frame: Frame) -> None:
        seen.append(frame.index)
        if frame.index == 0:
            first.set()
            raise RuntimeError("a bug in the preview")
        both.set()

    first = threading.Event()
    worker = ScanWorker(box, lambda *_: None, on_frame=on_frame)
    worker.start()
    box.put(Frame(lobby(), 0, 0))
    assert first.wait(60)
    box.put(Frame(lobby(), 33, 1))
    assert both.wait(60)
    assert worker.stop()
    assert seen == [0, 1]


def test_stages_can_be_switched_off_and_the_rest_still_read() -> None:
    frame = lobby(code())
    for stages, decoder in ((("zbar",), "zbar"), (("opencv",), "opencv"), (("zxing-2x", "nonsense"), "zxing-2x")):
        (seen,) = Decoder(stages=stages).decode(frame)
        assert (seen.text, seen.decoder) == (TEXT, decoder)
        expected = np.array([(76, 236), (256, 236), (256, 416), (76, 416)])
        assert np.abs(np.sort(np.array(seen.corners), axis=0) - np.sort(expected, axis=0)).max() <= 8
    assert Decoder(stages=("nonsense",)).decode(frame)[0].decoder == "zxing", "nobody can switch off all of them"


def test_a_code_nobody_reads_asks_for_the_lens_and_in_the_dark_for_light() -> None:
    torn = lobby(code())
    torn[300:345, 90:260] = 128
    hints: list[Hint] = []
    box: Mailbox[Frame] = Mailbox()
    worker = ScanWorker(box, lambda *_: None, on_hint=hints.append, decoder=Decoder())
    for number, picture_ in enumerate((torn, torn, (torn * 0.2).astype(np.uint8), lobby(code()))):
        worker._one(Frame(picture_, number * 2_000, number))
    assert hints == [Hint.FOCUS, Hint.LIGHT], "at most every three seconds, and not when it reads"


class _Driver:
    """A camera's driver that knows some properties."""

    def __init__(self, *known: int) -> None:
        self.known = known
        self.told: list[tuple[int, float]] = []

    def set(self, name: int, value: float, /) -> bool:
        self.told.append((name, value))
        return name in self.known


def test_a_hint_is_taken_where_the_driver_knows_how() -> None:
    autofocus = ((cv2.CAP_PROP_AUTOFOCUS, 0.0), (cv2.CAP_PROP_AUTOFOCUS, 1.0))
    driver = _Driver(cv2.CAP_PROP_AUTOFOCUS)
    assert helped(driver, autofocus)
    assert driver.told == list(autofocus)
    assert not helped(_Driver(), autofocus)
    assert not source_of("0").help(Hint.FOCUS), "a camera that is not open takes none"
    assert not source_of("nothing.avi").help(Hint.LIGHT)
