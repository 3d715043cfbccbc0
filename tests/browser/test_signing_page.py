"""The signing page in Chromium: read, tick, draw, a code, one button; nothing wider than a small phone; photographed."""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from classtap_cli.demo.care import WAIVER
from classtap_core.checkin.reading import fetch
from classtap_core.documents.operations import AttachDocument, PublishDocument
from classtap_core.documents.records import Attached, Consents
from classtap_core.health.operations import RequirePaper
from classtap_core.house import bus
from classtap_core.kernel.clock import ManualClock
from classtap_core.schedule.reach import Reach
from cloud.composition import open_cloud
from cloud.messaging.ports import LocalInbox
from cloud.serve import CloudServer
from resources import path
from tests.browser.chromium import Chromium
from tests.cloud.families import GINA, Families, founded
from tests.guards.tools import needs
from tests.unit.house.world import ANA, BEN, MINUTE, NINE, STUDIO, named

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.leaves(
        "ThreadPoolExecutor", reason="the clock's thread starts with its first sweep and ends with the cloud"
    ),
]
SCREENS = path().parent / "build" / "screens"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[tuple[Families, str, Path]]:
    clock = ManualClock(NINE - 60 * MINUTE)
    cloud = open_cloud(tmp_path, bus(authority=True), clock=clock)
    found = founded(cloud, clock)
    waiver = named("waiver")
    found.say(
        PublishDocument(
            document=waiver, head=0, name="Waiver", category="waiver", effective="2026-01-01", wordings=WAIVER
        )
    )
    found.say(AttachDocument(document=waiver, head=1, attached=(Attached(),)))
    found.say(RequirePaper(requirement=named("card"), head=0, paper="card", name="Vaccination card", reach=(Reach(),)))
    with CloudServer(cloud, heartbeat_s=1.0) as server:
        yield found, server.url, tmp_path


def test_a_guardian_reads_ticks_draws_and_signs(rig: tuple[Families, str, Path], tmp_path: Path) -> None:
    found, url, data = rig
    with Chromium(needs("chromium"), tmp_path / "profile") as browser:
        browser.size(320, 640, scale=2)
        browser.open(f"{url}/f/in/{found.cloud.doors.link(STUDIO, GINA)}")
        browser.click("button")
        browser.until("location.pathname === '/f/home'")
        browser.open(f"{url}/f/sign")
        browser.picture(SCREENS / "signing-phone.png")
        assert browser.run("document.documentElement.scrollWidth") <= 320
        small = browser.run(
            "[...document.querySelectorAll('button, .box, input:not([type=hidden]):not([type=checkbox])')]"
            ".filter(one => one.offsetParent && one.getBoundingClientRect().height < 43.9).map(one => one.outerHTML)"
        )
        assert small == []
        browser.size(1280, 800, scale=1)
        for language in ("en", "ar"):
            browser.open(f"{url}/f/sign?lang={language}")
            browser.picture(SCREENS / f"signing-{language}.png")
        assert browser.run("document.documentElement.dir") == "rtl"
        browser.open(f"{url}/f/sign?lang=en")
        browser.click("button[value=email]")
        browser.until("document.querySelector('.word') && location.pathname === '/f/sign/code'")
        letter = message_from_bytes(LocalInbox(data / "cloud" / "inbox").files()[-1].read_bytes(), policy=default)
        body = letter.get_body(("plain",))
        digits = re.search(r"\b(\d{6})\b", body.get_content() if body else "")
        assert digits is not None
        browser.run("document.querySelectorAll('[name=sign]').forEach(one => one.click())")
        browser.run(f"document.getElementById('digits').value = '{digits[1]}'")
        browser.run("document.getElementById('name').value = 'Gina García'")
        browser.run(
            "(() => { const pad = document.getElementById('drawing'); pad.scrollIntoView({block: 'center'});"
            "const box = pad.getBoundingClientRect();"
            "const at = (type, x, y) => pad.dispatchEvent(new PointerEvent(type, {bubbles: true, pointerId: 1, buttons: 1,"
            "clientX: box.left + x * box.width, clientY: box.top + y * box.height}));"
            "pad.setPointerCapture = () => {}; at('pointerdown', .1, .5); at('pointermove', .4, .1); at('pointermove', .9, .8); })()"
        )
        assert browser.run("document.getElementById('strokes').value") == "[[[100,500],[400,100],[900,800]]]"
        browser.picture(SCREENS / "signing-drawn.png")
        browser.click("button.primary")
        browser.until("document.querySelector('.word[role=status]') && !document.querySelector('[name=sign]')")
        assert "Signed." in browser.run("document.querySelector('.word').innerText")
        browser.picture(SCREENS / "signing-done.png")
        assert browser.run("document.querySelectorAll('a[href$=\".pdf\"]').length") == 2
        _sends_a_paper(browser, url)
    kept = fetch(found.cloud.studios.storage(STUDIO), Consents, [ANA, BEN])
    assert {one.method for consents in kept.values() for one in consents.signings} == {"drawn"}
    assert len(kept) == 2


def _sends_a_paper(browser: Chromium, url: str) -> None:
    """The papers page of the same guardian: nothing wider than a small phone, nothing too small to press, one form sent."""
    browser.size(320, 640, scale=2)
    browser.open(f"{url}/f/papers")
    browser.picture(SCREENS / "papers-phone.png")
    assert browser.run("document.documentElement.scrollWidth") <= 320
    assert browser.run(
        "[...document.querySelectorAll('button, input:not([type=hidden])')]"
        ".filter(one => one.getBoundingClientRect().height < 43.9).map(one => one.outerHTML)"
    ) == []  # fmt: skip
    browser.run(
        "(() => { const given = new DataTransfer();"
        "given.items.add(new File(['%PDF-1.7 a card'], 'card.pdf', {type: 'application/pdf'}));"
        "document.querySelector('[type=file]').files = given.files;"
        "document.querySelector('[name=expires]').value = '2029-12-31'; })()"
    )
    browser.click("button.primary")
    browser.until("document.querySelector('.word[role=status]')")
    assert "2029-12-31" in browser.run("document.querySelector('article .quiet').innerText")
    browser.size(1280, 800, scale=1)
    browser.open(f"{url}/f/papers?lang=ar")
    browser.picture(SCREENS / "papers-ar.png")
