"""The demo's waiver, its papers and health: published, asked for, and signed by the first families with real PDFs."""

import io
from collections.abc import Iterator, Sequence
from functools import cache
from random import Random
from typing import NamedTuple

from classtap_core.booking.field_operations import PublishField
from classtap_core.booking.fields import CHOICE
from classtap_core.documents.operations import AttachDocument, PublishDocument
from classtap_core.documents.records import (
    CHECKIN,
    WARN,
    Attached,
    Document,
    DocumentVersion,
    Edition,
    Wording,
    document_version_id,
)
from classtap_core.documents.rules import fingerprint
from classtap_core.health.operations import EditProfile, FilePaper, RequirePaper
from classtap_core.health.records import SEVERE, Allergy, Condition, EmergencyContact, HealthFacts, Medication
from classtap_core.kernel.blobs import Blob, Offer
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Payload
from classtap_core.people.operations import ChildDraft, ContactDraft
from classtap_core.people.profile_operations import ChildFacts, EditChild
from classtap_core.people.records import Child
from classtap_core.schedule.reach import Reach
from classtap_core.signing.artifact import artifact
from classtap_core.signing.bundle import Asked, ForChild, Signer, request
from classtap_core.signing.telling import FONTS, Occasion, evidence
from classtap_core.store.sealed_file import Sealing
from classtap_core.timekeeping.rules import iso_local
from resources import path
from resources.text import Catalogue

SIGNED = 12
"""So many families have signed; to the others the door says that something is waiting."""
EFFECTIVE = "2026-06-01"
VACCINATION = "vaccination"
WAIVER = (
    Wording(
        "en", "Dance, climb and play: our waiver",
        "Children move here: they dance, tumble and climb, on mats and under the eyes of a teacher.\n\n"
        "I know that somebody who moves may fall, and I have told the studio what it must know of my child's health.\n\n"
        "In an emergency the studio may call an ambulance before it reaches me.",
    ),
    Wording(
        "es", "Bailar, trepar y jugar: nuestra autorización",
        "Aquí los niños se mueven: bailan, ruedan y trepan, sobre colchonetas y ante los ojos de un profesor.\n\n"
        "Sé que quien se mueve puede caerse, y he dicho al centro lo que debe saber de la salud de mi hijo.\n\n"
        "En una urgencia el centro puede llamar a una ambulancia antes de localizarme.",
    ),
    Wording(
        "ar", "نرقص ونتسلق ونلعب: إقرارنا",
        "يتحرك الأطفال هنا: يرقصون ويتدحرجون ويتسلقون على الحصائر وأمام عيني معلم.\n\n"
        "أعلم أن من يتحرك قد يسقط، وقد أخبرت الاستوديو بما يجب أن يعرفه عن صحة طفلي.\n\n"
        "في حالة الطوارئ يمكن للاستوديو استدعاء الإسعاف قبل الوصول إليّ.",
    ),
)  # fmt: skip
FACTS = {
    "Peanut allergy, pen in the blue bag": HealthFacts(
        allergies=(Allergy(what="Peanut", severity=SEVERE, action="Adrenaline at once, then 112", pen="blue bag"),)
    ),
    "Bee stings: call 112, then the family": HealthFacts(
        allergies=(Allergy(what="Bee stings", severity=SEVERE, action="Call 112, then the family"),)
    ),
    "Asthma, inhaler in the bag": HealthFacts(conditions=(Condition(name="Asthma", action="Inhaler in the bag"),)),
    "Epilepsy, plan at the desk": HealthFacts(
        conditions=(Condition(name="Epilepsy", action="The plan is at the desk"),)
    ),
    "Coeliac": HealthFacts(allergies=(Allergy(what="Gluten", action="Own snacks only"),)),
    "Type 1 diabetes, snack at half time": HealthFacts(
        conditions=(Condition(name="Type 1 diabetes", action="Snack at half time"),),
        medications=(Medication(name="Insulin", dose="by the pump", when="always", here=True),),
    ),
}
"""What the free words of a child say, as a profile; the others stay words."""


class PlannedFile(NamedTuple):
    """A file that the plan's operations name: what is said of it, and its sealed bytes."""

    offer: Offer
    sealed: bytes


