"""Words whose codes are put together while the program runs: every one there can be is in the catalogue."""

from __future__ import annotations

import pytest

from classtap_core.access.assigning import Mode
from classtap_core.access.blueprints import ROLES, Capability
from classtap_core.access.rules import Place
from classtap_core.kernel.outcomes import Status
from classtap_core.seating.model import Mirroring, Modality, Visibility, ZoneKind
from classtap_core.seating.model import Status as SpotStatus
from classtap_core.seating.numbering import By, Corner, Lines
from classtap_core.seating.templates import parameters
from classtap_core.store.keys import KeyProtection
from classtap_desktop import actions
from classtap_desktop.canvas import editor, edits, fields, placing, table, toolbar
from classtap_desktop.canvas.dialogs.export import WHAT
from classtap_desktop.canvas.dialogs.numbering import TEXTS
from classtap_desktop.canvas.dialogs.templates import SIZINGS
from classtap_desktop.canvas.life.reach import SCOPES
from classtap_desktop.canvas.life.rollouts import LOCAL, TONES
from classtap_desktop.canvas.life.spots import WHY
from classtap_desktop.canvas.reading import OPEN, shipped
from classtap_desktop.kit.states import FACES
from classtap_desktop.screens.audit.reading import WHEN
from classtap_desktop.screens.devices.view import FACTS
from classtap_desktop.screens.roster.child_card import REASONS
from classtap_desktop.screens.roster.live import OVERRIDABLE
from classtap_desktop.screens.roster.model import COLUMNS
from classtap_desktop.screens.settings.view import LOOKS
from classtap_desktop.screens.today.model import SECTIONS
from classtap_desktop.window import ABOVE, BELOW
from resources.text import messages
from sync.client.engine import State

WANTED = {
    *(f"desk.screen.{screen}" for screen, _ in (*ABOVE, *BELOW)),
    *(f"desk.help.{group}" for group in actions.GROUPS),
    *(f"desk.state.{state}" for state in FACES),
    *(f"desk.said.{state}" for state in FACES),
    *(f"desk.roster.column.{column}" for column in COLUMNS),
    *(f"desk.roster.why_{state}" for state in REASONS),
    *(f"reason.{reason}" for reasons in REASONS.values() for reason in reasons),
    *(f"desk.refused.{code}" for code in OVERRIDABLE),
    *(f"desk.today.{section}" for section in SECTIONS),
    *(f"desk.look.{look}" for look in LOOKS),
    *(f"desk.devices.{fact}" for fact in FACTS),
    *(f"desk.sync.{state}" for state in State),
    *(f"desk.sync.{state}_hint" for state in State),
    *(f"desk.notice.{status}" for status in Status),
    *(f"desk.protection.{level}" for level in (*KeyProtection, "memory")),
    *(f"desk.audience.{audience}" for audience in ("kids", "adults")),
    *(f"desk.relation.{relation}" for relation in ("mother", "father", "guardian", "grandparent", "other")),
    *(f"desk.pass.{state}" for state in ("good", "expired", "revoked", "none")),
    *(f"desk.schedule.all_{name}" for name in ("location", "room", "instructor")),
    *(action.words for action in actions.ACTIONS),
    *(f"right.{right}" for right in Capability),
    *(f"role.{role}" for role in (*ROLES, "desk", "kiosk")),
    *(f"desk.access.mode.{mode}" for mode in Mode),
    *(f"desk.access.silent.{why}" for why in (*Place._fields, "capability", "ended", "not_yet")),
    *(f"desk.audit.when.{when}" for when in WHEN),
    *(f"desk.audit.outcome.{status}" for status in Status),
    *(f"audit.method.{method}" for method in ("pin", "key", "code", "api_key", "none", "unknown")),
    *(f"map.kind.{kind}" for kind in (*ZoneKind, *placing.ROOM_THINGS)),
    *(f"map.column.{column}" for column in table.COLUMNS),
    *(f"map.page.{page}" for page in editor.PAGES),
    *(f"map.tool.{name}" for name in (*toolbar.ORDER, *toolbar.RIGHT)),
    *(f"map.tag.{tag}" for tag in fields.TAGS),
    *(f"map.field.tag.{tag}" for tag in fields.TAGS),
    *(f"map.visibility.{one}" for one in Visibility),
    *(f"map.status.{one}" for one in SpotStatus),
    *(f"map.modality.{one}" for one in Modality),
    *(f"map.mirroring.{one}" for one in Mirroring),
    *(f"map.layer.{layer}" for layer in (*edits.LAYERS, "shown", "locked")),
    *(f"map.number.{name}" for name in (*TEXTS, "corner", "lines", "by", "serpentine", "continuous", "mirrored")),
    *(f"map.number.corner.{one}" for one in Corner),
    *(f"map.number.lines.{one}" for one in Lines),
    *(f"map.number.by.{one}" for one in By),
    *(f"map.pattern.{one}" for one in placing.Pattern),
    *(f"map.template.size_{one}" for one in SIZINGS),
    *(f"map.parameter.{name.rpartition('.')[2]}" for one in shipped() for name in parameters(one)),
    *(f"map.template.{what}.{one.id}" for one in shipped() for what in ("name", "about")),
    *(f"map.block.{block.name}" for one in shipped() for block in one.blocks),
    *(f"map.why.{code}" for code in WHY),
    *(f"map.export.{one}{hint}" for one in WHAT for hint in ("", "_hint")),
    *(f"map.state.{state}" for state in (*OPEN, "unsaved", "published", "in_force", "new")),
    *(f"map.told.published_{one}" for one in ("accepted", "duplicate", "waiting", "asked", "discarded", "decided")),
    *(f"map.answer.{one}" for one in ("save", "keep", "discard", "stay", "recover")),
    *(f"map.{one}.{part}" for one in ("leave", "leave_wrong", "discard", "recovered") for part in ("title", "text")),
    *(f"desk.did.{kind}" for kind in ("seatmap.publish", "seatmap.rollback", "seatdraft.decide", "seatlock.take")),
    *(f"map.reach.{scope}{hint}" for scope in SCOPES for hint in ("", "_hint")),
    *(f"map.room.{asked}" for asked in ("waits", "refused")),
    *(f"map.rollouts.{state}" for state in TONES),
    *(f"map.rollouts.may_{part}" for part in LOCAL),
    *(f"map.rollouts.do_{act}" for act in ("local", "shared", "again", "cancel")),
    *(f"map.head.{name}" for name in ("versions", "more", "save", "discard", "compare", "export")),
}


@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_every_code_that_can_be_made_has_words(language: str) -> None:
    assert sorted(WANTED - set(messages(language))) == []
