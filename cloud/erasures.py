"""Who was erased, in a file beside the database: a database that is brought back from a backup is told again before it serves.

The file only grows and holds ids alone. What it lacks (a worker died behind a commit) is written down by the daily sweep.
"""

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from sqlalchemy import select

from classtap_core.kernel.erasure import Erasure
from classtap_core.kernel.ids import Id, derived, parse
from classtap_core.people.erasing import EraseAgain
from classtap_core.store.folder import sync_folder
from cloud.studios import Studios

FILE = "erasures.log"
_log = logging.getLogger("classtap.cloud")


class Erasures:
    """The list of one cloud's folder; several workers write it. From any thread."""

    def __init__(self, folder: Path, studios: Studios) -> None:
        self._file, self._studios = folder / FILE, studios
        self._known: set[tuple[Id, Id]] = set()
        self._read, self._lock = 0, Lock()

    def note(self, studio: Id, people: Iterable[Id]) -> None:
        """Write down whom a commit erased. Where the disk takes nothing that is logged, and the next sweep tries again."""
        try:
            with self._lock:
                self._look()
                new = [one for one in people if (studio, one) not in self._known]
                if new:
                    self._append("".join(f"{studio} {one}\n" for one in new))
                    self._known.update((studio, one) for one in new)
        except OSError as error:
            _log.error("erasures: %s", type(error).__name__)

    def keep(self, studio: Id) -> None:
        """Write down whoever the studio's own records say was erased and the list does not name."""
        found = self._studios.books.tables.records.get(Erasure.KIND)
        if found is None:
            return
        table = found.table
        with self._studios.books.database.read(studio) as connection:
            people = [Id(id) for id in connection.scalars(select(table.c.id).where(table.c.studio_id == studio))]
        self.note(studio, people)

    def replay(self) -> int:
        """Erase again whom the database still holds; how many those were.

        Of a studio that is not in this database (not any more, or not yet again) the list keeps what it says.
        """
        with self._lock:
            self._look()
            listed: dict[Id, list[Id]] = {}
            for studio, person in sorted(self._known):
                listed.setdefault(studio, []).append(person)
        if not listed or EraseAgain.SPEC.name not in self._studios.bus.registry.specs:
            return 0
        there = {entry.id for entry in self._studios.all()}
        done = 0
        for studio in sorted(there & listed.keys()):
            held = self._studios.storage(studio).rows(Erasure, listed[studio])
            for person in (one for one in listed[studio] if one not in held):
                id = derived("tick", "clock", "person.erase_again", person)
                self._studios.author(studio, EraseAgain(person=person), source="restore", id=id)
                done += 1
        return done

    def _look(self) -> None:
        """Read what was written since the last look, by whichever worker. A line cut in the middle names nobody."""
        try:
            with self._file.open("rb") as file:
                file.seek(self._read)
                data = file.read()
        except FileNotFoundError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.decode("ascii", "replace").splitlines():
            studio, _, person = line.partition(" ")
            try:
                self._known.add((parse(studio), parse(person)))
            except ValueError:
                _log.error("erasures: a line that cannot be read")

    def _append(self, lines: str) -> None:
        # One write at the end of the file: workers' lines do not mix. A line that was cut is ended first.
        there = os.open(self._file, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        try:
            cut = os.fstat(there).st_size > 0 and os.lseek(there, -1, os.SEEK_END) >= 0 and os.read(there, 1) != b"\n"
            os.write(there, ("\n" if cut else "").encode() + lines.encode())
            os.fsync(there)
        finally:
            os.close(there)
        sync_folder(self._file.parent)
