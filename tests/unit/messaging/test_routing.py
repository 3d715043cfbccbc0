"""The router's table: who hears, on which way, and why somebody does not (catalogue 08, communications)."""

from typing import Any

import pytest

from classtap_core.kernel.ids import Id
from classtap_core.messaging.routing import Reachable, Route, Routing, Wish, normalised, route
from classtap_core.messaging.templates import ABSENT, ALARM, INVOICE, NEWS, PASS, TEMPLATES
from classtap_core.people.guardians import (
    EMERGENCY,
    PICKUP,
    PRIMARY,
    SECONDARY,
    Block,
    Guardianship,
    Role,
    guardianship_id,
)
from tests.unit.house.world import named

DAY = "2026-11-21"
ANA, BEN = named("ana"), named("ben")
MUM, DAD, NAN, AUNT = (named(name) for name in ("mum", "dad", "nan", "aunt"))
BALLET = named("ballet")


def pair(guardian: Id, child: Id, role: str, **fields: Any) -> Guardianship:
    roles = (Role(role, "2026-01-01"),) if role else ()
    return Guardianship(
        id=guardianship_id(child, guardian), child=child, guardian=guardian, home=named("main"), roles=roles, **fields
    )


def person(guardian: Id, **fields: Any) -> Reachable:
    return Reachable(guardian, **{"email": f"{guardian[:4]}@example.com", "phone": f"+34{guardian[:8]}", **fields})


FOUR = (pair(MUM, ANA, PRIMARY), pair(DAD, ANA, SECONDARY), pair(NAN, ANA, PICKUP), pair(AUNT, ANA, EMERGENCY))


def routed(template: str, pairs: Any = FOUR, *people: Reachable, **told: Any) -> Routing:
    children = tuple(dict.fromkeys(one.child for one in pairs))
    found = people or tuple(person(guardian) for guardian in dict.fromkeys(one.guardian for one in pairs))
    return route(
        TEMPLATES[template], Route(found, children, {(one.guardian, one.child): one for one in pairs}, DAY, **told)
    )


def who(found: Routing) -> list[tuple[str, str, int]]:
    names = {MUM: "mum", DAD: "dad", NAN: "nan", AUNT: "aunt"}
    return [("+".join(names[one] for one in send.guardians), send.channel, send.wave) for send in found.sends]


def why(found: Routing, guardian: Id) -> list[tuple[str, str]]:
    return [(one.channel, one.why) for one in found.passed if one.guardian == guardian]


@pytest.mark.parametrize(
    ("template", "told"),
    [(PASS, ["mum", "dad"]), (ABSENT, ["mum", "dad"]), (INVOICE, ["mum"]), (NEWS, ["mum", "dad", "nan"])],
)
def test_a_template_goes_to_the_roles_and_rights_it_names(template: str, told: list[str]) -> None:
    assert [name for name, _, _ in who(routed(template))] == told


def test_nobody_who_only_picks_up_is_told_of_money_even_where_it_is_allowed_for_the_child() -> None:
    allowed = (pair(NAN, ANA, PICKUP, allow=("make_payments",)), pair(DAD, ANA, SECONDARY, allow=("make_payments",)))
    found = routed(INVOICE, allowed)
    assert [name for name, _, _ in who(found)] == ["dad"]
    assert why(found, NAN) == [("", "role")]


def test_a_blocked_person_and_one_denied_for_this_child_are_passed_over_with_the_reason() -> None:
    kept = (
        pair(MUM, ANA, PRIMARY, blocks=(Block(named("order"), 1),)),
        pair(DAD, ANA, SECONDARY, deny=("receive_communications",)),
        pair(NAN, ANA, ""),
    )
    for template in (NEWS, ABSENT, PASS):
        found = routed(template, kept)
        assert (who(found), [why(found, one) for one in (MUM, DAD, NAN)]) == (
            [], [[("", "blocked")], [("", "denied_for_child")], [("", "no_role")]],
        )  # fmt: skip
    assert "mum" not in str(who(routed(ALARM, kept))), "not even in an emergency"


