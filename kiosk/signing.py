"""Signing at the kiosk, as a pure machine beside the flow: who signs, the code sent to them, the words, one signature."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from kiosk.told import told

MOST_TRIES = 5
"""So many wrong codes, and a person is needed (catalogue 08 and 13)."""

Strokes = tuple[tuple[tuple[int, int], ...], ...]


class Step(StrEnum):
    """Where a signature is: reading what there is to sign, who signs, a code on its way, its digits, the words, kept."""

    READING = "reading"
    WHO = "who"
    SENDING = "sending"
    CODE = "code"
    WORDS = "words"
    KEEPING = "keeping"


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody who may sign. A kiosk knows no name: ``relation`` is a code such as ``mother``."""

    guardian: str
    relation: str


@dataclass(frozen=True, slots=True)
class Form:
    """One version for one child: ``mark`` names it, ``paragraphs`` are its words in the family's language."""

    mark: str
    name: str
    program: str
    title: str
    paragraphs: tuple[str, ...]
    number: int
    effective: str


@dataclass(frozen=True, slots=True)
class Signing:
    """What the screen shows. ``forms`` by guardian; ``error`` is a catalogue code; ``left`` tries for the code."""

    family: str
    step: Step = Step.READING
    signers: tuple[Signer, ...] = ()
    forms: tuple[tuple[str, tuple[Form, ...]], ...] = ()
    guardian: str = ""
    agreed: frozenset[str] = frozenset()
    error: str = ""
    left: int = MOST_TRIES

    def shown(self) -> tuple[Form, ...]:
        """What the chosen guardian may sign."""
        return dict(self.forms).get(self.guardian, ())


# -- what happens, and what is asked for


@told
class TapSign:
    """Somebody tapped "sign now" on the board."""


@told
class FormsRead:
    """What the family has to sign, and who may."""

    family: str
    signers: tuple[Signer, ...]
    forms: tuple[tuple[str, tuple[Form, ...]], ...]


@told
class ChooseSigner:
    """Somebody said who they are."""

    guardian: str


@told
class CodeSent:
    """The cloud has sent the code to ``guardian``."""

    guardian: str


@told
class CodeUnsent:
    """No code could be sent: ``error`` is a catalogue code."""

    guardian: str
    error: str


@told
class DigitsTyped:
    """Six digits."""

    digits: str = field(repr=False)


@told
class CodeJudged:
    """Whether the digits were the code's, and how many tries are left."""

    right: bool
    left: int = 0


@told
class Agree:
    """A box was ticked or cleared."""

    mark: str
    on: bool


@told
class SignNow:
    """Somebody pressed "sign", with a name typed or a signature drawn."""

    name: str = field(repr=False)
    strokes: Strokes = field(repr=False)


@told
class SignatureKept:
    """The evidence and the signature are on disk."""


@told
class SignatureFailed:
    """Nothing was signed: ``error`` is a catalogue code."""

    error: str = "kiosk.sign_failed"


@told
class ReadForms:
    """Read what a family has to sign; answer with ``FormsRead``."""

    family: str


@told
class AskCode:
    """Have a code sent; answer with ``CodeSent`` or ``CodeUnsent``."""

    guardian: str


@told
class JudgeCode:
    """Compare digits with the code; answer with ``CodeJudged``."""

    digits: str = field(repr=False)


@told
class KeepSignature:
    """Keep the evidence, then the signature; answer with ``SignatureKept`` or ``SignatureFailed``."""

    guardian: str
    marks: frozenset[str]
    name: str = field(repr=False)
    strokes: Strokes = field(repr=False)


Event = (
    TapSign | FormsRead | ChooseSigner | CodeSent | CodeUnsent | DigitsTyped | CodeJudged | Agree | SignNow | SignatureKept
    | SignatureFailed
)  # fmt: skip
TAPS = (TapSign, ChooseSigner, DigitsTyped, Agree, SignNow)
"""What somebody did; the rest is what came of it."""
Command = ReadForms | AskCode | JudgeCode | KeepSignature
Next = tuple["Signing | None", tuple[Command, ...]]
"""The signature afterwards, None when it is over, and what is to be done."""


def begun(family: str) -> Next:
    """Begin for a family."""
    return Signing(family), (ReadForms(family),)


def step(signing: Signing, event: Event) -> Next:
    """The signature after an event. What makes no sense where it is changes nothing."""
    match event, signing.step:
        case FormsRead(family=family, signers=signers, forms=forms), Step.READING if family == signing.family:
            who = tuple(one for one in signers if dict(forms).get(one.guardian))
            return (replace(signing, step=Step.WHO, signers=who, forms=forms) if who else None), ()
        case ChooseSigner(guardian=guardian), Step.WHO if guardian in {one.guardian for one in signing.signers}:
            return replace(signing, step=Step.SENDING, guardian=guardian, error=""), (AskCode(guardian),)
        case CodeSent(guardian=guardian), Step.SENDING if guardian == signing.guardian:
            return replace(signing, step=Step.CODE, left=MOST_TRIES), ()
        case CodeUnsent(guardian=guardian, error=error), Step.SENDING if guardian == signing.guardian:
            return replace(signing, step=Step.WHO, guardian="", error=error), ()
        case DigitsTyped(digits=digits), Step.CODE if signing.left:
            return replace(signing, error=""), (JudgeCode(digits),)
        case CodeJudged(right=True), Step.CODE:
            return replace(signing, step=Step.WORDS, error=""), ()
        case CodeJudged(left=left), Step.CODE:
            held = not left
            error = "kiosk.sign_held" if held else "kiosk.sign_wrong"
            back = replace(signing, step=Step.WHO if held else Step.CODE, error=error, left=left)
            return (replace(back, guardian="") if held else back), ()
        case Agree(mark=mark, on=on), Step.WORDS if mark in {form.mark for form in signing.shown()}:
            agreed = signing.agreed | {mark} if on else signing.agreed - {mark}
            return replace(signing, agreed=agreed, error=""), ()
        case SignNow(name=name, strokes=strokes), Step.WORDS if signing.agreed and (name.strip() or strokes):
            keep = KeepSignature(signing.guardian, signing.agreed, name.strip(), strokes)
            return replace(signing, step=Step.KEEPING, error=""), (keep,)
        case SignatureKept(), Step.KEEPING:
            return None, ()
        case SignatureFailed(error=error), Step.KEEPING:
            return replace(signing, step=Step.WORDS, error=error), ()
    return signing, ()
