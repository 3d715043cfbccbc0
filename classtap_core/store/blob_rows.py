"""What the database knows of blobs: whose each is, its sealed key, who cites it, how much of it is here."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from classtap_core.kernel.blobs import Blob, Offer, Span, Spans, blobs_in, carries, check_hash
from classtap_core.kernel.device_store import Entry
from classtap_core.kernel.envelope import join_parts, own
from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import Entropy, Id
from classtap_core.kernel.operations import Registry
from classtap_core.store.engine import Connection, Database
from classtap_core.store.sealed_file import sealed_size
from classtap_core.store.sealing import lock, unlock
from classtap_core.store.subjects import SubjectKeys


class BlobKind(StrEnum):
    """What a blob is for; each kind has a quota."""

    PHOTO = "photo"
    DOCUMENT = "document"
    SIGNATURE = "signature"
    THUMBNAIL = "thumbnail"
    MANIFEST = "manifest"


class State(StrEnum):
    """HERE: whole and checked. COMING: some ranges of it may be here. AWAY: the cloud has it, and it was let go."""

    HERE = "here"
    COMING = "coming"
    AWAY = "away"


class Kept(NamedTuple):
    """A row of the table.

    Attributes:
        hash, size, type: as a reference has them. sealed: bytes of the file. subject: whose it is, empty for the
        studio's. scope: where it lies. of: the blob that this is a thumbnail of. made_ms: when it came here. sent:
        whether the cloud has it. ranges: what of it is here, while it is coming.
    """

    hash: str
    kind: str
    type: str
    size: int
    sealed: int
    subject: str
    key: bytes | None
    scope: str
    of: str
    made_ms: int
    state: State
    sent: bool
    ranges: bytes

    @property
    def blob(self) -> Blob:
        return Blob(hash=self.hash, size=self.size, type=self.type)

    @property
    def spans(self) -> Spans:
        return _spans(self.ranges)


_COLUMNS = "hash, kind, type, size, sealed, subject, key, scope, of, made_ms, state, sent, ranges"
_pack_spans = msgspec.msgpack.Encoder().encode
_unpack_spans = msgspec.msgpack.Decoder(tuple[Span, ...]).decode


def _spans(ranges: bytes) -> Spans:
    return _unpack_spans(ranges) if ranges else ()


def create(db: Database) -> None:
    """Make the tables, inside the caller's transaction."""
    db.execute(
        "CREATE TABLE blob (hash TEXT PRIMARY KEY NOT NULL, kind TEXT NOT NULL, type TEXT NOT NULL, size INTEGER NOT"
        " NULL, sealed INTEGER NOT NULL, subject TEXT NOT NULL, key BLOB, scope TEXT NOT NULL, of TEXT NOT NULL,"
        " made_ms INTEGER NOT NULL, state TEXT NOT NULL, sent INTEGER NOT NULL, ranges BLOB NOT NULL)"
    )
    db.execute("CREATE INDEX blob_subject ON blob (subject)")
    db.execute("CREATE INDEX blob_of ON blob (of) WHERE of <> ''")
    db.execute("CREATE INDEX blob_waiting ON blob (made_ms) WHERE sent = 0 AND state = 'here'")
    db.execute("CREATE TABLE blob_cite (hash TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (hash, position))")
    db.execute("CREATE INDEX blob_cite_position ON blob_cite (position)")
    db.execute(
        "CREATE TABLE blob_intake (name TEXT PRIMARY KEY NOT NULL, subject TEXT NOT NULL, key BLOB, at_ms INTEGER NOT NULL)"
    )


