"""Passes as records: one a family, epochs that rise for a reason, revocations that only grow."""

import itertools

import pytest

from classtap_core.access.operations import RegisterDevice
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import DUPLICATE, Outcome, Status
from classtap_core.kernel.records import decode
from classtap_core.passes.history import history
from classtap_core.passes.operations import (
    GRACE_S,
    KIOSK_GRACE_S,
    MOST_ISSUES,
    ApplyRevokedKeys,
    IssuePass,
    RevokePass,
)
from classtap_core.passes.records import Pass, PassRevocation, pass_id
from tests.unit.house.world import CLERK, DESK, FAMILY, KIOSK, MAIN, NINE, STUDIO, World, device, named, staff, state_of

HANDLE = "00112233445566ff"
NOW_S = NINE // 1000
YEAR_S = 365 * 24 * 60 * 60


def issue(because: str = "first", at_s: int = NOW_S, handle: str = HANDLE) -> IssuePass:
    return IssuePass(
        family=FAMILY, home=MAIN, handle=handle, issued_s=at_s, expires_s=at_s + YEAR_S, because=because
    )  # fmt: skip


def revoke(epoch: int = 1, reason: str = "lost") -> RevokePass:
    return RevokePass(family=FAMILY, home=MAIN, epoch=epoch, reason=reason)


def held(world: World) -> Pass:
    found: Pass = decode(Pass, state_of(world.cloud, Pass)[pass_id(STUDIO, FAMILY)])
    return found


def code(outcome: Outcome) -> str:
    return outcome.reasons[0].code if outcome.reasons else ""


def test_a_family_has_one_pass_whoever_asks_again() -> None:
    world = World()
    assert world.say(issue()).link.outcome.status is Status.ACCEPTED
    assert world.say(issue(handle="ff" * 8)).link.outcome == DUPLICATE
    one = held(world)
    assert (one.handle, one.epoch, one.expires_s, one.grace_until_s) == (HANDLE, 1, NOW_S + YEAR_S, 0)
    assert one.scope() == f"families/{MAIN}"
    assert (one.state.active_epoch, one.state.revoked_through, one.state.grace_until_s) == (1, None, None)


@pytest.mark.parametrize(("because", "grace"), [("schedule", GRACE_S), ("lost", 0), ("rights", 0)])
def test_the_epoch_before_stays_good_for_a_day_only_when_the_calendar_raised_it(because: str, grace: int) -> None:
    """Ruling 5: 24 h for printed cards; revocation has none."""
    world = World()
    world.say(issue())
    later = NOW_S + 1000
    assert world.say(issue(because, later, handle="ff" * 8)).link.outcome.stands
    one = held(world)
    assert (one.handle, one.epoch) == (HANDLE, 2)
    assert one.grace_until_s == (later + grace if grace else 0)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (issue("whim"), "pass.because"),
        (issue(handle="XYZ"), "pass.shape"),
        (issue(handle="FF" * 8), "pass.shape"),
        (IssuePass(family=FAMILY, home=MAIN, handle=HANDLE, issued_s=5, expires_s=5), "pass.shape"),
        (revoke(), "pass.unknown"),
    ],
)
def test_what_is_refused(payload: IssuePass | RevokePass, expected: str) -> None:
    assert code(World().say(payload).link.outcome) == expected


def test_a_revoked_pass_comes_back_only_as_a_new_epoch() -> None:
    world = World()
    world.say(issue())
    assert world.say(revoke()).link.outcome.status is Status.ACCEPTED
    one = held(world)
    assert (one.revoked_at_ms, one.state.revoked_through) == (NINE, 1)
    assert code(world.say(issue()).link.outcome) == "pass.revoked"
    assert world.say(issue("revoked")).link.outcome.stands
    anew = held(world)
    assert (anew.epoch, anew.revoked_at_ms, anew.state.revoked_through) == (2, None, 1)


