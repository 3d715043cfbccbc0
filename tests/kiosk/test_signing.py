"""Signing at the kiosk: the machine step by step, and the whole of it on a real store against a real cloud."""

import re
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pypdfium2 as pdfium
import pytest

from classtap_cli.demo.studio import UNSIGNED
from classtap_core.checkin.reading import fetch
from classtap_core.documents.records import Consents
from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.kernel.ids import Id
from cloud import evidence
from cloud.jobs.effects import drain
from cloud.messaging.ports import LocalInbox
from kiosk import events as on
from kiosk import flow
from kiosk.door import Door
from kiosk.showing import shown
from kiosk.signing import (
    Agree,
    AskCode,
    ChooseSigner,
    CodeJudged,
    CodeSent,
    CodeUnsent,
    DigitsTyped,
    Form,
    FormsRead,
    JudgeCode,
    KeepSignature,
    ReadForms,
    SignatureFailed,
    SignatureKept,
    Signer,
    SignNow,
    Step,
    TapSign,
)
from kiosk.signing_door import SigningDoor
from kiosk.view import Screen, State
from resources.text import Catalogue
from tests.end_to_end.rig import Studio
from tests.kiosk.families import NOW_MS, ZONE, okafors

FAMILY = okafors().family
FORM = Form("m", "Chidi", "", "Waiver", ("We climb.",), 1, "2026-06-01")
READ = FormsRead(FAMILY, (Signer("g", "mother"), Signer("h", "father")), (("g", (FORM,)), ("h", ())))
STROKES = (((0, 0), (500, 900)),)


class Walk:
    """A kiosk with the family's board, being signed at."""

    def __init__(self) -> None:
        base = flow.start(studio="Maple Street Movement", zone=ZONE, wall_ms=NOW_MS)
        self.state: State = replace(base, screen=Screen.BOARD, board=replace(okafors(), to_sign=2))
        self.said: tuple[object, ...] = ()

    def send(self, *events: object) -> "Walk":
        for event in events:
            self.state, self.said = flow.step(self.state, event, self.state.now_at_ms)  # type: ignore[arg-type]
        return self

    @property
    def step(self) -> Step | None:
        return self.state.signing and self.state.signing.step


def test_from_the_board_to_a_signature_and_back() -> None:
    walk = Walk().send(TapSign())
    assert (walk.state.screen, walk.said) == (Screen.SIGNING, (ReadForms(FAMILY),))
    walk.send(READ)
    assert [one.guardian for one in walk.state.signing.signers] == ["g"]  # type: ignore[union-attr]
    assert walk.send(ChooseSigner("g")).said == (AskCode("g"),)
    assert walk.send(CodeSent("h")).step is Step.SENDING
    assert walk.send(CodeSent("g"), DigitsTyped("123456")).said == (JudgeCode("123456"),)
    assert walk.send(CodeJudged(True)).step is Step.WORDS
    assert walk.send(SignNow("", STROKES)).step is Step.WORDS
    walk.send(Agree("m", True), Agree("other", True))
    assert walk.send(SignNow(" ", ())).step is Step.WORDS
    assert walk.send(SignNow("", STROKES)).said == (KeepSignature("g", frozenset({"m"}), "", STROKES),)
    assert walk.send(on.Cancel()).step is Step.KEEPING
    walk.send(SignatureKept())
    assert (walk.state.screen, walk.state.signing) == (Screen.BOARD, None)
    assert walk.state.notice is not None
    assert walk.state.notice.code == "kiosk.sign_done"


