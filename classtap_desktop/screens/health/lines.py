"""What the health cards say, as words: sizes, clocks, reasons, other devices. No widgets."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import NamedTuple

from classtap_core.auditing import saying
from classtap_core.auditing.lines import Line
from classtap_core.contesting.telling import Undecided
from classtap_core.store.space import Limits
from classtap_desktop.kit.device_words import size_words
from classtap_desktop.kit.notice_words import what_words
from classtap_desktop.screens.sessions import ago
from resources.text import Catalogue
from sync.client.health import Health, SetAside, Unjudged
from sync.client.keeping import Keeping
from sync.client.relay.local import Neighbour
from sync.protocol import DeviceStanding

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
SURE_MS = 120_000
"""A clock that may be wrong by more than this is said to be unsure (catalogue 14)."""


class DeviceLine(NamedTuple):
    """One of the studio's devices: its name, what is said of it, and whether it may still be shut out."""

    device: str
    name: str
    said: str
    tone: str
    stands: bool


def clock_words(health: Health, words: Catalogue) -> str:
    """How far this clock is off, and how surely that is known."""
    if health.uncertainty_ms is None:
        return words.say("desk.health.clock_unknown")
    code = "desk.health.clock_unsure" if health.uncertainty_ms > SURE_MS else "desk.health.clock_known"
    return words.say(code, offset=seconds(health.offset_ms, words), give=seconds(health.uncertainty_ms, words))


