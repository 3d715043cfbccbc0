"""The seat page in a real Chromium: live, by keyboard and by mouse, mirrored, in every look, and nothing from elsewhere."""

import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from msgspec.structs import replace

from classtap_core.access.operations import AddStaff
from classtap_core.booking.operations import CreateBooking
from classtap_core.booking.spots import SeatBooking
from classtap_core.house import bus
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.seating.documents import packed
from classtap_core.seating.formats.native import read_json
from classtap_core.seating.laying import lay_out
from classtap_core.seating.model import Mirroring, SeatMap, Visibility
from classtap_core.seating.numbering import Numbering, number
from classtap_core.seating.operations import SaveDraft
from classtap_core.seating.publishing import PublishSeatMap
from classtap_core.seating.tagging import RestoreSpot, TagSpot
from classtap_core.seating.templates import read_template
from cloud.composition import Cloud, open_cloud
from cloud.pages import routes
from cloud.pages.links import SeatLink, sealed
from cloud.serve import CloudServer
from resources import path
from resources.themes import tokens
from tests.browser import axe
from tests.browser.chromium import Chromium
from tests.guards.tools import needs
from tests.unit.house.world import (
    ANA,
    BEN,
    BLUE,
    EVENING,
    FAMILY,
    FOUNDING,
    MAIN,
    MINUTE,
    NINE,
    NINE_BALLET,
    OWNER,
    STUDIO,
    ZOE,
    named,
)

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.leaves(
        "ThreadPoolExecutor", reason="the clock's thread starts with its first sweep and ends with the cloud"
    ),
]
SCREENS = path().parent / "build" / "screens"


def cycling() -> SeatMap:
    """A room of bikes, numbered for clients as Bike 1, 2, …; the first is for staff, the second hidden."""
    template = read_template(read_json(path("seatmaps", "cycling.json").read_bytes()))
    laid = number(lay_out(template, {}, seed=named("seed")), Numbering(alias="Bike {n}"))
    first, second, third, *rest = laid.spots
    spots = (
        replace(first, visibility=Visibility.STAFF), replace(second, visibility=Visibility.HIDDEN),
        replace(third, tags=("aisle",)), *rest,
    )  # fmt: skip
    return replace(laid, spots=spots)


class Rig(NamedTuple):
    """A served studio whose evening class has a published map."""

    cloud: Cloud
    server: CloudServer
    clock: ManualClock
    seat_map: SeatMap

    def say(self, payload: Any) -> Any:
        studios = self.cloud.studios
        drafts = [CloudDraft(payload, Author(type="staff", id=OWNER), "test")]
        (ledger,) = studios.authority(STUDIO).author_all(studios.studio(STUDIO).cloud_device, drafts)
        assert ledger.link.outcome.stands, ledger.link.outcome
        return ledger

    def url(self, *, session: Id = EVENING, minutes: int = 30) -> str:
        expires = self.clock.now().corrected + minutes * MINUTE
        return f"{self.server.url}/f/seats/{sealed(self.cloud.books.secret, SeatLink(STUDIO, session, expires))}"

    def publish(self, seat_map: SeatMap, head: int) -> None:
        draft = named(f"draft {head}")
        saved = self.say(SaveDraft(draft=draft, room=BLUE, location=MAIN, name="Blue", document=packed(seat_map)))
        self.say(
            PublishSeatMap(
                draft=draft, revision=saved.link.operation, room=BLUE, location=MAIN, head=head,
                sessions=(NINE_BALLET, EVENING),
            )
        )  # fmt: skip


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    data = tmp_path_factory.mktemp("cloud")
    clock = ManualClock(NINE - 60 * MINUTE)
    cloud = open_cloud(data, bus(authority=True), clock=clock)
    cloud.studios.found("Small Steps", id=STUDIO, owner=OWNER, owner_name="Olga", pass_studio="00" * 8)
    drafts = [CloudDraft(payload, author, "test") for author, payload in FOUNDING[1:] if not _of_cloud(payload)]
    for ledger in cloud.studios.authority(STUDIO).author_all(cloud.studios.studio(STUDIO).cloud_device, drafts):
        assert ledger.link.outcome.stands, ledger.link
    together = threading.Barrier(4)
    for _ in range(4):
        cloud.reading.submit(together.wait)  # all of its threads, so that no test is the one that starts them
    with CloudServer(cloud, heartbeat_s=1.0) as server:
        made = Rig(cloud, server, clock, cycling())
        made.publish(made.seat_map, 0)
        yield made


def _of_cloud(payload: Any) -> bool:
    return isinstance(payload, AddStaff) and payload.staff == OWNER


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(needs("chromium"), tmp_path_factory.mktemp("browser") / "profile") as opened:
        yield opened


def names(browser: Chromium) -> list[str]:
    found: list[str] = browser.run("[...document.querySelectorAll('.name')].map(one => one.textContent)")
    return found


def state_of(spot: str) -> str:
    return f"document.querySelector('.spot[data-spot=\"{spot}\"]').dataset.now"


