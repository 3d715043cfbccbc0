"""The text catalogue: complete in every language, plural where it counts, at home in every zone and direction."""

import ast
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from resources import path
from resources.text import Catalogue, _entries, is_rtl, languages, messages, placeholders

ROOT = path().parent
AFTERNOON_MS = 1_795_278_240_000  # 2026-11-21 16:24:00 UTC


def test_the_three_languages_of_the_studio_are_there() -> None:
    assert [(language.code, language.rtl) for language in languages()] == [("en", False), ("ar", True), ("es", False)]
    assert {language.name for language in languages()} == {"English", "Español", "العربية"}


@pytest.mark.parametrize("language", ["es", "ar"])
def test_every_code_is_said_in_every_language_with_the_same_names_in_braces(language: str) -> None:
    english, other = messages("en"), messages(language)
    assert set(english) == set(other)
    for code in english:
        wanted = frozenset().union(*(placeholders(form) for form in english[code]))
        for form in other[code]:
            # a plural form may say "one" or "two" as a word, but never ask for what nobody gives
            if len(other[code]) == 1:
                assert placeholders(form) == wanted, code
            else:
                assert wanted - {"n"} <= placeholders(form) <= wanted, code


@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_babel_reads_the_same(language: str) -> None:
    with path("translations", f"{language}.po").open("rb") as stream:
        catalogue = read_po(stream, locale=language, abort_invalid=True)
    ids = {one.id if isinstance(one.id, str) else one.id[0]: one.string for one in catalogue if one.id}
    assert messages(language) == {
        code: (said,) if isinstance(said, str) else tuple(said) for code, said in ids.items()
    }  # fmt: skip


def test_what_gettext_escapes_and_breaks_is_read(tmp_path: Path) -> None:
    text = 'msgid "a"\nmsgstr ""\n"two \\"words\\"\\n"\n"more"\n\n# a word\nmsgid "b"\nmsgid_plural "b"\nmsgstr[0] "x"\nmsgstr[1] "y"\n'
    assert dict(_entries(text)) == {"a": ('two "words"\nmore',), "b": ("x", "y")}


def test_arabic_has_six_plural_forms_and_the_others_two() -> None:
    for language, forms in (("en", 2), ("es", 2), ("ar", 6)):
        counts = {len(message) for message in messages(language).values()}
        assert counts == {1, forms}


def test_arabic_plurals_follow_cldr() -> None:
    # CLDR 45, plural rules for ar: zero 0, one 1, two 2, few 3-10, many 11-99, other 100-102
    forms = messages("ar")["a11y.countdown"]
    words = Catalogue("ar")
    for n, form in ((0, 0), (1, 1), (2, 2), (3, 3), (10, 3), (11, 4), (99, 4), (100, 5), (102, 5), (103, 3)):
        assert words.say_n("a11y.countdown", n) == forms[form].replace("{n}", str(n))


def test_codes_written_in_the_program_have_words() -> None:
    missing = set()
    for package in ("classtap_desktop", "kiosk"):
        for file in (ROOT / package).rglob("*.py"):
            missing |= {(file.name, code) for code in _codes_said(file) if not Catalogue("en").has(code)}
    assert not missing


def _codes_said(file: Path) -> set[str]:
    """Return the literal first arguments of every ``say`` and ``say_n`` in a file."""
    calls = (node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("say", "say_n") and call.args
        if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str) and "." in call.args[0].value
    }


def test_a_locale_without_words_speaks_english_and_an_unknown_code_speaks_for_itself() -> None:
    assert Catalogue("fr").language == "en"
    assert Catalogue("en").say("no.such.code") == "no.such.code"
    assert Catalogue("en").say("kiosk.greeting") == "Welcome, {family} family"
    assert "{family}" in Catalogue("en").say("kiosk.greeting", other="x")


def test_times_are_the_zones_and_the_locales() -> None:
    assert Catalogue("en_GB").time(AFTERNOON_MS, "Europe/London") == "16:24"
    assert Catalogue("en_GB").time(AFTERNOON_MS, "Asia/Kolkata") == "21:54"
    assert Catalogue("es").time(AFTERNOON_MS, "Europe/Madrid") == "17:24"
    assert Catalogue("en", hours=24).time(AFTERNOON_MS, "America/New_York") == "11:24"
    assert Catalogue("en").time(AFTERNOON_MS, "America/New_York").replace("\u202f", " ") == "11:24 AM"
    assert Catalogue("en_GB").span(AFTERNOON_MS, AFTERNOON_MS + 3_600_000, "Europe/London") == "16:24–17:24"


def test_words_of_the_other_direction_are_kept_apart() -> None:
    # Unicode Bidirectional Algorithm: FSI U+2068 and PDI U+2069 keep a name from reordering the sentence around it
    assert Catalogue("ar").say("kiosk.greeting", family="Okafor") == "أهلاً بعائلة \u2068Okafor\u2069"
    assert Catalogue("en").say("kiosk.greeting", family="حسن") == "Welcome, \u2068حسن\u2069 family"
    assert Catalogue("en").say("kiosk.greeting", family="Okafor") == "Welcome, Okafor family"
    assert is_rtl("ar_EG")
    assert not is_rtl("es_MX")


def test_numbers_are_grouped_as_the_language_does() -> None:
    assert Catalogue("en").say_n("queue.saved_here", 1234) == "Offline · 1,234 saved on this device"
    assert Catalogue("es").say_n("queue.saved_here", 12345) == "Sin conexión · 12.345 guardados en este dispositivo"


def test_amounts_in_a_sentence_are_counted_in_the_languages_own_forms() -> None:
    # CLDR 45: en and es have one and other; ar has zero, one, two, few (3-10), many (11-99) and other (100-102)
    said = [Catalogue("en").say("import.counts.families", families=n, children=n + 1) for n in (0, 1, 1234)]
    assert said == ["0 families with 1 child", "1 family with 2 children", "1,234 families with 1,235 children"]
    assert Catalogue("es").say("import.counts.families", families=1, children=2) == "1 familia con 2 niñas y niños"
    arabic = Catalogue("ar")
    forms = ("لا عائلات", "عائلة واحدة", "عائلتان", "3 عائلات", "11 عائلة", "100 عائلة")
    for n, form in zip((0, 1, 2, 3, 11, 100), forms, strict=True):
        assert arabic.say("import.counts.families", families=n, children=5).startswith(form), n


@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_what_a_sentence_counts_has_words(language: str) -> None:
    counted = {
        spec
        for forms in messages(language).values()
        for form in forms
        for _, _, spec, _ in Formatter().parse(form)
        if spec
    }
    assert counted
    assert [one for one in counted if f"count.{one}" not in messages(language)] == []
