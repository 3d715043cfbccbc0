"""What a studio offers: classes, categories, levels, who teaches, programs (P) and packs (K)."""

import re
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from classtap_core.access.blueprints import PRICES, Capability
from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.merge import edited, merge
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, refused
from classtap_core.kernel.records import about
from classtap_core.kernel.tx import Tx
from classtap_core.schedule.facts import (
    ClassFacts,
    InstructorFacts,
    class_reads,
    class_trouble,
    instructor_trouble,
)
from classtap_core.schedule.operations import PLANNING, Planned, plan, planning_reads
from classtap_core.schedule.records import (
    Category,
    ClassType,
    Instructor,
    Level,
    Pack,
    Program,
    Rate,
    Session,
)
from classtap_core.schedule.series_operations import call_off, guards_of, key_of, unseen
from classtap_core.timekeeping.rules import check_local

DEPTH = 4
"""Categories lie at most so deep in each other."""


@operation("class.edit", version=1, kind=Kind.EDIT, needs=Capability.MANAGE_SCHEDULE)
class EditClass(Payload, frozen=True, kw_only=True):
    """A class as its editor saw it, and as they want it."""

    class_type: Id
    base: ClassFacts
    wanted: ClassFacts

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(ClassType, self.class_type, "studio"), *class_reads(self.wanted)]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"class:{self.class_type}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(class_type=self.class_type)


@handles(EditClass)
def edit_class(tx: Tx, op: Operation[EditClass]) -> Outcome:
    class_type, wanted = tx.get(ClassType, op.payload.class_type), op.payload.wanted
    if class_type is None:
        return refused("class.unknown")
    code = class_trouble(tx, wanted)
    if code:
        return refused(code)
    after = edited(class_type, op.payload.base, wanted)
    if after == class_type:
        return DUPLICATE
    tx.put(after)
    return ACCEPTED


@operation("category.edit", version=1, kind=Kind.EDIT, needs=Capability.MANAGE_SCHEDULE)
class EditCategory(Payload, frozen=True, kw_only=True):
    """A category comes, is renamed, or moves under another (`parent`, "" for none)."""

    category: Id
    name: str
    parent: str = ""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Category, self.category, "studio")
        above = self.parent
        for _ in range(DEPTH):
            if not above:
                return
            yield Key(Category, Id(above), "studio")
            found = tx.get(Category, Id(above))
            above = "" if found is None else found.parent

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return ("categories",)


@handles(EditCategory)
def edit_category(tx: Tx, op: Operation[EditCategory]) -> Outcome:
    wanted = Category(id=op.payload.category, name=op.payload.name, parent=op.payload.parent)
    if not wanted.name.strip():
        return refused("category.name_empty")
    above, depth = wanted.parent, 1
    while above:
        if above == wanted.id or depth == DEPTH:
            return refused("category.depth", most=DEPTH)
        found = tx.get(Category, Id(above))
        if found is None:
            return refused("category.unknown")
        above, depth = found.parent, depth + 1
    if tx.get(Category, wanted.id) == wanted:
        return DUPLICATE
    tx.put(wanted)
    return ACCEPTED


@operation("level.edit", version=1, kind=Kind.EDIT, needs=Capability.MANAGE_SCHEDULE)
class EditLevel(Payload, frozen=True, kw_only=True):
    """A level comes, is renamed, or stands elsewhere among the others."""

    level: Id
    name: str
    rank: int

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Level, self.level, "studio")

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"level:{self.level}",)


@handles(EditLevel)
def edit_level(tx: Tx, op: Operation[EditLevel]) -> Outcome:
    wanted = Level(id=op.payload.level, name=op.payload.name, rank=op.payload.rank)
    if not wanted.name.strip():
        return refused("level.name_empty")
    if tx.get(Level, wanted.id) == wanted:
        return DUPLICATE
    tx.put(wanted)
    return ACCEPTED


