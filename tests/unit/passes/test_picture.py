"""The picture: version 7 for every kind of text, read back by a decoder that is not ours."""

from typing import Any
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import pytest
import zxingcpp
from qrcode.exceptions import DataOverflowError

from classtap_core.passes import picture, rolling
from classtap_core.passes.codec import Kind, Tier


def texts(studio: Any) -> list[str]:
    shown = rolling.with_code(studio.text(tier=Tier.ROLLING), studio.rolling_key, at_s=studio.now)
    return [studio.text(), studio.text(kind=Kind.EVENT, event=2**64 - 1, token=2**48 - 1), shown]


def test_every_text_fits_version_7_and_reads_back(studio: Any) -> None:
    for text in texts(studio):
        image = cv2.imdecode(np.frombuffer(picture.png(text, scale=3), np.uint8), cv2.IMREAD_GRAYSCALE)
        assert image.shape == (159, 159)  # (45 modules of version 7 and 4 of quiet zone on either side) x 3
        [code] = zxingcpp.read_barcodes(image)
        assert code.text == text
        assert code.format == zxingcpp.BarcodeFormat.QRCode
        assert code.ec_level == "M"


@pytest.mark.needs("zbar")
def test_three_decoders_that_share_no_code_read_every_kind(studio: Any) -> None:
    """ISO/IEC 18004, as three others understand it."""
    from pyzbar import pyzbar

    for text in texts(studio):
        image = cv2.imdecode(np.frombuffer(picture.png(text, scale=6), np.uint8), cv2.IMREAD_GRAYSCALE)
        assert [code.text for code in zxingcpp.read_barcodes(image)] == [text]
        assert [code.data.decode() for code in pyzbar.decode(image)] == [text]
        assert cv2.QRCodeDetector().detectAndDecode(image)[0] == text


def test_the_quiet_zone_is_four_modules_of_light(studio: Any) -> None:
    modules = np.array(picture.matrix(studio.text()))
    assert modules.shape == (53, 53)
    inner = modules[4:-4, 4:-4]
    assert modules.sum() == inner.sum()
    assert inner[0].any()
    assert inner[:, 0].any()


def test_the_drawing_shows_the_same_modules(studio: Any) -> None:
    text = studio.text()
    root = ET.fromstring(picture.svg(text, side_mm=30))
    assert (root.get("width"), root.get("viewBox")) == ("30mm", "0 0 53 53")
    drawn = np.zeros((53, 53), bool)
    for run in root[1].get("d", "").split("z")[:-1]:
        start, length = run[1:].split("v")[0].split("h")
        x, y = map(int, start.split())
        drawn[y, x : x + int(length)] = True
    assert (drawn == np.array(picture.matrix(text))).all()


def test_longer_texts_and_other_letters_have_no_picture() -> None:
    assert len(picture.matrix("A" * 178)) == picture.MODULES
    with pytest.raises(DataOverflowError):
        picture.matrix("A" * 179)
    with pytest.raises(ValueError, match="mode"):
        picture.matrix("ct:")
