"""What can be read of a store through one connection: rows as a person sees them, the log, what waits to be told."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from classtap_core.auditing.lines import Kept
from classtap_core.kernel.chain import ChainRow
from classtap_core.kernel.device_store import DeviceHead, Entry, Notice
from classtap_core.kernel.effects import Home, Intent
from classtap_core.kernel.envelope import join_parts, own
from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import Entropy, Id
from classtap_core.kernel.operations import Range, Registry
from classtap_core.kernel.outcomes import Outcome
from classtap_core.kernel.records import Record, Row
from classtap_core.kernel.scopes import covers, ended_before
from classtap_core.kernel.tx import Change
from classtap_core.store import late_keys, search
from classtap_core.store.blob_rows import BlobRows
from classtap_core.store.engine import Connection
from classtap_core.store.log import Log, Unsent, sequence_of
from classtap_core.store.rows import RecordTable, RowReader
from classtap_core.store.subjects import Seals, SubjectKeys
from classtap_core.store.told import ToldRows
from classtap_core.store.trail import Trail

_outcome = msgspec.json.Decoder(Outcome).decode


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a device's head beside its log (which says the last sequence and hash)."""

    studio: Id
    device: Id
    epoch: int
    acked: int = 0
    cursor: int = 0
    token: str = ""
    takes: dict[str, int] = {}
    earlier: dict[str, int] = {}
    """How far the epochs before a restore were acknowledged."""


class ScopeState(NamedTuple):
    """A scope (or pattern) that is held, or being loaded: `next` says how far. `again`: held, and being loaded anew."""

    scope: str
    complete: bool
    next: str
    again: bool = False


