"""Python's garbage collector in programs that run for months."""

import gc

EVERY = 10_000
"""After so many new objects young ones are looked at; Python's 700 is met by every page of rows, several times."""


def settle(every: int = EVERY) -> None:
    """Leave what is here by now out of every later collection: call it once a program stands.

    A walk over all that a window or a cloud imported stops each of its threads for a tenth of a second, at whatever
    moment it comes.
    """
    gc.freeze()
    gc.set_threshold(every, 10, 10)
