"""A device invited at a desk: a signed operation that the cloud decides, and with it the code is there."""

from typing import Any

import httpx
import pytest

from classtap_core.access.inviting import MINUTES, Invitation, invitation_id
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import decode
from sync.pairing import code_hash, new_code
from tests.cloud.house_rig import House
from tests.cloud.rig import Device, code_of
from tests.cloud.stranger import Stranger
from tests.unit.house import world


def desk_of(home: House) -> Stranger:
    code = home.studios.pairing_code(world.STUDIO, role="desk", location=world.MAIN, name="desk")
    made = Stranger(home.client, home.clock.now().wall)
    made.pair(code.code)
    for scope in made.papers["scopes"]:
        made.load(scope)
    return made


def invited(desk: Stranger, code: str, *, role: str = "kiosk", author: dict[str, Any] | None = None) -> str:
    wanted = {"code": code_hash(code), "role": role, "location": world.MAIN, "name": "Side door"}
    said = desk.say("device.invite", wanted, author=author)
    desk.drain()
    return said.status


def owner_of(desk: Stranger) -> dict[str, Any]:
    (grant,) = [one for one in desk.of("grant") if one["role"] == "owner"]
    return {"type": "staff", "id": grant["holder"], "grants": [grant["id"]]}


def pairs(home: House, code: str) -> httpx.Response:
    return Device(home.client, home.clock).pair(code)


def test_an_invited_device_pairs_once_within_ten_minutes(home: House) -> None:
    desk, code = desk_of(home), new_code()
    assert invited(desk, code, author=owner_of(desk)) == "accepted"
    desk.pull()
    (invitation,) = desk.of("invitation")
    assert invitation["expires_ms"] == home.clock.now().wall + MINUTES * 60_000
    assert code.replace("-", "") not in str(desk.rows.values()), "the code itself is nowhere but on the screen"
    answer = pairs(home, code.lower())
    assert answer.status_code == 200
    papers = answer.json()
    assert (papers["role"], papers["location"]) == ("kiosk", world.MAIN)
    assert code_of(pairs(home, code)) == (403, "pair.code")
    desk.pull()
    assert "Side door" in {one["name"] for one in desk.of("device")}


def test_a_code_nobody_used_is_dead_after_ten_minutes(home: House) -> None:
    desk, code = desk_of(home), new_code()
    assert invited(desk, code, author=owner_of(desk)) == "accepted"
    home.clock.advance(MINUTES * 60_000)
    assert code_of(pairs(home, code)) == (403, "pair.code")


@pytest.mark.parametrize("role", ["cloud", "owner", ""])
def test_nobody_is_invited_as_something_else(home: House, role: str) -> None:
    desk, code = desk_of(home), new_code()
    assert invited(desk, code, role=role, author=owner_of(desk)) == "refused"
    assert code_of(pairs(home, code)) == (403, "pair.code")


def test_who_may_not_pair_devices_invites_nobody(home: House) -> None:
    desk, code = desk_of(home), new_code()
    assert invited(desk, code) == "refused"
    assert code_of(pairs(home, code)) == (403, "pair.code")


def test_an_asking_that_comes_hours_late_makes_no_code(home: House) -> None:
    desk, code = desk_of(home), new_code()
    home.clock.advance(MINUTES * 60_000 + 60_000)
    assert invited(desk, code, author=owner_of(desk)) == "refused"
    assert code_of(pairs(home, code)) == (403, "pair.code")


def test_another_invitation_takes_its_place_on_record_and_the_same_one_is_no_trouble(home: House) -> None:
    desk, codes = desk_of(home), [new_code(), new_code()]
    owner = owner_of(desk)
    assert [invited(desk, code, author=owner) for code in (*codes, codes[1])] == ["accepted"] * 3
    id = invitation_id(Id(desk.papers["device"]))
    row = home.studios.storage(world.STUDIO).rows(Invitation, [id])[id]
    assert decode(Invitation, row.body).code == code_hash(codes[1])
    assert [pairs(home, code).status_code for code in codes] == [200, 200]
