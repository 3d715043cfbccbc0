"""What the desk and the kiosk say of messages: whom one would reach and why not, and an emergency that reached nobody."""

from classtap_core.messaging.operations import AskMessage, SeeUnreached, SettleMessage, TellUnreached
from classtap_core.people.guardian_operations import BlockGuardian
from classtap_desktop.screens.families.passes import GoesLine, read_goes
from kiosk.alarms import emergencies
from resources.text import Catalogue
from tests.unit.house.world import ANA, BEN, CLERK, CLOCK, FAMILY, KIOSK, STUDIO, World, staff
from tests.unit.messaging.test_messages import GINA, alarm_of, message, stand


def test_a_preview_says_where_and_why_not() -> None:
    world = World()
    stand(world)
    assert read_goes(world.cloud, STUDIO, [ANA, BEN], day="2026-11-21") == (GoesLine("g•••@example.com", "email"),)
    world.say(BlockGuardian(child=ANA, guardian=GINA, reason="order"))
    assert read_goes(world.cloud, STUDIO, [ANA, BEN], day="2026-11-21") == (GoesLine("Gina García", why="blocked"),)


def test_a_kiosk_tells_staff_whom_an_emergency_is_about_and_no_name_or_telephone_of_a_guardian() -> None:
    world = World()
    stand(world)
    kiosk = world.join(KIOSK, role="kiosk")
    world.say(AskMessage(family=FAMILY, template="alarm", text="Call us"))
    told = message(world)
    world.say(SettleMessage(message=told.id, routed=True), CLOCK)
    assert emergencies(kiosk.store, Catalogue()) == ()
    world.say(TellUnreached(message=told.id), CLOCK)
    world.sync(KIOSK)
    (notice,) = emergencies(kiosk.store, Catalogue())
    assert Catalogue().say(notice.code, **dict(notice.params)) == (
        "URGENT: the emergency message about García Núñez · Ana, Ben reached nobody. "
        "Telephone the family now. The numbers are at the desk."
    )
    assert b"Gina" not in b"".join(row.body for row in kiosk.store.seen.all().values())
    see = SeeUnreached(message=told.id, home=told.home, raised_ms=alarm_of(world).raised_ms)
    assert world.say(see, staff(CLERK)).link.outcome.stands
    world.sync(KIOSK)
    assert emergencies(kiosk.store, Catalogue()) == ()
