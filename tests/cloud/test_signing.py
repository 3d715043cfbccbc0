"""The signing page over HTTP: a code to an address of one's own, boxes, one operation, the artifact; and no evidence, nothing."""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import NamedTuple

import httpx
import pypdfium2 as pdfium
import pytest

from classtap_core.booking.operations import CreateBooking
from classtap_core.documents.operations import AttachDocument, PublishDocument
from classtap_core.documents.records import Attached, Consents, Wording
from classtap_core.house import bus
from classtap_core.kernel.authority import CloudDraft, Ledger
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.records import decode
from classtap_core.people.operations import AddFamily, ContactDraft
from cloud import evidence
from cloud.composition import open_cloud
from cloud.messaging.ports import LocalInbox
from cloud.pages.frame import COOKIE
from cloud.serve import CloudServer
from tests.cloud.families import GINA, Families, founded
from tests.unit.house.world import ANA, BEN, EVENING, FAMILY, MAIN, MINUTE, NINE, STUDIO, named

pytestmark = pytest.mark.leaves(
    "ThreadPoolExecutor", reason="the clock's thread starts with its first sweep and ends with the cloud"
)
WAIVER = named("waiver")
WORDS = (
    Wording("en", "Climbing waiver", "We climb on mats.\n\nWhoever climbs may fall."),
    Wording("es", "Renuncia", "Trepamos."),
)


class Rig(NamedTuple):
    families: Families
    client: httpx.Client
    data: Path

    def page(self) -> str:
        answer = self.client.get("/f/sign")
        assert answer.status_code == 200, answer.text
        return answer.text

    def code(self) -> str:
        """Ask for a code as the page does; the six digits out of the newest letter."""
        assert self.client.post("/f/sign/code", data={"way": "email"}).status_code == 200
        letter = message_from_bytes(LocalInbox(self.data / "cloud" / "inbox").files()[-1].read_bytes(), policy=default)
        body = letter.get_body(("plain",))
        assert body is not None
        found = re.search(r"\b(\d{6})\b", body.get_content())
        assert found is not None, body
        return found[1]

    def consents(self) -> dict[str, Consents]:
        rows = self.families.cloud.studios.storage(STUDIO).rows(Consents, [ANA, BEN])
        return {id: decode(Consents, row.body) for id, row in rows.items()}


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    clock = ManualClock(NINE - 60 * MINUTE)
    cloud = open_cloud(tmp_path, bus(authority=True), clock=clock)
    found = founded(cloud, clock)
    found.say(
        PublishDocument(
            document=WAIVER, head=0, name="Waiver", category="waiver", effective="2026-01-01", wordings=WORDS
        )
    )
    found.say(AttachDocument(document=WAIVER, head=1, attached=(Attached(),)))
    with CloudServer(cloud, heartbeat_s=1.0) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        link = cloud.doors.link(STUDIO, GINA)
        client.cookies.set(COOKIE, cloud.doors.enter(link), path="/f")
        yield Rig(found, client, tmp_path)


def fields(page: str) -> dict[str, list[str]]:
    """What a form would send with every box ticked."""
    return {
        "sign": re.findall(r'name="sign" value="([^"]+)"', page),
        "once": re.findall(r'name="once" value="([^"]+)"', page),
    }


def book(rig: Rig) -> str:
    outcome = booked(rig).link.outcome
    return outcome.reasons[0].code if outcome.reasons else ""


def booked(rig: Rig) -> Ledger:
    studios = rig.families.cloud.studios
    said = CreateBooking(session=EVENING, child=ANA, family=FAMILY, location=MAIN)
    draft = CloudDraft(said, Author(type="guardian", id=GINA), "test")
    (ledger,) = studios.authority(STUDIO).author_all(studios.studio(STUDIO).cloud_device, [draft])
    return ledger


