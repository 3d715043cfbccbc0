"""pretix plans for tests: one by hand with everything the schema allows, and random ones, old and new."""

import random
from typing import Any

EVERYTHING: dict[str, Any] = {
    "name": "Everything",
    "categories": [{"name": "Floor", "color": "#F44336"}, {"name": "7e9a2f10-1c1b-4d3f-9d58-3c2f4c1f0001"}],
    "size": {"width": 1500, "height": 1800},
    "x-editor": {"version": 3.0, "flags": [True, None]},
    "zones": [
        {
            "name": "Main",
            "zone_id": "main",
            "uuid": "11111111-1111-4111-8111-111111111111",
            "position": {"x": 10.25, "y": 20},
            "rows": [
                {
                    "row_number": "1",
                    "row_label": None,
                    "seat_label": "Seat %s",
                    "row_number_position": "both",
                    "uuid": "u-row",
                    "position": {"x": 100, "y": 50},
                    "x-curve": {"radius": 400},
                    "seats": [
                        {
                            "seat_guid": "main-1-1",
                            "seat_number": "1",
                            "start_direction": "<>",
                            "radius": 12,
                            "uuid": "u1",
                            "position": {"x": 0, "y": 0},
                            "category": "Floor",
                        },
                        {
                            "seat_guid": "main-1-1",
                            "seat_number": "2",
                            "position": {"x": 25.000000000000004, "y": 3.3333333333333335},
                            "category": "7e9a2f10-1c1b-4d3f-9d58-3c2f4c1f0001",
                            "x-note": "same id on purpose",
                        },
                        {
                            "seat_guid": "main-1-3",
                            "seat_number": "3",
                            "position": {"x": 50.0, "y": 13},
                            "category": "Gone",
                        },
                    ],
                }
            ],
            "areas": [
                {
                    "shape": "polygon",
                    "color": "#CBEEB3",
                    "border_color": "#FFFFFF",
                    "rotation": 12.5,
                    "uuid": "u-a",
                    "position": {"x": 1, "y": 2},
                    "polygon": {"points": [{"x": 0, "y": 0}, {"x": 90.5, "y": 0}, {"x": 50, "y": 70}]},
                },
                {
                    "shape": "text",
                    "position": {"x": 5, "y": 6},
                    "rotation": -90,
                    "text": {"text": "Bühne", "color": "#333333", "size": 24, "position": {"x": 0, "y": 0}},
                },
                {"shape": "ellipse", "position": {"x": 5, "y": 6}, "ellipse": {"radius": {"x": 30, "y": 20.5}}},
                {"shape": "circle", "position": {"x": 50, "y": 60}, "circle": {"radius": 30}},
                {
                    "shape": "rectangle",
                    "position": {"x": 5, "y": 6},
                    "rectangle": {"width": 100, "height": 40},
                    "rotation": 30,
                    "text": {"text": "Bar", "position": {"x": 50, "y": 20}},
                },
            ],
        }
    ],
}


def random_plan(chance: random.Random) -> dict[str, Any]:
    """A plan as programs in the field write them: floats or integers, keys missing, ids twice, points outside."""

    def number() -> float:
        return chance.choice((chance.randrange(-50, 2500), chance.uniform(-50, 2500), float(chance.randrange(900))))

    def place() -> dict[str, Any]:
        return {"x": number(), "y": number(), **({"z": 1} if chance.random() < 0.1 else {})}

    def with_some(**optional: Any) -> dict[str, Any]:
        return {key: value for key, value in optional.items() if chance.random() < 0.6}

    def seat() -> dict[str, Any]:
        return {
            "seat_guid": f"s-{chance.randrange(30)}",
            "seat_number": str(chance.randrange(99)),
            "position": place(),
            "category": chance.choice(("A", "B", "undefined")),
            **with_some(uuid=str(chance.random()), radius=chance.randrange(1, 30), start_direction=None, unknown=[1.5]),
        }

    def row() -> dict[str, Any]:
        return {
            "row_number": chance.choice("ABCDEF"),
            "seats": [seat() for _ in range(chance.randrange(8))],
            **with_some(position=place(), row_label="Row", row_number_position="start", curve={"k": 0.25}),
        }

    def area() -> dict[str, Any]:
        shape = chance.choice(("polygon", "rectangle", "ellipse", "circle", "text", "star"))
        own: dict[str, Any] = {
            "polygon": {"points": [place() for _ in range(chance.randrange(6))]},
            "rectangle": {"width": abs(number()), "height": abs(number())},
            "ellipse": {"radius": place()},
            "circle": {"radius": chance.randrange(100)},
            "text": {"text": "Ω bar", "position": place(), "size": 16},
        }
        made = {"shape": shape, "position": place(), **with_some(rotation=chance.uniform(-400, 400), color="#112233")}
        return {**made, **({shape: own[shape]} if shape in own else {})}

    zones = [
        {
            "position": place(),
            "rows": [row() for _ in range(chance.randrange(5))],
            **with_some(name="Zone", zone_id="z", uuid="u", displayed=True, areas=[area() for _ in range(3)]),
        }
        for _ in range(chance.randrange(1, 4))
    ]
    optional = with_some(size={"width": 2000, "height": chance.choice((1500, 1500.5))}, custom={"a": {"b": []}})
    return {"name": "Random", "categories": [{"name": "A", "color": "#fff"}, {"name": "B"}], "zones": zones, **optional}
