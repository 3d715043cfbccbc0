"""Keys of persons that come after the store they belong to: held back until it is known who was erased, then given.

A restored store works meanwhile, and may have made its persons other keys. What rests under an older one is then sealed
anew, so that a person has one key, and losing it erases them.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from classtap_core.kernel.erasure import Erasure
from classtap_core.store.log import changes_context, payload_context
from classtap_core.store.subjects import SubjectKey
from classtap_core.store.writer import Slices

if TYPE_CHECKING:
    from classtap_core.store.device import SqlDevice
    from classtap_core.store.reader import StoreReader

HELD, AWAITED = "held_keys", "keys_awaited"
"""Small values: the keys that wait; that unsent work waits for keys."""
LIST = Erasure.PREFIX
"""The scope that says who was erased. Once it is held, so is the list."""

_ENTRIES, _PERSONS = 100, 500
"""So many in one slice: some 10 ms."""

_decode = msgspec.msgpack.Decoder(dict[str, tuple[int, bytes]]).decode


class Given(NamedTuple):
    """What came of giving keys: to how many persons, and how many boxes of the log and blobs were sealed anew."""

    persons: int = 0
    resealed: int = 0


def held(reader: "StoreReader") -> dict[str, SubjectKey]:
    """Keys that wait for the list of who was erased, by person."""
    kept = reader.recall(HELD)
    return {} if kept is None else {subject: SubjectKey(*one) for subject, one in _decode(kept).items()}


def awaited(reader: "StoreReader") -> bool:
    """Whether unsent work waits for keys: it would reach the cloud without its words."""
    return reader.recall(AWAITED) is not None


def hold(device: "SqlDevice", keys: Mapping[str, tuple[int, bytes]]) -> None:
    """Keep keys until `give`, beside those that wait already. Within the caller's transaction."""
    waiting = {**held(device), **keys}
    device.remember(HELD, msgspec.msgpack.encode({subject: tuple(one) for subject, one in waiting.items()}))


def wait(device: "SqlDevice") -> None:
    """Have unsent work whose words do not open wait for keys, where there is any. Within the caller's transaction."""
    if _closed(device):
        device.remember(AWAITED, b"1")
    else:
        device.forget(AWAITED)


def _closed(device: "SqlDevice") -> bool:
    return any(device.closed(epoch, one.sequence) for epoch, one in device.unsent_before())


def give_up(device: "SqlDevice") -> None:
    """Nobody has the keys: what waits for them goes on without its words. Within the caller's transaction."""
    device.forget(HELD)
    device.forget(AWAITED)


def give(device: "SqlDevice") -> Slices[Given]:
    """Give every key that waits to its person, unless they were erased. Cut short, the next time goes on."""
    keys = held(device)
    old: dict[str, SubjectKey] = {}
    for some in _some(keys):
        with device.atomic():
            old |= {
                subject: key
                for subject, key in some.items()
                if not device.erased(subject) and not device.subject_keys.put(subject, key)
            }
        yield
    resealed = 0
    if old:
        resealed += yield from _log_anew(device, old)
        resealed += _blobs_anew(device, old)
        with device.atomic():
            resealed += device.told.seal_anew(lambda payload, context: device.seals.anew(payload, context, old))
        yield
    with device.atomic():
        device.forget(HELD)
        wait(device)
    device.truncate_due = True  # keys of who was erased may still lie in the write-ahead log
    return Given(sum(not device.erased(subject) for subject in keys), resealed)


def _some(keys: Mapping[str, SubjectKey]) -> Iterator[dict[str, SubjectKey]]:
    listed = list(keys.items())
    for start in range(0, len(listed), _PERSONS):
        yield dict(listed[start : start + _PERSONS])


def _log_anew(device: "SqlDevice", old: Mapping[str, SubjectKey]) -> Slices[int]:
    after, count = 0, 0
    while rows := device.conn.execute(
        "SELECT position, id, payload, changes FROM log WHERE position > ? ORDER BY position LIMIT ?", (after, _ENTRIES)
    ).fetchall():
        with device.atomic():
            for at, id, payload, changes in rows:
                said, one = device.seals.anew(payload, payload_context(id), old)
                changed, two = device.seals.anew(changes, changes_context(id), old)
                if one or two:
                    device.conn.execute(
                        "UPDATE log SET payload = ?, changes = ? WHERE position = ?", (said, changed, at)
                    )
                count += one + two
        after = rows[-1][0]
        yield
    return count


def _blobs_anew(device: "SqlDevice", old: Mapping[str, SubjectKey]) -> int:
    count = 0
    with device.atomic():
        for kept in list(device.blobs.all("subject <> '' AND key IS NOT NULL")):
            known = old.get(kept.subject)
            if known is not None and known.key is not None and device.blobs.key_of(kept) is None:
                count += device.blobs.key_anew(kept, known.key)
    return count
