"""Messages that reached nobody, above every screen until somebody has taken them on; an emergency first, with whom to telephone."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtWidgets import QWidget

from classtap_core.access.blueprints import Capability
from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Resource
from classtap_core.kernel.tx import Reader, Ref
from classtap_core.messaging.operations import SeeUnreached
from classtap_core.messaging.records import WAITING, Message, Unreached
from classtap_core.messaging.templates import TEMPLATES
from classtap_core.people.records import Child, ContactMasked, Family
from classtap_desktop.desk import Desk, failure
from classtap_desktop.frame.banner import Banner
from classtap_desktop.kit import Button, theme
from classtap_desktop.operator import Operator, sight
from classtap_desktop.source import DeskSource

UNSENT_MS = 60_000
"""So long an emergency may wait at this desk for the cloud before that is said."""
LOOKED_BACK_MS = 86_400_000
MOST_NAMED = 3


class Alarm(NamedTuple):
    """One emergency and whom it is about. Attributes: `people`: guardians it did not reach; `raised_ms`: when that was
    found, in ms since the Unix epoch, or 0 for one that has not left this desk yet."""

    message: Id
    family: str
    home: Id
    children: tuple[tuple[Id, str], ...]
    people: tuple[str, ...]
    raised_ms: int


class Alarms(NamedTuple):
    """What nobody has taken on yet, the oldest first: emergencies, and ordinary messages (`lost`) with their families' names."""

    urgent: tuple[Alarm, ...] = ()
    lost: tuple[Unreached, ...] = ()
    families: tuple[str, ...] = ()


def read_alarms(source: DeskSource, operator: Operator | None) -> Alarms:
    """What reached nobody among families somebody may see."""
    reader, now_ms = source.reader, source.clock.now().corrected
    seen = sight(operator, Capability.VIEW_FAMILY, source)
    found = [one for one in search(reader, Unreached, "by_open", True) if seen.allows(Resource(one.home))]
    raised = {one.id: one.raised_ms for one in found if one.urgent}
    lost = tuple(one for one in found if not one.urgent)
    messages = [*fetch(reader, Message, raised).values()]
    for one in search(reader, Message, "by_state", WAITING, low=now_ms - LOOKED_BACK_MS):
        late = TEMPLATES[one.template].urgent and one.asked_ms <= now_ms - UNSENT_MS and one.id not in raised
        if late and seen.allows(Resource(one.home)):
            messages.append(one)
    messages.sort(key=lambda one: one.asked_ms)
    families = fetch(reader, Family, (one.family for one in lost))
    names = tuple(dict.fromkeys(families[one.family].name for one in lost if one.family in families))
    return Alarms(tuple(_alarm(reader, one, raised.get(one.id, 0)) for one in messages), lost, names)


def _alarm(reader: Reader, message: Message, raised_ms: int) -> Alarm:
    family = fetch(reader, Family, [message.family]).get(message.family)
    children = fetch(reader, Child, message.children)
    tried = [id for one in message.deliveries for id in one.guardians]
    passed = [one.guardian for one in message.passed if one.why not in ("blocked", "no_role")]
    people = fetch(reader, ContactMasked, dict.fromkeys([*tried, *passed]))
    return Alarm(
        message.id, family.name if family is not None else "", message.home,
        tuple(sorted(((one.id, one.given) for one in children.values()), key=lambda one: one[1])), tuple(one.name for one in people.values()), raised_ms,
    )  # fmt: skip