@operation("instructor.edit", version=1, kind=Kind.EDIT, needs=Capability.MANAGE_SCHEDULE)
class EditInstructor(Payload, frozen=True, kw_only=True):
    """An instructor as the editor saw them, and as they want them. Name, bio and picture are the instructor's own."""

    instructor: Id
    base_name: Annotated[str, about("instructor")]
    name: Annotated[str, about("instructor")]
    base_bio: Annotated[str, about("instructor")] = ""
    bio: Annotated[str, about("instructor")] = ""
    base_picture: Annotated[Blob | None, about("instructor")] = None
    picture: Annotated[Blob | None, about("instructor")] = None
    base: InstructorFacts = InstructorFacts()
    wanted: InstructorFacts = InstructorFacts()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Instructor, self.instructor, "studio")

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"instructor:{self.instructor}",)


@handles(EditInstructor)
def edit_instructor(tx: Tx, op: Operation[EditInstructor]) -> Outcome:
    said = op.payload
    instructor = tx.get(Instructor, said.instructor)
    if instructor is None:
        return refused("instructor.unknown")
    code = instructor_trouble(said.name, said.wanted.certifications)
    if code:
        return refused(code)
    after = edited(instructor, said.base, said.wanted)
    words = merge(
        {"name": after.name, "bio": after.bio, "picture": after.picture},
        {"name": said.base_name, "bio": said.base_bio, "picture": said.base_picture},
        {"name": said.name, "bio": said.bio, "picture": said.picture},
    )  # fmt: skip
    after = replace(after, **words.values)
    if after == instructor:
        return DUPLICATE
    tx.put(after)
    return ACCEPTED


@operation("program.plan", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_SCHEDULE)
class PlanProgram(Payload, frozen=True, kw_only=True):
    """A program and its dated sessions, all or none; clashes as in `session.add`."""

    program: Id
    location: Id
    name: str
    class_type: Id
    capacity: int
    items: tuple[Planned, ...]
    description: str = ""
    tags: tuple[str, ...] = ()
    opens: str = ""
    closes: str = ""
    despite: tuple[str, ...] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(Program, self.program, "studio"), Key(ClassType, self.class_type, "studio")]
        yield from planning_reads(tx, op, self.location, self.items, despite=self.despite)

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (PLANNING,)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.location, class_type=self.class_type)


@handles(PlanProgram)
def plan_program(tx: Tx, op: Operation[PlanProgram]) -> Outcome:
    new = op.payload
    if tx.get(Program, new.program) is not None:
        return refused("program.exists")
    if tx.get(ClassType, new.class_type) is None:
        return refused("class.unknown")
    if not new.name.strip() or not new.items or new.capacity < 0:
        return refused("program.incomplete")
    try:
        _check_opening(new.opens, new.closes)
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    planned = plan(tx, op, new.location, new.items, despite=new.despite)
    if isinstance(planned, Outcome):
        return planned
    in_order = sorted(planned, key=lambda session: (session.start, session.id))
    tx.put(
        Program(
            id=new.program, location=new.location, name=new.name, class_type=new.class_type, capacity=new.capacity,
            first_date=in_order[0].date, last_date=in_order[-1].date, sessions=tuple(one.id for one in in_order),
            state="open", description=new.description, tags=new.tags, opens=new.opens, closes=new.closes,
        )
    )  # fmt: skip
    for session in in_order:
        tx.put(replace(session, program=new.program))
    return ACCEPTED


