"""Two records that may be of one person, side by side: made one, and parted again."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtWidgets import QWidget

from classtap_core.access.blueprints import Capability
from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Reason, Status
from classtap_core.kernel.undo import Undo
from classtap_core.people.duplicates import duplicates
from classtap_core.people.guardian_operations import MergeGuardians
from classtap_core.people.guardians import Guardianship
from classtap_core.people.records import Contact, Family
from classtap_core.schedule.records import Location
from classtap_desktop.desk import Desk, failure
from classtap_desktop.frame.dialog import Dialog
from classtap_desktop.kit import Button, Card, Label, theme
from classtap_desktop.operator import Operator
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import column, row


class Pair(NamedTuple):
    """Two contacts of one house that may be one person; each with the name of its family. `children`: those of `drop`."""

    home: Id
    keep: Contact
    drop: Contact
    keeps: str
    drops: str
    children: tuple[Id, ...] = ()


def read_pairs(source: DeskSource, operator: Operator | None) -> tuple[Pair, ...]:
    """Return the pairs of every house whose families the reader may change, and whose numbers this desk holds."""
    reader, at_ms = source.reader, source.clock.now().corrected
    if operator is None:
        return ()
    found = []
    for home in search(reader, Location, "by_id"):
        may = operator.may(Capability.EDIT_FAMILY, location=home.id, at_ms=at_ms)
        if not may or not reader.holds(f"contact/{home.id}"):
            continue
        pairs = duplicates(reader, home.id)
        names = fetch(reader, Family, (one.family for pair in pairs for one in pair))
        found += [
            Pair(
                home.id, pair.keep, pair.drop, names[pair.keep.family].name, names[pair.drop.family].name,
                tuple(one.child for one in search(reader, Guardianship, "by_guardian", pair.drop.id)),
            )
            for pair in pairs
            if pair.keep.family in names and pair.drop.family in names
        ]  # fmt: skip
    return tuple(found)


class DuplicatesPage(Dialog):
    """Attributes: ``pairs``, ``merges`` (a button each), ``undo`` (parts the last again)."""

    def __init__(self, desk: Desk, over: QWidget) -> None:
        words = theme().words
        super().__init__(over, words.say("desk.twice.title"), wide=760)
        self._desk = desk
        self._last: Id | None = None
        self.pairs: tuple[Pair, ...] = ()
        self.merges: list[Button] = []
        self._inside = QWidget()
        self.body.addWidget(self._inside)
        self.body.addStretch(1)
        self.undo = self.button(words.say("desk.twice.undo"), self._part)
        self.undo.hide()
        self.button(words.say("a11y.close"), self.close_overlay, kind="primary")

    def open(self) -> None:
        self.look()
        super().open()

    def look(self) -> None:
        """Read the pairs again."""
        operator = self._desk.operator
        self._desk.read("families.twice", lambda source: read_pairs(source, operator), then=self._show)

    def _show(self, pairs: tuple[Pair, ...]) -> None:
        words = theme().words
        self.pairs, self.merges = pairs, []
        inside = QWidget()
        whole = column(inside, gap=12)
        whole.addWidget(
            Label(words.say("desk.twice.text" if pairs else "desk.twice.none"), "text", token="muted", wrap=True)
        )
        for pair in pairs:
            card = Card(radius=12)
            line = row(card, margins=(14, 10, 10, 12), gap=10)
            names = column(gap=4)
            for one, family in ((pair.keep, pair.keeps), (pair.drop, pair.drops)):
                names.addWidget(
                    Label(f"{one.name} · {words.say('desk.families.title', name=family)}", "strong", wrap=True)
                )
                reach = " · ".join(f"\u2066{part}\u2069" for part in (one.phone, one.email) if part)
                names.addWidget(Label(reach, "secondary", token="muted", wrap=True))
            line.addLayout(names, 1)
            merge = Button(words.say("desk.twice.merge"), size="small")
            merge.setAccessibleName(f"{merge.text()}: {pair.keep.name}, {pair.drop.name}")
            merge.clicked.connect(lambda _=False, pair=pair: self._merge(pair))
            line.addWidget(merge)
            self.merges.append(merge)
            whole.addWidget(card)
        self.body.replaceWidget(self._inside, inside)
        self._inside.deleteLater()
        self._inside = inside

    def _merge(self, pair: Pair) -> None:
        payload = MergeGuardians(home=pair.home, keep=pair.keep.id, drop=pair.drop.id, children=pair.children)
        self._desk.submit(payload, then=self._merged)

    def _merged(self, receipt: Receipt) -> None:
        words, outcome = theme().words, receipt.outcome
        stands = outcome.stands or outcome.status is Status.WAITING
        first = outcome.reasons[0] if outcome.reasons else Reason(f"outcome.{outcome.status}")
        self.complain("" if stands else failure(first.code, first.params, words))
        if stands:
            self._last = receipt.operation
            self.undo.show()
        self.look()

    def _part(self) -> None:
        if self._last is not None:
            self._desk.submit(Undo(operation=self._last), then=lambda _receipt: self.look())
            self._last = None
            self.undo.hide()
