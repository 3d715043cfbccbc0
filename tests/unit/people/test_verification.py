"""A guardian's contact is verified by the cloud alone, for the address it was proven of, and a merge keeps what it can."""

from msgspec.structs import replace

from classtap_core.kernel.records import decode
from classtap_core.people.records import Contact, ContactMasked
from classtap_core.people.verification import VerifyContact, is_verified, verified_of_both
from tests.unit.house.world import CLOCK, FAMILY, MAIN, OWNER, World, named, staff

GINA = named("guardian")


def contact(**fields: object) -> Contact:
    return Contact(id=GINA, family=FAMILY, home=MAIN, relation="mother", name="Gina", **fields)  # type: ignore[arg-type]


def test_the_cloud_verifies_an_address_and_the_masked_record_says_so_too() -> None:
    world = World()
    assert world.say(VerifyContact(contact=GINA, way="email"), CLOCK).link.outcome.stands
    rows = world.cloud.state.all()
    for record in (Contact, ContactMasked):
        held = decode(record, rows[record.KIND, GINA].body)
        assert (held.verified_by, is_verified(held)) == ("email", True)


def test_nobody_but_the_cloud_says_so_and_not_of_an_address_that_is_not_there() -> None:
    world = World()
    assert not world.say(VerifyContact(contact=GINA, way="email"), staff(OWNER)).link.outcome.stands
    assert world.say(VerifyContact(contact=named("nobody"), way="email"), CLOCK).link.outcome.reasons[0].code == (
        "guardian.unknown"
    )
    assert world.say(VerifyContact(contact=GINA, way="pigeon"), CLOCK).link.outcome.reasons[0].code == "contact.no_way"


def test_of_two_records_the_proof_of_the_address_that_stays_stays() -> None:
    old = contact(email="g@example.com", verified_ms=5, verified_by="email")
    assert verified_of_both(contact(phone="1"), old).verified_ms == 5
    assert verified_of_both(contact(email="other@example.com"), old).verified_ms == 0
    assert not is_verified(replace(old, email=""))
    assert not is_verified(None)