def test_clients_see_public_spots_with_their_aliases_and_nothing_else(rig: Rig, browser: Chromium) -> None:
    browser.open(rig.url())
    public = [spot for spot in rig.seat_map.spots if spot.visibility is Visibility.PUBLIC]
    assert names(browser) == [spot.alias for spot in public]
    assert "Bike 1" not in names(browser)
    assert "Bike 2" not in names(browser)
    assert browser.run("document.querySelectorAll('.spot').length") == len(public)
    text = httpx.get(rig.url()).text
    assert rig.seat_map.spots[0].id not in text
    assert all(one not in text for one in ("Ana", "Núñez", "García", ANA, BEN, FAMILY))


def test_a_booking_shows_on_the_open_page(rig: Rig, browser: Chromium) -> None:
    browser.size(1280, 800)
    browser.open(rig.url())
    spot = rig.seat_map.spots[5].id
    assert browser.run(state_of(spot)) == "free"
    browser.click(f'input[value="{spot}"]')
    assert "is free" in browser.run("document.getElementById('word').textContent")
    rig.say(SeatBooking(session=EVENING, child=BEN, spot=spot))
    browser.until("document.getElementById('word').textContent.includes('no longer free')")
    rig.say(TagSpot(room=BLUE, location=MAIN, spot=rig.seat_map.spots[8].id, by=OWNER, state="out_of_service"))
    browser.until(f"{state_of(spot)} === 'taken'")
    browser.until(f"{state_of(rig.seat_map.spots[8].id)} === 'blocked'")
    browser.click(f'.spot[data-spot="{rig.seat_map.spots[10].id}"] polygon')
    assert browser.run("document.querySelector('input:checked').value") == rig.seat_map.spots[10].id
    browser.run("scrollTo(0, 0)")
    browser.picture(SCREENS / "seat-page-states.png")
    browser.run("document.querySelector('input:checked').checked = false")
    assert browser.run(f"document.querySelector('input[value=\"{spot}\"]').disabled")
    rig.say(SeatBooking(session=EVENING, child=BEN, spot=""))
    browser.until(f"{state_of(spot)} === 'free'")
    rig.say(RestoreSpot(room=BLUE, location=MAIN, spot=rig.seat_map.spots[8].id, by=OWNER))
    browser.until(f"{state_of(rig.seat_map.spots[8].id)} === 'free'")


def test_a_page_that_is_told_nothing_looks_for_itself(
    rig: Rig, browser: Chromium, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "MOST_LIVE", 0)
    browser.open(rig.url())
    spot = rig.seat_map.spots[6].id
    rig.say(SeatBooking(session=EVENING, child=BEN, spot=spot))
    browser.until(f"{state_of(spot)} === 'taken'")
    rig.say(SeatBooking(session=EVENING, child=BEN, spot=""))
    browser.open("about:blank")


def test_a_new_version_reloads_the_page(rig: Rig, browser: Chromium) -> None:
    browser.open(rig.url())
    head = int(browser.run("document.getElementById('seats').dataset.version"))
    before = len(names(browser))
    rig.publish(replace(rig.seat_map, spots=rig.seat_map.spots[:-1]), head)
    browser.until(f"document.getElementById('seats').dataset.version === '{head + 1}' && document.readyState")
    browser.until(f"document.querySelectorAll('.name').length === {before - 1}")
    rig.publish(rig.seat_map, head + 1)
    browser.until(f"document.querySelectorAll('.name').length === {before}")


