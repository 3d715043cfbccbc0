"""Documents are published, attached and withdrawn; guardians sign them, and take back what they signed."""

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec.structs import replace

from classtap_core.access.blueprints import Capability
from classtap_core.documents import rules
from classtap_core.documents.records import (
    Attached,
    Consents,
    Document,
    DocumentVersion,
    Edition,
    Ending,
    Signing,
    SigningCode,
    Wording,
    document_version_id,
    signing_code_id,
)
from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.effects import Effect, Home
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import (
    ACCEPTED,
    ItemOutcome,
    Outcome,
    Reason,
    Status,
    of_items,
    reason,
    refused,
)
from classtap_core.kernel.records import Sensitivity, about
from classtap_core.kernel.tx import Tx
from classtap_core.people.records import Child, ContactMasked
from classtap_core.people.verification import EMAIL, WAYS, is_verified
from classtap_core.schedule.reach import named
from classtap_core.timekeeping.rules import parse_date


class _OfDocument(Payload, frozen=True, kw_only=True):
    """What is said of a document by somebody who saw its revision `head`; 0 for one that is new."""

    document: Id
    head: int

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Document, self.document, "studio")

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"document:{self.document}",)


@operation("document.publish", version=1, kind=Kind.PUBLISH, needs=Capability.PUBLISH_POLICY)
class PublishDocument(_OfDocument, frozen=True, kw_only=True):
    """The next version of a document, in force for sessions from `effective` on; the first one makes the document."""

    name: str
    category: str
    effective: str
    wordings: tuple[Wording, ...]
    summary: str = ""
    breaking: bool = False
    signed: bool = True
    firm: bool = False

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Document, self.document, "studio")
        document = tx.get(Document, self.document)
        number = 1 if document is None else len(document.editions) + 1
        yield Key(DocumentVersion, document_version_id(self.document, number), "studio")


@handles(PublishDocument)
def publish_document(tx: Tx, op: Operation[PublishDocument]) -> Outcome:
    said = op.payload
    document = tx.get(Document, said.document)
    moved = _moved(document, said.head)
    if moved is not None:
        return moved
    editions = () if document is None else document.editions
    try:
        rules.check_wordings(said.wordings)
        trouble = rules.effective_trouble(editions, said.effective, now_ms=tx.now)
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    if not trouble and said.category not in rules.CATEGORIES:
        trouble = "document.category"
    if not trouble and not said.name.strip():
        trouble = "document.name_empty"
    if not trouble and editions and not said.summary.strip():
        trouble = "document.summary"
    if trouble:
        return refused(trouble)
    edition = Edition(
        number=len(editions) + 1, effective=said.effective, hash=rules.fingerprint(said.wordings),
        breaking=said.breaking and bool(editions), summary=said.summary,
    )  # fmt: skip
    standing = document or Document(id=said.document, name="", category="", revision=0, editions=(), state=rules.OPEN)
    tx.put(
        replace(
            standing, name=said.name, category=said.category, revision=said.head + 1, editions=(*editions, edition),
            signed=said.signed, firm=said.firm,
        )
    )  # fmt: skip
    id = document_version_id(said.document, edition.number)
    tx.put(DocumentVersion(id=id, document=said.document, number=edition.number, wordings=said.wordings))
    return ACCEPTED


@operation("document.attach", version=1, kind=Kind.PUBLISH, needs=Capability.PUBLISH_POLICY)
class AttachDocument(_OfDocument, frozen=True, kw_only=True):
    """Where a document is asked for from now on: all of its places, each with how strictly. `retired`: nowhere any more."""

    attached: tuple[Attached, ...] = ()
    retired: bool = False

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(Document, self.document, "studio"), *named(one.reach for one in self.attached)]


@handles(AttachDocument)
def attach_document(tx: Tx, op: Operation[AttachDocument]) -> Outcome:
    said = op.payload
    document = tx.get(Document, said.document)
    moved = _moved(document, said.head)
    if moved is not None or document is None:
        return moved or refused("document.unknown")
    try:
        rules.check_attached(said.attached)
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    if any(tx.get(key.record, key.id) is None for key in named(one.reach for one in said.attached)):
        return refused("document.attached")
    state = rules.RETIRED if said.retired else rules.OPEN
    tx.put(replace(document, attached=said.attached, state=state, revision=said.head + 1))
    return ACCEPTED


@operation("document.withdraw", version=1, kind=Kind.PUBLISH, needs=Capability.PUBLISH_POLICY)
class WithdrawVersion(_OfDocument, frozen=True, kw_only=True):
    """A version no longer counts for sessions from `day` on: the one before does again, where there is one."""

    number: int
    day: str


