"""`/openapi/sync.json`: every call of the application, each with messages that are there."""

import html
import json
import re
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from starlette.routing import Route

from classtap_core.checkin.attendees import IssueAttendeePass
from classtap_core.kernel.outcomes import Status
from classtap_core.passes.operations import IssuePass
from cloud.app import make_app
from cloud.composition import Cloud
from cloud.openapi import document
from sync.protocol import PREFIX
from tests.cloud.house_rig import House
from tests.unit.house import world

PAGE = Path(__file__).parents[2] / "docs" / "sync.md"


@pytest.fixture
def database() -> str:
    return ""


@pytest.fixture
def house_database() -> str:
    return ""


def test_it_names_every_call_of_the_application(cloud: Cloud) -> None:
    app = make_app(cloud)
    served = {
        (route.path.replace(":path", ""), method.lower())
        for route in app.routes
        if isinstance(route, Route) and route.path.startswith(PREFIX)
        for method in route.methods or ()
        if method != "HEAD"
    }
    told = {(path, method) for path, calls in app.openapi()["paths"].items() for method in calls}
    assert served == told


def test_every_reference_is_there() -> None:
    found = document("1")
    shapes = found["components"]["schemas"]
    named = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(found))
    assert len(set(named)) > 20
    assert set(named) <= set(shapes)


def test_the_examples_of_the_page_fit() -> None:
    """What a member is called and whether it has to be there, down to the last row."""
    shapes = document("1")["components"]["schemas"]
    examples = [msgspec.json.decode(one) for one in re.findall(r"```json\n(.+?)\n```", PAGE.read_text(), re.DOTALL)]
    for name, member in (("Paired", "root"), ("Push", "signature"), ("Pushed", "answers"), ("SnapshotPage", "total")):
        (example,) = [one for one in examples if member in one]
        assert unfit(shapes, {"$ref": f"#/components/schemas/{name}"}, example) == []


def test_the_passes_that_a_desk_is_given_fit(home: House) -> None:
    told = document("1")
    now_s = world.NINE // 1000
    family = IssuePass(
        family=world.FAMILY, home=world.MAIN, handle="0123456789abcdef", issued_s=now_s, expires_s=now_s + 86_400
    )
    child = IssueAttendeePass(
        session=world.HALF_PAST,
        child=world.ANA,
        handle="ab" * 8,
        token="cd" * 6,
        issued_s=now_s,
        expires_s=now_s + 7_200,
    )
    assert [home.say(one) for one in (family, child)] == [Status.ACCEPTED] * 2
    desk = home.join("desk")
    for call, path in (
        ("pass/{family}", f"pass/{world.FAMILY}"),
        ("pass/{family}", f"pass/{world.FAMILY}?form=text"),
        ("pass/{family}", f"pass/{world.FAMILY}?form=jws"),
        ("attendee/{session}/{child}", f"attendee/{world.HALF_PAST}/{world.ANA}"),
    ):
        (answered,) = told["paths"][f"{PREFIX}/{call}"]["get"]["responses"]["200"]["content"].values()
        found = home.client.get(f"{PREFIX}/{path}", headers=desk.headers).json()
        assert unfit(told["components"]["schemas"], answered["schema"], found) == [], path


def unfit(shapes: dict[str, Any], shape: dict[str, Any], value: Any, where: str = "") -> list[str]:
    """Members that are not told of, or lack."""
    if "$ref" in shape:
        shape = shapes[shape["$ref"].rpartition("/")[2]]
    if "anyOf" in shape:
        return min((unfit(shapes, one, value, where) for one in shape["anyOf"]), key=len)
    if isinstance(value, dict) and "properties" in shape:
        wrong = [f"{where}/{name}" for name in {*value} - {*shape["properties"]} | {*shape["required"]} - {*value}]
        for name in {*value} & {*shape["properties"]}:
            wrong += unfit(shapes, shape["properties"][name], value[name], f"{where}/{name}")
        return wrong
    if isinstance(value, list) and "items" in shape:
        return [one for item in value for one in unfit(shapes, shape["items"], item, f"{where}/*")]
    sort = {str: "string", bool: "boolean", int: "integer", list: "array", dict: "object"}.get(type(value), "null")
    return [] if shape.get("type", sort) == sort else [where]


def test_what_does_not_fit_is_found() -> None:
    shapes = document("1")["components"]["schemas"]
    whole = {"$ref": "#/components/schemas/Purged"}
    assert unfit(shapes, whole, {"order": "0" * 32, "done": True}) == []
    assert unfit(shapes, whole, {"order": "0" * 32}) == ["/done"]
    assert unfit(shapes, whole, {"order": 7, "done": True, "more": 1}) in (["/more", "/order"], ["/order", "/more"])


def test_the_pages_show_every_call_and_load_nothing_from_elsewhere(client: httpx.Client) -> None:
    told = client.get("/openapi/sync.json").json()
    for address in ("/docs", "/docs/sync"):
        page = client.get(address)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        text = html.unescape(page.text)
        for path, calls in told["paths"].items():
            assert all(f"{method.upper()} {path}<" in text and calls[method]["summary"] in text for method in calls)
        assert all(f'id="{name}"' in page.text for name in told["components"]["schemas"])
        links = re.findall(r'(?:href|src)="([^"]+)"', page.text)
        assert {link for link in links if not link.startswith(("#", "/docs", "/openapi/sync.json"))} == {
            "/f/static/family.css", "/f/static/docs.css"
        }  # fmt: skip
        assert all(client.get(link).status_code == 200 for link in set(links) if link.startswith("/"))
        assert {link[1:] for link in links if link.startswith("#")} <= set(told["components"]["schemas"])
    assert client.get("/docs/nothing").status_code == 404
