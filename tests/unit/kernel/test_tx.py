"""The unit of work: declared reads, three answers, and changes that fold to the state."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.chain import change_parts, join_changes
from classtap_core.kernel.effects import Home
from classtap_core.kernel.errors import NotHeld, UndeclaredRead
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.memory import Rows
from classtap_core.kernel.operations import Key, Range, Recorded, Want
from classtap_core.kernel.records import Record, Row
from classtap_core.kernel.scopes import covers
from classtap_core.kernel.tx import Change, Snapshot, Tx, fold
from tests.unit.kernel import toy
from tests.unit.kernel.rig import child, seeded

REGISTRY = toy.registry()


class Store:
    """Rows, the scopes held, and how often it was asked."""

    def __init__(self, *rows: Row, scopes: tuple[str, ...] = ("families/*", "roster/*", "schedule/*", "log")) -> None:
        self.table, self.scopes, self.asked = Rows(REGISTRY), scopes, 0
        self.log: dict[Id, tuple[Change, ...]] = {}
        for row in rows:
            self.table.put((row.kind, row.id), row)

    def rows(self, record: type[Record], ids: Iterable[Id]) -> Mapping[Id, Row]:
        self.asked += 1
        found = {id: self.table.get((record.KIND, id)) for id in ids}
        return {id: row for id, row in found.items() if row is not None}

    def find(self, wanted: Range) -> list[Row]:
        self.asked += 1
        return self.table.find(wanted)

    def find_many(self, wanted: Sequence[Range]) -> list[list[Row]]:
        return [self.find(one) for one in wanted]

    def holds(self, scope: str) -> bool:
        return covers(self.scopes, scope)

    def recorded(self, operation: Id) -> tuple[Change, ...] | None:
        return self.log.get(operation)


def a_child(number: int, *, house: str = "north", name: str = "Ana", extra: dict[str, Any] | None = None) -> Row:
    body = {"id": child(number), "house": house, "name": name} | (extra or {})
    return Row("child", child(number), f"families/{house}", msgspec.json.encode(body, order="sorted"))


def tx_over(snapshot: Snapshot, *wants: Want) -> Tx:
    tx = Tx(snapshot, now=0, operation=derived("operation"))
    snapshot.warm(wants)
    for want in wants:
        tx.declare((want,))
    return tx


def over(store: Store, *wants: Want) -> Tx:
    return tx_over(Snapshot(store, REGISTRY), *wants)


HOUSE = Range(toy.Child, "by_house", ("north",), scope="families/north")


def test_only_what_was_declared_can_be_read_or_put() -> None:
    tx = over(Store(a_child(0), a_child(1)), Key(toy.Child, child(0)))
    standing = tx.get(toy.Child, child(0))
    assert standing is not None
    for wrong in (
        lambda: tx.get(toy.Child, child(1)),
        lambda: tx.get(toy.Seats, child(0)),
        lambda: tx.find(toy.Child, "by_house", "north"),
        lambda: tx.put(msgspec.structs.replace(standing, id=child(1))),
        lambda: tx.delete(toy.Child, child(1)),
        lambda: tx.recorded(derived("operation")),
    ):
        with pytest.raises(UndeclaredRead):
            wrong()


def test_a_range_declares_its_own_rows_and_no_neighbours() -> None:
    store = Store(a_child(0), a_child(1, house="south"))
    snapshot = Snapshot(store, REGISTRY)
    snapshot.apply(
        child(2), [Change(kind="child", id=child(2), before=None, after={}, scope="", body=a_child(2, house="x").body)]
    )
    tx = tx_over(snapshot, HOUSE)
    assert [found.id for found in tx.find(toy.Child, "by_house", "north")] == [child(0)]
    tx.delete(toy.Child, child(0))
    for neighbour in (1, 2):
        with pytest.raises(UndeclaredRead):
            tx.get(toy.Child, child(neighbour))


def test_a_read_has_three_answers() -> None:
    store = Store(a_child(0), scopes=("families/north", "schedule"))
    key = Key(toy.Child, child(0), "families/north")
    assert over(store, key).get(toy.Child, child(0)) is not None
    absent = Key(toy.Child, child(1), "families/north")
    assert over(store, absent).get(toy.Child, child(1)) is None
    for elsewhere in (Key(toy.Child, child(1), "families/south"), Key(toy.Child, child(1))):
        with pytest.raises(NotHeld) as missing:
            over(store, elsewhere).get(toy.Child, child(1))
        assert missing.value.scope == (elsewhere.scope or "families/*")


def test_absent_anywhere_it_could_lie_is_absent() -> None:
    store = Store(scopes=("families/north",))
    snapshot = Snapshot(store, REGISTRY)
    one = tx_over(snapshot, Key(toy.Child, child(1), "families/north"))
    tx_over(snapshot, Key(toy.Child, child(1)))  # a later reader that knows less
    assert one.get(toy.Child, child(1)) is None


def test_a_range_of_a_scope_not_held_is_not_empty() -> None:
    store = Store(scopes=("families/south",))
    tx = over(store, HOUSE)
    with pytest.raises(NotHeld, match="families/north"):
        tx.find(toy.Child, "by_house", "north")


def test_a_put_over_what_cannot_be_known_is_not_held() -> None:
    tx = over(Store(scopes=()), Key(toy.Child, child(0), "families/north"))
    tx.put(toy.Child(id=child(0), house="north", name="Ana"))
    with pytest.raises(NotHeld):
        tx.changes()


def test_only_the_whole_log_says_that_an_operation_never_was() -> None:
    known, unknown = derived("operation", "a"), derived("operation", "b")
    store = Store(scopes=())
    store.log[known] = ()
    tx = over(store, Recorded(known), Recorded(unknown))
    assert tx.recorded(known) == ()
    with pytest.raises(NotHeld):
        tx.recorded(unknown)
    assert over(Store(), Recorded(unknown)).recorded(unknown) is None


def test_a_handler_sees_what_it_put() -> None:
    tx = over(Store(a_child(0), a_child(1)), Key(toy.Child, child(0)), Key(toy.Child, child(2)), HOUSE)
    tx.put(toy.Child(id=child(0), house="south", name="Bo"))
    tx.put(toy.Child(id=child(2), house="north", name="Cy"))
    assert tx.get(toy.Child, child(0)) == toy.Child(id=child(0), house="south", name="Bo")
    assert {found.id for found in tx.find(toy.Child, "by_house", "north")} == {child(1), child(2)}
    tx.delete(toy.Child, child(1))
    assert tx.get(toy.Child, child(1)) is None
    assert [found.id for found in tx.find(toy.Child, "by_house", "north")] == [child(2)]


def test_later_operations_of_a_batch_see_earlier_ones() -> None:
    store = Store(a_child(0))
    snapshot = Snapshot(store, REGISTRY)
    wants = (Key(toy.Child, child(0)), Key(toy.Child, child(1), "families/north"), HOUSE)
    first = tx_over(snapshot, *wants)
    first.delete(toy.Child, child(0))
    first.put(toy.Child(id=child(1), house="north", name="Bo"))
    snapshot.apply(child(9), first.changes())
    asked = store.asked
    second = tx_over(snapshot, *wants)
    assert second.get(toy.Child, child(0)) is None
    assert [found.name for found in second.find(toy.Child, "by_house", "north")] == ["Bo"]
    assert store.asked == asked
    assert store.table.get(("child", child(0))) is not None


def test_a_batch_asks_once_a_kind() -> None:
    store = Store(*(a_child(number) for number in range(50)))
    Snapshot(store, REGISTRY).warm([Key(toy.Child, child(number)) for number in range(50)])
    assert store.asked == 1


def test_only_changed_fields_are_recorded_and_unknown_ones_stay() -> None:
    tx = over(Store(a_child(0, extra={"zodiac": {"sign": "ox"}})), Key(toy.Child, child(0)))
    standing = tx.get(toy.Child, child(0))
    assert standing is not None
    tx.put(msgspec.structs.replace(standing, name="Bo"))
    (change,) = tx.changes()
    assert (change.before, change.after) == ({"name": "Ana"}, {"name": "Bo"})
    assert msgspec.json.decode(change.body or b"") == {
        "id": child(0), "house": "north", "name": "Bo", "zodiac": {"sign": "ox"},
    }  # fmt: skip


def test_what_was_put_back_is_no_change() -> None:
    tx = over(Store(a_child(0)), Key(toy.Child, child(0)), Key(toy.Child, child(1)))
    standing = tx.get(toy.Child, child(0))
    assert standing is not None
    tx.put(msgspec.structs.replace(standing, name="Bo"))
    tx.put(standing)
    tx.delete(toy.Child, child(1))
    assert tx.changes() == ()


def test_a_row_that_moves_says_what_it_left() -> None:
    tx = over(Store(a_child(0)), Key(toy.Child, child(0)))
    tx.put(toy.Child(id=child(0), house="south", name="Ana"))
    (change,) = tx.changes()
    assert (change.scope, change.left) == ("families/south", "families/north")


def test_a_field_back_at_its_default_is_in_before_alone() -> None:
    id = toy.presence_id(child(0))
    body = {"id": id, "child": child(0), "house": "north", "marks": [{"order": [1, "d", 1], "state": "present"}]}
    row = Row("presence", id, "roster/north", msgspec.json.encode(body))
    tx = over(Store(row), Key(toy.Presence, id))
    tx.put(toy.Presence(id=id, child=child(0), house="north"))
    (change,) = tx.changes()
    assert (set(change.before or ()), change.after) == ({"marks"}, {})
    assert fold(row, change) == Row("presence", id, "roster/north", change.body or b"")


def test_effects_have_the_same_id_however_often_they_are_made() -> None:
    def made() -> list[str]:
        tx = over(Store())
        tx.effect(toy.Bell(text="a"), home=Home.HERE)
        tx.effect(toy.Bell(text="a"), home=Home.HERE)
        return [effect.id for effect in tx.effects]

    assert made() == made() == [derived("effect", derived("operation"), position) for position in "01"]


def test_what_a_result_rests_on() -> None:
    tx = over(Store(a_child(0), a_child(1)), HOUSE, Key(toy.Seats, child(5)))
    tx.tracking = False
    tx.declare((Key(toy.Seats, child(6)),))
    tx.tracking = True
    tx.find(toy.Child, "by_house", "north")
    assert tx.touched == (frozenset({("child", child(0)), ("child", child(1)), ("seats", child(5))}), (HOUSE,))


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 3), st.sampled_from(["north", "south"]), st.sampled_from("ab")),
        st.tuples(st.just("mark"), st.integers(0, 3), st.sampled_from(["north", "south"]), st.integers(0, 3)),
        st.tuples(st.just("delete"), st.integers(0, 3)),
    ),
    max_size=8,
)


def _play(tx: Tx, step: tuple[Any, ...]) -> None:
    if step[0] == "put":
        tx.put(toy.Child(id=child(step[1]), house=step[2], name=step[3]))
    elif step[0] == "delete":
        tx.delete(toy.Child, child(step[1]))
    else:
        marks = tuple(toy.Seen((n, "d", n), "present") for n in range(step[3]))
        tx.put(toy.Presence(id=toy.presence_id(child(step[1])), child=child(step[1]), house=step[2], marks=marks))


@given(st.lists(steps, max_size=6), st.booleans())
def test_the_fold_of_recorded_changes_is_the_state(operations: list[list[tuple[Any, ...]]], unknown: bool) -> None:
    """The law's sixth: state is the fold of recorded changes, also when they come back from sealed parts."""
    extra = {"later": 1} if unknown else None
    snapshot = Snapshot(Store(a_child(0, extra=extra)), REGISTRY)
    wants = [Key(toy.Child, child(n)) for n in range(4)] + [
        Key(toy.Presence, toy.presence_id(child(n))) for n in range(4)
    ]
    state: dict[tuple[str, Id], Row | None] = {("child", child(0)): a_child(0, extra=extra)}
    from_log = dict(state)
    for operation in operations:
        tx = tx_over(snapshot, *wants)
        for step in operation:
            _play(tx, step)
        changes = tx.changes()
        snapshot.apply(child(9), changes)
        again = join_changes(change_parts(changes, REGISTRY.records, seeded("fold")))
        for change, logged in zip(changes, again, strict=True):
            state[change.ref] = fold(state.get(change.ref), change)
            from_log[change.ref] = fold(from_log.get(change.ref), logged)
    final = tx_over(snapshot, *wants)
    for ref, row in state.items():
        assert row == snapshot.row(ref) == from_log[ref]
        if row is not None:
            record = REGISTRY.records[ref[0]]
            standing = final.get(record, ref[1])
            assert standing is not None
            assert row.scope == standing.scope()
