"""Signing at a kiosk's own store: what there is to sign, a code through the cloud, the evidence, then the operation."""

import hmac
import io
import secrets
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from classtap_core.access.records import Device
from classtap_core.checkin.reading import fetch
from classtap_core.documents.operations import AskSigningCode
from classtap_core.documents.records import SigningCode, signing_code_id
from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.signing.artifact import Strokes, artifact
from classtap_core.signing.bundle import Bundle, ForChild, bundle, request
from classtap_core.signing.telling import FONTS, Occasion, evidence
from classtap_core.store.blob_rows import BlobKind
from classtap_core.store.intake import About
from classtap_core.timekeeping.rules import iso_local
from kiosk.signing import MOST_TRIES, Form, FormsRead, Signer
from resources import path
from resources.text import Catalogue
from sync.client.node import Node

PDF = "application/pdf"


class _Sent(NamedTuple):
    """A code on its way: the operation that asked for it, and whom it is for."""

    request: Id
    guardian: Id
    code: str


class SigningDoor:
    """One kiosk's signatures; slow work, not for the window's thread."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._author = Author(type="device", id=node.papers.device)
        self._bundle: Bundle | None = None
        self._sent: _Sent | None = None
        self._wrong = 0

    def read(self, family: Id, *, language: str) -> FormsRead:
        """What a family has to sign, and who may; nothing where the family is not held here."""
        now_ms = self._node.clock.now().corrected
        studio = self._node.papers.studio
        with self._node.reader() as reader:
            self._bundle = bundle(reader, studio, family, now_ms=now_ms)
        whole = self._bundle
        if whole is None:
            return FormsRead(family, (), ())
        forms = tuple((one.guardian, tuple(_forms(whole.of(one.guardian), language))) for one in whole.signers)
        return FormsRead(family, tuple(Signer(one.guardian, one.relation) for one in whole.signers), forms)

    def ask(self, guardian: Id) -> None:
        """Have the cloud send a code; `is_sent` says when it has. Raises Refused as the operation is."""
        whole = self._bundle
        if whole is None:
            raise Refused("family.unknown")
        code = f"{secrets.randbelow(1_000_000):06d}"
        payload = AskSigningCode(guardian=guardian, home=whole.home, code=code)
        receipt = self._node.call(lambda bus: bus.submit(payload, self._author, source="kiosk"))
        self._sent, self._wrong = _Sent(receipt.operation, guardian, code), 0

    def is_sent(self) -> bool:
        """Whether the cloud has taken the last request for a code."""
        sent = self._sent
        if sent is None:
            return False
        id = signing_code_id(sent.guardian)
        with self._node.reader() as reader:
            found = fetch(reader, SigningCode, [id]).get(id)
        return found is not None and found.request == sent.request

    def judge(self, digits: str) -> int:
        """How many tries are left; -1 where the digits are right. After five wrong ones the code is forgotten."""
        if self._sent is None:
            return 0
        if hmac.compare_digest(digits, self._sent.code):
            return -1
        self._wrong += 1
        if self._wrong >= MOST_TRIES:
            self._sent = None
        return MOST_TRIES - self._wrong

    def sign(self, marks: Iterable[str], *, name: str, strokes: Strokes, words: Catalogue) -> None:
        """Keep what was signed, then sign it.

        Raises Refused `signing.nothing`, and what the gates say; EnvironmentFault where the evidence cannot be kept. Then
        nothing is signed.
        """
        whole, sent = self._bundle, self._sent
        if whole is None or sent is None:
            raise Refused("signing.nothing")
        signer = next((one for one in whole.signers if one.guardian == sent.guardian), None)
        chosen = [item for item in (_ticked(one, frozenset(marks)) for one in whole.of(sent.guardian)) if item.asked]
        if signer is None or not chosen:
            raise Refused("signing.nothing")
        now_ms, papers = self._node.clock.now().corrected, self._node.papers
        with self._node.reader() as reader:
            device = fetch(reader, Device, [papers.device]).get(papers.device)
        occasion = Occasion(
            studio=papers.studio_name, language=words.language, guardian="", relation=signer.relation,
            at=iso_local(now_ms, whole.zone), place=device.name if device else "", device="ClassTap kiosk", code_to="",
            reference=sent.request,
        )  # fmt: skip
        shown = name or words.say(f"relation.{signer.relation}")
        kept = [
            (
                item,
                self._kept(
                    artifact(evidence(words.say, item, occasion, name=shown, strokes=strokes), fonts=_fonts()), item
                ),
            )
            for item in chosen
        ]
        payload = request(
            signer, kept, method="drawn" if strokes else "typed", name=shown, language=words.language, code=sent.request
        )
        receipt = self._node.call(lambda bus: bus.submit(payload, self._author, source="kiosk"))
        refusals = [item for item in receipt.outcome.items if item.reasons]
        if refusals or not receipt.outcome.stands:
            reasons = refusals[0].reasons if refusals else receipt.outcome.reasons
            raise Refused(reasons[0].code if reasons else "signing.refused")
        self._sent = None

    def _kept(self, data: bytes, item: ForChild) -> Blob:
        about = About(BlobKind.SIGNATURE, PDF, item.child.id, item.child.scope())
        now_ms = self._node.clock.now().corrected
        return self._node.store.blobs.add(io.BytesIO(data), about, now_ms=now_ms)


def _mark(item: ForChild, document: Id, number: int) -> str:
    return f"{item.child.id}.{item.program}.{document}.{number}"


def _ticked(item: ForChild, marks: frozenset[str]) -> ForChild:
    """What of it was agreed to."""
    return item._replace(
        asked=tuple(one for one in item.asked if _mark(item, one.document.id, one.version.number) in marks)
    )


def _forms(items: Iterable[ForChild], language: str) -> Iterable[Form]:
    for item in items:
        name = " ".join(part for part in (item.child.given, item.child.surname) if part)
        for one in item.asked:
            wording = one.in_language(language)
            parts = tuple(part for part in wording.body.splitlines() if part.strip())
            mark = _mark(item, one.document.id, one.version.number)
            yield Form(mark, name, item.program_name, wording.title, parts, one.version.number, one.effective)


@cache
def _fonts() -> tuple[bytes, ...]:
    return tuple(path("fonts", name).read_bytes() for name in FONTS)
