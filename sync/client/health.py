"""How a device is: what its health screen shows, what it tells the cloud, and a log for support that names nobody."""

import hashlib
import os
import platform
import shutil
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from classtap_core.booking.records import Booking
from classtap_core.checkin.records import Scan
from classtap_core.kernel.device_store import Entry
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import UNDETERMINED, Outcome
from classtap_core.store import evictions
from classtap_core.store.reader import StoreReader
from sync.client.engine import State, Status
from sync.client.keeping import Keeping, keeping_of, on_keeping
from sync.client.local import ScopeState
from sync.client.relay.local import Neighbourhood
from sync.protocol import DeviceStanding, Report

if TYPE_CHECKING:
    from sync.client.node import Node


class SetAside(NamedTuple):
    """An own operation that the cloud could not take. `reasons` are codes; `retried`: it was said again since."""

    sequence: int
    operation: Id
    kind: str
    at_ms: int
    reasons: tuple[str, ...]
    retried: bool


class Unjudged(NamedTuple):
    """An own fact that was kept although what it rests on is not held here. `scope` is what lacks."""

    sequence: int
    operation: Id
    kind: str
    at_ms: int
    scope: str


class LedgerStanding(NamedTuple):
    """A kiosk's ledger of scans: how many are here, how many left it ever and not told of yet, and when the last did."""

    held: int
    evicted: int
    untold: int
    last_evicted_ms: int | None


class KeysStanding(NamedTuple):
    """The pass keys that are held: of which version and interface, as of when by the cloud's clock, when the last good one
    ends, the ids of those that are good and of the revoked. `upgrade`: the cloud offers some this program is too old for."""

    version: int
    interface: int
    updated_ms: int
    end_ms: int | None
    good: tuple[int, ...]
    revoked: tuple[int, ...]
    upgrade: bool


class RosterStanding(NamedTuple):
    """Who is due: as of when that is known, the last round with the cloud (None: never), and whether all of today's is here."""

    refreshed_ms: int | None
    today: bool


class Health(NamedTuple):
    """How a device is. Times are milliseconds since the Unix epoch, sizes bytes.

    Attributes:
        oldest_ms: when the first operation that waits was made. offset_ms, uncertainty_ms: cloud time minus this clock,
        and what that may be wrong by; None before the first contact. repaired: scopes found different from the cloud's
        and mended, in this run. protection: how the store's key is kept. unjudged: kept, and not decided here yet.
        ledger: None but at a kiosk. keys: None before the first bundle. last_trouble: a code and when, in this run.
        neighbourhood: the studio's other devices in this network.
    """

    status: Status
    oldest_ms: int | None
    offset_ms: int
    uncertainty_ms: int | None
    set_aside: tuple[SetAside, ...]
    store_bytes: int
    free_bytes: int
    protection: str
    scopes: int
    scopes_complete: int
    repaired: int
    epoch: int
    unjudged: tuple[Unjudged, ...] = ()
    ledger: LedgerStanding | None = None
    keys: KeysStanding | None = None
    last_trouble: tuple[str, int] | None = None
    rosters: RosterStanding = RosterStanding(None, today=False)
    neighbourhood: Neighbourhood = Neighbourhood(on=False, trouble="", neighbours=())


def health_of(node: "Node") -> Health:
    """Reads the store beside whoever uses it."""
    now = node.clock.now()
    scopes = node.engine.local.scopes()
    store, free = _sizes(node)
    with node.reader() as reader:
        epoch, ledger = reader.head().epoch, _ledger(node, reader)
    return Health(
        status=node.engine.status(), oldest_ms=node.oldest_pending_ms(), offset_ms=now.offset,
        uncertainty_ms=now.uncertainty, set_aside=tuple(set_aside(node)), store_bytes=store, free_bytes=free,
        protection=str(node.store.protection), scopes=len(scopes),
        scopes_complete=sum(state.complete for state in scopes), repaired=node.engine.pulling.repaired, epoch=epoch,
        unjudged=tuple(unjudged(node)), ledger=ledger, keys=keys_of(node),
        last_trouble=node.engine.last_trouble, rosters=_rosters(node, scopes), neighbourhood=node.neighbourhood(),
    )  # fmt: skip


