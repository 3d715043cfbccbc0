"""How scanning goes, for a screen or a report: counts by hour, door and outcome. Nobody's name, family or pass in it."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from classtap_core.checkin.attempts import ScanAttempts
from classtap_core.checkin.records import Scan
from classtap_core.timekeeping.rules import iso_local

FEWEST = 3
"""A cell with fewer scans is not told apart by the hour, so that one family alone is nobody's figure."""


class ScanFigures(NamedTuple):
    """What a stretch of time came to.

    Attributes:
        outcomes: verdict → how many; refusals that are only counted are in it. hours: (local hour, outcome) → how many,
        cells below three together under hour -1. devices: device → how many. decode_us, verify_us: the median, 0 with
        nothing to take it from. evicted: device → how many entries left its ledger, and when the last did (ms).
    """

    outcomes: dict[str, int]
    hours: dict[tuple[int, str], int]
    devices: dict[str, int]
    decode_us: int
    verify_us: int
    evicted: dict[str, tuple[int, int]]


def scan_figures(
    scans: Iterable[Scan], attempts: Iterable[ScanAttempts], *, zone: str, outcome: str = ""
) -> ScanFigures:
    """Count scans, and what was tried in vain, by the wall clock of `zone`; of one verdict, or of all."""
    outcomes: Counter[str] = Counter()
    hours: Counter[tuple[int, str]] = Counter()
    devices: Counter[str] = Counter()
    decoded, verified = [], []
    evicted: dict[str, tuple[int, int]] = {}
    for scan in scans:
        if outcome not in ("", scan.outcome):
            continue
        outcomes[scan.outcome] += 1
        hours[_hour(scan.at_ms, zone), scan.outcome] += 1
        devices[scan.device] += 1
        decoded += [scan.decode_us] if scan.decode_us else []
        verified += [scan.verify_us] if scan.verify_us else []
    for told in attempts:
        if told.evicted:
            many, last_ms = evicted.get(told.device, (0, 0))
            evicted[told.device] = (many + told.evicted, max(last_ms, told.evicted_ms))
        for one in told.items:
            if outcome not in ("", one.outcome):
                continue
            outcomes[one.outcome] += one.count
            hours[_hour(one.first_ms, zone), one.outcome] += one.count
            devices[told.device] += one.count
    return ScanFigures(dict(outcomes), _told(hours), dict(devices), _median(decoded), _median(verified), evicted)


def _told(hours: Counter[tuple[int, str]]) -> dict[tuple[int, str], int]:
    told: Counter[tuple[int, str]] = Counter()
    for (hour, outcome), count in hours.items():
        told[hour if count >= FEWEST else -1, outcome] += count
    return dict(told)


def _hour(at_ms: int, zone: str) -> int:
    return int(iso_local(at_ms, zone)[11:13])


def _median(values: list[int]) -> int:
    return sorted(values)[len(values) // 2] if values else 0
