"""A studio's colours and logo on the picture of a pass, and whether it can still be read: else it is refused with why."""

import cv2
import numpy as np

from classtap_core.kernel.errors import Refused
from classtap_core.passes.brand import Brand
from classtap_core.passes.picture import MODULES, matrix
from classtap_core.passes.trial import Colour, read_rate

CONTRAST = 7.0
"""WCAG 2's ratio between the two colours (catalogue 41)."""
RATE = 0.99
"""Share of hard frames that must read."""
LOGO_MODULES = 9
"""Side of the square in the middle that a logo may cover, one module of light around it included: 4 % of the code."""
MOST_LOGO_BYTES = 1 << 20
_TRIAL_FRAMES, _TRIAL_SEED = 100, 20_260
_PX = 8


def contrast(dark: str, light: str) -> float:
    """WCAG 2's contrast ratio of two colours, from 1 to 21. Raises Refused `brand.colour` for what is no #rrggbb."""
    first, second = sorted((_luminance(dark), _luminance(light)))
    return (second + 0.05) / (first + 0.05)


def branded(text: str, brand: Brand) -> Colour:
    """The picture (BGR, 424 pixels a side). Raises Refused `brand.colour`, `brand.logo`; says nothing of readability."""
    dark, light = (np.array(_bgr(colour), np.uint8) for colour in (brand.dark, brand.light))
    modules = np.kron(np.array(matrix(text)), np.ones((_PX, _PX), bool))
    picture = np.where(modules[..., None], dark, light).astype(np.uint8)
    if brand.logo:
        _lay(picture, _logo(brand.logo), light)
    return picture


def check(brand: Brand, text: str) -> float:
    """The share of hard frames in which a kiosk's first decoder reads a text in this brand.

    Raises Refused `brand.colour`, `brand.logo`, `brand.inverted` (the modules are the lighter colour: not every reader
    turns them round), `brand.contrast` and `brand.unread`, with what it is and what it must be in percent or tenths.
    """
    if _luminance(brand.dark) > _luminance(brand.light):
        raise Refused("brand.inverted")
    ratio = contrast(brand.dark, brand.light)
    if ratio < CONTRAST:
        raise Refused("brand.contrast", tenths=int(ratio * 10), needed=int(CONTRAST * 10))
    rate = read_rate(branded(text, brand), text, count=_TRIAL_FRAMES, seed=_TRIAL_SEED)
    if rate < RATE:
        raise Refused("brand.unread", percent=int(rate * 100), needed=int(RATE * 100))
    return rate


def png(text: str, brand: Brand) -> bytes:
    """The picture as a PNG file, once it was found to be readable. Raises as `check`."""
    check(brand, text)
    return drawn(text, brand)


def drawn(text: str, brand: Brand) -> bytes:
    """The picture as a PNG file in a brand that was found readable before; plain where it cannot be drawn."""
    try:
        _, data = cv2.imencode(".png", branded(text, brand))
    except Refused:
        _, data = cv2.imencode(".png", branded(text, Brand()))
    return data.tobytes()


def _logo(data: bytes) -> Colour:
    try:
        found = (
            None if len(data) > MOST_LOGO_BYTES else cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        )
    except cv2.error:
        found = None
    if found is None or found.dtype != np.uint8 or min(found.shape[:2]) < 16:
        raise Refused("brand.logo")
    return np.asarray(found, np.uint8)


def _lay(picture: Colour, logo: Colour, light: Colour) -> None:
    """Put the logo in the middle, in its proportions, on a square of the light colour."""
    start, side = (MODULES - LOGO_MODULES) // 2 * _PX, LOGO_MODULES * _PX
    picture[start : start + side, start : start + side] = light
    room = side - 2 * _PX
    scale = room / max(logo.shape[:2])
    height, width = (max(1, round(size * scale)) for size in logo.shape[:2])
    small = cv2.resize(logo, (width, height), interpolation=cv2.INTER_AREA)
    if small.ndim == 2:
        small = cv2.cvtColor(small, cv2.COLOR_GRAY2BGR)
    top, left = start + (side - height) // 2, start + (side - width) // 2
    under = picture[top : top + height, left : left + width].astype(np.float32)
    alpha = small[..., 3:].astype(np.float32) / 255 if small.shape[2] == 4 else np.float32(1.0)
    laid = small[..., :3].astype(np.float32) * alpha + under * (1 - alpha)
    picture[top : top + height, left : left + width] = np.clip(laid, 0, 255).astype(np.uint8)


def _bgr(colour: str) -> tuple[int, int, int]:
    digits = colour.removeprefix("#")
    if len(colour) != 7 or len(digits) != 6 or digits.strip("0123456789abcdefABCDEF"):
        raise Refused("brand.colour")
    red, green, blue = bytes.fromhex(digits)
    return blue, green, red


def _luminance(colour: str) -> float:
    """WCAG 2's relative luminance."""
    parts = [value / 255 for value in _bgr(colour)]
    blue, green, red = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
