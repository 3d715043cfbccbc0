"""What the kiosk says to a pass it does not take: each outcome and reason in its own words."""

import pytest

from kiosk.view import Refusal, Screen
from resources.text import messages
from tests.kiosk.stage import Kiosk, resting

OUTCOMES = (
    "expired", "not_yet_valid", "tampered", "unknown_key", "revoked", "superseded", "environment_mismatch",
    "other_studio", "used", "rate_limited", "keys_stale", "unreadable", "family_not_here", "rosters_missing", "rosters_old", "rosters_offline", "an outcome of next year",
)  # fmt: skip


def test_every_refusal_has_its_own_sentence(kiosk: Kiosk) -> None:
    said = set()
    for outcome in OUTCOMES:
        kiosk.show(resting(screen=Screen.REFUSAL, refusal=Refusal(outcome), idle_left_s=9))
        title, text = kiosk.window.message.title.whole_text(), kiosk.window.message.text.whole_text()
        assert title
        assert text.count(".") >= 1
        said.add((title, text))
    assert len(said) == len(OUTCOMES)


REASONS = {
    "unreadable": (("not_a_pass",), ("version",), ("suffix",), ("length", "alphabet", "algorithm", "flags", "kind", "tier")),
    "environment_mismatch": (("test_pass",), ("live_pass",)),
    "unknown_key": (
        ("key_not_held", "key_too_new"), ("no_keys", "keys_of_other_studio"), ("key_retired", "key_revoked"),
        ("rolling_key_not_held",),
    ),
    "expired": (("ended",), ("code_stale", "code_wrong"), ("clock_suspect",)),
}  # fmt: skip
"""Reasons of a refusal that ask different things of a family, and those that ask the same."""


@pytest.mark.parametrize("outcome", REASONS)
def test_a_refusal_says_what_its_reason_asks_for(kiosk: Kiosk, outcome: str) -> None:
    said = []
    for alike in REASONS[outcome]:
        shown = set()
        for reason in alike:
            kiosk.show(resting(screen=Screen.REFUSAL, refusal=Refusal(outcome, reason=reason), idle_left_s=9))
            shown.add((kiosk.window.message.title.whole_text(), kiosk.window.message.text.whole_text()))
        (one,) = shown
        said.append(one)
    assert len(set(said)) == len(REASONS[outcome])


@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_every_outcome_of_the_contract_has_words(language: str) -> None:
    for outcome in OUTCOMES[:-1]:
        assert f"outcome.{outcome}" in messages(language)
        assert f"outcome.{outcome}.title" in messages(language)
