"""Files that a command leaves: whole or not at all, for this user alone."""

import os
from pathlib import Path

from classtap_core.kernel.errors import EnvironmentFault


def write_whole(out: Path, data: bytes) -> None:
    """Replace a file (mode 0600). Raises EnvironmentFault `file.cannot_write`."""
    fresh = out.with_name(f".{out.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "wb") as file:
            file.write(data)
        os.replace(fresh, out)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise EnvironmentFault("file.cannot_write", file=str(out), why=error.strerror or "") from error
