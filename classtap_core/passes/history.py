"""What became of a family's pass, newest first: for the desk and for support."""

from typing import NamedTuple

from classtap_core.passes.records import Pass


class Moment(NamedTuple):
    """One thing that happened to a pass. `what` is `issued` or `revoked`; `why` a code, or a reason somebody gave."""

    at_ms: int
    what: str
    epoch: int
    why: str


def history(held: Pass) -> tuple[Moment, ...]:
    """Everything the record remembers, newest first: the last twenty epochs, and every revocation."""
    found = [Moment(one.issued_s * 1000, "issued", one.epoch, one.because) for one in held.issues]
    found += [Moment(one.at_ms, "revoked", one.epoch, one.reason) for one in held.revoked]
    return tuple(sorted(found, key=lambda one: (one.at_ms, one.epoch), reverse=True))
