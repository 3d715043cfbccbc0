"""The seat-map editor at work, offscreen: opening, drawing, dragging, judging; beside a plain QGraphicsScene of Python items."""

import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from bench.claims import Claim, claim, percentile
from bench.seating import crowd
from classtap_core.seating.boxes import box_of
from classtap_core.seating.formats.native import read_native, write_native
from classtap_core.seating.laying import lay_out
from classtap_core.seating.model import Limits, SeatMap, Spot
from classtap_core.seating.templates import Template

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from classtap_desktop.canvas.editor import Editor

RUNS = 3
SIZE = (1280, 800)
PLAIN = "a plain QGraphicsScene with Python items"
ZOOMS = (0.1, 0.5, 1.0, 2.0, 4.0)
HELD: list[Any] = []


def run() -> list[Claim]:
    """One run of every claim."""
    _application()
    many = crowd(5_000, 140)
    return [*_opening(many), *_drawing(many), *_dragging(many), *_judging(many), *_templates(), *_snapping()]


def _application() -> "QApplication":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    from classtap_desktop.kit import theme

    found: Any = QApplication.instance() or QApplication(sys.argv[:1])
    HELD[:] = [found]
    theme().use(look="light", locale="en")
    return found  # type: ignore[no-any-return]


def _editor(seat_map: SeatMap) -> "Editor":
    from classtap_desktop.canvas.editor import Editor

    editor = Editor(seat_map)
    editor.resize(*SIZE)
    editor.show()
    editor.board.resize(*SIZE)
    _settle(editor)
    return editor


def _settle(editor: "Editor") -> None:
    """Wait until what is shown is judged and drawn."""
    until = time.monotonic() + 20
    while editor.judge.seat_map is not editor.board.shown or editor.judge.busy:
        HELD[0].processEvents()
        if time.monotonic() > until:
            raise RuntimeError("the judge does not answer")
        time.sleep(0.001)
    HELD[0].processEvents()


def _close(editor: "Editor") -> None:
    editor.close_editor()
    editor.close()
    editor.deleteLater()


def _opening(many: SeatMap) -> list[Claim]:
    data = write_native(many)
    started = time.perf_counter()
    editor = _editor(read_native(data))
    editor.board.fit()
    _painted(editor.board)
    spent = (time.perf_counter() - started) * 1_000
    _close(editor)
    plain = _ms(lambda: _scene(many, SIZE))
    return [claim("canvas.open_5000_ms", spent, goal=1_000.0, beside=(PLAIN, plain))]


def _drawing(many: SeatMap) -> list[Claim]:
    """A full repaint of everything, nothing remembered from the one before; once with all names."""
    editor = _editor(many)
    editor.board.fit()

    def anew() -> None:
        editor.board.forget_ground()
        _painted(editor.board)

    anew()
    whole = statistics.median(_ms(anew) for _ in range(15))
    again = statistics.median(_ms(partial(_painted, editor.board)) for _ in range(15))
    editor.board.zoom_to(0.4)
    anew()
    near = statistics.median(_ms(anew) for _ in range(9))
    scene = _scene(many, SIZE)
    plain = statistics.median(_ms(partial(_rendered, scene)) for _ in range(7))
    _close(editor)
    return [
        claim("canvas.repaint_5000_ms", whole, goal=12.0, beside=(PLAIN, plain)),
        claim("canvas.repaint_unchanged_ms", again, goal=12.0),
        claim("canvas.repaint_with_names_ms", near, goal=16.0),
    ]


