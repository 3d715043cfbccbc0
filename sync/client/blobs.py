"""The queue of blobs: behind everything else, range by range, from where the last link broke."""

from collections.abc import Callable
from typing import Protocol

from classtap_core.kernel.blobs import Offer, Span
from sync.client.transport import Rejected, Transport


class Transfers(Protocol):
    """The store's side (`classtap_core.store.transfers`)."""

    def waiting(self) -> list[Offer]: ...

    def sealed_range(self, hash: str, span: Span) -> bytes: ...

    def arrived(self, hash: str) -> None: ...

    def expect(self, offer: Offer, *, now_ms: int) -> None: ...

    def missing(self, hash: str) -> list[Span]: ...

    def put(self, hash: str, start: int, data: bytes) -> bool: ...

    def pause(self) -> None: ...


class BlobCourier:
    """Carries blobs for one device. `first` says that something else has to go first: then it stops between two ranges.

    Attributes:
        wanted: hashes of blobs that somebody here asked for; each goes when it is here.
    """

    def __init__(
        self, transfers: Transfers, transport: Callable[[], Transport], *, first: Callable[[], bool],
        now_ms: Callable[[], int],
    ) -> None:  # fmt: skip
        self.transfers, self._transport, self._first, self._now_ms = transfers, transport, first, now_ms
        self.wanted: dict[str, None] = {}

    def carry(self) -> bool:
        """Send what waits and fetch what is wanted; whether all is done. Raises Unreachable, Rejected, ClassTapError."""
        try:
            return all(self._send(offer) for offer in self.transfers.waiting()) and self._fetch_wanted()
        finally:
            self.transfers.pause()

    def _send(self, offer: Offer) -> bool:
        hash = offer.blob.hash
        standing = self._transport().offer_blob(offer)
        while not standing.whole:
            if self._first():
                return False
            if not standing.missing:  # the cloud is checking it
                return True
            span = standing.missing[0]
            standing = self._transport().put_blob(hash, span.start, self.transfers.sealed_range(hash, span))
        self.transfers.arrived(hash)
        return True

    def _fetch_wanted(self) -> bool:
        for hash in tuple(self.wanted):
            try:
                offer = self._transport().blob(hash)
            except Rejected as no:
                if no.code != "blob.unknown":
                    raise
                continue  # a neighbour named what it has not brought to the cloud yet
            self.transfers.expect(offer, now_ms=self._now_ms())
            for span in self.transfers.missing(hash):
                if self._first():
                    return False
                self.transfers.put(hash, span.start, self._transport().blob_range(hash, span))
            self.wanted.pop(hash, None)
        return True