class StoreReader:
    """Reads a store. A kernel `Reader`: `Snapshot(reader, registry)` and `bus.decide` work over it.

    Attributes:
        registry: of the records this program knows. blobs: what is known of blobs. told: what other devices of this
        place told.
    """

    def __init__(
        self, conn: Connection, registry: Registry, tables: Mapping[str, RecordTable], entropy: Entropy | None = None
    ) -> None:
        self.conn, self.registry, self.tables = conn, registry, tables
        self._seals = Seals(conn, entropy)
        self._log = Log(conn, registry, self._seals)
        self._reads = RowReader(conn, tables)
        self.told = ToldRows(conn, self._seals)
        self.blobs = BlobRows(conn, self.subject_keys, entropy)

    @property
    def subject_keys(self) -> SubjectKeys:
        return self._seals.keys

    # -- what a unit of work reads

    def rows(self, record: type[Record], ids: Iterable[Id]) -> Mapping[Id, Row]:
        return self._reads.rows(record, ids)

    def find(self, wanted: Range) -> list[Row]:
        return self._reads.find(wanted)

    def find_many(self, wanted: Sequence[Range]) -> list[list[Row]]:
        return [self.find(one) for one in wanted]

    def holds(self, scope: str) -> bool:
        held = self.held()
        return covers(held, scope) and (not ended_before(scope, self.floor()) or scope in held)

    def recorded(self, operation: Id) -> tuple[Change, ...] | None:
        """What an operation changed, without bodies; None when it is not in this log."""
        return self._log.recorded(operation)

    def search(
        self, text: str, *, kinds: Collection[str] | None = None, readable: search.Readable | None = None,
        most: int = search.MOST,
    ) -> list[search.Found]:  # fmt: skip
        """Records whose SEARCH fields fit what somebody typed, at most 20, best first, each with how and where it fits.

        Every word must fit: as the beginning of the whole, of a word, a part of one, in another spelling or script, or
        but for one slip of the finger (`naming.matching.How`); or the text is part of a telephone number or an e-mail
        address. An empty text finds nothing. `kinds` narrows to kinds of records; what `readable` denies (kind and
        scope) is not found.
        """
        return self._reads.search(text, kinds=kinds, readable=readable, most=most)

    # -- where the device stands

    def head(self) -> DeviceHead:
        """Raises Refused `store.unpaired` before the device has been paired."""
        standing = self.standing()
        if standing is None:
            raise Refused("store.unpaired")
        self._log.epoch = standing.epoch
        sequence, hash = self._log.last()
        return DeviceHead(
            studio=standing.studio, device=standing.device, epoch=standing.epoch, sequence=sequence, hash=hash,
            acked=standing.acked, cursor=standing.cursor, token=standing.token, takes=standing.takes,
        )  # fmt: skip

    def standing(self) -> Standing | None:
        """Whose store this is and how far it has come; None before the device has been paired."""
        found = self.recall("standing")
        return None if found is None else msgspec.json.decode(found, type=Standing)

    def recall(self, name: str) -> bytes | None:
        """A small value kept under a name by `SqlDevice.remember`."""
        row = self.conn.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def held(self) -> tuple[str, ...]:
        """Patterns whose rows are all here."""
        rows = self.conn.execute("SELECT pattern FROM scope WHERE state <> 'loading' ORDER BY rank")
        return tuple(pattern for (pattern,) in rows)

    def floor(self) -> str:
        """The day (ISO) from which on dated scopes are kept; empty before any was let go."""
        return (self.recall("floor") or b"").decode()

    def whole(self, pattern: str) -> bool:
        """Whether nothing that a scope or pattern names was let go; only then does a digest of it say anything."""
        thin: list[str] = msgspec.json.decode(self.recall("thin") or b"[]")
        if any(covers((pattern,), scope) for scope in thin):
            return False
        if not pattern.endswith("/*"):
            return self.holds(pattern) or not ended_before(pattern, self.floor())
        gone = self.recall("left")
        return gone is None or pattern.split("/", 1)[0] not in msgspec.json.decode(gone)

    def scopes(self) -> list[ScopeState]:
        """Scopes that are held or being loaded, in the order they were begun."""
        rows = self.conn.execute("SELECT pattern, state, next FROM scope ORDER BY rank")
        return [ScopeState(pattern, state != "loading", next, state == "again") for pattern, state, next in rows]

    # -- the log

    @property
    def trail(self) -> Trail:
        """The index of the log, as far as it followed."""
        return Trail(self.conn)

    def audited(self, positions: Sequence[int]) -> list[Kept]:
        """Entries of the log for `auditing.lines`, by position. One whose words are gone has no payload."""
        return [_kept(at, entry) for at, entry in self._log.at(positions)]

    def acked(self, epoch: int) -> int:
        """How far the cloud has answered an epoch."""
        standing = self.standing()
        if standing is None:
            return 0
        return standing.acked if epoch == standing.epoch else standing.earlier.get(str(epoch), 0)

    def set_aside(self) -> list[int]:
        """Own operations of the current epoch that the cloud has quarantined."""
        self.head()
        return self._log.set_aside()

    def entries(self, sequences: Iterable[int], *, epoch: int | None = None) -> list[Entry]:
        """Entries of the current epoch, in the order asked, or of another. Parts of erased persons are not in them.

        Changes carry bodies only while their entry is in the overlay.
        """
        self.head()
        return self._log.entries(sequences, epoch=epoch)

    def outlines(self, sequences: Iterable[int], *, epoch: int | None = None) -> list[Entry]:
        self.head()
        return self._log.outlines(sequences, epoch=epoch)

    def unsent(self, most: int, *, after: int | None = None, epoch: int | None = None) -> list[Unsent]:
        """The head of the queue, in order; or what comes after a sequence, sent before or not, of any epoch."""
        epoch = epoch or self.head().epoch
        return self._log.unsent_in(epoch, self.acked(epoch) if after is None else after, most)

    def unsent_before(self) -> list[tuple[int, Unsent]]:
        """What earlier epochs had not sent, with the epoch, in order."""
        standing = self.standing()
        return (
            []
            if standing is None
            else [
                (int(epoch), one)
                for epoch, acked in sorted(standing.earlier.items(), key=lambda one: int(one[0]))
                for one in self._log.unsent_in(int(epoch), acked)
            ]
        )

    def sendable_before(self) -> list[tuple[int, Unsent]]:
        """As `unsent_before`, but where words of it wait for the keys of persons: of each epoch what comes before."""
        waiting = self.unsent_before()
        if not late_keys.awaited(self):
            return waiting
        stopped: set[int] = set()
        found = []
        for epoch, one in waiting:
            if epoch not in stopped and self.closed(epoch, one.sequence):
                stopped.add(epoch)
            if epoch not in stopped:
                found.append((epoch, one))
        return found

    def closed(self, epoch: int, sequence: int) -> bool:
        """Whether something an entry says does not open here, although its person was not erased."""
        return self._log.closed(epoch, sequence)

    def epochs(self) -> list[int]:
        """The epochs there are own operations of; a fork begins a new one."""
        return self._log.epochs()

    def chain(self, epoch: int) -> Iterator[ChainRow]:
        """An epoch's entries as `verify_device` needs them."""
        return self._log.chain(epoch)

    def chain_end(self, epoch: int, most: int) -> tuple[str, list[ChainRow]]:
        """The last entries of an epoch, in order, and the hash before them."""
        return self._log.chain_end(epoch, most)

    def chain_head(self, epoch: int) -> str | None:
        """The hash an epoch's chain ends with."""
        return self._log.hash_at_end(epoch)

    def pending_changes(self) -> Iterator[Change]:
        """What own operations still in the overlay changed, in their order, without bodies."""
        return self._log.pending_changes()

    def erased(self, subject: str) -> bool:
        """Whether a person's key was destroyed for ever."""
        found = self.subject_keys.standing(subject)
        return found is not None and found.key is None

    def pending(self) -> int:
        """How many own operations the cloud has not acknowledged."""
        head = self.head()
        return head.sequence - head.acked

    # -- what waits to be told or done

    def notices(self) -> list[Notice]:
        """What somebody should be told and has not yet seen, oldest first."""
        rows = self.conn.execute(
            "SELECT operation, position, kind, before, now, at_ms FROM notice ORDER BY at_ms, position"
        ).fetchall()
        return [
            Notice(operation, sequence_of(at), kind, _outcome(before), _outcome(now), at_ms)
            for operation, at, kind, before, now, at_ms in rows
        ]

    def effects_ready(self, most: int = 100) -> list[tuple[Id, Intent]]:
        """Effects to carry out now, in the order they were asked for, each with its operation.

        A runner takes one that must happen at most once off the list (`effect_done`) before it acts, all others after.
        """
        rows = self.conn.execute(
            "SELECT operation, id, kind, home, body, at_most_once FROM effect WHERE ready = 1 ORDER BY number LIMIT ?",
            (most,),
        ).fetchall()
        return [
            (operation, Intent(id, kind, Home(home), msgspec.json.decode(body), bool(once)))
            for operation, id, kind, home, body, once in rows
        ]

    def observations(self, kind: str, *, since_ms: int = 0) -> dict[tuple[int, str], dict[str, int]]:
        """Ten-minute slot (its start, milliseconds since the Unix epoch) and key → counts."""
        found: dict[tuple[int, str], dict[str, int]] = {}
        for slot, key, name, total in self.conn.execute(
            "SELECT slot_ms, key, name, total FROM observation WHERE kind = ? AND slot_ms >= ? ORDER BY 1, 2, 3",
            (kind, since_ms),
        ):
            found.setdefault((slot, key), {})[name] = total
        return found


def _kept(at: int, entry: Entry) -> Kept:
    try:
        payload = join_parts(entry.parts)
    except BadInput:
        payload = None
    return Kept(at, own(entry.data), payload, entry.changes, entry.answer or entry.told)
