"""Links to a page of seats: they open what they name until they end, and no other text opens anything."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id, derived
from cloud.pages.links import SeatLink, opened, sealed
from cloud.problems import problem
from cloud.secret import Secret

SECRET, OTHER = Secret(b"\1" * 32), Secret(b"\2" * 32)
LINK = SeatLink(derived("test", "studio"), derived("test", "session"), 1_795_248_000_000)
IDS = st.binary(min_size=16, max_size=16).map(lambda data: Id(data.hex()))


def code(text: str, secret: Secret = SECRET, now_ms: int = 0) -> str:
    with pytest.raises(Refused) as refused:
        opened(secret, text, now_ms=now_ms)
    return refused.value.code


@given(studio=IDS, session=IDS, expires=st.integers(1, 2**48 - 1))
def test_a_link_opens_what_it_names_until_it_ends(studio: Id, session: Id, expires: int) -> None:
    link = SeatLink(studio, session, expires)
    text = sealed(SECRET, link)
    assert opened(SECRET, text, now_ms=expires - 1) == link
    assert code(text, now_ms=expires) == "link.expired"
    assert code(text, OTHER) == "link.unknown"
    assert text.replace("-", "").replace("_", "").isalnum()


def test_no_changed_bit_opens_anything() -> None:
    text = sealed(SECRET, LINK)
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        assert code(base64.urlsafe_b64encode(bytes(changed)).decode().rstrip("=")) == "link.unknown"


@given(st.text())
def test_no_other_text_opens_anything(text: str) -> None:
    assert code(text) == "link.unknown"


@pytest.mark.parametrize(("said", "status"), [("seatlock.taken", 423), ("seat.locked", 409)])
def test_a_map_being_edited_has_its_own_answers(said: str, status: int) -> None:
    """Catalogue 15, requirement 6: 423 to a second editor, 409 to who books a locked spot."""
    assert problem(said, since_ms=1).status_code == status
