"""A real PostgreSQL for the tests: started once, in a folder of its own, by whoever may run one."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from tests.guards.tools import TOOLS

_HOST = "127.0.0.1"
_USER = "classtap_owner"
_NAMES = count()
"""Of this process: several tests may speak to one server."""


class Postgres:
    """A server by its address, and the databases made on it."""

    def __init__(self, url: str) -> None:
        self._admin = make_url(url)

    def url(self, name: str) -> str:
        return self._admin.set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)

    def execute(self, command: str) -> None:
        """One command of the server's owner, outside any transaction."""
        with psycopg.connect(self._plain(self._admin.database or ""), autocommit=True) as connection:
            connection.execute(command.encode())

    def database(self) -> str:
        """A new database; its name."""
        name = f"classtap_{os.getpid()}_{next(_NAMES)}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def dump(self, url: str) -> bytes:
        """What an operator's backup of a database holds."""
        name = make_url(url).database or ""
        return _run([f"{TOOLS['postgresql'].find()}/pg_dump", "-Fc", "-d", self._plain(name)])

    def restore(self, url: str, dumped: bytes) -> None:
        """Put a backup in the place of a database."""
        name = make_url(url).database or ""
        self.drop(name)
        self.execute(f"CREATE DATABASE {name}")
        _run([f"{TOOLS['postgresql'].find()}/pg_restore", "-d", self._plain(name)], said=dumped)

    def _plain(self, name: str) -> str:
        return self._admin.set(drivername="postgresql", database=name).render_as_string(hide_password=False)


class Server:
    """A PostgreSQL server that can be stopped and started.

    Root may run none, so there it is the distribution's user `postgres` who does. Attributes: url.
    """

    def __init__(self, programs: str, folder: Path, *, durable: bool) -> None:
        self._programs, self._folder = programs, folder
        self._root = sys.platform != "win32" and os.geteuid() == 0
        self._front = ["runuser", "-u", "postgres", "--"] if self._root else []
        self.give(folder)
        locale = ["-E", "UTF8", "--no-locale"]
        self._do("initdb", "-U", _USER, "-A", "trust", "-N", *locale)
        port = _free_port()
        # With room for the connections of several workers; what is in the tables is tested without waiting for a disk.
        settings = {
            "port": port, "listen_addresses": _HOST, "unix_socket_directories": str(folder), "max_connections": 200,
            "fsync": "on" if durable else "off", "shared_buffers": "256MB", "max_wal_size": "2GB",
        }  # fmt: skip
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self.url = f"postgresql://{_USER}@{_HOST}:{port}/postgres"

    @classmethod
    @contextmanager
    def made(cls, programs: str, *, durable: bool = False) -> Iterator["Server"]:
        """Started, from the folder of `initdb` and `pg_ctl`; `durable`: commits reach the disk, as an operator's do."""
        folder = Path(tempfile.mkdtemp(prefix="classtap-postgres-"))
        try:
            server = cls(programs, folder, durable=durable)
            server.start()
            try:
                yield server
            finally:
                server.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def give(self, folder: Path) -> None:
        """Let the server write in a folder; its parents must be open to others."""
        if self._root:
            shutil.chown(folder, "postgres", "postgres")

    def start(self) -> None:
        self._do("pg_ctl", "-w", "-l", str(self._folder / "log"), "start")

    def stop(self) -> None:
        """At once, as a power cut would; again is fine."""
        if (self._folder / "data" / "postmaster.pid").exists():
            self._do("pg_ctl", "-w", "-m", "immediate", "stop")

    def _do(self, program: str, *words: str) -> None:
        _run([*self._front, f"{self._programs}/{program}", "-D", str(self._folder / "data"), *words])


@contextmanager
def started(programs: str, *, durable: bool = False) -> Iterator[str]:
    """A server's address while it runs."""
    with Server.made(programs, durable=durable) as server:
        yield server.url


def _run(command: list[str], said: bytes | None = None) -> bytes:
    # Its output goes to files: a server started by pg_ctl would hold a pipe open.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        done = subprocess.run(command, input=said, stdout=out, stderr=err, cwd="/", check=False)
        out.seek(0)
        err.seek(0)
        if done.returncode:
            raise RuntimeError(f"{command}: {err.read().decode(errors='replace')}")
        return out.read()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port
