"""Looking at what is masked: for a reason, for a short while, and on record, also where it was refused."""

from typing import Annotated, Any, ClassVar, NamedTuple

from classtap_core.access.blueprints import Capability
from classtap_core.access.masking import NEEDS
from classtap_core.access.records import Grant
from classtap_core.access.rules import decide
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Range, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, refused
from classtap_core.kernel.records import Record, Sensitivity, about
from classtap_core.kernel.tx import Tx

LONGEST_MS = 120_000
HEALTH_IDLE_MS = 60_000
LEAST_WORDS = 10
"""Letters of a reason."""
WHAT = tuple(sorted(sensitivity.value for sensitivity in NEEDS if sensitivity is not Sensitivity.PERSONAL))


class Reveal(Record, frozen=True, kw_only=True):
    """Somebody looked: at what, of whom, from when to when at the latest."""

    KIND: ClassVar[str] = "reveal"
    PREFIX: ClassVar[str] = "contact_masked"

    home: Id
    subject: Id
    what: str
    by: Id
    at_ms: int
    until_ms: int

    def scope(self) -> str:
        return f"contact_masked/{self.home}"


@operation("reveal.open", version=1, kind=Kind.FACT, needs=Capability.VIEW_FAMILY)
class OpenReveal(Payload, frozen=True, kw_only=True):
    """Look at what is masked: `what` is `contact`, `custody` or `health`; `subject` a person's id, or an entry's of the audit."""

    reveal: Id
    home: Id
    subject: Id
    what: str
    why: Annotated[str, about("subject")]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [
            Key(Reveal, self.reveal, f"contact_masked/{self.home}"),
            Range(Grant, "by_holder", (op.author.id,), scope="studio"),
        ]

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.home)


@handles(OpenReveal)
def open_reveal(tx: Tx, op: Operation[OpenReveal]) -> Outcome:
    """Refused `reveal.what`, `reveal.why` (too short), `reveal.not_yours`."""
    asked = op.payload
    if asked.what not in WHAT:
        return refused("reveal.what")
    if len(asked.why.strip()) < LEAST_WORDS:
        return refused("reveal.why", least=LEAST_WORDS)
    if tx.get(Reveal, asked.reveal) is not None:
        return DUPLICATE
    needs, at_ms = NEEDS[Sensitivity(asked.what)], op.at.corrected
    grants = tx.find(Grant, "by_holder", op.author.id)
    if not decide(grants, needs, Resource(asked.home), at_ms=at_ms).allowed:
        return refused("reveal.not_yours")
    tx.put(
        Reveal(
            id=asked.reveal, home=asked.home, subject=asked.subject, what=asked.what, by=op.author.id, at_ms=at_ms,
            until_ms=at_ms + LONGEST_MS,
        )
    )  # fmt: skip
    return ACCEPTED


class Shown(NamedTuple):
    """Something that is unmasked on a screen: since when, and when its reader last did anything (ms)."""

    what: str
    opened_ms: int
    touched_ms: int

    @property
    def closes_ms(self) -> int:
        """When it is masked again: after two minutes; health after one in which nobody did anything."""
        latest = self.opened_ms + LONGEST_MS
        return min(latest, self.touched_ms + HEALTH_IDLE_MS) if self.what == Sensitivity.HEALTH.value else latest
