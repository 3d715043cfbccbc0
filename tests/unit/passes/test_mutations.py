"""Bent texts at a real verdict: none accepted, none raises (a million of them in `make fault`)."""

import random
from collections import Counter
from collections.abc import Iterable

from classtap_core.passes import rolling
from classtap_core.passes.codec import Kind, Tier
from classtap_core.passes.jws import BadJws, claims_of, to_jws
from classtap_core.passes.ledger import PassState
from classtap_core.passes.verify import Outcome
from tests.unit.passes.conftest import NOW, Studio
from tests.unit.passes.mutating import MUTATIONS, mutated


def good_texts(studio: Studio) -> list[str]:
    """Passes of every shape that are all accepted as they are."""
    studio.passes.put(studio.handle, PassState(active_epoch=1, entry_limit=5))
    texts = []
    for key_id in studio.signers:
        named = {"key_id": key_id, "algorithm": studio.signers[key_id].algorithm}
        shown = studio.text(**named, tier=Tier.ROLLING)
        texts += [
            studio.text(**named),
            studio.text(**named, nonce=7),
            studio.text(**named, kind=Kind.EVENT, event=5, token=6),
            rolling.with_code(shown, studio.rolling_key, at_s=NOW),
        ]
    assert {studio.scan(text).outcome for text in texts} == {Outcome.OK}
    return texts


def judged(studio: Studio, texts: Iterable[str]) -> Counter[Outcome]:
    return Counter(studio.scan(text).outcome for text in texts)


def test_no_bent_text_is_accepted(studio: Studio) -> None:
    found = judged(studio, mutated(good_texts(studio), 12_000, seed=2026))
    assert found[Outcome.OK] == 0
    assert set(found) >= {Outcome.UNREADABLE, Outcome.TAMPERED, Outcome.UNKNOWN_KEY, Outcome.OTHER_STUDIO}
    assert sum(found.values()) == 12_000


def test_every_way_of_bending_changes_something(studio: Studio) -> None:
    """Else the numbers above would say nothing."""
    texts = good_texts(studio)
    for name, bend in MUTATIONS.items():
        rng = random.Random(1)
        assert any(bend(rng, text, texts) != text for text in texts * 3), name


def test_no_bent_jws_is_accepted(studio: Studio) -> None:
    good = [to_jws(studio.claims(nonce=nonce), studio.signers[1]) for nonce in range(4)]
    accepted = 0
    for text in mutated(good, 3_000, seed=7):
        try:
            claims_of(text, studio.bundle)
            accepted += 1
        except BadJws:
            continue
    assert accepted == 0
