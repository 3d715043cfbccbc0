"""Every operation there is has its sentence, in every language, naming what it promises and nothing else."""

from string import Formatter

import pytest

from classtap_core.auditing.diffs import Step
from classtap_core.auditing.names import Names
from classtap_core.auditing.rules import DAYS, STREAMS, stream_of
from classtap_core.auditing.saying import place, step_sentence
from classtap_core.auditing.sentences import PREFIX, SENTENCES
from classtap_core.house import registry
from resources.text import Catalogue, languages, messages
from tests.unit.house.world import ANA, FAMILY, World, named

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


EDITED = (
    "location",
    "room",
    "closure",
    "category",
    "level",
    "class_type",
    "instructor",
    "series",
    "session",
    "staff",
    "grant",
    "family",
    "child",
    "contact",
    "guardianship",
    "learner",
    "child_health",
    "booking",
)
"""What people change by hand, and look up in the audit."""


@pytest.mark.parametrize("language", [language.code for language in languages()])
def test_what_people_change_has_words_for_its_fields(language: str) -> None:
    known = messages(language)
    fields = {name for kind in EDITED for name in registry().records[kind].__struct_fields__} - {"id"}
    assert sorted(name for name in fields if f"audit.field.{name}" not in known) == []


def test_a_difference_is_told_in_words() -> None:
    step = Step(("hours", "[3]", "closes"), "replace", "20:00", "21:00")
    assert step_sentence(step, Catalogue("en")) == "opening hours[3] › closes: 20:00 → 21:00"
    assert place(step, Catalogue("es")) == "horario[3] › cierra"
    assert place(Step(("never_heard_of",), "add", after=1), Catalogue("ar")) == "never_heard_of"


def test_whom_somebody_looked_at_is_named_whatever_they_are() -> None:
    """A reveal's subject is a child, a family or a guardian; an entry of the audit has no name."""
    names = Names(World().cloud, registry())
    wanted = [("subject", one) for one in (ANA, FAMILY, named("guardian"), named("some entry"))]
    names.want(wanted)
    assert [names.name(*one) for one in wanted] == ["Ana Núñez", "García Núñez", "Gina García", ""]
    assert names.personal("subject", FAMILY)
