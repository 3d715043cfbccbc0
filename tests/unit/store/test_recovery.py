"""The owner's recovery key: written on paper, it opens a store whose keyring is lost, with all that was unsent."""

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.errors import BadInput, EnvironmentFault
from classtap_core.store import keys, recovery, rotation, sealing
from classtap_core.store.keys import KeyProtection
from classtap_core.store.store import Store
from tests.unit.kernel import toy
from tests.unit.store.conftest import DEVICE, STAFF, STUDIO, bus_over, mark
from tests.unit.store.rings import MemoryRing

VECTORS = Path(__file__).resolve().parents[2] / "data" / "wycheproof" / "x25519_test.json"


def test_the_key_agreement_is_that_of_the_world() -> None:
    """Project Wycheproof's 518 cases; a secret of zeros, which everybody would know, is refused (RFC 7748 6.1)."""
    tested = 0
    for group in json.loads(VECTORS.read_text())["testGroups"]:
        for case in group["tests"]:
            shared = bytes.fromhex(case["shared"])
            private, public = bytes.fromhex(case["private"]), bytes.fromhex(case["public"])
            tested += 1
            if shared == bytes(32):
                with pytest.raises(BadInput, match=r"seal\.public"):
                    sealing.agree(private, public)
            else:
                assert sealing.agree(private, public) == shared, case["tcId"]
    assert tested == 518


@given(data=st.binary(max_size=200), flip=st.integers(0, 10_000))
def test_a_sealed_box_opens_for_its_owner_alone(data: bytes, flip: int) -> None:
    owner, other = recovery.make(os.urandom), recovery.make(os.urandom)
    box = sealing.seal(data, owner.public, "a letter", os.urandom)
    assert sealing.unseal(box, owner.private, "a letter") == data
    changed = bytearray(box)
    changed[flip % len(box)] ^= 1 << flip % 7
    for wrong, key, context in [
        (box, other.private, "a letter"), (box, owner.private, "another"), (bytes(changed), owner.private, "a letter"),
        (box[: flip % len(box)], owner.private, "a letter"),
    ]:  # fmt: skip
        with pytest.raises(BadInput, match=r"seal\.wrong_key"):
            sealing.unseal(wrong, key, context)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 55))
def test_the_printed_text_reads_back_and_tells_a_slip(private: bytes, at: int) -> None:
    text = recovery.RecoveryKey(private).text()
    assert re.fullmatch(r"([A-Z2-7]{4} ){6}[A-Z2-7]{4}\n([A-Z2-7]{4} ){6}[A-Z2-7]{4}", text)
    typed = text.lower().replace("o", "0").replace("i", "1").replace("b", "8").replace(" ", "-")
    assert recovery.read(text).private == recovery.read(typed).private == private
    letters = list("".join(text.split()))
    letters[at] = "Q" if letters[at] != "Q" else "X"
    with pytest.raises(BadInput, match=r"recovery\.check"):
        recovery.read("".join(letters))
    with pytest.raises(BadInput, match=r"recovery\.length"):
        recovery.read(text[:-1])
    with pytest.raises(BadInput, match=r"recovery\.letters\(letter=9\)"):
        recovery.read("9" + text)


def make_store(folder: Path, ring: keys.Ring | None, owner: recovery.RecoveryKey | None) -> None:
    with Store.create(folder, toy.registry(), program="test", studio=STUDIO, device=DEVICE, ring=ring) as store:
        store.call(lambda: store.device.hold(("roster/*",)))
        if owner is not None:
            store.seal_to(owner.public)
        bus = bus_over(store.device)
        for number in range(40):
            store.call(lambda number=number: bus.submit(mark(number), STAFF))


def unsent(folder: Path, ring: keys.Ring | None) -> int:
    with Store.open(folder, toy.registry(), program="test", ring=ring) as store, store.reader() as reader:
        assert store.check().ok
        return len(reader.unsent(1_000))


@pytest.mark.parametrize("lost", ["keyring", "key file"])
def test_a_lost_keyring_loses_no_unsent_work(data_dir: Path, lost: str) -> None:
    owner, ring = recovery.make(os.urandom), MemoryRing()
    make_store(data_dir, ring, owner)
    paper = owner.text()
    if lost == "keyring":
        ring = MemoryRing()
    else:
        (data_dir / "store.key").unlink()
    with pytest.raises(EnvironmentFault, match=r"store\.key_missing"):
        unsent(data_dir, ring)
    with pytest.raises(BadInput, match=r"recovery\.other"):
        rotation.recover(data_dir, recovery.make(os.urandom), program="test", ring=ring)
    assert rotation.recover(data_dir, recovery.read(paper), program="test", ring=ring) is KeyProtection.KEYRING
    assert unsent(data_dir, ring) == 40


def test_the_private_half_is_nowhere_on_the_device(data_dir: Path) -> None:
    owner = recovery.make(os.urandom)
    make_store(data_dir, None, owner)
    key = keys.load(data_dir, None).key
    for path in data_dir.iterdir():
        if path.is_file():
            assert owner.private not in path.read_bytes()
            assert owner.private.hex().encode() not in path.read_bytes()
    assert key.hex() not in (data_dir / "store.recovery").read_text()


def test_without_a_recovery_key_there_is_a_sentence(data_dir: Path) -> None:
    make_store(data_dir, None, None)
    with pytest.raises(EnvironmentFault, match=r"store\.no_recovery"):
        rotation.recover(data_dir, recovery.make(os.urandom), program="test", ring=None)
    with pytest.raises(EnvironmentFault, match=r"store\.missing"):
        rotation.recover(data_dir / "nowhere", recovery.make(os.urandom), program="test", ring=None)


def test_a_removed_recovery_file_is_made_again(data_dir: Path) -> None:
    owner = recovery.make(os.urandom)
    make_store(data_dir, None, owner)
    (data_dir / "store.recovery").unlink()
    assert unsent(data_dir, None) == 40
    (data_dir / "store.key").unlink()
    rotation.recover(data_dir, owner, program="test", ring=None)
    assert unsent(data_dir, None) == 40
