"""Forms of what a studio asks for: documents to be signed, papers, answers to questions."""

from __future__ import annotations

from collections.abc import Sequence

from classtap_core.access.blueprints import FRONT_DESK, MANAGER, OWNER
from classtap_core.booking.field_operations import PublishField
from classtap_core.booking.fields import KINDS as KINDS_OF_FIELDS
from classtap_core.booking.fields import STAFF
from classtap_core.documents.operations import AttachDocument, PublishDocument, WithdrawVersion
from classtap_core.documents.records import BLOCK, BOOKING, CHECKIN, WARN, Attached, Document, Wording
from classtap_core.documents.rules import CATEGORIES, RETIRED
from classtap_core.health.operations import RequirePaper
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.schedule.reach import Reach
from classtap_desktop.screens.entries import Field, Values
from classtap_desktop.screens.sheet import Group, Sheet, Written, number
from classtap_desktop.screens.studio.reading import Known

_ALL = (("", "–"),)
_SEVERITIES = tuple((one, f"desk.studio.severity.{one}") for one in (BLOCK, WARN))
_AT = (("", "desk.studio.asked_at.both"), *((one, f"desk.studio.asked_at.{one}") for one in (BOOKING, CHECKIN)))
_STATES = tuple((one, f"desk.studio.state.{one}") for one in ("open", "closed"))


def document_sheet(known: Known, id: Id, *, new: bool) -> Sheet:
    """A document: other words are its next version; where it is asked for, and how strictly, may change without one."""
    held, newest = known.documents.get(id), known.wordings.get(id)
    words = newest.wordings if newest is not None else ()
    attached = held.attached if held is not None else ()

    def said(written: Written) -> list[Payload]:
        head = held.revision if held is not None else 0
        payloads: list[Payload] = []
        publish = PublishDocument(
            document=id, head=head, name=written.name(), category=written.text("category"),
            effective=written.text("effective"), summary=written.text("summary"), breaking=written.flag("breaking"),
            signed=written.flag("signed"), firm=written.flag("firm"),
            wordings=tuple(
                Wording(str(one["language"]), str(one["title"]), str(one["body"])) for one in written.many["words"]
            ),
        )  # fmt: skip
        if held is None or not _same(held, publish, words):
            payloads.append(publish)
        places = tuple(
            Attached(
                reach=_reach(one),
                severity=str(one["severity"]),
                at=str(one["at"]),
                each_program=bool(one["each_program"]),
            )
            for one in written.many["attached"]
        )
        retired = written.flag("retired")
        if places != attached or retired != (held is not None and held.state == RETIRED):
            payloads.append(AttachDocument(document=id, head=head + len(payloads), attached=places, retired=retired))
        withdrawn = written.text("number")
        if withdrawn:
            payloads.append(
                WithdrawVersion(
                    document=id, head=head + len(payloads), number=number(withdrawn), day=written.text("day")
                )
            )
        return payloads

    fields = (
        Field("name", "desk.studio.name", 3),
        Field("category", "desk.studio.category", 3, choices=tuple((one, f"desk.studio.document.{one}") for one in CATEGORIES)),
        Field("signed", "desk.studio.signed", 3, flag=True), Field("firm", "desk.studio.firm", 3, flag=True),
        Field("retired", "desk.studio.retired", 6, flag=True),
    )  # fmt: skip
    values: Values = {"category": "waiver", "signed": True}
    if held is not None:
        values = {
            "name": held.name, "category": held.category, "signed": held.signed, "firm": held.firm,
            "retired": held.state == RETIRED,
        }  # fmt: skip
    version = (
        Field("effective", "desk.studio.effective", 3, hint="desk.form.date_hint"), Field("summary", "desk.studio.summary", 3),
        Field("breaking", "desk.studio.breaking", 6, flag=True),
    )  # fmt: skip
    wording = (
        Field("language", "desk.studio.language", 2, hint="desk.studio.language_hint"), Field("title", "desk.studio.title", 4),
        Field("body", "desk.studio.words", 6, tall=True),
    )  # fmt: skip
    places = (
        *_reach_fields(known), Field("severity", "desk.studio.severity", 2, choices=_SEVERITIES),
        Field("at", "desk.studio.asked_when", 2, choices=_AT),
        Field("each_program", "desk.studio.each_program", 2, flag=True),
    )  # fmt: skip
    where = [
        {**_reach_values(one.reach), "severity": one.severity, "at": one.at, "each_program": one.each_program}
        for one in attached
    ]
    spoken: list[Values] = [{"language": one.language, "title": one.title, "body": one.body} for one in words]
    groups = {
        "document": Group(fields=fields, values=values),
        "words": Group(
            fields=wording, values=spoken or [{}], heading="desk.studio.wordings", more="desk.studio.more_words"
        ),
        "version": Group(
            fields=version,
            values={"effective": known.today},
            heading="desk.studio.version",
            note="desk.studio.version_note",
        ),
        "attached": Group(
            fields=places, values=where, heading="desk.studio.asked_where", more="desk.studio.more_where", every=True
        ),
    }
    if held is not None:
        numbers = tuple(
            (str(one.number), f"{one.number} · {one.effective}") for one in held.editions if not one.withdrawn
        )
        gone = (
            Field("number", "desk.studio.withdraw", 3, things=(*_ALL, *numbers)),
            Field("day", "desk.studio.withdraw_from", 3, hint="desk.form.date_hint"),
        )  # fmt: skip
        groups["gone"] = Group(fields=gone, values={"day": known.today}, heading="desk.studio.withdrawing")
    title = "desk.studio.new.documents" if new else "desk.studio.subject.documents"
    return Sheet(id=id, title=title, groups=groups, said=said)


