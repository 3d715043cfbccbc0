"""The kiosk without a window: every frame of a file or folder, one JSON line a sighting."""

from collections.abc import Callable, Iterable
from typing import Any

from classtap_core.kernel.ids import Id
from kiosk import showing
from kiosk.camera import Camera, Frame, every_frame
from kiosk.decoding import Decoder, Look, Purse, Sighting, SteadyPick
from kiosk.door import Door, Marked, Said, Sighted
from kiosk.sources import Source

Print = Callable[[dict[str, Any]], None]


def watch(door: Door, source: Source, say: Print, *, mark: str = "", realtime: bool = False) -> None:
    """Play a source to its end; `say` gets one dict for each sighting.

    With `mark` every child on a board that has no state yet, and may, is marked so: one operation a session. With
    `realtime` frames come as fast as they were taken, and late ones are passed over.
    """
    decoder = Decoder(purse=Purse() if realtime else None)
    pick = SteadyPick()
    for frame in _frames(source, realtime=realtime):
        look = decoder.look(frame.picture)
        for sighting in pick.offer_look(look, frame.at_ms):
            say(_seen(door, sighting, look, frame.index, mark))


def _frames(source: Source, *, realtime: bool) -> Iterable[Frame]:
    if not realtime:
        yield from every_frame(source)
        return
    camera = Camera(source)
    box = camera.mailbox()
    camera.start()
    try:
        while (frame := box.take()) is not None:
            yield frame
    finally:
        camera.stop()


def _seen(door: Door, sighting: Sighting, look: Look, frame: int, mark: str) -> dict[str, Any]:
    if sighting.decoder is None:
        unread = showing.unread(decode_ms=look.ms, frame=frame)
        return {**unread, "marked": [], "commit_ms": 0.0} if mark else unread
    sighted = door.scan(sighting.text, decode_us=int(look.ms * 1000), trace=f"frame {frame}").result()
    found = showing.line(sighted, decoder=sighting.decoder, decode_ms=look.ms, frame=frame)
    if mark:
        marks = mark_all(door, sighted, mark)
        found["marked"] = showing.marked(marks)
        found["commit_ms"] = round(sighted.commit_ms + sum(one.commit_ms for _, one in marks), 3)
    return found


def mark_all(door: Door, sighted: Sighted, state: str) -> list[tuple[str, Marked]]:
    """Mark every child of a board that has no state yet, session by session."""
    done: list[tuple[str, Marked]] = []
    for group in sighted.board.groups if sighted.board else ():
        said = [Said(Id(child.child), state) for child in group.children if child.state.value == "none"]
        if said:
            session = group.card.session.id
            done.append((session, door.mark(Id(sighted.family), session, said, scan=sighted.scan).result()))
    return done
