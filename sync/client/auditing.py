"""The audit from a device: its own log, which is always here, and the studio's, while the cloud is."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from classtap_core.auditing.exporting import Going, Manifest, export
from classtap_core.auditing.finding import Query, find
from classtap_core.auditing.lines import Viewer, lines
from classtap_core.auditing.saying import Words
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import Sensitivity
from classtap_core.store import trail
from sync.audit import AskAudit, AuditPage, Page, every
from sync.client.asking import the_cloud

if TYPE_CHECKING:
    from sync.client.node import Node

OWN, STUDIO = "device", "studio"


class Auditor(Protocol):
    """What the audit's screen and commands ask. Nothing here belongs on a window's thread."""

    def own(self, query: Query, sight: Viewer) -> AuditPage:
        """A page of this device's own log. Raises BadInput as `finding.find`."""
        ...

    def of_studio(self, staff: Id, query: Query, revealed: Mapping[Id, Collection[Sensitivity]]) -> AuditPage:
        """A page of the whole studio's log, as a member of staff may read it; `revealed` by entry.

        Raises EnvironmentFault `cloud.unreachable`, Refused with the cloud's code.
        """
        ...

    def export(
        self, path: Path, page: Page, query: Query, words: Words, *, chain: str, viewer: Id, roles: tuple[str, ...],
        going: Going = lambda count: True,
    ) -> Manifest:  # fmt: skip
        """Write all that a query finds, signed by this device. Raises as `exporting.export`."""
        ...


class NodeAuditor:
    """The audit of a paired program."""

    def __init__(self, node: "Node") -> None:
        self._node = node

    def own(self, query: Query, sight: Viewer) -> AuditPage:
        self._follow()
        with self._node.reader() as reader:
            found = find(reader.trail, query)
            kept = reader.audited([spot.sequence for spot in found.spots])
            return AuditPage(lines=tuple(lines(kept, reader, reader.registry, sight)), next=found.next)

    def of_studio(self, staff: Id, query: Query, revealed: Mapping[Id, Collection[Sensitivity]]) -> AuditPage:
        said = {entry: tuple(sorted(kinds)) for entry, kinds in revealed.items()}
        with the_cloud(self._node) as transport:
            return transport.audit(AskAudit(staff=staff, query=query, revealed=said))

    def export(
        self, path: Path, page: Page, query: Query, words: Words, *, chain: str, viewer: Id, roles: tuple[str, ...],
        going: Going = lambda count: True,
    ) -> Manifest:  # fmt: skip
        manifest = Manifest(
            studio=self._node.papers.studio, chain=chain, made_ms=self._node.clock.now().corrected, viewer=viewer,
            roles=roles, query=replace(query, after=""), entries=0, sha256="", key=self._node.store.public_key.hex(),
        )  # fmt: skip
        return export(path, every(page, query), words, manifest, sign=self._node.store.sign, going=going)

    def _follow(self) -> None:
        """Bring the index up to the log, a slice at a time, so that no mark waits for it."""
        store = self._node.store

        def some() -> int:
            with store.device.atomic():
                return trail.follow(store.device.conn)

        while store.call(some, background=True):
            pass
