"""A family's pass as a file: the code as a picture or a drawing, a card to print and cut out, or bytes for an NFC tag."""

import base64
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from classtap_cli.invocation import sentences
from classtap_cli.written import write_whole
from classtap_core.kernel.errors import Refused
from classtap_core.passes import ndef, picture
from classtap_core.passes.brand import Brand

SIDE_MM = 42.0


def png(out: Path, issued: dict[str, Any]) -> None:
    """In the studio's colours and with its logo, where it has set them."""
    branded_png(out, issued, dark="", light="", logo=None)


def branded_png(out: Path, issued: dict[str, Any], *, dark: str, light: str, logo: Path | None) -> None:
    """In these colours and with this logo; what is not said is the studio's own.

    Raises Refused `brand.…` where too many cameras would fail on it.
    """
    from classtap_core.passes import branding

    try:
        mark = base64.b64decode(issued["brand"]["logo"]) if logo is None else logo.read_bytes()
    except OSError as error:
        raise Refused("brand.logo") from error
    brand = Brand(dark=dark or issued["brand"]["dark"], light=light or issued["brand"]["light"], logo=mark)
    write_whole(out, picture.png(issued["text"]) if brand.plain else branding.png(issued["text"], brand))


def svg(out: Path, issued: dict[str, Any]) -> None:
    write_whole(out, picture.svg(issued["text"], side_mm=SIDE_MM).encode())


def pdf(out: Path, issued: dict[str, Any]) -> None:
    """One page A4 with the card in its true size, a hairline to cut along."""
    sheet(out, {**issued, "cards": [issued]})


def sheet(out: Path, found: dict[str, Any]) -> None:
    """Everybody's cards, ten on a page A4."""
    from classtap_desktop.pass_cards import PassCard
    from classtap_desktop.pass_cards import sheet as drawn

    cards = [
        PassCard(found["studio"], one["name"], one["text"], _day(one["expires_s"], found["zone"]))
        for one in found["cards"]
    ]
    write_whole(out, drawn(cards, sentences(), title=found["studio"]))


def nfc(out: Path, issued: dict[str, Any]) -> None:
    """What goes on an NFC tag, byte by byte: one NDEF record of the same text."""
    write_whole(out, ndef.message(issued["text"]))


WRITERS: dict[str, Callable[[Path, dict[str, Any]], None]] = {".png": png, ".svg": svg, ".pdf": pdf, ".ndef": nfc}


def _day(expires_s: int, zone: str) -> date:
    return datetime.fromtimestamp(expires_s, tz=ZoneInfo(zone)).date()
