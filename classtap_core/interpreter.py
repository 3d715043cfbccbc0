"""Python's garbage collector, and its lock, in programs that run for months."""

import gc
import sys

EVERY = 10_000
"""After so many new objects young ones are looked at; Python's 700 is met by every page of rows, several times."""

SWITCH_S = 0.0005
"""So long a thread holds Python's lock while others wait. With Python's own five milliseconds a thread that has its answer from
a database or the network waits that long again, each time, while another one computes."""


def settle(every: int = EVERY) -> None:
    """Leave what is here by now out of every later collection, and let threads take turns sooner: call it once a program
    stands.

    A walk over all that a window or a cloud imported stops each of its threads for a tenth of a second, at whatever
    moment it comes.
    """
    gc.freeze()
    gc.set_threshold(every, 10, 10)
    sys.setswitchinterval(SWITCH_S)
