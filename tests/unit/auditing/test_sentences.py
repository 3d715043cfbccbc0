"""Every operation there is has its sentence, in every language, naming what it promises and nothing else."""

from string import Formatter

import pytest

from classtap_core.auditing.rules import DAYS, STREAMS, stream_of
from classtap_core.auditing.sentences import PREFIX, SENTENCES
from classtap_core.house import registry
from resources.text import languages, messages

SPECS = registry().specs


@pytest.mark.parametrize("language", [language.code for language in languages()])
def test_every_operation_has_a_sentence(language: str) -> None:
    assert sorted(SPECS.keys() - SENTENCES.keys()) == [], "add them to auditing/sentences.py"
    assert sorted(kind for kind in SPECS if PREFIX + kind not in messages(language)) == []


@pytest.mark.parametrize("language", [language.code for language in languages()])
@pytest.mark.parametrize("kind", sorted(SENTENCES))
def test_a_sentence_names_what_it_is_given(kind: str, language: str) -> None:
    (text,) = messages(language)[PREFIX + kind]
    named = {name for _, name, _, _ in Formatter().parse(text) if name}
    assert named <= {"who", *SENTENCES[kind]}, text
    assert named >= SENTENCES[kind].keys(), text


@pytest.mark.parametrize("kind", sorted(SENTENCES.keys() & SPECS.keys()))
def test_its_fields_are_fields_of_the_operation(kind: str) -> None:
    fields = SPECS[kind].payload.__struct_fields__
    assert {field.split(".")[0] for field in SENTENCES[kind].values()} <= set(fields)


def test_no_sentence_is_left_of_an_operation_that_went() -> None:
    assert sorted(SENTENCES.keys() - SPECS.keys()) == []


@pytest.mark.parametrize("kind", sorted(SPECS))
def test_every_operation_has_a_stream_that_is_kept_for_a_time(kind: str) -> None:
    assert stream_of(kind) in STREAMS
    assert 30 <= DAYS[stream_of(kind)] <= 3_650
