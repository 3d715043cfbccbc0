"""The verdict: the order of its checks, what it tells and keeps to itself, and that no changed text passes."""

import random
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec
import pytest

from classtap_core.passes import base45, rolling
from classtap_core.passes.codec import Algorithm, Kind, Tier, encode
from classtap_core.passes.ledger import PassState
from classtap_core.passes.verify import DAY_S, Environment, Outcome, Tolerance

HOUR_S = 3600
YEAR_S = 365 * DAY_S

# The checks after "can it be read", in the contract's order, and what each says when it fails.
OUTCOMES = {
    "environment": Outcome.ENVIRONMENT_MISMATCH,
    "studio": Outcome.OTHER_STUDIO,
    "key": Outcome.UNKNOWN_KEY,
    "signature": Outcome.TAMPERED,
    "not_before": Outcome.NOT_YET_VALID,
    "expiry": Outcome.EXPIRED,
    "revoked": Outcome.REVOKED,
    "superseded": Outcome.SUPERSEDED,
    "rolling_code": Outcome.EXPIRED,
    "used": Outcome.USED,
    "rate": Outcome.RATE_LIMITED,
    "key_age": Outcome.KEYS_STALE,
}
ORDER = list(OUTCOMES)
REASONS = {"expiry": "ended", "rolling_code": "code_wrong"}


def scan_with(studio: Any, faults: set[str]) -> Any:
    """Scan a pass that has exactly these faults."""
    claims: dict[str, Any] = {}
    state = PassState(active_epoch=1, entry_limit=1)
    arguments: dict[str, Any] = {}
    if "environment" in faults:
        claims["test"] = True
    if "studio" in faults:
        claims["studio"] = 7
    if "key" in faults:
        claims["key_id"] = 99
    if "not_before" in faults:
        claims |= {"not_before": studio.now + 1000, "expires": studio.now + 2000}
    if "expiry" in faults:
        claims["expires"] = studio.now - 1000
        claims.setdefault("not_before", studio.now - 2000)
    if "not_before" in faults and "expiry" in faults:
        claims |= {"not_before": studio.now + 1000, "expires": studio.now + 1001}
    if "revoked" in faults:
        state = msgspec.structs.replace(state, revoked_through=1)
    if "superseded" in faults:
        state = msgspec.structs.replace(state, active_epoch=2)
    if "used" in faults:
        claims |= {"kind": Kind.EVENT, "event": 5, "token": 6}
        studio.ledger.add_entry(studio.handle, token=6, at_s=studio.now - 9)
    if "rate" in faults:
        for second in range(6):
            studio.ledger.add_refusal(studio.handle, at_s=studio.now - second)
    if "key_age" in faults:
        arguments["keys"] = msgspec.structs.replace(studio.bundle, issued_at=studio.now - 15 * DAY_S)
    if "rolling_code" in faults:
        claims["tier"] = Tier.ROLLING
    studio.passes.put(studio.handle, state)
    text = studio.text(**claims)
    if "signature" in faults:
        text = text[:-3] + ("000" if text[-3:] != "000" else "100")
    if "rolling_code" in faults:
        text += f"*{studio.now:010d}*" + "00000000"
    return studio.scan(text, **arguments)


@pytest.mark.parametrize("fault", ORDER)
def test_each_check_alone(studio: Any, fault: str) -> None:
    verdict = scan_with(studio, {fault})
    assert verdict.outcome is OUTCOMES[fault]
    assert len(verdict.reasons) == 1
    assert verdict.reasons[0].code == REASONS.get(fault, verdict.reasons[0].code)


def possible_pairs() -> list[tuple[str, str]]:
    # A rolling event pass does not exist, and no moment is before a pass's start and after its end.
    excluded = {("rolling_code", "used"), ("not_before", "expiry")}
    return [pair for pair in combinations(ORDER, 2) if pair not in excluded]


@pytest.mark.parametrize(("earlier", "later"), possible_pairs())
def test_of_two_faults_the_earlier_is_told(studio: Any, earlier: str, later: str) -> None:
    verdict = scan_with(studio, {earlier, later})
    assert verdict.outcome is OUTCOMES[earlier]
    assert verdict.reasons[0].code == REASONS.get(earlier, verdict.reasons[0].code)


def test_unreadable_comes_before_everything(studio: Any) -> None:
    broken = studio.text(test=True, studio=7)[:-1]
    assert studio.scan(broken, keys=None).outcome is Outcome.UNREADABLE


def test_the_order_is_the_one_in_the_documents() -> None:
    """`docs/passes.md` lists the checks; the verdict tries them in that order and leaves none out."""
    words = (Path(__file__).parents[3] / "docs" / "passes.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\d+\. \*\*([a-z -]+)\*\*", words, re.MULTILINE)
    assert [name.replace(" ", "_").replace("-", "_") for name in listed] == ["unreadable", *ORDER]