def test_what_goes_wrong_goes_back_a_step_and_says_so() -> None:
    walk = Walk().send(TapSign(), READ, ChooseSigner("g"), CodeUnsent("g", "kiosk.sign_refused"))
    assert (walk.step, walk.state.signing.error) == (Step.WHO, "kiosk.sign_refused")  # type: ignore[union-attr]
    walk.send(ChooseSigner("g"), CodeSent("g"), CodeJudged(False, 2))
    assert (walk.step, walk.state.signing.left) == (Step.CODE, 2)  # type: ignore[union-attr]
    walk.send(CodeJudged(False, 0))
    assert (walk.step, walk.state.signing.guardian) == (Step.WHO, "")  # type: ignore[union-attr]
    walk.send(ChooseSigner("g"), CodeSent("g"), CodeJudged(True), Agree("m", True), Agree("m", False))
    assert walk.send(SignNow("Gina", ())).step is Step.WORDS
    walk.send(Agree("m", True), SignNow("Gina", ()), SignatureFailed())
    assert (walk.step, walk.state.signing.error) == (Step.WORDS, "kiosk.sign_failed")  # type: ignore[union-attr]
    assert walk.send(on.Cancel()).state.screen is Screen.BOARD


def test_nobody_signs_offline_veiled_or_where_nothing_waits() -> None:
    for change in ({"online": False}, {"veiled": True}, {"board": okafors()}):
        walk = Walk()
        walk.state = replace(walk.state, **change)  # type: ignore[arg-type]
        assert walk.send(TapSign()).state.screen is Screen.BOARD
    assert Walk().send(TapSign(), FormsRead(FAMILY, (), ())).state.screen is Screen.BOARD
    away = Walk().send(TapSign(), READ)
    away.state = replace(away.state, veiled=True)
    assert away.send(ChooseSigner("g")).step is Step.WHO
    gone = Walk().send(TapSign(), READ)
    gone.state = replace(gone.state, now_at_ms=gone.state.now_at_ms + 200_000)
    assert gone.send(on.Tick(NOW_MS)).state.signing is None


def test_a_family_signs_at_the_kiosk_with_a_code_from_the_cloud(tmp_path: Path) -> None:
    with Studio(tmp_path / "data", families=6) as studio:
        node = studio.pair("kiosk")
        family = studio.plan.families[UNSIGNED]
        door, signing = Door(node), SigningDoor(node)
        board = door.board(family.family).result()
        assert board is not None
        waiting = shown(board).to_sign
        assert waiting == len({child.child for group in board.groups for child in group.children}) > 0

        read = signing.read(family.family, language="en")
        guardian = next(one for one in read.signers if one.relation in ("mother", "father"))
        marks = [form.mark for form in dict(read.forms)[guardian.guardian]]
        assert len(marks) == len(family.children)
        with pytest.raises(Refused, match=r"signing\.nothing"):
            signing.sign(marks, name="", strokes=STROKES, words=Catalogue("en"))

        for one in read.signers:  # the first guardian is verified, and whoever else there is may not be
            signing.ask(Id(one.guardian))
            node.engine.once()
            if signing.is_sent():
                break
        drain(studio.cloud.studios, studio.plan.studio, studio.cloud.runners)
        mails = [one for one in LocalInbox(studio.data / "cloud" / "inbox").files() if one.suffix == ".eml"]
        bodies = [message_from_bytes(one.read_bytes(), policy=default).get_body(("plain",)) for one in mails]
        codes = [re.search(r"\b(\d{6})\b", body.get_content() if body else "") for body in bodies]
        (found,) = [one for one in codes if one is not None]
        wrong = f"{(int(found[1]) + 1) % 1_000_000:06d}"
        assert [signing.judge(wrong), signing.judge(found[1])] == [4, -1]

        signing.sign(marks, name="", strokes=STROKES, words=Catalogue("en"))
        board = door.board(family.family).result()
        assert board is not None
        assert shown(board).to_sign == 0
        node.engine.once()
        node.blobs.carry()
        storage = studio.cloud.studios.storage(studio.plan.studio)
        kept = fetch(storage, Consents, [child.child for child in family.children])
        assert len(kept) == len(family.children)
        (one, *_) = kept[family.children[0].child].signings
        pdf = evidence.read(studio.cloud.blobs, studio.plan.studio, one.artifact.hash)
        text = " ".join(pdfium.PdfDocument(pdf)[0].get_textpage().get_text_bounded().split())
        assert "Dance, climb and play: our waiver" in text
        assert "ClassTap kiosk" in text
        with pytest.raises((Refused, EnvironmentFault)):
            signing.sign(marks, name="", strokes=STROKES, words=Catalogue("en"))
