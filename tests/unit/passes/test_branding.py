"""Brands: contrast as WCAG says it, the logo in the middle, three decoders, and refusal with the reason."""

import cv2
import numpy as np
import pytest
import zxingcpp

from classtap_core.kernel.errors import Refused
from classtap_core.passes import branding
from classtap_core.passes.branding import Brand, branded, check, contrast
from classtap_core.passes.trial import frames, read_rate
from tests.unit.passes.conftest import Studio


@pytest.fixture(autouse=True)
def fewer_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bench takes 300; these tests ask about the verdict, not about the rate."""
    monkeypatch.setattr(branding, "_TRIAL_FRAMES", 40)


def logo(*, alpha: bool = False) -> bytes:
    drawn = np.zeros((120, 90, 4 if alpha else 3), np.uint8)
    cv2.circle(drawn, (45, 60), 40, (40, 60, 220, 255)[: 4 if alpha else 3], -1)
    return cv2.imencode(".png", drawn)[1].tobytes()


@pytest.mark.parametrize(
    ("dark", "light", "expected"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#ffffff", "#767676", 4.54),
        ("#123456", "#123456", 1),
    ],
)
def test_contrast_is_wcag_s(dark: str, light: str, expected: float) -> None:
    """Values of the W3C's own examples (understanding SC 1.4.3)."""
    assert contrast(dark, light) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(
    "brand", [Brand(dark="#1b3a6b", light="#fff8e7"), Brand(dark="#1b3a6b", logo=logo(alpha=True))]
)
def test_a_good_brand_reads_like_a_plain_one(studio: Studio, brand: Brand) -> None:
    assert check(brand, studio.text()) >= 0.99
    image = branded(studio.text(), brand)
    assert [code.text for code in zxingcpp.read_barcodes(image)] == [studio.text()]
    assert tuple(image[0, 0]) == tuple(bytes.fromhex(brand.light[1:]))[::-1]


@pytest.mark.parametrize(
    ("brand", "code"),
    [
        (Brand(dark="#888888"), "brand.contrast"),
        (Brand(dark="#ffffff", light="#000000"), "brand.inverted"),
        (Brand(dark="black"), "brand.colour"),
        (Brand(logo=b"no picture"), "brand.logo"),
        (Brand(logo=cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()), "brand.logo"),
    ],
)
def test_a_bad_one_is_refused_with_the_reason(studio: Studio, brand: Brand, code: str) -> None:
    with pytest.raises(Refused) as caught:
        check(brand, studio.text())
    assert caught.value.code == code


def test_one_that_reads_too_rarely_is_refused_however_well_it_contrasts(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A logo over a third of the code is beyond what level M mends."""
    monkeypatch.setattr(branding, "LOGO_MODULES", 27)
    with pytest.raises(Refused) as caught:
        check(Brand(logo=logo()), studio.text())
    assert caught.value.code == "brand.unread"
    assert caught.value.params["needed"] == 99


def test_the_trial_is_the_same_twice_and_hard_enough_to_fail(studio: Studio) -> None:
    image = branded(studio.text(), Brand())
    first, again = (list(frames(image, count=3, seed=7)) for _ in range(2))
    assert all((one == other).all() for one, other in zip(first, again, strict=True))
    assert {frame.shape for frame in first} == {(480, 640, 3)}
    assert read_rate(image, studio.text(), count=40, seed=7, side_px=70) < 0.5