class Care:
    """What is asked of the demo's families, and what they answer. Draws from a stream of its own."""

    def __init__(self, seed: int, studio: Id, name: str) -> None:
        self._random = Random(f"classtap-demo/{seed}/care")
        self._studio, self._name = studio, name
        self.files: list[PlannedFile] = []
        self.waiver = derived("demo.document", studio, "waiver")

    def asked(self, *, gymnastics: Id, season: Id, first: str) -> Iterator[Payload]:
        """The waiver for everybody at the door, a vaccination card for gymnastics; from `first` on the season's class takes nobody
        who has not signed, and asks a question."""
        yield PublishDocument(
            document=self.waiver, head=0, name=WAIVER[0].title, category="waiver", effective=EFFECTIVE, wordings=WAIVER
        )
        everywhere = Attached(severity=WARN, at=CHECKIN)
        of_season = Reach(class_type=season, first=first)
        strictly = Attached(reach=of_season)
        yield AttachDocument(document=self.waiver, head=1, attached=(everywhere, strictly))
        yield RequirePaper(
            requirement=derived("demo.requirement", self._studio, VACCINATION), head=0, paper=VACCINATION,
            name="Vaccination card", reach=(Reach(class_type=gymnastics),), severity=WARN,
        )  # fmt: skip
        yield PublishField(
            field=derived("demo.field", self._studio, "voice"), head=0, label="Which voice?", kind=CHOICE,
            choices=("High", "Middle", "Low", "Not known yet"), required=True, reach=(of_season,),
        )  # fmt: skip

    def health(self, child: ChildDraft, contact: ContactDraft, today: str) -> Iterator[Payload]:
        """What staff must know of a child, where the words are known, and a paper that holds or has just ended."""
        facts = FACTS.get(child.health_notes)
        if facts is not None:
            called = EmergencyContact(name=contact.name, phone=contact.phone, relation=contact.relation)
            whole = HealthFacts(
                allergies=facts.allergies,
                medications=facts.medications,
                conditions=facts.conditions,
                contacts=(called,),
            )
            yield EditProfile(child=child.child, base=HealthFacts(), wanted=whole)
        if self._random.randrange(4):
            expires = f"{int(today[:4]) + 1}-06-30" if self._random.randrange(3) else f"{int(today[:4])}-01-31"
            yield FilePaper(child=child.child, paper=VACCINATION, issued=f"{int(today[:4]) - 1}-02-01", expires=expires)

    def described(self, child: ChildDraft, language: str) -> Payload:
        """The language a child is spoken to in; and somebody agreed that they may be on lists."""
        base = ChildFacts(given=child.given, surname=child.surname)
        wanted = ChildFacts(given=child.given, surname=child.surname, languages=(language,), listed=True)
        return EditChild(child=child.child, base=base, wanted=wanted)

    def signed(
        self, children: Sequence[ChildDraft], contact: ContactDraft, *, family: Id, home: Id, at_ms: int, zone: str
    ) -> Payload:
        """The first guardian signs the waiver for each child, with its PDF."""
        edition = Edition(number=1, effective=EFFECTIVE, hash=fingerprint(WAIVER))
        document = Document(
            id=self.waiver, name=WAIVER[0].title, category="waiver", revision=1, editions=(edition,), state="open"
        )
        id = document_version_id(self.waiver, 1)
        version = DocumentVersion(id=id, document=self.waiver, number=1, wordings=WAIVER)
        asked = Asked(document, version, edition.hash, EFFECTIVE, False)
        occasion = Occasion(
            studio=self._name, language="en", guardian=contact.name, relation=contact.relation, at=iso_local(at_ms, zone),
            place="192.0.2.7", device="Browser", code_to=f"{contact.email[:1]}•••@example.com",
            reference=derived("demo.signed", family),
        )  # fmt: skip
        items = []
        for one in children:
            child = Child(id=one.child, family=family, home=home, given=one.given, surname=one.surname)
            item = ForChild(child, "", "", (asked,))
            told = evidence(Catalogue("en").say, item, occasion, name=contact.name)
            items.append((item, self._kept(artifact(told, fonts=_fonts()), child)))
        signer = Signer(contact.contact, contact.relation, frozenset(one.child for one in children))
        return request(signer, items, method="typed", name=contact.name, language="en", address="192.0.2.7")

    def _kept(self, data: bytes, child: Child) -> Blob:
        file, key = io.BytesIO(), self._random.randbytes(32)
        sealing = Sealing(file, key, self._random.randbytes)
        sealing.write(data)
        blob = Blob(hash=sealing.finish(), size=len(data), type="application/pdf")
        sealed = file.getvalue()
        offer = Offer(
            blob=blob, sealed=len(sealed), kind="signature", key=key.hex(), subject=child.id, scope=child.scope()
        )
        self.files.append(PlannedFile(offer, sealed))
        return blob


@cache
def _fonts() -> tuple[bytes, ...]:
    return tuple(path("fonts", name).read_bytes() for name in FONTS)
