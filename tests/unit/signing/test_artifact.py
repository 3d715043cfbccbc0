"""The PDF of a signature: another reader (PDFium) finds every word again, in every script we have letters for."""

import unicodedata

import pypdfium2 as pdfium
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.documents.records import Wording
from classtap_core.signing.artifact import Evidence, Signed, artifact, check_strokes, lines_of, wrapped
from resources import path

FONTS = [
    path("fonts", name).read_bytes()
    for name in ("NotoSans-Regular.ttf", "NotoSansArabicUI-Regular.ttf", "NotoSansHebrew-Regular.ttf")
]
BODY = "\n\n".join(f"{number}. " + "We climb on mats, and whoever climbs may fall. " * 8 for number in range(1, 12))


def evidence(**change: object) -> Evidence:
    told = Evidence(
        title="What was signed", studio="Little Steps", facts=(("For", "Ana Núñez"), ("Signed by", "Gina García")),
        documents=(Signed(Wording("en", "Climbing waiver", BODY), 2, "ab" * 32, "2026-06-01"),),
        statement="I have read this and agree to it.", name="Gina García",
    )  # fmt: skip
    return told._replace(**change)


def read(data: bytes) -> tuple[int, str]:
    """Pages, and all words with single spaces, as PDFium reads them."""
    document = pdfium.PdfDocument(data)
    text = " ".join(page.get_textpage().get_text_bounded() for page in document)
    return len(document), " ".join(text.replace("\ufffe", "").split())


def test_every_word_that_was_signed_is_in_the_file_and_on_as_many_pages_as_it_takes() -> None:
    told = evidence()
    pages, text = read(artifact(told, fonts=FONTS))
    assert pages == 2
    for line in lines_of(told):
        for word in line.split():
            assert word in text, word
    assert f"1 / {pages}" in text


def test_the_same_signature_gives_the_same_bytes_and_other_words_others() -> None:
    assert artifact(evidence(), fonts=FONTS) == artifact(evidence(), fonts=FONTS)
    assert artifact(evidence(), fonts=FONTS) != artifact(evidence(name="Gina Garcia"), fonts=FONTS)


@pytest.mark.parametrize("name", ["Дарья Ковалёва", "Γιώργος", "王小明", "دانة الحربي", "דנה לוי", "Zoë O’Hara"])
def test_names_of_many_scripts_are_there_letter_by_letter(name: str) -> None:
    """A letter without a glyph stands as its number; Arabic comes back from its presentation forms (NFKC)."""
    _, text = read(artifact(evidence(name=name, documents=()), fonts=FONTS))
    found = unicodedata.normalize("NFKC", text)
    for letter in name.replace(" ", ""):
        assert letter in found or f"[U+{ord(letter):04X}]" in found, letter


def test_a_drawn_signature_is_drawn() -> None:
    drawn = evidence(strokes=(((0, 500), (300, 100), (900, 800)),), documents=())
    (plain, inked) = (
        pdfium.PdfDocument(artifact(one, fonts=FONTS))[0].render(scale=1).to_numpy()
        for one in (evidence(documents=()), drawn)
    )
    assert (inked < 128).sum() > (plain < 128).sum()


@pytest.mark.parametrize(
    ("strokes", "good"),
    [
        ((((0, 0), (1_000, 1_000)),), True), ((), False), ((((5, 5),),), False), ((((0, 0), (1_001, 0)),), False),
        ((((0, 0), (-1, 0)),), False), ((((1, 1),) * 4_001,), False),
    ],
)  # fmt: skip
def test_what_is_a_drawing(strokes: tuple[tuple[tuple[int, int], ...], ...], good: bool) -> None:
    assert check_strokes(strokes) is good


@given(st.text(alphabet="ab cdé", max_size=200), st.integers(3, 30))
def test_no_word_is_lost_in_wrapping(text: str, most: int) -> None:
    lines = list(wrapped(text, most, len))
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(len(line) <= most for line in lines)
