"""Closing the kiosk, and signing the device out: the loss is read, a PIN says yes to it, and there is no way back."""

from __future__ import annotations

from dataclasses import replace

from kiosk import commands as ask
from kiosk import events as on
from kiosk.standing import Next, awake, ending, home, show
from kiosk.view import Leaving, Notice, PinEntry, Screen, Stage, State


def close_kiosk(state: State, _: on.CloseKiosk) -> Next:
    if state.leaving is not None and state.leaving.stage == Stage.DONE:
        return state, (ask.Leave(),)
    if state.screen != Screen.STAFF:
        return state, ()
    state, commands = home(state)
    return state, (*commands, ask.Leave())


def sign_out(state: State, _: on.SignOut) -> Next:
    if state.screen != Screen.STAFF:
        return state, ()
    return show(state, Screen.LEAVING, leaving=Leaving()), (ask.ReadStake(),)


def stake(state: State, event: on.Stake) -> Next:
    """Not over the PIN: it says yes to the loss that was read, and is refused where that is another by now."""
    leaving = state.leaving
    if leaving is None or leaving.stage not in (Stage.LOOKING, Stage.LOSS):
        return state, ()
    read = replace(leaving, stage=Stage.LOSS, unsent=event.unsent, files=event.files, word=event.word)
    return replace(state, leaving=read), ()


def send_first(state: State, _: on.SendFirst) -> Next:
    if state.leaving is None or state.leaving.stage != Stage.LOSS:
        return state, ()
    return said(state, on.LeaveSaid("kiosk.leave.sending", tone="muted"))[0], (ask.SendQueue(),)


def save_first(state: State, event: on.SaveFirst) -> Next:
    if state.leaving is None or state.leaving.stage != Stage.LOSS:
        return state, ()
    return said(state, on.LeaveSaid("desk.leave.saving", tone="muted"))[0], (ask.SaveSealed(event.file),)


def said(state: State, event: on.LeaveSaid) -> Next:
    """What stands in the way takes a PIN back to the loss, which may be another by now."""
    leaving = state.leaving
    if leaving is None or leaving.stage == Stage.DONE:
        return state, ()
    message = Notice(event.code, event.params, tone=event.tone)
    if leaving.stage in (Stage.PIN, Stage.ENDING):
        back = replace(leaving, stage=Stage.LOOKING, message=message)
        return awake(replace(state, leaving=back, pin=None)), (ask.ReadStake(),)
    return awake(replace(state, leaving=replace(leaving, message=message))), ()


def go_on(state: State, _: on.GoOn) -> Next:
    if state.leaving is None or state.leaving.stage != Stage.LOSS:
        return state, ()
    return awake(replace(state, leaving=replace(state.leaving, stage=Stage.PIN, message=None), pin=PinEntry())), ()


def back(state: State, leaving: Leaving) -> Next:
    if ending(state) or (state.pin is not None and state.pin.checking):
        return state, ()
    if leaving.stage == Stage.PIN:
        return awake(replace(state, leaving=replace(leaving, stage=Stage.LOSS), pin=None)), (ask.ReadStake(),)
    return show(state, Screen.STAFF, leaving=None), ()


def begun(state: State, _: on.LeaveBegun) -> Next:
    """Whatever the screen shows by now: there is no way back."""
    ending = replace(state.leaving or Leaving(), stage=Stage.ENDING, message=None)
    state = replace(state, board=None, sheet=None, refusal=None, pin=None)
    return show(state, Screen.LEAVING, leaving=ending), ()


def signed_out(state: State, event: on.SignedOut) -> Next:
    if state.leaving is None:
        return state, ()
    return awake(replace(state, leaving=replace(state.leaving, stage=Stage.DONE, revoked=event.revoked))), ()
