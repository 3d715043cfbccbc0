"""PINs: six digits, one hash, one pepper; and the lock-out of ruling 22."""

import os

import pytest

from classtap_core.access import pins
from classtap_core.access.pins import Lock, Tries
from classtap_core.kernel.errors import BadInput

PEPPER = b"p" * 32
MINUTE = 60_000


@pytest.fixture(scope="module")
def kept() -> str:
    return pins.hash_pin("314159", pepper=PEPPER, entropy=os.urandom)


def test_a_hash_opens_for_its_pin_and_pepper_alone(kept: str) -> None:
    assert pins.verify_pin("314159", kept, pepper=PEPPER)
    assert not pins.verify_pin("314158", kept, pepper=PEPPER)
    assert not pins.verify_pin("314159", kept, pepper=b"q" * 32)
    assert not pins.verify_pin("31415", kept, pepper=PEPPER)
    assert not pins.verify_pin("314159", "not a hash", pepper=PEPPER)


def test_the_hash_is_argon2id_at_owasp_s_least_and_salted(kept: str) -> None:
    """OWASP Password Storage Cheat Sheet: argon2id, m=19456, t=2, p=1."""
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert kept != pins.hash_pin("314159", pepper=PEPPER, entropy=os.urandom)
    assert "314159" not in kept


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "12345a", "１２３４５６", "123456\n"])
def test_only_six_digits_are_a_pin(pin: str) -> None:
    with pytest.raises(BadInput, match=r"pin\.shape"):
        pins.hash_pin(pin, pepper=PEPPER, entropy=os.urandom)


def test_three_wrong_lock_for_five_minutes_six_for_thirty_ten_until_a_manager() -> None:
    now, tries = 0, Tries()
    locks = []
    for _ in range(10):
        now += 31 * MINUTE
        tries = pins.after_wrong(tries, now)
        locks.append(pins.lock_of(tries, now))
    at = [31 * MINUTE * number for number in range(1, 11)]
    free = Lock()
    assert locks == [
        free, free, Lock(at[2] + 5 * MINUTE), free, free, Lock(at[5] + 30 * MINUTE), free, free, free,
        Lock(manager=True),
    ]  # fmt: skip
    assert [lock.locked for lock in locks] == [lock is not free and lock != free for lock in locks]


def test_a_lock_ends_by_itself_to_the_millisecond_and_a_manager_s_never() -> None:
    tries = Tries(3, 1000)
    assert pins.lock_of(tries, 1000 + 5 * MINUTE - 1).locked
    assert not pins.lock_of(tries, 1000 + 5 * MINUTE).locked
    assert pins.lock_of(Tries(11, 1000), 1 << 50).manager
