"""Two and three devices in one network, without a cloud: what one commits, the others have."""

from tests.unit.sync.relay.homes import Running, running, studio


def test_what_one_commits_is_at_the_other() -> None:
    door, desk = studio("door", "desk")
    a, b = Running(door), Running(desk)
    with running(a, b):
        a.find(b)
        a.sees(b)
        b.sees(a)
        door.commit()
        a.relay.nudge()
        desk.wait(lambda: desk.told_by(door) == [1])
        desk.commit()
        b.relay.nudge()
        door.wait(lambda: door.told_by(desk) == [1])
