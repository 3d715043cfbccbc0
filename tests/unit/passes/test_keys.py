"""Key bundles: only the pinned root's, only newer ones, only ones this program understands."""

from typing import Any

import msgspec
import pytest

from classtap_core.passes.keys import (
    BundleRollback,
    KeyBundle,
    KeyBundleError,
    UpgradeRequired,
    check_replaces,
    signed_bundle,
    verify_bundle,
)
from classtap_core.passes.signing import ed25519_signer, es256_signer

ROOT = ed25519_signer(b"r" * 32)


def changed(bundle: KeyBundle, key: int | None = None, **changes: Any) -> KeyBundle:
    if key is None:
        return msgspec.structs.replace(bundle, **changes)
    keys = tuple(msgspec.structs.replace(one, **changes) if one.key_id == key else one for one in bundle.keys)
    return msgspec.structs.replace(bundle, keys=keys)


def signed_line(line: bytes) -> bytes:
    return line + b"\n" + ROOT.sign(b"CTK1" + line).hex().encode()


def test_a_bundle_comes_back(studio: Any) -> None:
    bundle = changed(studio.bundle, key=2, revoked_at=12)
    assert verify_bundle(signed_bundle(bundle, ROOT), ROOT.public) == bundle
    assert bundle.key(2) == bundle.keys[1]
    assert bundle.key(3) is None


def test_another_root_is_refused(studio: Any) -> None:
    with pytest.raises(KeyBundleError, match="bundle_signature"):
        verify_bundle(signed_bundle(studio.bundle, ed25519_signer(b"s" * 32)), ROOT.public)


def test_no_byte_can_change(studio: Any) -> None:
    data = signed_bundle(studio.bundle, ROOT)
    for at in range(len(data)):
        for bit in (0x01, 0x20):
            forged = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
            with pytest.raises(KeyBundleError, match=r"bundle_(signature|malformed)"):
                verify_bundle(forged, ROOT.public)


@pytest.mark.parametrize("data", [b"", b"\n", b"{}", b"{}\n", b"{}\nzz", b"\xff\n\xff", b"{}\n" + b"0" * 126])
def test_bytes_that_are_no_bundle(data: bytes) -> None:
    with pytest.raises(KeyBundleError, match="bundle_malformed"):
        verify_bundle(data, ROOT.public)


def test_a_newer_interface_asks_for_an_upgrade() -> None:
    newer = signed_line(b'{"anything":[],"interface_version":2}')
    with pytest.raises(UpgradeRequired) as caught:
        verify_bundle(newer, ROOT.public)
    assert (caught.value.code, caught.value.params) == ("bundle_interface", {"offered": 2, "known": 1})


def test_only_a_signed_bundle_can_ask_for_an_upgrade() -> None:
    with pytest.raises(KeyBundleError, match="bundle_signature"):
        verify_bundle(b'{"interface_version":2}\n' + b"00" * 64, ROOT.public)


def test_fields_of_a_later_minor_version_are_left_alone(studio: Any) -> None:
    line = signed_bundle(studio.bundle, ROOT).partition(b"\n")[0]
    extended = line.replace(b'"studio"', b'"region":"eu","studio"')
    assert verify_bundle(signed_line(extended), ROOT.public) == studio.bundle


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"bundle_version":1', b'"bundle_version": 1'),
        (b'"bundle_version":1', b'"bundle_version":0'),
        (b'"bundle_version":1', b'"bundle_version":"1"'),
        (b'"interface_version":1', b'"interface_version":0'),
        (b'"interface_version":1,', b""),
        (b'"key_id":2', b'"key_id":1'),
        (b'"key_id":2', b'"key_id":256'),
        (b'"algorithm":2', b'"algorithm":1'),
        (b'"algorithm":2', b'"algorithm":3'),
        (b'"public":"04', b'"public":"02'),
        (b'"public":"04', b'"public":"0'),
        (b'"studio":"1122', b'"studio":"22'),
        (b'"studio":"1122', b'"studio":"\xff\xff22'),
        (b'"not_after":', b'"not_after":-'),
    ],
)
def test_a_signed_bundle_that_makes_no_sense(studio: Any, old: bytes, new: bytes) -> None:
    line = signed_bundle(studio.bundle, ROOT).partition(b"\n")[0]
    assert old in line
    with pytest.raises(KeyBundleError, match="bundle_invalid"):
        verify_bundle(signed_line(line.replace(old, new)), ROOT.public)


def test_the_root_is_an_ed25519_key_and_signs_no_nonsense(studio: Any) -> None:
    with pytest.raises(ValueError, match="Ed25519"):
        signed_bundle(studio.bundle, es256_signer(7))
    with pytest.raises(KeyBundleError, match="bundle_invalid"):
        signed_bundle(changed(studio.bundle, bundle_version=0), ROOT)


def test_a_bundle_is_replaced_by_itself_and_by_later_ones(studio: Any) -> None:
    bundle = studio.bundle
    check_replaces(bundle, bundle)
    check_replaces(changed(bundle, issued_at=bundle.issued_at + 1), bundle)
    check_replaces(changed(bundle, bundle_version=2, keys=bundle.keys[:1]), bundle)
    check_replaces(changed(changed(bundle, bundle_version=2), key=1, revoked_at=5), bundle)


def test_a_bundle_is_not_replaced_by_older_ones(studio: Any) -> None:
    bundle = changed(studio.bundle, bundle_version=2)
    for older in (
        changed(bundle, bundle_version=1, issued_at=bundle.issued_at + 9),
        changed(bundle, issued_at=bundle.issued_at - 1),
        changed(bundle, keys=bundle.keys[:1]),
    ):
        with pytest.raises(BundleRollback, match="bundle_older"):
            check_replaces(older, bundle)


def test_a_revocation_is_never_taken_back(studio: Any) -> None:
    revoked = changed(studio.bundle, key=1, revoked_at=5)
    with pytest.raises(BundleRollback, match="bundle_unrevokes"):
        check_replaces(changed(studio.bundle, bundle_version=2), revoked)
    moved = changed(changed(studio.bundle, bundle_version=2), key=1, key_id=77)
    with pytest.raises(BundleRollback, match="bundle_unrevokes"):
        check_replaces(moved, revoked)


def test_a_bundle_of_another_studio_replaces_nothing(studio: Any) -> None:
    with pytest.raises(KeyBundleError, match="bundle_other_studio"):
        check_replaces(changed(studio.bundle, studio=1, bundle_version=9), studio.bundle)
