"""The key of a store: in a keyring where there is one, else in a closed file, and never silently another."""

import json
from pathlib import Path

import pytest
from keyring.errors import NoKeyringError

from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.store import keys
from classtap_core.store.keys import KeyProtection
from classtap_core.store.store import Store
from tests.unit.kernel import toy
from tests.unit.store.conftest import DEVICE, STUDIO


class MemoryRing:
    """A keyring that forgets with the test."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str, /) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str, /) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str, /) -> None:
        del self.kept[service, username]


class NoRing(MemoryRing):
    def get_password(self, service: str, username: str, /) -> str | None:
        raise NoKeyringError

    def set_password(self, service: str, username: str, password: str, /) -> None:
        raise NoKeyringError


def code(folder: Path, ring: keys.Ring | None) -> str:
    with pytest.raises(EnvironmentFault) as caught:
        Store.open(folder, toy.registry(), program="test", ring=ring)
    return caught.value.code


def test_a_keyring_wraps_the_key(data_dir: Path) -> None:
    ring = MemoryRing()
    with Store.create(data_dir, toy.registry(), program="test", studio=STUDIO, device=DEVICE, ring=ring) as store:
        assert store.protection is KeyProtection.KEYRING
    kept = json.loads((data_dir / "store.key").read_text())
    (((service, account), secret),) = ring.kept.items()
    key = keys.load(data_dir, ring).key
    assert (service, account, len(secret)) == ("classtap", kept["account"], 64)
    assert key.hex() not in (data_dir / "store.key").read_text() + secret
    with Store.open(data_dir, toy.registry(), program="test", ring=ring) as store:
        assert store.protection is keys.protection(data_dir) is KeyProtection.KEYRING
    assert code(data_dir, MemoryRing()) == "store.key_missing"
    assert code(data_dir, NoRing()) == "store.keyring"
    assert code(data_dir, None) == "store.keyring"
    ring.kept[service, account] = "00" * 32
    assert code(data_dir, ring) == "store.wrong_key"


@pytest.mark.parametrize("ring", [None, NoRing(), keys.SystemRing()], ids=["none", "failing", "system"])
def test_without_a_keyring_the_key_lies_in_a_closed_file(data_dir: Path, ring: keys.Ring | None) -> None:
    """The tests' own system ring fails on purpose (tests/conftest.py)."""
    with Store.create(data_dir, toy.registry(), program="test", studio=STUDIO, device=DEVICE, ring=ring) as store:
        assert store.protection is KeyProtection.FILE
    with Store.open(data_dir, toy.registry(), program="test", ring=ring) as store:
        assert store.protection is KeyProtection.FILE


def test_two_stores_have_two_keys(tmp_path: Path) -> None:
    for name in ("desk", "kiosk"):
        Store.create(tmp_path / name, toy.registry(), program="test").close()
    assert keys.load(tmp_path / "desk", None).key != keys.load(tmp_path / "kiosk", None).key
    (tmp_path / "desk" / "store.key").write_bytes((tmp_path / "kiosk" / "store.key").read_bytes())
    assert code(tmp_path / "desk", None) == "store.unreadable"
    assert keys.protection(tmp_path / "nowhere") is None
