"""Looking at what is masked: with a reason, for two minutes, on record."""

import pytest

from classtap_core.access.masking import Blind, Sight
from classtap_core.access.operations import OpenLock
from classtap_core.access.records import Grant
from classtap_core.access.revealing import OpenReveal, Reveal, Shown
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import Sensitivity
from tests.unit.house.world import ANA, CLERK, MAIN, NINE, NORTH, OWNER, World, named, staff, state_of

WHY = "The mother asks us to call back"


def reveal(name: str = "r", **fields: object) -> OpenReveal:
    wanted: dict[str, object] = {"reveal": named(name), "home": MAIN, "subject": ANA, "what": "health", "why": WHY}
    return OpenReveal(**(wanted | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("who", "fields", "status", "code"),
    [
        (CLERK, {}, Status.ACCEPTED, ""),
        (CLERK, {"what": "custody"}, Status.REFUSED, "reveal.not_yours"),
        (OWNER, {"what": "custody"}, Status.ACCEPTED, ""),
        (CLERK, {"why": "because   "}, Status.REFUSED, "reveal.why"),
        (CLERK, {"what": "secret"}, Status.REFUSED, "reveal.what"),
        (CLERK, {"home": NORTH}, Status.REFUSED, "permission.denied"),
    ],
)
def test_who_may_look(who: Id, fields: dict[str, object], status: Status, code: str) -> None:
    world = World()
    outcome = world.say(reveal(**fields), staff(who)).link.outcome
    assert outcome.status is status
    assert [reason.code for reason in outcome.reasons] == ([code] if code else [])


@pytest.mark.parametrize(
    ("what", "touched", "closes"),
    [("contact", 0, 120_000), ("contact", 90_000, 120_000), ("health", 0, 60_000), ("health", 30_000, 90_000),
     ("health", 100_000, 120_000)],
)  # fmt: skip
def test_how_long_it_shows(what: str, touched: int, closes: int) -> None:
    assert Shown(what, NINE, NINE + touched).closes_ms == NINE + closes


def test_it_is_on_record_once() -> None:
    world = World()
    assert world.say(reveal(), staff(CLERK)).link.outcome.status is Status.ACCEPTED
    assert world.say(reveal(), staff(CLERK)).link.outcome.status is Status.DUPLICATE
    assert len(state_of(world.cloud, Reveal)) == 1


def test_a_lock_is_opened_by_who_manages_staff() -> None:
    world = World()
    assert world.say(OpenLock(staff=CLERK), staff(OWNER)).link.outcome.status is Status.ACCEPTED
    assert world.say(OpenLock(staff=OWNER), staff(CLERK)).link.outcome.status is not Status.ACCEPTED
    assert world.say(OpenLock(staff=named("nobody")), staff(OWNER)).link.outcome.status is Status.REFUSED


def _nothing(kind: str, location: str) -> frozenset[str]:
    return frozenset()


def test_what_is_revealed_of_one_entry_shows_of_no_other() -> None:
    owner = Grant(id=named("own"), holder=OWNER, role="owner")
    health, personal = Sensitivity.HEALTH, Sensitivity.PERSONAL
    sight = Sight([owner], at_ms=NINE, shown=[personal], revealed={named("entry"): [health]}, withheld=_nothing)
    assert sight.of(named("entry")).sees(health, "")
    assert sight.of(named("entry")).sees(personal, "")
    assert not sight.of(named("entry")).sees(Sensitivity.CONTACT, "")
    assert not sight.of(named("another")).sees(health, "")
    assert not sight.sees(health, "")
    nobody = Sight([], at_ms=NINE, shown=[personal], revealed={named("entry"): [health]}, withheld=_nothing)
    assert not nobody.of(named("entry")).sees(health, ""), "a reveal shows only what its reader may see"
    assert not Blind().of(named("entry")).sees(health, "")
    assert Blind().withheld("health_profile", MAIN) == frozenset()
    kept = Sight([owner], at_ms=NINE, withheld=lambda kind, location: frozenset({f"{kind} at {location}"}))
    assert kept.withheld("health_profile", MAIN) == {f"health_profile at {MAIN}"}
    assert kept.of(named("entry")).withheld("health_profile", MAIN) == {f"health_profile at {MAIN}"}