def test_a_revocation_reaches_devices_that_do_not_hold_the_family() -> None:
    world = World()
    world.say(issue())
    kiosk = world.join(KIOSK, scopes=("studio", "keys"))
    world.say(revoke())
    world.sync()
    (word,) = (decode(PassRevocation, body) for body in state_of(kiosk.store, PassRevocation).values())
    assert (word.handle, word.epoch, word.at_ms, word.scope()) == (HANDLE, 1, NINE, "keys")
    assert state_of(kiosk.store, Pass) == {}


def test_revocations_said_apart_come_to_the_earliest_in_any_order() -> None:
    results = set()
    for order in itertools.permutations((DESK, named("d2"), named("d3"))):
        world = World()
        world.say(issue())
        for number, id in enumerate((DESK, named("d2"), named("d3"))):
            if id != DESK:
                _register(world, id)
            member = world.join(id, role="desk", offset=number * 1000)
            assert member.bus.submit(revoke(), staff(CLERK)).outcome.status is Status.ACCEPTED
        for id in order:
            world.push(id)
        (word,) = (decode(PassRevocation, body) for body in state_of(world.cloud, PassRevocation).values())
        results.add((held(world).revoked, word))
    assert len(results) == 1
    revoked, word = results.pop()
    assert [one.at_ms for one in revoked] == [NINE, NINE + 1000, NINE + 2000]
    assert word.at_ms == NINE


def _register(world: World, id: str) -> None:
    world.say(RegisterDevice(device=Id(id), name="d", role="desk", location=MAIN))


def test_a_revocation_offline_holds_here_at_once() -> None:
    world = World()
    world.say(issue())
    desk = world.join(DESK, role="desk")
    desk.bus.submit(revoke(), staff(CLERK))
    assert decode(Pass, state_of(desk.store, Pass)[pass_id(STUDIO, FAMILY)]).state.revoked_through == 1


def test_a_pass_remembers_its_epochs_and_shows_them_newest_first() -> None:
    world = World()
    world.say(issue())
    for number, because in enumerate(("schedule", "lost", "kiosk"), start=1):
        world.say(issue(because, NOW_S + number * 1000))
    world.say(revoke(epoch=4, reason="the card was found"))
    found = history(held(world))
    told = [(one.what, one.epoch, one.why) for one in sorted(found, key=lambda one: (one.epoch, one.what))]
    assert told == [
        ("issued", 1, "first"), ("issued", 2, "schedule"), ("issued", 3, "lost"), ("issued", 4, "kiosk"),
        ("revoked", 4, "the card was found"),
    ]  # fmt: skip
    assert [one.at_ms for one in found] == sorted((one.at_ms for one in found), reverse=True)
    for number in range(30):
        world.say(issue("schedule", NOW_S + (10 + number) * 1000))
    assert len(held(world).issues) == MOST_ISSUES


def test_after_a_lost_kiosk_only_printed_cards_have_grace() -> None:
    world = World()
    world.say(issue())
    world.say(issue("kiosk", NOW_S + 1000))
    state = held(world).state
    assert (state.grace_until_s, state.rolling_grace) == (NOW_S + 1000 + KIOSK_GRACE_S, False)
    world.say(issue("schedule", NOW_S + 2000))
    assert held(world).state.rolling_grace


@pytest.mark.parametrize(
    ("revoked", "author", "expected"),
    [((3, 7), device(KIOSK), ""), ((), device(KIOSK), "pass.keys_applied"), ((3,), staff(CLERK), "pass.keys_applied")],
)
def test_a_door_says_which_revoked_keys_it_takes_no_longer(
    revoked: tuple[int, ...], author: Author, expected: str
) -> None:
    """Catalogue 44, "Immediate Revocation on Reconnect": key identifiers and a time in the audit trail, from the device."""
    world = World()
    kiosk = world.join()
    receipt = kiosk.bus.submit(ApplyRevokedKeys(location=MAIN, version=9, revoked=revoked), author)
    assert code(receipt.outcome) == expected
    assert [answer.outcome.stands for answer in world.push(KIOSK)] == [True] * (not expected)
