"""A waiver of the tests' studio, published, attached and signed by its one guardian."""

from classtap_core.documents.operations import AttachDocument, PublishDocument, SignDocuments, SignedFor, SignedVersion
from classtap_core.documents.records import Attached, Document, Wording
from classtap_core.documents.rules import fingerprint
from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import decode
from classtap_core.people.guardian_operations import EditGuardian, GuardianFacts
from classtap_core.people.guardians import PRIMARY, Role
from classtap_core.people.verification import VerifyContact
from tests.unit.house.world import ANA, BEN, CLOCK, World, named, state_of

WAIVER, MUM = named("waiver"), named("guardian")
WORDS = (Wording("en", "Waiver", "We climb.\n\nWe fall on mats."), Wording("es", "Renuncia", "Trepamos."))
PDF = Blob(hash="ab" * 32, size=1_000, type="application/pdf")


def publish(world: World, *, effective: str = "2026-01-01", breaking: bool = False, **more: object) -> None:
    """The next version of the waiver."""
    row = state_of(world.cloud, Document).get(WAIVER)
    head = 0 if row is None else decode(Document, row).revision
    said = PublishDocument(
        document=WAIVER, head=head, name="Waiver", category="waiver", effective=effective, wordings=WORDS,
        summary="Mats are new" if head else "", breaking=breaking, **more,
    )  # type: ignore[arg-type] # fmt: skip
    outcome = world.say(said).link.outcome
    assert outcome.stands, outcome


def attach(world: World, *attached: Attached, retired: bool = False) -> None:
    head = document(world).revision
    said = AttachDocument(document=WAIVER, head=head, attached=attached or (Attached(),), retired=retired)
    assert world.say(said).link.outcome.stands


def document(world: World) -> Document:
    return decode(Document, state_of(world.cloud, Document)[WAIVER])


def with_waiver(*attached: Attached, **more: object) -> World:
    """A studio whose sessions ask for the waiver; the guardian is Ana's and Ben's primary, with a verified contact."""
    world = World()
    publish(world, **more)  # type: ignore[arg-type]
    attach(world, *attached)
    with_mum(world)
    return world


def with_mum(world: World, *, verified: bool = True) -> None:
    wanted = GuardianFacts(relation="mother", roles=(Role(PRIMARY, "2026-01-01"),))
    for child in (ANA, BEN):
        said = EditGuardian(child=child, guardian=MUM, base=GuardianFacts(), wanted=wanted)
        assert world.say(said).link.outcome.stands
    if verified:
        assert world.say(VerifyContact(contact=MUM, way="email"), CLOCK).link.outcome.stands


def signing(world: World, *children: Id, program: str = "", number: int = 0, code: str = "") -> SignDocuments:
    """What the guardian signs: the newest version, or another."""
    edition = document(world).editions[number - 1]
    version = SignedVersion(document=WAIVER, number=edition.number, hash=edition.hash)
    items = tuple(
        SignedFor(child=child, documents=(version,), artifact=PDF, program=program) for child in children or (ANA, BEN)
    )
    return SignDocuments(guardian=MUM, items=items, method="typed", name="Gina García", relation="mother", code=code)


def signing_of(wordings: tuple[Wording, ...], *children: Id) -> SignDocuments:
    """The guardian signs the first version of these words."""
    version = SignedVersion(document=WAIVER, number=1, hash=fingerprint(wordings))
    items = tuple(SignedFor(child=child, documents=(version,), artifact=PDF) for child in children)
    return SignDocuments(guardian=MUM, items=items, method="typed", name="Gina García", relation="mother")


def mum() -> Author:
    return Author(type="guardian", id=MUM)
