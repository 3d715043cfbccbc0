"""Forms of what a studio offers: classes, categories, levels, instructors, packs."""

from __future__ import annotations

from functools import partial

from babel.numbers import get_currency_precision

from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.schedule.facts import ClassFacts, InstructorFacts
from classtap_core.schedule.offer_operations import EditCategory, EditClass, EditInstructor, EditLevel, PublishPack
from classtap_core.schedule.operations import AddClass, AddInstructor
from classtap_core.schedule.records import Certification, ClassType, Pack, Rate
from classtap_desktop.screens.eligibility.editor import RuleField
from classtap_desktop.screens.entries import Field, Values
from classtap_desktop.screens.sheet import Group, Picture, Sheet, Written, named, number, scaled, unscaled
from classtap_desktop.screens.studio import questions, teaching
from classtap_desktop.screens.studio.reading import Known

_NONE = (("", "–"),)


def class_sheet(known: Known, id: Id, *, new: bool) -> Sheet:
    """A class, with who teaches it and what is asked of who books it."""
    held = known.classes.get(id)
    base = ClassFacts(name="") if held is None else _class_facts(held)

    def said(written: Written) -> list[Payload]:
        wanted = ClassFacts(
            name=written.name(), description=written.text("description"), categories=written.ids("categories"),
            tags=written.words("tags"), level=written.text("level"), certifications=written.words("certifications"),
            picture=written.picture, eligibility=written.text("eligibility"),
        )  # fmt: skip
        payloads: list[Payload] = []
        if held is None:
            payloads.append(AddClass(class_type=id, name=wanted.name, audience=written.text("audience"), facts=wanted))
        elif wanted != base:
            payloads.append(EditClass(class_type=id, base=base, wanted=wanted))
        taught = teaching.changed(known, id, written.ids("instructors"))
        return [
            *payloads,
            *taught,
            *(questions.changed(known, id, written.many["questions"]) if known.policies else ()),
        ]

    levels = {one.id: one for one in sorted(known.levels.values(), key=lambda one: (one.rank, one.name))}
    audience = Field(
        "audience",
        "desk.studio.audience",
        3,
        choices=tuple((one, f"desk.audience.{one}") for one in ("kids", "adults")),
    )
    fields = (
        Field("name", "desk.studio.name", 3), *((audience,) if new else ()),
        Field("level", "desk.studio.level", 3, things=(*_NONE, *((id, one.name) for id, one in levels.items()))),
        Field("description", "desk.studio.description", 6, tall=True),
        Field("categories", "desk.studio.subject.categories", 3, things=named(known.categories, lambda one: one.name), several=True),
        Field("instructors", "desk.studio.subject.instructors", 3, things=known.instructor_choices(), several=True),
        Field("tags", "desk.studio.tags", 3, hint="desk.studio.commas"),
        Field("certifications", "desk.studio.certifications_needed", 3, hint="desk.studio.commas"),
        Field("eligibility", "desk.studio.eligibility", 6, own=partial(RuleField, today=known.today)),
    )  # fmt: skip
    values: Values = {
        "name": base.name, "level": base.level, "description": base.description, "categories": "\n".join(base.categories),
        "instructors": "\n".join(teaching.who(known, id)),
        "tags": ", ".join(base.tags), "certifications": ", ".join(base.certifications), "eligibility": base.eligibility,
    }  # fmt: skip
    groups = {"class": Group(fields=fields, values=values, note="desk.studio.eligibility_note")}
    if known.policies:
        groups["questions"] = questions.group(known, id)
    return Sheet(
        id=id, title="desk.studio.new.classes" if new else "desk.studio.subject.classes", said=said,
        picture=Picture(name=base.name, scope="studio", blob=base.picture), groups=groups,
    )  # fmt: skip


def _class_facts(held: ClassType) -> ClassFacts:
    return ClassFacts(
        name=held.name, description=held.description, categories=held.categories, tags=held.tags, level=held.level,
        certifications=held.certifications, picture=held.picture, eligibility=held.eligibility,
    )  # fmt: skip


def category_sheet(known: Known, id: Id, *, new: bool) -> Sheet:
    held = known.categories.get(id)
    others = {one: category for one, category in known.categories.items() if one != id}
    fields: tuple[Field, ...] = (
        Field("name", "desk.studio.name", 3),
        Field("parent", "desk.studio.under", 3, things=(*_NONE, *named(others, lambda one: one.name))),
    )  # fmt: skip

    def said(written: Written) -> list[Payload]:
        wanted = EditCategory(category=id, name=written.name(), parent=written.text("parent"))
        return [] if held is not None and (held.name, held.parent) == (wanted.name, wanted.parent) else [wanted]

    values: Values = {} if held is None else {"name": held.name, "parent": held.parent}
    title = "desk.studio.new.categories" if new else "desk.studio.subject.categories"
    return Sheet(id=id, title=title, groups={"category": Group(fields=fields, values=values)}, said=said)


def level_sheet(known: Known, id: Id, *, new: bool) -> Sheet:
    held = known.levels.get(id)
    fields: tuple[Field, ...] = (Field("name", "desk.studio.name", 3), Field("rank", "desk.studio.rank", 3))

    def said(written: Written) -> list[Payload]:
        wanted = EditLevel(level=id, name=written.name(), rank=written.number("rank"))
        return [] if held is not None and (held.name, held.rank) == (wanted.name, wanted.rank) else [wanted]

    last = max((one.rank for one in known.levels.values()), default=0)
    values: Values = {"rank": str(last + 1)} if held is None else {"name": held.name, "rank": str(held.rank)}
    title = "desk.studio.new.levels" if new else "desk.studio.subject.levels"
    return Sheet(id=id, title=title, groups={"level": Group(fields=fields, values=values)}, said=said)


