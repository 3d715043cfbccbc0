"""Every screen of the kiosk in every look, drawn to build/screens, with nothing cut, small or out of reach."""

from dataclasses import replace

import pytest

from classtap_desktop.kit import theme
from tests.kiosk.stage import (
    ALL,
    FOR_STAFF,
    LOOKS,
    SCREENS,
    WIDE,
    Kiosk,
    assert_large_enough,
    assert_nothing_cut,
    draw,
    picture,
)


@pytest.mark.parametrize("look", list(LOOKS))
@pytest.mark.parametrize("screen", list(ALL))
def test_every_screen_in_every_look(kiosk: Kiosk, screen: str, look: str) -> None:
    if screen != "camera-trouble":
        kiosk.window.show_frame(picture())
    draw(kiosk, ALL[screen](), f"{screen}-{look}", dict(LOOKS[look]))


@pytest.mark.parametrize("look", ["large", "rtl-dark"])
@pytest.mark.parametrize("screen", list(FOR_STAFF))
def test_every_screen_for_staff(kiosk: Kiosk, screen: str, look: str) -> None:
    draw(kiosk, FOR_STAFF[screen](), f"{screen}-{look}", dict(LOOKS[look]))


@pytest.mark.parametrize("look", ["light", "dark", "rtl"])
@pytest.mark.parametrize("screen", ["attract", "board", "board-scripts", "late", "refusal", "pin"])
def test_a_full_hd_screen_shows_everything_larger(kiosk: Kiosk, screen: str, look: str) -> None:
    settings = dict(LOOKS[look])
    locale = str(settings.pop("locale", "en_GB"))
    theme().use(**settings)  # type: ignore[arg-type]
    kiosk.window.show_frame(picture())
    kiosk.show(replace(ALL[screen](), locale=locale), WIDE)
    assert theme().zoom == pytest.approx(1.35)
    assert kiosk.window.grab().save(str(SCREENS / f"kiosk-{screen}-{look}-1080.png"))
    assert_nothing_cut(kiosk.window)
    assert_large_enough(kiosk.window)
