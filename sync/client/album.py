"""Pictures of people and scans of their papers: sealed under whom they are of, sent behind everything else, fetched when
somebody looks."""

import io
from typing import Protocol

from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.errors import ClassTapError
from classtap_core.kernel.ids import Id
from classtap_core.store.blob_rows import BlobKind
from classtap_core.store.intake import About
from sync.client.node import Node


class Album(Protocol):
    """A device's pictures and scans."""

    def add(self, data: bytes, type: str, *, of: Id, scope: str) -> Blob:
        """Keep a picture of somebody; durable when this returns. Raises Refused `blob.*`, EnvironmentFault `disk_full`."""
        ...

    def scan(self, data: bytes, type: str, *, of: Id, scope: str) -> Blob:
        """As `add`, of a paper."""
        ...

    def picture(self, hash: str) -> bytes | None:
        """The bytes of a picture or a scan; None where it is not here (yet): then it is fetched while the cloud is there."""
        ...


class NodeAlbum:
    """The `Album` of a paired program."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def add(self, data: bytes, type: str, *, of: Id, scope: str) -> Blob:
        return self._add(data, About(BlobKind.PHOTO, type, of, scope))

    def scan(self, data: bytes, type: str, *, of: Id, scope: str) -> Blob:
        return self._add(data, About(BlobKind.DOCUMENT, type, of, scope))

    def _add(self, data: bytes, about: About) -> Blob:
        return self._node.store.blobs.add(io.BytesIO(data), about, now_ms=self._node.clock.now().corrected)

    def picture(self, hash: str) -> bytes | None:
        blobs = self._node.store.blobs
        try:
            if blobs.has(hash):
                return blobs.read_all(hash)
        except ClassTapError:  # it is damaged or goes just now: another copy may come
            pass
        self._node.want_blob(hash)
        return None
