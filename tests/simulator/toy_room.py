"""The toy room in the simulator: marks, renames, places that run out, an older program, a person without rights."""

from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

import msgspec

from classtap_core.kernel.bus import Gate, Permission
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import derived
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.undo import Undo
from tests.simulator import toy_later
from tests.simulator.node import Node
from tests.simulator.world import Role, World
from tests.unit.kernel import toy

STAFF = Author(type="staff", id=derived("staff", "ana"))
EXPIRED = Author(type="staff", id=derived("staff", "expired"))
"""The devices believe in this one still; the cloud knows better."""
HOUSES = ("north", "south")
CHILDREN = tuple(derived("child", str(number)) for number in range(6))
GOES_TO = {house: CHILDREN[number::2] for number, house in enumerate(HOUSES)}
"""Where a child's presence lies, whatever house it is enrolled in."""
SEATS, COUNTED = derived("seats", "scarce"), derived("seats", "counted")
PLACES = 12
ALL = ("families/north", "families/south", "roster/north", "roster/south", "schedule")


class ToyRoom:
    def modules(self, *, older: bool) -> Sequence[ModuleType]:
        return [toy if older else toy_later]

    def permission(self, *, authority: bool) -> Permission:
        return toy.AllowAll(EXPIRED.id) if authority else toy.AllowAll()

    def gates(self, *, authority: bool) -> Sequence[Gate]:
        return ()

    def roles(self) -> Iterable[Role]:
        yield Role("desk", ALL, STAFF)
        yield Role("kiosk-north", ("roster/north", "families/north", "schedule"), STAFF)
        yield Role("kiosk-south", ("roster/south", "families/south", "schedule"), STAFF, older=True)
        yield Role("tablet", ("roster/north",), STAFF)

    def found(self, world: World) -> None:
        author = world.server.authority.author
        author(world.server.own, toy.Post(seats=SEATS, free=PLACES), STAFF, source="found")
        for number, child in enumerate(CHILDREN[:4]):
            enrolled = toy_later.Enrol(child=child, house=HOUSES[number % 2], name=f"child {number}")
            author(world.server.own, enrolled, STAFF, source="found")

    def act(self, world: World, node: Node) -> None:
        rng = world.rng
        room: Any = toy if "toy.nickname" not in node.kernel_bus.registry.specs else toy_later
        child, house = rng.choice(CHILDREN), rng.choice(HOUSES)
        what = rng.random()
        author = EXPIRED if rng.random() < 0.1 else STAFF
        if what < 0.4:
            children = rng.sample(GOES_TO[house], rng.randint(1, 3))
            state = rng.choice(("present", "late", "absent"))
            items = tuple(toy.Item(one, state, rng.choice(("", "note"))) for one in children)
            node.submit(toy.MarkPresence(house=house, items=items), author)
        elif what < 0.5:
            node.submit(toy.Chime(child=rng.choice(GOES_TO[house]), house=house), author)
        elif what < 0.6:
            node.submit(room.Enrol(child=child, house=house, name=f"moved {rng.randint(0, 99)}"), author)
        elif what < 0.75:
            node.submit(room.Rename(child=child, name=f"name {rng.randint(0, 99)}"), author)
        elif what < 0.8 and room is toy_later:
            node.submit(toy_later.Nickname(child=child, nickname=f"nick {rng.randint(0, 99)}"), author)
        elif what < 0.85:
            node.submit(room.Census(house=house, into=COUNTED), author)
        elif what < 0.9:
            node.submit(toy.Take(seats=SEATS), author)
        elif what < 0.95:
            node.submit(toy.Borrow(seats=SEATS), author)
        else:
            own = [entry for entry in node.store.log if entry.kind in ("toy.rename", "toy.enrol", "kernel.undo")]
            if own:
                node.submit(Undo(operation=rng.choice(own).id), author)

    def cloud(self, world: World) -> None:
        clock = Author(type="clock", id=world.studio)
        due = derived("tick", "strike", str(world.now_ms // 120_000))
        world.server.authority.author(world.server.own, toy.Strike(seats=SEATS), clock, source="clock", id=due)
        world.note("tick", due)

    def scopes(self, world: World, node: Node) -> tuple[str, ...]:
        return tuple(scope for scope in ALL if world.rng.random() < 0.6)

    def shown(self, world: World, node: Node) -> None:
        """Nobody's own mark ever leaves their screen: not between an answer and its inclusion either."""
        seen = {}
        for row in node.store.seen.table.get("presence", {}).values():
            presence = msgspec.json.decode(row.body, type=toy.Presence)
            seen[presence.child] = {mark.order for mark in presence.marks}
        for entry in node.store.log:
            contested = entry.answer is not None and entry.answer.status is Status.CONTESTED
            if entry.kind != "toy.mark" or contested:
                continue
            if entry.sequence in node.store.settled or entry.sequence in node.store.bared:
                lost = [c for c in entry.changes if node.store.holds(c.scope) and node.store.seen.get(c.ref) is None]
                assert not lost, f"{node.name} lost sight of {entry.sequence}"
                continue
            op = node.bus._reread(entry)
            assert op is not None
            wrote = {change.id for change in entry.changes}
            held = node.store.holds(f"roster/{op.payload.house}")
            for item in op.payload.items if wrote else ():
                if held or toy.presence_id(item.child) in wrote:
                    assert op.order in seen.get(item.child, ()), f"{node.name} lost sight of {entry.sequence}"

    def check(self, world: World) -> None:
        self._marks(world)
        self._places(world)
        self._unknown_fields(world)

    def _marks(self, world: World) -> None:
        """Each child's marks are all that was said of it, in event order; and everybody was told how theirs stands."""
        said: dict[str, set[toy.Seen]] = {}
        for ledger in world.server.backend.ledgers:
            op = ledger.op
            if op is None or op.kind not in ("toy.mark", "toy.chime") or ledger.link.outcome.status is Status.CONTESTED:
                continue
            items = op.payload.items if op.kind == "toy.mark" else [toy.Item(op.payload.child, "chime")]
            for item in items:
                said.setdefault(item.child, set()).add(toy.Seen(op.order, item.state, item.note))
        first = {}
        for child, marks in said.items():
            row = world.server.backend.state.get(("presence", toy.presence_id(child)))  # type: ignore[arg-type]
            assert row is not None
            standing = msgspec.json.decode(row.body, type=toy.Presence)
            assert set(standing.marks) == marks
            assert [mark.order for mark in standing.marks] == sorted(mark.order for mark in marks)
            first[child] = standing
        for node in world.nodes:
            for entry in node.store.log:
                if (
                    entry.kind == "toy.mark"
                    and entry.answer is not None
                    and entry.answer.status is not Status.CONTESTED
                ):
                    self._told_right(world, node, entry, first)

    def _told_right(self, world: World, node: Node, entry: Any, first: dict[str, Any]) -> None:
        for item in entry.told.items:
            standing = first[item.key]
            if f"roster/{standing.house}" in node.store.scopes and len({m.order for m in standing.marks}) == len(
                standing.marks
            ):
                mine = standing.marks[0].order[1:] == (node.id, entry.sequence)
                assert (item.status is Status.ACCEPTED) is mine, f"{node.name} was told wrong of {entry.sequence}"

    def _places(self, world: World) -> None:
        taken = given = 0
        for ledger in world.server.backend.ledgers:
            if ledger.link.outcome.status is Status.ACCEPTED and ledger.op is not None:
                taken += ledger.op.kind in ("toy.take", "toy.borrow")
                given += ledger.op.kind == "toy.strike"
        row = world.server.backend.state.get(("seats", SEATS))
        assert row is not None
        free = msgspec.json.decode(row.body, type=toy.Seats).free
        assert free == PLACES + given - taken >= 0

    def _unknown_fields(self, world: World) -> None:
        """No older program has wiped a nickname: only an undone enrolment takes one away."""
        named: dict[str, str] = {}
        for ledger in world.server.backend.ledgers:
            for change in ledger.changes:
                if change.kind == "child":
                    if change.after is None:
                        named.pop(change.id, None)
                    elif "nickname" in change.after:
                        named[change.id] = change.after["nickname"]
                    if ledger.op is not None and ledger.op.kind == "toy.rename":
                        assert "nickname" not in (change.before or {})
        for child, nick in named.items():
            row = world.server.backend.state.get(("child", child))  # type: ignore[arg-type]
            assert row is not None
            assert msgspec.json.decode(row.body).get("nickname") == nick