def _same(held: Document, publish: PublishDocument, words: Sequence[Wording]) -> bool:
    names = ("name", "category", "signed", "firm")
    return all(getattr(held, name) == getattr(publish, name) for name in names) and publish.wordings == tuple(words)


def requirement_sheet(known: Known, id: Id, *, new: bool) -> Sheet:
    """A paper that sessions ask for."""
    held = known.requirements.get(id)
    fields = (
        Field("name", "desk.studio.name", 3), Field("paper", "desk.studio.paper", 3, hint="desk.studio.paper_hint"),
        Field("severity", "desk.studio.severity", 3, choices=_SEVERITIES), Field("state", "desk.studio.state", 3, choices=_STATES),
        Field("through_end", "desk.studio.through_end", 6, flag=True),
    )  # fmt: skip

    def said(written: Written) -> list[Payload]:
        wanted = RequirePaper(
            requirement=id, head=held.version if held is not None else 0, paper=written.text("paper"), name=written.name(),
            reach=tuple(_reach(one) for one in written.many["reach"]), severity=written.text("severity"),
            through_end=written.flag("through_end"), state=written.text("state"),
        )  # fmt: skip
        names = ("paper", "name", "reach", "severity", "through_end", "state")
        same = held is not None and all(getattr(held, name) == getattr(wanted, name) for name in names)
        return [] if same else [wanted]

    values: Values = {}
    if held is not None:
        values = {
            "name": held.name, "paper": held.paper, "severity": held.severity, "state": held.state,
            "through_end": held.through_end,
        }  # fmt: skip
    title = "desk.studio.new.requirements" if new else "desk.studio.subject.requirements"
    groups = {
        "paper": Group(fields=fields, values=values),
        "reach": _reach_group(known, held.reach if held else (), new=new),
    }
    return Sheet(id=id, title=title, groups=groups, said=said)


def field_sheet(known: Known, id: Id, *, new: bool) -> Sheet:
    """A question that is asked of who books."""
    held = known.fields.get(id)
    kinds = tuple((one, f"desk.studio.kind.{one}") for one in KINDS_OF_FIELDS if held is None or one == held.kind)
    fields = (
        Field("label", "desk.studio.question", 6), Field("kind", "desk.studio.kind", 3, choices=kinds),
        Field("state", "desk.studio.state", 3, choices=_STATES),
        Field("choices", "desk.studio.answers", 6, hint="desk.studio.commas"),
        Field("required", "desk.studio.required", 6, flag=True),
        *(Field(f"seen_by_{role}", f"role.{role}", 2, flag=True) for role in STAFF),
    )  # fmt: skip

    def said(written: Written) -> list[Payload]:
        wanted = PublishField(
            field=id, head=held.version if held is not None else 0, label=written.text("label"), kind=written.text("kind"),
            choices=written.words("choices"), required=written.flag("required"),
            reach=tuple(_reach(one) for one in written.many["reach"]),
            seen_by=tuple(role for role in STAFF if written.flag(f"seen_by_{role}")), state=written.text("state"),
        )  # fmt: skip
        names = ("label", "kind", "choices", "required", "reach", "state")
        same = held is not None and all(getattr(held, name) == getattr(wanted, name) for name in names)
        return [] if same and held is not None and set(held.seen_by) == set(wanted.seen_by) else [wanted]

    seen = held.seen_by if held is not None else (OWNER, MANAGER, FRONT_DESK)
    values: dict[str, str | bool] = {f"seen_by_{role}": role in seen for role in STAFF}
    if held is not None:
        values |= {
            "label": held.label, "kind": held.kind, "state": held.state, "choices": ", ".join(held.choices),
            "required": held.required,
        }  # fmt: skip
    title = "desk.studio.new.fields" if new else "desk.studio.subject.fields"
    groups = {
        "field": Group(fields=fields, values=values, note="desk.studio.field_note"),
        "reach": _reach_group(known, held.reach if held else (), new=new),
    }
    return Sheet(id=id, title=title, groups=groups, said=said)


def _reach_group(known: Known, reach: Sequence[Reach], *, new: bool) -> Group:
    values = [_reach_values(one) for one in reach] or ([{}] if new else [])
    return Group(
        fields=_reach_fields(known), values=values, heading="desk.studio.asked_where", note="desk.studio.nowhere",
        more="desk.studio.more_where", every=True,
    )  # fmt: skip


def _reach_fields(known: Known) -> tuple[Field, ...]:
    return (
        Field("location", "desk.studio.at", 2, things=(*_ALL, *known.place_choices())),
        Field("room", "desk.studio.only_room", 2, things=(*_ALL, *known.room_choices())),
        Field("class_type", "desk.studio.class", 2, things=(*_ALL, *known.class_choices())),
        Field("program", "desk.studio.program", 2, things=(*_ALL, *known.program_choices())),
        Field("first", "desk.studio.first_day", 2, hint="desk.form.date_hint"),
        Field("last", "desk.studio.last_day", 2, hint="desk.form.date_hint"),
    )


def _reach(values: Values) -> Reach:
    names = ("location", "room", "class_type", "program", "first", "last")
    return Reach(**{name: str(values[name]) for name in names})


def _reach_values(reach: Reach) -> Values:
    return {
        "location": reach.location, "room": reach.room, "class_type": reach.class_type, "program": reach.program,
        "first": reach.first, "last": reach.last,
    }  # fmt: skip
