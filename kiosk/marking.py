"""Marks on a family's board: tapped, on their way, saved or put back; and why somebody is late or absent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kiosk import events as on
from kiosk.commands import Command, Mark, MarkItem, Tone
from kiosk.standing import Next, awake, noticed, show
from kiosk.view import Board, Pending, Row, Screen, Sheet, State, Status

TAP_LOCK_MS = 800
MINUTE_MS = 60_000
ARRIVALS_MIN = (5, 10, 15, 20, 30)
DEFAULT_ARRIVAL_MIN = 10


def tap(state: State, event: on.Tap) -> Next:
    row = state.board.row(event.session, event.child) if state.board else None
    if state.screen != Screen.BOARD or state.veiled or row is None or event.status not in row_choices(row):
        return state, ()
    key = f"{event.session}/{event.child}/{event.status}"
    tapped = tuple((own, at) for own, at in state.tapped if state.now_at_ms - at < TAP_LOCK_MS)
    state = awake(replace(state, tapped=tapped))
    if not row.saved or key in dict(tapped):
        return state, ()
    state = replace(state, tapped=(*tapped, (key, state.now_at_ms)))
    if row.state == event.status:
        return _mark(state, row.session, (MarkItem(row.child, Status.NONE),))
    if event.status == Status.PRESENT:
        return _mark(state, row.session, (MarkItem(row.child, Status.PRESENT),))
    return show(state, Screen.REASON, sheet=_sheet(state, row, event.status)), ()


def row_choices(row: Row) -> tuple[Status, ...]:
    """Return the states that can be tapped for a row."""
    return tuple(status for status in (Status.PRESENT, Status.LATE, Status.ABSENT) if status not in row.blocked())


def can_mark_all(board: Board | None) -> bool:
    """Say whether "mark all present" would mark anybody."""
    return board is not None and any(_markable(row) for row in board.rows())


def _markable(row: Row) -> bool:
    return row.state == Status.NONE and row.saved and Status.PRESENT in row_choices(row)


def all_present(state: State, _: on.TapAllPresent) -> Next:
    if state.screen != Screen.BOARD or state.board is None or state.veiled:
        return state, ()
    commands: tuple[Command, ...] = ()
    for group in state.board.groups:
        items = tuple(MarkItem(row.child, Status.PRESENT) for row in group.rows if _markable(row))
        if items:
            state, more = _mark(state, group.session, items)
            commands += more
    return awake(state), commands


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


def saved(state: State, event: on.Saved) -> Next:
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
        return noticed(state, "error.earlier_not_saved", tone="warn"), (Tone("attention"),)
    rows: list[Row] = []
    for old in pending.before:
        row = state.board.row(old.session, old.child)
        if row is None:
            continue
        code = refused.get(old.child)
        rows.append(replace(row, saved=True) if code is None else replace(old, error=f"gate.{code}"))
    return replace(state, board=_with_rows(state.board, rows)), tones


def save_failed(state: State, event: on.SaveFailed) -> Next:
    """Put the rows back as they were: what was not saved is not shown."""
    pending = _take(state, event.request)
    if pending is None:
        return state, ()
    state = replace(state, pending=tuple(wait for wait in state.pending if wait is not pending))
    if state.board is None or state.board.family != pending.family:
        return noticed(state, "error.earlier_not_saved", tone="warn"), (Tone("attention"),)
    back = [replace(old, error=f"error.{event.code}") for old in pending.before]
    return replace(state, board=_with_rows(state.board, back)), (Tone("attention"),)


def refresh(state: State, event: on.Refresh) -> Next:
    """Take the new board, but keep rows whose mark is on its way as they are shown."""
    if state.board is None or state.board.family != event.board.family:
        return state, ()
    fresh = from_store(event.board)
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


def _take(state: State, request: int) -> Pending | None:
    return next((wait for wait in state.pending if wait.request == request), None)


def from_store(board: Board) -> Board:
    """Return a board as the store gave it: everything on it is saved."""
    return _with_rows(board, [replace(row, saved=True) for row in board.rows()])


def _with_rows(board: Board, rows: Iterable[Row]) -> Board:
    new = {(row.session, row.child): row for row in rows}
    groups = (
        replace(group, rows=tuple(new.get((row.session, row.child), row) for row in group.rows))
        for group in board.groups
    )
    return replace(board, groups=tuple(groups))


def choose_reason(state: State, event: on.ChooseReason) -> Next:
    if state.sheet is None or event.reason not in {reason.id for reason in state.sheet.reasons}:
        return state, ()
    return awake(replace(state, sheet=replace(state.sheet, reason=event.reason))), ()


def choose_arrival(state: State, event: on.ChooseArrival) -> Next:
    if state.sheet is None or event.at_ms not in state.sheet.arrivals:
        return state, ()
    return awake(replace(state, sheet=replace(state.sheet, arrival=event.at_ms))), ()


def confirm(state: State, _: on.Confirm) -> Next:
    sheet = state.sheet
    if state.screen != Screen.REASON or sheet is None or state.board is None or state.veiled:
        return state, ()
    state = show(state, Screen.BOARD, sheet=None)
    row = state.board.row(sheet.session, sheet.child) if state.board else None
    if row is None or not row.saved or sheet.status not in row_choices(row):
        return state, ()
    item = MarkItem(sheet.child, sheet.status, reason=sheet.reason, expected_ms=sheet.arrival)
    return _mark(state, sheet.session, (item,))


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
