"""A signature's evidence put together in somebody's language; the words come from the caller's catalogue."""

from typing import NamedTuple, Protocol

from classtap_core.signing.artifact import Evidence, Signed, Strokes
from classtap_core.signing.bundle import ForChild

FONTS = ("NotoSans-Regular.ttf", "NotoSansArabicUI-Regular.ttf", "NotoSansHebrew-Regular.ttf")
"""Of the fonts that the product brings, those an artifact's letters are looked for in."""


class Says(Protocol):
    """The catalogue: a code and what goes into its sentence."""

    def __call__(self, code: str, /, **params: object) -> str: ...


class Occasion(NamedTuple):
    """When, where and how somebody signs.

    Attributes:
        guardian: the signer's name as it is on record, "" where this device does not know it. relation: a code.
        at: ISO 8601 with offset. place: the network address or the kiosk's name. device: what it was signed on.
        code_to: where the code went, masked. reference: what to ask the studio for.
    """

    studio: str
    language: str
    guardian: str
    relation: str
    at: str
    place: str
    device: str
    code_to: str
    reference: str


def evidence(say: Says, item: ForChild, occasion: Occasion, *, name: str, strokes: Strokes = ()) -> Evidence:
    """What the artifact of one child (and program) shows."""
    child = " ".join(part for part in (item.child.given, item.child.surname) if part)
    facts = [
        ("for", child), ("program", item.program_name), ("by", occasion.guardian),
        ("relation", say(f"relation.{occasion.relation}")), ("at", occasion.at), ("place", occasion.place),
        ("device", occasion.device), ("code", occasion.code_to), ("reference", occasion.reference),
        ("method", say("signing.drawn" if strokes else "signing.typed")),
    ]  # fmt: skip
    return Evidence(
        title=say("signing.artifact"),
        studio=occasion.studio,
        facts=tuple((say(f"signing.fact.{code}"), value) for code, value in facts if value),
        documents=tuple(
            Signed(one.in_language(occasion.language), one.version.number, one.hash, one.effective)
            for one in item.asked
        ),
        statement=say("signing.statement", child=child),
        name=name,
        strokes=strokes,
        version=say("signing.version"),
    )
