"""Blobs: sealed, whole after any cut, durable before they are cited, gone with whom they are about."""

import hashlib
import io
import os
import random
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.device_store import Answer
from classtap_core.kernel.errors import BadInput, EnvironmentFault, Refused
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.outcomes import ACCEPTED
from classtap_core.store import destroy
from classtap_core.store.blob_rows import BlobKind
from classtap_core.store.blobs import Quotas
from classtap_core.store.intake import About
from classtap_core.store.sealed_file import CHUNK, MAGIC, STEP, padded, sealed_size
from classtap_core.store.store import Store
from classtap_core.store.sweeping import CUT_OFF_MS, NEW_MS, sweep
from tests.unit.store import toy_blobs
from tests.unit.store.conftest import DEVICE, NOW, STAFF, STUDIO, child_id
from tests.unit.store.toy_blobs import ALL, MARKER, FilePaper, added, bus_over, paper_row, photo

NAME = derived("intake")


@pytest.fixture
def store(data_dir: Path) -> Iterator[Store]:
    with Store.create(data_dir, toy_blobs.registry(), program="test", studio=STUDIO, device=DEVICE) as made:
        made.call(lambda: made.device.hold(ALL))
        yield made


def again(store: Store) -> Store:
    """The same store, opened by the next program."""
    store.close()
    return Store.open(store.folder, toy_blobs.registry(), program="test")


def files_of(store: Store) -> list[Path]:
    return sorted(path for path in store.blobs.files.root.rglob("*") if path.is_file())


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def cite(store: Store, number: int, blob: Blob) -> None:
    bus = bus_over(store.device, seed=hash(blob.hash))
    store.call(lambda: bus.submit(FilePaper(child=child_id(number), scan=blob), STAFF))


def answer(store: Store, *sequences: int) -> None:
    """The cloud takes operations, and its rows come back."""
    bus = bus_over(store.device)
    store.call(lambda: bus.acknowledge([Answer(number, ACCEPTED, 10 + number) for number in sequences]))


