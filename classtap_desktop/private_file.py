"""A file that only this user may read: what is written of people outside the encrypted store."""

from __future__ import annotations

from pathlib import Path

from classtap_core.kernel.errors import EnvironmentFault


def write_private(path: Path, data: bytes) -> None:
    """Write a file for this user alone. Raises EnvironmentFault `file.cannot_write`."""
    try:
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_bytes(data)
    except OSError as error:
        raise EnvironmentFault("file.cannot_write", file=str(path), why=error.strerror or "") from error