def seconds(ms: int, words: Catalogue) -> str:
    """A time in seconds, to a tenth while that says something; in milliseconds below one."""
    if abs(ms) < 1_000:
        return words.say("desk.health.milliseconds", number=words.number(abs(ms)))
    tenths = round(abs(ms) / 100)
    text = words.number(tenths // 10) if tenths >= 100 or tenths % 10 == 0 else f"{tenths / 10:.1f}"
    return words.say("desk.health.seconds", number=text)


def facts(health: Health, keeping: Keeping, now_ms: int, words: Catalogue) -> dict[str, str]:
    """The card's facts, by name."""
    sound = "sound" if keeping.sound else "mends" if keeping.mends else "damaged"
    return {
        "clock": clock_words(health, words),
        "room": words.say(
            "desk.health.room_is", used=size_words(health.store_bytes, words), free=size_words(health.free_bytes, words)
        ),
        "store": words.say(f"desk.health.store_{sound}"),
        "owner": words.say("desk.health.owner_sealed" if keeping.sealed else "desk.health.owner_none"),
        "rosters": roster_words(health, now_ms, words),
        "held": words.say("desk.health.held_is", whole=health.scopes_complete, all=health.scopes),
        "mended": words.number(health.repaired),
        "pass_keys": keys_words(health, now_ms, words),
        "last_trouble": trouble_words(health, now_ms, words),
    }


def trouble_words(health: Health, now_ms: int, words: Catalogue) -> str:
    """What stood in the way of sync last."""
    if health.last_trouble is None:
        return words.say("desk.health.last_trouble_none")
    code, at_ms = health.last_trouble
    if code == "cloud.unreachable":
        return words.say("desk.health.last_trouble_away", ago=ago(at_ms, now_ms, words))
    return words.say("desk.health.last_trouble_is", code=code, ago=ago(at_ms, now_ms, words))


def roster_words(health: Health, now_ms: int, words: Catalogue) -> str:
    """How long ago it was refreshed here who is due; and that today's whole list is not here, where it is not."""
    rosters = health.rosters
    if rosters.refreshed_ms is None:
        return words.say("desk.health.rosters_never")
    said = ago(rosters.refreshed_ms, now_ms, words)
    return said if rosters.today else f"{said}. {words.say('desk.health.rosters_not_today')}"


def neighbour_words(one: Neighbour, now_ms: int, words: Catalogue) -> str:
    """When another device in this network was heard last, and where."""
    return words.say("desk.health.heard", ago=ago(one.heard_ms, now_ms, words), address=one.address)


def keys_words(health: Health, now_ms: int, words: Catalogue) -> str:
    """As of when the pass keys are that this device holds, by the cloud's clock: how long ago, and in RFC 3339."""
    if health.keys is None:
        return words.say("desk.health.pass_keys_never")
    at = datetime.fromtimestamp(health.keys.updated_ms / 1_000, tz=UTC).isoformat(timespec="seconds")
    return words.say("desk.health.pass_keys_as_of", ago=ago(health.keys.updated_ms, now_ms, words), at=at)


def aside_words(one: SetAside, told: Line | None, now_ms: int, words: Catalogue) -> str:
    """What was set aside, when, and why."""
    what = what_words(one.kind, told, words)
    code = next((code for code in one.reasons if words.has(f"desk.aside.{code}")), "")
    why = words.say(f"desk.aside.{code}") if code else words.say("desk.aside.other", code=", ".join(one.reasons) or "–")
    return f"{what} · {ago(one.at_ms, now_ms, words)}. {why}"


def unjudged_words(one: Unjudged, told: Line | None, now_ms: int, words: Catalogue) -> str:
    """What was kept without being judged here, when, and what lacks."""
    what = what_words(one.kind, told, words)
    return words.say("desk.unjudged.line", what=what, ago=ago(one.at_ms, now_ms, words), scope=_part(one.scope, words))


def _part(scope: str, words: Catalogue) -> str:
    """What a scope holds, in words."""
    prefix, *rest = scope.split("/")
    code = f"desk.unjudged.part.{prefix}"
    if not words.has(code):
        return scope
    days = [words.date(date.fromisoformat(part), style="medium") for part in rest if _DAY.fullmatch(part)]
    return " · ".join([words.say(code), *days])


def contested_words(one: Undecided, now_ms: int, words: Catalogue) -> tuple[str, str]:
    """Who said what, and as what; then from where, when, and why it is not believed."""
    said = saying.sentence(one.line, words) + "."
    if one.states:
        states = ", ".join(words.say(f"desk.said.{state}") for state in one.states)
        said = f"{said} {words.say('desk.contested.marked', states=states)}"
    code = f"desk.contested.why.{one.held.why}"
    why = words.say(code) if words.has(code) else words.say("desk.contested.why.other", code=one.held.why)
    device = one.line.device_name or words.say("desk.contested.some_device")
    return said, words.say("desk.contested.told", device=device, ago=ago(one.held.at_ms, now_ms, words), why=why)


def device_line(one: DeviceStanding, now_ms: int, words: Catalogue) -> DeviceLine:
    """How one of the studio's devices is, as the cloud last heard."""
    report = one.report
    role = f"desk.health.role_{one.role}"
    said = [words.say(role) if words.has(role) else one.role]
    tone = "muted"
    if one.purge:
        said.append(words.say(f"desk.health.purge_{one.purge}"))
    elif one.revoked_ms is not None:
        said.append(words.say("desk.health.revoked"))
    if one.seen_ms is None:
        said.append(words.say("desk.health.never_seen"))
    else:
        said.append(words.say("desk.health.seen", ago=ago(one.seen_ms, now_ms, words)))
    if one.contested:
        said.append(words.say("desk.health.contested", number=one.contested))
    if report is not None:
        if report.pending:
            said.append(words.say("desk.health.waits", number=report.pending))
        if report.quarantined:
            said.append(words.say("desk.health.aside", number=report.quarantined))
        said.append(words.say("desk.health.free", size=size_words(report.free_bytes, words)))
        if report.protection == "file":
            said.append(words.say("desk.health.reduced"))
        if report.quarantined or report.trouble or report.free_bytes < Limits().low:
            tone = "warn"
    return DeviceLine(one.device, one.name, " · ".join(said), tone, one.revoked_ms is None)
