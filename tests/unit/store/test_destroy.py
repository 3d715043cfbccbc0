"""Signing a device out: said first, then nothing of anybody is readable in the folder, and no key is left."""

import shutil
from pathlib import Path

import pytest

from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.store import destroy, keys, recovery, rotation
from classtap_core.store.store import Store
from tests.unit.kernel import toy
from tests.unit.store.conftest import DEVICE, NOW, STAFF, STUDIO, Opener, bus_over, child_id, child_row, mark
from tests.unit.store.rings import MemoryRing

SECRET = "Zebedee-the-marker"
OWNER = recovery.RecoveryKey(bytes(range(32)))


def filled(folder: Path, ring: keys.Ring | None) -> Store:
    store = Store.create(folder, toy.registry(), program="test", studio=STUDIO, device=DEVICE, ring=ring)
    store.call(lambda: store.device.hold(("roster/*", "families/*")))
    store.seal_to(OWNER.public)
    bus = bus_over(store.device)
    store.apply(bus, [child_row(number, f"{SECRET} {number}") for number in range(50)], cursor=1, token="1").result()
    for number in range(7):
        store.call(lambda number=number: bus.submit(mark(number, note=f"{SECRET} note"), STAFF))
    return store


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_first_it_says_what_would_be_lost(data_dir: Path) -> None:
    with filled(data_dir, None) as store:
        with store.reader() as reader:
            stake = destroy.at_stake(reader)
            assert (stake.unsent, stake.oldest_ms) == (7, NOW)
            assert destroy.check_confirmed(reader, stake.confirm) == stake
            with pytest.raises(Refused, match=r"store\.not_confirmed"):
                destroy.check_confirmed(reader, "yes")
        store.call(lambda: bus_over(store.device, seed=8).submit(mark(8), STAFF))
        with store.reader() as reader, pytest.raises(Refused, match="unsent=8"):
            destroy.check_confirmed(reader, stake.confirm)
        with pytest.raises(Refused, match=r"store\.in_use"):
            destroy.destroy(data_dir, program="test", ring=None)


@pytest.mark.parametrize("kept_in", ["keyring", "file"])
def test_afterwards_nothing_of_anybody_is_readable(data_dir: Path, tmp_path: Path, kept_in: str) -> None:
    """Not even in a copy of the files that somebody took while the store was open: that was noise, and stays noise."""
    ring = MemoryRing() if kept_in == "keyring" else None
    with filled(data_dir, ring) as store:
        store.call(lambda: store.device.observe("kind", "key", 1, count=1))
        (data_dir / "crash.txt").write_text(f"{SECRET} in a report")
        (data_dir / "thumbnails").mkdir()
        (data_dir / "thumbnails" / "one").write_bytes(SECRET.encode())
        taken = tmp_path / "taken"
        shutil.copytree(data_dir, taken, ignore=shutil.ignore_patterns("crash.txt", "thumbnails"))
    key = keys.load(data_dir, ring).key
    destroy.destroy(data_dir, program="test", ring=ring)
    assert list(data_dir.iterdir()) == []
    assert ring is None or ring.kept == {}
    (taken / "store.key").unlink()
    rest = everything_in(taken)
    assert len(rest) > 100_000
    for secret in (SECRET.encode(), child_id(3).encode(), bytes.fromhex(child_id(3)), key, key.hex().encode()):
        assert secret not in rest
    with pytest.raises(EnvironmentFault, match=r"store\.missing"):
        Store.open(data_dir, toy.registry(), program="test", ring=ring)


@pytest.mark.parametrize("files_gone", [1, 2, 3])
def test_cut_short_it_leaves_nothing_that_opens(
    data_dir: Path, files_gone: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(data_dir, None).close()
    real, removed = Path.unlink, []

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.exists():
            removed.append(path.name)
        if len(removed) > files_gone:
            raise KeyboardInterrupt
        real(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlink)
        with pytest.raises(KeyboardInterrupt):
            destroy.destroy(data_dir, program="test", ring=None)
    with pytest.raises(EnvironmentFault, match=r"store\.(key_missing|key_damaged|missing)"):
        Store.open(data_dir, toy.registry(), program="test")
    if files_gone > 1:
        with pytest.raises(EnvironmentFault):
            rotation.recover(data_dir, OWNER, program="test", ring=None)
    destroy.destroy(data_dir, program="test", ring=None)
    assert list(data_dir.iterdir()) == []


def test_a_store_can_be_made_again_there(opened: Opener, data_dir: Path) -> None:
    opened().close()
    destroy.destroy(data_dir, program="test", ring=None)
    assert opened().check().ok
    with pytest.raises(EnvironmentFault, match=r"store\.missing"):
        destroy.destroy(data_dir / "nowhere", program="test", ring=None)
