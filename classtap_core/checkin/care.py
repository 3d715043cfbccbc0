"""What is known of children's consents and papers, read for a screen, and judged as the gates judge."""

from collections.abc import Iterable
from typing import NamedTuple

from classtap_core.checkin.reading import fetch, search
from classtap_core.documents import rules as documents
from classtap_core.documents.records import CHECKIN, Consents, Document
from classtap_core.documents.rules import Owed
from classtap_core.health import rules as health
from classtap_core.health.records import HealthClearance, HealthRequirement
from classtap_core.kernel.envelope import GateResult
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Reader
from classtap_core.people.records import Child
from classtap_core.schedule.records import Program, Session


class CareKnown(NamedTuple):
    """All of it for some children. `programs`: where a paper must hold to their end."""

    documents: tuple[Document, ...]
    requirements: tuple[HealthRequirement, ...]
    consents: dict[Id, Consents]
    clearances: dict[Id, HealthClearance]
    programs: dict[Id, Program]

    def owed(self, session: Session, child: Id, *, when: str = CHECKIN) -> list[Owed]:
        """What a session asks to have signed, and how each stands for a child."""
        asked = documents.asked_of(self.documents, session, when=when)
        return documents.owed(asked, session, self.consents.get(child))

    def gates(self, session: Session, child: Id, *, when: str = CHECKIN) -> tuple[GateResult, ...]:
        """The verdicts before a child arrives; none of what is not asked."""
        found = []
        owed = self.owed(session, child, when=when)
        if owed:
            found.append(documents.gate(child, owed))
        asked = health.required(self.requirements, session)
        if asked:
            program = self.programs.get(Id(session.program)) if session.program else None
            found.append(health.gate(child, asked, self.clearances.get(child), session, program))
        return tuple(found)


def care_known(reader: Reader, children: Iterable[Child]) -> CareKnown:
    """Read it, one query a kind; what nobody asks for is not read."""
    ids = [child.id for child in children]
    asked = tuple(search(reader, Document, "by_state", documents.OPEN))
    required = tuple(search(reader, HealthRequirement, "by_state", "open"))
    programs = {Id(part.program) for one in required if one.through_end for part in one.reach if part.program}
    return CareKnown(
        asked, required, fetch(reader, Consents, ids) if asked else {},
        fetch(reader, HealthClearance, ids) if required else {}, fetch(reader, Program, programs),
    )  # fmt: skip
