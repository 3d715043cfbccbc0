"""A small coverage-guided fuzzer: inputs that reach a pair of lines nobody reached before are kept and bent further.

Written here because it runs on every Python and platform that the product does; the usual one has no wheels for some.
"""

import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

Bend = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


class Found(NamedTuple):
    """What a run came to: inputs tried, pairs of lines reached (at first, at last), inputs kept."""

    runs: int
    edges_at_first: int
    edges: int
    corpus: int


class Guided:
    """Runs a target over inputs for a while; whatever it raises goes up, with the input in the message."""

    def __init__(self, target: Callable[[bytes], None], files: Sequence[Path], *, seed: int) -> None:
        """`files`: the source files whose lines count."""
        self._target, self._files = target, frozenset(str(file) for file in files)
        self._rng = random.Random(seed)
        self._edges: set[tuple[str, int, int]] = set()

    def run(self, corpus: Sequence[bytes], *, seconds: float, clock: Callable[[], float] = time.monotonic) -> Found:
        """Bend inputs of the corpus and of what is found until time is up."""
        kept = list(corpus)
        for one in corpus:
            self._new(one)
        first, runs, until = len(self._edges), 0, clock() + seconds
        while clock() < until:
            for _ in range(200):
                # What was found last is bent more often: it is the newest edge of what is known.
                base = kept[-1 - min(int(self._rng.expovariate(0.05)), len(kept) - 1)]
                one = self._bent(base, kept)
                runs += 1
                if self._new(one):
                    kept.append(one)
        return Found(runs, first, len(self._edges), len(kept))

    def _new(self, one: bytes) -> bool:
        """Run one input; whether it went where nobody went before."""
        seen: set[tuple[str, int, int]] = set()
        last: dict[int, int] = {}

        def line(frame: FrameType, event: str, _: Any) -> Any:
            name = frame.f_code.co_filename
            if name not in self._files:
                return None
            key = id(frame)
            seen.add((name, last.get(key, 0), frame.f_lineno))
            last[key] = frame.f_lineno
            return line

        sys.settrace(line)
        try:
            self._target(one)
        except Exception as fault:
            fault.add_note(f"input {one!r}")
            raise
        finally:
            sys.settrace(None)
        fresh = not seen <= self._edges
        self._edges |= seen
        return fresh

    def _bent(self, base: bytes, kept: Sequence[bytes]) -> bytes:
        data = bytearray(base)
        for _ in range(1 + int(self._rng.expovariate(0.7))):
            self._rng.choice(_BENDS)(self._rng, data, kept)
        return bytes(data[:4096])


def _flip(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _set(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] = rng.choice(b'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:\0\xff\n{}[]",')


def _drop(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        start = rng.randrange(len(data))
        del data[start : start + 1 + int(rng.expovariate(0.2))]


def _insert(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.randbytes(1 + int(rng.expovariate(0.3)))


def _cross(rng: random.Random, data: bytearray, kept: Sequence[bytes]) -> None:
    other = rng.choice(kept)
    if data and other:
        at, size = rng.randrange(len(data)), rng.randrange(1, len(other) + 1)
        start = rng.randrange(len(other))
        data[at : at + size] = other[start : start + size]


_BENDS: tuple[Callable[[random.Random, bytearray, Sequence[bytes]], None], ...] = (_flip, _set, _drop, _insert, _cross)
