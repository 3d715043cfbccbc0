"""What the cloud does for passes without anybody asking: a first one, codes' keys, the yearly change, and what a loss asks.

A round is made when something changed that passes rest on, and each hour; it authors under ids that any worker would give.
"""

import threading
from collections.abc import Collection, Iterator
from typing import NamedTuple

from sqlalchemy import and_, select

from classtap_core.access.records import Device
from classtap_core.booking.policies import read_policy
from classtap_core.booking.records import Policy
from classtap_core.checkin.reading import fetch, search
from classtap_core.checkin.settings import PASS_POLICY, pass_settings
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Payload
from classtap_core.passes.operations import ArmPass, IssuePass, NoticeKeys
from classtap_core.passes.records import KeyNotice, Pass, RollingKeys, key_notice_id, pass_id
from classtap_core.people.guardians import Guardianship
from classtap_core.people.records import Child, Family
from cloud.jobs.authoring import author
from cloud.passkeys import version_of
from cloud.storage.backend import SqlCloud
from cloud.storage.directory import DeviceEntry, StudioEntry
from cloud.studios import Studios

DAY_S = 86_400
RENEW_BEFORE_S = 30 * DAY_S
"""So long before its end the next epoch is issued, or a quarter of its life where that is shorter."""
PURGE_WAIT_MS = 3_600_000
"""A device that was told to destroy its store has so long to say that it did, before its keys count as lost."""
MOST_AT_ONCE = 500
HELD_KEYS = ("kiosk", "desk")
CONCERNING = frozenset(
    record.KIND for record in (Family, Child, Guardianship, Pass, RollingKeys, KeyNotice, Policy, Device)
)
"""Kinds of records that passes rest on."""


class Deed(NamedTuple):
    """Something to be authored, under the id that every worker would give it."""

    id: Id
    payload: Payload


