"""Lines as they are seen, beside two other implementations: the Rust crate unicode-bidi, and arabic-reshaper."""

import unicodedata

import pytest
from arabic_reshaper import ArabicReshaper
from bidi import get_display
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.signing import lettering

LETTERS = st.sampled_from("ابتجحخدذرزسشصضطظعغفقكلمنهويىةءآأإؤئ ")
SIGNS = st.sampled_from("abcאבגدرز0123456789٠١٢ ..,,:;-+/%€$()[]!?'\"@#&*")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("abc", "abc"), ("سلام", "ﻡﻼﺳ"), ("دانة", "ﺔﻧﺍﺩ"), ("بيت 12 (أ)", "(ﺃ) 12 ﺖﻴﺑ"), ("Dana דנה Levi", "Dana הנד Levi"),
        ("علي", "ﻲﻠﻋ"), ("سلمى له", "ﻪﻟ ﻰﻤﻠﺳ"), ("שלום (test)", "(test) םולש"), ("price للسعر 5 ر", "price ﺭ 5 ﺮﻌﺴﻠﻟ"),
    ],
)  # fmt: skip
def test_lines_as_they_are_seen(text: str, seen: str) -> None:
    """The forms are those ICU's shaping gives for these words: initial seen, final alef after lam, and so on."""
    assert lettering.laid_out(text) == seen
    assert lettering.is_rtl(text) is (unicodedata.bidirectional(text[0]) in ("R", "AL"))


@given(st.text(LETTERS, max_size=12))
def test_letters_join_as_arabic_reshaper_joins_them(text: str) -> None:
    word_of_god_too = ArabicReshaper({"delete_harakat": False, "ARABIC LIGATURE ALLAH": False})
    assert lettering.joined(text) == word_of_god_too.reshape(text)


@given(st.text(SIGNS, min_size=1, max_size=16))
def test_a_line_runs_as_unicode_bidi_runs_it(text: str) -> None:
    """That crate orders and does not mirror (https://github.com/MeirKriheli/python-bidi/issues/25), so brackets are compared as one."""
    either = str.maketrans(")]", "([")
    theirs = get_display(text, base_dir="R" if lettering.is_rtl(text) else "L")
    assert lettering.laid_out(text).translate(either) == lettering.joined(theirs).translate(either)


def test_letters_no_font_has_stand_as_numbers() -> None:
    assert lettering.drawable("a 王", lambda letter: letter == "a") == "a [U+738B]"
