"""From a text to a verdict: one pure function that checks in the contract's order and never accepts early."""

from collections.abc import Callable
from enum import StrEnum

import msgspec

from classtap_core.passes import rolling
from classtap_core.passes.codec import Decoded, Kind, PassClaims, Tier, Unreadable, decode
from classtap_core.passes.keys import KeyBundle, PassKey
from classtap_core.passes.ledger import Ledger, Passes
from classtap_core.passes.signing import is_signed

DAY_S = 86_400


class Outcome(StrEnum):
    """The verdicts of the contract."""

    OK = "ok"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    TAMPERED = "tampered"
    UNKNOWN_KEY = "unknown_key"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    ENVIRONMENT_MISMATCH = "environment_mismatch"
    OTHER_STUDIO = "other_studio"
    USED = "used"
    RATE_LIMITED = "rate_limited"
    KEYS_STALE = "keys_stale"
    UNREADABLE = "unreadable"


class Environment(StrEnum):
    """Whether a studio is real or a rehearsal; passes of one are nothing in the other."""

    LIVE = "live"
    TEST = "test"


class Tolerance(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a verdict, in seconds.

    A pass is good up to `static_s` (printed) or `rolling_s` (on a screen) outside its times; the doubt a device has of
    its own clock widens that by at most as much again. A doubt beyond `suspect_s` admits
    a printed pass with the warning `clock_suspect`, and leaves one on a screen to staff. A rolling code is good `rolling_steps` steps either side. More
    than `refusals` refused scans of one pass within `refusal_window_s` stop it for `refusal_hold_s`. Staff are warned
    `keys_end_s` before the last key that is held ends.
    """

    static_s: int = 120
    rolling_s: int = 30
    rolling_steps: int = 1
    suspect_s: int = 120
    keys_warn_s: int = 7 * DAY_S
    keys_fail_s: int = 14 * DAY_S
    keys_end_s: int = 30 * DAY_S
    refusals: int = 5
    refusal_window_s: int = 30
    refusal_hold_s: int = 60


class Note(msgspec.Struct, frozen=True):
    """A reason or a warning: a code, and the numbers its sentence needs."""

    code: str
    params: dict[str, int] = {}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan is worth. `claims` are there only when the signature is good; `key_id` is what the text names."""

    outcome: Outcome
    reasons: tuple[Note, ...] = ()
    warnings: tuple[Note, ...] = ()
    claims: PassClaims | None = None
    key_id: int | None = None

    @property
    def accepted(self) -> bool:
        return self.outcome is Outcome.OK


class _Case(msgspec.Struct, frozen=True, kw_only=True):
    decoded: Decoded
    claims: PassClaims
    keys: KeyBundle | None
    studio: int
    environment: Environment
    tolerance: Tolerance
    ledger: Ledger
    passes: Passes
    now_s: float
    earliest_s: float
    latest_s: float
    suspect: bool

    @property
    def key(self) -> PassKey | None:
        return self.keys.key(self.claims.key_id) if self.keys is not None else None

    @property
    def leeway_s(self) -> int:
        return self.tolerance.static_s if self.claims.tier is Tier.STATIC else self.tolerance.rolling_s


class _Refusal(msgspec.Struct, frozen=True):
    outcome: Outcome
    reason: Note


def verify(
    text: str,
    *,
    keys: KeyBundle | None,
    studio: int,
    now_s: float,
    uncertainty_s: float,
    environment: Environment,
    tolerance: Tolerance,
    ledger: Ledger,
    passes: Passes,
) -> Verdict:
    """Return the verdict on a scanned text; the first check that fails names it.

    `keys` is the bundle in use (None: the device has none yet), `studio` the device's own, `now_s ± uncertainty_s` its
    clock as an interval of Unix seconds. Nothing is written and nothing is raised for any text.
    """
    try:
        decoded = decode(text)
    except Unreadable as error:
        return Verdict(outcome=Outcome.UNREADABLE, reasons=(Note(error.code),))
    claims = decoded.claims
    doubt_s = min(max(uncertainty_s, 0.0), tolerance.static_s if claims.tier is Tier.STATIC else tolerance.rolling_s)
    case = _Case(
        decoded=decoded,
        claims=claims,
        keys=keys,
        studio=studio,
        environment=environment,
        tolerance=tolerance,
        ledger=ledger,
        passes=passes,
        now_s=now_s,
        earliest_s=now_s - doubt_s,
        latest_s=now_s + doubt_s,
        suspect=uncertainty_s > tolerance.suspect_s,
    )
    for check in _BEFORE_TRUST:
        if (refusal := check(case)) is not None:
            return Verdict(outcome=refusal.outcome, reasons=(refusal.reason,), key_id=claims.key_id)
    for check in _AFTER_TRUST:
        if (refusal := check(case)) is not None:
            return Verdict(outcome=refusal.outcome, reasons=(refusal.reason,), claims=claims, key_id=claims.key_id)
    return Verdict(outcome=Outcome.OK, warnings=_warnings(case), claims=claims, key_id=claims.key_id)


def _environment(case: _Case) -> _Refusal | None:
    if case.claims.test == (case.environment is Environment.TEST):
        return None
    return _Refusal(Outcome.ENVIRONMENT_MISMATCH, Note("test_pass" if case.claims.test else "live_pass"))


def _studio(case: _Case) -> _Refusal | None:
    if case.claims.studio == case.studio:
        return None
    return _Refusal(Outcome.OTHER_STUDIO, Note("other_studio"))


def _key(case: _Case) -> _Refusal | None:
    if case.keys is None:
        return _Refusal(Outcome.UNKNOWN_KEY, Note("no_keys"))
    if case.keys.studio != case.studio:
        return _Refusal(Outcome.UNKNOWN_KEY, Note("keys_of_other_studio"))
    key = case.key
    if key is None:
        return _Refusal(Outcome.UNKNOWN_KEY, Note("key_not_held", {"key_id": case.claims.key_id}))
    if key.revoked_at is not None:
        return _Refusal(Outcome.UNKNOWN_KEY, Note("key_revoked", {"key_id": key.key_id, "revoked_s": key.revoked_at}))
    if case.latest_s < key.not_before - case.leeway_s:
        return _Refusal(Outcome.UNKNOWN_KEY, Note("key_too_new", {"key_id": key.key_id, "starts_s": key.not_before}))
    if case.earliest_s > key.not_after + case.leeway_s:
        return _Refusal(Outcome.UNKNOWN_KEY, Note("key_retired", {"key_id": key.key_id, "ended_s": key.not_after}))
    return None


def _signature(case: _Case) -> _Refusal | None:
    key, decoded = case.key, case.decoded
    if key is None or case.claims.algorithm is not key.algorithm:
        return _Refusal(Outcome.TAMPERED, Note("algorithm"))
    if is_signed(decoded.signed, decoded.signature, algorithm=key.algorithm, public=key.public):
        return None
    return _Refusal(Outcome.TAMPERED, Note("signature"))


def _not_before(case: _Case) -> _Refusal | None:
    if case.latest_s >= case.claims.not_before - case.leeway_s:
        return None
    return _Refusal(Outcome.NOT_YET_VALID, Note("starts_later", {"starts_s": case.claims.not_before}))


def _expiry(case: _Case) -> _Refusal | None:
    if case.earliest_s <= case.claims.expires + case.leeway_s:
        return None
    return _Refusal(Outcome.EXPIRED, Note("ended", {"ended_s": case.claims.expires}))


def _revoked(case: _Case) -> _Refusal | None:
    state = case.passes.state(case.claims.handle)
    if state is None or state.revoked_through is None or case.claims.epoch > state.revoked_through:
        return None
    return _Refusal(Outcome.REVOKED, Note("revoked"))


def _superseded(case: _Case) -> _Refusal | None:
    state = case.passes.state(case.claims.handle)
    if state is None or case.claims.epoch >= state.active_epoch:
        return None
    previous = case.claims.epoch == state.active_epoch - 1
    graced = state.rolling_grace or case.claims.tier is Tier.STATIC
    if previous and graced and state.grace_until_s is not None and case.earliest_s <= state.grace_until_s:
        return None
    return _Refusal(Outcome.SUPERSEDED, Note("replaced"))


def _rolling_code(case: _Case) -> _Refusal | None:
    suffix, steps = case.decoded.rolling, case.tolerance.rolling_steps
    if suffix is None:
        return None
    step = rolling.step_at(suffix.time_s)
    if not rolling.step_at(case.earliest_s) - steps <= step <= rolling.step_at(case.latest_s) + steps:
        return _Refusal(Outcome.EXPIRED, Note("code_stale", {"shown_s": suffix.time_s}))
    key = case.passes.rolling_key(case.claims.handle, epoch=case.claims.epoch)
    if key is None:
        return _Refusal(Outcome.UNKNOWN_KEY, Note("rolling_key_not_held"))
    if not rolling.is_code_of(key, time_s=suffix.time_s, code=suffix.code):
        return _Refusal(Outcome.EXPIRED, Note("code_wrong"))
    if case.suspect:
        return _Refusal(Outcome.EXPIRED, Note("clock_suspect"))
    return None


def _used(case: _Case) -> _Refusal | None:
    if case.claims.kind is not Kind.EVENT or case.claims.token is None:
        return None
    state = case.passes.state(case.claims.handle)
    # An attendee pass this device holds no state for admits once: the stricter reading, until the state arrives.
    limit = 1 if state is None else state.entry_limit
    if limit is None:
        return None
    window_s = None if state is None else state.entry_window_s
    since_s = None if window_s is None else case.now_s - window_s
    entries = case.ledger.entries(case.claims.handle, token=case.claims.token, since_s=since_s)
    if entries < limit:
        return None
    return _Refusal(Outcome.USED, Note("entries_used", {"entries": entries, "limit": limit}))


def _rate(case: _Case) -> _Refusal | None:
    allowed, window_s, hold_s = (
        case.tolerance.refusals,
        case.tolerance.refusal_window_s,
        case.tolerance.refusal_hold_s,
    )
    times = case.ledger.refusals(case.claims.handle, since_s=case.now_s - window_s - hold_s)
    for first_s, last_s in zip(times, times[allowed:], strict=False):
        wait_s = last_s + hold_s - case.now_s
        if last_s - first_s <= window_s and wait_s > 0:
            return _Refusal(Outcome.RATE_LIMITED, Note("too_many_refusals", {"wait_s": int(wait_s) + 1}))
    return None


def _key_age(case: _Case) -> _Refusal | None:
    age_s = _keys_age_s(case)
    if age_s < case.tolerance.keys_fail_s:
        return None
    return _Refusal(Outcome.KEYS_STALE, Note("keys_too_old", {"age_s": int(age_s)}))


def _keys_age_s(case: _Case) -> float:
    return case.earliest_s - case.keys.issued_at if case.keys is not None else 0.0


def _warnings(case: _Case) -> tuple[Note, ...]:
    claims, notes = case.claims, []
    state = case.passes.state(claims.handle)
    if state is None:
        notes.append(Note("pass_not_held"))
    elif claims.epoch > state.active_epoch:
        notes.append(Note("newer_epoch", {"epoch": claims.epoch, "held": state.active_epoch}))
    elif claims.epoch < state.active_epoch and state.grace_until_s is not None:
        notes.append(Note("replaced_soon", {"until_s": state.grace_until_s}))
    if case.suspect:
        notes.append(Note("clock_suspect"))
    if not claims.not_before <= case.now_s <= claims.expires:
        notes.append(Note("clock_tolerance_used"))
    age_s = _keys_age_s(case)
    if age_s > case.tolerance.keys_warn_s:
        notes.append(Note("keys_old", {"age_s": int(age_s)}))
    last_s = case.keys.last_end_s if case.keys is not None else None
    if last_s is not None and case.latest_s > last_s - case.tolerance.keys_end_s:
        notes.append(Note("keys_end_soon", {"ends_s": last_s}))
    if case.keys is not None and case.latest_s < case.keys.issued_at - case.leeway_s:
        notes.append(Note("clock_behind_keys", {"issued_s": case.keys.issued_at}))
    return tuple(notes)


# The contract's order. A text that fails two checks is refused for the earlier one; until the signature is good nothing
# it says is believed, so nothing it says is handed on.
_Check = Callable[[_Case], _Refusal | None]
_BEFORE_TRUST: tuple[_Check, ...] = (_environment, _studio, _key, _signature)
_AFTER_TRUST: tuple[_Check, ...] = (
    _not_before,
    _expiry,
    _revoked,
    _superseded,
    _rolling_code,
    _used,
    _rate,
    _key_age,
)