def _rosters(node: "Node", scopes: Sequence[ScopeState]) -> RosterStanding:
    day = f"/{node.today().isoformat()}"
    today = [one for one in scopes if one.scope.startswith(f"{Booking.PREFIX}/") and one.scope.endswith(day)]
    return RosterStanding(node.engine.last_success_ms, today=bool(today) and all(one.complete for one in today))


def keys_of(node: "Node") -> KeysStanding | None:
    """The pass keys a device holds."""
    held = node.keys
    if held is None:
        return None
    return KeysStanding(
        version=held.bundle_version, interface=held.interface_version, updated_ms=held.issued_at * 1_000,
        end_ms=None if held.last_end_s is None else held.last_end_s * 1_000,
        good=tuple(sorted({key.key_id for key in held.keys} - held.revoked)), revoked=tuple(sorted(held.revoked)),
        upgrade=node.keys_newer,
    )  # fmt: skip


def _ledger(node: "Node", reader: StoreReader) -> LedgerStanding | None:
    if not node.rounds.bounds:
        return None
    gone, here = evictions.evicted(reader, Scan.KIND), evictions.held(reader, Scan.KIND)
    return LedgerStanding(here, gone.total, gone.untold, gone.last_ms or None)


class Steward:
    """What a health screen asks and may do. Nothing here waits for the network; none of it belongs on a window's thread."""

    def __init__(self, node: "Node") -> None:
        self._node = node

    @property
    def url(self) -> str:
        """Where the cloud is, as this device reaches it."""
        return self._node.url

    def health(self) -> Health:
        return health_of(self._node)

    def keeping(self) -> Keeping:
        """Whether there is room for what is done here, and whether the store is sound."""
        return keeping_of(self._node)

    def on_keeping(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back, from any thread, when `keeping` answers otherwise. Returns what ends it."""
        return on_keeping(self._node, callback)

    def others(self) -> tuple[DeviceStanding, ...] | None:
        """The studio's devices when last heard of, this one first; None where nobody told yet (offline, or a kiosk)."""
        found = self._node.engine.others
        if found is None:
            return None
        mine = self._node.papers.device
        return tuple(sorted(found.devices, key=lambda one: (one.device != mine, one.name, one.device)))

    def ask(self) -> None:
        """Have the cloud asked for the others again, soon."""
        self._node.engine.report_now()

    def pause(self, paused: bool) -> None:
        self._node.pause(paused)

    def neighbourhood(self) -> Neighbourhood:
        """The studio's other devices in this network; answers at once."""
        return self._node.neighbourhood()

    def set_relay(self, on: bool) -> None:
        """Tell them what the cloud does not know yet, and be told; remembered over restarts."""
        self._node.set_relay(on)

    def relay_peers(self) -> tuple[str, ...]:
        """Addresses that are tried beside the devices that are found."""
        return self._node.relay_peers()

    def set_relay_peers(self, peers: Sequence[str]) -> None:
        """Try these from now on; remembered over restarts. Raises BadInput `relay.address`."""
        self._node.set_relay_peers(peers)

    def compare(self) -> None:
        """Have all that is held compared with the cloud's, soon."""
        self._node.engine.compare()

    def retry(self, sequence: int) -> bool:
        """Say again what the cloud has set aside; whether there was anything to say."""
        return self._node.retry(sequence).result() is not None

    def support(self, most: int = 1_000) -> bytes:
        """The log for support, a line of JSON each."""
        return b"".join(
            msgspec.json.encode(line) + b"\n"
            for line in support_log(self._node, most, state=self._node.engine.status().state)
        )


def set_aside(node: "Node") -> list[SetAside]:
    """What the cloud has quarantined of this device's own work."""

    def found() -> list[SetAside]:
        waits = {entry.id for entry in node.bus.waits_for_retry()}
        entries = node.store.device.entries(node.store.device.set_aside())
        return [_set_aside(entry, entry.id not in waits) for entry in entries]

    return node.store.call(found, background=True)


def _set_aside(entry: Entry, retried: bool) -> SetAside:
    reasons = tuple(reason.code for reason in entry.answer.reasons) if entry.answer else ()
    return SetAside(entry.sequence, entry.id, entry.kind, entry.at_ms, reasons, retried)


def unjudged(node: "Node") -> list[Unjudged]:
    """What this device has kept and could not decide, until the cloud answers or what lacks comes."""

    def found() -> list[Unjudged]:
        return [
            Unjudged(entry.sequence, entry.id, entry.kind, entry.at_ms, str(reason.params.get("scope", "")))
            for entry in node.store.device.entries(node.store.device.undetermined())
            for reason in entry.told.reasons
            if reason.code == UNDETERMINED
        ]

    return node.store.call(found, background=True)


def report_of(node: "Node") -> Report:
    """What the cloud is told: numbers and codes."""
    now = node.clock.now()
    store, free = _sizes(node)
    status, keys = node.engine.status(), keys_of(node)
    return Report(
        program=node.program, version=program_version(), protection=str(node.store.protection),
        pending=status.pending, oldest_ms=node.oldest_pending_ms(),
        quarantined=sum(not one.retried for one in set_aside(node)), store_bytes=store, free_bytes=free,
        offset_ms=now.offset, uncertainty_ms=now.uncertainty, trouble=status.trouble,
        keys_version=keys.version if keys else 0, keys_ms=keys.updated_ms if keys else None,
        keys_end_ms=keys.end_ms if keys else None,
    )  # fmt: skip


def program_version() -> str:
    try:
        return version("classtap")
    except PackageNotFoundError:
        return "0"


def _sizes(node: "Node") -> tuple[int, int]:
    """Bytes of the store's folder, and free on its disk."""
    used = 0
    for place, _, names in os.walk(node.store.folder):
        for name in names:
            try:
                used += os.lstat(os.path.join(place, name)).st_size
            except OSError:  # gone in between
                continue
    return used, shutil.disk_usage(node.store.folder).free


class Mask:
    """Names ids by a keyed hash: the same id has the same name in one log, and in no other."""

    def __init__(self) -> None:
        self._key = os.urandom(16)

    def __call__(self, id: str) -> str:
        return hashlib.blake2b(id.encode(), key=self._key, digest_size=6).hexdigest() if id else ""


def support_log(node: "Node", most: int, *, state: State) -> Iterator[dict[str, Any]]:
    """Lines for support: how the device is, and its newest operations as kinds, times and codes. Nobody is named.

    `state`: how it stands with the cloud, which the engine knows only where it runs.
    """
    mask, found = Mask(), health_of(node)
    status = found.status
    yield {
        "what": "device", "device": mask(node.papers.device), "studio": mask(node.papers.studio),
        "role": node.papers.role, "program": node.program, "version": program_version(),
        "system": platform.system(), "python": platform.python_version(), "state": state.value,
        "trouble": status.trouble, "pending": status.pending, "oldest_ms": found.oldest_ms,
        "last_success_ms": status.last_success_ms, "offset_ms": found.offset_ms,
        "uncertainty_ms": found.uncertainty_ms, "store_bytes": found.store_bytes, "free_bytes": found.free_bytes,
        "protection": found.protection, "scopes": found.scopes, "scopes_complete": found.scopes_complete,
        "repaired": found.repaired, "epoch": found.epoch,
        "ledger": found.ledger and found.ledger._asdict(), "keys": found.keys and found.keys._asdict(),
        "last_trouble": found.last_trouble and found.last_trouble[0],
        "last_trouble_ms": found.last_trouble and found.last_trouble[1],
        "rosters_ms": found.rosters.refreshed_ms, "rosters_today": found.rosters.today,
        "relay": found.neighbourhood.on, "relay_trouble": found.neighbourhood.trouble,
        "neighbours": len(found.neighbourhood.neighbours),
    }  # fmt: skip
    with node.reader() as reader:
        head = reader.head()
        entries = reader.entries(range(max(1, head.sequence - most + 1), head.sequence + 1))
    for entry in entries:
        yield {
            "what": "operation", "sequence": entry.sequence, "operation": mask(entry.id), "kind": entry.kind,
            "at_ms": entry.at_ms, "bytes": len(entry.data) + sum(map(len, entry.parts.values())),
            "subjects": len(entry.parts) - 1, "told": _codes(entry.told),
            "answer": None if entry.answer is None else _codes(entry.answer),
        }  # fmt: skip


def _codes(outcome: Outcome) -> dict[str, Any]:
    """An outcome's status and the codes of its reasons; parameters may name somebody."""
    codes = [reason.code for reason in outcome.reasons]
    items = [item.status.value for item in outcome.items]
    return {"status": outcome.status.value, "reasons": codes, **({"items": items} if items else {})}