@handles(WithdrawVersion)
def withdraw_version(tx: Tx, op: Operation[WithdrawVersion]) -> Outcome:
    said = op.payload
    document = tx.get(Document, said.document)
    moved = _moved(document, said.head)
    if moved is not None or document is None:
        return moved or refused("document.unknown")
    try:
        parse_date(said.day)
    except BadInput as bad:
        return refused(bad.code)
    if not 1 <= said.number <= len(document.editions):
        return refused("document.version_unknown")
    editions = tuple(
        replace(one, withdrawn=said.day) if one.number == said.number else one for one in document.editions
    )
    tx.put(replace(document, editions=editions, revision=said.head + 1))
    return ACCEPTED


def _moved(document: Document | None, head: int) -> Outcome | None:
    standing = 0 if document is None else document.revision
    return None if head == standing else refused("document.head_moved", head=standing)


# -- signing


class SignedVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version as it was shown: `hash` is its fingerprint, so that nobody signs other words than they saw."""

    document: Id
    number: int
    hash: str


class SignedFor(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is signed for one child (and one program), with the PDF that shows exactly that."""

    child: Id
    documents: tuple[SignedVersion, ...]
    artifact: Annotated[Blob, about("child")]
    program: str = ""


@operation("document.sign", version=1, kind=Kind.FACT, needs=Capability.TAKE_SIGNATURE)
class SignDocuments(Payload, frozen=True, kw_only=True):
    """A guardian signs for children. The artifacts are durable before this is said: on a device the store refuses it
    otherwise, in the cloud the page writes them first.

    Attributes:
        guardian: who signs: a contact's id. relation: what they are to the children. method: `drawn` or `typed`.
        name: as they signed. address: where the request came from; "" at a studio's own device.
        code: the `signing.code` that shows them to stand at this kiosk; "" where a page or staff knows who it is.
    """

    guardian: Id
    items: tuple[SignedFor, ...]
    method: str
    name: Annotated[str, about("guardian")]
    relation: str = "other"
    language: str = ""
    address: Annotated[str, about("guardian", Sensitivity.CONTACT)] = ""
    code: str = ""

    def items_of(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(item.child for item in self.items))

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [
            *(Key(Child, Id(child)) for child in self.items_of()),
            *(Key(Document, one.document, "studio") for item in self.items for one in item.documents),
        ]
        yield [Key(Consents, child.id, child.scope()) for child in _children(tx, self.items_of())]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return tuple(f"child:{child}" for child in sorted(self.items_of()))

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return _home(tx, self.items_of())


@handles(SignDocuments)
def sign_documents(tx: Tx, op: Operation[SignDocuments]) -> Outcome:
    said = op.payload
    if said.method not in rules.METHODS or not said.name.strip() or not said.items:
        return refused("signing.incomplete")
    if op.author.type == "guardian" and op.author.id != said.guardian:
        return refused("signing.other_guardian")
    return of_items(_sign_for(tx, op, item) for item in said.items)


def _sign_for(tx: Tx, op: Operation[SignDocuments], item: SignedFor) -> ItemOutcome:
    said, child = op.payload, tx.get(Child, item.child)
    trouble = _signing_trouble(tx, op, item)
    if trouble is not None or child is None:
        return ItemOutcome(item.child, Status.REFUSED, (trouble or reason("child.unknown"),))
    consents = tx.get(Consents, child.id) or Consents(id=child.id, home=child.home)
    for one in item.documents:
        consents = rules.with_signing(
            consents,
            Signing(
                operation=op.id, document=one.document, number=one.number, hash=one.hash, guardian=said.guardian,
                at_ms=op.at.corrected, method=said.method, artifact=item.artifact, relation=said.relation,
                program=item.program,
            ),
        )  # fmt: skip
    tx.put(consents)
    tx.effect(ConsentChanged(child=child.id, home=child.home), home=Home.CLOUD)
    return ItemOutcome(item.child, Status.ACCEPTED)


def _signing_trouble(tx: Tx, op: Operation[SignDocuments], item: SignedFor) -> Reason | None:
    blocked = op.blocked(item.child)
    if blocked is not None:
        return Reason(f"gate.{blocked.code}", dict(blocked.params))
    if not item.documents:
        return reason("signing.incomplete")
    for one in item.documents:
        document = tx.get(Document, one.document)
        edition = None if document is None else next((e for e in document.editions if e.number == one.number), None)
        if edition is None:
            return reason("document.unknown")
        if edition.hash != one.hash:
            return reason("document.other_words", document=one.document, number=one.number)
    return None


