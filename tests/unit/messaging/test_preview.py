"""The preview at the desk is the router's own answer: where a message would go, and to whom not and why."""

from classtap_core.people.guardian_operations import BlockGuardian
from classtap_desktop.screens.families.passes import GoesLine, read_goes
from tests.unit.house.world import ANA, BEN, STUDIO, World
from tests.unit.messaging.test_messages import GINA, stand


def test_a_preview_says_where_and_why_not() -> None:
    world = World()
    stand(world)
    assert read_goes(world.cloud, STUDIO, [ANA, BEN], day="2026-11-21") == (GoesLine("g•••@example.com", "email"),)
    world.say(BlockGuardian(child=ANA, guardian=GINA, reason="order"))
    assert read_goes(world.cloud, STUDIO, [ANA, BEN], day="2026-11-21") == (GoesLine("Gina García", why="blocked"),)
