"""Write `vectors.json` and `parity.json`: what every implementation of the pass text must agree on.

Run it with `python tests/data/passes/make_vectors.py`; the keys are seeded and the signatures deterministic, so it
writes the same bytes each time. It packs, encodes and signs by itself, and states each expected outcome by hand: nothing
here comes from the code it is to judge. `docs/passes.md` describes the files.
"""

import hashlib
import hmac
import json
import struct
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = Path(__file__).parent
NOW = 1_790_000_000
HOUR, DAY = 3_600, 86_400
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def drawn(name: str, count: int) -> bytes:
    """`count` bytes that look random and never change."""
    return hashlib.shake_256(b"classtap pass vectors 1 " + name.encode()).digest(count)


def number(name: str, count: int) -> int:
    return int.from_bytes(drawn(name, count), "big")


STUDIO, OTHER_STUDIO = number("studio", 8), number("other studio", 8)
HANDLE, EVENT, TOKEN = number("handle", 8), number("event", 8), number("token", 6)


class Key:
    def __init__(self, key_id: int, algorithm: int, name: str) -> None:
        self.key_id, self.algorithm = key_id, algorithm
        if algorithm == 1:
            self._ed = ed25519.Ed25519PrivateKey.from_private_bytes(drawn(name, 32))
            self.public = self._ed.public_key().public_bytes_raw()
        else:
            self._ec = ec.derive_private_key(number(name, 31), ec.SECP256R1())
            self.public = self._ec.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def sign(self, message: bytes) -> bytes:
        if self.algorithm == 1:
            return self._ed.sign(message)
        der = self._ec.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return b"".join(part.to_bytes(32, "big") for part in decode_dss_signature(der))


ROOT, OTHER_ROOT = Key(0, 1, "root"), Key(0, 1, "other root")
ED, ES = Key(1, 1, "ed25519"), Key(2, 2, "es256")
RETIRED, FUTURE, REVOKED, STRANGER = (
    Key(3, 1, "retired"),
    Key(4, 1, "future"),
    Key(5, 1, "revoked"),
    Key(9, 1, "stranger"),
)
WINDOWS = {
    ED: (NOW - 30 * DAY, NOW + 400 * DAY, None),
    ES: (NOW - 30 * DAY, NOW + 400 * DAY, None),
    RETIRED: (NOW - 400 * DAY, NOW - DAY, None),
    FUTURE: (NOW + DAY, NOW + 400 * DAY, None),
    REVOKED: (NOW - 30 * DAY, NOW + 400 * DAY, NOW - HOUR),
}


def bundle(
    *, studio: int = STUDIO, version: int = 7, issued_at: int = NOW - HOUR, root: Key = ROOT, interface: int = 1
) -> str:
    keys = [
        {
            "algorithm": key.algorithm,
            "key_id": key.key_id,
            "not_after": last,
            "not_before": first,
            "public": key.public.hex(),
            "revoked_at": revoked_at,
        }
        for key, (first, last, revoked_at) in WINDOWS.items()
    ]
    document = {
        "bundle_version": version,
        "interface_version": interface,
        "issued_at": issued_at,
        "keys": keys,
        "studio": f"{studio:016x}",
    }
    line = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return line + "\n" + root.sign(b"CTK1" + line.encode()).hex()


def base45(data: bytes) -> str:
    text = ""
    for pair in (data[at : at + 2] for at in range(0, len(data), 2)):
        value = int.from_bytes(pair, "big")
        for _ in range(len(pair) + 1):
            text += LETTERS[value % 45]
            value //= 45
    return text


def text_of(
    *,
    key: Key = ED,
    version: int = 1,
    algorithm: int | None = None,
    key_id: int | None = None,
    flags: int = 0,
    studio: int = STUDIO,
    handle: int = HANDLE,
    epoch: int = 3,
    not_before: int = NOW - DAY,
    expires: int = NOW + 365 * DAY,
    nonce: bytes = drawn("nonce", 6),
    event: tuple[int, int] | None = None,
    prefix: bytes = b"CTP1",
) -> str:
    body = struct.pack(
        ">BBBBQQIII",
        version,
        key.algorithm if algorithm is None else algorithm,
        key.key_id if key_id is None else key_id,
        flags,
        studio,
        handle,
        epoch,
        not_before,
        expires,
    )
    body += nonce
    if event is not None:
        body += struct.pack(">Q", event[0]) + event[1].to_bytes(6, "big")
    return "CT:" + base45(body + key.sign(prefix + body))


