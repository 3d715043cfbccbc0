"""Issue 6, done when: a family added at the desk gets its pass by mail and print, opens the page on a phone, goes offline,
walks to an offline kiosk and is admitted; the revoked one is not."""

import base64
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pypdfium2
import pytest
from fast_mail_parser import parse_email

from classtap_core.booking.operations import CreateBooking
from classtap_core.kernel.ids import Id
from classtap_core.messaging.operations import AskMessage
from classtap_core.passes.codec import decode
from classtap_core.passes.operations import RevokePass
from classtap_core.passes.records import Pass, RollingKeys, pass_id, rolling_keys_id
from classtap_core.people.guardian_operations import EditGuardian, GuardianFacts
from classtap_core.people.guardians import PRIMARY, Role
from classtap_core.people.operations import AddFamily, ChildDraft, ContactDraft
from classtap_desktop.node_source import NodeSource
from classtap_desktop.screens.families.passes import read_sent, write_card
from cloud.messaging.ports import LocalInbox
from kiosk.decoding import Decoder
from kiosk.door import Door
from resources.text import Catalogue
from tests.browser.chromium import Chromium
from tests.end_to_end.house_rig import say, staff, until
from tests.end_to_end.rig import Studio, running_studio
from tests.guards.tools import needs
from tests.unit.house.world import named

pytestmark = pytest.mark.needs("chromium")
FAMILY, CHILD, MUM = (named(f"new {name}") for name in ("family", "child", "mum"))


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with running_studio(tmp_path / "studio") as made:
        for node in made.nodes.values():
            node.engine.start()
        yield made


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chromium]:
    (tmp_path / "browser").mkdir()
    with Chromium(needs("chromium"), tmp_path / "browser" / "profile") as opened:
        opened.size(390, 844, scale=2)
        yield opened


def enter_family(studio: Studio) -> None:
    """The front desk writes down a mother and her child, and books the child into a class that is open now."""
    desk, manager = studio.nodes["desk"], staff(studio)
    home = studio.plan.main
    child = ChildDraft(child=CHILD, given="Noa", surname="Vidal")
    mum = ContactDraft(contact=MUM, relation="mother", name="Mar Vidal", email="mar@example.com")
    say(desk, AddFamily(family=FAMILY, home=home, name="Vidal", items=(child,), contacts=(mum,)), manager)
    role = GuardianFacts(relation="mother", roles=(Role(PRIMARY, date(2026, 1, 1).isoformat()),))
    say(desk, EditGuardian(child=CHILD, guardian=MUM, base=GuardianFacts(), wanted=role), manager)
    door = Door(studio.nodes["kiosk"])
    neighbour = door.scan(studio.pass_text(studio.due())).result()
    assert neighbour.board is not None
    session = neighbour.board.groups[0].card.session
    say(desk, CreateBooking(session=session.id, child=CHILD, family=FAMILY, location=session.location), manager)


def held(studio: Studio, role: str, record: type, id: Id) -> object | None:
    with studio.nodes[role].reader() as reader:
        return reader.rows(record, [id]).get(id)


def to_mar(inbox: LocalInbox) -> list[Any]:
    """The mails with a pass to the new family's mother; other families have news of their own."""
    found = [parse_email(one.read_bytes()) for one in inbox.files() if one.suffix == ".eml"]
    return [one for one in found if "mar@example.com" in one.headers.get("To", [""])[0] and one.attachments]


def photographed(browser: Chromium) -> str:
    browser.run("document.getElementById('code').scrollIntoView({block: 'center'})")
    data = base64.b64decode(browser.ask("Page.captureScreenshot")["data"])
    (seen,) = Decoder().decode(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
    return seen.text


def test_a_new_family_comes_in_offline_by_its_phone_and_by_its_card_until_the_pass_is_cancelled(
    studio: Studio, browser: Chromium, tmp_path: Path
) -> None:
    desk, kiosk, manager = studio.nodes["desk"], studio.nodes["kiosk"], staff(studio)
    enter_family(studio)
    say(desk, AskMessage(family=FAMILY, template="pass"), manager)
    held_pass = pass_id(studio.plan.studio, FAMILY)
    until(lambda: held(studio, "desk", Pass, held_pass), desk, what="the cloud issues the first pass", within_s=60)
    inbox = LocalInbox(studio.data / "cloud" / "inbox")
    letters = until(lambda: to_mar(inbox), desk, what="the mail goes out", within_s=90)
    source = NodeSource(desk)
    sent = until(
        lambda: [one for one in read_sent(source.reader, FAMILY) if one.state == "sent"], desk, what="the desk is told"
    )
    assert [(one.channel, one.shown) for one in sent] == [("email", "m•••@example.com")]

    # printed at the desk, read by the door's decoder
    card = write_card(source, FAMILY, tmp_path / "card.pdf", name="Vidal", zone="Europe/Madrid", words=Catalogue())
    page = pypdfium2.PdfDocument(card.read_bytes())[0].render(scale=3).to_numpy()
    (printed,) = Decoder().decode(np.ascontiguousarray(page[:, :, ::-1]))

    # opened on a phone, then out of reach of any network
    link = re.search(r"http://\S+/f/in/\S+", letters[0].text_plain[0])
    assert link is not None
    browser.open(link[0])
    browser.click("button")
    browser.until("document.getElementById('code')?.dataset.step && navigator.serviceWorker.controller")
    until(
        lambda: held(studio, "kiosk", RollingKeys, rolling_keys_id(held_pass)),
        kiosk,
        what="the kiosk learns the code's key",
    )
    browser.ask("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    studio.proxy.cut()
    browser.open(f"{studio.server.url}/f/home")
    browser.until("document.getElementById('code')?.dataset.step")
    shown = photographed(browser)
    assert decode(shown).rolling is not None

    door = Door(kiosk)
    for text in (shown, printed.text):
        sighted = door.scan(text).result()
        assert (sighted.outcome, sighted.family) == ("ok", FAMILY)
        assert sighted.board is not None
        assert [child.given for group in sighted.board.groups for child in group.children] == ["Noa"]

    # cancelled at the desk: the door knows as soon as it hears of it, and then offline too
    studio.proxy.restore()
    say(desk, RevokePass(family=FAMILY, home=studio.plan.main, epoch=1, reason="lost"), manager)
    until(
        lambda: door.scan(printed.text, keep=False).result().outcome == "revoked", kiosk, what="the kiosk hears of it"
    )
    studio.proxy.cut()
    browser.open(f"{studio.server.url}/f/home")
    browser.until("document.getElementById('code')?.dataset.step")
    assert door.scan(photographed(browser)).result().outcome == "revoked"
    studio.proxy.restore()
