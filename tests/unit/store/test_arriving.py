"""Pages on their way are there for the program that comes after one that was killed; for nobody else, and not for long."""

import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from classtap_core.kernel.errors import BadInput
from classtap_core.store.arriving import Arriving, forget
from classtap_core.store.folder import ARRIVING

KEY, OTHER = bytes(32), bytes(range(32))
SECRET = b"Zebedee-the-child"


class Killed(Exception):
    """The program ended here."""


def arriving(folder: Path, key: bytes = KEY) -> Arriving:
    return Arriving(folder, key, os.urandom)


def come(into: Arriving, after: str, *pieces: bytes, end: type[Exception] | None = None) -> None:
    with suppress(Killed, BadInput), into.keeping("families/*", after) as keep:
        for piece in pieces:
            keep(piece)
        if end is not None:
            raise end("page") if end is BadInput else end


def test_what_came_is_there_for_the_next_program_and_once(tmp_path: Path) -> None:
    come(arriving(tmp_path), "1", b"one ", b"two ", b"", b"three", end=Killed)
    later = arriving(tmp_path)
    assert later.left()
    assert later.take("families/*", "2") is None
    assert later.take("roster/*", "1") is None
    assert later.take("families/*", "1") == b"one two three"
    assert later.take("families/*", "1") is None
    assert not later.left()
    assert arriving(tmp_path).take("families/*", "1") == b"one two three", "it may be killed again before it is durable"


def test_the_page_that_is_being_written_stays_while_the_next_one_comes(tmp_path: Path) -> None:
    first = arriving(tmp_path)
    come(first, "1", b"one")
    come(first, "2", b"tw", end=Killed)
    second = arriving(tmp_path)
    assert second.take("families/*", "1") == b"one"
    assert second.take("families/*", "2") == b"tw"
    come(second, "2~row", b"o", end=Killed)
    third = arriving(tmp_path)
    assert third.take("families/*", "2") == b"tw", "the rest lies in the other file"
    assert third.take("families/*", "2~row") == b"o"


def test_a_page_of_which_nothing_came_is_asked_for_into_its_own_file(tmp_path: Path) -> None:
    first = arriving(tmp_path)
    come(first, "1", b"one")
    come(first, "2", end=Killed)
    second = arriving(tmp_path)
    assert second.take("families/*", "1") == b"one"
    assert second.take("families/*", "2") == b""
    come(second, "2", b"two", end=Killed)
    assert arriving(tmp_path).take("families/*", "1") == b"one"


def test_a_shorter_page_over_a_longer_one_brings_nothing_of_it_back(tmp_path: Path) -> None:
    for number in range(4):
        come(arriving(tmp_path), str(number), *[b"x" * 10] * (9 - 2 * number), end=Killed)
        assert arriving(tmp_path).take("families/*", str(number)) == b"x" * 10 * (9 - 2 * number)


@pytest.mark.parametrize("short", [1, 16, 28, 40, 64])
def test_a_torn_end_is_left_out(tmp_path: Path, short: int) -> None:
    come(arriving(tmp_path), "1", b"one", b"two", end=Killed)
    path = tmp_path / ARRIVING[0]
    os.truncate(path, path.stat().st_size - short)
    found = arriving(tmp_path).take("families/*", "1")
    assert found == (b"one" if short < 35 else b"")


def test_boxes_count_in_their_order_and_in_their_file_alone(tmp_path: Path) -> None:
    come(arriving(tmp_path), "1", b"one", b"two", b"six", end=Killed)
    path = tmp_path / ARRIVING[0]
    data = path.read_bytes()
    size = 4 + 12 + 3 + 16
    head, boxes = data[: -3 * size], [data[at : at + size] for at in range(len(data) - 3 * size, len(data), size)]
    path.write_bytes(head + boxes[1] + boxes[0] + boxes[2])
    assert arriving(tmp_path).take("families/*", "1") == b""
    path.write_bytes(head + boxes[0] + boxes[2])
    assert arriving(tmp_path).take("families/*", "1") == b"one"


def test_nothing_opens_without_the_key_and_nothing_is_readable(tmp_path: Path) -> None:
    come(arriving(tmp_path), "1", SECRET, end=Killed)
    assert SECRET not in (tmp_path / ARRIVING[0]).read_bytes()
    assert not arriving(tmp_path, OTHER).left()


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_its_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    come(arriving(tmp_path), "1", SECRET)
    assert stat.S_IMODE((tmp_path / ARRIVING[0]).stat().st_mode) == 0o600


def test_what_is_no_page_at_all_is_not_taken_again(tmp_path: Path) -> None:
    here = arriving(tmp_path)
    come(here, "1", b"<html>", end=BadInput)
    assert not here.left()


def test_no_disk_is_no_trouble_of_the_load(tmp_path: Path) -> None:
    nowhere = arriving(tmp_path / "gone")
    come(nowhere, "1", b"one")
    assert nowhere.take("families/*", "1") == b""
    forget(tmp_path / "gone")


def test_forgotten_is_gone(tmp_path: Path) -> None:
    first = arriving(tmp_path)
    come(first, "1", b"one")
    come(first, "2", b"two")
    forget(tmp_path)
    assert list(tmp_path.iterdir()) == []