class ProgramFacts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What may be said of a program beside its sessions, as in its record."""

    name: str
    capacity: int
    description: str = ""
    tags: tuple[str, ...] = ()
    opens: str = ""
    closes: str = ""


@operation("program.edit", version=1, kind=Kind.EDIT, needs=Capability.MANAGE_SCHEDULE)
class EditProgram(Payload, frozen=True, kw_only=True):
    """A program as its editor saw it, and as they want it. Its sessions change as sessions do."""

    program: Id
    base: ProgramFacts
    wanted: ProgramFacts

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Program, self.program, "studio")

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"program:{self.program}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return of_program(tx.get(Program, self.program))


@handles(EditProgram)
def edit_program(tx: Tx, op: Operation[EditProgram]) -> Outcome:
    program, wanted = tx.get(Program, op.payload.program), op.payload.wanted
    if program is None:
        return refused("program.unknown")
    if not wanted.name.strip() or wanted.capacity < 0:
        return refused("program.incomplete")
    try:
        _check_opening(wanted.opens, wanted.closes)
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    after = edited(program, op.payload.base, wanted)
    if after == program:
        return DUPLICATE
    tx.put(after)
    return ACCEPTED


def _check_opening(*times: str) -> None:
    """Raises BadInput `time.local`."""
    for local in filter(None, times):
        check_local(local)


def of_program(program: Program | None) -> Resource:
    """What a permission is asked about when something is done to a program."""
    return Resource() if program is None else Resource(program.location, class_type=program.class_type)


@operation("program.cancel", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_SCHEDULE)
class CancelProgram(Payload, frozen=True, kw_only=True):
    """A program and all of its sessions, which it names, do not take place."""

    program: Id
    reason: str = ""
    sessions: tuple[Id, ...] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Program, self.program, "studio")
        program = tx.get(Program, self.program)
        if program is not None:
            yield [key_of(session, program.location) for session in program.sessions]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (PLANNING, f"program:{self.program}", *guards_of(self.sessions))

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return of_program(tx.get(Program, self.program))


@handles(CancelProgram)
def cancel_program(tx: Tx, op: Operation[CancelProgram]) -> Outcome:
    program = tx.get(Program, op.payload.program)
    if program is None:
        return refused("program.unknown")
    if program.state == "cancelled":
        return DUPLICATE
    found = [tx.get(Session, id) for id in program.sessions]
    standing = [session for session in found if session is not None and session.state == "open"]
    trouble = unseen(standing, op.payload.sessions)
    if trouble is not None:
        return trouble
    tx.put(replace(program, state="cancelled"))
    call_off(tx, standing, op.payload.reason)
    return ACCEPTED


@operation("pack.publish", version=1, kind=Kind.PUBLISH, needs=Capability.PUBLISH_POLICY)
class PublishPack(Payload, frozen=True, kw_only=True):
    """The next version of a pack, written over the version its author saw (`head`; 0 for the first).

    Who has bought one keeps what they bought. `state` `withdrawn` ends its sale.
    """

    pack: Id
    head: int
    name: str
    form: str
    currency: str
    rates: tuple[Rate, ...]
    valid_days: int = 0
    class_types: tuple[Id, ...] = ()
    categories: tuple[Id, ...] = ()
    description: str = ""
    state: str = "open"

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [
            Key(Pack, self.pack, "studio"),
            *(Key(ClassType, one, "studio") for one in self.class_types),
            *(Key(Category, one, "studio") for one in self.categories),
        ]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"pack:{self.pack}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(money=PRICES)


@handles(PublishPack)
def publish_pack(tx: Tx, op: Operation[PublishPack]) -> Outcome:
    new = op.payload
    standing = tx.get(Pack, new.pack)
    head = 0 if standing is None else standing.version
    if new.head != head:
        return refused("pack.head_moved", head=head)
    code = _pack_trouble(tx, new)
    if code:
        return refused(code)
    tx.put(
        Pack(
            id=new.pack, name=new.name, version=head + 1, form=new.form, currency=new.currency, rates=new.rates,
            valid_days=new.valid_days, class_types=new.class_types, categories=new.categories,
            description=new.description, state=new.state,
        )
    )  # fmt: skip
    return ACCEPTED


def _pack_trouble(tx: Tx, new: PublishPack) -> str:
    """A group pack names what it pays for, so that a buyer knows (partner document 4.6)."""
    if not new.name.strip() or new.state not in ("open", "withdrawn") or new.valid_days < 0:
        return "pack.incomplete"
    if new.form not in ("group", "individual") or not re.fullmatch("[A-Z]{3}", new.currency):
        return "pack.form"
    if not new.rates or len({rate.id for rate in new.rates}) < len(new.rates):
        return "pack.rates"
    if any(rate.visits < 1 or min(rate.member_minor, rate.guest_minor) < 0 or not rate.id for rate in new.rates):
        return "pack.rates"
    if new.form == "group" and not (new.class_types or new.categories):
        return "pack.covers_nothing"
    known = all(tx.get(ClassType, one) is not None for one in new.class_types)
    return "" if known and all(tx.get(Category, one) is not None for one in new.categories) else "pack.covers_unknown"
