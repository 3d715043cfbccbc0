"""The one decision, beside Cedar over the same grants; and a roster of 200 rows that only shows what may be seen."""

import time

import cedarpy

from bench.claims import Claim, claim, percentile
from classtap_core.access.assigning import explained
from classtap_core.access.blueprints import ROLES, Capability
from classtap_core.access.filtering import RowFilter
from classtap_core.access.records import Grant
from classtap_core.access.rules import capabilities_of, decide, place_of
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Resource

NOW_MS = 1_795_248_000_000
PLACES = tuple(derived("bench.access", f"place {number}") for number in range(8))
ROOMS = tuple(derived("bench.access", f"room {number}") for number in range(25))
DECISIONS, CEDAR_DECISIONS, ROSTERS, ROWS = 2_000, 100, 100, 200


def run() -> list[Claim]:
    """One run of every claim."""
    grants = _grants()
    asked = [(right, Resource(place, room)) for right in Capability for place in PLACES for room in ROOMS][:DECISIONS]
    times = _timed([lambda right=right, at=at: decide(grants, right, at, at_ms=NOW_MS) for right, at in asked])
    told = _timed([lambda right=right, at=at: explained(grants, right, at, at_ms=NOW_MS) for right, at in asked])
    cedar = _timed([lambda right=right, at=at: _cedar(grants, right, at) for right, at in asked[:CEDAR_DECISIONS]])
    rows = [Resource(PLACES[number % 8], ROOMS[number % 25], segment=f"family {number}") for number in range(ROWS)]

    def roster() -> None:
        kept = RowFilter(grants, Capability.VIEW_ROSTER, at_ms=NOW_MS).rows(rows, lambda row: row)
        if not 0 < len(kept) < ROWS:
            raise RuntimeError("the bench's roster is partly seen")

    return [
        claim("access.decide_p95_ms", percentile(times, 95), goal=1.0, beside=("Cedar", percentile(cedar, 95))),
        claim("access.explain_p95_ms", percentile(told, 95), goal=1.0),
        claim("access.roster_of_200_p95_ms", percentile(_timed([roster] * ROSTERS), 95), goal=20.0),
    ]


def _grants() -> tuple[Grant, ...]:
    """Twelve grants of somebody who works in many places, three of them denials, no role at the last place."""
    roles = [role for role in ROLES if role != "owner"]
    holder = Id("1" * 32)
    given = [
        Grant(id=derived("bench.grant", str(n)), holder=holder, role=roles[n % len(roles)], location=PLACES[n % 7])
        for n in range(9)
    ]
    denied = [
        Grant(
            id=derived("bench.deny", str(n)), holder=holder, role="", capabilities=("undo", "view_roster"), deny=True,
            room=ROOMS[n],
        )
        for n in range(3)
    ]  # fmt: skip
    return (*given, *denied)


def _cedar(grants: tuple[Grant, ...], right: str, resource: Resource) -> bool:
    policies = []
    for one in grants:
        if right in capabilities_of(one):
            limits = [f'resource has {n} && resource.{n} == "{v}"' for n, v in place_of(one)._asdict().items() if v]
            effect = "forbid" if one.deny else "permit"
            policies.append(f"{effect}(principal, action, resource) when {{ {' && '.join(limits) or 'true'} }};")
    attrs = {name: value for name, value in resource._asdict().items() if value}
    request = {"principal": 'Staff::"who"', "action": 'Action::"do"', "resource": 'Thing::"it"', "context": {}}
    entities = [{"uid": {"type": "Thing", "id": "it"}, "attrs": attrs, "parents": []}]
    return bool(cedarpy.is_authorized(request, "\n".join(policies), entities).allowed)


def _timed(works: list) -> list[float]:  # type: ignore[type-arg]
    times = []
    for work in works:
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1_000)
    return times
