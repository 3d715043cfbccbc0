"""How a kiosk goes on: a pure state machine. ``step`` takes a state, an event and the monotonic time, and gives the next
state with what is to be done. It knows no clock, no store and no window; nothing is shown as saved before ``Saved``.
Marks are in ``marking``, a guardian's signature in ``signing``, staff in ``staff``, the end in ``leaving``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

from kiosk import commands as ask
from kiosk import events as on
from kiosk import leaving, marking, pickup, signing, staff
from kiosk.commands import SetLanguage, Tone, Verify
from kiosk.events import Event
from kiosk.standing import WITH_FAMILY, Next, awake, counted, home, noticed, rested, show
from kiosk.view import WITHOUT_ROSTERS, Refusal, Screen, State

CHECKING_MS = 5_000
LOCK_OUT_MS = 800
BOARD_HOLDS_MS = 1_000
ROLLING_CHARS, SUFFIX_CHARS = 176, 20
"""Letters of a pass on a screen, and of its code at the end (docs/passes.md)."""
_TAKES_SCANS = frozenset({Screen.ATTRACT, Screen.REFUSAL, Screen.BOARD, Screen.CAMERA_TROUBLE})


def start(*, studio: str, zone: str, locale: str = "en", now_ms: int = 0, wall_ms: int = 0) -> State:
    """Return the state of a kiosk that was just opened; ``now_ms`` is monotonic, ``wall_ms`` since the epoch."""
    return State(
        studio=studio, zone=zone, locale=locale, home_locale=locale, now_at_ms=now_ms, wall_ms=wall_ms
    )  # fmt: skip


def step(state: State, event: Event, now_ms: int) -> Next:
    """Return the state after ``event`` at the monotonic time ``now_ms`` and the commands to carry out, in order.

    Events that make no sense in a state change nothing.
    """
    now_ms = max(now_ms, state.now_at_ms)
    passed = now_ms - state.now_at_ms
    state = replace(state, now_at_ms=now_ms, wall_ms=state.wall_ms + passed)
    handler = _HANDLERS.get(type(event))
    after, commands = handler(state, event) if handler else (state, ())
    return counted(after), commands


# Time


def _tick(state: State, event: on.Tick) -> Next:
    state = replace(state, wall_ms=event.wall_ms)
    if state.notice and state.now_at_ms >= state.notice.until_ms:
        state = replace(state, notice=None)
    if state.deadline_at_ms is None or state.now_at_ms < state.deadline_at_ms:
        return state, ()
    if state.screen == Screen.CHECKING:
        state, commands = home(state)
        return noticed(state, "error.verdict_timeout", tone="warn"), (*commands, Tone("attention"))
    return home(state)


def _touched(state: State, _: on.Touched) -> Next:
    return awake(state), ()


# Scanning


def _sighting(state: State, event: on.Sighting) -> Next:
    """A text held to the camera is one sighting until it has been away for 800 ms."""
    last = dict(state.seen).get(event.text)
    seen = tuple((text, at) for text, at in state.seen if text != event.text and state.now_at_ms - at < LOCK_OUT_MS)
    fresh = last is None or state.now_at_ms - last >= LOCK_OUT_MS
    state = replace(state, seen=(*seen, (event.text, state.now_at_ms)))
    if not fresh or state.screen not in _TAKES_SCANS:
        return state, ()
    if state.screen == Screen.BOARD:
        settled = state.now_at_ms - state.entered_at_ms >= BOARD_HOLDS_MS
        if _same_pass(event.text, state.text) or state.pending or not settled:
            return state, ()
    checking = replace(
        state, screen=Screen.CHECKING, text=event.text, board=None, refusal=None, notice=None, tapped=(),
        entered_at_ms=state.now_at_ms, deadline_at_ms=state.now_at_ms + CHECKING_MS,
    )  # fmt: skip
    return checking, (Verify(event.text),)


def _same_pass(one: str, other: str) -> bool:
    """Whether two texts are one pass; on a phone its code changes while a family stands there."""
    changing = len(one) == len(other) == ROLLING_CHARS
    return one == other or (changing and one[:-SUFFIX_CHARS] == other[:-SUFFIX_CHARS])


def _verdict(state: State, event: on.Verdict) -> Next:
    if state.screen != Screen.CHECKING or event.text != state.text:
        return state, ()
    if event.outcome == "ok" and event.board is not None:
        return show(state, Screen.BOARD, board=marking.from_store(event.board)), (Tone("attention"),)
    outcome = "family_not_here" if event.outcome == "ok" else event.outcome
    refusal = Refusal(outcome, event.params, event.may_override, event.reason)
    tones = () if event.reason == "not_a_pass" else (Tone("refusal"),)  # a bottle's code is nobody's fault
    return show(state, Screen.REFUSAL, refusal=refusal, text=""), tones


# Signing


def _tap_sign(state: State, _: signing.TapSign) -> Next:
    board = state.board
    if state.screen != Screen.BOARD or board is None or not board.to_sign or state.veiled or not state.online:
        return state, ()
    begun, commands = signing.begun(board.family)
    return show(state, Screen.SIGNING, signing=begun), commands


def _signing(state: State, event: signing.Event) -> Next:
    if state.screen != Screen.SIGNING or state.signing is None or (state.veiled and isinstance(event, signing.TAPS)):
        return state, ()
    after, commands = signing.step(state.signing, event)
    if after is not None:
        return awake(replace(state, signing=after)), commands
    state = show(state, Screen.BOARD, signing=None)
    if isinstance(event, signing.SignatureKept):
        return noticed(state, "kiosk.sign_done", tone="present"), (*commands, Tone("ok"))
    return state, commands


# Going back, language


def _cancel(state: State, _: on.Cancel) -> Next:
    if state.screen == Screen.REASON:
        return show(state, Screen.BOARD, sheet=None), ()
    if state.screen == Screen.SIGNING:
        keeping = state.signing is not None and state.signing.step is signing.Step.KEEPING
        return (state, ()) if keeping else (show(state, Screen.BOARD, signing=None), ())
    if state.leaving is not None:
        return leaving.back(state, state.leaving)
    if state.pickup is not None:
        return staff.leave_pickup(state, state.pickup)
    if state.screen in (Screen.REFUSAL, Screen.PIN, Screen.CHECKING, Screen.BOARD, Screen.STAFF):
        return home(state)
    return state, ()


def _done(state: State, _: on.Done) -> Next:
    return home(state) if state.screen in (*WITH_FAMILY, Screen.REFUSAL) else (state, ())


def _language(state: State, event: on.ChooseLanguage) -> Next:
    if event.locale == state.locale:
        return awake(state), ()
    return awake(replace(state, locale=event.locale)), (SetLanguage(event.locale),)


# The world outside


def _connection(state: State, event: on.Connection) -> Next:
    return replace(state, online=event.online, waiting=max(0, event.waiting), hearing=event.hearing), ()


def _clock(state: State, event: on.ClockSuspect) -> Next:
    return replace(state, clock_suspect=event.suspect), ()


def _keys(state: State, event: on.KeysDoubt) -> Next:
    return replace(state, keys=event.notice), ()


def _urgent(state: State, event: on.Urgent) -> Next:
    return replace(state, urgent=event.on), ()


def _veil(state: State, event: on.Veil) -> Next:
    return replace(state, veiled=event.on), ()


def _camera_fault(state: State, event: on.CameraFault) -> Next:
    return rested(replace(state, camera_fault=event.code))


def _camera_back(state: State, _: on.CameraBack) -> Next:
    return rested(replace(state, camera_fault=None))


def _store_fault(state: State, event: on.StoreFault) -> Next:
    return rested(replace(state, store_fault=event.code))


def _store_back(state: State, _: on.StoreBack) -> Next:
    return rested(replace(state, store_fault=None))


def _lock(state: State, event: on.Lock) -> Next:
    """A lock sends whoever stands there away at once: a revoked kiosk shows no family."""
    state = replace(state, lock=event.code)
    return (state, ()) if state.screen in staff.STAFF else home(state)


def _unlock(state: State, _: on.Unlock) -> Next:
    return rested(replace(state, lock=None))


def _retry(state: State, _: on.Retry) -> Next:
    if state.screen == Screen.CAMERA_TROUBLE:
        return state, (ask.RestartCamera(),)
    if state.screen == Screen.STORE_TROUBLE or state.store_fault:
        return state, (ask.CheckStore(),)
    if state.refusal is not None and state.refusal.outcome in WITHOUT_ROSTERS:
        state, commands = home(state)
        return noticed(state, "kiosk.fetching"), (*commands, ask.SendQueue())
    return state, ()


_HANDLERS: dict[type, Callable[[State, Any], Next]] = {
    on.Tick: _tick,
    on.Touched: _touched,
    on.Sighting: _sighting,
    on.Verdict: _verdict,
    on.Refresh: marking.refresh,
    **dict.fromkeys(get_args(signing.Event), _signing),
    signing.TapSign: _tap_sign,
    **dict.fromkeys(get_args(pickup.Event), staff.pick_up),
    pickup.TapPickup: staff.tap_pickup,
    on.Tap: marking.tap,
    on.TapAllPresent: marking.all_present,
    on.Saved: marking.saved,
    on.SaveFailed: marking.save_failed,
    on.ChooseReason: marking.choose_reason,
    on.ChooseArrival: marking.choose_arrival,
    on.Confirm: marking.confirm,
    on.Cancel: _cancel,
    on.Done: _done,
    on.ChooseLanguage: _language,
    on.AskStaff: staff.ask_staff,
    on.AskOverride: staff.ask_override,
    on.Overridden: staff.overridden,
    on.OverrideRefused: staff.override_refused,
    on.PinEntered: staff.pin_entered,
    on.PinAccepted: staff.pin_accepted,
    on.PinRefused: staff.pin_refused,
    on.ChooseAbout: staff.choose_about,
    on.Chosen: staff.chosen,
    on.ChooseAll: staff.choose_all,
    on.ChosenAll: staff.chosen_all,
    on.SaveSummary: staff.save_summary,
    on.SummarySaid: staff.summary_said,
    on.CloseKiosk: leaving.close_kiosk,
    on.SignOut: leaving.sign_out,
    on.Stake: leaving.stake,
    on.SendFirst: leaving.send_first,
    on.SaveFirst: leaving.save_first,
    on.LeaveSaid: leaving.said,
    on.GoOn: leaving.go_on,
    on.LeaveBegun: leaving.begun,
    on.SignedOut: leaving.signed_out,
    on.Connection: _connection,
    on.ClockSuspect: _clock,
    on.KeysDoubt: _keys,
    on.Urgent: _urgent,
    on.Veil: _veil,
    on.CameraFault: _camera_fault,
    on.CameraBack: _camera_back,
    on.StoreFault: _store_fault,
    on.StoreBack: _store_back,
    on.Lock: _lock,
    on.Unlock: _unlock,
    on.Retry: _retry,
}
