"""Every struct's layout, worked out before there are threads."""

from collections.abc import Iterator

import msgspec


def lay_out() -> None:
    """Have msgspec work out how each struct that was declared is read; a program calls it before it starts threads.

    Msgspec (0.22) does so at a struct's first use and writes it down piece by piece: a second thread that reads the same
    struct just then meets half of it, and the process dies (SIGSEGV). All of ours take 20 ms, a second call two.
    """
    for struct in _below(msgspec.Struct):
        msgspec.json.Decoder(struct)


def _below(struct: type) -> Iterator[type]:
    below: list[type] = struct.__subclasses__()
    for one in below:
        yield one
        yield from _below(one)
