"""Contrast of every pair that stands on each other, by the WCAG 2.2 formula, in every look."""

import pytest

from resources.themes import contrast, looks, tokens

TONES = ("accent", "present", "late", "absent", "info", "warn")


def test_contrast_is_wcags() -> None:
    # WCAG 2.2: black on white is 21:1; #767676 on white is the known 4.54:1
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#FFFFFF", "#767676") == pytest.approx(4.54, abs=0.005)


def test_the_three_looks_are_there_and_complete() -> None:
    assert set(looks()) == {"light", "dark", "bright"}
    assert len({frozenset(look) for look in looks().values()}) == 1


@pytest.mark.parametrize("look", ["light", "dark", "bright"])
def test_text_can_be_read(look: str) -> None:
    of = tokens(look)
    pairs = [(ink, ground) for ink in ("ink", "muted", *TONES) for ground in ("bg", "surface", "raised")]
    pairs += [(f"on_{tone}", tone) for tone in TONES]
    pairs += [(tone, f"{tone}_soft") for tone in TONES]
    pairs += [("ink", f"{tone}_soft") for tone in TONES]
    weak = {(ink, ground): contrast(of[ink], of[ground]) for ink, ground in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("look", ["light", "dark", "bright"])
def test_edges_of_controls_can_be_seen(look: str) -> None:
    of = tokens(look)
    for ground in ("bg", "surface", "raised"):
        assert contrast(of["control_line"], of[ground]) >= 3.0, ground
        assert contrast(of["info"], of[ground]) >= 3.0, "the ring of focus"


def test_the_bright_look_is_ink_on_white() -> None:
    assert contrast(tokens("bright")["ink"], tokens("bright")["bg"]) == pytest.approx(21.0)
    assert contrast(tokens("bright")["control_line"], tokens("bright")["surface"]) >= 15
