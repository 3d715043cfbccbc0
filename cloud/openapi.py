"""What devices may call, as OpenAPI 3.1: the messages of `sync.protocol` are its schemas. docs/sync.md tells what they mean."""

from typing import Any, get_type_hints

import msgspec

from classtap_core.kernel.blobs import Offer
from sync.cards import AT_ONCE, AskPasses, PassTexts
from sync.protocol import (
    MOST_OPERATIONS,
    PAGE,
    PREFIX,
    AttendeeText,
    BlobStanding,
    Decided,
    Devices,
    Leaves,
    Page,
    Pair,
    Paired,
    PassJws,
    PassText,
    Problem,
    Purged,
    Push,
    Pushed,
    Refusal,
    Renewed,
    Report,
    SnapshotPage,
)

_JSON, _BYTES = "application/json", "application/octet-stream"
_Row = msgspec.defstruct(
    "WireRow", [("kind", str), ("id", str), ("scope", str), ("body", dict[str, Any] | None, None)], kw_only=True
)


def _shown(shape: type[msgspec.Struct], **instead: Any) -> type[msgspec.Struct]:
    """A message whose rows are shown as what they carry: a schema has no word for bytes that are passed on unread."""
    hints = get_type_hints(shape) | instead
    fields: list[Any] = [
        (one.name, hints[one.name], *(() if one.required else (one.default,))) for one in msgspec.structs.fields(shape)
    ]
    return msgspec.defstruct(shape.__name__, fields, kw_only=True)


_Page = _shown(Page, rows=tuple[_Row, ...])  # type: ignore[valid-type]
_SHAPES = (
    Pair, Paired, Renewed, Push, _shown(Pushed, takes=dict[str, int], page=_Page | None), Decided, Refusal, _Page,
    _shown(SnapshotPage, rows=tuple[_Row, ...]), Leaves, Report, Devices, Offer, BlobStanding, Purged, PassText,  # type: ignore[valid-type]
    PassJws, AttendeeText, AskPasses, PassTexts, Problem,
)  # fmt: skip
_TEXT, _FLAG = {"type": "string"}, {"type": "string", "enum": ["1"]}
_SCOPES = {"name": "scope", "in": "query", "schema": {"type": "array", "items": _TEXT, "maxItems": 200}}


def _count(most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": most}


_NUMBER = {"type": "integer", "minimum": 0}

_CALLS: tuple[tuple[str, str, str, Any, Any, dict[str, Any]], ...] = (
    ("post", "pair", "A one-time code becomes a device with a token.", Pair, Paired, {}),
    ("post", "token", "The device's next token.", None, Renewed, {}),
    ("post", "push", f"A signed batch of at most {MOST_OPERATIONS} operations, the caller's or another device's of its studio.", Push, Pushed, {}),
    ("post", "decide", "A push of one operation, whose outcome is the status.", Push, Decided, {}),
    (
        "get", "pull", "Rows that changed since a cursor.", None, Page,
        {"cursor": _TEXT, "scope": _SCOPES, "holding": _TEXT, "digest": _FLAG},
    ),
    (
        "get", "snapshot/{scope}", "All rows of a scope or pattern, or of one leaf of it, in pages.", None, SnapshotPage,
        {"after": _TEXT, "limit": _count(PAGE), "leaf": {"type": "string", "pattern": "^[0-9a-f]{2}$"}},
    ),
    ("get", "digest/{scope}", "The sums of a scope's leaves.", None, Leaves, {}),
    ("get", "keys", "The signed bundle of pass keys.", None, _BYTES, {}),
    (
        "get", "pass/{family}", "The text of a family's pass, for a desk, or its claims as a JWS.", None, (PassText, PassJws),
        {"form": {"type": "string", "enum": ["text", "jws"]}},
    ),
    ("post", "passes", f"The texts of at most {AT_ONCE} families' passes, for a desk.", AskPasses, PassTexts, {}),
    ("get", "attendee/{session}/{child}", "The text of a child's pass to a session, for a desk.", None, AttendeeText, {}),
    ("post", "report", "How the device is.", Report, None, {}),
    ("get", "devices", "The studio's devices, for a desk.", None, Devices, {}),
    ("post", "audit", "A page of the studio's log, for a desk: docs/audit.md.", {}, {}, {}),
    ("post", "blob/{hash}", "Offer a blob.", Offer, BlobStanding, {}),
    ("put", "blob/{hash}", "Send one of its missing ranges, whole.", _BYTES, BlobStanding, {"start": _NUMBER}),
    (
        "get", "blob/{hash}", "Its offer, or with a range its bytes.", None, (Offer, _BYTES),
        {"start": _NUMBER, "end": _NUMBER},
    ),
    ("post", "purged", "A word on an order to destroy the store.", Purged, None, {}),
    ("get", "live", "Server-sent events that hint at something to pull.", None, "text/event-stream", {"scope": _SCOPES}),
)  # fmt: skip


def document(version: str) -> dict[str, Any]:
    """The whole document."""
    _, shapes = msgspec.json.schema_components(_SHAPES, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for method, path, summary, asked, answered, query in _CALLS:
        named = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        call: dict[str, Any] = {
            "summary": summary,
            "operationId": f"{method}_{path.partition('/')[0]}",
            "parameters": [
                *({"name": name, "in": "path", "required": True, "schema": _TEXT} for name in named),
                *(one if "in" in one else {"name": name, "in": "query", "schema": one} for name, one in query.items()),
            ],
            "responses": {
                "204" if answered is None else "200": {"description": "Done."} | _content(answered),
                "default": {
                    "description": "A problem (RFC 9457); `code` is stable.",
                    "content": {"application/problem+json": {"schema": _ref(Refusal if path == "decide" else Problem)}},
                },
            },
        }
        if asked is not None:
            call["requestBody"] = {"required": True} | _content(asked)
        if path == "pair":
            call["security"] = []
        paths.setdefault(f"{PREFIX}/{path}", {})[method] = call
    return {
        "openapi": "3.1.0",
        "info": {"title": "ClassTap sync", "version": version},
        "security": [{"device": []}],
        "paths": paths,
        "components": {
            "schemas": shapes,
            "securitySchemes": {"device": {"type": "http", "scheme": "bearer"}},
        },
    }


def _content(shape: Any) -> dict[str, Any]:
    """Bodies of these shapes, one or several: a media type, a schema, or a message."""
    if shape is None:
        return {}
    shapes = shape if isinstance(shape, tuple) else (shape,)
    content: dict[str, Any] = {one: {"schema": _TEXT} for one in shapes if isinstance(one, str)}
    messages = [one if isinstance(one, dict) else _ref(one) for one in shapes if not isinstance(one, str)]
    if messages:
        content[_JSON] = {"schema": messages[0] if len(messages) == 1 else {"anyOf": messages}}
    return {"content": content}


def _ref(shape: Any) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}