def test_the_list_goes_by_keyboard_and_a_screen_reader_hears_it(rig: Rig, browser: Chromium) -> None:
    browser.open(rig.url())
    browser.run("document.querySelector('input[name=spot]').focus()")
    browser.press(" ", 32)
    browser.press("ArrowDown", 40)
    chosen = browser.run("document.querySelector('input:checked').value")
    assert chosen == rig.seat_map.spots[3].id
    assert browser.run(f"document.querySelector('.spot[data-spot=\"{chosen}\"]').classList.contains('chosen')")
    nodes = browser.ask("Accessibility.getFullAXTree")["nodes"]
    heard = [
        (node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")
    ]
    radios = [name for role, name in heard if role == "radio"]
    assert "".join(radios[0].split()) == "Bike3Attheaislefree"
    assert len(radios) == len(rig.seat_map.spots) - 2
    assert ("heading", "Ballet") in heard
    assert any(role == "status" for role, _ in heard)
    assert not any(role == "image" and not name for role, name in heard)


def test_a_mirrored_room_is_shown_mirrored(rig: Rig, browser: Chromium) -> None:
    browser.open(rig.url())
    head = int(browser.run("document.getElementById('seats').dataset.version"))
    across = f"document.querySelector('.spot[data-spot=\"{rig.seat_map.spots[3].id}\"] text').getAttribute('x')"
    before = int(browser.run(across))
    rig.publish(replace(rig.seat_map, mirroring=Mirroring.RIGHT), head)
    browser.until(f"document.getElementById('seats').dataset.version === '{head + 1}'")
    width = rig.seat_map.room.width_um // 1000
    assert abs(int(browser.run(across)) - (width - before)) <= 1
    rig.publish(rig.seat_map, head + 1)


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize(("look", "size"), [("light", (1280, 800)), ("dark", (1920, 1080)), ("light", (360, 740))])
def test_every_look_holds_its_contrast_and_needs_no_sideways_scrolling(
    rig: Rig, browser: Chromium, language: str, look: str, size: tuple[int, int]
) -> None:
    browser.size(*size)
    browser.dark(look == "dark")
    browser.open(f"{rig.url()}?lang={language}")
    assert browser.run("document.dir") == ("rtl" if language == "ar" else "ltr")
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    colours = browser.run(
        "[getComputedStyle(document.documentElement).backgroundColor, getComputedStyle(document.body).color]"
    )
    wanted = [tokens(look)[name] for name in ("bg", "ink")]
    assert [f"#{''.join(f'{int(part):02X}' for part in one[4:-1].split(', '))}" for one in colours] == wanted
    smallest = browser.run(
        "Math.min(...[...document.querySelectorAll('.spot polygon')].map(one => one.getBoundingClientRect().width))"
    )
    assert smallest >= 24, "WCAG 2.2, 2.5.8"
    browser.picture(SCREENS / f"seat-page-{look}-{language}-{size[0]}.png")


@pytest.mark.parametrize(("dark", "language"), [(False, "en"), (True, "ar")])
def test_axe_finds_nothing_that_keeps_anybody_out(rig: Rig, browser: Chromium, dark: bool, language: str) -> None:
    """Names, roles, contrast, order: axe-core 4.10.3's rules for WCAG 2.2 A and AA and its best practices."""
    browser.size(1280, 800)
    browser.dark(dark)
    browser.open(f"{rig.url()}?lang={language}")
    browser.until("document.getElementById('seats').dataset.seen")
    assert axe.violations(browser) == []
    assert axe.passes(browser) > 20
    browser.dark(False)
    browser.open(f"{rig.server.url}/f/seats/nothing")
    assert axe.violations(browser) == []
    browser.run("document.body.append(document.createElement('img')), 0")
    assert [one.split(":")[0] for one in axe.violations(browser)].count("image-alt") == 1, "it does judge"


def test_words_twice_as_large_still_fit(rig: Rig, browser: Chromium) -> None:
    browser.size(1280, 800)
    browser.dark(False)
    browser.open(rig.url())
    browser.ask("Page.setFontSizes", fontSizes={"standard": 32, "fixed": 26})
    browser.open(rig.url())
    assert browser.run("getComputedStyle(document.body).fontSize") == "32px"
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    browser.picture(SCREENS / "seat-page-large-en-1280.png")
    browser.ask("Page.setFontSizes", fontSizes={"standard": 16, "fixed": 13})


def test_nothing_comes_from_elsewhere_and_nothing_is_complained_of(rig: Rig, browser: Chromium) -> None:
    browser.events.clear()
    browser.open(rig.url())
    browser.until("document.getElementById('seats').dataset.seen")
    asked = {one["request"]["url"] for one in browser.seen("Network.requestWillBeSent")}
    assert asked
    assert all(url.startswith((rig.server.url, "about:", "data:")) for url in asked)
    complaints = [
        one["entry"]["text"] for one in browser.seen("Log.entryAdded") if one["entry"]["level"] in ("error", "warning")
    ]
    assert [one for one in complaints if "favicon" not in one and "404" not in one] == []
    assert browser.seen("Runtime.exceptionThrown") == []
    policy = httpx.get(rig.url()).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("spoil", "status"),
    [(lambda url: url[:-1] + ("A" if url[-1] != "A" else "B"), 404), (lambda url: f"{url}x", 404)],
)
def test_a_link_that_is_not_ours_opens_nothing(rig: Rig, spoil: Any, status: int) -> None:
    assert httpx.get(spoil(rig.url())).status_code == status
    assert httpx.get(spoil(rig.url()) + "/state").status_code == status


def test_a_link_ends_and_a_class_without_a_map_says_so(rig: Rig) -> None:
    old = rig.url(minutes=-1)
    assert httpx.get(old).status_code == 410
    answer = httpx.get(rig.url(session=named("half past")), headers={"Accept-Language": "xx-YY, es-MX;q=0.8, en;q=0.2"})
    assert (answer.status_code, "no tiene plano" in answer.text) == (404, True)


def test_a_full_class_offers_nothing(rig: Rig) -> None:
    rig.say(CreateBooking(session=EVENING, child=ZOE, family=FAMILY, location=MAIN))
    state = httpx.get(rig.url() + "/state").json()
    public = len(rig.seat_map.spots) - 2
    capacity = rig.seat_map.capacity()
    assert state["open"]
    assert state["free"] == min(public, capacity - 2)
