"""Camera sources on real files, folders and a loopback stream: order, pace, faults as states, and a clean stop."""

import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from kiosk.camera import BACKOFF_S, Camera, CameraState, Code, Frame, Mailbox, devices, every_frame, source_of
from kiosk.sources import DeviceSource, FileSource, FolderSource, StreamSource

FRAMES = 24
FPS = 30


def picture(number: int) -> np.ndarray:
    """A picture that says its number in bars, so that a frame can be told from its neighbours after JPEG."""
    shown = np.full((120, 320, 3), 30, np.uint8)
    for bit in range(8):
        if number >> bit & 1:
            shown[20:100, bit * 40 + 6 : bit * 40 + 34] = 220
    shown[:8] = 255
    return shown


def number_of(shown: np.ndarray) -> int:
    return sum(1 << bit for bit in range(8) if shown[60, bit * 40 + 20].mean() > 128)


def write_video(path: Path, pictures: list[np.ndarray]) -> Path:
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), FPS, (width, height))
    for shown in pictures:
        writer.write(shown)
    writer.release()
    return path


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "lobby.avi", [picture(number) for number in range(FRAMES)])


class Told:
    """The states a camera told, and a way to wait for one."""

    def __init__(self) -> None:
        self.states: list[CameraState] = []
        self._changed = threading.Condition()

    def __call__(self, state: CameraState) -> None:
        with self._changed:
            self.states.append(state)
            self._changed.notify_all()

    @property
    def codes(self) -> list[Code]:
        return [state.code for state in self.states]

    def wait(self, wanted: Callable[[list[Code]], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: wanted(self.codes), 20), self.codes


class Watch:
    """A clock and the pause that goes with it: waiting takes no time but moves the clock."""

    def __init__(self, *, each_look_s: float = 0.0) -> None:
        self.now = 100.0
        self.waited: list[float] = []
        self._each_look_s = each_look_s

    def clock(self) -> float:
        self.now += self._each_look_s
        return self.now

    def pause(self, stopping: threading.Event, seconds: float) -> bool:
        self.waited.append(seconds)
        self.now += seconds
        return stopping.is_set()


def drain(box: Mailbox[Frame]) -> Iterator[Frame]:
    while (frame := box.take(20)) is not None:
        yield frame


def test_every_frame_of_a_file_comes_in_order_with_its_media_time(video: Path) -> None:
    told = Told()
    frames = list(every_frame(source_of(str(video)), on_state=told))
    assert [number_of(frame.picture) for frame in frames] == list(range(FRAMES))
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert [frame.at_ms for frame in frames[:4]] == [0, 33, 67, 100]  # thirtieths of a second, rounded
    assert told.codes == [Code.LIVE, Code.ENDED]
    assert told.states[-1].params["frames"] == FRAMES


def test_a_folder_goes_by_name_and_a_broken_image_keeps_its_number(tmp_path: Path) -> None:
    for number, name in ((2, "c.png"), (0, "a.jpg"), (3, "d.bmp")):
        cv2.imwrite(str(tmp_path / name), picture(number))
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "b.jpg").write_bytes(whole[: len(whole) // 3])
    (tmp_path / "notes.txt").write_text("no picture")
    told = Told()
    frames = list(every_frame(source_of(str(tmp_path)), on_state=told))
    assert [(frame.index, number_of(frame.picture)) for frame in frames] == [(0, 0), (2, 2), (3, 3)]
    assert told.codes == [Code.LIVE, Code.UNREADABLE, Code.LIVE, Code.ENDED]
    assert told.states[1].params["file"] == "b.jpg"


def test_a_single_image_is_a_source(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "one.png"), picture(77))
    assert [number_of(frame.picture) for frame in every_frame(source_of(str(tmp_path / "one.png")))] == [77]


def test_a_truncated_file_gives_what_it_has_and_says_so(video: Path) -> None:
    data = video.read_bytes()
    video.write_bytes(data[: len(data) // 2])
    told = Told()
    frames = list(every_frame(source_of(str(video)), on_state=told))
    assert 4 < len(frames) < FRAMES - 4
    assert [number_of(frame.picture) for frame in frames] == list(range(len(frames)))
    assert told.states[-1] == CameraState(
        Code.TRUNCATED, {"source": str(video), "frames": len(frames), "stated": FRAMES}
    )


@pytest.mark.parametrize(
    ("content", "code"),
    [(None, Code.NO_CAMERA), (b"", Code.UNREADABLE), (b"RIFF\0\0\0\0AVI LIST", Code.UNREADABLE)],
)
def test_a_missing_or_broken_file_is_a_state(
    tmp_path: Path, content: bytes | None, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken.avi"
    if content is not None:
        path.write_bytes(content)
    told = Told()
    assert list(every_frame(source_of(str(path)), on_state=told)) == []
    assert told.codes == [code]
    assert capfd.readouterr().err == ""


def test_an_empty_folder_is_no_camera(tmp_path: Path) -> None:
    told = Told()
    assert list(every_frame(source_of(str(tmp_path)), on_state=told)) == []
    assert told.codes == [Code.NO_CAMERA]


def test_a_file_replaced_while_it_plays_plays_to_its_end(video: Path, tmp_path: Path) -> None:
    told = Told()
    frames = every_frame(source_of(str(video)), on_state=told)
    first = [next(frames) for _ in range(5)]
    write_video(tmp_path / "other.avi", [picture(200)] * 3)
    os.replace(tmp_path / "other.avi", video)
    rest = list(frames)
    assert [number_of(frame.picture) for frame in (*first, *rest)] == list(range(FRAMES))
    assert told.codes[-1] is Code.ENDED


def test_a_file_overwritten_in_place_ends_without_raising(tmp_path: Path) -> None:
    path = write_video(tmp_path / "long.avi", [picture(number % 256) for number in range(400)])
    told = Told()
    frames = every_frame(source_of(str(path)), on_state=told)
    taken = [next(frames) for _ in range(5)]
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 10)
        file.write(os.urandom(size // 3))
        file.truncate()
    taken += list(frames)
    assert 5 < len(taken) < 400
    assert told.codes[-1] in (Code.TRUNCATED, Code.ENDED)


def test_a_file_plays_by_its_media_clock(video: Path) -> None:
    watch, told = Watch(), Told()
    camera = Camera(source_of(str(video)), on_state=told, clock=watch.clock, pause=watch.pause)
    seen: list[Frame] = []
    box = camera.mailbox()
    reader = threading.Thread(target=lambda: seen.extend(drain(box)))
    reader.start()
    camera.start()
    told.wait(lambda codes: Code.ENDED in codes)
    reader.join(60)
    assert camera.stop()
    # Frame n is due n thirtieths of a second after the start.
    assert sum(watch.waited) == pytest.approx(FRAMES / FPS, abs=0.04)
    assert camera.frames == FRAMES
    assert seen[-1].index == FRAMES - 1
    assert seen[-1].at_ms == round((FRAMES - 1) * 1000 / FPS)


def test_a_slow_machine_passes_frames_over_and_keeps_media_time(video: Path) -> None:
    watch, told = Watch(each_look_s=0.05), Told()
    camera = Camera(source_of(str(video)), on_state=told, clock=watch.clock, pause=watch.pause)
    seen: list[Frame] = []
    put = Mailbox.put
    box = camera.mailbox()
    box.put = lambda frame: (seen.append(frame), put(box, frame))[1]  # type: ignore[method-assign]
    camera.start()
    told.wait(lambda codes: Code.ENDED in codes)
    assert camera.stop()
    assert camera.skipped >= 5
    assert camera.frames + camera.skipped == FRAMES
    assert [number_of(frame.picture) for frame in seen] == [frame.index for frame in seen]
    assert [frame.at_ms for frame in seen] == [round(frame.index * 1000 / FPS) for frame in seen]


def test_a_file_can_play_again_and_its_media_time_goes_on(video: Path) -> None:
    watch, enough = Watch(), threading.Event()
    camera = Camera(source_of(str(video)), again=True, clock=watch.clock, pause=watch.pause)
    seen: list[tuple[int, int]] = []
    box = camera.mailbox()

    def read() -> None:
        for frame in drain(box):
            seen.append((frame.index, frame.at_ms))
            if frame.index > FRAMES * 2:
                enough.set()

    reader = threading.Thread(target=read)
    reader.start()
    camera.start()
    assert enough.wait(60)
    assert camera.stop()
    reader.join(60)
    assert camera.state.code is Code.STOPPED
    assert all(later > earlier for (_, earlier), (_, later) in pairwise(seen))
    assert all(at_ms == round(index * 1000 / FPS) for index, at_ms in seen)


def test_the_mailbox_keeps_only_the_latest() -> None:
    box: Mailbox[int] = Mailbox()
    for item in range(1, 6):
        box.put(item)
    assert (box.take(), box.dropped) == (5, 4)
    assert box.take(0) is None
    box.put(6)
    box.close()
    box.put(7)
    assert (box.take(), box.take(), box.dropped) == (6, None, 4)


def test_without_a_camera_it_says_so_and_keeps_trying_with_longer_waits(capfd: pytest.CaptureFixture[str]) -> None:
    watch, told = Watch(), Told()
    camera = Camera(source_of("63"), on_state=told, clock=watch.clock, pause=watch.pause)
    camera.start()
    told.wait(lambda codes: len(codes) >= 8)
    assert camera.stop()
    assert told.states[0].code is Code.NO_CAMERA
    assert [state.params["attempt"] for state in told.states[:8]] == list(range(1, 9))
    assert tuple(watch.waited[:5]) == BACKOFF_S
    assert set(watch.waited[5:]) == {BACKOFF_S[-1]}
    assert told.codes[-1] is Code.STOPPED
    assert capfd.readouterr().err == ""


def test_stop_wakes_a_camera_that_waits_to_try_again() -> None:
    told = Told()
    camera = Camera(source_of("63"), on_state=told)  # the real clock and the real wait
    box = camera.mailbox()
    camera.start()
    told.wait(lambda codes: Code.NO_CAMERA in codes)
    assert camera.stop(timeout_s=5)
    assert box.take() is None


def test_a_covered_lens_is_told_and_taken_back(tmp_path: Path) -> None:
    black = np.zeros((120, 320, 3), np.uint8)
    path = write_video(tmp_path / "covered.avi", [picture(1)] * 3 + [black] * 40 + [picture(2)] * 3)
    told = Told()
    frames = list(every_frame(source_of(str(path)), on_state=told))
    assert len(frames) == 46  # a black frame is still a frame
    assert told.codes == [Code.LIVE, Code.BLANK, Code.LIVE, Code.ENDED]


class _Stream(ThreadingHTTPServer):
    """A network camera: Motion JPEG over HTTP on loopback, that can be unplugged in the middle of a frame."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Answer)
        self.unplugged = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self._thread.start()

    def unplug(self) -> None:
        self.unplugged.set()
        self.shutdown()
        self.server_close()
        self._thread.join(60)


class _Answer(BaseHTTPRequestHandler):
    server: _Stream

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        data = cv2.imencode(".jpg", picture(90))[1].tobytes()
        part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(data), data)
        try:
            while not self.server.unplugged.wait(0.004):
                self.wfile.write(part)
            self.wfile.write(part[: len(part) // 2])
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None: ...


def test_a_camera_unplugged_while_it_runs_comes_back_by_itself() -> None:
    server, told = _Stream(), Told()
    port, back = server.server_port, threading.Event()

    def pause(stopping: threading.Event, seconds: float) -> bool:
        back.wait(60)  # nobody waits for real: trying again begins when the camera is plugged in again
        return stopping.is_set()

    camera = Camera(source_of(f"http://127.0.0.1:{port}/"), on_state=told, pause=pause)
    box = camera.mailbox()
    camera.start()
    first = box.take(20)
    assert first is not None
    assert number_of(first.picture) == 90
    server.unplug()
    told.wait(lambda codes: Code.UNPLUGGED in codes)
    server = _Stream(port)
    back.set()
    told.wait(lambda codes: codes[-1] is Code.LIVE and Code.UNPLUGGED in codes)
    while box.take(0) is not None:
        pass
    again = box.take(20)
    assert again is not None
    assert again.at_ms > first.at_ms
    assert camera.stop()
    server.unplug()
    assert box.take() is None or box.take() is None


def test_what_a_person_types_names_the_source(tmp_path: Path) -> None:
    assert isinstance(source_of("0"), DeviceSource)
    assert isinstance(source_of("/dev/video2"), DeviceSource)
    assert isinstance(source_of("rtsp://camera.local/1"), StreamSource)
    assert isinstance(source_of(str(tmp_path)), FolderSource)
    assert isinstance(source_of(str(tmp_path / "a.JPG")), FolderSource)
    assert isinstance(source_of(str(tmp_path / "a.avi")), FileSource)


def test_devices_are_looked_for_without_noise(capfd: pytest.CaptureFixture[str]) -> None:
    assert all(isinstance(index, int) and isinstance(name, str) for index, name in devices(most=2))
    assert capfd.readouterr().err == ""
