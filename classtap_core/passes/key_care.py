"""What staff should know of the keys a device checks passes with, before nobody can be let in any more. Pure."""

from classtap_core.passes.keys import KeyBundle
from classtap_core.passes.verify import DAY_S, Note, Tolerance

_USUAL = Tolerance()


def key_word(bundle: KeyBundle | None, *, now_s: float, newer: bool, tolerance: Tolerance = _USUAL) -> Note | None:
    """The most urgent thing about the keys that are held; None while all is well.

    `newer`: the cloud offers a bundle that this program is too old for. Codes: `none`, `stale` (too old to judge by),
    `ended` (every key's time is over), `upgrade`, `end_soon`, `old`; their params are whole days.
    """
    if bundle is None:
        return Note("none")
    age_s, last_s = now_s - bundle.issued_at, bundle.last_end_s
    if age_s >= tolerance.keys_fail_s:
        return Note("stale", {"days": int(age_s // DAY_S)})
    if last_s is None or now_s > last_s:
        return Note("ended")
    if newer:
        return Note("upgrade")
    if now_s > last_s - tolerance.keys_end_s:
        return Note("end_soon", {"days": int((last_s - now_s) // DAY_S)})
    return Note("old", {"days": int(age_s // DAY_S)}) if age_s > tolerance.keys_warn_s else None
