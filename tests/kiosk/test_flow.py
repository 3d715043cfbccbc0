"""The kiosk's state machine, walked by hand and at random: nothing shows as saved before it is, nothing ever breaks."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk import commands as ask
from kiosk import events as on
from kiosk.commands import Command, Mark, MarkItem, Tone, Verify
from kiosk.events import Event
from kiosk.flow import start, step
from kiosk.marking import arrival_choices, can_mark_all
from kiosk.view import Board, Change, Notice, Screen, Stage, State, Status, Summary
from tests.kiosk.families import MINUTE, NOW_MS, ZONE, child, okafors, session, with_row

PASS = "CT:ONE"
OTHER = "CT:TWO"


class Walk:
    """A kiosk being walked through: sends events at a time and keeps the commands."""

    def __init__(self, state: State | None = None) -> None:
        self.state = state or start(studio="Maple Street Movement", zone=ZONE, now_ms=0, wall_ms=NOW_MS)
        self.now = 0
        self.last: tuple[Command, ...] = ()

    def send(self, *events: Event, after_ms: int = 0) -> "Walk":
        self.now += after_ms
        for event in events:
            self.state, self.last = step(self.state, event, self.now)
        return self

    def board(self, board: Board | None = None) -> "Walk":
        self.send(on.Sighting(PASS))
        return self.send(on.Verdict(PASS, "ok", board or okafors()))

    def tap(self, at: int, status: Status, *, after_ms: int = 1_000) -> "Walk":
        row = self.rows[at]
        return self.send(on.Tap(row.session, row.child, status), after_ms=after_ms)

    @property
    def rows(self) -> list[Any]:
        assert self.state.board is not None
        return list(self.state.board.rows())


def test_a_scan_is_verified_and_shows_the_board() -> None:
    walk = Walk().send(on.Sighting(PASS))
    assert (walk.state.screen, walk.last) == (Screen.CHECKING, (Verify(PASS),))
    walk.send(on.Verdict(PASS, "ok", okafors()))
    assert walk.state.screen == Screen.BOARD
    assert walk.state.board == okafors()
    assert walk.state.idle_left_s == 45


@pytest.mark.parametrize(
    "outcome",
    [
        "expired", "not_yet_valid", "tampered", "unknown_key", "revoked", "superseded", "environment_mismatch",
        "other_studio", "used", "rate_limited", "keys_stale", "unreadable", "an outcome of next year",
    ],
)  # fmt: skip
def test_every_other_outcome_is_refused_and_goes_by_itself(outcome: str) -> None:
    walk = Walk().send(on.Sighting(PASS), on.Verdict(PASS, outcome))
    assert walk.state.screen == Screen.REFUSAL
    assert walk.state.refusal is not None
    assert walk.state.refusal.outcome == outcome
    assert walk.last == (Tone("refusal"),)
    walk.send(on.Tick(NOW_MS), after_ms=11_000)
    assert walk.state.screen == Screen.REFUSAL
    walk.send(on.Tick(NOW_MS), after_ms=1_000)
    assert walk.state.screen == Screen.ATTRACT


def test_old_rosters_can_be_fetched_with_one_tap_or_taken_on_by_staff() -> None:
    walk = Walk().send(on.Sighting(PASS), on.Verdict(PASS, "rosters_old", None, (), True))
    walk.send(on.Retry())
    assert (walk.state.screen, walk.last[-1]) == (Screen.ATTRACT, ask.SendQueue())
    assert walk.state.notice is not None
    assert walk.state.notice.code == "kiosk.fetching"
    walk = Walk().send(on.Sighting(PASS), on.Verdict(PASS, "rosters_old", None, (), True), on.AskOverride("known"))
    assert walk.state.screen == Screen.PIN
    walk.send(on.PinEntered("161803"))
    assert walk.last == (ask.Override("161803", "known"),)
    walk.send(on.Overridden(okafors(), 1, 0))
    assert (walk.state.screen, walk.state.notice) == (Screen.BOARD, None)
    walk = Walk().send(on.Sighting(PASS), on.Verdict(PASS, "rosters_missing"), on.AskOverride("known"))
    assert walk.state.screen == Screen.REFUSAL, "nobody can say for the cloud who is due"


def test_a_good_pass_of_a_family_not_held_here_says_so() -> None:
    walk = Walk().send(on.Sighting(PASS), on.Verdict(PASS, "ok", None))
    assert walk.state.refusal is not None
    assert walk.state.refusal.outcome == "family_not_here"


def test_present_is_shown_as_saved_only_after_saved() -> None:
    walk = Walk().board().tap(0, Status.PRESENT)
    assert walk.last == (Mark(1, session(1), (MarkItem(child(10), Status.PRESENT),)),)
    assert (walk.rows[0].state, walk.rows[0].saved) == (Status.PRESENT, False)
    walk.send(on.Saved(1))
    assert (walk.rows[0].state, walk.rows[0].saved) == (Status.PRESENT, True)
    assert walk.last == (Tone("ok"),)


def test_what_was_not_saved_goes_back_and_says_why() -> None:
    walk = Walk().board().tap(0, Status.PRESENT).send(on.SaveFailed(1, "disk_full"))
    assert (walk.rows[0].state, walk.rows[0].saved, walk.rows[0].error) == (Status.NONE, True, "error.disk_full")
    assert walk.last == (Tone("attention"),)
    walk.tap(0, Status.PRESENT)
    assert walk.rows[0].error is None


def test_a_gate_that_stops_one_child_does_not_stop_a_sibling() -> None:
    walk = Walk().board().send(on.TapAllPresent())
    assert walk.last == (
        Mark(1, session(1), (MarkItem(child(10), Status.PRESENT), MarkItem(child(11), Status.PRESENT))),
        Mark(2, session(2), (MarkItem(child(20), Status.PRESENT),)),
    )
    walk.send(on.Saved(1, refused=((child(10), "consent"),)), on.Saved(2))
    assert [row.state for row in walk.rows] == [Status.NONE, Status.PRESENT, Status.PRESENT]
    assert walk.rows[0].error == "gate.consent"
    assert all(row.saved for row in walk.rows)


def test_tapping_the_chosen_state_again_clears_it() -> None:
    walk = Walk().board(with_row(okafors(), 0, state=Status.PRESENT)).tap(0, Status.PRESENT)
    assert walk.last == (Mark(1, session(1), (MarkItem(child(10), Status.NONE),)),)
    walk.send(on.Saved(1))
    assert walk.rows[0].state == Status.NONE


def test_a_double_tap_is_one_tap() -> None:
    walk = Walk().board().tap(0, Status.PRESENT).send(on.Saved(1))
    walk.tap(0, Status.PRESENT, after_ms=799)
    assert walk.last == ()
    assert walk.rows[0].state == Status.PRESENT
    walk.tap(0, Status.PRESENT, after_ms=1)
    assert walk.rows[0].state == Status.NONE


def test_a_row_at_work_takes_no_tap() -> None:
    walk = Walk().board().tap(0, Status.PRESENT).tap(0, Status.ABSENT)
    assert walk.last == ()
    assert walk.state.screen == Screen.BOARD


def test_late_asks_why_and_when_and_one_more_tap_is_enough() -> None:
    walk = Walk().board().tap(0, Status.LATE)
    sheet = walk.state.sheet
    assert walk.state.screen == Screen.REASON
    assert sheet is not None
    # the class is 16:30 to 17:15 and it is 16:24: whole five minutes after the start, ten of them likely
    assert [(at - NOW_MS) // MINUTE for at in sheet.arrivals] == [11, 16, 21, 26, 36]
    assert (sheet.reason, sheet.arrival) == ("traffic", NOW_MS + 16 * MINUTE)
    walk.send(on.Confirm())
    item = MarkItem(child(10), Status.LATE, reason="traffic", expected_ms=NOW_MS + 16 * MINUTE)
    assert walk.last == (Mark(1, session(1), (item,)),)
    assert (walk.state.screen, walk.rows[0].state, walk.rows[0].saved) == (Screen.BOARD, Status.LATE, False)


def test_another_reason_and_another_time_can_be_chosen() -> None:
    walk = Walk().board().tap(0, Status.LATE)
    walk.send(on.ChooseReason("school"), on.ChooseArrival(NOW_MS + 26 * MINUTE), on.ChooseReason("no such reason"))
    walk.send(on.ChooseArrival(NOW_MS), on.Confirm())
    item = MarkItem(child(10), Status.LATE, reason="school", expected_ms=NOW_MS + 26 * MINUTE)
    assert walk.last == (Mark(1, session(1), (item,)),)


def test_absent_asks_why() -> None:
    walk = Walk().board().tap(2, Status.ABSENT).send(on.ChooseReason("travel"), on.Confirm())
    assert walk.last == (Mark(1, session(2), (MarkItem(child(20), Status.ABSENT, reason="travel"),)),)


def test_back_from_the_sheet_changes_nothing() -> None:
    walk = Walk().board().tap(2, Status.ABSENT).send(on.Cancel())
    assert (walk.state.screen, walk.state.sheet, walk.last) == (Screen.BOARD, None, ())
    assert walk.rows[2].state == Status.NONE


@pytest.mark.parametrize(
    ("now", "start_at", "end", "offered"),
    [
        (24, 30, 75, (35, 40, 45, 50, 60)),
        (32, 30, 75, (40, 45, 50, 55, 65)),
        (60, 30, 75, (65, 70, 75)),
        (72, 30, 75, (75,)),  # catalogue 14: ends within five minutes, so its end
        (75, 30, 75, ()),
        (90, 30, 75, ()),
    ],
)
def test_arrivals_offered(now: int, start_at: int, end: int, offered: tuple[int, ...]) -> None:
    given_ms = arrival_choices(now_ms=now * MINUTE, start_ms=start_at * MINUTE, end_ms=end * MINUTE)
    assert given_ms == tuple(at * MINUTE for at in offered)


def test_a_conflict_takes_present_away_and_leaves_late_and_absent() -> None:
    board = with_row(okafors(), 0, disabled_reason="overlap", disabled=(Status.PRESENT,))
    walk = Walk().board(board).tap(0, Status.PRESENT)
    assert walk.last == ()
    walk.send(on.TapAllPresent())
    assert [command.items[0].child for command in walk.last if isinstance(command, Mark)] == [child(11), child(20)]
    walk.tap(0, Status.ABSENT)
    assert walk.state.screen == Screen.REASON


def test_mark_all_leaves_what_is_marked() -> None:
    board = with_row(with_row(okafors(), 0, state=Status.LATE), 2, state=Status.ABSENT)
    walk = Walk().board(board).send(on.TapAllPresent())
    assert walk.last == (Mark(1, session(1), (MarkItem(child(11), Status.PRESENT),)),)
    assert not can_mark_all(walk.state.board)


def test_the_same_pass_held_still_is_one_sighting() -> None:
    walk = Walk().send(on.Sighting(PASS), on.Verdict(PASS, "expired"), on.Cancel())
    for _ in range(40):
        walk.send(on.Sighting(PASS), after_ms=33)
        assert walk.last == ()
    walk.send(on.Sighting(PASS), after_ms=800)
    assert walk.last == (Verify(PASS),)


def test_the_next_family_is_served_within_a_second() -> None:
    walk = Walk().board().send(on.Sighting(OTHER), after_ms=999)
    assert walk.last == ()
    walk = Walk().board().send(on.Sighting(OTHER), after_ms=1_000)
    assert walk.last == (Verify(OTHER),)
    assert walk.state.board is None, "the family before is gone from the screen at once"
    walk = Walk().board().send(on.Done())
    assert walk.state.screen == Screen.ATTRACT
    assert walk.send(on.Sighting(OTHER), after_ms=1).last == (Verify(OTHER),)


def test_a_pass_whose_code_changes_stays_the_pass_that_is_served() -> None:
    signed = "CT:" + "A" * 153
    codes = [f"{signed}*179527464{digit}*0000000{digit}" for digit in (0, 5)]
    walk = Walk().send(on.Sighting(codes[0]), on.Verdict(codes[0], "ok", okafors())).send(
        on.Sighting(codes[1]), after_ms=15_000
    )  # fmt: skip
    assert (walk.state.screen, walk.last) == (Screen.BOARD, ())
    assert walk.send(on.Sighting("CT:" + "B" * 173), after_ms=1).last != ()


def test_a_family_at_work_is_not_swept_away_by_the_next() -> None:
    walk = Walk().board().tap(0, Status.PRESENT).send(on.Sighting(OTHER))
    assert walk.last == ()
    walk = Walk().board().tap(0, Status.LATE).send(on.Sighting(OTHER))
    assert walk.state.screen == Screen.REASON


def test_a_verdict_for_another_text_is_ignored() -> None:
    walk = Walk().send(on.Sighting(PASS), on.Verdict(OTHER, "ok", okafors()))
    assert walk.state.screen == Screen.CHECKING


def test_a_verdict_that_never_comes_is_not_waited_for() -> None:
    walk = Walk().send(on.Sighting(PASS)).send(on.Tick(NOW_MS), after_ms=5_000)
    assert walk.state.screen == Screen.ATTRACT
    assert walk.state.notice is not None
    assert walk.state.notice.code == "error.verdict_timeout"
    walk.send(on.Tick(NOW_MS), after_ms=5_000)
    assert walk.state.notice is None


def test_the_board_counts_down_45_seconds_and_a_touch_starts_it_anew() -> None:
    walk = Walk().board()
    walk.send(on.Tick(NOW_MS), after_ms=44_001)
    assert (walk.state.screen, walk.state.idle_left_s) == (Screen.BOARD, 1)
    walk.send(on.Touched())
    assert walk.state.idle_left_s == 45
    walk.send(on.Tick(NOW_MS), after_ms=45_000)
    assert walk.state.screen == Screen.ATTRACT
    assert ask.GoAttract() in walk.last
    assert walk.state.board is None


def test_a_mark_that_fails_after_the_family_left_is_told() -> None:
    walk = Walk().board().tap(0, Status.PRESENT).send(on.Done(), on.SaveFailed(1, "disk_full"))
    assert walk.state.notice is not None
    assert walk.state.notice.code == "error.earlier_not_saved"
    assert walk.state.pending == ()


def test_a_board_that_changes_underneath_keeps_marks_on_their_way() -> None:
    walk = Walk().board().tap(0, Status.PRESENT)
    changed = with_row(with_row(okafors(), 1, state=Status.ABSENT), 2, state=Status.LATE)
    walk.send(on.Refresh(changed))
    assert [(row.state, row.saved) for row in walk.rows] == [
        (Status.PRESENT, False), (Status.ABSENT, True), (Status.LATE, True),
    ]  # fmt: skip
    walk.send(on.Refresh(replace(changed, family="0" * 32)))
    assert walk.state.board is not None
    assert walk.state.board.family == "f" * 32


def test_the_language_is_the_familys_until_it_leaves() -> None:
    walk = Walk().send(on.ChooseLanguage("ar"))
    assert (walk.state.locale, walk.last) == ("ar", (ask.SetLanguage("ar"),))
    walk.board().send(on.Done())
    assert walk.state.locale == "en"
    assert ask.SetLanguage("en") in walk.last
    walk.send(on.ChooseLanguage("es")).send(on.Tick(NOW_MS), after_ms=45_000)
    assert walk.state.locale == "en"


def test_staff_leave_with_a_pin() -> None:
    walk = Walk().send(on.AskStaff(), on.PinEntered("123456"))
    assert walk.last == (ask.CheckPin("123456"),)
    assert "123456" not in repr(walk.state) + repr(walk.last)
    walk.send(on.PinRefused("wrong", 2))
    assert walk.state.pin is not None
    assert (walk.state.pin.error, walk.state.pin.n) == ("wrong", 2)
    walk.send(on.PinEntered("654321"), on.PinAccepted((Notice("kiosk.staff.sound"),)))
    assert (walk.state.screen, walk.state.pin, walk.last) == (Screen.STAFF, None, ())
    assert [notice.code for notice in walk.state.about] == ["kiosk.staff.sound"]
    walk.send(on.CloseKiosk())
    assert walk.last[-1] == ask.Leave()
    assert Walk().send(on.CloseKiosk()).last == ()


def leaving() -> Walk:
    """Staff who have read that three marks would be lost."""
    walk = Walk().send(on.AskStaff(), on.PinEntered("654321"), on.PinAccepted(), on.SignOut())
    assert walk.last == (ask.ReadStake(),)
    return walk.send(on.Stake(3, 1, "5e0c91aa"))


def test_a_device_is_signed_out_in_two_steps() -> None:
    walk = leaving().send(on.SendFirst())
    assert walk.last == (ask.SendQueue(),)
    walk.send(on.SaveFirst("/stick/saved"))
    assert walk.last == (ask.SaveSealed("/stick/saved"),)
    walk.send(on.LeaveSaid("desk.leave.saved", (("file", "/stick/saved"),), "muted"), on.Stake(2, 0, "0a0b0c0d"))
    assert walk.state.leaving is not None
    assert (walk.state.leaving.unsent, walk.state.leaving.files) == (2, 0)
    walk.send(on.PinEntered("271828"))
    assert walk.last == (), "first the loss is read"
    walk.send(on.GoOn(), on.Stake(9, 9, "another"), on.PinEntered("271828"))
    assert walk.last == (ask.EndDevice("0a0b0c0d", "271828"),), "the loss that was read, whatever came since"
    assert "271828" not in repr(walk.state) + repr(walk.last)
    walk.send(on.PinRefused("wrong", 2), on.PinEntered("271828"), on.LeaveBegun())
    walk.send(on.Cancel(), on.Lock("device_revoked"), on.Tick(NOW_MS), after_ms=200_000)
    assert walk.state.leaving.stage == Stage.ENDING if walk.state.leaving else False, "there is no way back"
    walk.send(on.SignedOut(True), on.Cancel())
    assert walk.state.leaving is not None
    assert (walk.state.screen, walk.state.leaving.revoked) == (Screen.LEAVING, True)
    walk.send(on.CloseKiosk())
    assert walk.last == (ask.Leave(),)


def test_another_loss_than_was_read_is_said_again_and_nothing_happens() -> None:
    walk = leaving().send(on.GoOn(), on.PinEntered("271828"), on.LeaveSaid("error.store.not_confirmed"))
    assert walk.last == (ask.ReadStake(),)
    assert walk.state.leaving is not None
    assert (walk.state.leaving.stage, walk.state.pin) == (Stage.LOOKING, None)
    walk.send(on.Stake(4, 0, "word"), on.Cancel())
    assert (walk.state.screen, walk.state.leaving) == (Screen.STAFF, None)


def test_staff_choose_once_about_what_changed_and_see_what_became_of_it() -> None:
    walk = Walk()
    change = Change("1" * 32, "A mark: it no longer holds.", ("keep", "apply"))
    walk.send(on.AskStaff(), on.PinEntered("654321"), on.PinAccepted((), (change,)))
    assert walk.state.changes == (change,)
    assert walk.send(on.ChooseAbout("1" * 32, "undo")).last == (), "not on offer"
    assert walk.send(on.ChooseAbout("1" * 32, "apply")).last == (ask.CarryOut("1" * 32, "apply"),)
    assert walk.send(on.ChooseAbout("1" * 32, "apply")).last == (), "it is being done"
    walk.send(on.Chosen("1" * 32, (change,), "permission.denied"))
    assert walk.state.changes[0].error == "permission.denied"
    walk.send(on.Chosen("1" * 32, ()))
    assert walk.state.changes == ()
    walk.send(on.Cancel(), on.Chosen("1" * 32, (change,)))
    assert walk.state.changes == (), "whoever left is shown nothing"


def test_who_hears_whom_here_is_counted_with_the_connection() -> None:
    walk = Walk().send(on.Connection(online=False, waiting=2, hearing=3))
    assert (walk.state.online, walk.state.waiting, walk.state.hearing) == (False, 2, 3)


def test_staff_do_what_is_recommended_for_all_and_save_what_was_done() -> None:
    walk = Walk()
    change = Change("1" * 32, "A mark: it no longer holds.", ("keep", "apply"))
    walk.send(on.AskStaff(), on.PinEntered("654321"), on.PinAccepted((), (change,), 1))
    assert walk.send(on.ChooseAll()).last == (), "one alone is answered for itself"
    walk.send(on.Chosen("1" * 32, (change,), open=2), on.ChooseAll())
    assert walk.last == (ask.CarryOutAll(),)
    assert walk.send(on.ChooseAll()).last == (), "it is being done"
    assert walk.send(on.SaveSummary("file")).last == (), "nothing was done yet"
    walk.send(on.ChosenAll(("Kept.", "Sent again."), ()))
    assert (walk.state.changes, walk.state.open, walk.state.summary) == ((), 0, Summary(("Kept.", "Sent again.")))
    assert walk.send(on.SaveSummary("file")).last == (ask.WriteSummary("file", ("Kept.", "Sent again.")),)
    walk.send(on.SummarySaid("desk.choice.saved", (("name", "file"),), "muted"))
    assert walk.state.summary is not None
    assert walk.state.summary.message == Notice("desk.choice.saved", (("name", "file"),), tone="muted")
    walk.send(on.Cancel(), on.SummarySaid("desk.choice.saved"), on.ChosenAll(("Kept.",), ()))
    assert walk.state.summary is None, "whoever left is shown nothing"


def test_staff_who_walk_away_leave_a_kiosk_that_serves() -> None:
    walk = leaving().send(on.GoOn()).send(on.Tick(NOW_MS), after_ms=90_000)
    assert (walk.state.screen, walk.state.leaving, walk.state.pin) == (Screen.ATTRACT, None, None)


def test_a_pin_is_not_asked_over_a_family_and_not_accepted_unasked() -> None:
    assert Walk().board().send(on.AskStaff()).state.screen == Screen.BOARD
    assert Walk().send(on.PinAccepted()).last == ()
    assert Walk().send(on.AskStaff(), on.PinAccepted()).last == ()


def test_troubles_show_where_nobody_is_served_and_go_by_themselves() -> None:
    walk = Walk().send(on.CameraFault("unplugged"))
    assert walk.state.screen == Screen.CAMERA_TROUBLE
    assert walk.send(on.Retry()).last == (ask.RestartCamera(),)
    walk.send(on.StoreFault("disk_full"))
    assert walk.state.screen == Screen.STORE_TROUBLE
    assert walk.send(on.Retry()).last == (ask.CheckStore(),)
    walk.send(on.StoreBack())
    assert walk.state.screen == Screen.CAMERA_TROUBLE
    walk.send(on.CameraBack())
    assert walk.state.screen == Screen.ATTRACT


def test_a_trouble_does_not_take_the_board_from_a_family() -> None:
    walk = Walk().board().send(on.CameraFault("unplugged"), on.StoreFault("disk_full"))
    assert walk.state.screen == Screen.BOARD
    assert walk.send(on.Done()).state.screen == Screen.STORE_TROUBLE


def test_a_revoked_kiosk_shows_no_family() -> None:
    walk = Walk().board().send(on.Lock("device_revoked"))
    assert (walk.state.screen, walk.state.board) == (Screen.LOCKED, None)
    assert walk.send(on.Sighting(PASS), after_ms=2_000).last == ()
    assert walk.send(on.Unlock()).state.screen == Screen.ATTRACT


def test_hidden_names_take_no_taps() -> None:
    walk = Walk().board().send(on.Veil(True)).tap(0, Status.PRESENT)
    assert (walk.state.veiled, walk.last) == (True, ())
    assert walk.send(on.Veil(False)).tap(0, Status.PRESENT).last != ()


def refused(*, may_override: bool = True) -> Walk:
    """A family whose single entry was used."""
    return Walk().send(on.Sighting(PASS), on.Verdict(PASS, "used", may_override=may_override))


def test_staff_let_in_whom_a_verdict_refused_with_a_reason_and_a_pin() -> None:
    walk = refused().send(on.AskOverride("re_entry"))
    assert (walk.state.screen, walk.last) == (Screen.PIN, ())
    walk.send(on.PinEntered("271828"))
    assert walk.last == (ask.Override("271828", "re_entry"),)
    assert "271828" not in repr(walk.state) + repr(walk.last)
    walk.send(on.PinRefused("wrong", 2), on.PinEntered("314159"), on.Overridden(okafors()))
    assert (walk.state.screen, walk.state.board, walk.state.override) == (Screen.BOARD, okafors(), "")


@pytest.mark.parametrize(
    "walk", [refused(may_override=False), Walk(), Walk().board()], ids=["not to be overridden", "nobody", "a board"]
)
def test_without_a_refusal_that_may_be_there_is_nothing_to_override(walk: Walk) -> None:
    before = walk.state.screen
    walk.send(on.AskOverride("known"), on.PinEntered("271828"), on.Overridden(okafors()))
    assert (walk.state.screen, walk.last) == (before, ())
    assert refused().send(on.AskOverride("any reason")).state.screen == Screen.REFUSAL


def test_a_limit_that_is_reached_is_said_and_nobody_is_let_in() -> None:
    walk = refused().send(on.AskOverride("known"), on.PinEntered("1"), on.OverrideRefused("error.override_limit"))
    assert (walk.state.screen, walk.state.board, walk.state.override) == (Screen.ATTRACT, None, "")
    assert walk.state.notice is not None
    assert walk.state.notice.code == "error.override_limit"
    walk = refused().send(on.AskOverride("known"), on.Cancel(), on.Overridden(okafors()))
    assert walk.state.screen == Screen.ATTRACT, "who went back is not let in by an answer that comes late"


# At random

ROWS = [(row.session, row.child) for row in okafors().rows()]
EVENTS = st.one_of(
    st.builds(on.Tick, st.just(NOW_MS)),
    st.builds(on.Sighting, st.sampled_from([PASS, OTHER])),
    st.builds(
        on.Verdict, st.sampled_from([PASS, OTHER]), st.sampled_from(["ok", "expired"]),
        st.sampled_from([okafors(), replace(okafors(), family="a" * 32), None]),
    ),
    st.builds(on.Refresh, st.sampled_from([okafors(), with_row(okafors(), 0, state=Status.LATE)])),
    st.sampled_from(ROWS).flatmap(
        lambda row: st.builds(on.Tap, st.just(row[0]), st.just(row[1]), st.sampled_from(list(Status)))
    ),
    st.builds(on.Tap, st.just("nobody"), st.just("nobody"), st.just(Status.PRESENT)),
    st.builds(on.ChooseReason, st.sampled_from(["traffic", "ill", "nonsense"])),
    st.builds(on.ChooseArrival, st.sampled_from([NOW_MS, NOW_MS + 16 * MINUTE])),
    st.builds(on.Saved, st.integers(0, 6), st.sampled_from([(), ((child(10), "consent"),)])),
    st.builds(on.SaveFailed, st.integers(0, 6), st.sampled_from(["save_failed", "disk_full"])),
    st.builds(on.ChooseLanguage, st.sampled_from(["en", "ar"])),
    st.builds(on.Connection, st.booleans(), st.integers(-1, 5)),
    st.builds(on.Veil, st.booleans()),
    st.builds(on.PinEntered, st.just("000000")),
    st.builds(on.PinRefused, st.sampled_from(["wrong", "paused", "manager"]), st.integers(0, 5)),
    st.sampled_from([
        on.TapAllPresent(), on.Confirm(), on.Cancel(), on.Done(), on.Touched(), on.Retry(), on.AskStaff(),
        on.AskOverride("known"), on.OverrideRefused("error.override"), on.PinAccepted(), on.CameraFault("unplugged"), on.CameraBack(), on.StoreFault("disk_full"), on.StoreBack(),
        on.CloseKiosk(), on.SignOut(), on.Stake(3, 1, "word"), on.SendFirst(), on.SaveFirst("file"), on.GoOn(),
        on.ChooseAll(), on.ChosenAll(("Kept.",), ()), on.SaveSummary("file"), on.SummarySaid("desk.choice.saved"),
        on.LeaveSaid("store.not_confirmed"), on.Lock("device_revoked"), on.Unlock(), on.ClockSuspect(True), object(), None, "an event of next year",
    ]),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(EVENTS, st.sampled_from([0, 1, 100, 799, 800, 2_000, 50_000])), max_size=40))
def test_no_sequence_shows_saved_before_saved(walk: list[tuple[Any, int]]) -> None:
    state = start(studio="", zone=ZONE, wall_ms=NOW_MS)
    now = 0
    saved: dict[tuple[str, str, str], str] = {}  # what the store holds, by its own account: (family, session, child)
    asked: dict[int, tuple[str, Mark]] = {}
    leaves = 0
    for event, later in walk:
        now += later
        before = state
        state, commands = step(state, event, now)
        opened = isinstance(event, on.Verdict) and before.board is None and state.board is not None
        if state.board is not None and (opened or isinstance(event, on.Refresh)) and event.board is not None:
            for row in event.board.rows():
                saved[(event.board.family, row.session, row.child)] = row.state
        if isinstance(event, on.Saved) and event.request in asked:
            family, mark = asked.pop(event.request)
            refused = dict(event.refused)
            for item in mark.items:
                if item.child not in refused:
                    saved[(family, mark.session, item.child)] = item.status
        if isinstance(event, on.SaveFailed):
            asked.pop(event.request, None)
        for command in commands:
            if isinstance(command, Mark):
                assert state.board is not None
                assert command.request not in asked
                asked[command.request] = (state.board.family, command)
            leaves += isinstance(command, ask.Leave)
        if state.board is not None:
            for row in state.board.rows():
                if row.saved:
                    assert row.state == saved[(state.board.family, row.session, row.child)]
        if Tone("ok") in commands:
            assert isinstance(event, on.Saved)
        assert {wait.request for wait in state.pending} == set(asked)
        assert (state.board is None) == (state.screen not in (Screen.BOARD, Screen.REASON))
        assert (state.sheet is None) == (state.screen != Screen.REASON)
        assert state.lock is None or state.board is None
        assert state.waiting >= 0
        if state.screen in (Screen.BOARD, Screen.REASON, Screen.REFUSAL, Screen.PIN, Screen.STAFF, Screen.LEAVING):
            assert state.idle_left_s is not None, "every screen for somebody runs out"
    assert leaves == 0 or any(isinstance(event, on.PinAccepted) for event, _ in walk)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(EVENTS, st.integers(0, 60_000)), max_size=30))
def test_every_kiosk_left_alone_is_ready_for_the_next_family(walk: list[tuple[Any, int]]) -> None:
    state = start(studio="", zone=ZONE, wall_ms=NOW_MS)
    now = 0
    for event, later in walk:
        now += later
        state, _ = step(state, event, now)
    for _ in range(2):
        now += 60_000
        state, _ = step(state, on.Tick(NOW_MS), now)
    for event in (on.Unlock(), on.StoreBack(), on.CameraBack(), on.Veil(False)):
        state, _ = step(state, event, now)
    assert (state.screen, state.board, state.sheet, state.locale) == (Screen.ATTRACT, None, None, "en")
    state, commands = step(state, on.Sighting("CT:THREE"), now + 1)
    assert commands == (Verify("CT:THREE"),)