class BlobRows:
    """Reads and writes the tables through one connection; with `entropy`, it may seal."""

    def __init__(self, conn: Connection, keys: SubjectKeys, entropy: Entropy | None = None) -> None:
        self.conn, self._keys, self._entropy = conn, keys, entropy

    # -- one blob

    def get(self, hash: str) -> Kept | None:
        row = self.conn.execute(f"SELECT {_COLUMNS} FROM blob WHERE hash = ?", (hash,)).fetchone()
        return None if row is None else _kept(row)

    def all(self, where: str = "1", given: Sequence[object] = ()) -> Iterator[Kept]:
        """Every row a condition holds for, by hash."""
        for row in self.conn.execute(f"SELECT {_COLUMNS} FROM blob WHERE {where} ORDER BY hash", given):
            yield _kept(row)

    def put(self, kept: Kept) -> None:
        """Insert or replace a row."""
        marks = ", ".join("?" * len(kept))
        self.conn.execute(f"INSERT OR REPLACE INTO blob ({_COLUMNS}) VALUES ({marks})", (*kept[:10], kept.state.value, int(kept.sent), kept.ranges))  # fmt: skip

    def set_state(self, hash: str, state: State, spans: Spans = ()) -> None:
        self.conn.execute(
            "UPDATE blob SET state = ?, ranges = ? WHERE hash = ?",
            (state.value, _pack_spans(spans) if spans else b"", hash),
        )

    def set_sent(self, hash: str) -> None:
        self.conn.execute("UPDATE blob SET sent = 1 WHERE hash = ?", (hash,))

    def drop(self, hashes: Iterable[str]) -> list[str]:
        """Forget blobs, their thumbnails and who cited them; the hashes whose files may go."""
        gone: list[str] = []
        for hash in hashes:
            gone.append(hash)
            gone += [small for (small,) in self.conn.execute("SELECT hash FROM blob WHERE of = ?", (hash,))]
        for hash in gone:
            self.conn.execute("DELETE FROM blob WHERE hash = ?", (hash,))
            self.conn.execute("DELETE FROM blob_cite WHERE hash = ?", (hash,))
        return gone

    # -- keys

    def sealed_key(self, key: bytes, subject: str, context: str) -> bytes | None:
        """A content key under its subject's; the studio's own as it is. None when the subject was erased."""
        assert self._entropy is not None
        if not subject:
            return key
        theirs = self._keys.key(subject)
        return None if theirs is None else lock(key, theirs, f"blob/{context}", self._entropy)

    def opened_key(self, box: bytes | None, subject: str, context: str) -> bytes | None:
        """A content key; None when its subject's key is not here any more."""
        if box is None or not subject:
            return box
        standing = self._keys.standing(subject)
        if standing is None or standing.key is None:
            return None
        try:
            return unlock(box, standing.key, f"blob/{context}")
        except BadInput:
            return None  # sealed under a key that was dropped since

    def key_anew(self, kept: Kept, old: bytes) -> bool:
        """Seal a blob's key under its person's own, where an older key of theirs opens it; whether it did."""
        assert kept.key is not None
        try:
            key = unlock(kept.key, old, f"blob/{kept.hash}")
        except BadInput:
            return False
        box = self.sealed_key(key, kept.subject, kept.hash)
        self.conn.execute("UPDATE blob SET key = ? WHERE hash = ?", (box, kept.hash))
        return box is not None

    def key_of(self, kept: Kept) -> bytes | None:
        return self.opened_key(kept.key, kept.subject, kept.hash)

    # -- who cites it

    def cite(self, entry: Entry, at: int, registry: Registry) -> None:
        """Remember which blobs a new log entry cites. Raises Refused `blob.missing` for one that is neither durable
        here nor in the cloud: an operation never names evidence that may not exist."""
        spec = registry.specs.get(entry.kind)
        if spec is None or not carries(spec.payload):
            return
        payload = registry.read(own(entry.data), join_parts(entry.parts), entry.hash).payload
        for blob in blobs_in(payload):
            known = self.get(check_hash(blob.hash))
            if known is None or (known.state is not State.HERE and not known.sent):
                raise Refused("blob.missing", hash=blob.hash)
            self.conn.execute("INSERT OR IGNORE INTO blob_cite (hash, position) VALUES (?, ?)", (blob.hash, at))

    def note(self, blob: Blob, *, subject: str, scope: str) -> None:
        """A pulled row names a blob: the cloud has it, and may be asked for it."""
        try:
            check_hash(blob.hash)
        except BadInput:
            return
        self.conn.execute(
            f"INSERT OR IGNORE INTO blob ({_COLUMNS}) VALUES (?, '', ?, ?, ?, ?, NULL, ?, '', 0, 'away', 1, x'')",
            (blob.hash, blob.type, blob.size, sealed_size(blob.size), subject, scope),
        )

    def cited(self, hash: str) -> bool:
        """Whether an entry of the log that counts still cites it."""
        return self.conn.execute("SELECT 1 FROM blob_cite WHERE hash = ? LIMIT 1", (hash,)).fetchone() is not None

    def recite(self, at: int, now: int) -> None:
        """An entry has moved to another place of the log."""
        self.conn.execute("UPDATE blob_cite SET position = ? WHERE position = ?", (now, at))

    def forget_cites(self, answered: Iterable[tuple[int, int]]) -> None:
        """Forget who cited what the cloud has, in these spans of positions (both ends included) that are answered."""
        for low, high in answered:
            self.conn.execute(
                "DELETE FROM blob_cite WHERE position BETWEEN ? AND ? AND hash IN (SELECT hash FROM blob WHERE sent = 1)",
                (low, high),
            )

    # -- sums and lists

    def used(self, kind: str | None = None) -> int:
        """Bytes on the disk of what is here, of one kind or all."""
        (total,) = self.conn.execute(
            "SELECT coalesce(sum(sealed), 0) FROM blob WHERE state <> 'away' AND kind = coalesce(?, kind)", (kind,)
        ).fetchone()
        return int(total)

    def waiting(self) -> list[Kept]:
        """What the cloud does not have and an operation cites, in the order it was made."""
        rows = self.conn.execute(
            f"SELECT {_COLUMNS} FROM blob WHERE sent = 0 AND state = 'here' AND hash IN (SELECT hash FROM blob_cite)"
            " ORDER BY made_ms, hash"
        ).fetchall()
        return [_kept(row) for row in rows]

    def offer(self, kept: Kept) -> Offer | None:
        """What is said before it travels; None when its key is gone."""
        key = self.key_of(kept)
        if key is None:
            return None
        return Offer(
            blob=kept.blob, sealed=kept.sealed, kind=kept.kind, key=key.hex(), subject=kept.subject, scope=kept.scope
        )

    def of_subject(self, subject: Id | str) -> list[str]:
        return [hash for (hash,) in self.conn.execute("SELECT hash FROM blob WHERE subject = ?", (subject,))]

    def subjects(self, among: Iterable[str]) -> set[str]:
        """Which of these somebody's blob is still here."""
        return {
            subject
            for subject in among
            if self.conn.execute(
                "SELECT 1 FROM blob WHERE subject = ? AND key IS NOT NULL LIMIT 1", (subject,)
            ).fetchone()
        }

    # -- what is being taken in

    def begin_intake(self, name: str, subject: str, key: bytes, at_ms: int) -> None:
        box = self.sealed_key(key, subject, f"intake/{name}")
        self.conn.execute(
            "INSERT OR REPLACE INTO blob_intake (name, subject, key, at_ms) VALUES (?, ?, ?, ?)",
            (name, subject, box, at_ms),
        )

    def intake(self, name: str) -> tuple[str, bytes | None] | None:
        """Whose a taking-in is, and its key (None when that is gone); None when there is none of this name."""
        row = self.conn.execute("SELECT subject, key FROM blob_intake WHERE name = ?", (name,)).fetchone()
        return None if row is None else (row[0], self.opened_key(row[1], row[0], f"intake/{name}"))

    def end_intake(self, name: str) -> None:
        self.conn.execute("DELETE FROM blob_intake WHERE name = ?", (name,))

    def intakes(self, before_ms: int | None = None) -> list[str]:
        """Names of what is being taken in; only those begun before an instant, where one is given."""
        rows = self.conn.execute(
            "SELECT name FROM blob_intake WHERE ?1 IS NULL OR at_ms < ?1 ORDER BY name", (before_ms,)
        )
        return [name for (name,) in rows]


def _kept(row: Sequence[object]) -> Kept:
    found = Kept(*row)  # type: ignore[arg-type] # the columns in their order
    return found._replace(state=State(found.state), sent=bool(found.sent))
