"""Figures of scans: counted as they were, told without anybody in them."""

import msgspec

from classtap_core.checkin.attempts import Attempt, ScanAttempts
from classtap_core.checkin.records import Scan
from classtap_core.checkin.scan_figures import scan_figures
from tests.unit.house.world import FAMILY, KIOSK, MAIN, MINUTE, NINE, OTHER_KIOSK, named


def scan(number: int, outcome: str = "ok", *, minutes: int = 0, device: str = KIOSK) -> Scan:
    return Scan(
        id=named(f"scan {number}"), outcome=outcome, handle="ab" * 8, at_ms=NINE + minutes * MINUTE, location=MAIN,
        date="2026-11-21", device=device, family=FAMILY, decode_us=1_000 + number, verify_us=200,
    )  # fmt: skip


def test_counts_by_outcome_hour_and_door() -> None:
    scans = [scan(number) for number in range(5)] + [scan(9, "used", minutes=70, device=OTHER_KIOSK)]
    tried = Attempt(outcome="tampered", reason="signature", count=4, first_ms=NINE, last_ms=NINE)
    told = ScanAttempts(
        id=named("told"), device=KIOSK, location=MAIN, date="2026-11-21", first_ms=NINE, items=(tried,)
    )  # fmt: skip
    found = scan_figures(scans, [told], zone="Europe/Madrid")
    assert found.outcomes == {"ok": 5, "used": 1, "tampered": 4}
    assert found.hours == {(9, "ok"): 5, (-1, "used"): 1, (9, "tampered"): 4}, "one alone is not told by its hour"
    assert found.devices == {KIOSK: 9, OTHER_KIOSK: 1}
    assert (found.decode_us, found.verify_us) == (1_003, 200)


def test_what_left_a_ledger_is_added_up_by_door_and_is_no_scan() -> None:
    told = [
        ScanAttempts(
            id=named(f"told {many}"), device=device, location=MAIN, date="2026-11-21", first_ms=at_ms, items=(),
            evicted=many, evicted_ms=at_ms,
        )
        for many, device, at_ms in ((30, KIOSK, NINE + MINUTE), (12, KIOSK, NINE), (5, OTHER_KIOSK, NINE), (0, KIOSK, 0))
    ]  # fmt: skip
    found = scan_figures([], told, zone="Europe/Madrid")
    assert found.evicted == {KIOSK: (42, NINE + MINUTE), OTHER_KIOSK: (5, NINE)}
    assert (found.outcomes, found.devices) == ({}, {})


def test_nobody_is_in_it() -> None:
    found = msgspec.json.encode([str(scan_figures([scan(1)], [], zone="Europe/Madrid"))])
    assert FAMILY.encode() not in found
    assert b"abab" not in found


def test_nothing_comes_to_nothing() -> None:
    assert scan_figures([], [], zone="UTC") == ({}, {}, {}, 0, 0, {})
