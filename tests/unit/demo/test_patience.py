"""The demonstration's clock waits for whoever serves, reads or shows, however slow the machine is."""

from classtap_cli.demo.patience import Patience


class Wall:
    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


def passed(patience: Patience, wall: Wall, seconds: float, looks: int = 10) -> float:
    """How far the clock goes while `seconds` pass, looked at so often."""
    before = patience()
    for _ in range(looks):
        wall.s += seconds / looks
        patience()
    return round(patience() - before, 6)


def test_it_goes_like_any_clock_while_nobody_is_slow() -> None:
    wall = Wall()
    patience = Patience(wall)
    assert passed(patience, wall, 1.0) == 1.0


def test_it_stands_still_until_nobody_holds_it() -> None:
    wall = Wall()
    patience = Patience(wall)
    patience.hold(True)
    patience.hold(True, why="picture")
    patience.hold(False)
    assert passed(patience, wall, 1.0) == 0.0
    patience.hold(False, why="picture")
    assert passed(patience, wall, 1.0) == 1.0


def test_it_runs_only_so_far_ahead_of_who_was_last_heard() -> None:
    wall = Wall()
    patience = Patience(wall)
    patience.heard("reader")
    patience.heard("window")
    assert passed(patience, wall, 5.0, looks=100) == Patience.LEAD_S
    patience.heard("reader")
    assert passed(patience, wall, 5.0, looks=100) == 0.0, "the window has shown nothing yet"
    patience.heard("window")
    assert passed(patience, wall, 5.0, looks=100) == Patience.LEAD_S


def test_time_in_which_the_camera_itself_starved_does_not_count() -> None:
    wall = Wall()
    patience = Patience(wall)
    assert passed(patience, wall, 5.0, looks=1) == Patience.LEAD_S
