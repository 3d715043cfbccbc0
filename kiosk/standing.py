"""Which screen stands and for how long, and what stands there when nobody is served."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kiosk.commands import Command, GoAttract, SetLanguage
from kiosk.view import Notice, Screen, Stage, State

IDLE_S = 45
REFUSAL_S = 12
PIN_S = 30
STAFF_S = 90
SIGNING_S = 120
NOTICE_MS = 5_000

Next = tuple[State, tuple[Command, ...]]
_TIMES = {
    Screen.REFUSAL: REFUSAL_S,
    Screen.PIN: PIN_S,
    Screen.STAFF: STAFF_S,
    Screen.LEAVING: STAFF_S,
    Screen.PICKUP: STAFF_S,
    Screen.SIGNING: SIGNING_S,
}
WITH_FAMILY = frozenset({Screen.BOARD, Screen.REASON, Screen.SIGNING})


def counted(state: State) -> State:
    """Bring the ring up to date."""
    if state.deadline_at_ms is None or state.screen == Screen.CHECKING:
        return replace(state, idle_left_s=None)
    left = max(0, state.deadline_at_ms - state.now_at_ms)
    return replace(state, idle_left_s=-(-left // 1000))


def awake(state: State) -> State:
    """Start the countdown of the screen anew."""
    if state.screen == Screen.CHECKING:
        return state
    total = _TIMES.get(state.screen, IDLE_S)
    runs = (state.screen in WITH_FAMILY or state.screen in _TIMES) and not ending(state)
    if not runs and state.locale == state.home_locale:
        return replace(state, deadline_at_ms=None)
    return replace(state, deadline_at_ms=state.now_at_ms + total * 1000, idle_total_s=total)


def show(state: State, screen: Screen, **changes: Any) -> State:
    """Show a screen from now on."""
    shown = replace(state, screen=screen, entered_at_ms=state.now_at_ms, **changes)
    return awake(shown)


def home(state: State) -> Next:
    """Forget the family and show what the kiosk shows when nobody stands there."""
    screen = _resting(state)
    commands: list[Command] = [GoAttract()]
    if state.locale != state.home_locale:
        commands.append(SetLanguage(state.home_locale))
    state = replace(
        state, locale=state.home_locale, board=None, sheet=None, signing=None, refusal=None, pin=None, text="", tapped=(),
        override="", about=(), changes=(), open=0, summary=None, leaving=None, pickup=None,
    )  # fmt: skip
    return show(state, screen), tuple(commands)


def rested(state: State) -> Next:
    """Go to the resting screen that is right now, unless somebody is being served."""
    resting = (Screen.ATTRACT, Screen.CAMERA_TROUBLE, Screen.STORE_TROUBLE, Screen.LOCKED)
    if state.screen in resting and state.screen != _resting(state):
        return show(state, _resting(state)), ()
    return state, ()


def _resting(state: State) -> Screen:
    if state.lock:
        return Screen.LOCKED
    if state.store_fault:
        return Screen.STORE_TROUBLE
    return Screen.CAMERA_TROUBLE if state.camera_fault else Screen.ATTRACT


def noticed(state: State, code: str, *, tone: str = "info") -> State:
    """Say a sentence for a few seconds, whatever stands there."""
    return replace(state, notice=Notice(code, tone=tone, until_ms=state.now_at_ms + NOTICE_MS))


def ending(state: State) -> bool:
    """Whether the device is being signed out, from where there is no way back."""
    return state.leaving is not None and state.leaving.stage in (Stage.ENDING, Stage.DONE)
