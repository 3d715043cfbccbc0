"""The JSON schemas of our own files, made from the model so that they cannot say anything else."""

from typing import Any

import msgspec

from classtap_core.seating.model import FORMAT, VERSION, SeatMap
from classtap_core.seating.numbering import Numbering
from classtap_core.seating.templates import Template

BASE = "https://classtap.example/schema/"


def seat_map_schema() -> dict[str, Any]:
    """The schema of a native seat map (JSON Schema 2020-12). Keys it does not name are allowed and kept."""
    schema = _of(
        SeatMap, "seatmap-1.json", "A ClassTap seat map, version 1: lengths in micrometres, turns in millidegrees"
    )
    body = schema["$defs"]["SeatMap"]
    body["properties"] = {"format": {"const": FORMAT}, "version": {"const": VERSION}, **body["properties"]}
    body["required"] = ["format", "version", *body["required"]]
    return schema


def numbering_schema() -> dict[str, Any]:
    """The schema of numbering rules, as `classtap seatmap number --rules` reads them."""
    return _of(Numbering, "seat-numbering-1.json", "Rules by which ClassTap numbers a seat map, version 1")


def template_schema() -> dict[str, Any]:
    """The schema of templates and presets."""
    return _of(Template, "seat-template-1.json", "A template from which ClassTap lays out a seat map, version 1")


def _of(struct: type[msgspec.Struct], file: str, title: str) -> dict[str, Any]:
    schema = msgspec.json.schema(struct)
    for definition in schema["$defs"].values():
        definition.get("properties", {}).pop("extra", None)
        definition.pop("title", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": BASE + file, "title": title, **schema}


def _write(folder: str) -> None:
    from pathlib import Path

    for file, schema in SCHEMAS.items():
        Path(folder, file).write_text(msgspec.json.format(msgspec.json.encode(schema()), indent=1).decode() + "\n")


SCHEMAS = {
    "seatmap-1.json": seat_map_schema,
    "seat-numbering-1.json": numbering_schema,
    "seat-template-1.json": template_schema,
}

if __name__ == "__main__":
    import sys

    _write(sys.argv[1])