def _dragging(many: SeatMap) -> list[Claim]:
    """500 selected spots follow the pointer: each frame is a move and a repaint; findings come from the thread."""
    from PySide6.QtCore import QPointF

    editor = _editor(many)
    board, document = editor.board, editor.document
    board.fit()
    ids = [spot.id for spot in many.spots[2_000:2_500]]
    document.select(ids)
    start = board.view.point((many.spots[2_250].x_um, many.spots[2_250].y_um))
    tool: Any = board.home
    tool.press(board.pointer(start))
    frames = []
    for step in range(1, 61):
        at = board.pointer(start + QPointF(4 + step % 40, step % 7))
        frames.append(_ms(partial(_frame, tool, board, at)))
    shown = board.shown
    started = time.perf_counter()
    _settle(editor)
    late = (time.perf_counter() - started) * 1_000
    if editor.judge.seat_map is not shown:
        raise RuntimeError("the last map was not judged")
    tool.cancel()
    _settle(editor)
    single = _single(editor)
    _close(editor)
    scene = _scene(many, SIZE)
    plain = _plain_drag(scene)
    mean = statistics.fmean(frames)
    return [
        claim("canvas.drag_500.mean_fps", 1_000 / mean, goal=60.0, beside=(PLAIN, 1_000 / plain)),
        claim("canvas.drag_500.p95_ms", percentile(frames, 95), goal=33.0),
        claim("canvas.drag_500.violations_after_ms", late, goal=150.0),
        claim("canvas.drag_1.p95_ms", single, goal=50.0),
    ]


def _frame(tool: Any, board: Any, at: Any) -> None:
    tool.move(at, down=True)
    board.grab()


def _single(editor: "Editor") -> float:
    """One spot among 5,000: moved, judged at once, drawn with what is wrong."""
    from PySide6.QtCore import QPointF

    board = editor.board
    spot = board.document.seat_map.spots[1_234]
    editor.document.select([spot.id])
    start = board.view.point((spot.x_um, spot.y_um))
    tool: Any = board.home
    tool.press(board.pointer(start))
    frames = []
    for step in range(1, 31):
        at = board.pointer(start + QPointF(4 + step, 0))
        frames.append(_ms(partial(_frame, tool, board, at)))
    tool.cancel()
    _settle(editor)
    return percentile(frames, 95)


def _judging(many: SeatMap) -> list[Claim]:
    """From a move to findings that the board can show."""
    found = []
    for seat_map, goal in ((crowd(1_000, 32), 16.0), (many, 50.0)):
        editor = _editor(seat_map)
        count = len(seat_map.spots)
        times = []
        for step in range(40):
            spot = seat_map.spots[(step * 97) % count]
            near = replace(spot, x_um=spot.x_um + 150_000 + step * 9_000)
            after = replace(seat_map, spots=tuple(near if one is spot else one for one in seat_map.spots))
            times.append(_ms(partial(editor.judge.look_at, after)))
            if editor.judge.seat_map is not after:
                raise RuntimeError("a single move was not judged at once")
            editor.judge.look_at(seat_map)
        found.append(claim(f"canvas.violation_at_{count}.p95_ms", percentile(times, 95), goal=goal))
        _close(editor)
    return found


def _templates() -> list[Claim]:
    """The library with its pictures; 100 items placed; a parameter changed on 500."""
    from PySide6.QtWidgets import QWidget

    from classtap_desktop.canvas.dialogs.templates import TemplateDialog
    from classtap_desktop.canvas.reading import shipped

    editor = _editor(crowd(10, 5))
    over = QWidget()
    over.resize(*SIZE)
    over.show()
    work: Any = _Nobody()

    def library() -> TemplateDialog:
        dialog = TemplateDialog(over, editor, work, (shipped(), ()))
        dialog.open()
        over.grab()
        return dialog

    opened = _ms(library)
    dialog = library()
    mat: Template = next(one for one in shipped() if one.id == "mat")
    dialog.choose(mat)
    dialog.size_by("own")
    for name, value in (("mats.rows", 20), ("mats.columns", 25)):
        dialog.set_value(name, value)

    def changed(step: int) -> None:
        dialog.set_value("mats.gap_side_um", 700_000 + step * 10_000)
        dialog.grab()

    times = [_ms(partial(changed, step)) for step in range(7)]
    hundred = lay_out(mat, {"mats.rows": 10, "mats.columns": 10}, seed="bench")
    rest = replace(hundred, name="bench")

    def placed() -> None:
        made = lay_out(mat, {"mats.rows": 10, "mats.columns": 10}, seed="bench")
        editor.document.do("template", made, select=())
        editor.board.fit()
        _painted(editor.board)

    first = _ms(placed)
    _settle(editor)
    editor.document.do("template", rest, select=())
    _close(editor)
    over.close()
    return [
        claim("canvas.library_ms", opened, goal=500.0),
        claim("canvas.template_placed_100_ms", first, goal=150.0),
        claim("canvas.parameter_on_500_ms", statistics.median(times), goal=100.0),
    ]


