"""A device's store: one folder, one owner; made, opened, looked after, put under another key, copied for a bad day."""

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.device_store import Notice, Pulled
from classtap_core.kernel.errors import BadInput, EnvironmentFault, Refused
from classtap_core.kernel.ids import Entropy, Id
from classtap_core.kernel.operations import Registry
from classtap_core.store import backup, evictions, integrity, keys, late_keys, recovery, retention, rotation, salvage
from classtap_core.store import folder as places
from classtap_core.store.blobs import Blobs
from classtap_core.store.check import Checked, check
from classtap_core.store.device import SqlDevice
from classtap_core.store.engine import Connection, connect, faults
from classtap_core.store.integrity import Depth
from classtap_core.store.running import Running
from classtap_core.store.space import Space
from classtap_core.store.transfers import Transfers
from classtap_core.store.upgrade import upgrade
from classtap_core.store.writer import Slices

log = logging.getLogger("classtap.store")

_SIGNING_KEY, _RECOVERY, _RETENTION = "signing_key", "recovery", "retention_days"
_PAGES_A_SLICE = 256  # a megabyte: some 15 ms of copying
_DAY_MS = 86_400_000
_TOUCHES_MS, _OBSERVATIONS_MS = 2 * _DAY_MS, 30 * _DAY_MS