@pytest.mark.parametrize("fault", ORDER)
def test_claims_are_told_only_of_a_text_that_verifies(studio: Any, fault: str) -> None:
    verdict = scan_with(studio, {fault})
    assert (verdict.claims is not None) == (ORDER.index(fault) > ORDER.index("signature"))
    assert verdict.key_id == (99 if fault == "key" else 1)


def test_the_algorithm_is_the_keys(studio: Any) -> None:
    """A text signed with the Ed25519 key that says ES256, and the other way round, and one that names the other key."""
    for key_id, said in ((1, Algorithm.ES256), (2, Algorithm.ED25519)):
        assert studio.scan(studio.text(key_id=key_id, algorithm=said)).outcome is Outcome.TAMPERED
    swapped = encode(studio.claims(key_id=2), studio.signers[1].sign)
    assert studio.scan(swapped).outcome is Outcome.TAMPERED


def test_a_signature_of_another_version_prefix_is_no_signature(studio: Any) -> None:
    text = encode(studio.claims(), lambda message: studio.signers[1].sign(b"CTP2" + message[4:]))
    assert studio.scan(text).outcome is Outcome.TAMPERED


def test_the_tolerance_is_a_setting(studio: Any) -> None:
    text = studio.text(expires=studio.now - 10)
    assert studio.scan(text).outcome is Outcome.OK
    assert studio.scan(text, tolerance=Tolerance(static_s=9)).outcome is Outcome.EXPIRED


def test_the_clocks_doubt_never_refuses_a_good_pass(studio: Any) -> None:
    for uncertainty_s in (0, 5, 3600, 10 * YEAR_S, -1):
        assert studio.scan(studio.text(), uncertainty_s=uncertainty_s).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("uncertainty_s", "suspect"), [(119.9, False), (120, False), (120.1, True), (24 * HOUR_S, True)]
)
def test_beyond_two_minutes_of_doubt_a_screens_code_is_left_to_staff(
    studio: Any, uncertainty_s: float, suspect: bool
) -> None:
    base = studio.text(tier=Tier.ROLLING, expires=studio.now + 999)
    text = rolling.with_code(base, studio.rolling_key, at_s=studio.now)
    verdict = studio.scan(text, uncertainty_s=uncertainty_s)
    told = [reason.code for reason in verdict.reasons]
    assert (verdict.outcome, told) == ((Outcome.EXPIRED, ["clock_suspect"]) if suspect else (Outcome.OK, []))
    warned = "clock_suspect" in {note.code for note in studio.scan(studio.text(), uncertainty_s=uncertainty_s).warnings}
    assert warned is suspect
    forged = text[:-1] + ("0" if text[-1] != "0" else "1")
    assert [one.code for one in studio.scan(forged, uncertainty_s=24 * HOUR_S).reasons] == ["code_wrong"]


def test_a_code_wears_off_within_45_seconds(studio: Any) -> None:
    """E6 and F24: a step of 15 s, one either side; whatever second of its step a screenshot was taken in."""
    for taken in range(studio.now, studio.now + 15):
        text = rolling.with_code(
            studio.text(tier=Tier.ROLLING, expires=studio.now + 999), studio.rolling_key, at_s=taken
        )
        good = [age for age in range(120) if studio.scan(text, now_s=taken + age).outcome is Outcome.OK]
        assert good == list(range(len(good)))
        assert 15 <= len(good) - 1 < 30


def test_guessing_codes_is_stopped(studio: Any) -> None:
    """After six wrong guesses the right code is refused as well, for a minute."""
    text = studio.text(tier=Tier.ROLLING, expires=studio.now + 999)
    for guess in range(6):
        assert studio.scan(f"{text}*{studio.now:010d}*{guess:08d}").reasons[0].code == "code_wrong"
        studio.ledger.add_refusal(studio.handle, at_s=studio.now)
    for later, outcome in ((1, Outcome.RATE_LIMITED), (59, Outcome.RATE_LIMITED), (60, Outcome.OK)):
        right = rolling.with_code(text, studio.rolling_key, at_s=studio.now + later)
        assert studio.scan(right, now_s=studio.now + later).outcome is outcome


def test_a_lost_kiosks_keys_make_no_code_of_a_new_epoch(studio: Any) -> None:
    studio.passes.put(studio.handle, PassState(active_epoch=2))
    new_key = rolling.rolling_key(b"studio rolling key", handle=studio.handle, epoch=2)
    studio.passes.put_rolling_key(studio.handle, epoch=2, key=new_key)
    text = studio.text(tier=Tier.ROLLING, epoch=2)
    stolen = rolling.with_code(text, studio.rolling_key, at_s=studio.now)
    assert studio.scan(stolen).reasons[0].code == "code_wrong"
    assert studio.scan(rolling.with_code(text, new_key, at_s=studio.now)).outcome is Outcome.OK


