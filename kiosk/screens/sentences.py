"""Codes of the flow turned into the catalogue's sentences, with something true to say also for codes of next year."""

from __future__ import annotations

from classtap_desktop.kit import theme
from kiosk.view import Notice, Params, Reason, Row, Status

_ALIKE = {
    **dict.fromkeys(("length", "alphabet", "algorithm", "flags", "kind", "tier"), "damaged"),
    **dict.fromkeys(("no_keys", "keys_of_other_studio"), "not_ready"),
    **dict.fromkeys(("key_retired", "key_revoked"), "key_old"),
    "code_wrong": "code_stale",
}
"""Reasons that ask the same of whoever stands there."""


def titled(family: str, code: str, params: Params = (), *, reason: str = "") -> tuple[str, str]:
    """Return title and sentence of ``family.code`` (``outcome.expired``), or of ``family.other`` where there is none.

    Where the catalogue tells a ``reason`` apart (``outcome.expired.code_stale``), its words.
    """
    words = theme().words
    known = code if words.has(f"{family}.{code}.title") else "other"
    reason = _ALIKE.get(reason, reason)
    if reason and words.has(f"{family}.{code}.{reason}"):
        known = f"{code}.{reason}"
    return words.say(f"{family}.{known}.title"), words.say(f"{family}.{known}", **dict(params))


def notice_words(notice: Notice) -> str:
    """Return a passing notice's sentence, in the plural form that its ``n`` asks for."""
    params = dict(notice.params)
    amount = params.pop("n", None)
    if isinstance(amount, int):
        return theme().words.say_n(notice.code, amount, **params)
    return theme().words.say(notice.code, **params)


def trouble_words(code: str) -> str:
    """Return the sentence of an error's or gate's whole code."""
    words = theme().words
    return words.say(code) if words.has(code) else words.say("error.unknown", code=code)


def gate_words(gate: str) -> str:
    """Return why a gate takes choices away."""
    code = gate if gate.startswith("gate.") else f"gate.{gate}"
    return theme().words.say(code if theme().words.has(code) else "gate.capability")


def reason_words(reason: Reason | str) -> str:
    """Return a reason's label, its own or the catalogue's."""
    own = reason if isinstance(reason, Reason) else Reason(reason)
    if own.label:
        return own.label
    code = f"reason.{own.id}"
    return theme().words.say(code) if theme().words.has(code) else own.id


def row_note(row: Row, *, zone: str, online: bool, trouble: bool) -> tuple[str, str]:
    """Return what stands under a child's name and its colour token: the latest trouble, else what is known.

    ``trouble`` says that the store's trouble already stands above the board.
    """
    words = theme().words
    if row.error and trouble and row.error.startswith("error."):
        return words.say("kiosk.not_saved"), "warn"
    if row.error:
        return trouble_words(row.error), "warn"
    if not row.saved:
        return words.say("kiosk.saving"), "muted"
    known: list[str] = []
    if row.state == Status.PRESENT:
        known.append(words.say("kiosk.saved" if online else "kiosk.saved_here"))
    if row.state == Status.LATE and row.expected_ms is not None:
        known.append(words.say("kiosk.arriving", time=words.time(row.expected_ms, zone)))
    if row.state in (Status.LATE, Status.ABSENT) and row.reason:
        known.append(reason_words(row.reason))
    if row.note:
        known.append(row.note)
    if row.disabled_reason:
        known.append(gate_words(row.disabled_reason))
    elif row.spot:
        known.append(words.say("kiosk.spot", spot=row.spot))
    if not known and row.state == Status.NONE:
        known.append(words.say("state.none"))
    return words.join(known), "late" if row.disabled_reason else "muted"
