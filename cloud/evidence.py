"""Files that the cloud itself makes: sealed as a device seals its own, durable before any operation names them."""

import io

from classtap_core.kernel.blobs import Blob, Offer, Span
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Entropy, Id
from classtap_core.store.sealed_file import Opened, Sealing
from cloud.blobs import Blobs

_KEY_BYTES = 32
SIGNATURE = "signature"


def keep(
    blobs: Blobs, studio: Id, data: bytes, *, kind: str, type: str, subject: Id, scope: str, entropy: Entropy, now_ms: int
) -> Blob:  # fmt: skip
    """Write a file about somebody; its reference, once it is durable.

    Raises Refused `blob.erased` where its person was erased, EnvironmentFault `disk_full`, `cloud.disk`: then there is none.
    """
    file, key = io.BytesIO(), entropy(_KEY_BYTES)
    sealing = Sealing(file, key, entropy)
    sealing.write(data)
    blob = Blob(hash=sealing.finish(), size=len(data), type=type)
    sealed = file.getvalue()
    offer = Offer(blob=blob, sealed=len(sealed), kind=kind, key=key.hex(), subject=subject, scope=scope)
    keep_sealed(blobs, studio, offer, sealed, now_ms=now_ms)
    return blob


def keep_sealed(blobs: Blobs, studio: Id, offer: Offer, sealed: bytes, *, now_ms: int) -> None:
    """Write a file that is sealed already. Raises as `keep`."""
    standing = blobs.offer(studio, offer, now_ms=now_ms)
    for span in standing.missing:
        standing = blobs.put(studio, offer.blob.hash, span.start, sealed[span.start : span.end])
    if not standing.whole:
        raise EnvironmentFault("cloud.disk")


def read(blobs: Blobs, studio: Id, hash: str) -> bytes:
    """What is in a file. Raises Refused `blob.unknown`, `blob.erased`, BadInput `blob.hash`; EnvironmentFault `blob.damaged`."""
    offer = blobs.about(studio, hash)
    sealed = io.BytesIO()
    start = 0
    while start < offer.sealed:
        end = min(start + (1 << 20), offer.sealed)
        sealed.write(blobs.read(studio, hash, Span(start, end)))
        start = end
    return b"".join(Opened(sealed, bytes.fromhex(offer.key), offer.blob.size).read())
