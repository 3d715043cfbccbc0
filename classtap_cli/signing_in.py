"""A PIN for the command line: from a file, from what is piped in, or typed unseen."""

import getpass
import sys
from pathlib import Path

from classtap_core.kernel.errors import BadInput, Refused


def asked_pin(file: Path | None) -> str:
    """The PIN from a file, from what is piped in, or typed unseen. Raises BadInput `pin.file`, Refused `pin.needed`."""
    if file is not None:
        try:
            return file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput("pin.file", file=str(file)) from error
    typed = getpass.getpass("PIN: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not typed.strip():
        raise Refused("pin.needed")
    return typed.strip()