class _Nobody:
    """A work that nobody does: what the library asks of it."""

    class opened:
        room = "bench"
        based_on = 0


def _snapping() -> list[Claim]:
    """The largest error in pixels of real drags onto grid crossings and onto guides, over all zooms."""
    from PySide6.QtCore import QPointF

    few = crowd(10, 5)
    editor = _editor(replace(few, zones=(), limits=Limits(), spots=few.spots[:2]))
    board = editor.board
    spot, other = editor.document.seat_map.spots
    tool: Any = board.home
    worst = 0.0
    for zoom in ZOOMS:
        board.zoom_to(zoom)
        px = board.view.um_per_px
        board.grid_um = round(40 * px)
        for step in range(-7, 8):
            for guides in (False, True):
                board.guides, board.snap = guides, not guides
                node = (
                    (spot.x_um // board.grid_um + 3) * board.grid_um,
                    (spot.y_um // board.grid_um + 3) * board.grid_um,
                )
                wanted = (other.x_um, spot.y_um + round(300 * px)) if guides else node
                editor.document.select([spot.id])
                start = board.view.point((spot.x_um, spot.y_um))
                tool._pressed, tool._on = board.pointer(start), spot.id
                at = board.view.point(wanted) + QPointF(step, 0)
                tool.move(board.pointer(at), down=True)
                moved = board.shown.spots[0]
                if guides:  # some line of the moved spot lies on some line of the other
                    lines = [(one, two) for one in _lines(moved, few) for two in _lines(other, few)]
                    worst = max(worst, min(abs(one - two) for one, two in lines) / px)
                else:
                    worst = max(worst, abs(moved.x_um - wanted[0]) / px, abs(moved.y_um - wanted[1]) / px)
                tool.cancel()
    _close(editor)
    return [claim("canvas.snap.worst_error_px", worst, goal=1.0)]


def _lines(spot: Spot, seat_map: SeatMap) -> tuple[float, float, float]:
    box = box_of(spot, seat_map)
    return box.left, (box.left + box.right) / 2, box.right


# --- the plain way, for comparison


def _scene(seat_map: SeatMap, size: tuple[int, int]) -> Any:
    """What a first try would be: one QGraphicsItem a spot, painted in Python."""
    from PySide6.QtCore import QRectF
    from PySide6.QtGui import QColor, QPainter, QPen
    from PySide6.QtWidgets import QGraphicsItem, QGraphicsScene, QGraphicsView, QStyleOptionGraphicsItem, QWidget

    class SpotItem(QGraphicsItem):
        def __init__(self, wide: float, long: float) -> None:
            super().__init__()
            self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIsSelectable)
            self._box = QRectF(-wide / 2, -long / 2, wide, long)

        def boundingRect(self) -> QRectF:
            return self._box

        def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
            painter.setPen(QPen(QColor("#0B655D"), 1))
            painter.setBrush(QColor("#E0E9F8"))
            painter.drawRoundedRect(self._box, 4, 4)

    type = seat_map.types[0]
    scene = QGraphicsScene(0, 0, seat_map.room.width_um / 10_000, seat_map.room.length_um / 10_000)
    for spot in seat_map.spots:
        item = SpotItem(type.width_um / 10_000, type.length_um / 10_000)
        item.setPos(spot.x_um / 10_000, spot.y_um / 10_000)
        scene.addItem(item)
    view = QGraphicsView(scene)
    scene.setParent(view)
    view.setRenderHint(QPainter.RenderHint.Antialiasing)
    view.resize(*size)
    view.fitInView(scene.sceneRect())
    view.show()
    return view


def _rendered(view: Any) -> None:
    view.viewport().grab()


def _plain_drag(view: Any) -> float:
    items = view.scene().items()[2_000:2_500]
    times = []
    for step in range(20):

        def frame(step: int = step) -> None:
            for item in items:
                item.moveBy(1 if step % 2 else -1, 0)
            _rendered(view)

        times.append(_ms(frame))
    return statistics.fmean(times)


def _painted(board: Any) -> None:
    board.grab()


def _ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1_000
