"""Two and three devices in one network, without a cloud: what one commits, the others have."""

import socket
from collections.abc import Sequence

import pytest

from classtap_core.kernel.batches import Batch
from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.kernel.ids import derived
from sync.client.relay.finding import Fixed
from sync.client.relay.session import LIMITS, Limits
from tests.unit.kernel.rig import NOW
from tests.unit.sync.relay.homes import QUICK, Running, running, studio
from tests.unit.sync.relay.stranger import Ear, Stranger


def meet(a: Running, b: Running) -> None:
    a.find(b)
    a.sees(b)
    b.sees(a)


def test_what_one_commits_is_at_the_other() -> None:
    door, desk = studio("door", "desk")
    a, b = Running(door), Running(desk)
    with running(a, b):
        meet(a, b)
        door.commit()
        a.relay.nudge()
        desk.wait(lambda: desk.told_by(door) == [1])
        desk.commit()
        b.relay.nudge()
        door.wait(lambda: door.told_by(desk) == [1])
        (seen,) = a.relay.status().neighbours
        assert (seen.name, seen.address, seen.heard_ms) == ("desk", "127.0.0.1", NOW)
    assert a.relay.status() == (False, "", (), 0)


def test_what_waited_before_they_met_is_told_in_pages_and_in_order() -> None:
    door, desk = studio("door", "desk", per_run=3, page=2)
    for number in range(20):
        door.commit(number)
    a, b = Running(door), Running(desk)
    with running(a, b):
        a.find(b)
        desk.wait(lambda: desk.told_by(door) == list(range(1, 21)))


def test_three_devices_each_hear_the_other_two_once() -> None:
    homes = studio("one", "two", "three")
    a, b, c = (Running(home) for home in homes)
    with running(a, b, c):
        for one in (a, b, c):
            for other in (a, b, c):
                if other is not one:
                    one.find(other)
        a.sees(b, c)
        b.sees(a, c)
        c.sees(a, b)
        for one in (a, b, c):
            one.home.commit()
            one.relay.nudge()
        for home in homes:
            others = [(other.id, 1) for other in homes if other is not home]
            home.wait(lambda home=home, others=others: sorted(home.taken) == sorted(others))  # type: ignore[misc]


@pytest.mark.parametrize("low_first", [True, False])
def test_where_both_dial_one_line_stays(low_first: bool) -> None:
    homes = sorted(studio("door", "desk"), key=lambda home: home.id, reverse=not low_first)
    a, b = Running(homes[0]), Running(homes[1])
    with running(a, b):
        for _ in range(5):
            a.find(b)
            b.find(a)
        meet(a, b)
        homes[0].commit()
        a.relay.nudge()
        homes[1].wait(lambda: homes[1].told_by(homes[0]) == [1])
        assert len(a.relay.status().neighbours) == len(b.relay.status().neighbours) == 1


def test_a_line_that_was_cut_comes_back_and_tells_what_was_missed_once() -> None:
    door, desk = studio("door", "desk")
    a, b = Running(door), Running(desk)
    with running(a, b):
        meet(a, b)
        door.commit()
        a.relay.nudge()
        desk.wait(lambda: desk.told_by(door) == [1])
        b.relay.stop()
        a.sees()
        door.commit()
        desk.commit()
        a.relay.nudge()
        b.relay.start()
        a.find(b)  # it listens elsewhere now
        desk.wait(lambda: desk.told_by(door) == [1, 2])
        door.wait(lambda: door.told_by(desk) == [1])
        assert desk.told == desk.taken


def test_who_was_dialled_dials_back_where_the_other_said_it_listens() -> None:
    door, desk = studio("door", "desk")
    a, b = Running(door), Running(desk)
    with running(a, b):
        meet(a, b)
        a.handed.lose(desk.id)
        a.relay.forget(desk.id)
        b.sees(a)
        door.commit()
        a.relay.nudge()
        desk.wait(lambda: desk.told_by(door) == [1])


def test_addresses_that_are_written_down_are_dialled_until_somebody_is_there() -> None:
    door, desk = studio("door", "desk")
    b = Running(desk)
    with running(b):
        address = b.address
        b.relay.stop()
        a = Running(door, finding=Fixed([address]))
        with running(a):
            a.says(lambda now: now.on and not now.neighbours)
            c = Running(desk, port=address[1])
            with running(c):
                a.sees(c)


