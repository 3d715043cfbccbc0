"""`/docs`: the interfaces of this cloud as pages, made from their OpenAPI documents; nothing is loaded from elsewhere."""

import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from cloud.pages.frame import Handler, answering, html, render
from resources.text import Catalogue

PREFIX = "/docs"
_METHODS = ("get", "post", "put", "patch", "delete")
Documents = Mapping[str, Callable[[], dict[str, Any]]]


class _Call(NamedTuple):
    id: str
    method: str
    path: str
    summary: str
    parameters: list[dict[str, str]]
    authorization: str
    bodies: list[dict[str, str]]


def reference_routes(documents: Documents) -> list[tuple[str, Handler]]:
    """The pages' addresses; `documents` by name, as they are at `/openapi/<name>.json`. Each page is made once: whoever asks
    needs no token, and making one holds up everybody else."""
    made = cache(partial(_page, documents))

    async def page(request: Request) -> Response:
        name = request.path_params.get("name", next(iter(documents)))
        if name not in documents:
            return html(render("message.html", words=Catalogue("en"), message="There is no such document."), 404)
        return html(made(name), 200)

    return [(PREFIX, answering(page)), (f"{PREFIX}/{{name}}", answering(page))]


def _page(documents: Documents, name: str) -> str:
    found = documents[name]()
    titles = [
        {"name": one, "title": made()["info"]["title"], "source": f"/openapi/{one}.json"}
        for one, made in documents.items()
    ]
    shapes = [
        {"name": shape, "text": schema.get("description", ""), "schema": json.dumps(_bare(schema), indent=1)}
        for shape, schema in found["components"]["schemas"].items()
    ]
    return render(
        "docs.html", words=Catalogue("en"), title=found["info"]["title"], documents=titles, name=name,
        calls=_calls(found), shapes=shapes,
    )  # fmt: skip


def _bare(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name not in ("description", "title")}


def _calls(document: Mapping[str, Any]) -> list[_Call]:
    return [
        _Call(
            f"{method}{path}", method.upper(), path, call.get("summary", ""),
            [_parameter(one) for one in call.get("parameters", ())], _authorization(call, document), _bodies(call),
        )
        for path, calls in document["paths"].items()
        for method, call in calls.items()
        if method in _METHODS
    ]  # fmt: skip


def _parameter(one: Mapping[str, Any]) -> dict[str, str]:
    return {"name": one["name"], "where": one["in"], "form": json.dumps(one.get("schema", {}))}


def _authorization(call: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    asked = call.get("security", document.get("security", ()))
    schemes = document["components"].get("securitySchemes", {})
    named = [f"{name} ({schemes[name].get('scheme', schemes[name]['type'])})" for one in asked for name in one]
    return ", ".join(named) or "none"


def _bodies(call: Mapping[str, Any]) -> list[dict[str, str]]:
    told = [("body", call.get("requestBody", {})), *call["responses"].items()]
    return [
        {"when": when, "media": media, "shape": shape}
        for when, body in told
        for media, content in (body.get("content") or {"": {}}).items()
        for shape in _named(content.get("schema", {}))
        if when != "body" or body
    ]


def _named(schema: Mapping[str, Any]) -> list[str]:
    """The messages that a schema names, or any of whose it is; one without a name for anything else."""
    return [one.get("$ref", "").rpartition("/")[2] for one in schema.get("anyOf", (schema,))]