class ConsentChanged(Effect, frozen=True, kw_only=True):
    """For whoever listens in the cloud: what a child may do may have changed."""

    KIND: ClassVar[str] = "consent.changed"

    child: Id
    home: Id


@operation("document.take_back", version=1, kind=Kind.FACT, needs=Capability.TAKE_SIGNATURE)
class TakeBackConsent(Payload, frozen=True, kw_only=True):
    """A guardian takes back what was signed for a child before now. Tightening, so it holds at once."""

    child: Id
    guardian: Id
    document: Id
    program: str = ""

    def items_of(self) -> tuple[str, ...]:
        return (self.child,)

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Child, self.child)
        yield [Key(Consents, child.id, child.scope()) for child in _children(tx, (self.child,))]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"child:{self.child}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return _home(tx, (self.child,))


@handles(TakeBackConsent)
def take_back_consent(tx: Tx, op: Operation[TakeBackConsent]) -> Outcome:
    said, child = op.payload, tx.get(Child, op.payload.child)
    blocked = op.blocked(said.child)
    if child is None or blocked is not None:
        return refused(f"gate.{blocked.code}", **blocked.params) if blocked else refused("child.unknown")
    if op.author.type == "guardian" and op.author.id != said.guardian:
        return refused("signing.other_guardian")
    consents = tx.get(Consents, child.id) or Consents(id=child.id, home=child.home)
    ending = Ending(
        operation=op.id, document=said.document, guardian=said.guardian, at_ms=op.at.corrected, program=said.program
    )
    after = rules.with_ending(consents, ending)
    tx.put(after)
    tx.effect(ConsentChanged(child=child.id, home=child.home), home=Home.CLOUD)
    return ACCEPTED


# -- a code to a verified contact, asked for at a kiosk


class SendSigningCode(Effect, frozen=True, kw_only=True):
    """A code for the guardian's eyes only, to the contact they have verified. It is typed at the kiosk that made it."""

    KIND: ClassVar[str] = "signing.code"

    guardian: Id
    way: str
    code: str
    until_ms: int


@operation("signing.code", version=1, kind=Kind.CLAIM, needs=Capability.TAKE_SIGNATURE)
class AskSigningCode(Payload, frozen=True, kw_only=True):
    """A kiosk made a six-digit code and asks the cloud to send it to a guardian who wants to sign; it compares what is
    typed by itself. Refused without a verified contact, and after three in five minutes."""

    guardian: Id
    home: Id
    code: Annotated[str, about("guardian", Sensitivity.SECRET)]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [
            Key(ContactMasked, self.guardian, f"contact_masked/{self.home}"),
            Key(SigningCode, signing_code_id(self.guardian), f"families/{self.home}"),
        ]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"contact:{self.guardian}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.home)


@handles(AskSigningCode)
def ask_signing_code(tx: Tx, op: Operation[AskSigningCode]) -> Outcome:
    said = op.payload
    contact = tx.get(ContactMasked, said.guardian)
    if contact is None or not is_verified(contact):
        return refused("guardian.unknown" if contact is None else "contact.unverified")
    if len(said.code) != 6 or not said.code.isdigit():
        return refused("signing.code_form")
    known = tx.get(SigningCode, signing_code_id(said.guardian))
    if not rules.may_ask(known, at_ms=tx.now):
        return refused("signing.too_many_codes", minutes=rules.CODES_MS // 60_000)
    lately = [one for one in (known.asked_ms if known else ()) if one > tx.now - rules.CODES_MS]
    tx.put(
        SigningCode(
            id=signing_code_id(said.guardian), guardian=said.guardian, home=said.home, request=op.id, device=op.device,
            at_ms=tx.now, asked_ms=(*lately, tx.now),
        )
    )  # fmt: skip
    way = contact.verified_by if contact.verified_by in WAYS else EMAIL
    until_ms = tx.now + rules.CODE_MS
    tx.effect(SendSigningCode(guardian=said.guardian, way=way, code=said.code, until_ms=until_ms), home=Home.CLOUD)
    return ACCEPTED


def _children(tx: Tx, ids: tuple[str, ...]) -> list[Child]:
    found = (tx.get(Child, Id(id)) for id in ids)
    return [child for child in found if child is not None]


def _home(tx: Tx, ids: tuple[str, ...]) -> Resource:
    """Where children belong, for the permission; the whole studio where they belong to several houses."""
    homes = {child.home for child in _children(tx, ids)}
    return Resource(homes.pop() if len(homes) == 1 else None)