@pytest.mark.parametrize(
    ("hosts", "dialled", "shown"),
    [
        ((), "127.0.0.1", "127.0.0.1"),
        ((), "localhost", None),
        (("::1",), "::1", "::1"),
        (("127.0.0.1", "::1"), "::1", "::1"),
    ],
)
def test_old_and_new_addresses_and_names_are_dialled(hosts: Sequence[str], dialled: str, shown: str | None) -> None:
    if "::1" in hosts and not socket.has_dualstack_ipv6():
        pytest.skip("this system has no IPv6")
    door, desk = studio("door", "desk")
    b = Running(desk, hosts=hosts)
    with running(b):
        a = Running(door, finding=Fixed([("no..name", 1), (dialled, b.relay.port)]))
        with running(a):
            a.sees(b)
            b.sees(a)
            (seen,) = b.relay.status().neighbours
            assert shown in (None, seen.address)


def test_a_device_that_is_told_its_own_address_lets_itself_be() -> None:
    door, desk = studio("door", "desk")
    a, b = Running(door), Running(desk)
    with running(a, b):
        a.find(a)
        meet(a, b)


def test_what_the_cloud_is_quicker_with_is_not_told() -> None:
    door, desk = studio("door", "desk")
    offline = False
    a, b = Running(door, patience_s=3600.0, hurry=lambda: offline), Running(desk)
    with running(a, b):
        meet(a, b)
        door.wait(lambda: door.looked)
        door.commit()
        a.relay.nudge()
        door.answered_to = 1
        door.commit()
        offline = True
        a.relay.nudge()
        desk.wait(lambda: desk.told_by(door) == [2])


def test_online_it_is_told_when_patience_ends() -> None:
    door, desk = studio("door", "desk")
    a, b = Running(door, patience_s=0.05), Running(desk)
    with running(a, b):
        meet(a, b)
        door.commit()
        a.relay.nudge()
        desk.wait(lambda: desk.told_by(door) == [1])


# --- trouble


@pytest.mark.expected_log("is not taken|does not take", reason="a run that is refused is worth a line")
def test_a_run_that_is_refused_is_passed_over() -> None:
    door, desk = studio("door", "desk", per_run=1)
    desk.trouble = [Refused("sync.signature")]
    a, b = Running(door), Running(desk)
    for number in range(3):
        door.commit(number)
    with running(a, b):
        meet(a, b)
        desk.wait(lambda: desk.told_by(door) == [2, 3])


@pytest.mark.expected_log("could not be taken|does not take", reason="a mistake of ours is told")
def test_a_run_that_meets_a_mistake_is_passed_over() -> None:
    door, desk = studio("door", "desk", per_run=1)
    desk.trouble = [ZeroDivisionError("ours")]
    a, b = Running(door), Running(desk)
    door.commit()
    door.commit()
    with running(a, b):
        meet(a, b)
        desk.wait(lambda: desk.told_by(door) == [2])


def test_what_cannot_be_taken_now_is_told_again_later() -> None:
    door, desk = studio("door", "desk", per_run=1)
    desk.trouble = [EnvironmentFault("disk_full"), EnvironmentFault("disk_full")]
    a, b = Running(door), Running(desk)
    for number in range(3):
        door.commit(number)
    with running(a, b):
        meet(a, b)
        desk.wait(lambda: desk.told_by(door) == [1, 2, 3])
        assert desk.trouble == []


@pytest.mark.expected_log("cannot be told|is not taken|does not take", reason="what is bent is worth a line")
@pytest.mark.parametrize("how", ["somebody else's", "too long", "empty", "text that is none"])
def test_a_run_that_is_no_run_stops_nothing_behind_it(how: str) -> None:
    door, desk = studio("door", "desk", per_run=1)

    def bend(run: Batch) -> Batch:
        if door.bends == 0:
            return run
        door.bends -= 1
        first = run.items[0]
        match how:
            case "somebody else's":
                return run._replace(device=derived("device", "nobody"))
            case "too long":
                return run._replace(items=(first._replace(parts={"": b"x" * 5_000_000}),))
            case "empty":
                return run._replace(items=())
        return run._replace(items=(first._replace(data=b"\xff\xfe"),))

    door.bent, door.bends = bend, 1
    a, b = Running(door), Running(desk)
    door.commit()
    door.commit()
    with running(a, b):
        meet(a, b)
        desk.wait(lambda: 2 in desk.told_by(door))


