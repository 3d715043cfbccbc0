"""A hand-held scanner: what it types is a text, what people type is not, and Caps Lock changes nothing."""

from classtap_core.passes.wedge import Wedge, as_scanned

TEXT = "CT:" + "W50V50UAEIZ9V.9HX8PTT+-ONTMNF2000300-LD9QTTWDL1EN7TPA1*3OL$BV$L"


def typed(wedge: Wedge, text: str, *, every_ms: float, start_ms: float = 0.0, end: str = "\r") -> str | None:
    found = None
    for number, letter in enumerate((*text, end)):
        found = wedge.key(letter, start_ms + number * every_ms)
    return found


def test_a_scanner_s_text_is_whole_at_its_enter() -> None:
    wedge = Wedge()
    assert typed(wedge, TEXT, every_ms=3) == TEXT
    assert typed(wedge, TEXT, every_ms=40, start_ms=60_000, end="\n") == TEXT
    assert not wedge.busy


def test_what_people_type_is_nothing() -> None:
    wedge = Wedge()
    assert typed(wedge, "271828 and a name", every_ms=120) is None
    assert typed(wedge, "short", every_ms=3, start_ms=60_000) is None
    assert typed(wedge, "", every_ms=3, start_ms=90_000) is None


def test_a_break_begins_anew_and_shift_keys_are_no_letters() -> None:
    wedge = Wedge()
    for number, letter in enumerate("half of an old code"):
        wedge.key(letter, number)
        assert not wedge.busy, "fast fingers keep their letters"
    for number, letter in enumerate("ct:half of a pass"):
        wedge.key(letter, 5_000 + number)
    assert wedge.busy
    mixed = [part for letter in TEXT for part in ("", letter)]  # a Shift before each letter gives no text of its own
    found = None
    for number, letter in enumerate((*mixed, "\r")):
        found = wedge.key(letter, 10_000 + number)
    assert found == TEXT


def test_a_text_too_long_for_any_code_is_dropped() -> None:
    wedge = Wedge()
    assert typed(wedge, "A" * 300, every_ms=1) != "A" * 300


def test_caps_lock_and_small_letters_are_mended_only_for_passes() -> None:
    assert as_scanned(TEXT.lower()) == TEXT
    assert as_scanned(TEXT) == TEXT
    assert as_scanned("https://Example.org/A") == "https://Example.org/A"
    assert as_scanned("ct:é") == "ct:é"
