"""Documents with their versions, and what was signed for each child. A kiosk may hold all of it, so it decides offline."""

from typing import Annotated, ClassVar

import msgspec

from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import Index, Record, about
from classtap_core.schedule.reach import Reach

BLOCK, WARN = "block", "warn"
BOOKING, CHECKIN = "booking", "checkin"


class Wording(msgspec.Struct, frozen=True):
    """A version in one language: paragraphs are parted by an empty line. `language` is a code such as `es`."""

    language: str
    title: str
    body: str


class Edition(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What must be known of a version to say who has to sign it.

    Attributes:
        number: from 1. effective: the first session date it is in force on, local.
        hash: SHA-256 of its wordings, hex. breaking: whether signatures of versions before no longer do.
        summary: what changed, in words. withdrawn: from this date on it does not count; "" for never.
    """

    number: int
    effective: str
    hash: str
    breaking: bool = False
    summary: str = ""
    withdrawn: str = ""

    def holds(self, day: str) -> bool:
        return self.effective <= day and (not self.withdrawn or day < self.withdrawn)


class Attached(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where a document is asked for, and how strictly.

    Attributes:
        severity: `block` or `warn`. at: `booking`, `checkin`, or "" for both.
        each_program: signed anew for every program it reaches; otherwise one signature does everywhere.
    """

    reach: Reach = Reach()
    severity: str = BLOCK
    at: str = ""
    each_program: bool = False


class Document(Record, frozen=True, kw_only=True):
    """A policy or a waiver; `revision` is its head.

    Attributes:
        category: `waiver`, `terms`, `cancellation`, `no_show` or `privacy`.
        signed: whether a guardian has to sign it; otherwise it is only shown.
        firm: staff may not admit a child without it. state: `open`, or `retired`: no longer asked for.
    """

    KIND: ClassVar[str] = "document"
    PREFIX: ClassVar[str] = "studio"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_state", ("state",)),)
    SEARCH: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    category: str
    revision: int
    editions: tuple[Edition, ...]
    state: str
    attached: tuple[Attached, ...] = ()
    signed: bool = True
    firm: bool = False


class DocumentVersion(Record, frozen=True, kw_only=True):
    """The words of a version. They never change."""

    KIND: ClassVar[str] = "document_version"
    PREFIX: ClassVar[str] = "studio"

    document: Id
    number: int
    wordings: tuple[Wording, ...]

    def in_language(self, language: str) -> Wording:
        """Its words in a language, or in the first it has."""
        return next((one for one in self.wordings if one.language == language), self.wordings[0])


def document_version_id(document: Id, number: int) -> Id:
    return derived("document_version", document, str(number))


class Signing(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One version signed once for a child.

    Attributes:
        program: the program it was signed for, or "". relation: what the guardian is to the child, a code.
        method: `drawn` or `typed`. artifact: the PDF of exactly what was signed.
    """

    operation: Id
    document: Id
    number: int
    hash: str
    guardian: Id
    at_ms: int
    method: str
    artifact: Blob
    relation: str = "other"
    program: str = ""


class Ending(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What was signed before `at_ms` no longer counts: a guardian took it back."""

    operation: Id
    document: Id
    guardian: Id
    at_ms: int
    program: str = ""


class Consents(Record, frozen=True, kw_only=True):
    """Under the child's own id: all that was ever signed for them, and taken back. Sets that only grow, in order of time."""

    KIND: ClassVar[str] = "consents"
    PREFIX: ClassVar[str] = "families"

    home: Id
    signings: Annotated[tuple[Signing, ...], about("id")] = ()
    endings: Annotated[tuple[Ending, ...], about("id")] = ()

    def scope(self) -> str:
        return f"families/{self.home}"


class SigningCode(Record, frozen=True, kw_only=True):
    """Under a guardian's hash: the last code that a kiosk had sent to their verified contact. Never the code itself.

    Attributes:
        request: the operation that asked for it. device: the kiosk it was asked at. asked_ms: when codes were asked for, lately.
    """

    KIND: ClassVar[str] = "signing_code"
    PREFIX: ClassVar[str] = "families"

    guardian: Id
    home: Id
    request: Id
    device: Id
    at_ms: int
    asked_ms: tuple[int, ...] = ()

    def scope(self) -> str:
        return f"families/{self.home}"


def signing_code_id(guardian: Id) -> Id:
    return derived("signing_code", guardian)
