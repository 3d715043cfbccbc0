"""Lanes: a studio's work in its order and one piece at a time, and nobody behind another's queue."""

import threading

import pytest

from classtap_core.kernel.ids import Id
from cloud.lanes import Lanes
from cloud.storage.database import InTurn

ONE, OTHER = Id("aa" * 16), Id("bb" * 16)


def test_a_studios_work_is_done_in_its_order_one_at_a_time() -> None:
    lanes = Lanes(4, "test")
    inside, most, done = [0], [0], list[int]()

    def work(number: int) -> int:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        done.append(number)
        inside[0] -= 1
        return number

    futures = [lanes.of(ONE).submit(work, number) for number in range(2_000)]
    assert [future.result(10) for future in futures] == list(range(2_000))
    assert done == list(range(2_000))
    assert most == [1]
    lanes.shutdown()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_studio_with_a_long_queue_holds_up_no_other(threads: int) -> None:
    lanes = Lanes(threads, "test")
    hold, done = threading.Event(), list[str]()
    first = lanes.of(ONE).submit(hold.wait, 10)
    for _ in range(100):
        lanes.of(ONE).submit(done.append, "queue")
    other = lanes.of(OTHER).submit(done.append, "other")
    if threads > 1:
        other.result(10)
        assert done == ["other"]
    hold.set()
    assert first.result(10)
    other.result(10)
    assert done.index("other") <= 1
    lanes.shutdown()
    assert len(done) == 101


def test_what_was_taken_is_done_before_the_end_and_faults_are_told() -> None:
    lanes = Lanes(2, "test")
    futures = [lanes.of(Id(f"{number:032x}")).submit(divmod, 1, number % 2) for number in range(50)]
    lanes.shutdown()
    assert [isinstance(future.exception(), ZeroDivisionError) for future in futures] == [True, False] * 25
    with pytest.raises(RuntimeError, match="shutdown"):
        lanes.submit(print)


def test_one_writer_is_given_in_the_order_it_was_asked_for() -> None:
    """A job that writes again at once does not come before a push that waits."""
    writer, came = InTurn(), []

    def push() -> None:
        with writer:
            came.append("push")

    waiting = threading.Thread(target=push)
    with writer:
        came.append("job")
        waiting.start()
        while not len(writer):
            pass
    with writer:
        came.append("job again")
    waiting.join()
    assert came == ["job", "push", "job again"]
    assert not len(writer)
