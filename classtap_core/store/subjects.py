"""Keys of persons: what the log says about somebody opens with theirs, and with nobody else's."""

from classtap_core.kernel.ids import Entropy
from classtap_core.store.engine import KEY_BYTES, Connection

_MOST_KEPT = 10_000


class SubjectKeys:
    """The `subject_key` table. A destroyed key leaves its row without a key, so that none is made again.

    With `entropy`, a key is made on first use; a reader has none, and finds None for a subject without a key.
    """

    def __init__(self, conn: Connection, entropy: Entropy | None) -> None:
        self._conn, self._entropy = conn, entropy
        self._kept: dict[str, bytes | None] = {}

    def key(self, subject: str) -> bytes | None:
        """The 32-byte key of a subject; None when it was destroyed."""
        if subject in self._kept:
            return self._kept[subject]
        row = self._conn.execute("SELECT key FROM subject_key WHERE subject = ?", (subject,)).fetchone()
        if row is None and self._entropy is None:
            return None
        if row is None and self._entropy is not None:
            row = (self._entropy(KEY_BYTES),)
            self._conn.execute("INSERT INTO subject_key (subject, key) VALUES (?, ?)", (subject, row[0]))
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        found: bytes | None = row[0]
        self._kept[subject] = found
        return found

    def destroy(self, subject: str) -> None:
        """Take a subject's key away for ever."""
        self._conn.execute(
            "INSERT INTO subject_key (subject, key) VALUES (?, NULL) ON CONFLICT (subject) DO UPDATE SET key = NULL",
            (subject,),
        )
        self._kept.pop(subject, None)

    def forget(self) -> None:
        """Drop what is remembered in memory: after a roll-back, and after another hand wrote."""
        self._kept.clear()