class AlarmBanner(Banner):
    """Shows the oldest of the emergencies that reached nobody, or how many other messages did not. Attributes: ``alarms``,
    ``lost``, ``call`` (the telephone numbers), ``seen`` (somebody takes it on)."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.alarms: tuple[Alarm, ...] = ()
        self.lost: tuple[Unreached, ...] = ()
        self._families: tuple[str, ...] = ()
        self._put_away: set[Id] = set()
        self.call, self.seen = Button("", size="small"), Button("", size="small", kind="danger")
        for button in (self.call, self.seen):
            self.line.row.addWidget(button)
        self.line.acted.connect(lambda: desk.open("messages"))
        self.call.clicked.connect(lambda _=False: self._call())
        self.seen.clicked.connect(lambda _=False: self._see())
        desk.operated.connect(self.look)
        desk.ticked.connect(self.look)
        desk.changed.connect(self._changed)
        theme().changed.connect(self._say)

    def look(self) -> None:
        """Ask whether there is one."""
        operator = self._desk.operator
        if operator is None:
            self._take(Alarms())
        else:
            self._desk.read("messages.alarms", lambda source: read_alarms(source, operator), then=self._take)

    def _changed(self, refs: frozenset[Ref]) -> None:
        if any(kind in (Unreached.KIND, Message.KIND) for kind, _ in refs):
            self.look()

    def _take(self, found: Alarms) -> None:
        self.alarms = tuple(one for one in found.urgent if one.raised_ms or one.message not in self._put_away)
        self.lost, self._families = found.lost, found.families
        self._say()

    def _say(self) -> None:
        self.setVisible(bool(self.alarms or self.lost))
        if self.alarms:
            self._say_urgent()
        elif self.lost:
            self._say_lost()

    def _say_lost(self) -> None:
        words = theme().words
        shown = [*self._families[:MOST_NAMED], "…"] if len(self._families) > MOST_NAMED else self._families
        said = words.say_n("desk.alarm.lost", len(self.lost), who=", ".join(shown))
        self.line.show_error(said, action=words.say("desk.alarm.open"))
        self.call.hide()
        self.seen.show_text(words.say("desk.notices.seen"))
        self.seen.setVisible(all(self._desk.may(Capability.EDIT_FAMILY, location=one.home) for one in self.lost))
        self.fit()

    def _say_urgent(self) -> None:
        words, alarm = theme().words, self.alarms[0]
        who = words.join([alarm.family, ", ".join(name for _, name in alarm.children)])
        said = [words.say("desk.alarm.unreached" if alarm.raised_ms else "desk.alarm.unsent", who=who)]
        if alarm.raised_ms:
            people = ", ".join(alarm.people)
            said.append(words.say("desk.alarm.people", people=people) if people else words.say("desk.alarm.no_address"))
        said.append(words.say("desk.alarm.do"))
        if more := len(self.alarms) - 1:
            said.append(words.say_n("desk.alarm.more", more))
        self.line.show_error(" ".join(said), action=words.say("desk.alarm.open"), tone="absent")
        self.call.show_text(words.say("desk.alarm.call"))
        self.call.setVisible(bool(alarm.children))
        self.seen.show_text(words.say("desk.alarm.seen"))
        self.seen.setVisible(not alarm.raised_ms or self._desk.may(Capability.EDIT_FAMILY, location=alarm.home))
        self.fit()

    def _call(self) -> None:
        """The child's emergency card has the numbers, and it is written down who opened it."""
        alarm = self.alarms[0]
        id, name = alarm.children[0]
        self._desk.show_card(id, name, alarm.home)

    def _see(self) -> None:
        if not self.alarms:
            seen = [SeeUnreached(message=one.id, home=one.home, raised_ms=one.raised_ms) for one in self.lost]
            self._desk.submit_all(seen, then=lambda receipts: self._answered(receipts[-1]))
            return
        alarm = self.alarms[0]
        if alarm.raised_ms:
            said = SeeUnreached(message=alarm.message, home=alarm.home, raised_ms=alarm.raised_ms)
            self._desk.submit(said, then=self._answered)
        else:
            self._put_away.add(alarm.message)
            self._take(Alarms(self.alarms, self.lost, self._families))

    def _answered(self, receipt: Receipt) -> None:
        if not receipt.outcome.stands:
            reason = receipt.outcome.reasons[0].code if receipt.outcome.reasons else "other"
            self.line.show_error(failure(reason, {}, theme().words), tone="absent")
            self.fit()
        else:
            self.look()
