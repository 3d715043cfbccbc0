"""Words whose codes are put together while the program runs: every one there can be is in the catalogue."""

from __future__ import annotations

import pytest

from classtap_core.kernel.outcomes import Status
from classtap_core.store.keys import KeyProtection
from classtap_desktop import actions
from classtap_desktop.kit.states import FACES
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
}


@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_every_code_that_can_be_made_has_words(language: str) -> None:
    assert sorted(WANTED - set(messages(language))) == []
