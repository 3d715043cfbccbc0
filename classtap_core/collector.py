"""Python's garbage collector in programs that run for months."""

import gc


def settle() -> None:
    """Leave what is here by now out of every later collection: call it once a program stands.

    A walk over all that a window or a cloud imported stops each of its threads for a tenth of a second, at whatever
    moment it comes.
    """
    gc.freeze()
