"""A real PostgreSQL for the tests: started once, in a folder of its own, by whoever may run one."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy import make_url

_HOST = "127.0.0.1"
_USER = "classtap_owner"


class Postgres:
    """A server and the databases made on it. Attributes: url, of its first database, without a name for others."""

    def __init__(self, url: str) -> None:
        self._admin = make_url(url)
        self._names = count()

    def url(self, name: str) -> str:
        return self._admin.set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)

    def execute(self, command: str) -> None:
        """One command of the server's owner, outside any transaction."""
        address = self._admin.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(command.encode())

    def database(self, *, like: str = "") -> str:
        """A new database, copied from another; its name."""
        name = f"classtap_{os.getpid()}_{next(self._names)}"
        self.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {like} STRATEGY FILE_COPY" if like else ""))
        return name

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def started(programs: str, *, durable: bool = False, port: int = 0) -> Iterator[str]:
    """Run a server from the folder of `initdb` and `pg_ctl`, on a port of the loopback; gives its address.

    Root may run none, so there it is the distribution's user `postgres` who does. `durable`: commits reach the disk,
    as they do for an operator; tests of what is in the tables go without.
    """
    folder = Path(tempfile.mkdtemp(prefix="classtap-postgres-"))
    try:
        front = _front(folder)
        data = folder / "data"
        _run(
            [
                *front,
                f"{programs}/initdb",
                "-D",
                str(data),
                "-U",
                _USER,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "-N",
            ]
        )
        port = port or _free_port()
        settings = {
            "port": port, "listen_addresses": _HOST, "unix_socket_directories": str(folder), "max_connections": 200,
            "fsync": "on" if durable else "off", "shared_buffers": "256MB", "max_wal_size": "2GB",
        }  # fmt: skip
        with (data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        start = [*front, f"{programs}/pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log")]
        _run([*start, "start"])
        try:
            yield f"postgresql://{_USER}@{_HOST}:{port}/postgres"
        finally:
            _run([*start, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _front(folder: Path) -> list[str]:
    if sys.platform == "win32" or os.geteuid() != 0:
        return []
    shutil.chown(folder, "postgres", "postgres")
    return ["runuser", "-u", "postgres", "--"]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr or done.stdout}")


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port