@pytest.mark.parametrize("size", [0, 1, 4_096, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
def test_what_goes_in_comes_out(store: Store, size: int) -> None:
    data = random.Random(size).randbytes(size)
    blob = store.blobs.add(io.BytesIO(data), photo(1), now_ms=NOW)
    (path,) = files_of(store)
    whole = path.read_bytes()
    assert (blob.size, len(whole)) == (size, sealed_size(size))
    assert path.name == blob.hash == hashlib.sha256(whole).hexdigest()
    assert b"".join(store.blobs.read(blob.hash)) == store.blobs.read_all(blob.hash) == data
    for start, length in ((0, 1), (size // 2, 7), (size - 1, 9), (CHUNK - 3, 6), (0, size + 1)):
        assert b"".join(store.blobs.read(blob.hash, start, length)) == data[max(0, start) :][:length]
    with again(store) as later:
        assert later.blobs.read_all(blob.hash) == data
        assert later.check().ok


def test_a_length_names_no_document() -> None:
    """Padmé's own example: 9 bits are rounded to 6 (Reducing Metadata Leakage from Encrypted Files, 4)."""
    assert [padded(size) for size in (0, 4_097, 9_000, 1_000_001)] == [4_096, 4_352, 9_216, 1_015_808]
    for size in range(1, 400_000, 997):
        assert size <= padded(size) <= max(4_096, size * 1.12)


def test_a_name_and_a_file_say_nothing(store: Store) -> None:
    """The same bytes twice: two names, neither of which anybody could work out from the bytes."""
    data = MARKER * 400
    one, two = (store.blobs.add(io.BytesIO(data), photo(1), now_ms=NOW) for _ in range(2))
    assert one.hash != two.hash
    assert hashlib.sha256(data).hexdigest() not in [path.name for path in files_of(store)]
    store.close()
    assert MARKER.strip() not in everything_in(store.folder)
    modes = {path.stat().st_mode & 0o777 for path in store.blobs.files.root.rglob("*")}
    assert os.name != "posix" or modes == {0o700, 0o600}


class Endless(io.RawIOBase):
    """A file of so many bytes that lies nowhere."""

    def __init__(self, size: int) -> None:
        self.size, self.at, self.given = size, 0, 0

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset + (self.size if whence == 2 else 0)
        return self.at

    def read(self, most: int = -1) -> bytes:
        piece = bytes([self.at // CHUNK % 251]) * max(0, min(most, self.size - self.at))
        self.at += len(piece)
        self.given += len(piece)
        return piece


def test_a_large_file_is_never_in_memory(store: Store) -> None:
    size = 40_000_000
    tracemalloc.start()
    try:
        blob = store.blobs.add(Endless(size), photo(1), now_ms=NOW)  # type: ignore[arg-type]
        total = sum(len(piece) for piece in store.blobs.read(blob.hash))
        assert store.check().ok
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (blob.size, total) == (size, size)
    assert peak < 3_000_000


def test_taking_in_goes_on_where_it_was_cut(store: Store) -> None:
    data = random.Random(1).randbytes(10 * CHUNK + 99)
    with store.blobs.begin(NAME, photo(1), now_ms=NOW) as intake:
        intake.write(data[: 6 * CHUNK + 5])
        with pytest.raises(Refused, match=r"blob\.busy"):
            store.blobs.begin(NAME, photo(1), now_ms=NOW)
    with again(store) as later:
        (part,) = files_of(later)
        with part.open("ab") as file:
            file.write(bytes(STEP))  # what a power cut may leave: the length, and not what was written
        source = _Counted(data)
        blob = later.blobs.add(source, photo(1), now_ms=NOW, name=NAME)
        assert source.given <= len(data) - 6 * CHUNK + CHUNK
        assert later.blobs.read_all(blob.hash) == data
        assert [path.name for path in files_of(later)] == [blob.hash]


class _Counted(io.BytesIO):
    given = 0

    def read(self, most: int | None = -1) -> bytes:
        piece = super().read(most)
        self.given += len(piece)
        return piece


def test_another_file_under_the_same_name_begins_anew(store: Store) -> None:
    with store.blobs.begin(NAME, photo(1), now_ms=NOW) as intake:
        intake.write(bytes(3 * CHUNK))
    for data in (random.Random(2).randbytes(4 * CHUNK), b"short"):
        blob = store.blobs.add(io.BytesIO(data), photo(1), now_ms=NOW, name=NAME)
        assert store.blobs.read_all(blob.hash) == data


def test_killed_while_taking_in(tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    script = (
        "import sys; from pathlib import Path\n"
        "from classtap_core.store.store import Store\n"
        "from tests.unit.store import toy_blobs as toys\n"
        "folder = Path(sys.argv[1])\n"
        "make = Store.open if Store.exists(folder) else Store.create\n"
        "with make(folder, toys.registry(), program='test') as store:\n"
        "    with store.blobs.begin(sys.argv[2], toys.photo(1), now_ms=toys.NOW) as intake:\n"
        "        print(intake.size, flush=True)\n"
        "        while intake.size < 60_000_000: intake.write(bytes([intake.size // 262144 % 251]) * 262144)\n"
        "        print(intake.finish().hash, flush=True)\n"
    )
    begun = []
    for kill_at in (9, 24, None):
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(folder), NAME], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
        )
        assert child.stdout is not None
        begun.append(int(child.stdout.readline()))
        part = folder / "blobs" / "taken-in" / NAME
        while kill_at is not None and (not part.exists() or part.stat().st_size < kill_at * 1_000_000):
            assert child.poll() is None
        if kill_at is not None:
            child.send_signal(signal.SIGKILL)
        said, _ = child.communicate(timeout=60)
        assert child.returncode == (0 if kill_at is None else -signal.SIGKILL)
    assert 0 == begun[0] < begun[1] < begun[2]
    with Store.open(folder, toy_blobs.registry(), program="test") as store:
        assert store.check().ok
        pieces = enumerate(store.blobs.read(said.strip()))
        assert all(piece == bytes([at % 251]) * len(piece) for at, piece in pieces)


def test_an_operation_never_cites_what_may_not_exist(store: Store) -> None:
    blob = added(store, 1)
    missing = FilePaper(child=child_id(1), scan=Blob(hash="ab" * 32, size=5, type="image/jpeg"))
    with pytest.raises(Refused, match=r"blob\.missing"):
        store.call(lambda: bus_over(store.device).submit(missing, STAFF))
    with pytest.raises(BadInput, match=r"blob\.hash"):
        cite(store, 1, Blob(hash="../../etc", size=5, type="x"))
    with store.reader() as reader:
        assert reader.head().sequence == 0
    cite(store, 1, blob)
    with store.reader() as reader:
        assert reader.head().sequence == 1
        assert blob.hash.encode() in reader.entries([1])[0].parts[child_id(1)]
        assert blob.hash.encode() not in reader.entries([1])[0].parts[""]
    assert store.check().ok


def test_evidence_is_on_the_disk_before_anything_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(file: int) -> None:
        happened.append("folder" if os.path.isdir(f"/proc/self/fd/{file}") else "file")
        fsync(file)

    def renamed(old: Path, new: Path) -> None:
        happened.append("named")
        replace(old, new)

    store.on_change(lambda refs, scopes: happened.append("cited"))
    change = store.blobs.change
    monkeypatch.setattr(store.blobs, "change", lambda work: (happened.append("row"), change(work)))
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    blob = added(store, 1)
    cite(store, 1, blob)
    # the file's bytes, the new folder's entry, the name, the name's entry, the row, and only then the operation
    assert happened[-6:] == ["file", "folder", "named", "folder", "row", "cited"]


def test_erasing_a_person_takes_their_blobs(store: Store) -> None:
    mine, theirs = added(store, 1), added(store, 2)
    small = store.blobs.add_thumbnail(mine.hash, MARKER, "image/jpeg", now_ms=NOW)
    assert store.blobs.thumbnail(mine.hash) == small
    for number, blob in ((1, mine), (2, theirs)):
        cite(store, number, blob)
    with store.blobs.begin(NAME, photo(1), now_ms=NOW) as intake:
        intake.write(MARKER)
    store.call(lambda: store.device.erase(child_id(1)))
    assert [path.name for path in files_of(store) if len(path.name) == 64] == [theirs.hash]
    with pytest.raises(Refused, match=r"blob\.unknown"):
        next(store.blobs.read(mine.hash))
    assert store.blobs.thumbnail(mine.hash) is None
    with pytest.raises(Refused, match=r"blob\.erased"):
        added(store, 1)
    assert sweep(store, now_ms=NOW).files == 1  # what was being taken in
    assert store.blobs.read_all(theirs.hash).startswith(MARKER)
    assert store.check().ok


def test_without_the_persons_key_a_file_says_nothing(store: Store) -> None:
    """What somebody copied before the erasure stays noise, even with the store's key and all its rows."""
    blob = added(store, 1)
    copy = files_of(store)[0].read_bytes()
    kept = store.call(lambda: store.device.blobs.get(blob.hash))
    store.call(lambda: store.device.erase(child_id(1)))
    assert kept is not None
    assert store.call(lambda: store.device.blobs.key_of(kept)) is None
    assert MARKER.strip() not in copy
    assert blob.hash.encode() not in everything_in(store.folder)


def test_a_lost_scope_takes_its_blobs_but_not_what_unsent_work_cites(store: Store) -> None:
    seen, unsent = added(store, 1), added(store, 2)
    store.apply(bus_over(store.device), [paper_row(1, seen)], cursor=1, token="1").result()
    store.transfers.arrived(seen.hash)
    cite(store, 2, unsent)
    store.call(lambda: store.device.release_scopes(ALL))
    assert not store.blobs.has(seen.hash)
    assert [path.name for path in files_of(store)] == [unsent.hash]
    assert [offer.blob for offer in store.transfers.waiting()] == [unsent]
    assert store.blobs.read_all(unsent.hash).startswith(MARKER)
    assert store.check().ok


def test_a_sweep_takes_only_what_nobody_names(store: Store) -> None:
    alone, unsent, named, new = (added(store, number) for number in (1, 2, 3, 4))
    small = store.blobs.add_thumbnail(named.hash, MARKER, "image/jpeg", now_ms=NOW)
    cite(store, 2, unsent)
    store.apply(bus_over(store.device), [paper_row(3, named)], cursor=1, token="1").result()
    later = NOW + NEW_MS + 1
    store.call(lambda: store.device.conn.execute("UPDATE blob SET made_ms = ? WHERE hash = ?", (later, new.hash)))
    stray = store.blobs.files.path("ab" * 32)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"stray")
    with store.blobs.begin(NAME, photo(1), now_ms=NOW) as intake:
        intake.write(MARKER)
    assert sweep(store, now_ms=later) == (1, 1, 0)
    assert {path.name for path in files_of(store)} == {unsent.hash, named.hash, new.hash, small.hash, NAME}
    assert not store.blobs.has(alone.hash)

    answer(store, 1)
    store.apply(bus_over(store.device), [paper_row(2, new)], cursor=11, token="11").result()
    assert sweep(store, now_ms=later) == (0, 0, 0)  # the cloud does not have it yet
    store.transfers.arrived(unsent.hash)
    store.tidy(later).result()
    assert sweep(store, now_ms=later).blobs == 1
    assert sweep(store, now_ms=NOW + CUT_OFF_MS + 1) == (0, 1, 1)  # nobody went on with what was being taken in
    assert {path.name for path in files_of(store)} == {named.hash, new.hash, small.hash}
    assert store.check().ok


def test_quotas_refuse_clearly_and_let_go_of_what_the_cloud_has(store: Store) -> None:
    mb = 1 << 20
    store.blobs.quotas = Quotas(store=6 * mb, file=3 * mb, kinds={BlobKind.PHOTO: 4 * mb})
    with pytest.raises(Refused, match=r"blob\.too_big\(most_mb=3\)"):
        added(store, 1, 3 * mb)
    one, two = added(store, 1, mb * 3 // 2), added(store, 1, mb * 3 // 2, now_ms=NOW + 1)
    for blob in (one, two):
        cite(store, 1, blob)
    with pytest.raises(Refused, match=r"blob\.quota\(kind=photo, most_mb=4, used_mb=3\)"):
        added(store, 1, 2 * mb)
    endless = Endless(99 * mb)
    endless.seek = lambda offset, whence=0: 0  # type: ignore[method-assign] # it does not say how long it is
    with pytest.raises(Refused, match=r"blob\.quota\("):
        store.blobs.add(endless, photo(1), now_ms=NOW)  # type: ignore[arg-type]
    assert len(files_of(store)) == 2  # nothing of it is left
    document = About(BlobKind.DOCUMENT, "application/pdf")
    added(store, 1, 2 * mb, about=document)
    with pytest.raises(Refused, match=r"blob\.quota_all\(kind=document, most_mb=6, used_mb=5\)"):
        added(store, 1, 2 * mb, about=document)

    answer(store, 1, 2)
    store.transfers.arrived(one.hash)
    store.tidy(NOW).result()
    added(store, 1, mb * 3 // 2)
    assert (store.blobs.has(one.hash), store.blobs.has(two.hash)) == (False, True)
    with pytest.raises(Refused, match=r"blob\.away"):
        next(store.blobs.read(one.hash))
    assert store.transfers.wanted() == [one.hash]


def test_damage_is_found_named_and_mended_where_the_cloud_can(store: Store) -> None:
    lost, mended = added(store, 1, 3 * CHUNK), added(store, 2, 3 * CHUNK)
    store.transfers.arrived(mended.hash)
    whole = store.blobs.files.path(mended.hash).read_bytes()
    for blob in (lost, mended):
        path = store.blobs.files.path(blob.hash)
        data = bytearray(path.read_bytes())
        data[len(MAGIC) + STEP + 5] ^= 1
        path.write_bytes(data)
    assert set(store.check().blobs) == {f"{lost.hash}: damaged", f"{mended.hash}: damaged"}
    assert not store.check().ok
    for blob in (lost, mended):
        with pytest.raises(EnvironmentFault, match=r"blob\.damaged"):
            list(store.blobs.read(blob.hash))
    assert next(store.blobs.read(lost.hash)).startswith(MARKER)  # what is sound of it can be read
    assert store.transfers.wanted() == [mended.hash]
    spans = store.transfers.missing(mended.hash)
    assert sum(span.length for span in spans) == STEP + len(MAGIC)
    done = [store.transfers.put(mended.hash, span.start, whole[span.start : span.end]) for span in spans]
    assert done == [False] * (len(spans) - 1) + [True]
    assert b"".join(store.blobs.read(mended.hash)).startswith(MARKER)
    store.blobs.files.path(lost.hash).unlink()
    assert store.check().blobs == (f"{lost.hash}: missing",)


def test_another_key_of_the_store_opens_the_same_files(store: Store) -> None:
    """Changing the store's key copies no blob: content keys lie in the database, which is under the new key."""
    blob = added(store, 1)
    before = [(path, path.stat().st_mtime_ns) for path in files_of(store)]
    store.rotate_key(None)
    assert [(path, path.stat().st_mtime_ns) for path in files_of(store)] == before
    assert store.blobs.read_all(blob.hash).startswith(MARKER)
    with again(store) as later:
        assert later.check().ok


def test_destroying_the_store_destroys_them(store: Store) -> None:
    added(store, 1)
    store.close()
    destroy.destroy(store.folder, program="test", ring=None)
    assert list(store.folder.iterdir()) == []


def test_names_of_intakes_are_ids(store: Store) -> None:
    with pytest.raises(BadInput, match=r"blob\.name"):
        store.blobs.begin(Id("../store.db"), photo(1), now_ms=NOW)
