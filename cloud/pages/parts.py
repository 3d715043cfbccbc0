"""A form with a file in it (RFC 7578), read in memory: a family's paper never lies on a disk in plain."""

import logging
from collections.abc import Mapping

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from classtap_core.kernel.errors import BadInput

MOST_PARTS = 20
_LONGEST_BOUNDARY = 70
"""RFC 2046 5.1.1."""

# A stranger's broken form is refused, and is no line in the log.
logging.getLogger("python_multipart").setLevel(logging.ERROR)


def form_of(body: bytes, content_type: str) -> Mapping[str, bytes]:
    """A form's fields by their names, the last of a name; the caller has bounded the body.

    Raises BadInput `form.parts` where it is no such form, where it ends too early, and past `MOST_PARTS`.
    """
    kind, said = parse_options_header(content_type)
    boundary = said.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise BadInput("form.parts")
    parts = _Parts()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": parts.begin,
                "on_header_field": parts.title,
                "on_header_value": parts.value,
                "on_header_end": parts.header,
                "on_headers_finished": parts.named,
                "on_part_data": parts.data,
                "on_end": parts.end,
            },
        )
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise BadInput("form.parts") from error
    if not parts.whole:
        raise BadInput("form.parts")
    return {name: bytes(data) for name, data in parts.found.items()}


class _Parts:
    """What the parser tells, part by part.

    Attributes:
        found: the fields so far. whole: the form's last boundary was seen.
    """

    def __init__(self) -> None:
        self.found: dict[str, bytearray] = {}
        self.whole = False
        self._count = 0
        self._title, self._value, self._disposition = b"", b"", b""
        self._part = bytearray()

    def begin(self) -> None:
        self._count += 1
        if self._count > MOST_PARTS:
            raise BadInput("form.parts")
        self._title, self._value, self._disposition = b"", b"", b""

    def title(self, data: bytes, start: int, end: int) -> None:
        self._title += data[start:end]

    def value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header(self) -> None:
        if self._title.lower() == b"content-disposition":
            self._disposition = self._value
        self._title, self._value = b"", b""

    def named(self) -> None:
        _, said = parse_options_header(self._disposition)
        name = said.get(b"name", b"").decode("utf-8", "replace")
        if not name:
            raise BadInput("form.parts")
        self._part = self.found[name] = bytearray()

    def data(self, data: bytes, start: int, end: int) -> None:
        self._part += data[start:end]

    def end(self) -> None:
        self.whole = True
