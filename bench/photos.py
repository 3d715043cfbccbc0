"""Photos taken into a store and read again, sealed and flushed, beside the same files copied and flushed as they are."""

import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bench.claims import Claim, claim
from bench.ground.studio import copied, ground, kiosk
from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.ids import derived
from classtap_core.store.blob_rows import BlobKind
from classtap_core.store.folder import sync_folder
from classtap_core.store.intake import About
from sync.client.node import Node

T = TypeVar("T")

RUNS = 3
COUNT, SIZE = 50, 2_000_000
"""A hundred megabytes of photos as telephones make them."""


def run() -> list[Claim]:
    """One run: in and out, sealed and plain."""
    photos = [os.urandom(SIZE) for _ in range(COUNT)]
    with copied("kiosk") as folder, kiosk(folder) as node:
        plain = folder / "plain"
        plain.mkdir()
        copying, _ = _timed(lambda: _copy(photos, plain))
        taking, blobs = _timed(lambda: [_take(node, photo, number) for number, photo in enumerate(photos)])
        reading, _ = _timed(lambda: [file.read_bytes() for file in plain.iterdir()])
        opening, sizes = _timed(lambda: [sum(map(len, node.store.blobs.read(blob.hash))) for blob in blobs])
        if sizes != [SIZE] * COUNT:
            raise RuntimeError("a photo did not come back whole")
    return [
        claim("photos.add_100mb_s", taking, beside=("a plain copy, flushed", copying)),
        claim("photos.read_100mb_s", opening, beside=("plain files read", reading)),
    ]


def _copy(photos: list[bytes], to: Path) -> None:
    """As durable as the store's: each file, then its name."""
    for number, photo in enumerate(photos):
        with (to / str(number)).open("wb") as file:
            file.write(photo)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(to)


def _take(node: Node, photo: bytes, number: int) -> Blob:
    about = About(BlobKind.PHOTO, "image/jpeg", derived("bench child", str(number)), "studio")
    return node.store.blobs.add(io.BytesIO(photo), about, now_ms=ground().now_ms)


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found
