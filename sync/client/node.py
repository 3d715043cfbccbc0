"""A program's device, put together: its store, its bus, its papers, its pass keys, its sync engine."""

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

import msgspec

from classtap_core import house
from classtap_core.access.blueprints import DESK, KIOSK
from classtap_core.access.pins import Tries
from classtap_core.access.records import Device
from classtap_core.booking.policies import read_policy
from classtap_core.checkin.reading import fetch, search
from classtap_core.checkin.records import Scan
from classtap_core.checkin.settings import KIOSK_POLICY, kiosk_settings
from classtap_core.kernel.clock import Correction, SystemClock
from classtap_core.kernel.device import DeviceBus, Receipt
from classtap_core.kernel.device_store import Notice
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import BadInput, EnvironmentFault, Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.structs import lay_out
from classtap_core.kernel.tx import Ref
from classtap_core.passes import ledger
from classtap_core.passes.keys import KeyBundle, KeyBundleError, UpgradeRequired, check_replaces, verify_bundle
from classtap_core.passes.operations import ApplyRevokedKeys
from classtap_core.passes.records import KeyNotice
from classtap_core.schedule.records import Location
from classtap_core.store import evictions
from classtap_core.store.destroy import at_stake, destroy
from classtap_core.store.evictions import Evicted
from classtap_core.store.keys import Ring
from classtap_core.store.reader import StoreReader
from classtap_core.store.retention import Bound
from classtap_core.store.rounds import Rounds
from classtap_core.store.store import Store
from classtap_core.timekeeping.rules import local_date
from sync.client.blobs import BlobCourier
from sync.client.courier import timed
from sync.client.engine import State, Status, SyncEngine
from sync.client.health import report_of
from sync.client.node_local import NodeLocal
from sync.client.onsite import OnSite
from sync.client.owner_seal import keep_sealed
from sync.client.relay.local import Neighbourhood
from sync.client.retry import Backoff
from sync.client.rulings import hear_rulings
from sync.client.transport import Rejected, Transport, Unreachable
from sync.protocol import Devices, Pair, Paired, Purged

if TYPE_CHECKING:
    from sync.client.relay.finding import Finding

log = logging.getLogger("classtap.node")

T = TypeVar("T")

KEPT_EVERY_MS = 60_000
"""How often the time of the last contact is written down, so that a pulled plug forgets no more."""


PROBE_BYTES = 64 * 1024
"""What a probe writes: a full disk may still have room for a word, and none for the next scan."""


TOKEN_MS = 30 * 24 * 3_600_000
"""How old a device's token gets."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What pairing left in the store: the papers, and where the cloud is.

    `papers.cloud_ms` is when their token was made; `before` the token before it.
    """

    papers: Paired
    url: str
    before: str = ""


