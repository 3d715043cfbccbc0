"""Staff at the kiosk: the PIN, an exception to a refusal, what waits for somebody to choose, a child given back."""

from __future__ import annotations

from dataclasses import replace

from kiosk import commands as ask
from kiosk import events as on
from kiosk import pickup
from kiosk.commands import Tone
from kiosk.marking import from_store
from kiosk.standing import NOTICE_MS, WITH_FAMILY, Next, awake, home, noticed, show
from kiosk.view import OVERRIDE_REASONS, Notice, PinEntry, Screen, State, Summary

STAFF = frozenset({Screen.PIN, Screen.STAFF, Screen.LEAVING})
BEHIND_PIN = frozenset({Screen.STAFF, Screen.LEAVING, Screen.PICKUP})


def ask_staff(state: State, _: on.AskStaff) -> Next:
    if state.screen in WITH_FAMILY or state.screen in (Screen.CHECKING, Screen.PICKUP, *STAFF):
        return state, ()
    return show(state, Screen.PIN, pin=PinEntry(), refusal=None), ()


def pin_entered(state: State, event: on.PinEntered) -> Next:
    if state.pin is None or state.pin.checking:
        return state, ()
    entered = awake(replace(state, pin=PinEntry(checking=True)))
    if state.leaving is not None:
        return entered, (ask.EndDevice(state.leaving.word, event.pin),)
    if state.override:
        return entered, (ask.Override(event.pin, state.override),)
    return entered, (ask.CheckPin(event.pin),)


def pin_accepted(state: State, event: on.PinAccepted) -> Next:
    if state.screen != Screen.PIN or state.pin is None or not state.pin.checking:
        return state, ()
    shown = show(
        state, Screen.STAFF, pin=None, about=event.about, changes=event.changes, open=event.open,
        oldest_ms=event.oldest_ms,
    )  # fmt: skip
    return shown, ()


def pin_refused(state: State, event: on.PinRefused) -> Next:
    if state.pin is None or not state.pin.checking:
        return state, ()
    return awake(replace(state, pin=PinEntry(error=event.code, n=event.n))), (Tone("refusal"),)


def ask_override(state: State, event: on.AskOverride) -> Next:
    """The PIN stands between a refusal and its exception, each time."""
    may = state.screen == Screen.REFUSAL and state.refusal is not None and state.refusal.may_override
    if not may or event.reason not in OVERRIDE_REASONS:
        return state, ()
    return show(state, Screen.PIN, pin=PinEntry(), override=event.reason), ()


def overridden(state: State, event: on.Overridden) -> Next:
    if not state.override or state.pin is None:
        return state, ()
    board = from_store(event.board)
    state = show(state, Screen.BOARD, board=board, pin=None, refusal=None, override="")
    if event.most:
        notice = Notice("kiosk.override.used", (("n", event.used), ("most", event.most)))
        state = replace(state, notice=replace(notice, until_ms=state.now_at_ms + NOTICE_MS))
    return state, (Tone("attention"),)


def override_refused(state: State, event: on.OverrideRefused) -> Next:
    if not state.override:
        return state, ()
    state, commands = home(state)
    return noticed(state, event.code, tone="warn"), (*commands, Tone("refusal"))


def choose_about(state: State, event: on.ChooseAbout) -> Next:
    """One choice at a time: what is carried out offers none."""
    named = next((one for one in state.changes if one.operation == event.operation), None)
    if state.screen != Screen.STAFF or named is None or event.code not in named.choices:
        return state, ()
    working = tuple(replace(one, choices=(), error="") if one is named else one for one in state.changes)
    return awake(replace(state, changes=working)), (ask.CarryOut(event.operation, event.code),)


def chosen(state: State, event: on.Chosen) -> Next:
    if state.screen != Screen.STAFF:
        return state, ()
    stand = tuple(replace(one, error=event.error) if one.operation == event.operation else one for one in event.changes)
    return awake(replace(state, changes=stand, open=event.open)), ()


def choose_all(state: State, _: on.ChooseAll) -> Next:
    """Not while one is carried out, which offers no choice."""
    if state.screen != Screen.STAFF or not may_choose_all(state):
        return state, ()
    working = tuple(replace(one, choices=(), error="") for one in state.changes)
    return awake(replace(state, changes=working)), (ask.CarryOutAll(),)


def may_choose_all(state: State) -> bool:
    """Whether there are several changed results that leave a choice, and none is being carried out."""
    return state.open > 1 and all(one.choices for one in state.changes)


def chosen_all(state: State, event: on.ChosenAll) -> Next:
    if state.screen != Screen.STAFF:
        return state, ()
    return awake(replace(state, changes=event.changes, open=event.open, summary=Summary(event.lines))), ()


def save_summary(state: State, event: on.SaveSummary) -> Next:
    if state.screen != Screen.STAFF or state.summary is None:
        return state, ()
    return awake(state), (ask.WriteSummary(event.file, state.summary.lines),)


def summary_said(state: State, event: on.SummarySaid) -> Next:
    if state.summary is None:
        return state, ()
    message = Notice(event.code, event.params, tone=event.tone)
    return awake(replace(state, summary=replace(state.summary, message=message))), ()


def tap_pickup(state: State, _: pickup.TapPickup) -> Next:
    """A revoked kiosk shows no child."""
    if state.screen != Screen.STAFF or state.lock:
        return state, ()
    begun, commands = pickup.begun()
    return show(state, Screen.PICKUP, pickup=begun), commands


def pick_up(state: State, event: pickup.Event) -> Next:
    if state.screen != Screen.PICKUP or state.pickup is None or (state.veiled and isinstance(event, pickup.TAPS)):
        return state, ()
    after, commands = pickup.step(state.pickup, event)
    state = awake(replace(state, pickup=after))
    match event:
        case pickup.Given(alarm=alarm):
            return state, (*commands, Tone("refusal" if alarm else "ok"))
        case pickup.ChildUnread() | pickup.NotGiven():
            return state, (*commands, Tone("attention"))
    return state, commands


def leave_pickup(state: State, at: pickup.Pickup) -> Next:
    """A step back; from the list to the page for staff."""
    back = pickup.back(at)
    if back is None:
        return show(state, Screen.STAFF, pickup=None), ()
    return awake(replace(state, pickup=back[0])), back[1]