class Store(Running):
    """An open store. Close it, or use it as a context; a forgotten one keeps its thread.

    Attributes:
        device: the back end of the device bus. Only jobs of `run`, `call` and `apply` may touch it.
        protection: how the key is kept. folder: where the store lies. public_key: the device's, 32 bytes.
        recovery: the owner's public key that the store's key is also sealed to, 32 bytes; None until there is one.
        unclean: whether the program before ended without closing the store. watch: whether the store is sound, as far
        as it was looked at. space: the room on its disk. blobs: its photos, documents and signatures; transfers: those
        on their way from and to the cloud.
    """

    def __init__(
        self, folder: Path, key: keys.StoreKey, registry: Registry, ownership: places.Ownership,
        entropy: Entropy = os.urandom,
    ) -> None:  # fmt: skip
        """For `create` and `open`, which say what may go wrong."""
        super().__init__(folder, key, registry, ownership, entropy)
        self.blobs = Blobs(self, entropy, admit=self.space.admit)
        self.transfers = Transfers(self, self.blobs)

    @classmethod
    def create(
        cls, folder: Path, registry: Registry, *, program: str, studio: Id | None = None, device: Id | None = None,
        epoch: int = 1, ring: keys.Ring | None = None, entropy: Entropy = os.urandom,
    ) -> "Store":  # fmt: skip
        """Make a store in a folder that has none. Without `studio` and `device` it waits to be paired.

        `program` names the owner to whoever comes second; `ring` is the keyring for the key (`keyrings.SystemRing()`),
        None for a closed file. Raises Refused `store.exists`, `store.folder_open`, `store.in_use`; EnvironmentFault
        `disk_full`, `store.read_only`, `store.folder`.
        """
        places.prepare(folder)
        ownership = places.Ownership(folder, program)
        try:
            path = folder / places.DATABASE
            if path.exists():
                raise Refused("store.exists", folder=str(folder))
            fresh = path.with_name(path.name + ".new")
            places.remove_database(fresh)
            key = keys.make(folder, entropy, ring)
            signing = Ed25519PrivateKey.from_private_bytes(entropy(32))
        except BaseException:
            ownership.release()
            raise

        def make() -> SqlDevice:
            """Make the file under another name, so that a half-made one is never taken for a store."""
            try:
                made = SqlDevice.create(
                    fresh, key.key, registry, studio=studio, device=device, epoch=epoch, entropy=entropy
                )
                try:
                    with made.atomic():
                        made.remember(_SIGNING_KEY, signing.private_bytes_raw())
                    if not made.checkpoint(truncate=True):
                        raise EnvironmentFault("store.locked")
                finally:
                    made.close()
                os.replace(fresh, path)
                places.sync_folder(folder)
            finally:
                places.remove_database(fresh)
            return SqlDevice.open(path, key.key, registry, entropy=entropy)

        return cls(folder, key, registry, ownership, entropy)._begin(make)

    @classmethod
    def open(
        cls, folder: Path, registry: Registry, *, program: str, ring: keys.Ring | None = None,
        entropy: Entropy = os.urandom,
    ) -> "Store":  # fmt: skip
        """Open the store of a folder, upgrading it where it is older than the program. On a full disk the reserve goes.

        Raises Refused `store.folder_open`, `store.in_use`, `store.newer`; EnvironmentFault `store.missing`,
        `store.key_missing`, `store.keyring`, `store.key_damaged`, `store.wrong_key`, `store.unreadable`,
        `store.cannot_open`, `store.damaged`, `store.read_only`, `disk_full`, `store.upgrade`, `store.safe_start` (a damaged store, after
        several bad ends).
        """
        if not (folder / places.DATABASE).exists():
            raise EnvironmentFault("store.missing", folder=str(folder))
        places.prepare(folder)
        try:
            return cls._opened(folder, registry, program=program, ring=ring, entropy=entropy)
        except EnvironmentFault as fault:
            if fault.code != "disk_full" or not Space(folder).use_reserve():
                raise
        return cls._opened(folder, registry, program=program, ring=ring, entropy=entropy)

    @classmethod
    def _opened(
        cls, folder: Path, registry: Registry, *, program: str, ring: keys.Ring | None, entropy: Entropy
    ) -> "Store":
        ownership = places.Ownership(folder, program)
        try:
            with places.opening():
                key = rotation.settled_key(folder, ring)
        except BaseException:
            ownership.release()
            raise
        path = folder / places.DATABASE

        def make() -> SqlDevice:
            with places.opening():
                salvage.before_open(folder, key.key, registry, entropy, bad_ends=ownership.in_a_row)
                upgrade(path, key.key, registry)
                return SqlDevice.open(path, key.key, registry, entropy=entropy)

        return cls(folder, key, registry, ownership, entropy)._begin(make)

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether a folder has a store."""
        return (folder / places.DATABASE).exists()

    def _begin(self, make: Callable[[], SqlDevice]) -> "Store":
        """Open the write connection on the thread that owns it."""
        try:
            self.device = self._writer.call(make)
            self.device.on_commit = self._committed
            self.device.admit = self.space.admit
            self.device.on_files_gone = self._files_gone
            self._writer.call(lambda: self.device.conn.execute("PRAGMA wal_autocheckpoint = 0").fetchall())
            signing = self._writer.call(lambda: self.device.recall(_SIGNING_KEY))
            if signing is None:
                raise EnvironmentFault("store.damaged")
            self._signer = Ed25519PrivateKey.from_private_bytes(signing)
            self._keep_recovery()
            self._writer.call(self._give_held_keys)
            self.watch.found(self._writer.call(lambda: integrity.at_start(self.device)))
        except BaseException:
            self.close()
            raise
        return self

    # -- work

    def apply_snapshot(
        self, bus: DeviceBus, scope: str, rows: Sequence[Pulled], *, next: str, cursor: int, token: str
    ) -> "Future[list[Notice]]":
        """Apply one page of a scope's snapshot; what to ask for next is kept in the same transaction as its end.

        Without `next` the scope is complete, and held; facts that could not be decided without it are looked at again.
        The first snapshot's cursor is where pulling starts.
        """

        def finish() -> None:
            self.device.load(scope, next=next)
            if not next:
                bus.reconsider()
            if not self.device.head().token:
                self.device.set_cursor(cursor, token)
            self._give_held_keys()

        return self.apply(bus, rows, finish=finish)

    # -- keys that come late

    def bring_keys(
        self, keys: Mapping[str, tuple[int, bytes]], *, erased: Iterable[str] = (), listed: bool = False
    ) -> late_keys.Given:
        """Take persons' keys (number and key, by person) that lay apart from a backup, after whoever was erased is.

        They open the log once it is known who was erased: `listed` says that `erased` are all of them; else the cloud
        says so with the first sync, and nobody is given anything before. Raises EnvironmentFault as `engine.faults`.
        """

        def take() -> bool:
            for subject in sorted(set(erased)):
                self.device.erase(subject)
            with self.device.atomic():
                late_keys.hold(self.device, keys)
            return listed or self.device.holds(late_keys.LIST)

        return self.run_slices(late_keys.give(self.device)).result() if self.call(take) else late_keys.Given()

    def give_up_keys(self) -> None:
        """Nobody has the persons' keys that are missing: what waits for them is sent without its words."""

        def work() -> None:
            with self.device.atomic():
                late_keys.give_up(self.device)

        self.call(work)

    def _give_held_keys(self) -> None:
        """Behind everything else, give keys that waited for the list of who was erased, where it is here."""
        if self.device.recall(late_keys.HELD) is not None and self.device.holds(late_keys.LIST):
            self.run_slices(late_keys.give(self.device))

    # -- keeping

    def check(self) -> Checked:
        """Verify chain, rows, file and blobs, from a reading connection: nobody waits for it."""
        with self._at_length:
            with self.reader() as reader:
                found = check(reader)
            wrong = self.blobs.check(going_on=self.go_on)
            return found._replace(blobs=tuple(f"{one.hash}: {one.why}" for one in wrong))

    def look(self, depth: integrity.Depth) -> integrity.Health:
        """Look whether the store is sound and remember what was found (`watch`); the caller waits, nobody else.

        Raises EnvironmentFault as `engine.faults` for what is no damage; Refused `store.closed`.
        """

        def fresh() -> Connection:
            self.go_on()
            return connect(self._path, self._key, read_only=True)

        with self._at_length, self.reader() as reader:
            match depth:
                case Depth.START:
                    found = integrity.at_start(reader)
                case Depth.QUICK:
                    found = integrity.quick(fresh)
                case _:
                    found = integrity.full(reader, fresh)
        if found.pages or found.tables:
            found = found._replace(mends=salvage.to_be_mended(self.folder, self._key))
        if depth is not Depth.START:
            self._ownership.looked_at()
        return self.watch.found(found)

    def mend(self) -> salvage.Salvaged:
        """Make again, while the store is open, what is damaged and can be made again without loss.

        Everybody waits meanwhile, some 350 ms for each megabyte. Raises EnvironmentFault `store.locked` (a reader looked
        for too long), `disk_full`, after which all is as before; Refused `store.closed`.
        """

        def work() -> salvage.Salvaged:
            with self._no_readers():
                if not salvage.look(self.folder, self._key).mends_itself:
                    return salvage.Salvaged(())
                self.device.conn.close()
                try:
                    return salvage.mend(self.folder, self._key, self.registry, self._entropy)
                finally:
                    self._go_on_with_file()

        with self._at_length:
            found = self.call(work, background=True)
        if found.aside:
            log.warning("the store was mended: %s", found)
        return found

    @property
    def recovery(self) -> bytes | None:
        return recovery.sealed_to(self.folder)

    def seal_to(self, public: bytes) -> None:
        """Seal the store's key to the owner's public key too: a lost keyring then loses nothing.

        Raises BadInput `seal.public`, EnvironmentFault as `recovery.seal_key`.
        """

        def work() -> None:
            recovery.seal_key(self.folder, self._key, public, self._entropy)
            with self.device.atomic():
                self.device.remember(_RECOVERY, public)

        self.call(work)

    def _keep_recovery(self) -> None:
        """Make the recovery file again where somebody removed it; the store remembers whom it was sealed to."""
        public = self._writer.call(lambda: self.device.recall(_RECOVERY))
        if public is not None and self.recovery != public:
            try:
                recovery.seal_key(self.folder, self._key, public, self._entropy)
            except EnvironmentFault as fault:
                log.warning("the recovery file could not be made again: %s", fault.code)

    def back_up(self, out: Path, *, now_ms: int) -> backup.Made:
        """Write a checked copy of this instant to a file, beside whatever people do; the caller waits.

        Raises EnvironmentFault `disk_full`, `store.damaged`; Refused `store.closed`.
        """
        with self._at_length:
            self.go_on()
            source = backup.Source(self._path, self._key, self.recovery, self.registry, self.blobs.files)
            return backup.back_up(source, out, now_ms=now_ms, entropy=self._entropy, going_on=self.go_on)

    def rotate_key(self, ring: keys.Ring | None) -> None:
        """Put the store under a new key while people go on working; waits until it is.

        Marks go between two slices of the copying. Cut short at any instant, the store opens with the key it is then
        under. Raises EnvironmentFault `store.keyring`, `store.locked` (a reader looked for too long: as before),
        `disk_full`; Refused `store.closed`.
        """
        with self._at_length:
            self.call(lambda: self._rotate(ring), background=True)

    def _rotate(self, ring: keys.Ring | None) -> None:
        staged = rotation.stage(self.folder, ring, self.protection, self._entropy)
        try:
            with faults(self._path):
                copy = rotation.blank(staged.copy, staged.key.key)
                early = rotation.EarlyFlush(staged.copy)

                def between(_status: int, remaining: int, _total: int) -> None:
                    early.step()
                    if remaining:
                        self._between_slices()

                try:
                    self.device.conn.backup(copy, pages=_PAGES_A_SLICE, progress=between, sleep=0)
                finally:
                    copy.close()
            self._swap(staged, ring)
        except BaseException:
            if rotation.opens(self._path, self._key):
                rotation.undo(self.folder, ring)
            raise

    def _between_slices(self) -> None:
        self._writer.breathe()

    def _swap(self, staged: rotation.Staged, ring: keys.Ring | None) -> None:
        with self._no_readers():
            copy = connect(staged.copy, staged.key.key)
            try:
                whole = rotation.same_end(self.device.conn, copy)
            finally:
                copy.close()
            if not whole:
                raise EnvironmentFault("store.damaged")
            self.device.conn.close()
            key = self._key
            try:
                rest = self._path.with_name(self._path.name + "-wal")
                if rest.exists() and rest.stat().st_size:
                    raise EnvironmentFault("store.locked")
                rotation.put_in_place(staged, self.folder, ring)
                key = staged.key.key
            finally:
                self._key = key if rotation.opens(self._path, key) else staged.key.key
                self._go_on_with_file()
            self.protection = staged.key.protection

    def tidy(self, now_ms: int) -> "Future[None]":
        """Let go, behind everything else, of what is kept only for a while (once a day is enough).

        What settled operations rested on goes after two days: no late fact tells anybody anything about them then.
        Counts of observations go after thirty.
        """

        def work() -> None:
            with self.device.atomic():
                self.device.forget_touches(now_ms - _TOUCHES_MS)
                self.device.forget_observations(now_ms - _OBSERVATIONS_MS)
                self.device.forget_cites()

        return self.run(work, background=True)

    def let_go_of_old(self, now_ms: int) -> "Future[retention.Gone]":
        """Let what is settled and older than `retention_days` leave this device, behind everything else."""
        with self.reader() as reader:
            plan = retention.plan(reader, now_ms=now_ms, days=self.retention_days)
        return self.run_slices(retention.let_go(self.device, plan))

    def keep_within(self, bound: retention.Bound, now_ms: int) -> "Future[int]":
        """Let the oldest settled rows of a kind leave where there are more than its bound; how many went.

        What went is counted (`evictions.evicted`).
        """
        with self.reader() as reader:
            rows = retention.too_many(reader, bound)
        kind = bound.record.KIND

        def work() -> Slices[int]:
            gone = yield from retention.thin(self.device, kind, rows)
            with self.device.atomic():
                evictions.note(self.device, kind, gone, now_ms)
            return gone

        return self.run_slices(work())

    @property
    def retention_days(self) -> int:
        """How many days what is settled stays here."""
        with self.reader() as reader:
            return int(reader.recall(_RETENTION) or retention.DAYS)

    def keep_for(self, days: int) -> None:
        """Have what is settled stay so many days. Raises BadInput `store.retention` for fewer than a week."""
        if days < retention.FEWEST_DAYS:
            raise BadInput("store.retention", fewest=retention.FEWEST_DAYS)

        def work() -> None:
            with self.device.atomic():
                self.device.remember(_RETENTION, str(days).encode())

        self.call(work)

    def _files_gone(self, hashes: frozenset[str]) -> None:
        for hash in hashes:
            try:
                self.blobs.files.remove(hash)
            except OSError as error:
                log.info("a blob's file stays until the next sweep: %s", error.strerror)