class Node:
    """A paired program. The store's writer thread runs everything that changes it; screens read beside it.

    Attributes:
        papers: what pairing gave. keys: the newest pass key bundle, None before the first. keys_newer: the cloud's last
            one was of an interface this program does not know (an update is wanted).
        rounds: daily backups, looks at the store, and what is kept only for a while let go.
        clock: the corrected clock; what contacts taught it is kept over restarts.
    """

    def __init__(
        self, store: Store, kept: Kept, *, clock: SystemClock, program: str = "", ring: Ring | None = None
    ) -> None:
        lay_out()
        self.store, self.papers, self.url, self.clock = store, kept.papers, kept.url, clock
        self._before = kept.before
        self.program, self._ring = program or kept.papers.role, ring
        self._purging = threading.Lock()
        self.bus = DeviceBus(store.device, house.bus(authority=False), clock, os.urandom)
        self._lock = threading.Lock()
        self._listeners: list[Callable[[Status], None]] = []
        self.rounds = Rounds(
            store, clock, store.folder.parent / "backups" / store.folder.name,
            heard=lambda: self.engine.status().last_success_ms,
            bounds=(Bound(Scan, "at_ms", ledger.MOST),) if kept.papers.role == KIOSK else (),
        )  # fmt: skip
        self._zone = ""
        bundle = self._recall("pass_keys")
        self.keys: KeyBundle | None = None if bundle is None else verify_bundle(bundle, self._root)
        self.keys_newer = False
        learnt = self._recall("clock")
        if learnt is not None and not clock.shifted:
            clock.correction = Correction(*msgspec.json.decode(learnt))
        self.transport = Transport(self.url, self.papers.token, kept.before)
        success = self._recall("last_success")
        self.blobs = BlobCourier(
            store.transfers, lambda: self.engine.transport, first=lambda: self.pending() > 0,
            now_ms=lambda: clock.now().corrected,
        )  # fmt: skip
        self._success_kept: int | None = None if success is None else msgspec.json.decode(success)
        refused = self._recall("rejections")
        self.engine = SyncEngine(
            NodeLocal(self), self.transport, clock, allowed=self.papers.scopes, today=self.today, stay=self.stay,
            backoff=Backoff(0 if refused is None else msgspec.json.decode(refused), keep=self._keep_rejections),
            listener=self._status, report=lambda: report_of(self), purge=self._purge, renew=self._renew,
            hears_of_others=self.papers.role == DESK, carry=lambda: self.blobs.carry(),
            last_success_ms=self._success_kept, revoked=self._recall("revoked") is not None,
            paused=bool(self._recall("paused")),
        )  # fmt: skip
        trouble = self._recall("last_trouble")
        self._trouble_kept = None if trouble is None else msgspec.json.decode(trouble, type=tuple[str, int])
        self.engine.last_trouble = self._trouble_kept
        keep_sealed(store)
        self.site = OnSite(self)
        self.on_change(self._keys_told)
        self.on_change(self._devices_changed)
        self.on_change(lambda refs: hear_rulings(self, refs))
        hear_rulings(self)

    @classmethod
    def pair(
        cls, folder: Path, *, url: str, code: str, name: str, program: str, clock: SystemClock, ring: Ring | None
    ) -> Self:
        """Make a store and become a device of the studio that gave the code.

        A store that waits to be paired (the last try found no cloud) is used again. Raises Refused (`store.paired`
        among them, before the code is used), Rejected, Unreachable, EnvironmentFault; the store then waits.
        """
        registry = house.registry()
        if Store.exists(folder):
            store = Store.open(folder, registry, program=program, ring=ring)
        else:
            store = Store.create(folder, registry, program=program, ring=ring)
        try:
            if store.call(lambda: store.device.recall("pairing")) is not None:
                raise Refused("store.paired")
            asked = Pair(code=code, public_key=store.public_key.hex(), name=name, program=program)
            transport = Transport(url)
            try:
                papers = timed(clock, lambda: transport.pair(asked))
            finally:
                transport.close()
            kept = Kept(papers=papers, url=url)
            store.call(lambda: _settle(store, kept))
            return cls(store, kept, clock=clock, program=program, ring=ring)
        except BaseException:
            store.close()
            raise

    @classmethod
    def open(cls, folder: Path, *, program: str, clock: SystemClock, ring: Ring | None) -> Self:
        """Open a paired program's store. Raises Refused `store.unpaired`; all that `Store.open` raises."""
        if not Store.exists(folder):
            raise Refused("store.unpaired", program=program)
        store = Store.open(folder, house.registry(), program=program, ring=ring)
        try:
            kept = store.call(lambda: store.device.recall("pairing"))
            if kept is None:
                raise Refused("store.unpaired", program=program)
            return cls(store, msgspec.json.decode(kept, type=Kept), clock=clock, program=program, ring=ring)
        except BaseException:
            store.close()
            raise

    def start(self, finding: "Finding | None" = None) -> None:
        """Begin to sync, and to look after the store. After a program that did not end well, all is compared at once.

        `finding` is how other devices of the place are found; without it, nothing is told to them.
        """
        if self.store.unclean:
            self.engine.pulling.compare()
        self.engine.start()
        if finding is not None:
            self.site.start(finding)
        if not self.clock.shifted:  # a demonstration's clock would call its backups tomorrow's
            self.rounds.start()

    def close(self) -> None:
        """End the sync threads, finish what is being written, close the store. Twice is fine."""
        self.rounds.stop()
        self.site.stop()
        self.engine.stop()
        self.transport.close()
        try:
            with contextlib.suppress(EnvironmentFault, Refused):
                self._remember("last_success", msgspec.json.encode(self.engine.status().last_success_ms))
                self._keep_trouble()
                self._keep_clock()
        finally:
            self.store.close()

    def _keep_rejections(self, rejections: int) -> None:
        with contextlib.suppress(EnvironmentFault, Refused):  # a full disk forgets this, and no more
            self._remember("rejections", msgspec.json.encode(rejections), background=True)

    def _keep_clock(self) -> None:
        """Write down what contacts taught about this machine's clock."""
        if not self.clock.shifted:
            known = self.clock.correction
            learnt = [known.offset, known.uncertainty, known.mono, known.boot, known.wall]
            self._remember("clock", msgspec.json.encode(learnt), background=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # --- for desk and kiosk

    def call(self, work: Callable[[DeviceBus], T]) -> T:
        """Run on the writer, ahead of anything in the background, and wait. Wakes the engine when something was said."""
        return self.later(work).result()

    def later(self, work: Callable[[DeviceBus], T]) -> "Future[T]":
        """As `call`, without waiting."""
        return self.store.run(lambda: self._working(work))

    def _working(self, work: Callable[[DeviceBus], T]) -> T:
        before = self.store.device.head().sequence
        try:
            return work(self.bus)
        finally:
            if self.store.device.head().sequence != before:
                self.engine.nudge()
                self.site.nudge()

    def submit(self, payload: Payload, author: Author, *, source: str) -> "Future[Receipt]":
        """Decide and commit an operation. The future raises what the environment did."""
        return self.later(lambda bus: bus.submit(payload, author, source=source))

    @contextmanager
    def reader(self) -> Iterator[StoreReader]:
        """Reads on the caller's thread, of what is committed."""
        with self.store.reader() as reader:
            yield reader

    def on_change(self, callback: Callable[[frozenset[Ref]], None]) -> Callable[[], None]:
        """Call back after each commit with the records that changed, from the writer's thread. Returns what ends it."""
        return self.store.on_change(lambda refs, scopes: callback(refs))

    def on_status(self, callback: Callable[[Status], None]) -> Callable[[], None]:
        """Call back with each new sync status, from the engine's threads. Returns what ends it."""
        with self._lock:
            self._listeners.append(callback)

        def end() -> None:
            with self._lock:
                if callback in self._listeners:
                    self._listeners.remove(callback)

        return end

    def tell_status(self) -> None:
        """Have whoever listens look again: who is in this network changed. Writes nothing: the relay's loop asks for it."""
        self._tell(self.engine.status())

    def _tell(self, status: Status) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener(status)

    def _status(self, status: Status) -> None:
        self._tell(status)
        success = status.last_success_ms
        with contextlib.suppress(EnvironmentFault, Refused):  # a full disk forgets this, and no more
            if status.state is State.REVOKED:
                self.site.look_again()  # whoever is shut out speaks to nobody
                self._remember("revoked", b"", background=True)
            if success is not None and success - (self._success_kept or 0) >= KEPT_EVERY_MS:
                self._remember("last_success", msgspec.json.encode(success), background=True)
                self._success_kept = success
                self._keep_clock()
            self._keep_trouble()

    def _keep_trouble(self) -> None:
        """What stood in the way last is asked for after a restart too: that is often the cure that is tried first."""
        if self.engine.last_trouble != self._trouble_kept:
            self._remember("last_trouble", msgspec.json.encode(self.engine.last_trouble), background=True)
            self._trouble_kept = self.engine.last_trouble

    def notices(self) -> list[Notice]:
        """What somebody should be told and has not yet seen, oldest first."""
        with self.store.reader() as reader:
            return reader.notices()

    def notice_seen(self, operation: Id) -> None:
        self.notices_seen([operation]).result()

    def notices_seen(self, operations: Sequence[Id]) -> "Future[None]":
        """Forget notices that a person has read; waits for nothing."""

        def forget(bus: DeviceBus) -> None:
            with self.store.device.atomic():
                for operation in operations:
                    self.store.device.notice_seen(operation)

        return self.later(forget)

    def pending(self) -> int:
        """How many own operations the cloud has not answered."""
        with self.store.reader() as reader:
            return reader.pending()

    def oldest_pending_ms(self) -> int | None:
        """When the oldest unanswered operation was made; None with an empty queue."""
        with self.store.reader() as reader:
            head = reader.head()
            if head.sequence == head.acked:
                return None
            return reader.entries([head.acked + 1])[0].at_ms

    @property
    def paused(self) -> bool:
        """Somebody said to ask the cloud nothing."""
        return self.engine.paused

    def pause(self, paused: bool) -> None:
        """Ask the cloud nothing from now on, or go on; remembered over restarts."""
        self._remember("paused", b"1" if paused else b"")
        self.engine.pause(paused)

    def retry(self, sequence: int) -> "Future[Receipt | None]":
        """Say again what the cloud has set aside (`DeviceBus.retry`)."""
        return self.later(lambda bus: bus.retry(sequence))

    def want_blob(self, hash: str) -> None:
        """Have a blob fetched that is not here, behind everything else."""
        self.blobs.wanted[hash] = None
        self.engine.nudge()

    def devices(self) -> Devices:
        """How the studio's devices are; a desk asks the cloud. Raises Unreachable, Rejected."""
        return self.transport.devices()

    def destroy(self) -> None:
        """Close, and destroy the store, its keys first: `leaving` asks before. Raises as `store.destroy.destroy`."""
        self.close()
        destroy(self.store.folder, program=self.program, ring=self._ring)

    def _purge(self, order: Id) -> None:
        """Destroy the store as the cloud ordered, on a thread of its own: the engine's has to end for that."""
        if self._purging.acquire(blocking=False):
            threading.Thread(target=self._destroy, args=(order,), name="classtap-purge").start()

    def _destroy(self, order: Id) -> None:
        with self.store.reader() as reader:
            unsent = at_stake(reader).unsent
        self._say(Purged(order=order, done=False, unsent=unsent))
        try:
            self.destroy()
        except (EnvironmentFault, Refused) as trouble:
            log.error("the store could not be destroyed: %s", trouble.code)
            return
        self._say(Purged(order=order, done=True, unsent=unsent))

    def _say(self, word: Purged) -> None:
        """Tell the cloud how far an order has been carried out; without an answer it learns it from the silence."""
        transport = Transport(self.url, self.papers.token)
        try:
            transport.purged(word)
        except (Unreachable, Rejected) as failure:
            log.warning("the cloud was not told: %s", failure)
        finally:
            transport.close()

    def observe(self, kind: str, key: str, at_ms: int) -> None:
        """Count something that is no operation. Called on the writer."""
        with self.store.device.atomic():
            self.store.device.observe(kind, key, at_ms, count=1)

    def probe(self) -> "Future[None]":
        """Whether the store has room for a few families more. The future raises what stands in the way."""

        def try_it() -> None:
            self.store.space.admit(PROBE_BYTES)
            self.store.device.admit_to_queue()
            self._write("probe", os.urandom(PROBE_BYTES))
            self._write("probe", b"")

        return self.store.run(try_it)

    def tries(self, name: str) -> Tries:
        """Wrong PINs under a name (a person, or `kiosk.exit`), kept over restarts."""
        kept = self._recall(f"tries/{name}")
        return Tries() if kept is None else msgspec.json.decode(kept, type=Tries)

    def keep_tries(self, name: str, tries: Tries) -> None:
        self._remember(f"tries/{name}", msgspec.json.encode(tries))

    def kept(self, name: str) -> bytes | None:
        """What a program keeps for itself under a name, never synced; None or empty where there is nothing."""
        return self._recall(f"own/{name}")

    def keep(self, name: str, value: bytes) -> None:
        """Keep a value for this program, sealed as everything in the store; empty lets go of it."""
        self._remember(f"own/{name}", value)

    def jot(self, name: str, value: bytes) -> None:
        """As `keep`, from within work on the writer, in its commit where there is one."""
        self._write(f"own/{name}", value)

    def evicted(self) -> Evicted:
        """What left this device's ledger of scans."""
        with self.reader() as reader:
            return evictions.evicted(reader, Scan.KIND)

    def evicted_told(self) -> None:
        """The cloud is told of that, in the commit of the work on the writer."""
        evictions.told(self.store.device, Scan.KIND)

    def zone(self) -> str:
        """The IANA zone where this device stands; UTC until its location is here."""
        if not self._zone:
            with self.store.reader() as reader:
                places = search(reader, Location, "by_id") if not self.papers.location else []
                place = fetch(reader, Location, [self.papers.location]).get(self.papers.location)
            found = place or next(iter(places), None)
            self._zone = found.zone if found else ""
        return self._zone or "UTC"

    def today(self) -> date:
        """The date where this device stands."""
        return date.fromisoformat(local_date(self.clock.now().corrected, self.zone()))

    def stay(self) -> Mapping[str, int]:
        """For how many days scans stay here: a kiosk's are its ledger, a desk's are counted."""
        if self.papers.role == KIOSK:
            return {Scan.PREFIX: ledger.DAYS}
        with self.store.reader() as reader:
            set_ = kiosk_settings(read_policy(reader, self.papers.studio, KIOSK_POLICY)[1])
        return {Scan.PREFIX: set_.scan_days}

    # --- other devices of the place

    def neighbourhood(self) -> Neighbourhood:
        """Which of the studio's devices are in this network, and what stands in the way of finding them."""
        return self.site.status()

    def set_relay(self, on: bool) -> None:
        """Tell them what the cloud does not know yet, and be told; remembered over restarts."""
        self.site.choose(msgspec.structs.replace(self.site.setting, on=on))

    def relay_peers(self) -> tuple[str, ...]:
        """Addresses (`host:port`) that are tried beside those that are found."""
        return self.site.setting.peers

    def set_relay_peers(self, peers: Sequence[str]) -> None:
        """For networks that let no multicast through. Raises BadInput `relay.address`."""
        self.site.choose(msgspec.structs.replace(self.site.setting, peers=tuple(peers)))

    def _devices_changed(self, refs: frozenset[Ref]) -> None:
        if any(kind == Device.KIND for kind, _ in refs):
            self.site.look_again()

    # --- pass keys

    def _keys_told(self, refs: frozenset[Ref]) -> None:
        """The studio's pass keys changed (one may have leaked): they are fetched now, not at their hour."""
        if any(kind == KeyNotice.KIND for kind, _ in refs):
            self.engine.fetch_keys()

    @property
    def _root(self) -> bytes:
        return bytes.fromhex(self.papers.root)

    def keep_keys(self, data: bytes) -> None:
        """Take a newer bundle.

        Raises BadInput when it is not signed by the pinned root, is of another studio, or older than what is here.
        """
        try:
            bundle = verify_bundle(data, self._root)
            if self.keys is not None:
                check_replaces(bundle, self.keys)
        except KeyBundleError as error:
            self.keys_newer = isinstance(error, UpgradeRequired)
            raise BadInput(f"keys.{error.code}", **error.params) from error
        if bundle.studio != int(self.papers.pass_studio, 16):
            raise BadInput("keys.other_studio")
        self._remember("pass_keys", data, background=True)
        held, self.keys, self.keys_newer = self.keys, bundle, False
        if held is None or held.bundle_version != bundle.bundle_version:
            log.info(
                "pass keys of version %d, interface %d, %d keys", bundle.bundle_version, bundle.interface_version,
                len(bundle.keys),
            )  # fmt: skip
        revoked = bundle.revoked - (bundle.revoked if held is None else held.revoked)
        if revoked and self.papers.role == KIOSK:
            self._applied(bundle.bundle_version, revoked)

    def _applied(self, version: int, revoked: frozenset[int]) -> None:
        """Say that keys are no longer taken here. That they are not stands whether it can be said or not."""
        said = ApplyRevokedKeys(location=self.papers.location, version=version, revoked=tuple(sorted(revoked)))
        author = Author(type="device", id=self.papers.device)
        try:
            self.store.call(lambda: self._working(lambda bus: bus.submit(said, author, source=KIOSK)), background=True)
        except EnvironmentFault as fault:
            log.warning("keys %s were revoked, which could not be written down: %s", said.revoked, fault)

    def allow(self, scopes: tuple[str, ...]) -> None:
        """Remember which scopes this device may hold from now on."""
        self._keep(msgspec.structs.replace(self.papers, scopes=scopes), self._before)

    def _keep(self, papers: Paired, before: str) -> None:
        kept = Kept(papers=papers, url=self.url, before=before)
        self._remember("pairing", msgspec.json.encode(kept), background=True)
        self.papers, self._before = papers, before

    def _renew(self) -> None:
        """Take a new token when the one at hand has got old. It is written down before it is used; until then the
        cloud takes the old one. Raises Unreachable, Rejected, EnvironmentFault.
        """
        if self.clock.now().corrected - self.papers.cloud_ms < TOKEN_MS:
            return
        transport = self.engine.transport
        renewed = transport.renew()
        papers = msgspec.structs.replace(self.papers, token=renewed.token, cloud_ms=renewed.cloud_ms)
        self._keep(papers, transport.token)
        transport.use(renewed.token)

    # --- small values of our own

    def _recall(self, name: str) -> bytes | None:
        with self.store.reader() as reader:
            return reader.recall(name)

    def _remember(self, name: str, value: bytes, *, background: bool = False) -> None:
        self.store.call(lambda: self._write(name, value), background=background)

    def _write(self, name: str, value: bytes) -> None:
        with self.store.device.atomic():
            self.store.device.remember(name, value)


def _settle(store: Store, kept: Kept) -> None:
    with store.device.atomic():
        store.device.pair(studio=kept.papers.studio, device=kept.papers.device, epoch=kept.papers.epoch)
        store.device.remember("pairing", msgspec.json.encode(kept))
