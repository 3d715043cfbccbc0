"""The two signatures against RFC 8032, RFC 6979 and every Wycheproof vector."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from classtap_core.passes.codec import Algorithm
from classtap_core.passes.signing import check_public, ed25519_signer, es256_signer, is_signed

WYCHEPROOF = Path(__file__).parents[2] / "data" / "wycheproof"


@pytest.mark.parametrize(
    ("seed", "public", "message", "signature"),
    [
        # RFC 8032, 7.1: TEST 1, 2, 3 and SHA(abc)
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
        (
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
        ),
    ],
)
def test_rfc_8032(seed: str, public: str, message: str, signature: str) -> None:
    signer = ed25519_signer(bytes.fromhex(seed))
    assert signer.public.hex() == public
    assert signer.sign(bytes.fromhex(message)).hex() == signature
    assert is_signed(
        bytes.fromhex(message), bytes.fromhex(signature), algorithm=signer.algorithm, public=bytes.fromhex(public)
    )


def test_rfc_6979_p256_sha256() -> None:
    # RFC 6979, A.2.5, message "sample"
    signer = es256_signer(0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721)
    assert signer.public.hex() == (
        "04"
        "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
    )
    assert signer.sign(b"sample").hex() == (
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    )


def test_an_es256_signature_has_64_bytes_and_no_padding() -> None:
    signer = es256_signer(7)
    good = signer.sign(b"m")
    for signature in (good[:32] + b"\0" + good[32:], b"\0" + good, good + b"\0", good[:-1], b""):
        assert not is_signed(b"m", signature, algorithm=signer.algorithm, public=signer.public)
    assert is_signed(b"m", good, algorithm=signer.algorithm, public=signer.public)


def wycheproof(name: str) -> Iterator[tuple[bytes, dict[str, Any]]]:
    for group in json.loads((WYCHEPROOF / name).read_text())["testGroups"]:
        key = group["publicKey"]
        for case in group["tests"]:
            yield bytes.fromhex(key.get("uncompressed") or key["pk"]), case


@pytest.mark.parametrize(
    ("name", "algorithm", "count"),
    [
        ("ed25519_test.json", Algorithm.ED25519, 151),
        ("ecdsa_secp256r1_sha256_p1363_test.json", Algorithm.ES256, 262),
    ],
)
def test_wycheproof(name: str, algorithm: Algorithm, count: int) -> None:
    wrong, tried = [], 0
    for public, case in wycheproof(name):
        tried += 1
        message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
        if is_signed(message, signature, algorithm=algorithm, public=public) != (case["result"] == "valid"):
            wrong.append(case["tcId"])
    assert (tried, wrong) == (count, [])


@pytest.mark.parametrize(
    ("algorithm", "public"),
    [
        (Algorithm.ED25519, b""),
        (Algorithm.ED25519, bytes(31)),
        (Algorithm.ED25519, bytes(65)),
        (Algorithm.ES256, bytes(32)),
        (Algorithm.ES256, b"\x04" + bytes(64)),
        (Algorithm.ES256, b"\x02" + bytes(32)),
        (Algorithm.ES256, es256_signer(1).public[:-1] + b"\0"),
    ],
)
def test_no_public_key(algorithm: Algorithm, public: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the library's own words
        check_public(algorithm, public)
