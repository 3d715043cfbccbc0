"""The papers page over HTTP: a guardian sends a scan of a paper, once, sealed; nobody sends one of somebody else's child."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from classtap_core.health.operations import RequirePaper
from classtap_core.health.records import HealthClearance, HealthPaper
from classtap_core.house import bus
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import decode
from classtap_core.people.verification import VerifyContact
from classtap_core.schedule.reach import Reach
from cloud import evidence
from cloud.composition import open_cloud
from cloud.pages.frame import COOKIE
from cloud.pages.parts import MOST_PARTS, form_of
from cloud.serve import CloudServer
from tests.cloud.families import GINA, Families, founded
from tests.unit.house.world import ANA, MINUTE, NINE, STUDIO, named

pytestmark = pytest.mark.leaves(
    "ThreadPoolExecutor", reason="the clock's thread starts with its first sweep and ends with the cloud"
)
PDF = b"%PDF-1.7\nwords of a vaccination card: tetanospasmin\r\n--no boundary\r\n"


class Rig(NamedTuple):
    families: Families
    client: httpx.Client
    data: Path

    def send(self, page: str, data: bytes, **more: str) -> httpx.Response:
        """What the first form on the page sends."""
        said = {name: re.findall(rf'name="{name}" value="([^"]+)"', page)[0] for name in ("once", "child", "paper")} | {
            "issued": "2026-01-02",
            "expires": "2027-01-02",
        }
        return self.client.post("/f/papers", data=said | more, files={"scan": ("card.pdf", data, "application/pdf")})

    def papers(self) -> list[HealthPaper]:
        rows = self.families.cloud.studios.storage(STUDIO).find(Range(HealthPaper, "by_child", (ANA,)))
        return [decode(HealthPaper, row.body) for row in rows]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    clock = ManualClock(NINE - 60 * MINUTE)
    cloud = open_cloud(tmp_path, bus(authority=True), clock=clock)
    found = founded(cloud, clock)
    found.say(RequirePaper(requirement=named("card"), head=0, paper="card", name="Vaccination card", reach=(Reach(),)))
    cloud.studios.author(STUDIO, VerifyContact(contact=GINA, way="email"), source="test")
    with CloudServer(cloud, heartbeat_s=1.0) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        client.cookies.set(COOKIE, cloud.doors.enter(cloud.doors.link(STUDIO, GINA)), path="/f")
        yield Rig(found, client, tmp_path)


def test_a_scan_is_filed_once_sealed_and_told_of(rig: Rig) -> None:
    page = rig.client.get("/f/papers").text
    assert page.count("Not on file yet") == 2
    answer = rig.send(page, PDF)
    assert answer.status_code == 200, answer.text
    assert "on file" in answer.text
    assert answer.text.count("Not on file yet") == 1
    assert rig.send(page, PDF).status_code == 200  # the same form, sent again
    (paper,) = rig.papers()
    assert (paper.paper, paper.issued, paper.expires) == ("card", "2026-01-02", "2027-01-02")
    assert paper.file is not None
    assert paper.file.type == "application/pdf"
    cloud = rig.families.cloud
    assert evidence.read(cloud.blobs, STUDIO, paper.file.hash) == PDF
    kept = decode(HealthClearance, cloud.studios.storage(STUDIO).rows(HealthClearance, [ANA])[ANA].body)
    assert [one.paper for one in kept.papers] == ["card"]
    files = [one for one in rig.data.rglob("*") if one.is_file() and not one.is_socket()]
    assert not [one for one in files if b"tetanospasmin" in one.read_bytes()]


def test_what_is_wrong_is_said_and_files_nothing(rig: Rig) -> None:
    page = rig.client.get("/f/papers").text
    for data, more, said in (
        (b"MZ a program", {}, "a PDF, a JPEG or a PNG"),
        (PDF, {"expires": "2025-01-02"}, "day is not right"),
        (b"%PDF-" + bytes(11 << 20), {}, "larger than 10 MB"),
    ):
        answer = rig.send(page, data, **more)
        assert answer.status_code == 409
        assert said in answer.text
    assert rig.send(page, PDF, child="f" * 32).status_code == 404
    assert rig.send(page, PDF, paper="other").status_code == 409
    assert rig.client.post("/f/papers", content=b"x", headers={"content-type": "text/plain"}).status_code == 409
    assert rig.papers() == []
    stranger = httpx.get(str(rig.client.base_url) + "/f/papers")
    assert stranger.status_code == 401


def test_a_guardian_who_may_not_sign_files_nothing(rig: Rig) -> None:
    page = rig.client.get("/f/papers").text
    rig.families.stand(GINA, ANA, deny=("sign_waivers",))
    assert rig.send(page, PDF).status_code == 409
    assert rig.papers() == []


def test_a_form_with_a_file_is_read_as_rfc_7578_says() -> None:
    body = (
        b'--x y\r\nContent-Disposition: form-data; name="a"\r\n\r\none\r\n'
        b'--x y\r\nContent-Disposition: form-data; name="scan"; filename="f"\r\nContent-Type: image/png\r\n\r\n\x00\r\n--x\r\n'
        b"\r\n--x y--\r\n"
    )
    assert form_of(body, 'multipart/form-data; boundary="x y"') == {"a": b"one", "scan": b"\x00\r\n--x\r\n"}
    for kind in ("text/plain", "multipart/form-data", "multipart/form-data; boundary=other"):
        with pytest.raises(BadInput, match=r"form\.parts"):
            form_of(body, kind)


def part(head: bytes, data: bytes = b"") -> bytes:
    return b"--x\r\n" + head + b"\r\n\r\n" + data + b"\r\n"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        part(b'Content-Disposition: form-data; name="a"', b"cut"),
        part(b"Content-Disposition: form-data") + b"--x--\r\n",
        part(b'Content-Disposition: form-data; name="a"\r\n' + b"X-Long: " + b"x" * 9_000) + b"--x--\r\n",
        part(b'Content-Disposition: form-data; name="a"') * (MOST_PARTS + 1) + b"--x--\r\n",
    ],
    ids=["nothing", "cut", "nameless", "long head", "many parts"],
)
def test_a_form_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput, match=r"form\.parts"):
        form_of(body, "multipart/form-data; boundary=x")
