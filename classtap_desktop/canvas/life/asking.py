"""What a map's page asks and shows about the map's life: versions, comments, and for which classes it comes into force."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from classtap_desktop.canvas.life.comments import CommentsDialog, Subject
from classtap_desktop.canvas.life.history import HistoryDialog
from classtap_desktop.canvas.life.reach import Reach, ReachDialog
from classtap_desktop.canvas.life.reading import AheadOfRoom, VersionLine, read_ahead, read_versions
from classtap_desktop.kit import theme

if TYPE_CHECKING:
    from classtap_desktop.canvas.page import MapPage


class LifeDialogs:
    """The dialogs of a page about its map's life."""

    def __init__(self, page: MapPage) -> None:
        self._page = page

    def _ahead(self, then: Callable[[AheadOfRoom], None]) -> None:
        room, location = self._page.work.opened.room, self._page.work.opened.location
        self._page.desk.read(
            "maps.ahead", lambda source: read_ahead(source, room, location), then=then, failed=self._page.fail
        )

    def ask_reach(self) -> None:
        """Ask for which classes the draft is published, and where everybody goes who would lose their spot."""
        page, words = self._page, theme().words

        def ask(ahead: AheadOfRoom) -> None:
            dialog = ReachDialog(
                page, page.document.seat_map, ahead, title=words.say("map.publish.title"),
                act=words.say("map.head.publish"), moving=True, refusal=page.work.refusal,
                then=lambda reach: page.work.save(then_publish=reach),
            )  # fmt: skip
            page.show_over("reach", dialog)

        self._ahead(ask)

    def show_versions(self) -> None:
        """The room's versions, with the way back to one."""
        page, room = self._page, self._page.work.opened.room

        def show(versions: tuple[VersionLine, ...]) -> None:
            back = self._ask_back if page.work.may_roll_back else None
            page.show_over("history", HistoryDialog(page, page.desk, versions, bring_back=back, talk=self._talk_of))

        page.desk.read("maps.versions", lambda source: read_versions(source, room), then=show, failed=page.fail)

    def _ask_back(self, line: VersionLine) -> None:
        page = self._page
        title = theme().words.say("map.history.back_now", version=line.number)

        def back(reach: Reach) -> None:
            page.dialogs["history"].close_overlay()
            page.work.roll_back(line.number, reach)

        def ask(ahead: AheadOfRoom) -> None:
            page.show_over(
                "reach", ReachDialog(page, line.seat_map, ahead, title=title, act=title, moving=False, then=back)
            )

        self._ahead(ask)

    def _talk_of(self, line: VersionLine) -> None:
        page, name = self._page, theme().words.say("map.history.version", version=line.number)
        subject = Subject(line.id, page.work.opened.location, line.seat_map, name=name, others=(line.draft,))
        page.show_over("version comments", CommentsDialog(page, page.desk, subject, may_write=page.work.may_comment))

    def show_comments(self) -> None:
        """What is said about this draft; about the one selected spot, where there is one."""
        page, opened, chosen = self._page, self._page.work.opened, self._page.document.selection
        spots = {spot.id for spot in page.document.seat_map.spots}
        spot = chosen[0] if len(chosen) == 1 and chosen[0] in spots else ""
        subject = Subject(opened.draft, opened.location, page.document.seat_map, name=opened.name)
        dialog = CommentsDialog(page, page.desk, subject, spot=spot, may_write=page.work.may_comment)
        dialog.shown.connect(self._show_spot)
        dialog.said.connect(page.work.look_around)
        page.show_over("comments", dialog)

    def _show_spot(self, spot: str) -> None:
        self._page.editor.commands.select_ids([spot])
        self._page.editor.board.show_items([spot])