def rolling_key(epoch: int) -> bytes:
    """HKDF-SHA-256 of the studio's rolling key (RFC 5869, written out), as a device gets it."""
    secret = drawn("studio rolling key", 32)
    extracted = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(extracted, b"CTP1 rolling" + struct.pack(">QI", HANDLE, epoch) + b"\x01", "sha256")[:20]


def rolled(text: str, *, at: int, epoch: int = 3, code: str | None = None) -> str:
    digest = hmac.digest(rolling_key(epoch), struct.pack(">Q", at // 15), "sha1")
    start = digest[19] & 15
    value = (int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF) % 10**8
    return f"{text}*{at:010d}*{f'{value:08d}' if code is None else code}"


ROLLING, FALLBACK, DEVICE, TEST = 0x02, 0x08, 0x04, 0x01
EVENT_KIND, PICKUP_KIND, STAFF_KIND = 0x10, 0x20, 0x30
ACTIVE = {
    "active_epoch": 3,
    "revoked_through": None,
    "grace_until_s": None,
    "entry_limit": None,
    "entry_window_s": None,
}
ONCE = {**ACTIVE, "entry_limit": 1}


def vectors() -> list[dict[str, object]]:
    made: list[dict[str, object]] = []

    def add(
        name: str,
        text: str,
        outcome: str,
        *reasons: str,
        now: float = NOW,
        uncertainty: float = 0,
        environment: str = "live",
        keys: str | None = "current",
        state: dict[str, object] | None = ACTIVE,
        rolling_epochs: tuple[int, ...] = (3,),
        entries: tuple[int, ...] = (),
        refusals: tuple[int, ...] = (),
        warnings: tuple[str, ...] = (),
        claims: dict[str, object] | None = None,
    ) -> None:
        made.append(
            {
                "id": name,
                "text": text,
                "now_s": now,
                "uncertainty_s": uncertainty,
                "environment": environment,
                "keys": keys,
                "pass_state": state,
                "rolling_key_epochs": list(rolling_epochs),
                "entries_s": list(entries),
                "refusals_s": list(refusals),
                "expect": {"outcome": outcome, "reasons": list(reasons), "warnings": list(warnings), "claims": claims},
            }
        )

    def said(
        kind: str = "family", tier: str = "static", algorithm: str = "ed25519", **more: object
    ) -> dict[str, object]:
        return {
            "algorithm": algorithm,
            "key_id": 1 if algorithm == "ed25519" else 2,
            "test": False,
            "tier": tier,
            "fallback": False,
            "kind": kind,
            "studio": f"{STUDIO:016x}",
            "handle": f"{HANDLE:016x}",
            "epoch": 3,
            "not_before": NOW - DAY,
            "expires": NOW + 365 * DAY,
            "nonce": drawn("nonce", 6).hex(),
            "event": None,
            "token": None,
            **more,
        }

    attendee = {"event": f"{EVENT:016x}", "token": f"{TOKEN:012x}"}
    for key, algorithm in ((ED, "ed25519"), (ES, "es256")):
        for flag, kind in ((0, "family"), (PICKUP_KIND, "pickup"), (STAFF_KIND, "staff")):
            add(
                f"ok {kind} static {algorithm}",
                text_of(key=key, flags=flag),
                "ok",
                claims=said(kind, "static", algorithm),
            )
            shown = rolled(text_of(key=key, flags=flag | ROLLING), at=NOW)
            add(f"ok {kind} rolling {algorithm}", shown, "ok", claims=said(kind, "rolling", algorithm))
        text = text_of(key=key, flags=EVENT_KIND, event=(EVENT, TOKEN))
        add(
            f"ok event static {algorithm}",
            text,
            "ok",
            state=ONCE,
            claims=said("event", "static", algorithm, **attendee),
        )
    add("ok fallback flag", text_of(flags=FALLBACK), "ok", claims=said(fallback=True))
    add("ok test pass in a test studio", text_of(flags=TEST), "ok", environment="test", claims=said(test=True))
    largest = {"epoch": 2**32 - 1, "handle": 2**64 - 1, "expires": 2**32 - 1}
    add(
        "ok largest numbers, pass not held",
        text_of(nonce=b"\xff" * 6, **largest),
        "ok",
        state=None,
        warnings=("pass_not_held",),
        claims=said(nonce="ff" * 6, **{**largest, "handle": "f" * 16}),
    )

    good, printed = text_of(), text_of(expires=NOW)
    add("unreadable empty", "", "unreadable", "not_a_pass")
    add("unreadable web address", "https://example.org/", "unreadable", "not_a_pass")
    add("unreadable lower-case prefix", "ct:" + good[3:], "unreadable", "not_a_pass")
    add("unreadable space in front", " " + good, "unreadable", "not_a_pass")
    add("unreadable prefix only", "CT:", "unreadable", "length")
    add("unreadable one letter short", good[:-1], "unreadable", "length")
    add("unreadable line end behind", good + "\n", "unreadable", "length")
    add("unreadable lower case", "CT:" + good[3:].lower(), "unreadable", "alphabet")
    add("unreadable foreign letter", good[:40] + "_" + good[41:], "unreadable", "alphabet")
    add("unreadable group above 65535", good[:3] + ":::" + good[6:], "unreadable", "alphabet")
    add("unreadable full-width digit in the body", good[:40] + "５" + good[41:], "unreadable", "alphabet")
    add("unreadable version 0", text_of(version=0), "unreadable", "version")
    add("unreadable version 2", text_of(version=2), "unreadable", "version")
    add("unreadable algorithm 0", text_of(algorithm=0), "unreadable", "algorithm")
    add("unreadable algorithm 3", text_of(algorithm=3), "unreadable", "algorithm")
    add("unreadable reserved flag", text_of(flags=0x80), "unreadable", "flags")
    add("unreadable kind 4", text_of(flags=0x40), "unreadable", "kind")
    add("unreadable kind 7", text_of(flags=0x70), "unreadable", "kind")
    add("unreadable device-bound", text_of(flags=DEVICE), "unreadable", "tier")
    add("unreadable tier 3", text_of(flags=DEVICE | ROLLING), "unreadable", "tier")
    rolling_event = text_of(flags=EVENT_KIND | ROLLING, event=(EVENT, TOKEN))
    add("unreadable rolling event", rolling_event, "unreadable", "tier")
    add("unreadable event without its event", text_of(flags=EVENT_KIND), "unreadable", "length")
    add("unreadable family with an event", text_of(event=(EVENT, TOKEN)), "unreadable", "length")
    rolling = text_of(flags=ROLLING)
    shown = rolled(rolling, at=NOW)
    add("unreadable rolling without suffix", rolling, "unreadable", "suffix")
    add("unreadable static with suffix", rolled(good, at=NOW), "unreadable", "length")
    add("unreadable suffix without star", shown[:156] + "+" + shown[157:], "unreadable", "suffix")
    add("unreadable suffix without second star", shown[:167] + "+" + shown[168:], "unreadable", "suffix")
    add("unreadable letter in the time", shown[:160] + "A" + shown[161:], "unreadable", "suffix")
    add("unreadable sign in the code", shown[:168] + "-" + shown[169:], "unreadable", "suffix")
    add("unreadable foreign digits in the code", shown[:168] + "１２３４５６７８", "unreadable", "suffix")

    add("environment test pass in a live studio", text_of(flags=TEST), "environment_mismatch", "test_pass")
    add("environment live pass in a test studio", good, "environment_mismatch", "live_pass", environment="test")
    add("studio other", text_of(studio=OTHER_STUDIO), "other_studio", "other_studio")

    add("key never heard of", text_of(key=STRANGER), "unknown_key", "key_not_held")
    add("key none held", good, "unknown_key", "no_keys", keys=None)
    add("key bundle of another studio", good, "unknown_key", "keys_of_other_studio", keys="other studio")
    add("key retired", text_of(key=RETIRED), "unknown_key", "key_retired")
    add(
        "key retired, within the tolerance",
        text_of(key=RETIRED),
        "ok",
        now=NOW - DAY + 120,
        keys="older",
        claims=said(key_id=3),
    )
    add(
        "key retired, beyond the tolerance",
        text_of(key=RETIRED),
        "unknown_key",
        "key_retired",
        now=NOW - DAY + 121,
        keys="older",
    )
    add("key not in force yet", text_of(key=FUTURE), "unknown_key", "key_too_new")
    add("key revoked", text_of(key=REVOKED), "unknown_key", "key_revoked")
    add("key revoked, text dated before", text_of(key=REVOKED, not_before=NOW - 20 * DAY), "unknown_key", "key_revoked")

    add("tampered another key's signature", text_of(key=STRANGER, key_id=1), "tampered", "signature")
    add("tampered algorithm of the text", text_of(key=ED, algorithm=2), "tampered", "algorithm")
    add("tampered algorithm confusion", text_of(key=ES, key_id=1), "tampered", "algorithm")
    add("tampered signature over no prefix", text_of(prefix=b""), "tampered", "signature")
    add("tampered es256 zero signature", zero_signature(ES), "tampered", "signature")
    add("tampered ed25519 zero signature", zero_signature(ED), "tampered", "signature")

    early, early_roll = text_of(not_before=NOW + 120), text_of(flags=ROLLING, not_before=NOW + 31)
    early_claims = said(not_before=NOW + 120)
    used_tolerance = ("clock_tolerance_used",)
    add("not yet valid", text_of(not_before=NOW + HOUR), "not_yet_valid", "starts_later")
    add("start within the tolerance", early, "ok", warnings=used_tolerance, claims=early_claims)
    add("start one second beyond the tolerance", early, "not_yet_valid", "starts_later", now=NOW - 1)
    add("start, rolling tolerance", rolled(early_roll, at=NOW), "not_yet_valid", "starts_later")
    add(
        "start within the clock's doubt",
        early,
        "ok",
        now=NOW - 60,
        uncertainty=60,
        warnings=used_tolerance,
        claims=early_claims,
    )

    printed_claims = said(expires=NOW)
    add("expired", text_of(expires=NOW - HOUR), "expired", "ended")
    add("end itself", printed, "ok", claims=printed_claims)
    add("end within the tolerance", printed, "ok", now=NOW + 120, warnings=used_tolerance, claims=printed_claims)
    add("end one second beyond the tolerance", printed, "expired", "ended", now=NOW + 121)
    add("end 180 s ago", printed, "expired", "ended", now=NOW + 180)
    add(
        "end within the clock's doubt",
        printed,
        "ok",
        now=NOW + 180,
        uncertainty=60,
        warnings=used_tolerance,
        claims=printed_claims,
    )
    add("end, doubt counts once more at most", printed, "expired", "ended", now=NOW + 241, uncertainty=DAY)
    short = text_of(flags=ROLLING, expires=NOW)
    add(
        "end within the rolling tolerance",
        rolled(short, at=NOW + 30),
        "ok",
        now=NOW + 30,
        warnings=used_tolerance,
        claims=said(tier="rolling", expires=NOW),
    )
    add("end beyond the rolling tolerance", rolled(short, at=NOW + 31), "expired", "ended", now=NOW + 31)

    add("revoked", good, "revoked", "revoked", state={**ACTIVE, "revoked_through": 3})
    reissued = {**ACTIVE, "active_epoch": 4, "revoked_through": 3, "grace_until_s": NOW + DAY}
    add("revoked has no grace", good, "revoked", "revoked", state=reissued)
    add("revoked earlier, reissued", text_of(epoch=4), "ok", state=reissued, claims=said(epoch=4))
    raised = {**ACTIVE, "active_epoch": 4}
    add("superseded without grace", good, "superseded", "replaced", state=raised)
    in_grace, over = {**raised, "grace_until_s": NOW}, {**raised, "grace_until_s": NOW - 1}
    add("superseded, in its grace", good, "ok", state=in_grace, warnings=("replaced_soon",), claims=said())
    add("superseded, grace over", good, "superseded", "replaced", state=over)
    add("superseded twice", text_of(epoch=2), "superseded", "replaced", state=in_grace)
    add("newer epoch than held", text_of(epoch=5), "ok", state=ACTIVE, warnings=("newer_epoch",), claims=said(epoch=5))

    # NOW is five seconds into its step of fifteen.
    assert NOW % 15 == 5
    roll_claims = said(tier="rolling")
    add("rolling one step old, last second", rolled(rolling, at=NOW - 20), "ok", claims=roll_claims)
    add("rolling two steps old", rolled(rolling, at=NOW - 21), "expired", "code_stale")
    add("rolling one step ahead", rolled(rolling, at=NOW + 24), "ok", claims=roll_claims)
    add("rolling two steps ahead", rolled(rolling, at=NOW + 25), "expired", "code_stale")
    add("rolling screenshot after 45 s", rolled(rolling, at=NOW), "expired", "code_stale", now=NOW + 45)
    add(
        "rolling within the clock's doubt",
        rolled(rolling, at=NOW),
        "ok",
        now=NOW + 45,
        uncertainty=30,
        claims=roll_claims,
    )
    add(
        "rolling, doubt counts 30 s at most",
        rolled(rolling, at=NOW),
        "expired",
        "code_stale",
        now=NOW + 60,
        uncertainty=DAY,
    )
    add("rolling wrong code", rolled(rolling, at=NOW, code="00000000"), "expired", "code_wrong")
    add(
        "rolling code of another step",
        shown[:156] + rolled("", at=NOW + 15)[:11] + shown[167:],
        "expired",
        "code_wrong",
    )
    add("rolling code of another epoch's key", rolled(rolling, at=NOW, epoch=2), "expired", "code_wrong")
    add("rolling key not held", shown, "unknown_key", "rolling_key_not_held", rolling_epochs=())

    attending = text_of(flags=EVENT_KIND, event=(EVENT, TOKEN))
    attendee_claims = said("event", **attendee)
    thrice = {**ACTIVE, "entry_limit": 3, "entry_window_s": DAY}
    add("used", attending, "used", "entries_used", state=ONCE, entries=(NOW - DAY,))
    add("used, third of three", attending, "ok", state=thrice, entries=(NOW - 2, NOW - 1), claims=attendee_claims)
    add("used, fourth of three", attending, "used", "entries_used", state=thrice, entries=(NOW - 3, NOW - 2, NOW - 1))
    add(
        "used, fourth of three in the window",
        attending,
        "ok",
        state=thrice,
        entries=(NOW - DAY - 1, NOW - 2, NOW - 1),
        claims=attendee_claims,
    )
    add("used, no limit", attending, "ok", state=ACTIVE, entries=(NOW - 1,) * 9, claims=attendee_claims)
    add(
        "used, state not held admits once",
        attending,
        "ok",
        state=None,
        warnings=("pass_not_held",),
        claims=attendee_claims,
    )
    add("used, state not held and once admitted", attending, "used", "entries_used", state=None, entries=(NOW - 1,))
    add("used says nothing of a family", good, "ok", entries=(NOW - 1,) * 9, claims=said())

    add("rate five refusals", good, "ok", refusals=tuple(range(NOW - 5, NOW)), claims=said())
    add("rate six refusals", good, "rate_limited", "too_many_refusals", refusals=tuple(range(NOW - 6, NOW)))
    add("rate held 59 s later", good, "rate_limited", "too_many_refusals", refusals=tuple(range(NOW - 64, NOW - 58)))
    add("rate over after 60 s", good, "ok", refusals=tuple(range(NOW - 65, NOW - 59)), claims=said())
    add("rate slow refusals", good, "ok", refusals=tuple(range(NOW - 40, NOW + 2, 7)), claims=said())

    add("keys 7 days old", good, "ok", keys="7 days", claims=said())
    add("keys 7 days and a second old", good, "ok", keys="7 days", now=NOW + 1, warnings=("keys_old",), claims=said())
    add(
        "keys a second short of 14 days", good, "ok", keys="14 days", now=NOW - 1, warnings=("keys_old",), claims=said()
    )
    add("keys 14 days old", good, "keys_stale", "keys_too_old", keys="14 days")
    behind = ("clock_behind_keys",)
    add("clock behind the keys", good, "ok", now=NOW - 2 * HOUR, warnings=behind, claims=said())
    return made


def zero_signature(key: Key) -> str:
    class Zero(Key):
        def __init__(self) -> None:
            self.key_id, self.algorithm = key.key_id, key.algorithm

        def sign(self, message: bytes) -> bytes:
            return bytes(64)

    return text_of(key=Zero())


def parity() -> list[dict[str, object]]:
    """500 texts, each at five offsets of the device's clock (catalogue 44: valid, invalid, expired, early, stale keys)."""
    rows: list[dict[str, object]] = []
    offsets = (-180, -120, 0, 120, 180)
    for at in range(100):
        key, nonce, handle = (ED, ES)[at % 2], drawn(f"parity {at}", 6), number(f"parity {at}", 8)
        own = {"key": key, "nonce": nonce, "handle": handle}
        end, start = text_of(**own, expires=NOW), text_of(**own, not_before=NOW)
        valid = text_of(**own)
        place = 3 + at % 150
        # One letter of the body changed: the group it is in stays below 65536 only for some letters, so both refusals occur.
        changed = valid[:place] + LETTERS[(LETTERS.index(valid[place]) + 1 + at % 7) % 45] + valid[place + 1 :]
        rows.append({"text": valid, "keys": "current", "expect": ["ok"] * 5})
        rows.append({"text": end, "keys": "current", "expect": ["ok", "ok", "ok", "ok", "expired"]})
        rows.append({"text": start, "keys": "current", "expect": ["not_yet_valid", "ok", "ok", "ok", "ok"]})
        another = text_of(**{**own, "nonce": drawn(f"parity stale {at}", 6)})
        rows.append({"text": changed, "keys": "current", "expect": ["refused"] * 5})
        rows.append(
            {"text": another, "keys": "14 days", "expect": ["ok", "ok", "keys_stale", "keys_stale", "keys_stale"]}
        )
    return [{**row, "offsets_s": list(offsets), "now_s": NOW} for row in rows]


def files() -> dict[str, str]:
    bundles = {
        "current": bundle(),
        "older": bundle(version=6, issued_at=NOW - 2 * DAY),
        "7 days": bundle(issued_at=NOW - 7 * DAY),
        "14 days": bundle(issued_at=NOW - 14 * DAY),
        "other studio": bundle(studio=OTHER_STUDIO),
    }
    refused = {
        "bundle_signature": bundle(root=OTHER_ROOT),
        "bundle_interface": bundle(interface=2),
        "bundle_malformed": bundle()[:-2],
    }
    shared = {
        "format": 1,
        "root_public": ROOT.public.hex(),
        "studio": f"{STUDIO:016x}",
        "handle": f"{HANDLE:016x}",
        "token": f"{TOKEN:012x}",
        "bundles": bundles,
    }
    made = {
        **shared,
        "refused_bundles": refused,
        "rolling_keys": {str(epoch): rolling_key(epoch).hex() for epoch in (2, 3)},
        "studio_rolling_key": drawn("studio rolling key", 32).hex(),
        "vectors": vectors(),
    }
    return {
        "vectors.json": json.dumps(made, indent=1) + "\n",
        "parity.json": json.dumps({**shared, "rows": parity()}, indent=None, separators=(",", ":")) + "\n",
    }


if __name__ == "__main__":
    for name, text in files().items():
        (HERE / name).write_text(text, encoding="utf-8")
