"""Masks, badges, and how two editors of one child's health notes meet. Pure."""

from classtap_core.people.records import Badge, ChildHealth, Contact, ContactMasked, Custody, HealthProposal

HEALTH_NOTE, PICKUP_CHECK = "health_note", "pickup_check"


def masked(contact: Contact) -> ContactMasked:
    """A guardian as shown to who may not see contacts: phone's last 2, e-mail's first letter and domain (catalogue 35)."""
    return ContactMasked(
        id=contact.id,
        family=contact.family,
        home=contact.home,
        relation=contact.relation,
        name=contact.name,
        phone=masked_phone(contact.phone),
        email=masked_email(contact.email),
        verified_ms=contact.verified_ms,
        verified_by=contact.verified_by,
    )


def masked_phone(phone: str) -> str:
    return f"••{phone[-2:]}" if len(phone) > 4 else ""


def masked_email(email: str) -> str:
    local, at, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}" if at and local else ""


def badge(health: ChildHealth, custody: Custody | None) -> Badge:
    """What a kiosk may know: that there is something to ask staff about, never what."""
    codes = []
    if health.notes or health.review or health.level:
        codes.append(HEALTH_NOTE)
    if custody is not None and custody.says_something:
        codes.append(PICKUP_CHECK)
    return Badge(id=health.id, home=health.home, codes=tuple(codes))


def proposed(health: ChildHealth, proposal: HealthProposal) -> tuple[HealthProposal, ...]:
    """What waits for review with one more proposal: each operation once, in order of operations."""
    return tuple(sorted({*health.review, proposal}, key=lambda one: one.operation))


def sort_name(surname: str, given: str) -> tuple[str, str]:
    """By last name, then first: the same order on every machine, whatever its locale."""
    return (surname.casefold(), given.casefold())