def test_a_role_that_has_ended_hears_nothing() -> None:
    old = pair(MUM, ANA, "")
    ended = Guardianship(
        **{**{f: getattr(old, f) for f in old.__struct_fields__}, "roles": (Role(PRIMARY, "2026-01-01", "2026-11-20"),)}
    )
    assert why(routed(NEWS, (ended,)), MUM) == [("", "no_role")]


@pytest.mark.parametrize(
    ("wishes", "program", "channel"),
    [
        ((), "", "email"),
        ((Wish(MUM, ("sms",)),), "", "sms"),
        ((Wish(MUM, ("sms",)), Wish(MUM, ("email",), child=ANA)), "", "email"),
        ((Wish(MUM, ("email",), child=ANA), Wish(MUM, ("sms",), program=BALLET)), BALLET, "sms"),
        ((Wish(MUM, ("email",), child=ANA), Wish(MUM, ("sms",), program=BALLET)), named("yoga"), "email"),
        ((Wish(MUM, ("sms",), program=BALLET), Wish(MUM, ("email",), child=ANA, program=BALLET)), BALLET, "email"),
        ((Wish(MUM, (), child=ANA),), "", ""),
        ((Wish(DAD, ("sms",), child=ANA),), "", "email"),
    ],
)
def test_the_programs_wish_stands_before_the_childs_before_the_studios(wishes: Any, program: str, channel: str) -> None:
    found = routed(NEWS, FOUR[:1], wishes=wishes, program=program)
    assert [send.channel for send in found.sends] == ([channel] if channel else [])
    assert channel or why(found, MUM) == [("", "not_wished")]


@pytest.mark.parametrize(
    ("fields", "told", "reasons"),
    [
        ({"bounced": frozenset({"email"})}, [("sms", "email")], [("email", "bounced")]),
        ({"stopped": frozenset({"email"})}, [("sms", "email")], [("email", "stopped")]),
        ({"email": ""}, [("sms", "email")], [("email", "no_address")]),
        ({"email": "", "stopped": frozenset({"sms"})}, [], [("email", "no_address"), ("sms", "stopped")]),
    ],
)
def test_where_one_way_is_shut_the_next_stands_in(fields: Any, told: Any, reasons: Any) -> None:
    found = routed(NEWS, FOUR[:1], person(MUM, **fields))
    assert [(send.channel, send.instead) for send in found.sends] == told
    assert why(found, MUM) == reasons


def test_an_address_two_people_share_gets_it_once_for_both_and_for_every_child() -> None:
    pairs = (*FOUR[:2], pair(MUM, BEN, PRIMARY), pair(DAD, BEN, SECONDARY))
    found = routed(NEWS, pairs, person(MUM, email="Home@Example.com"), person(DAD, email="home@example.com "))
    assert who(found) == [("mum+dad", "email", 0)]
    assert found.sends[0].children == (ANA, BEN)


def test_a_child_a_guardian_may_not_hear_of_is_left_out_of_what_they_get() -> None:
    found = routed(NEWS, (pair(MUM, ANA, PRIMARY), pair(MUM, BEN, SECONDARY, deny=("receive_communications",))))
    assert (found.sends[0].children, why(found, MUM)) == ((ANA,), [("", "denied_for_child")])


def test_an_emergency_uses_every_way_wishes_aside_and_goes_on_by_rank() -> None:
    found = routed(ALARM, FOUR, wishes=(Wish(MUM, ()),))
    assert who(found) == [
        ("mum", "email", 0), ("mum", "sms", 0), ("dad", "email", 0), ("dad", "sms", 0),
        ("nan", "email", 1), ("nan", "sms", 1), ("aunt", "email", 2), ("aunt", "sms", 2),
    ]  # fmt: skip
    stopped = routed(ALARM, FOUR[:1], person(MUM, stopped=frozenset({"sms"})))
    assert who(stopped) == [("mum", "email", 0)], "STOP is the law's"


def test_two_spellings_of_a_telephone_are_one() -> None:
    assert normalised("sms", "+34 600 12-34-56") == normalised("sms", "0034600123456") == "34600123456"
