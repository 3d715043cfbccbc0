"""The owner's door: one line each way, strict about what comes, and never stuck."""

import json
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from classtap_core.kernel.errors import BadInput, EnvironmentFault, Refused
from sync.client import owner
from sync.client.owner import Owner, Question, answered, ask

pytestmark = pytest.mark.skipif(not owner.available(), reason="this system has no Unix sockets")


class Add(msgspec.Struct, forbid_unknown_fields=True):
    one: int
    other: int = 0


def _add(start: int, asked: Add) -> int:
    if asked.one < 0:
        raise Refused("sum.negative", one=asked.one)
    if asked.one == 13:
        raise ValueError("a word that must not leave: Lindqvist")
    if asked.one == 99:
        raise EnvironmentFault("disk_full")
    return start + asked.one + asked.other


TABLE: owner.Table[int] = {"add": Question(Add, _add)}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with Owner(tmp_path, TABLE, 1000):
        yield tmp_path


def line(folder: Path, sent: bytes) -> dict[str, object]:
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(str(folder / "owner.sock"))
        end.sendall(sent)
        with end.makefile("rb") as answers:
            said: dict[str, object] = json.loads(answers.readline())
            return said


def test_an_answer_comes_back(folder: Path) -> None:
    assert ask(folder, "add", {"one": 1, "other": 2}) == 1003


def test_the_same_function_answers_without_a_door() -> None:
    assert answered(TABLE, 1000, "add", b'{"one":1,"other":2}') == b"1003"


def test_only_this_user_may_knock(folder: Path) -> None:
    assert stat.S_IMODE((folder / "owner.sock").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("given", "kind", "code"),
    [({"one": -1}, Refused, "sum.negative"), ({"one": 99}, EnvironmentFault, "disk_full")],
)
def test_a_refusal_arrives_as_itself(folder: Path, given: dict[str, int], kind: type[Exception], code: str) -> None:
    with pytest.raises(kind) as caught:
        ask(folder, "add", given)
    assert getattr(caught.value, "code", "") == code


@pytest.mark.expected_log("a question failed: add", reason="the question raises what it should not")
def test_a_fault_of_ours_says_its_kind_and_nothing_of_what_it_held(folder: Path) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        ask(folder, "add", {"one": 13})
    assert (caught.value.code, caught.value.params) == ("owner.fault", {"fault": "ValueError"})


@pytest.mark.parametrize(
    "sent",
    [
        b"\n", b"{}\n", b"[]\n", b"add\n", b"\xff\xfe\n", b'{"ask":"add","with":{"one":"1"}}\n',
        b'{"ask":"add","with":{"one":1,"two":2}}\n', b'{"ask":"add","with":{"one":1},"as":"root"}\n',
        b'{"ask":"add","with":' + b"[" * 5000 + b"\n",
    ],
)  # fmt: skip
def test_what_is_not_a_question_is_malformed(folder: Path, sent: bytes) -> None:
    error = line(folder, sent)["error"]
    assert isinstance(error, dict)
    assert (error["code"], error["sort"]) == ("owner.malformed", "input")


def test_there_is_nothing_beyond_the_table(folder: Path) -> None:
    with pytest.raises(BadInput, match=r"owner\.unknown"):
        ask(folder, "eval", {"text": "1+1"})


def test_a_line_without_an_end_is_cut(folder: Path) -> None:
    error = line(folder, b"x" * (owner.MOST_ASKED + 1))["error"]
    assert isinstance(error, dict)
    assert error["code"] == "owner.too_long"


def test_one_talk_may_hold_many_lines(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(str(folder / "owner.sock"))
        end.sendall(b'{"ask":"add","with":{"one":1}}\n{"ask":"add","with":{"o')
        end.sendall(b'ne":2}}\n')
        with end.makefile("rb") as answers:
            assert [json.loads(answers.readline()) for _ in range(2)] == [{"answer": 1001}, {"answer": 1002}]


def test_a_crowd_is_told_to_come_again(folder: Path) -> None:
    waiting = [socket.socket(socket.AF_UNIX) for _ in range(owner.MOST_AT_ONCE)]
    for end in waiting:
        end.connect(str(folder / "owner.sock"))
        end.sendall(b'{"ask":"add","with":{"one":1}}\n')
        assert end.recv(100) == b'{"answer":1001}\n'  # so that this talk is known to have begun
    with pytest.raises(Refused, match=r"owner\.busy"):
        ask(folder, "add", {"one": 1})
    for end in waiting:
        end.close()


def test_nobody_there_is_said_as_in_use(tmp_path: Path) -> None:
    (tmp_path / "owner.lock").write_text('{"program": "kiosk", "pid": 7}')
    with pytest.raises(Refused) as caught:
        ask(tmp_path, "add", {"one": 1})
    assert (caught.value.code, caught.value.params) == ("store.in_use", {"program": "kiosk", "pid": 7})


def test_an_owner_that_ends_in_the_middle_is_said_as_silent(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "owner.sock"))
        listening.listen()

        def leave() -> None:
            end, _ = listening.accept()
            end.recv(100)
            end.close()

        leaving = threading.Thread(target=leave)
        leaving.start()
        with pytest.raises(EnvironmentFault, match=r"owner\.silent"):
            ask(tmp_path, "add", {"one": 1})
        leaving.join()


def test_a_socket_left_behind_is_replaced_and_removed(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "owner.sock"))
    with Owner(tmp_path, TABLE, 0):
        assert ask(tmp_path, "add", {"one": 5}) == 5
    assert os.listdir(tmp_path) == []


def test_a_folder_deep_down_can_be_asked_too(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    with Owner(deep, TABLE, 0):
        assert ask(deep, "add", {"one": 5}) == 5
