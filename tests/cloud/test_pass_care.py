"""What the cloud does for passes by itself, and what it says of them over HTTP; real rooms, a real file, a clock by hand."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
import zxingcpp

from classtap_core import house
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.checkin.attendees import IssueAttendeePass
from classtap_core.checkin.settings import PASS_POLICY, PassSettings
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Range
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import decode
from classtap_core.passes import rolling
from classtap_core.passes.brand import Brand
from classtap_core.passes.codec import Algorithm, Kind, Tier
from classtap_core.passes.codec import decode as decode_text
from classtap_core.passes.jws import claims_of
from classtap_core.passes.keys import KeyBundle, verify_bundle
from classtap_core.passes.ledger import HeldPasses, SeenScans
from classtap_core.passes.operations import KIOSK_GRACE_S, ArmPass, IssuePass, NoticeKeys, RevokePass
from classtap_core.passes.records import KeyNotice, Pass, RollingKeys, key_notice_id, pass_id, rolling_keys_id
from classtap_core.passes.verify import Environment, Tolerance, Verdict, verify
from classtap_core.people.guardian_operations import BlockGuardian
from cloud.composition import open_cloud
from cloud.jobs import authoring
from cloud.jobs.pass_care import PURGE_WAIT_MS, PassCare
from cloud.jobs.ticks import Ticks
from cloud.pass_routes import SHEET_CALLS
from cloud.passes import attendee_pass, family_pass, picture_of
from cloud.serve import CloudServer
from tests.cloud.house_rig import House
from tests.cloud.rig import code_of
from tests.unit.house import world

DAY_MS = 86_400_000
LIFE_S = 365 * 86_400


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    tmp_path.chmod(0o700)
    clock = ManualClock(world.NINE)
    made = open_cloud(tmp_path, house.bus(authority=True), clock=clock)
    monkeypatch.setattr(Ticks, "start", lambda ticks: None)  # here the test says when
    with CloudServer(made) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        yield House(server, clock, client)


def held(home: House, family: Id = world.FAMILY) -> Pass:
    id = pass_id(world.STUDIO, family)
    found: Pass = decode(Pass, home.studios.storage(world.STUDIO).rows(Pass, [id])[id].body)
    return found


def keys_of(home: House, family: Id = world.FAMILY) -> RollingKeys:
    id = rolling_keys_id(pass_id(world.STUDIO, family))
    found: RollingKeys = decode(RollingKeys, home.studios.storage(world.STUDIO).rows(RollingKeys, [id])[id].body)
    return found


def judged(home: House, text: str, *, at_s: float | None = None, family: Id = world.FAMILY) -> Verdict:
    """As a kiosk that has pulled everything judges."""
    entry, pass_ = home.studio, held(home, family)
    now_s = home.clock.wall / 1000 if at_s is None else at_s
    passes = HeldPasses()
    passes.put(int(pass_.handle, 16), pass_.state)
    keys = keys_of(home, family)
    for epoch in (pass_.epoch, pass_.epoch - 1):
        key = keys.key_of(epoch)
        if key is not None:
            passes.put_rolling_key(int(pass_.handle, 16), epoch=epoch, key=key)
    with home.studios.books.database.read(entry.id) as connection:
        root = home.studios.pass_keys.root_public(connection, entry.id)
    bundle: KeyBundle = verify_bundle(home.studios.pass_keys.bundle(entry, now_s=int(now_s)), root)
    return verify(
        text, keys=bundle, studio=int(entry.pass_studio, 16), now_s=now_s, uncertainty_s=0,
        environment=Environment.LIVE, tolerance=Tolerance(), ledger=SeenScans(), passes=passes,
    )  # fmt: skip


def test_every_family_has_a_pass_and_its_devices_the_key_of_its_codes(home: House) -> None:
    care = PassCare(home.studios)
    assert care.tend(world.STUDIO) == 4, "two families: two passes, two keys"
    assert care.tend(world.STUDIO) == 0
    assert PassCare(home.studios).tend(world.STUDIO) == 0, "another worker finds it done"
    one = held(home)
    assert (one.epoch, one.expires_s - one.issued_s) == (1, LIFE_S)
    found = family_pass(home.studios, world.STUDIO, world.FAMILY)
    assert judged(home, found.text).outcome == "ok"
    now_s = home.clock.wall // 1000
    shown = rolling.with_code(found.rolling.text, found.rolling.key, at_s=now_s)
    verdict = judged(home, shown)
    assert (verdict.outcome, verdict.claims.tier if verdict.claims else None) == ("ok", Tier.ROLLING)
    assert judged(home, shown, at_s=now_s + 61).outcome == "expired", "a screenshot"
    assert keys_of(home).key == found.rolling.key.hex()
    assert family_pass(home.studios, world.STUDIO, world.FAMILY).rolling.text == found.rolling.text, "within the hour"
    rows = {row.kind for row in home.join("kiosk").pull("families/*").rows}
    assert {"pass", "pass_rolling"} <= rows


def test_nobody_but_the_cloud_hands_out_keys_of_codes(home: House) -> None:
    PassCare(home.studios).tend(world.STUDIO)
    assert home.say(ArmPass(family=world.FAMILY, home=world.MAIN, epoch=1, key="00" * 20)) is Status.REFUSED
    assert home.say(NoticeKeys(version=9)) is Status.REFUSED


def test_a_pass_is_renewed_before_its_end_and_the_card_in_the_drawer_stays_good_for_a_day(home: House) -> None:
    care = PassCare(home.studios)
    care.tend(world.STUDIO)
    card = family_pass(home.studios, world.STUDIO, world.FAMILY)
    home.clock.advance((LIFE_S - 29 * 86_400) * 1000)
    care.tend(world.STUDIO)
    one = held(home)
    assert (one.epoch, [issue.because for issue in one.issues]) == (2, ["first", "schedule"])
    assert keys_of(home).key_of(1) is not None, "the screen before the change is good as long"
    assert judged(home, card.text).outcome == "ok"
    home.clock.advance(DAY_MS + 121_000)
    assert judged(home, card.text).outcome == "superseded"
    assert judged(home, family_pass(home.studios, world.STUDIO, world.FAMILY).text).outcome == "ok"


def test_a_studio_sets_how_long_its_passes_are_good_and_the_ones_before(home: House) -> None:
    month = PassSettings(life_days=28, grace_h=48)
    assert home.say(PublishPolicy(name=PASS_POLICY, head=0, values=month.values())) is Status.ACCEPTED
    care = PassCare(home.studios)
    care.tend(world.STUDIO)
    first = held(home)
    assert first.expires_s - first.issued_s == 28 * 86_400
    home.clock.advance(20 * DAY_MS)
    care.tend(world.STUDIO)
    assert held(home).epoch == 1
    home.clock.advance(2 * DAY_MS)
    care.tend(world.STUDIO)
    second = held(home)
    assert (second.epoch, second.grace_until_s - second.issued_s) == (2, 48 * 3_600)


def test_pictures_have_the_studios_colours_and_say_the_same(home: House) -> None:
    PassCare(home.studios).tend(world.STUDIO)
    text = home.studios.pass_of(world.STUDIO, world.FAMILY).text
    plain = picture_of(home.studios, world.STUDIO, text)
    green = PassSettings(brand=Brand(dark="#0b655d"))
    assert home.say(PublishPolicy(name=PASS_POLICY, head=0, values=green.values())) is Status.ACCEPTED
    drawn = picture_of(home.studios, world.STUDIO, text)
    seen = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) for data in (plain, drawn)]
    assert [zxingcpp.read_barcode(one).text for one in seen] == [text, text]
    assert [tuple(int(part) for part in one[36, 36]) for one in seen] == [(0, 0, 0), (0x5D, 0x65, 0x0B)]


def test_who_is_kept_from_a_child_keeps_no_pass(home: House) -> None:
    care = PassCare(home.studios)
    care.tend(world.STUDIO)
    before = family_pass(home.studios, world.STUDIO, world.FAMILY).text
    home.clock.advance(5_000)
    assert home.say(BlockGuardian(child=world.ANA, guardian=world.named("guardian"))) is Status.ACCEPTED
    care.tend(world.STUDIO)
    assert held(home).issues[-1].because == "rights"
    assert judged(home, before).outcome == "superseded", "no grace for who lost the right"
    care.tend(world.STUDIO)
    PassCare(home.studios).tend(world.STUDIO)
    assert held(home).epoch == 2, "once"
    assert held(home, world.STRANGERS).epoch == 1


def test_a_lost_kiosk_raises_all_epochs_and_spares_printed_cards(home: House) -> None:
    """The codes whose keys it held end at once; what it holds makes no printed card, so those have a month."""
    care = PassCare(home.studios)
    kiosk, retired = home.join("kiosk"), home.join("kiosk")
    assert kiosk.papers is not None
    assert retired.papers is not None
    care.tend(world.STUDIO)
    before = family_pass(home.studios, world.STUDIO, world.FAMILY)
    home.clock.advance(5_000)
    home.studios.revoke(world.STUDIO, retired.papers.device, purge=True)
    care.tend(world.STUDIO)
    assert held(home).epoch == 1, "it was told to destroy its store, and has an hour to say so"
    home.clock.advance(5_000)
    home.studios.revoke(world.STUDIO, kiosk.papers.device, reason="stolen")
    home.clock.advance(2_000)
    care.tend(world.STUDIO)
    one = held(home)
    assert (one.epoch, one.printed_only, held(home, world.STRANGERS).epoch) == (2, True, 2)
    assert keys_of(home).before == ""
    code = rolling.with_code(before.rolling.text, before.rolling.key, at_s=home.clock.wall // 1000)
    assert judged(home, code).outcome == "superseded"
    assert judged(home, before.text).outcome == "ok"
    home.clock.advance((KIOSK_GRACE_S + 121) * 1000)
    assert judged(home, before.text).outcome == "superseded"
    home.clock.advance(PURGE_WAIT_MS)
    care.tend(world.STUDIO)
    assert held(home).epoch == 2, "issued since: the one that never said it was purged knows nothing of this epoch"


def test_keys_are_published_before_they_sign_and_a_leaked_one_signs_nothing(home: House) -> None:
    care, keys = PassCare(home.studios), home.studios.pass_keys
    care.tend(world.STUDIO)
    card = family_pass(home.studios, world.STUDIO, world.FAMILY).text
    now_s = home.clock.wall // 1000
    made = keys.rotate(home.studio, now_s=now_s, algorithm=Algorithm.ES256)
    assert made.not_before > now_s
    assert family_pass(home.studios, world.STUDIO, world.FAMILY).text == card, "the old key signs until then"
    home.clock.advance((made.not_before - now_s) * 1000)
    new = family_pass(home.studios, world.STUDIO, world.FAMILY).text
    assert (decode_text(new).claims.key_id, decode_text(new).claims.algorithm) == (2, Algorithm.ES256)
    assert [judged(home, text).outcome for text in (card, new)] == ["ok", "ok"]
    signs = keys.revoke(home.studio, 1, now_s=home.clock.wall // 1000)
    assert signs.key_id == 2
    verdict = judged(home, card)
    assert (verdict.outcome, verdict.reasons[0].code) == ("unknown_key", "key_revoked")
    assert keys.revoke(home.studio, 2, now_s=home.clock.wall // 1000).key_id == 3, "never without a key"
    assert judged(home, family_pass(home.studios, world.STUDIO, world.FAMILY).text).outcome == "ok"
    with pytest.raises(BadInput):
        keys.revoke(home.studio, 9, now_s=0)
    care.tend(world.STUDIO)
    storage = home.studios.storage(world.STUDIO)
    id = key_notice_id(world.STUDIO)
    notice: KeyNotice = decode(KeyNotice, storage.rows(KeyNotice, [id])[id].body)
    assert notice.version == 5, "three keys came, two went"


def test_the_yearly_key_comes_by_itself(home: House) -> None:
    care = PassCare(home.studios)
    care.tend(world.STUDIO)
    assert len(home.studios.pass_keys.keys(world.STUDIO)) == 1
    home.clock.advance(366 * DAY_MS)
    care.tend(world.STUDIO)
    care.tend(world.STUDIO)
    assert [key.key_id for key in home.studios.pass_keys.keys(world.STUDIO)] == [1, 2]


def test_an_attendee_pass_has_116_bytes_and_says_child_and_session_to_nobody(home: House) -> None:
    issued_s = home.clock.wall // 1000
    wanted = IssueAttendeePass(
        session=world.HALF_PAST, child=world.ANA, handle="ab" * 8, token="cd" * 6, issued_s=issued_s,
        expires_s=issued_s + 7200,
    )  # fmt: skip
    assert home.say(wanted) is Status.ACCEPTED
    text = attendee_pass(home.studios, world.STUDIO, world.HALF_PAST, world.ANA).text
    claims = decode_text(text).claims
    assert (len(text), claims.kind, claims.handle, claims.token) == (177, Kind.EVENT, int("ab" * 8, 16), 0xCDCDCDCDCDCD)
    assert claims.not_before == issued_s
    path = f"/sync/v1/attendee/{world.HALF_PAST}/{world.ANA}"
    assert home.client.get(path, headers=home.join("desk").headers).json()["text"] == text
    assert code_of(home.client.get(path, headers=home.join("kiosk").headers)) == (403, "pass.not_here")
    missing = f"/sync/v1/attendee/{world.HALF_PAST}/{world.BEN}"
    assert code_of(home.client.get(missing, headers=home.join("desk").headers)) == (404, "pass.unknown")


def test_over_http_keys_are_public_and_texts_are_not(home: House) -> None:
    PassCare(home.studios).tend(world.STUDIO)
    base = f"/.well-known/classtap/{home.studio.pass_studio}"
    with home.studios.books.database.read(world.STUDIO) as connection:
        root = home.studios.pass_keys.root_public(connection, world.STUDIO)
    bundle = verify_bundle(home.client.get(f"{base}/keys").content, root)
    answer = home.client.get(f"{base}/jwks.json")
    assert answer.headers["content-type"] == "application/jwk-set+json"
    (key,) = json.loads(answer.content)["keys"]
    assert base64.urlsafe_b64decode(key["x"] + "=") == bundle.keys[0].public
    assert code_of(home.client.get("/.well-known/classtap/ffffffffffffffff/keys"))[0] == 404
    desk, kiosk = home.join("desk"), home.join("kiosk")
    path = f"/sync/v1/pass/{world.FAMILY}"
    jws: dict[str, Any] = home.client.get(path, params={"form": "jws"}, headers=desk.headers).json()
    assert claims_of(jws["jws"], bundle).handle == int(held(home).handle, 16)
    assert home.client.get(path, headers=desk.headers).json()["text"].startswith("CT:")
    assert code_of(home.client.get(path, headers=kiosk.headers)) == (403, "pass.not_here")
    assert code_of(home.client.get(path, params={"form": "x"}, headers=desk.headers))[1] == "pass.form"
    assert home.client.get(path).status_code == 401
    codes = [home.client.get(path, headers=desk.headers).status_code for _ in range(40)]
    assert codes[0] == 200
    assert codes[-1] == 429, "of one family, 30 at once"


def test_five_thousand_families_fit_into_the_budget_of_a_sheet(home: House) -> None:
    """Of its own: a desk that has just printed everybody's cards still gets a single pass."""
    PassCare(home.studios).tend(world.STUDIO)
    desk, kiosk = home.join("desk"), home.join("kiosk")

    def ask(families: list[Id], member: Any = desk) -> Any:
        return home.client.post("/sync/v1/passes", json={"families": families}, headers=member.headers)

    strangers = [derived("nobody", str(number)) for number in range(199)]
    answers = [ask([*strangers, world.FAMILY]) for _ in range(-(-5_000 // 200))]
    assert {one.status_code for one in answers} == {200}
    (alone,) = answers[-1].json()["passes"]
    assert alone == home.client.get(f"/sync/v1/pass/{world.FAMILY}", headers=desk.headers).json()
    assert code_of(ask([])) == (400, "pass.too_many")
    assert code_of(ask([*strangers, *strangers[:2]])) == (400, "pass.too_many")
    assert code_of(ask([world.FAMILY], kiosk)) == (403, "pass.not_here")
    assert [ask([world.FAMILY]).status_code for _ in range(SHEET_CALLS)][-1] == 429
    one = held(home)
    assert home.say(RevokePass(family=one.family, home=one.home, epoch=1)) is Status.ACCEPTED
    home.clock.advance(60_000)
    assert ask([world.FAMILY]).json() == {"passes": []}


def test_a_revoked_pass_is_not_renewed(home: House) -> None:
    care = PassCare(home.studios)
    care.tend(world.STUDIO)
    one = held(home)
    assert home.say(RevokePass(family=one.family, home=one.home, epoch=1)) is Status.ACCEPTED
    home.clock.advance(LIFE_S * 1000)
    care.tend(world.STUDIO)
    assert held(home).epoch == 1
    assert home.say(
        IssuePass(
            family=one.family, home=one.home, handle=one.handle, issued_s=one.expires_s, expires_s=one.expires_s + 9,
            because="revoked",
        )
    ) is Status.ACCEPTED  # fmt: skip
    assert held(home).epoch == 2


def test_neither_a_lost_kiosk_nor_a_lost_right_brings_a_revoked_pass_back(home: House) -> None:
    care, kiosk = PassCare(home.studios), home.join("kiosk")
    assert kiosk.papers is not None
    care.tend(world.STUDIO)
    home.clock.advance(5_000)
    assert home.say(RevokePass(family=world.FAMILY, home=world.MAIN, epoch=1)) is Status.ACCEPTED
    assert home.say(BlockGuardian(child=world.ANA, guardian=world.named("guardian"))) is Status.ACCEPTED
    home.studios.revoke(world.STUDIO, kiosk.papers.device, reason="stolen")
    home.clock.advance(2_000)
    care.tend(world.STUDIO)
    assert (held(home).epoch, held(home, world.STRANGERS).epoch) == (1, 2)


def test_a_sweep_tends_passes(home: House) -> None:
    Ticks(home.studios).sweep_all()
    assert len(home.studios.storage(world.STUDIO).find(Range(Pass, "by_family", ()))) == 2


def test_what_a_round_finds_is_committed_in_pieces(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that pushes comes in between: before, five hundred passes were one commit of seconds."""
    monkeypatch.setattr(authoring, "AT_ONCE", 1)
    commits: list[int] = []
    told = home.server.cloud.hints.announce
    monkeypatch.setattr(
        home.server.cloud.hints,
        "announce",
        lambda studio, through, places: (commits.append(through), told(studio, through, places)),
    )
    assert PassCare(home.studios).tend(world.STUDIO) == len(commits) > 2
    assert len(home.studios.storage(world.STUDIO).find(Range(Pass, "by_family", ()))) == 2
