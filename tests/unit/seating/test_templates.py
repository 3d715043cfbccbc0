"""Templates: every one valid as it comes and at its bounds, alive, fitted to rooms, kept as presets."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.seating.fitting import fitted_to, with_counts_kept
from classtap_core.seating.formats.native import read_native, write_native
from classtap_core.seating.formats.schema import template_schema
from classtap_core.seating.laying import lay_out
from classtap_core.seating.model import Modality, Room, ZoneKind
from classtap_core.seating.templates import (
    Template,
    parameters,
    preset,
    preset_problems,
    read_template,
    template_plain,
)
from classtap_core.seating.validation.checker import validate
from resources import path

TEMPLATES = {
    file.stem: read_template(json.loads(file.read_text(encoding="utf-8")))
    for file in sorted(path("seatmaps").glob("*.json"))
}
SPOTS = {"cycling": 30, "kids-gym": 27, "mat": 22, "reformer": 14, "rowing": 16, "stadium-cycling": 60}
every_template = pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)


def test_catalogue_15_every_modality_has_a_template() -> None:
    assert {template.modality for template in TEMPLATES.values()} == set(Modality)
    assert {id: len(lay_out(template, seed="").spots) for id, template in TEMPLATES.items()} == SPOTS


@every_template
def test_a_template_is_valid_labelled_and_on_the_grid(template: Template) -> None:
    seat_map = lay_out(template, seed="x")
    assert validate(seat_map) == ()
    assert len({spot.label for spot in seat_map.spots}) == len(seat_map.spots)
    assert read_native(write_native(seat_map)) == seat_map
    if template.blocks[0].arrangement != "arc":
        assert {(spot.x_um % 25_000, spot.y_um % 25_000) for spot in seat_map.spots} == {(0, 0)}
    assert read_template(template_plain(template)) == template


@every_template
@given(seed=st.integers(0, 2**32))
def test_whatever_is_allowed_is_valid(template: Template, seed: int) -> None:
    chance = random.Random(seed)
    values = {}
    for name, one in parameters(template).items():
        most = {"count": 8, "um": one.least + 1_500_000}[one.unit]
        if chance.random() < 0.4:
            values[name] = chance.choice(
                (one.least, one.value, chance.randrange(one.least, max(one.least, min(one.most, most)) + 1))
            )
    try:
        seat_map = lay_out(template, values, seed="x")
    except BadInput:
        return
    assert validate(seat_map) == ()
    assert len(seat_map.spots) > 0


@every_template
def test_out_of_bounds_is_refused(template: Template) -> None:
    for name, one in parameters(template).items():
        for value in (one.least - 1, one.most + 1):
            with pytest.raises(BadInput):
                lay_out(template, {name: value}, seed="x")
    with pytest.raises(BadInput):
        lay_out(template, {"colour": 1}, seed="x")


def test_spots_keep_their_ids_while_parameters_change() -> None:
    template = TEMPLATES["reformer"]
    before = {spot.id for spot in lay_out(template, seed="x").spots}
    wider = {
        spot.id
        for spot in lay_out(template, {"reformers.columns": 9, "reformers.gap_side_um": 700_000}, seed="x").spots
    }
    assert before < wider
    assert not before & {spot.id for spot in lay_out(template, seed="another map").spots}


@every_template
def test_fit_to_room_fills_it_and_stays_valid(template: Template) -> None:
    room = Room(width_um=18_000_000, length_um=16_000_000)
    fitted = fitted_to(template, room)
    seat_map = lay_out(template, fitted.values, seed="x", room=room)
    assert fitted.spots == len(seat_map.spots) > 20
    assert validate(seat_map) == ()
    for block in template.blocks:
        for name in ("rows", "columns"):
            more = {**fitted.values, f"{block.name}.{name}": fitted.values[f"{block.name}.{name}"] + 1}
            with pytest.raises((Refused, BadInput)):
                lay_out(template, more, seed="x", room=room)


def test_aisles_keep_their_share_of_the_columns() -> None:
    room = Room(width_um=14_000_000, length_um=12_000_000)
    fitted = fitted_to(TEMPLATES["reformer"], room)
    seat_map = lay_out(TEMPLATES["reformer"], fitted.values, seed="x", room=room)
    (aisle,) = (zone for zone in seat_map.zones if zone.kind is ZoneKind.AISLE)
    columns = sorted({spot.x_um for spot in seat_map.spots})
    assert sum(x < aisle.x_um for x in columns) == len(columns) // 2


def test_keep_counts_narrows_down_to_the_least_and_then_refuses() -> None:
    template = TEMPLATES["reformer"]
    room = Room(width_um=9_000_000, length_um=9_500_000)
    kept = with_counts_kept(template, room)
    assert kept.spots == kept.before == 14
    assert validate(lay_out(template, kept.values, seed="x", room=room)) == ()
    with pytest.raises(Refused) as refused:
        with_counts_kept(template, Room(width_um=6_000_000, length_um=6_000_000))
    assert refused.value.code == "seatmap.no_room"
    assert refused.value.params["count"] == 14


def test_a_preset_has_its_own_name_and_only_its_modalitys_equipment() -> None:
    template = TEMPLATES["rowing"]
    own = preset(template, {"ergs.columns": 5}, id="own", name="Our lanes")
    assert len(lay_out(own, seed="x").spots) == 10
    others = tuple(TEMPLATES.values())
    assert preset_problems(own, others) == ()
    assert preset_problems(preset(template, {}, id="own", name="mat CLASS"), others) == ("name_taken",)
    bikes = preset(TEMPLATES["cycling"], {}, id="own", name=" ")
    wrong = read_template({**template_plain(bikes), "modality": "rowing"})
    assert preset_problems(wrong, others) == ("name_missing", "type_of_other_modality")


@pytest.mark.parametrize("plain", [{}, [], {"id": "x"}, {**template_plain(TEMPLATES["mat"]), "blocks": []}])
def test_a_broken_template_is_refused(plain: object) -> None:
    with pytest.raises(BadInput):
        read_template(plain)


def test_the_schema_in_resources_is_the_templates() -> None:
    written = json.loads(path("schema", "seat-template-1.json").read_text())
    assert written == json.loads(json.dumps(template_schema()))
