"""How a kiosk goes on: a pure state machine. ``step`` takes a state, an event and the monotonic time, and gives the next
state with what is to be done. It knows no clock, no store and no window; nothing is shown as saved before ``Saved``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from kiosk import events as on
from kiosk import signing
from kiosk.events import Command, Event, GoAttract, Mark, MarkItem, SetLanguage, Tone, Verify
from kiosk.view import (
    OVERRIDE_REASONS,
    Board,
    Group,
    Leaving,
    Notice,
    Pending,
    PinEntry,
    Reason,
    Refusal,
    Row,
    Screen,
    Sheet,
    Stage,
    State,
    Status,
)  # fmt: skip

__all__ = ["Board", "Group", "Notice", "Reason", "Row", "Screen", "State", "Status", "start", "step"]

IDLE_S = 45
REFUSAL_S = 12
PIN_S = 30
STAFF_S = 90
SIGNING_S = 120
CHECKING_MS = 5_000
LOCK_OUT_MS = 800
TAP_LOCK_MS = 800
BOARD_HOLDS_MS = 1_000
ROLLING_CHARS, SUFFIX_CHARS = 176, 20
"""Letters of a pass on a screen, and of its code at the end (docs/passes.md)."""
NOTICE_MS = 5_000
MINUTE_MS = 60_000
ARRIVALS_MIN = (5, 10, 15, 20, 30)
DEFAULT_ARRIVAL_MIN = 10

Next = tuple[State, tuple[Command, ...]]
_TIMES = {
    Screen.REFUSAL: REFUSAL_S,
    Screen.PIN: PIN_S,
    Screen.STAFF: STAFF_S,
    Screen.LEAVING: STAFF_S,
    Screen.SIGNING: SIGNING_S,
}
_WITH_FAMILY = frozenset({Screen.BOARD, Screen.REASON, Screen.SIGNING})
_STAFF = frozenset({Screen.PIN, Screen.STAFF, Screen.LEAVING})
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
    return _counted(after), commands


def _counted(state: State) -> State:
    """Bring the ring up to date."""
    if state.deadline_at_ms is None or state.screen == Screen.CHECKING:
        return replace(state, idle_left_s=None)
    left = max(0, state.deadline_at_ms - state.now_at_ms)
    return replace(state, idle_left_s=-(-left // 1000))


# Time


def _tick(state: State, event: on.Tick) -> Next:
    state = replace(state, wall_ms=event.wall_ms)
    if state.notice and state.now_at_ms >= state.notice.until_ms:
        state = replace(state, notice=None)
    if state.deadline_at_ms is None or state.now_at_ms < state.deadline_at_ms:
        return state, ()
    if state.screen == Screen.CHECKING:
        state, commands = _home(state)
        return _noticed(state, "error.verdict_timeout", tone="warn"), (*commands, Tone("attention"))
    return _home(state)


def _touched(state: State, _: on.Touched) -> Next:
    return _awake(state), ()


def _awake(state: State) -> State:
    """Start the countdown of the screen anew."""
    if state.screen == Screen.CHECKING:
        return state
    total = _TIMES.get(state.screen, IDLE_S)
    runs = (state.screen in _WITH_FAMILY or state.screen in _TIMES) and not _ending(state)
    if not runs and state.locale == state.home_locale:
        return replace(state, deadline_at_ms=None)
    return replace(state, deadline_at_ms=state.now_at_ms + total * 1000, idle_total_s=total)


def _show(state: State, screen: Screen, **changes: Any) -> State:
    shown = replace(state, screen=screen, entered_at_ms=state.now_at_ms, **changes)
    return _awake(shown)


def _home(state: State) -> Next:
    """Forget the family and show what the kiosk shows when nobody stands there."""
    screen = _resting(state)
    commands: list[Command] = [GoAttract()]
    if state.locale != state.home_locale:
        commands.append(SetLanguage(state.home_locale))
    state = replace(
        state, locale=state.home_locale, board=None, sheet=None, signing=None, refusal=None, pin=None, text="", tapped=(),
        override="", about=(), changes=(), leaving=None,
    )  # fmt: skip
    return _show(state, screen), tuple(commands)


def _resting(state: State) -> Screen:
    if state.lock:
        return Screen.LOCKED
    if state.store_fault:
        return Screen.STORE_TROUBLE
    return Screen.CAMERA_TROUBLE if state.camera_fault else Screen.ATTRACT


def _rested(state: State) -> Next:
    """Go to the resting screen that is right now, unless somebody is being served."""
    resting = (Screen.ATTRACT, Screen.CAMERA_TROUBLE, Screen.STORE_TROUBLE, Screen.LOCKED)
    if state.screen in resting and state.screen != _resting(state):
        return _show(state, _resting(state)), ()
    return state, ()


def _noticed(state: State, code: str, *, tone: str = "info") -> State:
    return replace(state, notice=Notice(code, tone=tone, until_ms=state.now_at_ms + NOTICE_MS))


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
        return _show(state, Screen.BOARD, board=_from_store(event.board)), (Tone("attention"),)
    outcome = "family_not_here" if event.outcome == "ok" else event.outcome
    refusal = Refusal(outcome, event.params, event.may_override, event.reason)
    tones = () if event.reason == "not_a_pass" else (Tone("refusal"),)  # a bottle's code is nobody's fault
    return _show(state, Screen.REFUSAL, refusal=refusal, text=""), tones


def _refresh(state: State, event: on.Refresh) -> Next:
    """Take the new board, but keep rows whose mark is on its way as they are shown."""
    if state.board is None or state.board.family != event.board.family:
        return state, ()
    fresh = _from_store(event.board)
    own = {(row.session, row.child): row for row in state.board.rows() if not row.saved}
    errors = {(row.session, row.child): row.error for row in state.board.rows() if row.error}
    kept = [
        own.get((row.session, row.child), replace(row, error=row.error or errors.get((row.session, row.child))))
        for row in fresh.rows()
    ]
    before = {(row.session, row.child): row for row in fresh.rows()}
    pending = tuple(
        replace(wait, before=tuple(before.get((row.session, row.child), row) for row in wait.before))
        for wait in state.pending
    )
    return replace(state, board=_with_rows(fresh, kept), pending=pending), ()


# Marking


def _tap(state: State, event: on.Tap) -> Next:
    row = state.board.row(event.session, event.child) if state.board else None
    if state.screen != Screen.BOARD or state.veiled or row is None or event.status not in row_choices(row):
        return state, ()
    key = f"{event.session}/{event.child}/{event.status}"
    tapped = tuple((own, at) for own, at in state.tapped if state.now_at_ms - at < TAP_LOCK_MS)
    state = _awake(replace(state, tapped=tapped))
    if not row.saved or key in dict(tapped):
        return state, ()
    state = replace(state, tapped=(*tapped, (key, state.now_at_ms)))
    if row.state == event.status:
        return _mark(state, row.session, (MarkItem(row.child, Status.NONE),))
    if event.status == Status.PRESENT:
        return _mark(state, row.session, (MarkItem(row.child, Status.PRESENT),))
    return _show(state, Screen.REASON, sheet=_sheet(state, row, event.status)), ()


def row_choices(row: Row) -> tuple[Status, ...]:
    """Return the states that can be tapped for a row."""
    return tuple(status for status in (Status.PRESENT, Status.LATE, Status.ABSENT) if status not in row.blocked())


def can_mark_all(board: Board | None) -> bool:
    """Say whether "mark all present" would mark anybody."""
    return board is not None and any(_markable(row) for row in board.rows())


def _markable(row: Row) -> bool:
    return row.state == Status.NONE and row.saved and Status.PRESENT in row_choices(row)


def _all_present(state: State, _: on.TapAllPresent) -> Next:
    if state.screen != Screen.BOARD or state.board is None or state.veiled:
        return state, ()
    commands: tuple[Command, ...] = ()
    for group in state.board.groups:
        items = tuple(MarkItem(row.child, Status.PRESENT) for row in group.rows if _markable(row))
        if items:
            state, more = _mark(state, group.session, items)
            commands += more
    return _awake(state), commands


def _mark(state: State, session: str, items: tuple[MarkItem, ...]) -> Next:
    """Show the marks as on their way and ask for them to be saved."""
    assert state.board is not None
    request = state.requests + 1
    wanted = {item.child: item for item in items}
    before = tuple(row for row in state.board.rows() if row.session == session and row.child in wanted)
    shown = [
        replace(
            row, state=wanted[row.child].status, saved=False, error=None,
            reason=wanted[row.child].reason, expected_ms=wanted[row.child].expected_ms,
        )
        for row in before
    ]  # fmt: skip
    state = replace(
        state,
        board=_with_rows(state.board, shown),
        pending=(*state.pending, Pending(request, state.board.family, before)),
        requests=request,
    )
    return state, (Mark(request, session, items),)


def _saved(state: State, event: on.Saved) -> Next:
    pending = _take(state, event.request)
    if pending is None:
        return state, ()
    state = replace(state, pending=tuple(wait for wait in state.pending if wait is not pending))
    refused = dict(event.refused)
    any_saved = any(row.child not in refused for row in pending.before)
    tones: tuple[Command, ...] = ((Tone("ok"),) if any_saved else ()) + ((Tone("attention"),) if refused else ())
    if state.board is None or state.board.family != pending.family:
        if not refused:
            return state, ()
        return _noticed(state, "error.earlier_not_saved", tone="warn"), (Tone("attention"),)
    rows: list[Row] = []
    for old in pending.before:
        row = state.board.row(old.session, old.child)
        if row is None:
            continue
        code = refused.get(old.child)
        rows.append(replace(row, saved=True) if code is None else replace(old, error=f"gate.{code}"))
    return replace(state, board=_with_rows(state.board, rows)), tones


def _save_failed(state: State, event: on.SaveFailed) -> Next:
    """Put the rows back as they were: what was not saved is not shown."""
    pending = _take(state, event.request)
    if pending is None:
        return state, ()
    state = replace(state, pending=tuple(wait for wait in state.pending if wait is not pending))
    if state.board is None or state.board.family != pending.family:
        return _noticed(state, "error.earlier_not_saved", tone="warn"), (Tone("attention"),)
    back = [replace(old, error=f"error.{event.code}") for old in pending.before]
    return replace(state, board=_with_rows(state.board, back)), (Tone("attention"),)


def _take(state: State, request: int) -> Pending | None:
    return next((wait for wait in state.pending if wait.request == request), None)


def _from_store(board: Board) -> Board:
    """Return a board as the store gave it: everything on it is saved."""
    return _with_rows(board, [replace(row, saved=True) for row in board.rows()])


def _with_rows(board: Board, rows: Iterable[Row]) -> Board:
    new = {(row.session, row.child): row for row in rows}
    groups = (
        replace(group, rows=tuple(new.get((row.session, row.child), row) for row in group.rows))
        for group in board.groups
    )
    return replace(board, groups=tuple(groups))


# Why late, why absent


def _sheet(state: State, row: Row, status: Status) -> Sheet:
    """Return the questions with their likely answers chosen, so that one more tap is enough."""
    reasons = state.late_reasons if status == Status.LATE else state.absent_reasons
    first = reasons[0].id if reasons else ""
    sheet = Sheet(row.session, row.child, row.name, status, reasons, first)
    group = state.board.group(row.session) if state.board else None
    if status == Status.ABSENT or group is None:
        return sheet
    arrivals = arrival_choices(now_ms=state.wall_ms, start_ms=group.start_ms, end_ms=group.end_ms)
    likely = max(state.wall_ms, group.start_ms) + DEFAULT_ARRIVAL_MIN * MINUTE_MS
    chosen = min(arrivals, key=lambda at: (abs(at - likely), at), default=None)
    return replace(sheet, arrivals=arrivals, arrival=chosen)


def arrival_choices(*, now_ms: int, start_ms: int, end_ms: int) -> tuple[int, ...]:
    """Return expected arrivals to offer, on whole five minutes after both now and the start, within the class.

    All in ms since the epoch. When the class ends within five minutes its end is the one choice (catalogue 14); when it
    is over there is none.
    """
    if end_ms <= now_ms:
        return ()
    five = 5 * MINUTE_MS
    base = -(-max(now_ms, start_ms) // five) * five
    offered = tuple(at for at in (base + minutes * MINUTE_MS for minutes in ARRIVALS_MIN) if at <= end_ms)
    return offered or (end_ms,)


def _choose_reason(state: State, event: on.ChooseReason) -> Next:
    if state.sheet is None or event.reason not in {reason.id for reason in state.sheet.reasons}:
        return state, ()
    return _awake(replace(state, sheet=replace(state.sheet, reason=event.reason))), ()


def _choose_arrival(state: State, event: on.ChooseArrival) -> Next:
    if state.sheet is None or event.at_ms not in state.sheet.arrivals:
        return state, ()
    return _awake(replace(state, sheet=replace(state.sheet, arrival=event.at_ms))), ()


def _confirm(state: State, _: on.Confirm) -> Next:
    sheet = state.sheet
    if state.screen != Screen.REASON or sheet is None or state.board is None or state.veiled:
        return state, ()
    state = _show(state, Screen.BOARD, sheet=None)
    row = state.board.row(sheet.session, sheet.child) if state.board else None
    if row is None or not row.saved or sheet.status not in row_choices(row):
        return state, ()
    item = MarkItem(sheet.child, sheet.status, reason=sheet.reason, expected_ms=sheet.arrival)
    return _mark(state, sheet.session, (item,))


# Signing


def _tap_sign(state: State, _: signing.TapSign) -> Next:
    board = state.board
    if state.screen != Screen.BOARD or board is None or not board.to_sign or state.veiled or not state.online:
        return state, ()
    begun, commands = signing.begun(board.family)
    return _show(state, Screen.SIGNING, signing=begun), commands


def _signing(state: State, event: signing.Event) -> Next:
    if state.screen != Screen.SIGNING or state.signing is None or state.veiled:
        return state, ()
    after, commands = signing.step(state.signing, event)
    if after is not None:
        return _awake(replace(state, signing=after)), commands
    state = _show(state, Screen.BOARD, signing=None)
    if isinstance(event, signing.SignatureKept):
        return _noticed(state, "kiosk.sign_done", tone="present"), (*commands, Tone("ok"))
    return state, commands


# Going back, language, staff


def _cancel(state: State, _: on.Cancel) -> Next:
    if state.screen == Screen.REASON:
        return _show(state, Screen.BOARD, sheet=None), ()
    if state.screen == Screen.SIGNING:
        keeping = state.signing is not None and state.signing.step is signing.Step.KEEPING
        return (state, ()) if keeping else (_show(state, Screen.BOARD, signing=None), ())
    if state.leaving is not None:
        return _leave_back(state, state.leaving)
    if state.screen in (Screen.REFUSAL, Screen.PIN, Screen.CHECKING, Screen.BOARD, Screen.STAFF):
        return _home(state)
    return state, ()


def _done(state: State, _: on.Done) -> Next:
    return _home(state) if state.screen in (*_WITH_FAMILY, Screen.REFUSAL) else (state, ())


def _language(state: State, event: on.ChooseLanguage) -> Next:
    if event.locale == state.locale:
        return _awake(state), ()
    return _awake(replace(state, locale=event.locale)), (SetLanguage(event.locale),)


def _ask_staff(state: State, _: on.AskStaff) -> Next:
    if state.screen in _WITH_FAMILY or state.screen in (Screen.CHECKING, *_STAFF):
        return state, ()
    return _show(state, Screen.PIN, pin=PinEntry(), refusal=None), ()


def _ask_override(state: State, event: on.AskOverride) -> Next:
    """The PIN stands between a refusal and its exception, each time."""
    may = state.screen == Screen.REFUSAL and state.refusal is not None and state.refusal.may_override
    if not may or event.reason not in OVERRIDE_REASONS:
        return state, ()
    return _show(state, Screen.PIN, pin=PinEntry(), override=event.reason), ()


def _overridden(state: State, event: on.Overridden) -> Next:
    if not state.override or state.pin is None:
        return state, ()
    board = _from_store(event.board)
    state = _show(state, Screen.BOARD, board=board, pin=None, refusal=None, override="")
    if event.most:
        notice = Notice("kiosk.override.used", (("n", event.used), ("most", event.most)))
        state = replace(state, notice=replace(notice, until_ms=state.now_at_ms + NOTICE_MS))
    return state, (Tone("attention"),)


def _override_refused(state: State, event: on.OverrideRefused) -> Next:
    if not state.override:
        return state, ()
    state, commands = _home(state)
    return _noticed(state, event.code, tone="warn"), (*commands, Tone("refusal"))


def _pin_entered(state: State, event: on.PinEntered) -> Next:
    if state.pin is None or state.pin.checking:
        return state, ()
    entered = _awake(replace(state, pin=PinEntry(checking=True)))
    if state.leaving is not None:
        return entered, (on.EndDevice(state.leaving.word, event.pin),)
    if state.override:
        return entered, (on.Override(event.pin, state.override),)
    return entered, (on.CheckPin(event.pin),)


def _pin_accepted(state: State, event: on.PinAccepted) -> Next:
    if state.screen != Screen.PIN or state.pin is None or not state.pin.checking:
        return state, ()
    return _show(state, Screen.STAFF, pin=None, about=event.about, changes=event.changes), ()


def _choose_about(state: State, event: on.ChooseAbout) -> Next:
    """One choice at a time: what is carried out offers none."""
    named = next((one for one in state.changes if one.operation == event.operation), None)
    if state.screen != Screen.STAFF or named is None or event.code not in named.choices:
        return state, ()
    working = tuple(replace(one, choices=(), error="") if one is named else one for one in state.changes)
    return _awake(replace(state, changes=working)), (on.CarryOut(event.operation, event.code),)


def _chosen(state: State, event: on.Chosen) -> Next:
    if state.screen != Screen.STAFF:
        return state, ()
    stand = tuple(replace(one, error=event.error) if one.operation == event.operation else one for one in event.changes)
    return _awake(replace(state, changes=stand)), ()


def _pin_refused(state: State, event: on.PinRefused) -> Next:
    if state.pin is None or not state.pin.checking:
        return state, ()
    return _awake(replace(state, pin=PinEntry(error=event.code, n=event.n))), (Tone("refusal"),)


# Closing the kiosk, signing the device out


def _close_kiosk(state: State, _: on.CloseKiosk) -> Next:
    if state.leaving is not None and state.leaving.stage == Stage.DONE:
        return state, (on.Leave(),)
    if state.screen != Screen.STAFF:
        return state, ()
    state, commands = _home(state)
    return state, (*commands, on.Leave())


def _sign_out(state: State, _: on.SignOut) -> Next:
    if state.screen != Screen.STAFF:
        return state, ()
    return _show(state, Screen.LEAVING, leaving=Leaving()), (on.ReadStake(),)


def _ending(state: State) -> bool:
    return state.leaving is not None and state.leaving.stage in (Stage.ENDING, Stage.DONE)


def _stake(state: State, event: on.Stake) -> Next:
    """Not over the PIN: it says yes to the loss that was read, and is refused where that is another by now."""
    leaving = state.leaving
    if leaving is None or leaving.stage not in (Stage.LOOKING, Stage.LOSS):
        return state, ()
    read = replace(leaving, stage=Stage.LOSS, unsent=event.unsent, files=event.files, word=event.word)
    return replace(state, leaving=read), ()


def _send_first(state: State, _: on.SendFirst) -> Next:
    if state.leaving is None or state.leaving.stage != Stage.LOSS:
        return state, ()
    return _leave_said(state, on.LeaveSaid("kiosk.leave.sending", tone="muted"))[0], (on.SendQueue(),)


def _save_first(state: State, event: on.SaveFirst) -> Next:
    if state.leaving is None or state.leaving.stage != Stage.LOSS:
        return state, ()
    return _leave_said(state, on.LeaveSaid("desk.leave.saving", tone="muted"))[0], (on.SaveSealed(event.file),)


def _leave_said(state: State, event: on.LeaveSaid) -> Next:
    """What stands in the way takes a PIN back to the loss, which may be another by now."""
    leaving = state.leaving
    if leaving is None or leaving.stage == Stage.DONE:
        return state, ()
    message = Notice(event.code, event.params, tone=event.tone)
    if leaving.stage in (Stage.PIN, Stage.ENDING):
        back = replace(leaving, stage=Stage.LOOKING, message=message)
        return _awake(replace(state, leaving=back, pin=None)), (on.ReadStake(),)
    return _awake(replace(state, leaving=replace(leaving, message=message))), ()


def _go_on(state: State, _: on.GoOn) -> Next:
    if state.leaving is None or state.leaving.stage != Stage.LOSS:
        return state, ()
    return _awake(replace(state, leaving=replace(state.leaving, stage=Stage.PIN, message=None), pin=PinEntry())), ()


def _leave_back(state: State, leaving: Leaving) -> Next:
    if _ending(state) or (state.pin is not None and state.pin.checking):
        return state, ()
    if leaving.stage == Stage.PIN:
        return _awake(replace(state, leaving=replace(leaving, stage=Stage.LOSS), pin=None)), (on.ReadStake(),)
    return _show(state, Screen.STAFF, leaving=None), ()


def _leave_begun(state: State, _: on.LeaveBegun) -> Next:
    """Whatever the screen shows by now: there is no way back."""
    ending = replace(state.leaving or Leaving(), stage=Stage.ENDING, message=None)
    state = replace(state, board=None, sheet=None, refusal=None, pin=None)
    return _show(state, Screen.LEAVING, leaving=ending), ()


def _signed_out(state: State, event: on.SignedOut) -> Next:
    if state.leaving is None:
        return state, ()
    return _awake(replace(state, leaving=replace(state.leaving, stage=Stage.DONE, revoked=event.revoked))), ()


# The world outside


def _connection(state: State, event: on.Connection) -> Next:
    return replace(state, online=event.online, waiting=max(0, event.waiting)), ()


def _clock(state: State, event: on.ClockSuspect) -> Next:
    return replace(state, clock_suspect=event.suspect), ()


def _keys(state: State, event: on.KeysDoubt) -> Next:
    return replace(state, keys=event.notice), ()


def _veil(state: State, event: on.Veil) -> Next:
    return replace(state, veiled=event.on), ()


def _camera_fault(state: State, event: on.CameraFault) -> Next:
    return _rested(replace(state, camera_fault=event.code))


def _camera_back(state: State, _: on.CameraBack) -> Next:
    return _rested(replace(state, camera_fault=None))


def _store_fault(state: State, event: on.StoreFault) -> Next:
    return _rested(replace(state, store_fault=event.code))


def _store_back(state: State, _: on.StoreBack) -> Next:
    return _rested(replace(state, store_fault=None))


def _lock(state: State, event: on.Lock) -> Next:
    """A lock sends whoever stands there away at once: a revoked kiosk shows no family."""
    state = replace(state, lock=event.code)
    return (state, ()) if state.screen in _STAFF else _home(state)


def _unlock(state: State, _: on.Unlock) -> Next:
    return _rested(replace(state, lock=None))


def _retry(state: State, _: on.Retry) -> Next:
    if state.screen == Screen.CAMERA_TROUBLE:
        return state, (on.RestartCamera(),)
    if state.screen == Screen.STORE_TROUBLE or state.store_fault:
        return state, (on.CheckStore(),)
    return state, ()


_HANDLERS: dict[type, Callable[[State, Any], Next]] = {
    on.Tick: _tick,
    on.Touched: _touched,
    on.Sighting: _sighting,
    on.Verdict: _verdict,
    on.Refresh: _refresh,
    signing.TapSign: _tap_sign,
    **dict.fromkeys(
        (
            signing.FormsRead,
            signing.ChooseSigner,
            signing.CodeSent,
            signing.CodeUnsent,
            signing.DigitsTyped,
            signing.CodeJudged,
            signing.Agree,
            signing.SignNow,
            signing.SignatureKept,
            signing.SignatureFailed,
        ),
        _signing,
    ),
    on.Tap: _tap,
    on.TapAllPresent: _all_present,
    on.Saved: _saved,
    on.SaveFailed: _save_failed,
    on.ChooseReason: _choose_reason,
    on.ChooseArrival: _choose_arrival,
    on.Confirm: _confirm,
    on.Cancel: _cancel,
    on.Done: _done,
    on.ChooseLanguage: _language,
    on.AskStaff: _ask_staff,
    on.AskOverride: _ask_override,
    on.Overridden: _overridden,
    on.OverrideRefused: _override_refused,
    on.PinEntered: _pin_entered,
    on.PinAccepted: _pin_accepted,
    on.PinRefused: _pin_refused,
    on.ChooseAbout: _choose_about,
    on.Chosen: _chosen,
    on.CloseKiosk: _close_kiosk,
    on.SignOut: _sign_out,
    on.Stake: _stake,
    on.SendFirst: _send_first,
    on.SaveFirst: _save_first,
    on.LeaveSaid: _leave_said,
    on.GoOn: _go_on,
    on.LeaveBegun: _leave_begun,
    on.SignedOut: _signed_out,
    on.Connection: _connection,
    on.ClockSuspect: _clock,
    on.KeysDoubt: _keys,
    on.Veil: _veil,
    on.CameraFault: _camera_fault,
    on.CameraBack: _camera_back,
    on.StoreFault: _store_fault,
    on.StoreBack: _store_back,
    on.Lock: _lock,
    on.Unlock: _unlock,
    on.Retry: _retry,
}