def instructor_sheet(known: Known, id: Id, *, new: bool) -> Sheet:
    held = known.instructors.get(id)

    def said(written: Written) -> list[Payload]:
        wanted = InstructorFacts(
            certifications=tuple(
                Certification(str(one["code"]), str(one["issued"]), str(one["expires"])) for one in written.many["holds"]
            ),
            teaches=written.ids("teaches"), languages=written.words("languages"),
        )  # fmt: skip
        name, bio, picture = written.name(), written.text("bio"), written.picture
        if held is None:
            return [AddInstructor(instructor=id, name=name, bio=bio, picture=picture, facts=wanted)]
        base = teaching.facts_of(held)
        if (name, bio, picture, wanted) == (held.name, held.bio, held.picture, base):
            return []
        return [
            EditInstructor(
                instructor=id, base_name=held.name, name=name, base_bio=held.bio, bio=bio, base_picture=held.picture,
                picture=picture, base=base, wanted=wanted,
            )
        ]  # fmt: skip

    fields: tuple[Field, ...] = (
        Field("name", "desk.studio.name", 3), Field("languages", "desk.form.languages", 3, hint="desk.form.languages_hint"),
        Field("bio", "desk.studio.bio", 6, tall=True),
        Field("teaches", "desk.studio.teaches", 6, things=known.class_choices(), several=True),
    )  # fmt: skip
    holds = (
        Field("code", "desk.studio.certification"), Field("issued", "desk.studio.issued", hint="desk.form.date_hint"),
        Field("expires", "desk.studio.expires", hint="desk.form.date_hint"),
    )  # fmt: skip
    values: Values = {}
    certified: list[Values] = []
    if held is not None:
        certified = [{"code": one.code, "issued": one.issued, "expires": one.expires} for one in held.certifications]
        values = {
            "name": held.name, "languages": ", ".join(held.languages), "bio": held.bio, "teaches": "\n".join(held.teaches),
        }  # fmt: skip
    return Sheet(
        id=id, title="desk.studio.new.instructors" if new else "desk.studio.subject.instructors", said=said,
        picture=Picture(name=held.name if held else "", scope="studio", blob=held.picture if held else None),
        groups={
            "instructor": Group(fields=fields, values=values),
            "holds": Group(
                fields=holds, values=certified, heading="desk.studio.certifications", more="desk.studio.more_certifications"
            ),
        },
    )  # fmt: skip


def pack_sheet(known: Known, id: Id, *, new: bool) -> Sheet:
    """A pack of visits; each saving is its next version, and who bought one keeps what they bought."""
    held = known.packs.get(id)
    forms = tuple((one, f"desk.studio.form.{one}") for one in ("group", "individual"))
    states = tuple((one, f"desk.studio.state.{one}") for one in ("open", "withdrawn"))
    fields: tuple[Field, ...] = (
        Field("name", "desk.studio.name", 3), Field("form", "desk.studio.form", 3, choices=forms),
        Field("currency", "desk.studio.currency"), Field("valid_days", "desk.studio.valid_days"),
        Field("state", "desk.studio.state", choices=states),
        Field("description", "desk.studio.description", 6, tall=True),
        Field("class_types", "desk.studio.pays_for", 3, things=known.class_choices(), several=True),
        Field("categories", "desk.studio.subject.categories", 3, things=named(known.categories, lambda one: one.name), several=True),
    )  # fmt: skip
    rated = {one.visits: one.id for one in held.rates} if held is not None else {}
    rates = (
        Field("visits", "desk.studio.visits"), Field("member", "desk.studio.member_price"),
        Field("guest", "desk.studio.guest_price"),
    )  # fmt: skip

    def said(written: Written) -> list[Payload]:
        currency = written.text("currency").upper()
        places = get_currency_precision(currency)
        wanted = PublishPack(
            pack=id, head=held.version if held is not None else 0, name=written.name(), form=written.text("form"),
            currency=currency, valid_days=written.number("valid_days") if written.text("valid_days") else 0,
            class_types=written.ids("class_types"), categories=written.ids("categories"),
            description=written.text("description"), state=written.text("state"),
            rates=tuple(
                Rate(
                    rated.get(visits := number(one["visits"], least=1), str(visits)), visits,
                    scaled(one["member"], places) or 0, scaled(one["guest"] or one["member"], places) or 0,
                )
                for one in written.many["rates"]
            ),
        )  # fmt: skip
        return [] if held is not None and _same_pack(held, wanted) else [wanted]

    currency = next((one.currency for one in known.packs.values()), "EUR")
    values: Values = {"currency": currency, "valid_days": "0"}
    prices: list[Values] = [{}]
    if held is not None:
        places = get_currency_precision(held.currency)
        values = {
            "name": held.name, "form": held.form, "currency": held.currency, "valid_days": str(held.valid_days),
            "state": held.state, "description": held.description, "class_types": "\n".join(held.class_types),
            "categories": "\n".join(held.categories),
        }  # fmt: skip
        prices = [
            {"visits": str(one.visits), "member": unscaled(one.member_minor, places), "guest": unscaled(one.guest_minor, places)}
            for one in held.rates
        ]  # fmt: skip
    return Sheet(
        id=id, title="desk.studio.new.packs" if new else "desk.studio.subject.packs", said=said,
        groups={
            "pack": Group(fields=fields, values=values),
            "rates": Group(fields=rates, values=prices, heading="desk.studio.rates", more="desk.studio.more_rates"),
        },
    )  # fmt: skip


def _same_pack(held: Pack, wanted: PublishPack) -> bool:
    names = ("name", "form", "currency", "valid_days", "class_types", "categories", "description", "state", "rates")
    return all(getattr(held, name) == getattr(wanted, name) for name in names)
