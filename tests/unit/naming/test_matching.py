"""Names find each other whatever the keyboard: pairs from outside, and what must hold of every name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.naming.matching import Asked, How, Mark, fit
from classtap_core.naming.spelling import folded, near

# Wikipedia's English titles and passports beside the names as their bearers write them; each spelled by the system named.
ROMANISED = [
    # BGN/PCGN 1947 | ALA-LC | ISO 9:1995 (= GOST 7.79 A) | as known in English
    ("Хрущёв", "Khrushchëv", "Khrushchev", "Hruŝëv", "Khrushchyov"),
    ("Чайковский", "Chaykovskiy", "Chaĭkovskiĭ", "Čajkovskij", "Tchaikovsky"),
    ("Юлия", "Yuliya", "I͡Ulii͡a", "Ûliâ", "Julija"),
    ("Дмитрий", "Dmitriy", "Dmitriĭ", "Dmitrij", "Dmitry"),
    ("Фёдор", "Fëdor", "Fedor", "Fyodor"),
    ("Горбачёв", "Gorbachëv", "Gorbachev", "Gorbačëv", "Gorbachyov"),
    ("Цветаева", "Tsvetayeva", "T͡Svetaeva", "Cvetaeva", "Tsvetaeva"),
    ("Жуков", "Zhukov", "Žukov"),
    ("Александр", "Aleksandr", "Alexandr"),
    ("Щербаков", "Shcherbakov", "Ŝerbakov", "Ščerbakov"),
    ("Олег", "Oleg", "Oleh"),
    ("Зеленський", "Zelenskyy", "Zelensʹkyĭ", "Zelensky"),
    ("Ђоковић", "Đoković", "Djokovic"),
    # ELOT 743 (= BGN/PCGN 1996) | ALA-LC | as known in English
    ("Γιώργος", "Giorgos", "Giōrgos"),
    ("Χρήστος", "Christos", "Chrēstos", "Hristos"),
    ("Δημήτρης", "Dimitris", "Dēmētrēs"),
    ("Ευάγγελος", "Evangelos", "Euangelos"),
    ("Παπαδόπουλος", "Papadopoulos"),
    ("Μπάμπης", "Bampis", "Mpampēs", "Babis"),
    ("Κυριάκος", "Kyriakos"),
    # BGN/PCGN 1956 | ALA-LC | in passports
    ("محمد", "Muḥammad", "Mohammed", "Mohamed", "Muhammad"),
    ("فاطمة", "Fāṭimah", "Fatima", "Fatma"),
    ("أحمد", "Aḥmad", "Ahmed"),
    ("يوسف", "Yūsuf", "Youssef", "Yousef"),
    ("خالد", "Khālid", "Khaled"),
    ("حسين", "Ḥusayn", "Hussein", "Husain"),
    ("عمر", "ʻUmar", "Omar"),
    ("جمال", "Jamāl", "Gamal"),
    ("علي", "ʻAlī", "Ali"),
    ("الرحمن", "al-Raḥmān", "Rahman"),
    # ALA-LC | as known in English
    ("כהן", "Kohen", "Cohen"),
    ("יצחק", "Yitsḥaḳ", "Yitzhak"),
    ("משה", "Mosheh", "Moshe"),
    ("חיים", "Ḥayim", "Chaim", "Haim"),
    ("דוד", "Daṿid", "David"),
    ("לוי", "Leṿi", "Levi"),
    ("שלמה", "Shelomoh", "Shlomo"),
    ("אברהם", "Avraham", "Abraham"),
    ("יוסף", "Yosef"),
    # Hanyu Pinyin, Hepburn, Revised Romanization
    ("王小明", "Wang Xiaoming"),
    ("さくら", "Sakura"),
]  # fmt: skip


def how(typed: str, name: str) -> How | None:
    found = fit(Asked(typed), [("name", name)])
    return found and found.how


@pytest.mark.parametrize(("name", "typed"), [(name, typed) for name, *ways in ROMANISED for typed in ways])
def test_a_romanised_name_finds_the_name(name: str, typed: str) -> None:
    assert how(typed, name) in (How.BEGINS, How.WORD, How.ALIKE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller", "Mueller"), ("Müller", "Muller"), ("Mueller", "Muller"), ("José", "Jose"), ("Björn", "Bjoern"),
        ("Søren", "Soeren"), ("Søren", "Soren"), ("Åse", "Aase"), ("Strauß", "Strauss"), ("Ångström", "Angstroem"),
        ("Łukasz", "Lukasz"), ("Đorđe", "Djordje"), ("Þóra", "Thora"), ("Ægir", "Aegir"), ("İpek", "Ipek"),
        ("Iñaki", "Inaki"), ("Nguyễn", "Nguyen"), ("O'Brien", "OBrien"), ("O’Brien", "O'Brien"), ("Al-Rashid", "Alrashid"),
        ("Jean-Luc", "Jeanluc"), ("Schröder", "Schroeder"), ("Šimić", "Simic"), ("Ａｎｎａ", "Anna"), ("Иванов", "Ivanov"),
    ],
)  # fmt: skip
def test_two_spellings_find_each_other(one: str, other: str) -> None:
    for typed, name in ((one, other), (other, one)):
        assert how(typed, name) in (How.BEGINS, How.PART, How.ALIKE), (typed, name)


@pytest.mark.parametrize(
    ("typed", "name", "expected"),
    [
        ("garcia", "García Márquez", How.BEGINS), ("garcia m", "García Márquez", How.BEGINS),
        ("marq", "García Márquez", How.WORD), ("marq gar", "García Márquez", How.WORD),
        ("rque", "García Márquez", How.PART), ("garsia", "García Márquez", How.SLIP),
        ("grcia", "García Márquez", How.SLIP), ("gracia", "García Márquez", How.SLIP),
        ("garcias", "García Márquez", How.SLIP), ("marwuez", "García Márquez", How.SLIP),
        ("ann", "Amn", None), ("anna", "Amna", How.SLIP), ("anan", "Anna", How.SLIP), ("jhon", "John", How.SLIP),
        ("lopez", "García Márquez", None), ("garcia lopez", "García Márquez", None),
        ("garzyo", "García", None), ("", "García", None), ("  ", "García", None), ("'", "García", None),
        ("ова", "Иванова", How.PART), ("tchaik", "Чайковский", How.ALIKE), ("moham", "محمد", How.ALIKE),
    ],
)  # fmt: skip
def test_how_a_name_fits(typed: str, name: str, expected: How | None) -> None:
    assert how(typed, name) == expected


@pytest.mark.parametrize(
    ("typed", "phone", "fits"),
    [
        # Numbers set aside for drama: Ofcom 020 7946 0xxx, NANP 555-01xx.
        ("0958", "+44 20 7946 0958", "0958"), ("7946", "+44 20 7946 0958", "7946"),
        ("020 7946 0958", "+44 20 7946 0958", "20 7946 0958"), ("+44 20 7946 0958", "020 7946 0958", "20 7946 0958"),
        ("0044 20 7946 0958", "020 7946 0958", "20 7946 0958"), ("(212) 555-0123", "+1 212-555-0123", "212-555-0123"),
        ("+1 212 555 0123", "2125550123", "2125550123"), ("212", "+1 212-555-0123", "212"), ("21", "+1 212-555-0123", None),
        ("٢١٢٥٥٥", "+1 212-555-0123", "212-555"), ("555 0199", "+1 212-555-0123", None),
        ("+33 20 7946 0958", "+44 20 7946 0958", None), ("9460 958", "+44 20 7946 0958", "946 0958"),
    ],
)  # fmt: skip
def test_a_telephone_number_fits_by_its_digits(typed: str, phone: str, fits: str | None) -> None:
    found = fit(Asked(typed), [("name", "Ann"), ("phone", phone)])
    assert (found and [phone[mark.start : mark.end] for mark in found.marks]) == (fits and [fits])


def test_an_address_fits_by_any_part() -> None:
    fields = [("name", "Ann"), ("email", "Ines.Alvarez@example.org")]
    for typed, part in (("ines.al", "Ines.Al"), ("ALVAREZ@", "Alvarez@"), ("example.org", "example.org")):
        found = fit(Asked(typed), fields)
        assert found is not None
        assert [fields[1][1][mark.start : mark.end] for mark in found.marks] == [part]
    assert fit(Asked("ines.beck"), fields) is None


def test_what_fitted_is_marked_where_it_stands() -> None:
    fields = [("given", "Zoë  Straße"), ("surname", "Нюша O'Brien")]
    marked = fit(Asked("brie strass nyusha"), fields)
    assert marked is not None
    said = dict(fields)
    assert [(field, said[field][start:end]) for field, start, end in marked.marks] == [
        ("given", "Straß"), ("surname", "Нюша"), ("surname", "Brie"),
    ]  # fmt: skip
    assert fit(Asked("oe"), [("name", "Zoë Poe")]) is not None
    assert fit(Asked("oe"), [("name", "Poe")]) == (How.PART, (Mark("name", 1, 3),))


LETTERS = st.sampled_from(
    "abcdefghijklmnopqrstuvwxyzABCÀÉÎÕÜßøłđñçşİǅﬁабвгдежзийклмнопрстуфхцчшщъыьэюяёЇєґαβγδεζηθικλμνξοπρσςτυφχψωάϊΰ"
    "ابتثجحخدذرزسشصضطظعغفقكلمنهويةאבגדהוזחטיכךלמםנןסעפףצץקרשת王小明田中さくらタ김민준शर्मआยชמּ'’-"
)
NAMES = st.lists(st.text(LETTERS, min_size=1, max_size=12), min_size=1, max_size=3).map(" ".join).filter(folded)


@given(NAMES, st.data())
def test_any_part_of_a_name_finds_it(name: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(name) - 1))
    part = name[start : data.draw(st.integers(start + 1, len(name)))]
    if all(len(word) > 1 for word in folded(part).split()) and folded(part):
        found = how(part, name)
        assert found is not None
        assert found <= How.ALIKE, part


@given(NAMES, st.data())
def test_a_slip_in_a_word_of_four_letters_finds_it(name: str, data: st.DataObject) -> None:
    words = folded(name).split()
    at = data.draw(st.integers(0, len(words) - 1))
    word = words[at]
    spot = data.draw(st.integers(0, max(0, len(word) - 1)))
    letter = data.draw(st.sampled_from("abcxyzабвαβγ"))
    changed = data.draw(
        st.sampled_from([word[:spot] + letter + word[spot + 1 :], word[:spot] + letter + word[spot:], word[:spot] + word[spot + 1 :]])
    )  # fmt: skip
    if len(word) >= 4 and len(changed) >= 4 and folded(changed) == changed:
        assert how(changed, name) is not None


@given(NAMES)
def test_folding_what_is_folded_changes_nothing(name: str) -> None:
    assert folded(folded(name)) == folded(name)


@given(st.text("abc", min_size=1, max_size=6), st.text("abc", min_size=1, max_size=6))
def test_near_is_one_edit_of_the_definition(left: str, right: str) -> None:
    """Damerau (1964): a letter wrong, missing, extra, or two transposed. Against every such edit, made one by one."""
    edits = {left}
    for at in range(len(left) + 1):
        edits |= {left[:at] + letter + left[at:] for letter in "abc"}
        if at < len(left):
            edits |= {left[:at] + left[at + 1 :]} | {left[:at] + letter + left[at + 1 :] for letter in "abc"}
        if at + 1 < len(left):
            edits.add(left[:at] + left[at + 1] + left[at] + left[at + 2 :])
    assert near(left, right) == (right in edits)


def test_anything_may_be_typed() -> None:
    for typed in ("\ud800", "\x00", "😀", "a" * 5_000, "٣", "+", "@", "( OR", 'NEAR("', "\ue000\ue001"):
        fit(Asked(typed), [("name", "Ann"), ("phone", "555"), ("email", "a@b")])
