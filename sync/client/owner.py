"""The owner's door: the program that owns a store answers other programs of the same user, one JSON line each way.

A question is `{"ask": name, "with": {…}}`, its answer `{"answer": …}` or `{"error": {"code", "params", "sort"}}`.
A table says which questions there are, so that whoever opens the store alone asks by the very same functions.

Windows has no such socket in Python: there the second program is told that the store is in use.
"""

import contextlib
import json
import logging
import os
import platform
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, NamedTuple, Self, TypeVar

import msgspec

from classtap_core.kernel.errors import BadInput, ClassTapError, EnvironmentFault, Param, Refused
from classtap_core.store.folder import SOCKET, owner

log = logging.getLogger("classtap.owner")

MOST_ASKED = 1 << 20
MOST_ANSWERED = 1 << 26
"""Bytes of a line: what may be asked, and what may come back."""
MOST_AT_ONCE = 8
PATIENCE_S = 10.0
"""How long a program that has begun a line may take to end it."""
ANSWER_S = 120.0
_LONGEST_PATH = 100  # the system's own limit is 104 or 108 bytes
_SORTS: dict[str, type[ClassTapError]] = {"refused": Refused, "input": BadInput, "surroundings": EnvironmentFault}

C = TypeVar("C")
Q = TypeVar("Q", bound=msgspec.Struct)


class Question(NamedTuple, Generic[C, Q]):
    """What is asked, as a struct, and what answers it: plain data, or a ClassTapError."""

    shape: type[Q]
    answer: Callable[[C, Q], Any]


Table = Mapping[str, Question[C, Any]]


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    ask: str
    with_: msgspec.Raw = msgspec.field(name="with", default=msgspec.Raw(b"{}"))


class _Trouble(msgspec.Struct):
    code: str
    params: dict[str, Param]
    sort: str


class _Said(msgspec.Struct, omit_defaults=True):
    answer: msgspec.Raw = msgspec.Raw(b"null")
    error: _Trouble | None = None