def test_a_guardian_signs_for_both_children_and_may_book(rig: Rig) -> None:
    page = rig.page()
    form = fields(page)
    assert len(form["sign"]) == 2
    assert "checked" not in page
    assert "Whoever climbs may fall." in page
    assert book(rig) == "gate.contact_unverified"
    said = {**form, "name": "Gina García", "code": rig.code()}
    signed = rig.client.post("/f/sign", data=said)
    assert signed.status_code == 200, signed.text
    assert "Signed." in signed.text
    assert rig.client.post("/f/sign", data=said).status_code == 200, "sent twice it signs once"
    kept = rig.consents()
    assert {id: len(one.signings) for id, one in kept.items()} == {ANA: 1, BEN: 1}
    assert book(rig) == ""
    (hash,) = {one.artifact.hash for one in kept[ANA].signings}
    pdf = rig.client.get(f"/f/sign/kept/{hash}.pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    text = " ".join(page.get_textpage().get_text_bounded() for page in pdfium.PdfDocument(pdf.content))
    for word in ("Climbing waiver", "Whoever climbs may fall.", "Ana Núñez", "Gina García", "127.0.0.1", "g•••@example.com",
                 "SHA-256", kept[ANA].signings[0].hash[:20], kept[ANA].signings[0].operation[:20], "2026-11-21T08:00:00+01:00"):  # fmt: skip
        assert word in " ".join(text.split()), word
    assert "Ben" not in text
    assert "nothing to sign" in rig.page()


def test_only_what_is_ticked_and_only_with_the_right_code(rig: Rig) -> None:
    page = rig.page()
    form = fields(page)
    code = rig.code()
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    refused = rig.client.post("/f/sign", data={**form, "name": "Gina", "code": wrong})
    assert refused.status_code == 409
    assert 'role="alert"' in refused.text
    assert refused.text.count("checked") == 2
    assert rig.consents() == {}
    one = {**form, "sign": form["sign"][:1], "name": "Gina", "code": code}
    assert rig.client.post("/f/sign", data=one).status_code == 200
    assert len(rig.consents()) == 1


def test_forms_that_sign_nothing(rig: Rig) -> None:
    page = fields(rig.page())
    for change, said in (
        ({"sign": []}, "Nothing was ticked"), ({"name": " "}, "name is missing"),
        ({"drawing": "[[[0,0],[2000,5]]]"}, "name is missing"), ({"drawing": "nonsense"}, "name is missing"),
        ({"sign": ["x.-.y.1.z"]}, "changed while you were reading"),
    ):  # fmt: skip
        form: dict[str, object] = {**page, "name": "Gina", "code": "000000", **change}
        answer = rig.client.post("/f/sign", data=form)
        assert answer.status_code == 409
        assert said in answer.text
    assert rig.consents() == {}


def test_no_evidence_no_signature_and_no_place(rig: Rig) -> None:
    """The folder of the files is a file: nothing can be written, as on a disk that is gone."""
    form = {**fields(rig.page()), "name": "Gina", "code": rig.code()}
    blobs = rig.data / "cloud" / "blobs"
    assert not blobs.exists()
    blobs.write_text("a disk that is gone")
    answer = rig.client.post("/f/sign", data=form)
    assert answer.status_code == 503
    assert "could not be kept" in answer.text
    assert rig.consents() == {}
    refused = booked(rig)
    assert refused.link.outcome.reasons[0].code == "gate.consent_missing"
    assert (refused.changes, refused.effects) == ((), ())  # no place, and nothing that would charge or tell anybody


def test_strangers_get_no_form_and_no_artifact_and_what_is_kept_is_sealed_on_the_disk(rig: Rig) -> None:
    form = {**fields(rig.page()), "name": "Gina", "code": rig.code()}
    assert rig.client.post("/f/sign", data=form).status_code == 200
    (hash, *_) = [one.artifact.hash for one in rig.consents()[ANA].signings]
    cloud = rig.families.cloud
    nan = named("nan")
    contact = ContactDraft(contact=nan, relation="grandparent", name="Nan", email="nan@example.com")
    rig.families.say(AddFamily(family=named("others"), home=MAIN, name="N", contacts=(contact,)))
    rig.client.cookies.clear()
    assert rig.client.get("/f/sign").status_code == 401
    rig.client.cookies.set(COOKIE, cloud.doors.enter(cloud.doors.link(STUDIO, nan)), path="/f")
    assert rig.client.get(f"/f/sign/kept/{hash}.pdf").status_code == 404
    assert 'name="sign"' not in rig.page()
    elsewhere = rig.client.post("/f/sign", data=form, headers={"sec-fetch-site": "cross-site"})
    assert elsewhere.status_code == 404
    with pytest.raises(Refused, match=r"blob\.unknown"):
        evidence.read(cloud.blobs, STUDIO, "0" * 64)
    data = b"Zebedee-the-marker " * 100_000
    blob = evidence.keep(
        cloud.blobs, STUDIO, data, kind=evidence.SIGNATURE, type="text/plain", subject=ANA, scope=f"families/{MAIN}",
        entropy=cloud.studios.entropy, now_ms=NINE,
    )  # fmt: skip
    assert evidence.read(cloud.blobs, STUDIO, blob.hash) == data
    assert not [file for file in (rig.data / "cloud").rglob("*") if file.is_file() and b"Zebedee" in file.read_bytes()]
