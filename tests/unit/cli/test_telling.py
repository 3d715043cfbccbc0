"""What stops a program before it has a window is said in one where nobody would read it otherwise."""

import pytest
from pytestqt.qtbot import QtBot

from classtap_cli import telling
from classtap_core.kernel.errors import ClassTapError, EnvironmentFault, Refused
from classtap_desktop.kit import EmptyState


@pytest.mark.parametrize(
    ("surroundings", "terminal", "wanted"),
    [
        ({"DISPLAY": ":0"}, False, True), ({"WAYLAND_DISPLAY": "wayland-0"}, False, True), ({"DISPLAY": ":0"}, True, False),
        ({"DISPLAY": ":0", "QT_QPA_PLATFORM": "offscreen"}, False, False),
    ],
)  # fmt: skip
def test_a_window_only_for_whoever_sees_nothing_else(
    surroundings: dict[str, str], terminal: bool, wanted: bool
) -> None:
    assert telling.wanted(surroundings, terminal=terminal) is wanted


@pytest.mark.parametrize(
    ("trouble", "cure"),
    [
        (EnvironmentFault("store.key_missing"), "store key recover"),
        (Refused("store.folder_open", folder="/d", command="chmod 700 /d"), "chmod 700 /d"),
        (Refused("store.safe_start", pages=3, tables="log"), "store salvage"),
        (Refused("store.in_use", program="desk", pid=77), "desk"),
        (Refused("store.newer", found=9, known=6), "pdate"),
    ],
)
def test_it_says_what_happened_and_the_way_out(qtbot: QtBot, trouble: ClassTapError, cure: str) -> None:
    window = telling.trouble_window(trouble)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    (said,) = window.findChildren(EmptyState)
    assert said.title.whole_text() == "ClassTap cannot start"
    assert cure in said.text.whole_text()
    assert not said.text.is_cut()
    said.button.click()
    assert not window.isVisible()


def test_what_is_told_is_raised_on(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[ClassTapError] = []
    monkeypatch.setattr(telling, "wanted", lambda surroundings, terminal: True)
    monkeypatch.setattr(telling, "_show", shown.append)

    @telling.telling
    def command(*, headless: bool = False) -> None:
        raise EnvironmentFault("store.missing")

    for headless in (True, False):
        with pytest.raises(EnvironmentFault, match=r"store\.missing"):
            command(headless=headless)
    assert len(shown) == 1
