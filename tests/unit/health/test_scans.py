"""A scan of a paper is what its first bytes say: PDF, JPEG and PNG by their published signatures, at most 10 MB."""

import pytest

from classtap_core.health.scans import LARGEST, media_of
from classtap_core.kernel.errors import BadInput


def test_a_scan_is_told_by_its_bytes() -> None:
    assert media_of(b"\x89PNG\r\n\x1a\n....") == "image/png"
    assert media_of(b"\xff\xd8\xff\xe0") == "image/jpeg"
    with pytest.raises(BadInput, match=r"health\.file"):
        media_of(b"MZ executable.pdf")
    with pytest.raises(BadInput, match="file_large"):
        media_of(b"%PDF-" + bytes(LARGEST))