class PassCare:
    """Looks after the passes of every studio of one cloud."""

    def __init__(self, studios: Studios) -> None:
        self._studios, self._books = studios, studios.books
        self._versions: dict[Id, int] = {}
        self._raised: set[Id] = set()
        self._lock = threading.Lock()

    def concerned(self, studio: Id, moved: Collection[str]) -> bool:
        """Whether these kinds of records ask for a round, or keys of which devices have not been told. In the hours of
        classes nearly all that changes is marks."""
        if not CONCERNING.isdisjoint(moved):
            return True
        version = version_of(self._studios.pass_keys.keys(studio))
        with self._lock:
            if self._versions.get(studio) == version:
                return False
        if any(self._noticed(self._studios.storage(studio), self._studios.studio(studio))):
            return True
        with self._lock:
            self._versions[studio] = version
        return False

    def tend(self, studio: Id, *, since: int = 0) -> int:
        """One round; how many operations were authored. `since`: the sequence up to which an earlier one saw who lost
        a right. What is authored has an id that every worker would give it, so nothing happens twice."""
        now_ms = self._studios.clock.now().corrected
        lost = self._lost(studio, now_ms)
        entry = self._studios.studio(studio)
        self._keys(entry, now_ms // 1000)
        storage = self._studios.storage(studio)
        settings = pass_settings(read_policy(storage, studio, PASS_POLICY)[1])
        issuing = _Issuing(studio, now_ms // 1000, settings.life_days * DAY_S, settings.grace_h * 3_600)
        done, whole = 0, True
        for deeds in (
            self._first(entry, issuing), self._renewed(storage, issuing),
            self._after_loss(storage, issuing, since=since, lost=lost), self._armed(entry),
            self._noticed(storage, entry),
        ):  # fmt: skip
            authored, all_ = self._author(entry, storage, deeds)
            done, whole = done + authored, whole and all_
        if whole:
            with self._lock:
                self._raised |= {device.id for device in lost}
        return done

    def _author(self, entry: StudioEntry, storage: SqlCloud, deeds: Iterator[Deed]) -> tuple[int, bool]:
        """Author what nobody has yet; how many, and whether that was all."""
        found = {deed.id: deed.payload for deed in deeds}
        settled = storage.settled(found)
        wanted = [(id, payload) for id, payload in found.items() if id not in settled]
        clock = Author(type="clock", id=entry.id)
        drafts = [CloudDraft(payload, clock, "clock", id=id) for id, payload in wanted[:MOST_AT_ONCE]]
        author(self._studios, entry.id, drafts)
        return len(drafts), len(wanted) <= MOST_AT_ONCE

    # --- families that have none yet

    def _first(self, entry: StudioEntry, issuing: "_Issuing") -> Iterator[Deed]:
        """A pass for each family that has none."""
        families, passes = (self._books.tables.records[kind].table for kind in (Family.KIND, Pass.KIND))
        query = (
            select(families.c.id, families.c.scope)
            .outerjoin(passes, and_(passes.c.studio_id == entry.id, passes.c.by_family == families.c.id))
            .where(families.c.studio_id == entry.id, passes.c.id.is_(None))
            .limit(MOST_AT_ONCE)
        )
        with self._books.database.read(entry.id) as connection:
            rows = connection.execute(query).all()
        for family, scope in rows:
            home = Id(scope.partition("/")[2])
            handle = self._studios.entropy(8).hex()
            yield Deed(derived("pass.first", entry.id, family), issuing.issue(Id(family), home, handle, "first"))

    # --- epochs that rise

    def _renewed(self, storage: SqlCloud, issuing: "_Issuing") -> Iterator[Deed]:
        """The next epoch of passes that end soon; printed cards of the one before stay good for a while."""
        high = issuing.now_s + min(RENEW_BEFORE_S, issuing.life_s // 4)
        for held in search(storage, Pass, "by_expires", high=high):
            if held.revoked_at_ms is None:
                yield issuing.raised(held, "schedule", f"{held.epoch}")

    def _after_loss(
        self, storage: SqlCloud, issuing: "_Issuing", *, since: int, lost: list[DeviceEntry]
    ) -> Iterator[Deed]:
        """The next epoch where somebody lost the right to a pass, or a device with keys of codes is lost. Not of a revoked
        one: the next epoch would be good again, and that is for a person to say."""
        studio = issuing.studio
        for pair in fetch(storage, Guardianship, self._changed(studio, Guardianship.KIND, since)).values():
            blocks = [block for block in pair.blocks if block.operation not in pair.lifted]
            child = fetch(storage, Child, [pair.child]).get(pair.child) if blocks else None
            id = None if child is None else pass_id(studio, child.family)
            held = None if id is None else fetch(storage, Pass, [id]).get(id)
            last = blocks[-1] if blocks else None
            if held is None or last is None or held.revoked_at_ms is not None:
                continue
            if last.at_ms // 1000 >= held.issued_s:
                yield issuing.raised(held, "rights", last.operation)
        for device in lost:
            for held in search(storage, Pass, "by_family"):
                had = device.location in ("", held.home) and held.issued_s * 1000 <= (device.revoked_ms or 0)
                if had and held.revoked_at_ms is None:
                    yield issuing.raised(held, "kiosk", device.id)

    def _lost(self, studio: Id, now_ms: int) -> list[DeviceEntry]:
        """Devices that were shut out and may still have keys of codes; each until its passes are all raised."""
        return [
            device
            for device in self._studios.devices(studio)
            if device.revoked_ms is not None and device.role in HELD_KEYS and device.purged_ms is None
            and device.id not in self._raised
            and (device.purge is None or now_ms - device.revoked_ms >= PURGE_WAIT_MS)
        ]  # fmt: skip

    def _changed(self, studio: Id, kind: str, since: int) -> list[Id]:
        table = self._books.tables.change
        query = select(table.c.id).where(
            table.c.studio_id == studio, table.c.kind == kind, table.c.sequence > since
        )  # fmt: skip
        with self._books.database.read(studio) as connection:
            return [Id(id) for id in connection.scalars(query)]

    # --- keys

    def _armed(self, entry: StudioEntry) -> Iterator[Deed]:
        """The key of codes, for each pass whose present epoch has none."""
        passes, keys = (self._books.tables.records[kind].table for kind in (Pass.KIND, RollingKeys.KIND))
        same = and_(
            keys.c.studio_id == entry.id, keys.c.by_handle == passes.c.by_handle,
            keys.c.by_epoch == passes.c.by_epoch,
        )  # fmt: skip
        query = (
            select(passes.c.by_family, passes.c.scope, passes.c.by_handle, passes.c.by_epoch)
            .outerjoin(keys, same)
            .where(passes.c.studio_id == entry.id, keys.c.id.is_(None))
            .limit(MOST_AT_ONCE)
        )
        with self._books.database.read(entry.id) as connection:
            rows = connection.execute(query).all()
        for family, scope, handle, epoch in rows:
            key = self._studios.pass_keys.rolling_key(entry, handle, epoch).hex()
            home = Id(scope.partition("/")[2])
            yield Deed(
                derived("pass.arm", handle, str(epoch)), ArmPass(family=Id(family), home=home, epoch=epoch, key=key)
            )

    def _keys(self, entry: StudioEntry, now_s: int) -> None:
        if self._studios.pass_keys.due(entry, now_s=now_s):
            self._studios.pass_keys.rotate(entry, now_s=now_s)

    def _noticed(self, storage: SqlCloud, entry: StudioEntry) -> Iterator[Deed]:
        """Devices are told when the set of keys is not the one they were told of last."""
        version = version_of(self._studios.pass_keys.keys(entry.id))
        id = key_notice_id(entry.id)
        told = fetch(storage, KeyNotice, [id]).get(id)
        if version > (1 if told is None else told.version):
            yield Deed(derived("keys.notice", entry.id, str(version)), NoticeKeys(version=version))


class _Issuing(NamedTuple):
    """What a round issues by: the time, and how long the studio has its passes good and the one before (seconds)."""

    studio: Id
    now_s: int
    life_s: int
    grace_s: int

    def raised(self, held: Pass, because: str, why: str) -> Deed:
        """The next epoch of a pass."""
        payload = self.issue(held.family, held.home, held.handle, because)
        return Deed(derived("pass.raise", held.id, because, why), payload)

    def issue(self, family: Id, home: Id, handle: str, because: str) -> IssuePass:
        return IssuePass(
            family=family, home=home, handle=handle, issued_s=self.now_s, expires_s=self.now_s + self.life_s,
            because=because, grace_s=self.grace_s,
        )  # fmt: skip
