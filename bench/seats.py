"""Seat maps in a real cloud: a publish over 200 classes, a preset, a page of seats; and the template library drawn."""

import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from msgspec.structs import replace

from bench.claims import Claim, claim
from classtap_core import house
from classtap_core.kernel.authority import CloudDraft, Ledger
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Payload
from classtap_core.schedule.operations import AddClass, AddInstructor, AddLocation, AddRoom, AddSessions, Planned
from classtap_core.seating import drawing
from classtap_core.seating.documents import packed
from classtap_core.seating.formats.native import read_json
from classtap_core.seating.formats.svg import write_svg
from classtap_core.seating.laying import lay_out
from classtap_core.seating.numbering import Numbering, number
from classtap_core.seating.operations import SaveDraft
from classtap_core.seating.presets import SavePreset
from classtap_core.seating.publishing import PublishSeatMap
from classtap_core.seating.templates import Template, read_template
from cloud.composition import Cloud, open_cloud
from cloud.pages.seats import SeatPages

FOLDER = Path("resources/seatmaps")
CLASSES = 200
STUDIO, OWNER, MAIN, ROOM, KIND, TEACHER, DRAFT = (
    derived("bench.seats", name) for name in ("studio", "owner", "main", "room", "kind", "teacher", "draft")
)


def run() -> list[Claim]:
    """One run in a cloud of its own on SQLite, durable writes and all."""
    with tempfile.TemporaryDirectory() as folder:
        cloud = open_cloud(Path(folder), house.bus(authority=True))
        try:
            return [_library(), *_published(cloud)]
        finally:
            cloud.close()


def _library() -> Claim:
    """Every template read, laid out and drawn small, as the library shows it."""

    def draw() -> None:
        for file in sorted(FOLDER.glob("*.json")):
            laid = lay_out(_template(file.stem), {}, seed="library")
            write_svg(laid, page=drawing.cropped(drawing.sheet(laid, scale=200)))

    return claim("seatmap.library.drawn_ms", _ms(draw), goal=500.0)


def _published(cloud: Cloud) -> list[Claim]:
    sessions = _founded(cloud)
    seat_map = number(lay_out(_template("cycling"), {}, seed="bench"), Numbering(alias="Bike {n}"))
    revision = _say(cloud, SaveDraft(draft=DRAFT, room=ROOM, location=MAIN, name="Bikes", document=packed(seat_map)))
    asked = PublishSeatMap(
        draft=DRAFT, revision=revision.link.operation, room=ROOM, location=MAIN, head=0, sessions=sessions
    )
    published = _ms(lambda: _say(cloud, asked))
    again = replace(asked, head=1)
    empty = _ms(lambda: cloud.studios.authority(STUDIO).author_all(_device(cloud), [_draft(again)]))
    text = (FOLDER / "cycling.json").read_text(encoding="utf-8").replace('"name": "Cycling room"', '"name": "Ours"')
    preset = read_template(read_json(text.encode()))
    saved = _ms(lambda: _say(cloud, SavePreset(name=preset.name, template=text)))
    pages = SeatPages(cloud.studios)
    first = _ms(lambda: pages.page(STUDIO, sessions[0]))
    states = min(_ms(lambda: pages.states(STUDIO, sessions[0])) for _ in range(10))
    beside = ("the same again, refused", empty)
    return [
        claim("seatmap.publish.200_classes_committed_ms", published, goal=2_000.0, beside=beside),
        claim("seatmap.preset.committed_ms", saved, goal=5_000.0),
        claim("seatmap.page.first_read_ms", first, goal=300.0),
        claim("seatmap.page.states_read_ms", states, goal=50.0),
    ]


def _founded(cloud: Cloud) -> tuple[Id, ...]:
    cloud.studios.found("Bench", id=STUDIO, owner=OWNER, owner_name="Olga")
    tomorrow = date.fromtimestamp(cloud.clock.now().corrected / 1000) + timedelta(days=2)  # noqa: DTZ012 - any day to come
    days = [(tomorrow + timedelta(days=day)).isoformat() for day in range(CLASSES)]
    sessions = tuple(derived("bench.session", day) for day in days)
    planned = tuple(
        Planned(
            session=session, class_type=KIND, room=ROOM, instructor=TEACHER, start=f"{day}T09:00", duration_min=45,
            capacity=10,
        )
        for session, day in zip(sessions, days, strict=True)
    )  # fmt: skip
    for payload in (
        AddLocation(location=MAIN, name="Main", zone="Europe/Madrid"),
        AddRoom(room=ROOM, location=MAIN, name="Blue", capacity=60),
        AddClass(class_type=KIND, name="Cycling", audience="adults"),
        AddInstructor(instructor=TEACHER, name="Tom"),
        AddSessions(location=MAIN, items=planned),
    ):
        _say(cloud, payload)
    return sessions


def _template(name: str) -> Template:
    return read_template(read_json((FOLDER / f"{name}.json").read_bytes()))


def _say(cloud: Cloud, payload: Payload) -> Ledger:
    (ledger,) = cloud.studios.authority(STUDIO).author_all(_device(cloud), [_draft(payload)])
    if not ledger.link.outcome.stands:
        raise RuntimeError(f"not taken: {ledger.link.outcome}")
    return ledger


def _draft(payload: Payload) -> CloudDraft:
    return CloudDraft(payload, Author(type="staff", id=OWNER), "bench")


def _device(cloud: Cloud) -> Id:
    return cloud.studios.studio(STUDIO).cloud_device


def _ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1_000
