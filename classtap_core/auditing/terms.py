"""What an entry of the audit can be found by: who, on what, where, which device, and the words that are nobody's. Pure.

Personal words are never among them: they rest sealed, and a person is found by their id.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from classtap_core.kernel.envelope import Envelope
from classtap_core.naming.spelling import folded

EVERY = "every"
BY, ON, IN, DEVICE, KIND, WORD = "by:", "on:", "in:", "device:", "kind:", "word:"
_ID = re.compile(r"[0-9a-f]{32}")
_WORD = re.compile(r"\w{2,40}")
_MOST_WORDS, _LONGEST_TEXT = 40, 400


def terms_of(envelope: Envelope, payload: Mapping[str, Any], changes: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The terms of one entry; `payload` and `changes` are their open parts: what is nobody's."""
    found = {EVERY, DEVICE + envelope.device, KIND + envelope.kind, BY + envelope.author.id}
    found |= {ON + subject for subject, _ in envelope.payload if subject}
    words: set[str] = set()
    for text in _texts(payload):
        if _ID.fullmatch(text):
            found.add(ON + text)
        elif len(text) <= _LONGEST_TEXT:
            words |= words_in(text)
    for change in changes:
        found.add(ON + str(change["id"]))
        found |= {IN + place for place in _places(str(change["scope"]))}
    if envelope.cause and _ID.fullmatch(envelope.cause):
        found.add(ON + envelope.cause)
    return frozenset(found | {WORD + word for word in sorted(words)[:_MOST_WORDS]})


def words_in(text: str) -> set[str]:
    """The words of a text as they are looked for: folded, two letters or more."""
    return set(_WORD.findall(folded(text)))


def places_of(scopes: Iterable[str]) -> tuple[str, ...]:
    """The locations that scopes name."""
    return tuple(dict.fromkeys(place for scope in scopes for place in _places(scope)))


def _places(scope: str) -> list[str]:
    return [part for part in scope.split("/")[1:2] if _ID.fullmatch(part)]


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            if _ID.fullmatch(str(name)):
                yield str(name)
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
