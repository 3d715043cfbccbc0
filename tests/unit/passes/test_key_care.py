"""What staff are told of a device's keys: catalogue 44's "Expiry Warning" and "Stale Public Key" in days."""

from typing import Any

import pytest

from classtap_core.passes.key_care import key_word
from classtap_core.passes.keys import KeyBundle, PassKey
from classtap_core.passes.verify import Note

DAY_S = 86_400
ISSUED_S = 1_795_248_000


def bundle(last_day: int) -> KeyBundle:
    key: dict[str, Any] = {"algorithm": 1, "public": bytes(32), "not_before": 0}
    return KeyBundle(
        studio=1, bundle_version=1, issued_at=ISSUED_S,
        keys=(
            PassKey(key_id=1, not_after=ISSUED_S + 900 * DAY_S, revoked_at=ISSUED_S, **key),
            PassKey(key_id=2, not_after=ISSUED_S + last_day * DAY_S, **key),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("age_days", "last_day", "newer", "expected"),
    [
        (0, 400, False, None),
        (7, 400, False, None),
        (8, 400, False, Note("old", {"days": 8})),
        (13, 400, False, Note("old", {"days": 13})),
        (14, 400, False, Note("stale", {"days": 14})),
        (0, 30, False, None),
        (1, 30, False, Note("end_soon", {"days": 29})),
        (6, 5, False, Note("ended")),
        (0, 400, True, Note("upgrade")),
        (14, 400, True, Note("stale", {"days": 14})),
    ],
)
def test_the_most_urgent_word_is_said(age_days: int, last_day: int, newer: bool, expected: Note | None) -> None:
    assert key_word(bundle(last_day), now_s=ISSUED_S + age_days * DAY_S, newer=newer) == expected


def test_without_a_key_that_counts_nobody_can_be_let_in() -> None:
    assert key_word(None, now_s=ISSUED_S, newer=False) == Note("none")
    dead = KeyBundle(studio=1, bundle_version=1, issued_at=ISSUED_S, keys=bundle(9).keys[:1])
    assert key_word(dead, now_s=ISSUED_S, newer=False) == Note("ended")
