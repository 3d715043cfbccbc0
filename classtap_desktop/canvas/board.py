"""The drawing board: a room to scale that is looked at, pointed at and drawn on. It changes nothing by itself."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QPointingDevice,
    QResizeEvent,
    QTabletEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from classtap_core.seating.boxes import Box, around, united
from classtap_core.seating.geometry.polygons import contains, point_distance
from classtap_core.seating.geometry.turning import zone_corners
from classtap_core.seating.model import Path, PointUm, SeatMap, Spot, Zone
from classtap_core.seating.validation.findings import Violation
from classtap_desktop.canvas import edits, scenery
from classtap_desktop.canvas.crowd import Crowd, Kind
from classtap_desktop.canvas.document import Document
from classtap_desktop.canvas.edits import Item, layer_of
from classtap_desktop.canvas.judge import Judge
from classtap_desktop.canvas.minimap import Minimap
from classtap_desktop.canvas.sprites import Sprites, draw_spot
from classtap_desktop.canvas.tools.tool import Pointer, Tool
from classtap_desktop.canvas.touching import Touching
from classtap_desktop.canvas.viewport import TICK, Viewport
from classtap_desktop.kit import theme
from classtap_desktop.kit.focus import KeyboardRing

RULER_PX = 22
LABEL_LEAST_PX = 17
REACH_PX = 6


class Board(KeyboardRing, QWidget):
    """Attributes: ``view``, ``tool``, ``snap`` and ``guides`` (whether things snap), ``grid_um``, ``crowd``,
    ``shown`` (the map as it is drawn: the document's, or what a drag makes of it), ``pictured`` (the underlay).

    Signals: ``pointed(place)``, ``viewed`` when zoom or place changed, ``told(code, params)`` for a sentence about
    what was just refused, ``asked`` when the selection's form is wanted, ``dropped(code, place)`` for a thing of the
    shelf, ``tooled`` when another tool is in hand.
    """

    pointed = Signal(object)
    viewed = Signal()
    told = Signal(str, object)
    asked = Signal()
    dropped = Signal(str, object)
    tooled = Signal()

    def __init__(self, document: Document, judge: Judge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document, self.judge = document, judge
        self.view = Viewport()
        self.snap = self.guides = self.minimap = True
        self.grid_um = 100_000
        self.shown: SeatMap = document.seat_map
        self.crowd = Crowd(self.shown)
        self.pictured: QPixmap | None = None
        self.tool: Tool = Tool(self)
        self.home: Tool = self.tool
        self._moving: frozenset[str] = frozenset()
        self._sprites = Sprites()
        self._ground: QPixmap | None = None
        self._ground_of: tuple[object, ...] = ()
        self._labels: dict[tuple[str, int], float] = {}
        self._fit_next = True
        self._small = Minimap()
        self._base: SeatMap | None = None
        self._panning: QPointF | None = None
        self._space = False
        self._touching = Touching(self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.setAttribute(Qt.WidgetAttribute.WA_AcceptTouchEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(QSize(240, 200))
        document.changed.connect(self._changed)
        document.selected.connect(self.update)
        judge.judged.connect(lambda _map, _found: self.update())
        theme().changed.connect(self._dress)

    # --- what is seen

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What is wrong with what is shown, as far as it is known."""
        return self.judge.violations

    def look(self, view: Viewport) -> None:
        """Show another part of the room."""
        if view != self.view:
            self.view = view
            self._fit_next = False
            self.update()
            self.viewed.emit()

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom in or out around a point, or around the middle."""
        self.look(self.view.zoomed(self.view.zoom * factor, at or self._middle()))

    def zoom_to(self, zoom: float) -> None:
        """Zoom to a share of 1 around the middle."""
        self.look(self.view.zoomed(zoom, self._middle()))

    def fit(self, box: Box | None = None) -> None:
        """Show the whole room, or a box of it."""
        box = box or self.room_box()
        edge = RULER_PX + 26
        area = QRectF(self.rect()).adjusted(edge, edge, -26, -30)
        if area.width() > 20 and area.height() > 20:
            self.look(self.view.fitted(box, area))

    def fit_on_resize(self) -> None:
        """Show the whole room, also once the board has its size."""
        self.fit()
        self._fit_next = True

    def show_items(self, ids: Iterable[str]) -> None:
        """Bring things into view, zooming so that they can be seen well."""
        box = edits.box_around(self.shown, ids)
        if box is None:
            return
        room = max(box.width, box.height, 1_500_000)
        self.fit(Box(box.left - room, box.top - room, box.right + room, box.bottom + room))

    def room_box(self) -> Box:
        """The box around the room and everything in it."""
        boxes = [around(self.shown.room.corners())]
        if len(self.crowd.xs):
            found = self.crowd.boxes()
            boxes.append(Box(*(int(v) for v in (*found[:, :2].min(axis=0), *found[:, 2:].max(axis=0)))))
        return united(boxes)

    def _middle(self) -> QPointF:
        return QPointF(self.width() / 2, self.height() / 2)

    def middle_place(self) -> PointUm:
        """The place in the middle of what is seen."""
        return self.view.place(self._middle())

    # --- what is under the pointer

    def item_at(self, place: PointUm) -> Item | None:
        """The uppermost thing under a point that can be selected."""
        locked = edits.locked_layers(self.shown)
        reach = round(REACH_PX * self.view.um_per_px)
        spot = self.crowd.at(place)
        if spot is not None and layer_of(spot) not in locked:
            return spot
        thin: list[Item] = [*self.shown.paths, *self.shown.zones]
        for item in reversed(thin):
            if layer_of(item) not in locked and _touches(item, place, reach):
                return item
        near = self.crowd.at(place, reach)
        return near if near is not None and layer_of(near) not in locked else None

    def items_in(self, box: Box) -> list[str]:
        """The things a marquee touches, locked ones aside (catalogue 15: intersects)."""
        found = [self.crowd.spots[at].id for at in self.crowd.within(box)]
        rest: list[Item] = [*self.shown.zones, *self.shown.paths]
        found += [item.id for item in rest if _meets(edits.item_box(item, self.shown), box)]
        free = {item.id for item in edits.free_to_change(self.shown, found)}
        return [id for id in found if id in free]

    # --- what a drag shows before it is a step

    def preview(
        self, seat_map: SeatMap | None, moving: Iterable[str] = (), *, spots: Iterable[Spot] | None = None
    ) -> None:
        """Show a map that is not the document's yet, and have it judged; None goes back. ``spots`` are all that are
        elsewhere than in what is shown, where the caller knows them."""
        if seat_map is None:
            self._moving = frozenset()
        elif not self._moving:
            self._moving = frozenset(moving)
        self.shown = seat_map if seat_map is not None else self.document.seat_map
        if spots is None:
            self.crowd.follow(self.shown)
        else:
            self.crowd.put(self.shown, spots)
        self.judge.look_at(self.shown)
        self.update()

    @property
    def previewing(self) -> bool:
        """Whether something is shown that is not the document's."""
        return self.shown is not self.document.seat_map

    def use(self, tool: Tool) -> None:
        """Take another tool."""
        if tool is not self.tool:
            self.tool.leave()
            self.tool = tool
            self.setCursor(tool.cursor)
            self.update()
            self.tooled.emit()

    def _changed(self, _before: SeatMap, after: SeatMap) -> None:
        self.shown, self._moving = after, frozenset()
        self.crowd.follow(after)
        self.judge.look_at(after)
        self.update()

    def _dress(self) -> None:
        self._sprites.clear()
        self._ground = None
        self._labels.clear()
        self.update()

    def forget_ground(self) -> None:
        """Draw everything anew: the underlay is another."""
        self._ground = None
        self.update()

    # --- drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self.draw(painter)
        painter.end()

    def draw(self, painter: QPainter) -> None:
        """Draw the whole board."""
        inks = scenery.Inks()
        hurt = frozenset(item for one in self.violations for item in one.items)
        still = self._still(inks)
        painter.drawPixmap(0, 0, still)
        chosen = frozenset(self.document.selection)
        self._draw_marked(painter, inks, chosen, hurt)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.tool.paint(painter)
        scenery.draw_rulers(painter, self.shown, self.view, inks, QRectF(self.rect()), RULER_PX)
        if self.minimap:
            self._small.draw(
                painter, self.size(), step=self.document.seat_map, shown=self.shown, crowd=self.crowd, room=self.room_box(),
                seen=self.view.seen(self.width(), self.height()), inks=inks, ratio=self.devicePixelRatioF(),
            )  # fmt: skip
        else:
            self._small.hide()
        self.paint_ring(painter, QRectF(self.rect()), radius=4)

    def _still(self, inks: scenery.Inks) -> QPixmap:
        """What does not change while something is dragged or selected, drawn once."""
        ratio = self.devicePixelRatioF()
        base = self.document.seat_map if self._moving else self.shown
        key = (id(base), self.view, self.size(), ratio, self._moving, self.grid_um, self.snap)
        if self._ground is not None and self._ground_of == key:
            return self._ground
        self._base = base  # kept, so that its id is not given to another map
        if self._ground is None or self._ground.size() != self.size() * ratio:
            self._ground = QPixmap(self.size() * ratio)
            self._ground.setDevicePixelRatio(ratio)
        self._ground.fill(inks.page)
        painter = QPainter(self._ground)
        area = QRectF(self.rect())
        scenery.draw_room(painter, base, self.view, inks)
        if base.background is not None and self.pictured is not None:
            scenery.draw_underlay(painter, base.background, self.pictured, self.view)
        if self.snap:
            scenery.draw_grid(painter, base, self.view, inks, self.grid_um, area)
        scenery.draw_zones(painter, base, self.view, inks, skip=self._moving)
        self._draw_spots(painter)
        painter.end()
        self._ground_of = key
        return self._ground

    def _draw_spots(self, painter: QPainter) -> None:
        """Every spot that is seen and not moving, then their names."""
        seen = self.view.seen(self.width(), self.height())
        places = self.crowd.within(seen)
        if self._moving:
            moving = {self.crowd.place[id] for id in self._moving if id in self.crowd.place}
            places = places[[at not in moving for at in places.tolist()]] if len(places) else places
        view, ratio = self.view, self.devicePixelRatioF()
        pictures = [
            self._sprites.picture(kind.type, kind.mdeg, kind.face, zoom=view.zoom, ratio=ratio)
            for kind in self.crowd.kinds
        ]
        scale = view.um_per_px
        xs = ((self.crowd.xs[places] - view.left) / scale).tolist()
        ys = ((self.crowd.ys[places] - view.top) / scale).tolist()
        which = self.crowd.which[places].tolist()
        draw = painter.drawPixmap
        large = []
        for x, y, kind in zip(xs, ys, which, strict=True):
            found = pictures[kind]
            if found is None:
                large.append((x, y, kind))
            else:
                image, dx, dy = found
                draw(round(x - dx), round(y - dy), image)
        for x, y, kind in large:
            self._draw_large(painter, x, y, self.crowd.kinds[kind])
        fits = self._names_fit()
        self._draw_names(
            painter, [self.crowd.spots[at] for at, kind in zip(places.tolist(), which, strict=True) if fits[kind]]
        )

    def _draw_large(self, painter: QPainter, x: float, y: float, kind: Kind) -> None:
        painter.save()
        painter.translate(x, y)
        draw_spot(painter, kind.type, kind.mdeg, kind.face, zoom=self.view.zoom)
        painter.restore()

    def _names_fit(self) -> list[bool]:
        """Of each kind, whether its spots are large enough to carry names."""
        least = LABEL_LEAST_PX * self.view.um_per_px
        return [min(kind.type.width_um, kind.type.length_um) >= least for kind in self.crowd.kinds]

    def _draw_names(self, painter: QPainter, spots: Iterable[Spot]) -> None:
        here = theme()
        zoom = self.view.zoom
        font = here.font("label")
        size = max(9, min(17, round(13 * zoom * 1.15)))
        font.setPixelSize(size)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        rise = metrics.capHeight() / 2
        token = ""
        for spot in spots:
            name = spot.label
            if not name:
                continue
            wide = self._labels.get((name, size))
            if wide is None:
                wide = self._labels[name, size] = metrics.horizontalAdvance(name)
            kind = self.crowd.kind(spot)
            room = min(kind.box.width, kind.box.height) if kind.mdeg % 90_000 else kind.box.width
            if wide > room / self.view.um_per_px + 6:
                continue
            wanted = "accent" if kind.face.given and not kind.face.hidden else "muted"
            wanted = "late" if kind.face.staff else wanted
            if wanted != token:
                token = wanted
                painter.setPen(here.color(token))
            painter.drawText(QPointF(self.view.x(spot.x_um) - wide / 2, self.view.y(spot.y_um) + rise + 2), name)

    def _draw_marked(self, painter: QPainter, inks: scenery.Inks, chosen: frozenset[str], hurt: frozenset[str]) -> None:
        """What is selected, wrong or moving, over the rest."""
        marked = chosen | hurt | self._moving
        hidden = {layer.id for layer in self.shown.layers if not layer.visible}
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for zone in self.shown.zones:
            if zone.id in marked and layer_of(zone) not in hidden:
                scenery.draw_zone(
                    painter, zone, self.shown, self.view, inks, chosen=zone.id in chosen, hurt=zone.id in hurt
                )
        for path in self.shown.paths:
            if path.id in marked and layer_of(path) not in hidden:
                scenery.draw_path(painter, path, self.view, inks, chosen=path.id in chosen, hurt=path.id in hurt)
        ratio, view = self.devicePixelRatioF(), self.view
        spots = [self.crowd.spots[self.crowd.place[id]] for id in marked if id in self.crowd.place]
        seen = view.seen(self.width(), self.height())
        spots = [
            spot for spot in spots if seen.left - 4_000_000 < spot.x_um < seen.right + 4_000_000
            and seen.top - 4_000_000 < spot.y_um < seen.bottom + 4_000_000 and spot.layer not in hidden
        ]  # fmt: skip
        pictures: dict[tuple[int, bool, bool], tuple[Kind, tuple[QPixmap, float, float] | None]] = {}
        scale = view.um_per_px
        for spot in spots:
            key = (int(self.crowd.which[self.crowd.place[spot.id]]), spot.id in chosen, spot.id in hurt)
            drawn = pictures.get(key)
            if drawn is None:
                kind = self.crowd.kinds[key[0]]
                kind = kind._replace(face=kind.face._replace(chosen=key[1], hurt=key[2]))
                found = self._sprites.picture(kind.type, kind.mdeg, kind.face, zoom=view.zoom, ratio=ratio)
                drawn = pictures[key] = (kind, found)
            x, y = (spot.x_um - view.left) / scale, (spot.y_um - view.top) / scale
            if drawn[1] is None:
                self._draw_large(painter, x, y, drawn[0])
            else:
                image, dx, dy = drawn[1]
                painter.drawPixmap(round(x - dx), round(y - dy), image)
        fits = self._names_fit()
        self._draw_names(painter, [spot for spot in spots if fits[self.crowd.which[self.crowd.place[spot.id]]]])

    # --- Qt's own

    def event(self, event: QEvent) -> bool:
        if event.type() in (
            QEvent.Type.TouchBegin,
            QEvent.Type.TouchUpdate,
            QEvent.Type.TouchEnd,
            QEvent.Type.TouchCancel,
        ):
            return self._touching.touched(event)
        return super().event(event)

    def tabletEvent(self, event: QTabletEvent) -> None:
        rubber = event.pointerType() == QPointingDevice.PointerType.Eraser
        if not rubber:
            event.ignore()  # a pen comes again as a mouse
            return
        if event.type() == QEvent.Type.TabletPress:
            item = self.item_at(self.view.place(event.position()))
            if item is not None:
                self.document.do("deleted", edits.without(self.document.seat_map, [item.id]), count=1)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if event.button() == Qt.MouseButton.MiddleButton or (
            self._space and event.button() == Qt.MouseButton.LeftButton
        ):
            self._panning = at
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() == Qt.MouseButton.LeftButton:
            if self._jumped(at):
                return
            self.tool.press(self.pointer(at, event.modifiers()))
        elif event.button() == Qt.MouseButton.RightButton:
            self.tool.cancel()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._panning is not None:
            self.look(self.view.panned(at.x() - self._panning.x(), at.y() - self._panning.y()))
            self._panning = at
            return
        down = bool(event.buttons() & Qt.MouseButton.LeftButton)
        pointer = self.pointer(at, event.modifiers())
        self.tool.move(pointer, down=down)
        self.pointed.emit(pointer.place)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._panning is not None:
            self._panning = None
            self.setCursor(Qt.CursorShape.OpenHandCursor if self._space else self.tool.cursor)
        elif event.button() == Qt.MouseButton.LeftButton:
            self.tool.release(self.pointer(event.position(), event.modifiers()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.tool.twice(self.pointer(event.position(), event.modifiers()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn, fine = event.angleDelta(), event.pixelDelta()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom_by(TICK ** max(-1.0, min(1.0, turn.y() / 120)), event.position())
        else:
            step = fine if not fine.isNull() else turn / 2
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not step.x():
                step = step.transposed()
            self.look(self.view.panned(step.x(), step.y()))
        event.accept()

    def pointer(self, at: QPointF, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> Pointer:
        """A point of the widget as tools take it."""
        modifier = Qt.KeyboardModifier
        return Pointer(
            at,
            self.view.place(at),
            bool(keys & modifier.ShiftModifier),
            bool(keys & modifier.AltModifier),
            bool(keys & (modifier.ControlModifier | modifier.MetaModifier)),
        )

    def hold_space(self, held: bool) -> None:
        """While the space bar is held, dragging pans."""
        self._space = held
        if self._panning is None:
            self.setCursor(Qt.CursorShape.OpenHandCursor if held else self.tool.cursor)

    def _jumped(self, at: QPointF) -> bool:
        """Show the part of the room that was pressed on the small map."""
        place = self._small.place(at)
        if place is None:
            return False
        x, y = place
        scale = self.view.um_per_px
        self.look(Viewport(self.view.zoom, x - self.width() / 2 * scale, y - self.height() / 2 * scale))
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._fit_next:
            QTimer.singleShot(0, self, self._fit_again)

    def _fit_again(self) -> None:
        if self._fit_next:
            self.fit_on_resize()


def _touches(item: Item, place: PointUm, reach: int) -> bool:
    """Whether a point lies on a zone or a way, or so near that it was meant."""
    if isinstance(item, Path):
        half = max(item.width_um // 2, reach)
        return any(
            point_distance((one, other), place).floor_um() <= half
            for one, other in zip(item.points_um, item.points_um[1:], strict=False)
        )
    assert isinstance(item, Zone)
    corners = zone_corners(item)
    box = around(corners)
    if not (box.left - reach <= place[0] <= box.right + reach and box.top - reach <= place[1] <= box.bottom + reach):
        return False
    return contains(corners, place) or point_distance(corners, place).floor_um() <= reach


def _meets(box: Box, other: Box) -> bool:
    return box.left <= other.right and other.left <= box.right and box.top <= other.bottom and other.top <= box.bottom
