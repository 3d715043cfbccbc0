"""The key of a store: in a keyring where there is one, else in a closed file, and never silently another."""

import json
from pathlib import Path

import pytest

from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.store import keys
from classtap_core.store.keyrings import SystemRing
from classtap_core.store.keys import KeyProtection
from classtap_core.store.store import Store
from tests.unit.kernel import toy
from tests.unit.store.conftest import DEVICE, STUDIO
from tests.unit.store.rings import MemoryRing, NoRing


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


@pytest.mark.parametrize("ring", [None, NoRing(), SystemRing()], ids=["none", "failing", "system"])
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


def test_a_services_credential_wraps_the_key(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """systemd hands a secret to the service; the same folder started without it, or with another, opens nothing."""
    handed = tmp_path / "credentials"
    handed.mkdir()
    (handed / "classtap.key").write_bytes(bytes(range(32)))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))
    ring = MemoryRing()
    with Store.create(data_dir, toy.registry(), program="test", studio=STUDIO, device=DEVICE, ring=ring) as store:
        assert store.protection is KeyProtection.CREDENTIAL
        store.rotate_key(ring)
        assert store.protection is KeyProtection.CREDENTIAL
    assert not ring.kept
    key = keys.load(data_dir, None).key
    assert key.hex() not in (data_dir / "store.key").read_text()
    assert keys.protection(data_dir) is KeyProtection.CREDENTIAL
    (handed / "classtap.key").write_bytes(bytes(32))
    assert code(data_dir, ring) == "store.wrong_key"
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    assert code(data_dir, ring) == "store.credential"


def test_a_key_is_never_kept_less_well_than_before(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "classtap.key").write_bytes(bytes(range(32)))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with Store.create(data_dir, toy.registry(), program="test", studio=STUDIO, device=DEVICE) as store:
        monkeypatch.delenv("CREDENTIALS_DIRECTORY")
        with pytest.raises(EnvironmentFault, match=r"store\.credential"):
            store.rotate_key(None)
        assert store.protection is KeyProtection.CREDENTIAL


def test_a_short_credential_is_none(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "classtap.key").write_bytes(b"secret")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with Store.create(data_dir, toy.registry(), program="test", studio=STUDIO, device=DEVICE) as store:
        assert store.protection is KeyProtection.FILE
