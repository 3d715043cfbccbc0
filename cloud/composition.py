"""One cloud, put together: database, key, bus, studios, hints. The edge makes one and closes it."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from classtap_core.access.rules import scopes_for
from classtap_core.documents.operations import SendSigningCode
from classtap_core.kernel.bus import Bus
from classtap_core.kernel.clock import Clock, SystemClock
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Entropy, Id
from classtap_core.kernel.structs import lay_out
from classtap_core.messaging.operations import MessageWanted
from cloud.blobs import Blobs
from cloud.erasures import Erasures
from cloud.hints import Hints
from cloud.intake import Intake
from cloud.jobs.effects import Runner, joined
from cloud.lanes import Lanes
from cloud.messaging import telling
from cloud.messaging.codes import signing_codes
from cloud.messaging.ports import Post, post_of
from cloud.messaging.sending import Sender
from cloud.pages.doors import Doors
from cloud.secret import Secret, load_secret
from cloud.storage import numbering, resealing
from cloud.storage.backend import Books
from cloud.storage.database import Database
from cloud.storage.directory import Directory
from cloud.storage.layout import Layout, State
from cloud.storage.tables import make_tables
from cloud.storage.tries import SharedTries
from cloud.storage.wakes import Wakes
from cloud.studios import ScopesOf, Studios
from cloud.wallets.signers import wallets_of
from cloud.wallets.telling import WalletTeller
from cloud.watch import Watch

WRITERS = 2
"""Threads that pushes are taken on with PostgreSQL: while one waits for the database, another decides.

Of four, each waited for Python's lock at every one of its statements while the others decided: at 70 % load the 99th of a
hundred pushes took two to five times as long (`make bench ONLY=cloud_load`).
"""


class Cloud:
    """A running cloud without its web server.

    Attributes:
        studios: founding, pairing, and each studio's authority. blobs: sealed files. hints: who listens.
        watch: tells other workers, and hears from them. intake: takes pushes. tries: how often callers tried, for all
            workers; None where there is one. writing: the threads that pushes are taken on, each studio's in a lane of
            its own; unpacking: the same for what is read of a push before. reading: the threads that pulls are answered on. doors: how guardians come in. post: the ways messages leave by. wallets: who signs wallet passes. runners: who
            carries out which effects.
    """

    def __init__(
        self,
        url: str,
        bus: Bus,
        *,
        secret: Secret,
        clock: Clock | None = None,
        entropy: Entropy = os.urandom,
        scopes_of: ScopesOf = scopes_for,
        files: Path,
        post: Post | None = None,
    ) -> None:
        """`files` is the folder of what is too large for the database; several workers share it.

        `post`: the ways messages leave by; without it what the environment names, else an inbox beside `files`.
        """
        self.bus, self.clock = bus, clock or SystemClock()
        self.database = Database(url)
        tables = make_tables(bus.registry, self.database.dialect)
        self.books = Books(self.database, tables, secret, os.urandom)
        self.blobs = Blobs(files, self.books)
        self.hints = Hints()
        self.watch = Watch(Wakes(self.database, tables), self.hints, noted=self.database.dialect != "sqlite")
        self.studios = Studios(self.books, bus, self.clock, entropy, watch=self.watch, scopes_of=scopes_of)
        self.erasures = Erasures(files.parent, self.studios)
        self.studios.forget_files, self.studios.list_erased = self._forget, self.erasures.keep
        try:
            laid_out(self.database, Layout(self.database, tables))
            with self.database.write() as connection:
                self.studios.directory.check_standing(connection)
                self.studios.directory.check_secret(connection, secret)
            numbering.fill(self.books, self.studios.directory)
            resealing.fill(self.books, self.studios.directory)
        except BaseException:
            self.database.close()
            raise
        self.writing = Lanes(1 if self.database.dialect == "sqlite" else WRITERS, "cloud-writing")
        # One process counts for itself; several count together.
        self.tries = None if self.database.dialect == "sqlite" else SharedTries(self.database, tables, self.clock)
        self.intake = Intake(self.studios, self.writing)
        self.unpacking = Lanes(2, "cloud-unpacking")
        self.reading = ThreadPoolExecutor(4, "cloud-reading")
        self.post = post or post_of(os.environ, files.parent / "inbox")
        self.doors = Doors(self.books, self.clock)
        sender = Sender(self.post, self.doors, self.clock)
        self.wallets = wallets_of(os.environ)
        self._teller = WalletTeller(self.wallets)
        sending = {MessageWanted.KIND: sender.carry_out, SendSigningCode.KIND: signing_codes(self.post)}
        self.runners: dict[str, Runner] = joined(sending, telling.RUNNERS, self._teller.runners)
        self.watch.start()
        try:
            self.erasures.replay()
        except BaseException:
            self.close()
            raise

    def _forget(self, studio: Id, people: Sequence[Id]) -> None:
        """Write down whom a commit erased, and let go of their files."""
        self.erasures.note(studio, people)
        self.blobs.forget(studio, people)

    def close(self) -> None:
        """End the threads, after what they are doing, and close the database."""
        self.hints.close()
        self.unpacking.shutdown()
        self.writing.shutdown()
        self.reading.shutdown()
        self.watch.stop()
        self._teller.close()
        self.database.close()


def laid_out(database: Database, layout: Layout) -> None:
    """See that the tables are what this program wants; make them where nothing is.

    A SQLite file is brought up on opening: nobody else has it open. A server may have other workers at it, so there
    `classtap cloud upgrade` does it. Raises EnvironmentFault `cloud.older`, `cloud.newer`.
    """
    state = layout.state()
    if state is State.OLDER and database.dialect != "sqlite":
        raise EnvironmentFault("cloud.older")
    if state is not State.CURRENT:
        layout.prepare()


def prepare_cloud(data: Path, bus: Bus, *, url: str = "", distributed: bool = False) -> State:
    """Make the cloud's folder, key and tables, or bring tables of an older version up; how they stood before.

    `distributed`: lay them out over a Citus cluster. Raises as `open_cloud`, and EnvironmentFault `cloud.role`,
    `cloud.no_citus`.
    """
    folder = _folder(data)
    secret = load_secret(folder)
    database = Database(url or _file(folder))
    try:
        tables = make_tables(bus.registry, database.dialect)
        if distributed and database.dialect == "sqlite":
            raise EnvironmentFault("cloud.no_citus")
        found = Layout(database, tables).prepare(distributed=distributed)
        with database.write() as connection:
            Directory(database, tables).check_secret(connection, secret)
        return found
    finally:
        database.close()


def open_cloud(
    data: Path, bus: Bus, *, url: str = "", clock: Clock | None = None, entropy: Entropy = os.urandom,
    scopes_of: ScopesOf = scopes_for, post: Post | None = None,
) -> Cloud:  # fmt: skip
    """The cloud in `data/cloud` (made with mode 0700), on the database at `url` or, without one, a SQLite file there.

    Raises EnvironmentFault `cloud.secret` when the database was written under another key, `cloud.folder_open` when
    others could read the folder.
    """
    lay_out()
    folder = _folder(data)
    return Cloud(
        url or _file(folder), bus, secret=load_secret(folder), clock=clock, entropy=entropy, scopes_of=scopes_of,
        files=folder / "blobs", post=post,
    )  # fmt: skip


def _folder(data: Path) -> Path:
    folder = data / "cloud"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix" and folder.stat().st_mode & 0o077:
        raise EnvironmentFault("cloud.folder_open", path=str(folder))
    return folder


def _file(folder: Path) -> str:
    return f"sqlite:///{folder / 'cloud.db'}"
