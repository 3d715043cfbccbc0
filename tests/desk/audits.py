"""The audit of a desk in memory: the real index in a file without a disk, the real lines over the memory's log."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import sqlcipher3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from classtap_core.auditing.exporting import Going, Manifest, export
from classtap_core.auditing.finding import Query, find
from classtap_core.auditing.lines import Kept, Viewer, lines
from classtap_core.auditing.saying import Words
from classtap_core.auditing.terms import terms_of
from classtap_core.kernel.envelope import join_parts, own, unpack
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Id
from classtap_core.kernel.memory import MemoryDevice
from classtap_core.kernel.records import OPEN, Sensitivity
from classtap_core.store.engine import database
from classtap_core.store.trail import Trail, create
from sync.audit import AuditPage, Page, every

if TYPE_CHECKING:
    from tests.desk.world import World

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


class MemoryAuditor:
    """The `Auditor` of a desk in memory. The cloud is never there, unless `studio` says what it answers."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.studio: AuditPage | None = None

    def own(self, query: Query, sight: Viewer) -> AuditPage:
        store: MemoryDevice = self._world.store
        conn = sqlcipher3.connect(":memory:", isolation_level=None)
        try:
            create(database(conn))
            for entry in store.log:
                envelope = own(entry.data)
                changes = [{"id": change.id, "scope": change.scope} for change in entry.changes]
                for term in terms_of(envelope, unpack(entry.parts)[OPEN][""], changes):
                    conn.execute("INSERT OR IGNORE INTO trail_name (name) VALUES (?)", (term,))
                    (number,) = conn.execute("SELECT number FROM trail_name WHERE name = ?", (term,)).fetchone()
                    conn.execute("INSERT OR IGNORE INTO trail VALUES (?, ?, ?)", (number, entry.at_ms, entry.sequence))
            found = find(Trail(conn), query)
        finally:
            conn.close()
        entries = store.entries([spot.sequence for spot in found.spots])
        kept = [
            Kept(entry.sequence, own(entry.data), join_parts(entry.parts), entry.changes, entry.answer or entry.told)
            for entry in entries
        ]
        return AuditPage(lines=tuple(lines(kept, store, store.registry, sight)), next=found.next)

    def of_studio(self, staff: Id, query: Query, revealed: Mapping[Id, Collection[Sensitivity]]) -> AuditPage:
        if self.studio is None:
            raise EnvironmentFault("cloud.unreachable")
        return self.studio

    def export(
        self, path: Path, page: Page, query: Query, words: Words, *, chain: str, viewer: Id, roles: tuple[str, ...],
        going: Going = lambda count: True,
    ) -> Manifest:  # fmt: skip
        manifest = Manifest(
            studio=self._world.plan.studio, chain=chain, made_ms=self._world.clock.now().corrected, viewer=viewer,
            roles=roles, query=replace(query, after=""), entries=0, sha256="",
            key=KEY.public_key().public_bytes_raw().hex(),
        )  # fmt: skip
        return export(path, every(page, query), words, manifest, sign=KEY.sign, going=going)
