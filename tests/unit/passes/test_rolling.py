"""The rolling code against RFC 6238 and RFC 4226, and what its key depends on."""

import pytest

from classtap_core.passes import rolling


@pytest.mark.parametrize(
    ("time_s", "code"),
    [
        # RFC 6238, appendix B, SHA1; its step is 30 seconds
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_rfc_6238(time_s: int, code: str) -> None:
    assert rolling.code_of_step(b"12345678901234567890", time_s // 30) == code


def test_a_code_holds_for_its_step_of_15_seconds() -> None:
    key = b"k" * rolling.KEY_BYTES
    code = rolling.with_code("", key, at_s=1_500_000_000)[12:]
    assert [
        second for second in range(-30, 30) if rolling.is_code_of(key, time_s=1_500_000_000 + second, code=code)
    ] == [*range(15)]


def test_the_suffix_has_ten_and_eight_digits() -> None:
    assert rolling.with_code("CT:", b"12345678901234567890", at_s=5) == "CT:*0000000005*84755224"


def test_a_key_is_the_handles_and_the_epochs_own() -> None:
    keys = {
        rolling.rolling_key(secret, handle=handle, epoch=epoch)
        for secret in (b"one", b"two")
        for handle in (1, 2)
        for epoch in (1, 2)
    }
    assert len(keys) == 8
    assert {len(key) for key in keys} == {rolling.KEY_BYTES}
