"""Blobs on their way from and to the cloud, in ranges, whichever way the link breaks: what sync asks and is asked.

Whoever carries a range need not be able to read it. A blob counts when all of it is here and its hash is its name.
"""

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from classtap_core.kernel.blobs import RANGE_BYTES, Offer, Span, Spans, check_hash, joined, missing
from classtap_core.kernel.errors import BadInput, EnvironmentFault, Refused
from classtap_core.store.blob_files import FLUSH_BYTES, durable
from classtap_core.store.blob_rows import BlobKind, BlobRows, Kept, State
from classtap_core.store.blobs import Blobs
from classtap_core.store.engine import KEY_BYTES
from classtap_core.store.folder import write_fault
from classtap_core.store.sealed_file import Opened, hash_of, sealed_size

if TYPE_CHECKING:
    from classtap_core.store.store import Store


class Transfers:
    """The queue of blobs of an open store, both ways. From any thread, but one at a time for each blob."""

    def __init__(self, store: "Store", blobs: Blobs) -> None:
        self._store, self._blobs = store, blobs
        self._here: dict[str, Spans] = {}
        self._unflushed: dict[str, int] = {}
        self._held_back: set[str] = set()
        self._guard = threading.Lock()

    # -- to the cloud

    def waiting(self) -> list[Offer]:
        """What an operation cites and the cloud does not have, oldest first.

        What nobody can open any more is left out, and what could not be read since this program began: it holds up
        nothing behind it.
        """
        with self._store.reader() as reader:
            waiting = (kept for kept in reader.blobs.waiting() if kept.hash not in self._held_back)
            offers = [reader.blobs.offer(kept) for kept in waiting]
        return [offer for offer in offers if offer is not None]

    def sealed_range(self, hash: str, span: Span) -> bytes:
        """Sealed bytes of a blob, as they travel: at most `RANGE_BYTES`. Raises Refused `blob.unknown`, `blob.away`;
        BadInput `blob.range`; EnvironmentFault `blob.damaged`."""
        kept = self._known(hash)
        if not 0 <= span.start < span.end <= kept.sealed or span.length > RANGE_BYTES:
            raise BadInput("blob.range")
        if kept.state is not State.HERE:
            raise Refused("blob.away", hash=hash)
        data = b""
        with suppress(OSError), self._blobs.files.path(hash).open("rb") as file:
            file.seek(span.start)
            data = file.read(span.length)
        if len(data) != span.length:
            self._held_back.add(hash)
            raise EnvironmentFault("blob.damaged")
        return data

    def arrived(self, hash: str) -> None:
        """The cloud has all of it: from now on it may leave this device when room is wanted."""
        self._blobs.change(lambda rows: rows.set_sent(check_hash(hash)))

    # -- from the cloud

    def wanted(self) -> list[str]:
        """What is not whole here and the cloud has, begun ones first, then by hash."""
        with self._store.reader() as reader:
            coming = [kept.hash for kept in reader.blobs.all("state = 'coming'")]
            away = [kept.hash for kept in reader.blobs.all("state = 'away' AND sent = 1")]
        return [*coming, *away]

    def expect(self, offer: Offer, *, now_ms: int) -> None:
        """Begin to take a blob, or go on: nothing of what is here already is asked for again.

        Raises BadInput `blob.hash`, `blob.offer`; Refused `blob.quota`, `blob.quota_all`, `blob.too_big`,
        `blob.erased` (its person was erased here); EnvironmentFault `disk_full`.
        """
        kind, key = _checked(offer)
        with self._store.reader() as reader:
            known = reader.blobs.get(offer.blob.hash)
        if known is not None and known.state is not State.AWAY:
            return
        self._blobs.admit(offer.sealed)
        self._blobs.room(kind, offer.sealed)

        def begin(rows: BlobRows) -> None:
            sealed = rows.sealed_key(key, offer.subject, offer.blob.hash)
            if sealed is None:
                raise Refused("blob.erased")
            rows.put(
                Kept(
                    offer.blob.hash, kind.value, offer.blob.type, offer.blob.size, offer.sealed, offer.subject, sealed,
                    offer.scope, "", now_ms, State.COMING, True, b"",
                )
            )  # fmt: skip

        self._blobs.change(begin)

    def missing(self, hash: str) -> list[Span]:
        """The ranges still to come, in order, each at most `RANGE_BYTES`. Raises Refused `blob.unknown`."""
        kept = self._known(hash)
        return [] if kept.state is State.HERE else list(missing(self._spans(kept), kept.sealed))

    def put(self, hash: str, start: int, data: bytes) -> bool:
        """Keep a range, in any order, as often as it comes; whether the blob is whole and checked now.

        Raises Refused `blob.unknown` (not expected); BadInput `blob.range` (outside the file), `blob.not_it` (all is
        here and it is another file: what is wrong is missing again); EnvironmentFault `disk_full`.
        """
        kept = self._known(hash)
        if kept.state is State.HERE:
            return True
        if kept.state is not State.COMING:
            raise Refused("blob.unknown", hash=hash)
        span = Span(start, start + len(data))
        if not data or start < 0 or span.end > kept.sealed:
            raise BadInput("blob.range")
        path = self._blobs.files.coming(hash)
        try:
            with self._blobs.files.opened(path) as file:
                file.seek(start)
                file.write(data)
                spans = self._took(kept, span)
                whole = spans == (Span(0, kept.sealed),)
                if whole or self._unflushed[hash] >= FLUSH_BYTES:
                    self._blobs.admit(0)
                    durable(file)
                    self._remember(hash, spans)
        except OSError as error:
            raise write_fault(error, self._blobs.files.root) from error
        if whole:
            self._finish(kept)
        return whole

    def pause(self) -> None:
        """The link is gone, or the program ends: remember how far everything has come."""
        with self._guard:
            open_ones = [hash for hash, size in self._unflushed.items() if size]
        for hash in open_ones:
            try:
                with self._blobs.files.opened(self._blobs.files.coming(hash)) as file:
                    durable(file)
            except OSError as error:
                raise write_fault(error, self._blobs.files.root) from error
            self._remember(hash, self._here[hash])

    def _took(self, kept: Kept, span: Span) -> Spans:
        with self._guard:
            spans = self._here[kept.hash] = joined(self._spans(kept), span)
            self._unflushed[kept.hash] = self._unflushed.get(kept.hash, 0) + span.length
            return spans

    def _spans(self, kept: Kept) -> Spans:
        """What is here: as far as this program knows, else as was durable when the last one ended."""
        return self._here.get(kept.hash, kept.spans)

    def _remember(self, hash: str, spans: Spans) -> None:
        self._blobs.change(lambda rows: rows.set_state(hash, State.COMING, spans))
        with self._guard:
            self._unflushed[hash] = 0

    def _finish(self, kept: Kept) -> None:
        """Check the whole and give it its name; what is wrong of it is missing again."""
        files = self._blobs.files
        part = files.coming(kept.hash)
        with part.open("rb") as file:
            right = hash_of(file) == kept.hash
            left = () if right else Opened(file, self._key(kept), kept.size).sound()
        with self._guard:
            self._here.pop(kept.hash, None)
            self._unflushed.pop(kept.hash, None)
        if not right:
            self._blobs.change(lambda rows: rows.set_state(kept.hash, State.COMING, left))
            raise BadInput("blob.not_it", hash=kept.hash)
        with files.moving:
            files.settle(part, kept.hash)
            self._blobs.change(lambda rows: rows.set_state(kept.hash, State.HERE))

    def _key(self, kept: Kept) -> bytes:
        with self._store.reader() as reader:
            return reader.blobs.key_of(kept) or bytes(KEY_BYTES)  # a key that opens nothing: all of it comes again

    def _known(self, hash: str) -> Kept:
        with self._store.reader() as reader:
            kept = reader.blobs.get(check_hash(hash))
        if kept is None:
            raise Refused("blob.unknown", hash=hash)
        return kept


def _checked(offer: Offer) -> tuple[BlobKind, bytes]:
    """The kind and key of an offer that can be one. Raises BadInput `blob.hash`, `blob.offer`."""
    check_hash(offer.blob.hash)
    try:
        kind, key = BlobKind(offer.kind), bytes.fromhex(offer.key)
    except ValueError as error:
        raise BadInput("blob.offer") from error
    if len(key) != KEY_BYTES or offer.blob.size < 0 or offer.sealed != sealed_size(offer.blob.size):
        raise BadInput("blob.offer")
    return kind, key
