"""Drafts of seat maps: saved at once, wherever they are made; submitted, decided, discussed. Nothing is merged unasked."""

from typing import Annotated, Any

from msgspec.structs import replace

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Range, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, Status, reason, refused
from classtap_core.kernel.records import about
from classtap_core.kernel.tx import Tx
from classtap_core.schedule.records import Room
from classtap_core.seating import rules
from classtap_core.seating.documents import unpacked
from classtap_core.seating.records import SeatComment, SeatDraft, drafts_scope


def kept_beside_id(operation: Id) -> Id:
    """The draft that a save made when it could not go into the one it meant."""
    return derived("seat_draft", operation)


@operation("seatdraft.save", version=1, kind=Kind.EDIT, needs=Capability.EDIT_SEATMAP)
class SaveDraft(Payload, frozen=True, kw_only=True):
    """A draft as its editor leaves it. Never lost: where the draft has moved on, this one is kept beside it.

    Attributes:
        base: the `revision` of the draft as it was opened (a save's operation); "" for a new draft.
        based_on: the published version it was begun from; 0 for none.
    """

    draft: Id
    room: Id
    location: Id
    name: str
    document: str
    base: str = ""
    based_on: int = 0

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        scope = drafts_scope(self.location)
        yield [
            Key(Room, self.room, "studio"),
            Key(SeatDraft, self.draft, scope),
            Key(SeatDraft, kept_beside_id(op.id), scope),
            Range(SeatDraft, "by_revision", (op.id,), scope=scope),
            Range(SeatDraft, "by_revision", (self.base,), scope=scope),
        ]

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.location, self.room)


@handles(SaveDraft)
def save_draft(tx: Tx, op: Operation[SaveDraft]) -> Outcome:
    new = op.payload
    room = tx.get(Room, new.room)
    if room is None or room.location != new.location:
        return refused("room.unknown")
    saved = tx.find(SeatDraft, "by_revision", op.id)
    if saved:
        return _saved(saved[0], new)
    try:
        unpacked(new.document)
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    meant = tx.get(SeatDraft, new.draft)
    fresh = SeatDraft(
        id=new.draft, room=new.room, location=new.location, name=new.name, document=new.document, author=op.author.id,
        editor=op.author.id, revision=op.id, saved_ms=op.at.corrected, based_on=new.based_on,
    )  # fmt: skip
    if meant is None and not new.base:
        tx.put(fresh)
        return ACCEPTED
    # A row of saves made offline goes into one draft: each names the one before it, wherever that one landed.
    into = next((one for one in tx.find(SeatDraft, "by_revision", new.base) if rules.is_open(one)), None)
    if into is not None and into.room == new.room and new.base:
        fresh = replace(
            into, name=new.name, document=new.document, editor=op.author.id, revision=op.id, saved_ms=op.at.corrected
        )
    else:
        fresh = replace(fresh, id=kept_beside_id(op.id), forked_from=new.draft)
    tx.put(fresh)
    return _saved(fresh, new)


def _saved(draft: SeatDraft, meant: SaveDraft) -> Outcome:
    if draft.id == meant.draft:
        return ACCEPTED
    return Outcome(status=Status.ACCEPTED, reasons=(reason("seatdraft.kept_beside", draft=draft.id),))


class _OfDraft(Payload, frozen=True, kw_only=True):
    """Something done to a draft as it was seen."""

    draft: Id
    location: Id
    revision: Id

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(SeatDraft, self.draft, drafts_scope(self.location))

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        draft = tx.get(SeatDraft, self.draft)
        return Resource(self.location, None if draft is None else draft.room)


@operation("seatdraft.submit", version=1, kind=Kind.EDIT, needs=Capability.EDIT_SEATMAP)
class SubmitDraft(_OfDraft, frozen=True, kw_only=True):
    """Ask for approval; until it is decided the draft is read-only."""


@handles(SubmitDraft)
def submit_draft(tx: Tx, op: Operation[SubmitDraft]) -> Outcome:
    return _step(tx, op, of=(rules.DRAFT,), to=rules.PENDING)


@operation("seatdraft.discard", version=1, kind=Kind.EDIT, needs=Capability.EDIT_SEATMAP)
class DiscardDraft(_OfDraft, frozen=True, kw_only=True):
    """Put a draft away."""


@handles(DiscardDraft)
def discard_draft(tx: Tx, op: Operation[DiscardDraft]) -> Outcome:
    return _step(tx, op, of=(rules.DRAFT, rules.PENDING, rules.APPROVED), to=rules.DISCARDED)


def _step(tx: Tx, op: Operation[SubmitDraft] | Operation[DiscardDraft], *, of: tuple[str, ...], to: str) -> Outcome:
    draft = tx.get(SeatDraft, op.payload.draft)
    if draft is None:
        return refused("seatdraft.unknown")
    if draft.revision != op.payload.revision:
        return refused("seatdraft.moved")
    if draft.state == to:
        return DUPLICATE
    if draft.state not in of:
        return refused("seatdraft.state", state=draft.state)
    tx.put(replace(draft, state=to))
    return ACCEPTED


@operation("seatdraft.decide", version=1, kind=Kind.CLAIM, needs=Capability.PUBLISH_SEATMAP)
class DecideDraft(_OfDraft, frozen=True, kw_only=True):
    """Approve a draft, or send it back to its editor with a reason. Nobody decides their own last change."""

    approve: bool
    decider: Id
    comment: Annotated[str, about("decider")]


@handles(DecideDraft)
def decide_draft(tx: Tx, op: Operation[DecideDraft]) -> Outcome:
    asked = op.payload
    if asked.decider != op.author.id:
        return refused("permission.author")
    draft = tx.get(SeatDraft, asked.draft)
    trouble = rules.decision_trouble(draft, revision=asked.revision, decider=asked.decider, comment=asked.comment)
    if draft is None or trouble:
        return refused(trouble)
    state = rules.APPROVED if asked.approve else rules.DRAFT
    tx.put(replace(draft, state=state, decided_by=asked.decider, decision=asked.comment, decided_ms=op.at.corrected))
    return ACCEPTED


@operation("seatcomment.add", version=1, kind=Kind.FACT, needs=Capability.EDIT_SEATMAP)
class AddComment(Payload, frozen=True, kw_only=True):
    """Say something about a draft or a version, or about one spot of it."""

    comment: Id
    location: Id
    subject: Id
    writer: Id
    text: Annotated[str, about("writer")]
    spot: str = ""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(SeatComment, self.comment, drafts_scope(self.location))

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.location)


@handles(AddComment)
def add_comment(tx: Tx, op: Operation[AddComment]) -> Outcome:
    said = op.payload
    if said.writer != op.author.id or not said.text.strip():
        return refused("permission.author" if said.writer != op.author.id else "seatcomment.empty")
    if tx.get(SeatComment, said.comment) is None:
        tx.put(
            SeatComment(
                id=said.comment, location=said.location, subject=said.subject, author=said.writer,
                at_ms=op.at.corrected, text=said.text, spot=said.spot,
            )
        )  # fmt: skip
    return ACCEPTED
