"""What a scan of a paper may be: told by its first bytes, never by its name. Pure."""

from classtap_core.kernel.errors import BadInput

LARGEST = 10 * 1024 * 1024
"""Bytes of a scan (catalogue 10)."""
_STARTS = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


def media_of(data: bytes) -> str:
    """The media type of a scan. Raises BadInput `health.file` for anything but PDF, JPEG and PNG, `health.file_large`."""
    if len(data) > LARGEST:
        raise BadInput("health.file_large", most=LARGEST // 1024 // 1024)
    for start, media in _STARTS.items():
        if data.startswith(start):
            return media
    raise BadInput("health.file")
