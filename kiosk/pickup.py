"""Giving a child back at the kiosk, as a pure machine behind the staff PIN: which child, who may take it, one adult.

A kiosk knows no adult's name and no reason: it shows what somebody is to the child, and of who may not take it only that.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from kiosk.told import told

BY_CODE, BY_SIGHT = "code", "known"
"""How staff knew the adult: the names of `checkin.release`."""


class Step(StrEnum):
    """Looking at what the store says, choosing a child, the child with its adults, the word on its way to the store."""

    LOOKING = "looking"
    CHOOSING = "choosing"
    CHILD = "child"
    KEEPING = "keeping"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A child who is here and was not given back yet; ``taught`` is its class."""

    session: str
    child: str
    name: str
    taught: str


@dataclass(frozen=True, slots=True)
class Adult:
    """Somebody on record: ``relation`` is a code such as ``mother``. ``alike``: others are the same to the child, and only a
    desk can tell them apart."""

    adult: str
    relation: str
    may: bool
    alike: bool = False


@dataclass(frozen=True, slots=True)
class ChildAt:
    """A child to be given back. ``ask``: there is something that only the desk may show. ``given_ms`` and ``given_to`` (a
    relation, or ""): it went already. ``may``: whether whoever is signed in may give it."""

    session: str
    child: str
    name: str
    taught: str
    adults: tuple[Adult, ...] = ()
    ask: bool = False
    may: bool = True
    given_ms: int | None = None
    given_to: str = ""

    def offered(self) -> tuple[Adult, ...]:
        """To whom staff may give it here."""
        open_ = self.may and self.given_ms is None
        return tuple(one for one in self.adults if one.may and not one.alike) if open_ else ()


@dataclass(frozen=True, slots=True)
class Pickup:
    """What the screen shows. ``said`` is a catalogue code with what goes into it, in the colour ``tone``; ``n`` chooses its
    plural."""

    step: Step = Step.LOOKING
    here: tuple[Waiting, ...] = ()
    found: ChildAt | None = None
    method: str = BY_SIGHT
    said: str = ""
    params: tuple[tuple[str, str | int], ...] = ()
    n: int | None = None
    tone: str = "warn"


# -- what happens, and what is asked for


@told
class TapPickup:
    """Staff tapped "give a child back"."""


@told
class HereRead:
    """The children who are here."""

    here: tuple[Waiting, ...]


@told
class CodeTyped:
    """Six digits."""

    digits: str = field(repr=False)


@told
class ChildChosen:
    """Staff chose a child whose adult they know."""

    session: str
    child: str


@told
class ChildRead:
    """The child that was looked for."""

    found: ChildAt


@told
class ChildUnread:
    """There is none to give back here: ``code`` is of the catalogue, ``n`` its number."""

    code: str
    n: int | None = None


@told
class GiveTo:
    """Staff give the child to an adult."""

    adult: str


@told
class Given:
    """It is in the store. ``alarm``: it was given to somebody before."""

    name: str
    relation: str
    alarm: bool = False


@told
class NotGiven:
    """Nothing was kept: ``code`` is of the catalogue."""

    code: str


@told
class ReadHere:
    """Read who is here; answer with ``HereRead``."""


@told
class LookUp:
    """Find the child of a code; answer with ``ChildRead`` or ``ChildUnread``."""

    digits: str = field(repr=False)


@told
class ReadChild:
    """Read a child and its adults; answer with ``ChildRead`` or ``ChildUnread``."""

    session: str
    child: str


@told
class HandTo:
    """Keep that the child was given to an adult; answer with ``Given`` or ``NotGiven``."""

    session: str
    child: str
    adult: str
    method: str


Event = TapPickup | HereRead | CodeTyped | ChildChosen | ChildRead | ChildUnread | GiveTo | Given | NotGiven
TAPS = (TapPickup, CodeTyped, ChildChosen, GiveTo)
"""What somebody did; the rest is what came of it."""
Command = ReadHere | LookUp | ReadChild | HandTo
Next = tuple[Pickup, tuple[Command, ...]]


def begun() -> Next:
    """Begin: who is here?"""
    return Pickup(), (ReadHere(),)


def back(pickup: Pickup) -> Next | None:
    """A step back; None where it leads out. What is on its way to the store has to be heard first."""
    if pickup.step is Step.KEEPING:
        return pickup, ()
    return begun() if pickup.found is not None else None


def step(pickup: Pickup, event: Event) -> Next:
    """The pickup after an event. What makes no sense where it is changes nothing."""
    match event, pickup.step:
        case HereRead(here=here), Step.LOOKING | Step.CHOOSING:
            choosing = Step.CHOOSING if pickup.found is None else pickup.step
            return replace(pickup, step=choosing, here=here), ()
        case CodeTyped(digits=digits), Step.CHOOSING:
            return replace(pickup, step=Step.LOOKING, method=BY_CODE, said=""), (LookUp(digits),)
        case ChildChosen(session=session, child=child), Step.CHOOSING if (session, child) in {
            (one.session, one.child) for one in pickup.here
        }:
            return replace(pickup, step=Step.LOOKING, method=BY_SIGHT, said=""), (ReadChild(session, child),)
        case ChildRead(found=found), Step.LOOKING:
            return replace(pickup, step=Step.CHILD, found=found, said=""), ()
        case ChildUnread(code=code, n=n), Step.LOOKING:
            return replace(pickup, step=Step.CHOOSING, said=code, params=(), n=n, tone="warn"), ()
        case GiveTo(adult=adult), Step.CHILD:
            held = pickup.found
            if held is None or adult not in {one.adult for one in held.offered()}:
                return pickup, ()
            return replace(pickup, step=Step.KEEPING, said=""), (
                HandTo(held.session, held.child, adult, pickup.method),
            )
        case Given(name=name, relation=relation, alarm=alarm), Step.KEEPING:
            said = "error.pickup.already" if alarm else "kiosk.pickup.done"
            params = () if alarm else (("name", name), ("to", relation))
            return Pickup(said=said, params=params, tone="absent" if alarm else "present"), (ReadHere(),)
        case NotGiven(code=code), Step.KEEPING:
            return Pickup(said=code), (ReadHere(),)
        case NotGiven(code=code), Step.LOOKING:
            return replace(pickup, step=Step.CHOOSING, said=code, params=(), n=None, tone="warn"), ()
    return pickup, ()