@pytest.mark.expected_log("cannot look for what to tell", reason="a mistake of ours is told")
def test_a_device_that_cannot_look_now_looks_again() -> None:
    door, desk = studio("door", "desk")
    door.blind = [EnvironmentFault("store.busy"), ZeroDivisionError("ours")]
    a, b = Running(door), Running(desk)
    door.commit()
    with running(a, b):
        meet(a, b)
        desk.wait(lambda: desk.told_by(door) == [1])
        assert door.blind == []


def test_a_slow_neighbour_holds_up_nobody_else() -> None:
    door, slow, quick = studio("door", "slow", "quick")
    a, b, c = Running(door), Running(slow), Running(quick)
    slow.gate.clear()
    door.commit()
    with running(a, b, c):
        meet(a, b)
        a.find(c)
        quick.wait(lambda: quick.told_by(door) == [1])
        assert slow.taken == []
        assert slow.id in a.neighbours()  # it gives signs of life all the while
        slow.gate.set()
        slow.wait(lambda: slow.told_by(door) == [1])


def test_a_neighbour_that_never_answers_is_given_up() -> None:
    door, desk = studio("door", "desk")
    door.commit()
    a = Running(door, limits=QUICK._replace(answer_s=0.05))
    with running(a), Stranger.dial(a.relay.port) as other:
        other.join(desk)
        told = other.read_past("here")
        assert told is not None
        assert told["say"] == "run"
        assert other.read_past("here") is None


def test_a_neighbour_that_takes_no_byte_is_given_up() -> None:
    door, desk = studio("door", "desk", per_run=1)
    door.bent = lambda run: run._replace(items=(run.items[0]._replace(parts={"": b"x" * 4_000_000}),))
    door.commit()
    a = Running(door, limits=QUICK._replace(answer_s=0.2))
    with running(a), Stranger.dial(a.relay.port) as other:
        other.join(desk)
        a.says(lambda now: now.neighbours)
        a.says(lambda now: not now.neighbours)


def test_a_neighbour_that_is_silent_is_given_up() -> None:
    door, desk = studio("door", "desk")
    a = Running(door, limits=QUICK._replace(dead_s=0.05))
    with running(a), Stranger.dial(a.relay.port) as other:
        other.join(desk)
        assert other.read_past("here") is None
        a.sees()


# --- who may be spoken to


def test_a_device_that_was_withdrawn_is_hung_up_on_and_not_let_in_again() -> None:
    door, desk = studio("door", "desk")
    a, b = Running(door), Running(desk)
    with running(a, b):
        meet(a, b)
        del door.cards[desk.id]
        a.relay.look_again()
        a.sees()
        b.sees()
        with Stranger.dial(a.relay.port) as other:
            assert other.prove(desk) is None


def test_a_device_with_another_key_is_hung_up_on() -> None:
    door, desk = studio("door", "desk")
    a, b = Running(door), Running(desk)
    with running(a, b):
        meet(a, b)
        door.cards[desk.id] = desk.own._replace(public_key=bytes(32))
        a.relay.look_again()
        a.sees()


def test_a_new_name_shows() -> None:
    door, desk = studio("door", "desk")
    a, b = Running(door), Running(desk)
    with running(a, b):
        meet(a, b)
        door.cards[desk.id] = desk.own._replace(name="front desk")
        a.relay.look_again()
        a.says(lambda now: [one.name for one in now.neighbours] == ["front desk"])


# --- the whole


def test_it_can_begin_again() -> None:
    door, desk = studio("door", "desk")
    a, b = Running(door), Running(desk)
    for _ in range(2):
        with running(a, b):
            meet(a, b)


def test_stop_without_start_and_calls_after_stop_do_nothing() -> None:
    (door,) = studio("door")
    a = Running(door)
    a.relay.stop()
    with running(a):
        pass
    a.relay.nudge()
    a.relay.look_again()
    a.relay.forget(door.id)
    a.relay.stop()


def test_a_port_that_is_taken_is_told_and_others_are_dialled_all_the_same() -> None:
    door, desk = studio("door", "desk")
    with Ear() as taken:
        a, b = Running(door, port=taken.address[1]), Running(desk)
        with running(a, b):
            a.says(lambda now: now.trouble == "relay.no_port")
            meet(a, b)


def test_the_waits_grow_and_are_never_alike() -> None:
    waits = [LIMITS.wait(tries) for tries in range(1, 12)]
    assert all(1.0 <= wait <= 30.0 for wait in waits)
    assert min(waits[5:]) >= 15.0
    assert len(set(waits[5:])) > 1
    assert Limits(first_s=0.01, most_s=0.05).wait(50) <= 0.05
