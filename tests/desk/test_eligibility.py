"""The rule of a class at the desk: put together from conditions, said as a sentence, and tried on a child."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from classtap_core.checkin.reading import fetch, search
from classtap_core.eligibility import rules
from classtap_core.eligibility.rules import (
    Advise,
    Age,
    Condition,
    Decision,
    During,
    Every,
    Fulfilled,
    Grade,
    Learner,
    Member,
    Membership,
    Never,
    Occasion,
    Prerequisite,
    Some,
    Tagged,
)
from classtap_core.kernel.errors import BadInput
from classtap_core.people.records import Child, ChildHealth
from classtap_desktop.screens.eligibility.draft import GROUPS, Draft, drafted, whole
from classtap_desktop.screens.eligibility.editor import RuleField
from classtap_desktop.screens.eligibility.sentence import sentence, verdict_lines
from classtap_desktop.window import DeskWindow
from resources.text import Catalogue, languages
from tests.desk.world import World

Open = Callable[..., DeskWindow]

LEAF = st.one_of(
    st.builds(Age, min_months=st.integers(0, 99), max_months=st.none() | st.integers(100, 216), on=st.sampled_from(["start", "end", "2026-09-01"])),
    st.builds(Grade, min=st.integers(-1, 3), max=st.none() | st.integers(4, 9)),
    st.builds(Prerequisite, st.sampled_from(["swim-1", "swim-2"])),
    st.builds(Tagged, st.sampled_from(["approved", "ban"])),
    st.builds(Member, st.sampled_from(["", "gold"])),
)  # fmt: skip
TREE = st.recursive(
    LEAF,
    lambda part: st.one_of(
        st.builds(Every, st.lists(part, min_size=1, max_size=3).map(tuple)),
        st.builds(Some, st.lists(part, min_size=1, max_size=3).map(tuple)),
        st.builds(Never, part), st.builds(Advise, part),
        st.builds(During, st.just("2026-01-01"), st.just("2026-12-31"), part),
    ),
    max_leaves=6,
)  # fmt: skip
LEARNERS = st.builds(
    Learner, birth_date=st.sampled_from(["", "2018-02-28", "2022-11-21"]), grade=st.sampled_from([None, 2, 5]),
    graded=st.just("2026-10-01"), school_starts=st.just("09-01"), prerequisites=st.sampled_from([(), (Fulfilled("swim-1", "2026-01-01"),)]),
    tags=st.sampled_from([frozenset(), frozenset({"approved"}), frozenset({"ban"})]),
    memberships=st.sampled_from([(), (Membership("gold", "2026-01-01"),)]),
)  # fmt: skip
NOW = Occasion("2026-11-21", "2026-12-19")


@given(TREE, LEARNERS)
def test_a_rule_taken_apart_and_put_together_judges_as_before(condition: Condition, learner: Learner) -> None:
    again = whole(drafted(condition))
    before, after = (rules.decide(rules.write(one), learner, NOW) for one in (condition, again))
    assert (before.verdict, before.eligible_on) == (after.verdict, after.eligible_on)
    assert whole(drafted(again)) == again


@pytest.mark.parametrize(
    "draft", [*(Draft(kind) for kind in GROUPS), Draft("tag"), Draft("prerequisite"), Draft("age", {"low": "five"})]
)
def test_what_is_not_whole_is_no_rule(draft: Draft) -> None:
    with pytest.raises(BadInput):
        whole(draft)


def test_a_rule_reads_as_a_sentence() -> None:
    words = Catalogue("en_GB")
    rule = Every((
        Age(min_months=60, max_months=119),
        Some((Prerequisite("swim-1"), Advise(Tagged("approved")))),
        Never(Member("trial")),
        During("2026-09-01", "2026-12-31", Grade(min=1, on="2026-09-01")),
    ))  # fmt: skip
    assert sentence(rule, words) == (
        "from 5 years to 9 years 11 months old on the first day and "
        "(has done “swim-1” or is tagged “approved” (else only a warning)) and "
        "not: is a member on the plan “trial” and "
        "in classes from 1 September 2026 to 31 December 2026: in school grade 1 or above on 1 September 2026"
    )


@pytest.mark.parametrize("language", [language.code for language in languages()])
def test_every_reason_of_the_engine_has_words(language: str) -> None:
    words = Catalogue(language)
    for code in rules._ORDER:
        assert words.has(f"desk.rule.why.{code}")
    told = verdict_lines(rules.decide('{"type":"age","min_months":60}', Learner("2023-11-22"), NOW), words)
    assert len(told) == 2
    assert not any("{" in line or "desk.rule" in line for line in told)


@pytest.fixture
def field(qtbot: QtBot, open_desk: Open) -> RuleField:
    """The rule of a class, in its form at the desk."""
    window = open_desk("manager", screen="studio")
    screen = window.screens["studio"]
    qtbot.waitUntil(lambda: screen.known is not None)  # type: ignore[attr-defined]
    kind = next(iter(screen.known.classes))  # type: ignore[attr-defined]
    screen._show(next(one for one in _subjects() if one.name == "classes").sheet(screen.known, kind))  # type: ignore[attr-defined]
    made = screen.form.one["class"].widgets["eligibility"]  # type: ignore[attr-defined]
    assert isinstance(made, RuleField)
    return made


def _subjects() -> tuple[object, ...]:
    from classtap_desktop.screens.studio.subjects import SUBJECTS

    return SUBJECTS


def test_a_rule_is_put_together_and_tried_on_a_child(qtbot: QtBot, world: World, field: RuleField) -> None:
    for line in tuple(field.root.lines):
        line.removed.emit()
    assert field.value() == ""
    assert field.said.whole_text() == "Everybody may take it."
    field.root.more("age").write(low="2400")
    choice = field.root.more("any")
    assert field.said.whole_text().startswith("The rule is not whole yet: A condition has nothing in it")
    with pytest.raises(BadInput):
        field.value()
    assert choice.group is not None
    choice.group.more("tag").write(what="approved")
    choice.group.more("prerequisite").write(what="swim-1")
    assert rules.read(field.value()) == Every(
        (Age(min_months=2_400), Some((Tagged("approved"), Prerequisite("swim-1"))))
    )
    assert field.said.whole_text() == (
        "May take it, who is: at least 200 years old on the first day and (is tagged “approved” or has done “swim-1”)."
    )
    trial = field.trial
    assert trial is not None
    child = search(world.store, Child, "by_family")[0]
    trial.name.setText(child.given)
    trial.look()
    qtbot.waitUntil(lambda: trial.child.count() > 0)
    trial.child.setCurrentIndex(trial.child.findData(child.id))
    trial.judge()
    assert trial.verdict.whole_text().endswith("May not take it")
    assert "Too young: from 200 years." in trial.lines.whole_text()
    assert "Is not tagged “approved”." in trial.lines.whole_text()
    field.root.lines[1].removed.emit()
    born = fetch(world.store, ChildHealth, [child.id])[child.id].birth_date
    trial.day.setText("2026-11-21")
    field.root.lines[0].write(low="240")
    twenty = f"{int(born[:4]) + 20}"
    assert f"{twenty}." in trial.lines.whole_text(), "eligible on their twentieth birthday"
    field.root.lines[0].warns.setChecked(True)
    assert trial.verdict.whole_text().endswith("With a warning")
    field.root.lines[0].write(low="1")
    assert trial.verdict.whole_text().endswith("May take it")


def test_a_rule_is_written_with_the_keyboard_alone(qtbot: QtBot, field: RuleField) -> None:
    for line in tuple(field.root.lines):
        line.removed.emit()
    field.root.add.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(field.root.add, Qt.Key.Key_Space)
    (made,) = field.root.lines
    assert QApplication.focusWidget() is made.kind
    qtbot.keyClick(made.kind, Qt.Key.Key_Down)
    assert made.kind.currentData() == "grade"
    assert set(made.fields) == {"low", "high", "on"}
    form = field.window().focusWidget()
    assert form is made.kind, "another kind leaves the keyboard where it was"
    for name, text in (("low", "2"), ("high", "4")):
        for _ in range(8):
            if QApplication.focusWidget() is not made.fields[name]:
                qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        qtbot.keyClicks(made.fields[name], text)
    assert rules.read(field.value()) == Grade(min=2, max=4)


def test_what_nobody_touched_comes_back_as_it_was(qtbot: QtBot) -> None:
    text = '{"type":"not","part":{"type":"any","parts":[{"type":"tag","tag":"ban"}]}}'
    made = RuleField(text, today="2026-11-21")
    qtbot.addWidget(made)
    assert made.value() == text


def test_a_decision_without_reasons_says_nothing() -> None:
    assert verdict_lines(Decision(rules.Verdict.ALLOW), Catalogue("en")) == []