def answered(table: Table[C], context: C, ask: str, given: bytes) -> bytes:
    """Answer one question in JSON, `given` in JSON too.

    Raises BadInput `owner.unknown` for what is not in the table, `owner.malformed` for what is not its shape; all that
    the answer raises.
    """
    question = table.get(ask)
    if question is None:
        raise BadInput("owner.unknown", ask=ask[:40])
    try:
        wanted = msgspec.json.decode(given, type=question.shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("owner.malformed", where=str(error)[:200]) from error
    return msgspec.json.encode(question.answer(context, wanted))


class Owner(Generic[C]):
    """Listens in a store's folder and answers from a table. A context manager; leaves no thread and no file behind."""

    def __init__(self, folder: Path, table: Table[C], context: C) -> None:
        """Only the program that owns the folder may do this."""
        self._folder, self._table, self._context = folder, table, context
        self._listener: socket.socket | None = None
        self._stop, self._stopped = socket.socketpair()
        self._guard = threading.Lock()
        self._talks: dict[threading.Thread, socket.socket] = {}
        self._thread = threading.Thread(target=self._listen, name="classtap-owner", daemon=True)

    def start(self) -> Self:
        """Begin to listen; where the system has no such sockets, nothing happens.

        Raises EnvironmentFault `owner.socket` when the folder takes none.
        """
        if not available():
            return self
        path = self._folder / SOCKET
        try:
            path.unlink(missing_ok=True)
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            with _short(self._folder) as name:
                self._listener.bind(name)
            path.chmod(0o600)
            self._listener.listen(MOST_AT_ONCE)
        except OSError as error:
            self._let_go()
            raise EnvironmentFault("owner.socket", folder=str(self._folder), why=error.strerror or "") from error
        self._thread.start()
        return self

    def _let_go(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def close(self) -> None:
        """Stop listening, end the talks after the answer they are at, remove the socket."""
        if self._listener is not None:
            self._stop.close()
            self._thread.join()
            self._let_go()
            (self._folder / SOCKET).unlink(missing_ok=True)
        with self._guard:
            talks = dict(self._talks)
        for end in talks.values():
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RD)
        for thread in talks:
            thread.join()
        self._stop.close()
        self._stopped.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _listen(self) -> None:
        listener = self._listener
        assert listener is not None
        while True:
            ready, _, _ = select.select([listener, self._stopped], [], [])
            if self._stopped in ready:
                return
            with contextlib.suppress(OSError):
                self._admit(listener.accept()[0])

    def _admit(self, end: socket.socket) -> None:
        if not _same_user(end):
            log.info("somebody else knocked")
            end.close()
            return
        thread = threading.Thread(target=self._talk, args=(end,), name="classtap-owner-talk", daemon=True)
        with self._guard:
            crowded = len(self._talks) >= MOST_AT_ONCE
            if not crowded:
                self._talks[thread] = end
        if crowded:
            _say(end, _refusal(Refused("owner.busy")))
            end.close()
        else:
            thread.start()

    def _talk(self, end: socket.socket) -> None:
        try:
            for line in _lines(end):
                _say(end, self._answer(line))
        except (OSError, BadInput) as error:
            if isinstance(error, BadInput):
                _say(end, _refusal(error))
        finally:
            end.close()
            with self._guard:
                self._talks.pop(threading.current_thread(), None)

    def _answer(self, line: bytes) -> bytes:
        try:
            asked = msgspec.json.decode(line, type=_Asked)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _refusal(BadInput("owner.malformed", where=str(error)[:200]))
        try:
            found = answered(self._table, self._context, asked.ask, bytes(asked.with_))
        except ClassTapError as trouble:
            return _refusal(trouble)
        except Exception as fault:
            log.exception("a question failed: %s", asked.ask)
            return _refusal(EnvironmentFault("owner.fault", fault=type(fault).__name__))
        return msgspec.json.encode(_Said(answer=msgspec.Raw(found)))


def ask(folder: Path, name: str, given: Mapping[str, Any], *, timeout_s: float = ANSWER_S) -> Any:
    """Ask the program that owns a folder; its answer as plain data.

    Raises Refused `store.in_use` when it does not listen, EnvironmentFault `owner.silent` when it ends or takes too
    long, and whatever the answer raised.
    """
    line = msgspec.json.encode({"ask": name, "with": dict(given)}) + b"\n"
    with _connected(folder) as end:
        end.settimeout(timeout_s)
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may have said no and closed already
                end.sendall(line)
            said = next(_lines(end, most=MOST_ANSWERED, idle_s=timeout_s), None)
        except OSError as error:
            raise EnvironmentFault("owner.silent", **owner(folder)) from error
    if said is None:
        raise EnvironmentFault("owner.silent", **owner(folder))
    answer = msgspec.json.decode(said, type=_Said)
    if answer.error is not None:
        raise _SORTS.get(answer.error.sort, Refused)(answer.error.code, **answer.error.params)
    return json.loads(bytes(answer.answer))


def available() -> bool:
    """Whether this system has what the owner's door is made of."""
    return hasattr(socket, "AF_UNIX")


def _refusal(trouble: ClassTapError) -> bytes:
    sort = next((name for name, kind in _SORTS.items() if isinstance(trouble, kind)), "refused")
    return msgspec.json.encode(_Said(error=_Trouble(trouble.code, dict(trouble.params), sort)))


def _say(end: socket.socket, line: bytes) -> None:
    with contextlib.suppress(OSError):
        end.sendall(line + b"\n")


def _lines(
    end: socket.socket, *, most: int = MOST_ASKED, idle_s: float | None = None, patience_s: float = PATIENCE_S
) -> Iterator[bytes]:
    """The lines that come, until the other end closes.

    A line begins within `idle_s`, and once begun it ends within `patience_s` and before `most` bytes. Raises
    BadInput `owner.too_long`, TimeoutError.
    """
    held = bytearray()
    while True:
        begun = time.monotonic() if held else 0.0
        seen = 0
        while (found := held.find(b"\n", seen)) < 0:
            seen = len(held)
            if seen > most:
                raise BadInput("owner.too_long", most=most)
            end.settimeout(max(0.001, begun + patience_s - time.monotonic()) if begun else idle_s)
            came = end.recv(1 << 16)
            if not came:
                return
            begun = begun or time.monotonic()
            held += came
        line = bytes(held[:found])
        del held[: found + 1]
        yield line


@contextmanager
def _connected(folder: Path) -> Iterator[socket.socket]:
    if not available():
        raise Refused("store.in_use", **owner(folder))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
        try:
            with _short(folder) as name:
                end.connect(name)
        except OSError as error:
            raise Refused("store.in_use", **owner(folder)) from error
        yield end


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    """A name of the socket that fits the system's limit, while the context lasts."""
    name = str(folder / SOCKET)
    if len(os.fsencode(name)) <= _LONGEST_PATH or not sys.platform.startswith("linux"):
        yield name
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET}"
    finally:
        os.close(handle)


def _same_user(end: socket.socket) -> bool:
    """Whether the other end runs as this user; the folder's mode says so too, where the system cannot."""
    if hasattr(socket, "SO_PEERCRED"):
        _, uid, _ = struct.unpack("3i", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    elif platform.system() == "Darwin":
        # getpeereid(3) is this option: LOCAL_PEERCRED at level SOL_LOCAL (0), a struct xucred.
        _, uid = struct.unpack_from("=II", end.getsockopt(0, 0x001, 76))
    else:
        return True
    return bool(uid == os.getuid())
