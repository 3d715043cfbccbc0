"""A studio's colours and logo, as they are kept; `branding` draws and tries them."""

import msgspec


class Brand(msgspec.Struct, frozen=True, kw_only=True):
    """Two colours as #rrggbb, the dark one for modules, and a logo as the bytes of a PNG or JPEG (empty: none)."""

    dark: str = "#000000"
    light: str = "#ffffff"
    logo: bytes = b""

    @property
    def plain(self) -> bool:
        """Black on white without a logo."""
        return self == Brand()