def test_a_verdict_carries_the_numbers_of_its_sentence(studio: Any) -> None:
    ended = studio.scan(studio.text(expires=studio.now - 900, not_before=studio.now - 1000))
    assert ended.reasons[0].params == {"ended_s": studio.now - 900}
    assert not ended.accepted
    for second in range(6):
        studio.ledger.add_refusal(studio.handle, at_s=studio.now - 10 + second)
    limited = studio.scan(studio.text())
    assert limited.reasons[0].params == {"wait_s": 56}


def mutants(studio: Any, rng: random.Random, count: int) -> list[str]:
    """Texts made of good ones: letters changed, cut, added, moved, swapped between passes; bits of the bytes flipped."""
    rolling_text = studio.text(tier=Tier.ROLLING)
    good = [
        studio.text(),
        studio.text(key_id=2, algorithm=Algorithm.ES256),
        studio.text(kind=Kind.EVENT, event=5, token=6),
        rolling.with_code(rolling_text, studio.rolling_key, at_s=studio.now),
        studio.text(nonce=1, expires=studio.now + 99),
    ]
    assert {studio.scan(text).outcome for text in good} == {Outcome.OK}

    def letter(text: str) -> str:
        at = rng.randrange(len(text))
        return text[:at] + rng.choice(base45.ALPHABET) + text[at + 1 :]

    def cut(text: str) -> str:
        at = rng.randrange(len(text))
        return text[:at] + text[at + rng.randrange(1, 6) :]

    def added(text: str) -> str:
        at = rng.randrange(len(text) + 1)
        return text[:at] + "".join(rng.choices(base45.ALPHABET + "abc\n\0é*", k=rng.randrange(1, 4))) + text[at:]

    def moved(text: str) -> str:
        one, two = sorted(rng.sample(range(3, len(text)), 2))
        return text[:one] + text[two] + text[one + 1 : two] + text[one] + text[two + 1 :]

    def spliced(text: str) -> str:
        at = rng.randrange(3, 150)
        return text[:at] + rng.choice(good)[at:]

    def group(text: str) -> str:
        at = 3 + 3 * rng.randrange(51)
        return text[:at] + "".join(rng.choices(base45.ALPHABET, k=3)) + text[at + 3 :]

    ways: list[Callable[[str], str]] = [letter, letter, cut, added, moved, spliced, group]
    made: list[str] = []
    while len(made) < count:
        text = rng.choice(ways)(rng.choice(good))
        if text not in good and not same_rolling_step(studio, text, good[3]):
            made.append(text)
    return made


def same_rolling_step(studio: Any, text: str, good: str) -> bool:
    """The code proves a step, not a second: another second of the same step is the same pass at the same time."""
    time = text[157:167]
    return (
        text[:157] == good[:157]
        and text[167:] == good[167:]
        and time.isdigit()
        and rolling.step_at(int(time)) == rolling.step_at(studio.now)
    )


def test_no_changed_text_is_accepted(studio: Any) -> None:
    """20,000 changed texts: none accepted, none raises, and none tells claims that nobody signed."""
    outcomes: dict[Outcome, int] = {}
    for text in mutants(studio, random.Random(44), 20_000):
        verdict = studio.scan(text)
        outcomes[verdict.outcome] = outcomes.get(verdict.outcome, 0) + 1
        assert verdict.outcome is not Outcome.OK, text
        assert verdict.claims is None or text.startswith(studio.text(tier=Tier.ROLLING)), text
    assert outcomes[Outcome.UNREADABLE] > 1_000
    assert outcomes[Outcome.TAMPERED] > 1_000


def test_every_single_bit_counts(studio: Any) -> None:
    """Each of the 102 x 8 bits of a pass, flipped, and signed by nobody."""
    data = base45.decode(studio.text()[3:])
    for bit in range(len(data) * 8):
        flipped = (int.from_bytes(data, "big") ^ 1 << bit).to_bytes(len(data), "big")
        assert studio.scan("CT:" + base45.encode(flipped)).outcome is not Outcome.OK


@pytest.mark.parametrize("environment", Environment)
def test_nothing_is_told_to_an_empty_device(studio: Any, environment: Environment) -> None:
    text = studio.text(test=environment is Environment.TEST)
    assert studio.scan(text, keys=None, environment=environment).reasons[0].code == "no_keys"


def test_a_pass_is_good_and_says_that_the_last_key_ends_soon(studio: Any) -> None:
    """Thirty days before it does, so that somebody brings the device to its cloud in time."""

    def notes(ends_s: int) -> list[str]:
        keys = tuple(msgspec.structs.replace(key, not_after=ends_s) for key in studio.bundle.keys)
        verdict = studio.scan(studio.text(), keys=msgspec.structs.replace(studio.bundle, keys=keys))
        assert verdict.outcome is Outcome.OK
        return [note.code for note in verdict.warnings if note.code == "keys_end_soon"]

    assert notes(studio.now + 31 * DAY_S) == []
    assert notes(studio.now + 29 * DAY_S) == ["keys_end_soon"]
