"""Keys of persons: what the log says about somebody opens with theirs, and with nobody else's."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from classtap_core.kernel.chain import Sealer
from classtap_core.kernel.envelope import Parts
from classtap_core.kernel.errors import BadInput, ProgramFault
from classtap_core.kernel.ids import Entropy
from classtap_core.kernel.records import OPEN
from classtap_core.store.engine import KEY_BYTES, Connection

_MOST_KEPT = 10_000
_NUMBER_BYTES = 8

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(dict[str, bytes]).decode


class SubjectKey(NamedTuple):
    """A subject's key and its number; no key where it was destroyed."""

    number: int
    key: bytes | None


class SubjectKeys:
    """The `subject_key` table. A destroyed key leaves its row without a key, so that none is made again.

    With `entropy`, a key is made on first use; a reader has none.
    """

    def __init__(self, conn: Connection, entropy: Entropy | None) -> None:
        self._conn, self._entropy = conn, entropy
        self._kept: dict[str, SubjectKey] = {}

    def key(self, subject: str) -> bytes | None:
        """The 32-byte key of a subject; None when it was destroyed (or, for a reader, never made)."""
        found = self.standing(subject)
        if found is None and self._entropy is not None:
            found = self._make(subject, self._entropy(KEY_BYTES))
        return found and found.key

    def standing(self, subject: str) -> SubjectKey | None:
        """The subject's key as it stands; None when none was ever made."""
        if subject not in self._kept:
            row = self._conn.execute("SELECT number, key FROM subject_key WHERE subject = ?", (subject,)).fetchone()
            if row is None:
                return None
            self._keep(subject, SubjectKey(*row))
        return self._kept[subject]

    def _make(self, subject: str, key: bytes) -> SubjectKey:
        made = self._conn.execute("INSERT INTO subject_key (subject, key) VALUES (?, ?)", (subject, key))
        return self._keep(subject, SubjectKey(made.lastrowid, key))

    def _keep(self, subject: str, key: SubjectKey) -> SubjectKey:
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[subject] = key
        return key

    def put(self, subject: str, key: SubjectKey) -> bool:
        """Give a person back the key they had, under its number; False where they have another, or the number is taken."""
        standing = self.standing(subject)
        if standing is not None:
            return standing == key
        taken = self._conn.execute("SELECT 1 FROM subject_key WHERE number = ?", (key.number,)).fetchone()
        if taken is None:
            self._conn.execute(
                "INSERT INTO subject_key (number, subject, key) VALUES (?, ?, ?)", (key.number, subject, key.key)
            )
        return taken is None

    def destroy(self, subject: str) -> None:
        """Take a subject's key away for ever."""
        self._conn.execute(
            "INSERT INTO subject_key (subject, key) VALUES (?, NULL) ON CONFLICT (subject) DO UPDATE SET key = NULL",
            (subject,),
        )
        self._kept.pop(subject, None)

    def drop(self, subjects: Iterable[str]) -> None:
        """Forget keys of persons this device no longer holds; should one come back, it gets another key."""
        for subject in subjects:
            self._conn.execute("DELETE FROM subject_key WHERE subject = ? AND key IS NOT NULL", (subject,))
            self._kept.pop(subject, None)

    def forget(self) -> None:
        """Drop what is remembered in memory: after a roll-back."""
        self._kept.clear()


class _One(NamedTuple):
    """One person's key, as `chain.Sealer` asks for it."""

    only: bytes

    def key(self, subject: str) -> bytes:
        return self.only


class Seals:
    """Parts as they rest in the log: each person's sealed, with the number of the key that opens it."""

    def __init__(self, conn: Connection, entropy: Entropy | None) -> None:
        self.keys = SubjectKeys(conn, entropy)
        self.entropy = entropy or _no_entropy
        self._sealer = Sealer(self.keys, self.entropy)

    def seal(self, parts: Mapping[str, bytes], context: str) -> bytes:
        """What to store. A destroyed subject's part is dropped."""
        return _pack(
            {
                subject: box if subject == OPEN else self._number(subject).to_bytes(_NUMBER_BYTES, "big") + box
                for subject, box in self._sealer.seal(parts, context).items()
            }
        )

    def open(self, stored: bytes, context: str) -> Parts:
        """The parts whose key is still here. Raises BadInput for a part that was tampered with."""
        opens = {}
        for subject, box in _unpack(stored).items():
            if subject == OPEN:
                opens[subject] = box
                continue
            known = self.keys.standing(subject)
            if known is not None and known.key is not None and _number_of(box) == known.number:
                opens[subject] = box[_NUMBER_BYTES:]
        return self._sealer.open(opens, context)

    def closed(self, stored: bytes) -> set[str]:
        """Whose parts do not open here although they were not erased: their keys are elsewhere."""
        found = set()
        for subject, box in _unpack(stored).items() if stored else ():
            known = self.keys.standing(subject) if subject != OPEN else None
            if subject != OPEN and (known is None or (known.key is not None and _number_of(box) != known.number)):
                found.add(subject)
        return found

    def anew(self, stored: bytes, context: str, old: Mapping[str, SubjectKey]) -> tuple[bytes, int]:
        """What `seal` made, with the parts that rest under older keys sealed under the persons' own; how many these were."""
        parts, count = _unpack(stored) if stored else {}, 0
        for subject in parts.keys() & old.keys():
            box, key = parts[subject], old[subject]
            if key.key is None or _number_of(box) != key.number:
                continue
            try:
                opened = Sealer(_One(key.key), self.entropy).open({subject: box[_NUMBER_BYTES:]}, context)
            except BadInput:
                continue  # this store gave the same number to a key of its own
            parts[subject] = _unpack(self.seal(opened, context))[subject]
            count += 1
        return (_pack(parts), count) if count else (stored, 0)

    def _number(self, subject: str) -> int:
        found = self.keys.standing(subject)
        assert found is not None
        return found.number


def _number_of(box: bytes) -> int:
    return int.from_bytes(box[:_NUMBER_BYTES], "big")


def open_only(stored: bytes) -> bytes:
    """What `seal` made, without anything of anybody."""
    return _pack({subject: box for subject, box in _unpack(stored).items() if subject == OPEN})


def open_part(stored: bytes) -> bytes:
    """What is nobody's of what `seal` made; empty where there is none."""
    return _unpack(stored).get(OPEN, b"") if stored else b""


def subjects_in(stored: bytes) -> set[str]:
    """Whose parts are in what `seal` made."""
    return _unpack(stored).keys() - {OPEN}


def _no_entropy(count: int) -> bytes:
    raise ProgramFault("a reader seals nothing")
