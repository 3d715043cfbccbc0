"""Who comes to the demonstration's kiosk, in order: families, a stranger's code, damaged and forged cards, a repeat."""

from typing import NamedTuple

from classtap_cli.demo.recording import Scene
from classtap_cli.demo.studio import DemoFamily, Plan
from classtap_cli.demo.surroundings import DemoHouse
from classtap_core.access.blueprints import MANAGER
from classtap_core.kernel.envelope import Author
from classtap_core.passes.operations import RevokePass

STRANGER = "https://example.com/menu"


class Visit(NamedTuple):
    """A scene before the lens, and whose it is; None for what is nobody's here."""

    scene: Scene
    family: DemoFamily | None


def visits(demo: DemoHouse) -> list[Visit]:
    """The recording's cast. Revokes one family's pass on the way, so that it can be refused."""
    due = _shown(demo.plan)
    lost = next(
        family for family in reversed(demo.plan.families) if family.home == demo.plan.main and family not in due
    )
    lost_text = demo.pass_text(lost)
    _revoke(demo, lost)
    looks = (
        ("card", "clean"), ("phone", "tilt"), ("card", "motion"), ("phone", "glare"), ("card", "lowlight"),
        ("card", "noise"), ("phone", "rotate"),
    )  # fmt: skip
    found = [
        Visit(Scene(demo.pass_text(family), "ok", family.name, form=form, light=light, seconds=2.8), family)  # type: ignore[arg-type]
        for family, (form, light) in zip(due, looks, strict=False)
    ]
    forged = _forged(demo.pass_text(due[0]))
    between = [
        Visit(Scene(STRANGER, "unreadable", "", form="phone", seconds=2.2), None),
        Visit(Scene(demo.pass_text(due[1]), "unreadable", due[1].name, damage="torn", seconds=2.6), None),
        Visit(Scene(forged, "tampered", due[0].name, seconds=2.2), None),
        Visit(Scene(lost_text, "revoked", lost.name, seconds=2.2), lost),
    ]
    for position, visit in zip((1, 3, 4, 6), between, strict=True):
        found.insert(position, visit)
    again = found[0].scene
    found.append(Visit(Scene(again.code, "ok", again.family, seconds=2.4, dip_ms=300), found[0].family))
    return found


def _shown(plan: Plan) -> list[DemoFamily]:
    """Families with several children here now, each in another script where it can be."""
    here = [family for family in plan.families if family.home == plan.main and family.due]
    several = [family for family in here if len(family.children) > 1] or here
    by_language = {family.language: family for family in reversed(several)}
    return [*by_language.values()][::-1][:7]


def _forged(text: str) -> str:
    """The same text with one character of its signature changed to another of the same alphabet."""
    at = len(text) - 9
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def _revoke(demo: DemoHouse, family: DemoFamily) -> None:
    manager = next(person for person in demo.plan.staff if person.role == MANAGER)
    authority = demo.cloud.studios.authority(demo.plan.studio)
    payload = RevokePass(family=family.family, home=family.home, epoch=1, reason="lost")
    authority.author(demo.plan.cloud, payload, Author(type="staff", id=manager.staff), source="demo")
