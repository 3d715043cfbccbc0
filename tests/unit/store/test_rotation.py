"""Another key while people go on marking; cut short at any step, the store opens with everything it had."""

import os
import threading
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.store import keys, recovery, rotation
from classtap_core.store.keys import KeyProtection
from classtap_core.store.store import Store
from tests.unit.kernel import toy
from tests.unit.store.conftest import DEVICE, STAFF, STUDIO, Opener, bus_over, child_row, mark
from tests.unit.store.rings import MemoryRing, NoRing


@pytest.fixture
def folder(opened: Opener, data_dir: Path) -> Path:
    opened().close()
    return data_dir


def test_the_old_key_opens_nothing_and_the_new_one_everything(data_dir: Path) -> None:
    ring, owner = MemoryRing(), recovery.make(os.urandom)
    with Store.create(data_dir, toy.registry(), program="test", studio=STUDIO, device=DEVICE, ring=ring) as store:
        store.call(lambda: store.device.hold(("roster/*", "families/*")))
        store.seal_to(owner.public)
        bus = bus_over(store.device)
        store.apply(bus, [child_row(number) for number in range(50)], cursor=1, token="1").result()
        store.call(lambda: bus.submit(mark(1), STAFF))
        before = keys.load(data_dir, ring).key
        store.rotate_key(ring)
        after = keys.load(data_dir, ring).key
        assert before != after
        assert store.protection is KeyProtection.KEYRING
        store.call(lambda: bus.submit(mark(2), STAFF))
        assert store.check().entries == 2
        with store.reader() as reader:
            assert len(reader.unsent(9)) == 2
    assert not rotation.opens(data_dir / "store.db", before)
    assert len(ring.kept) == 1  # the old secret is gone
    assert sorted(path.name for path in data_dir.iterdir()) == ["owner.lock", "store.db", "store.key", "store.recovery"]
    rotation.recover(data_dir, owner, program="test", ring=MemoryRing())


def test_marks_go_between_the_slices_of_copying(store: Store) -> None:
    """What is marked while the store is copied is in the copy, and nobody waits for its end."""
    bus = bus_over(store.device)
    rows = [child_row(number, "n" * 2_000) for number in range(4_000)]
    store.apply(bus, rows, cursor=1, token="1").result()
    marked: list[bool] = []
    rotating = threading.Event()
    copying = store._between_slices

    def between() -> None:
        rotating.set()
        copying()

    store._between_slices = between  # type: ignore[method-assign]
    ended = threading.Thread(target=store.rotate_key, args=(None,))
    ended.start()
    assert rotating.wait(30)
    while ended.is_alive():
        store.call(lambda: bus.submit(mark(len(marked)), STAFF))
        marked.append(ended.is_alive())
    ended.join()
    assert sum(marked) >= 2
    assert store.check().ok
    assert store.check().entries == len(marked)


def test_a_key_is_never_kept_worse_than_before(data_dir: Path) -> None:
    ring = MemoryRing()
    with Store.create(data_dir, toy.registry(), program="test", studio=STUDIO, device=DEVICE, ring=ring) as store:
        with pytest.raises(EnvironmentFault, match=r"store\.keyring"):
            store.rotate_key(NoRing())
        assert store.check().ok
    with Store.open(data_dir, toy.registry(), program="test", ring=ring) as store:
        assert store.check().ok


def test_somebody_who_looks_for_long_stops_the_change_and_nothing_else(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classtap_core.store.running._PATIENCE_S", 0.05)
    before = keys.load(store.folder, None).key
    with store.reader() as reader:
        with pytest.raises(EnvironmentFault, match=r"store\.locked"):
            store.rotate_key(None)
        assert reader.head().sequence == 0
    store.call(lambda: bus_over(store.device).submit(mark(1), STAFF))
    assert store.check().entries == 1
    assert keys.load(store.folder, None).key == before
    store.rotate_key(None)
    assert store.check().entries == 1


def test_closing_ends_a_change_that_has_begun(store: Store, opened: Opener) -> None:
    bus = bus_over(store.device)
    store.apply(bus, [child_row(number, "n" * 2_000) for number in range(2_000)], cursor=1, token="1").result()
    closing: list[threading.Thread] = []

    def between() -> None:
        if not closing:
            closing.append(threading.Thread(target=store.close))
            closing[0].start()
            while not store._writer._closing:
                pass
        store._writer.breathe()

    store._between_slices = between  # type: ignore[method-assign]
    with pytest.raises(Refused, match=r"store\.closed"):
        store.rotate_key(None)
    closing[0].join()
    assert opened().check().ok


@pytest.mark.parametrize("instant", ["staged", "copied", "renamed", "forgotten", "half finished"])
def test_every_instant_of_the_swap_has_one_key_that_opens(
    folder: Path, instant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a power cut leaves between two steps, put there by hand."""
    before = keys.load(folder, None)
    with Store.open(folder, toy.registry(), program="test") as store:
        store.call(lambda: bus_over(store.device).submit(mark(1), STAFF))
    staged = rotation.stage(folder, None, before.protection, os.urandom)
    if instant != "staged":
        copy, conn = rotation.blank(staged.copy, staged.key.key), dbapi2.connect(str(folder / "store.db"))
        conn.execute(f"PRAGMA key = \"x'{before.key.hex()}'\"")
        conn.backup(copy)
        copy.close()
        conn.close()
    if instant not in ("staged", "copied"):
        os.replace(staged.copy, folder / "store.db")
    if instant in ("forgotten", "half finished"):
        (folder / "store.key").unlink()
    if instant == "half finished":
        os.replace(folder / "store.key.next", folder / "store.key")
    for _ in range(2):
        with Store.open(folder, toy.registry(), program="test") as store:
            assert store.check().entries == 1
    assert (keys.load(folder, None).key == before.key) == (instant in ("staged", "copied"))
    assert not [path for path in folder.iterdir() if ".next" in path.name]
