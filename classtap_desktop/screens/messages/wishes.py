"""Forms of what guardians want to hear on which way, and of what a studio's cloud sends by itself."""

from __future__ import annotations

from typing import NamedTuple

from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.booking.records import Policy, policy_id
from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.messaging.operations import WishMessages
from classtap_core.messaging.records import MessageWish
from classtap_core.messaging.settings import BY_THEMSELVES, MESSAGES_POLICY, MessageSettings, message_settings
from classtap_core.messaging.templates import USUAL, WAYS, ways_of
from classtap_core.people.records import Child, ContactMasked
from classtap_core.schedule.records import ClassType
from classtap_desktop.kit import theme
from classtap_desktop.screens.entries import Field, Value
from classtap_desktop.screens.sheet import Group, Sheet, Written
from classtap_desktop.source import DeskSource
from resources.text import languages

_CHOICES = tuple((code, f"desk.messages.ways.{code}") for code in (USUAL, *WAYS))
_STUDIOS = tuple((code, f"desk.messages.ways.{code}") for code in WAYS if code != "none")


class Wants(NamedTuple):
    """A guardian, the family's children, the classes there are, and what was wished so far."""

    contact: ContactMasked
    children: tuple[Child, ...]
    classes: tuple[tuple[str, str], ...]
    wishes: tuple[MessageWish, ...]


def read_wants(source: DeskSource, guardian: Id) -> Wants | None:
    """What a guardian wants; None where they are not on this desk."""
    reader = source.reader
    contact = fetch(reader, ContactMasked, [guardian]).get(guardian)
    if contact is None:
        return None
    classes = sorted(((str(one.id), one.name) for one in search(reader, ClassType, "by_id")), key=lambda one: one[1])
    children = search(reader, Child, "by_family", contact.family)
    wishes = search(reader, MessageWish, "by_contact", guardian)
    return Wants(contact, tuple(sorted(children, key=lambda one: one.given)), tuple(classes), tuple(wishes))


def wishes_sheet(wants: Wants) -> Sheet:
    """The form: for everything, for each child, and for any number of classes."""
    held = {(one.child, one.program): ways_of(one.channels) for one in wants.wishes}
    fields = (
        Field("all", "desk.messages.for_all", 3, choices=_CHOICES),
        *(Field(f"child.{one.id}", one.given, 3, choices=_CHOICES) for one in wants.children),
    )
    values = {"all": held.get(("", ""), USUAL)}
    values |= {f"child.{one.id}": held.get((one.id, ""), USUAL) for one in wants.children}
    classes = (
        Field("program", "desk.messages.for_class", 3, things=wants.classes),
        Field("ways", "desk.messages.ways", 3, choices=_CHOICES[1:]),
    )
    programs = [{"program": program, "ways": code} for (child, program), code in held.items() if program and not child]
    groups = {
        "one": Group(fields=fields, values=values, note="desk.messages.wishes_note"),
        "classes": Group(
            fields=classes,
            values=programs,
            more="desk.messages.add_class",
            heading="desk.messages.for_classes",
            every=True,
        ),
    }

    def said(written: Written) -> list[Payload]:
        found: list[Payload] = []
        wanted: dict[tuple[str, str], str] = {("", ""): written.text("all") or USUAL}
        wanted |= {(str(one.id), ""): written.text(f"child.{one.id}") or USUAL for one in wants.children}
        named = [(str(one["program"]), str(one["ways"])) for one in written.many.get("classes", ())]
        if len({program for program, _ in named}) < len(named):
            raise BadInput("message.class_twice")
        wanted |= {("", program): code for program, code in named}
        wanted |= {key: USUAL for key in held if key[1] and not key[0] and key not in wanted}
        for (child, program), code in wanted.items():
            if code != held.get((child, program), USUAL):
                channels = WAYS.get(code, ())
                found.append(
                    WishMessages(contact=wants.contact.id, channels=channels, child=child, program=program, usual=code == USUAL)
                )  # fmt: skip
        return found

    title = theme().words.say("desk.messages.wishes_title", name=wants.contact.name)
    return Sheet(id=wants.contact.id, title=title, groups=groups, said=said)


class Published(NamedTuple):
    """A studio's settings of messages, and the version they were read at."""

    studio: Id
    head: int
    settings: MessageSettings


def read_published(source: DeskSource) -> Published:
    studio = source.place.studio
    id = policy_id(studio, MESSAGES_POLICY)
    held = fetch(source.reader, Policy, [id]).get(id)
    return Published(studio, held.version if held else 0, message_settings(held.values if held else {}))


def settings_sheet(read: Published) -> Sheet:
    """The form of what is sent by itself, on which ways and in which language."""
    flags = tuple(Field(name, f"desk.messages.send.{name}", 6, flag=True) for name in BY_THEMSELVES)
    tongues = (("", "desk.messages.language.none"),)
    named = tuple((one.code, one.name) for one in languages())
    first = (
        Field("language", "desk.messages.language", 2, choices=tongues, things=named),
        Field("channels", "desk.messages.ways", 2, choices=_STUDIOS),
        Field("late_min", "desk.messages.late_min", 2),
    )
    values: dict[str, Value] = {name: name in read.settings.sends for name in BY_THEMSELVES}
    values |= {
        "language": read.settings.language, "channels": ways_of(read.settings.channels), "late_min": str(read.settings.late_min)
    }  # fmt: skip

    def said(written: Written) -> list[Payload]:
        wanted = MessageSettings(
            language=written.text("language"), channels=WAYS[written.text("channels")],
            sends=frozenset(name for name in BY_THEMSELVES if written.flag(name)), late_min=written.number("late_min"),
        )  # fmt: skip
        if wanted == read.settings:
            return []
        return [PublishPolicy(name=MESSAGES_POLICY, head=read.head, values=wanted.values())]

    groups = {
        "usual": Group(fields=first, values=values),
        "sends": Group(fields=flags, values=values, heading="desk.messages.by_itself"),
    }
    return Sheet(id=policy_id(read.studio, MESSAGES_POLICY), title="desk.messages.settings", groups=groups, said=said)
