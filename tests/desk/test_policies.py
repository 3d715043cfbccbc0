"""The studio's policies at the desk: published in versions, from a day on, after a second look, and filled from any before."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox
from pytestqt.qtbot import QtBot

from classtap_core.access.records import Grant
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.booking.records import Policy, PolicyVersion, policy_id, policy_version_id
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import plain
from classtap_desktop.screens.studio.matrix import MatrixField
from classtap_desktop.screens.studio.policies import TABLES
from classtap_desktop.screens.studio.policy_form import PolicyForm
from classtap_desktop.screens.studio.view import StudioScreen
from classtap_desktop.window import DeskWindow
from resources.text import messages
from tests.desk.pictures import LOOKS, SIZES, take
from tests.desk.test_household import saved, write
from tests.desk.test_studio import shown, studio
from tests.desk.world import NOW_MS, World

Open = Callable[..., DeskWindow]
DAY_MS = 86_400_000


def versions(world: World, name: str, *values: dict[str, str | int], waiting_ms: int = 0) -> None:
    """What the cloud sends when these were published, a day after another; the last one waits until `waiting_ms`."""
    place, rows = world.plan.studio, []
    for number, said in enumerate(values, 1):
        waits = bool(waiting_ms) and number == len(values)
        at_ms = NOW_MS - (len(values) - number + 1) * DAY_MS
        version = PolicyVersion(
            id=policy_version_id(place, name, number), name=name, number=number, values=said,
            from_ms=waiting_ms if waits else at_ms, published_ms=at_ms, state="waiting" if waits else "begun",
            by=world.plan.staff[0].staff,
        )  # fmt: skip
        rows.append(version)
    standing = values[-2] if waiting_ms else values[-1]
    policy = Policy(
        id=policy_id(place, name), name=name, version=len(values), values=standing, published_ms=NOW_MS,
        coming=len(values) if waiting_ms else 0,
    )  # fmt: skip
    world.pull([Pulled(one.KIND, one.id, one.scope(), msgspec.json.encode(plain(one))) for one in (*rows, policy)])


def opened(qtbot: QtBot, screen: StudioScreen, world: World, name: str) -> PolicyForm:
    with qtbot.waitSignal(screen.loaded):
        screen.reload()
    screen.open_one(policy_id(world.plan.studio, name))
    form = screen.form
    assert isinstance(form, PolicyForm)
    return form


def matrix(form: PolicyForm) -> MatrixField:
    field = form.one["rules"].widgets["table"]
    assert isinstance(field, MatrixField)
    return field


def test_each_cell_has_a_sentence_and_a_name_of_its_own(qtbot: QtBot, world: World, open_desk: Open) -> None:
    known = messages("en")
    for name, cells in TABLES.items():
        codes = [
            *(f"{cells._roles}.{role}" for role in cells.usual),
            *(f"{cells._sentences}.{one}" for one in cells.entries),
        ]
        assert [code for code in codes if code not in known] == []
        screen = studio(qtbot, open_desk, subject="policies")
        boxes = matrix(opened(qtbot, screen, world, name)).boxes
        names = [box.accessibleName() for box in boxes.values()]
        assert len(set(names)) == len(cells.usual) * len(tuple(cells.entries)) == len(names)
        assert sorted(one for one, box in boxes.items() if box.isChecked()) == sorted(
            f"{role}.{one}" for role, given in cells.usual.items() for one in given
        )


def test_a_moved_cell_is_said_and_published_after_a_second_press_from_its_day_on(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    screen = studio(qtbot, open_desk, subject="policies")
    form = opened(qtbot, screen, world, "health")
    assert form.payloads() == []
    assert matrix(form).unusual.whole_text() == "All of it is as usual."
    matrix(form).boxes["instructor.medications"].setChecked(True)
    line = "Instructor: Medicines by name, and whether they are here – yes."
    assert matrix(form).unusual.whole_text() == f"Not as usual: {line}"
    write(form.one["when"], day="2026-12-01")
    QTest.keyClick(form.one["when"].widgets["day"], Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert form.isVisible()
    assert form.changes.whole_text().startswith("This holds from 1 Dec 2026 on: Instructor")
    assert form.changes.whole_text().endswith(line)
    assert form.save.text() == "Publish"
    (said,) = form.payloads()
    assert isinstance(said, PublishPolicy)
    assert (said.head, said.values) == (0, {"instructor.medications": 1})
    assert said.from_ms == 1_796_079_600_000  # date -u -d '2026-11-30 23:00' +%s: midnight in Madrid
    matrix(form).boxes["owner.detail"].setChecked(False)  # another change takes the question back
    assert form.save.text() == "Save"
    form.save.click()
    assert form.isVisible()
    saved(qtbot, form)
    assert form.asked  # the cloud decides


def test_a_waiting_version_is_named_and_can_be_kept_from_beginning(qtbot: QtBot, world: World, open_desk: Open) -> None:
    versions(world, "checkin", {"after_min": 45}, {"after_min": 90}, waiting_ms=NOW_MS + DAY_MS)
    screen = studio(qtbot, open_desk, subject="policies")
    details = [screen.model.item(at).accessibleText() for at in range(screen.model.rowCount())]
    assert sum("Version 1, in force since" in one and "Version 2 waits to begin" in one for one in details) == 1
    assert sum("As usual: nothing was published" in one for one in details) == 2
    form = opened(qtbot, screen, world, "checkin")
    assert form.one["rules"].values() == {"before_min": "30", "after_min": "45"}
    assert form.payloads() == []
    assert [label.accessibleName() for label in form.takes][-1] == "Fill in: The usual"
    assert len(form.takes) == 3
    stays = form.one["when"].widgets["stays"]
    assert isinstance(stays, QCheckBox)
    stays.setChecked(True)
    (said,) = form.payloads()
    assert isinstance(said, PublishPolicy)
    assert (said.head, said.values, said.from_ms) == (2, {"before_min": 30, "after_min": 45}, 0)
    form.save.click()
    assert form.changes.whole_text() == "This holds at once: Version 2 will not begin."


def test_any_version_fills_the_form_and_publishes_nothing_by_itself(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    versions(world, "checkin", {"after_min": 45}, {"after_min": 15, "later": "kept"})
    versions(world, "guardians", {"secondary.make_payments": 1}, {"pickup.book_classes": 1, "tutor.fly": 1})
    screen = studio(qtbot, open_desk, subject="policies")
    form = opened(qtbot, screen, world, "checkin")
    form.takes[1].click()
    (said,) = form.payloads()
    assert isinstance(said, PublishPolicy)
    assert said.values == {"before_min": 30, "after_min": 45, "later": "kept"}
    write(form.one["rules"], before_min="1441")
    form.save.click()
    assert form.message.whole_text() == "At most 1,440 minutes."
    form.written = False
    form.close_overlay()
    form = opened(qtbot, screen, world, "guardians")
    form.takes[1].click()
    (said,) = form.payloads()
    assert isinstance(said, PublishPolicy)
    assert said.values == {"secondary.make_payments": 1, "tutor.fly": 1}


def test_who_may_not_publish_opens_no_policy(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = studio(qtbot, open_desk, role="front_desk", subject="policies")
    screen.open_one(policy_id(world.plan.studio, "health"))
    screen.open_new()
    assert screen.form is None
    assert not screen.new.isVisible()


def test_who_sets_prices_alone_opens_packs_and_no_policies(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = studio(qtbot, open_desk, role="instructor", subject="packs")
    operator = screen.desk.operator
    assert operator is not None
    prices = Grant(id=Id("7" * 32), holder=operator.id, role="", capabilities=("publish_policy",), money="prices")
    screen.desk.operate(operator._replace(grants=(*operator.grants, prices)))
    assert screen.new.isVisible()
    screen.open("policies")
    assert screen.known is not None
    screen.open_one(next(iter(screen.known.rules)))
    assert screen.form is None


@pytest.mark.parametrize(("look", "size"), [*((look, "") for look in LOOKS), ("light", "-wide")])
def test_pictures_of_policies(qtbot: QtBot, world: World, open_desk: Open, look: str, size: str) -> None:
    versions(world, "health", {"front_desk.detail": 1}, {"front_desk.detail": 1, "instructor.medications": 1})
    window = open_desk("owner", size=SIZES[size], screen="today", **LOOKS[look])
    screen = window.screens["studio"]
    assert isinstance(screen, StudioScreen)
    with qtbot.waitSignal(screen.loaded):
        window.open("studio", "policies")
    take(qtbot, window, f"policies-{look}{size}")
    form = opened(qtbot, screen, world, "health")
    matrix(form).boxes["substitute.plans"].setChecked(False)
    form.save.click()
    take(qtbot, window, f"policy_health-{look}{size}")
    form.area.verticalScrollBar().setValue(form.area.verticalScrollBar().maximum())
    take(qtbot, window, f"policy_history-{look}{size}")
    form.written = False
    form.close_overlay()
    form = opened(qtbot, screen, world, "checkin")
    take(qtbot, window, f"policy_checkin-{look}{size}")
    form.close_overlay()
    assert shown(screen, "policies", qtbot)
