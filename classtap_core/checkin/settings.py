"""What a studio sets about its kiosks and its passes (policies `kiosk` and `passes`), read kindly: nonsense is the default."""

import base64
import binascii

import msgspec

from classtap_core.booking.policies import Values
from classtap_core.checkin.attempts import OFFLINE_OVERRIDES
from classtap_core.passes.brand import Brand

KIOSK_POLICY, PASS_POLICY = "kiosk", "passes"
MOST_OVERRIDES = 20
SCAN_DAYS = (14, 400)
STALE_H = (1, 336)
LIFE_DAYS = (7, 3_650)
GRACE_H = (0, 720)


class KioskSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Attributes: `decoders`: the ways to read a code that are used, () for all. `overrides`: how many a kiosk may let in
    by PIN between two contacts, 0 for none. `mark_on_scan`: whether a scan marks everybody present (ruling 6).
    `scan_days`: for how many days desks keep scans to count; a kiosk's ledger is `ledger.DAYS` long whatever is set.
    `stale_h`: after so many hours without the cloud a kiosk asks staff before it goes on with its rosters. `offline`:
    whether families check in at a kiosk without the cloud before that; else it asks staff at once."""

    decoders: tuple[str, ...] = ()
    overrides: int = OFFLINE_OVERRIDES
    mark_on_scan: bool = False
    scan_days: int = 30
    stale_h: int = 24
    offline: bool = True

    def values(self) -> dict[str, str | int]:
        """As the policy keeps them."""
        return {
            "decoders": ",".join(self.decoders), "overrides": self.overrides, "mark_on_scan": int(self.mark_on_scan),
            "scan_days": self.scan_days, "stale_h": self.stale_h,
            "offline": int(self.offline),
        }  # fmt: skip


class PassSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Attributes: `life_days`: how long an epoch of a pass is good. `grace_h`: how long the one before a scheduled
    change stays good, in hours. `brand`: colours and logo of its picture."""

    life_days: int = 365
    grace_h: int = 24
    brand: Brand = Brand()

    def values(self) -> dict[str, str | int]:
        """As the policy keeps them."""
        logo = base64.b64encode(self.brand.logo).decode("ascii")
        return {
            "life_days": self.life_days, "grace_h": self.grace_h, "dark": self.brand.dark, "light": self.brand.light,
            "logo": logo,
        }  # fmt: skip


def kiosk_settings(values: Values) -> KioskSettings:
    """The settings in a published `kiosk` policy."""
    names = (name.strip() for name in str(values.get("decoders", "")).split(","))
    return KioskSettings(
        decoders=tuple(name for name in names if name),
        overrides=_within(values, "overrides", OFFLINE_OVERRIDES, (0, MOST_OVERRIDES)),
        mark_on_scan=values.get("mark_on_scan") == 1,
        scan_days=_within(values, "scan_days", KioskSettings().scan_days, SCAN_DAYS),
        stale_h=_within(values, "stale_h", KioskSettings().stale_h, STALE_H),
        offline=values.get("offline", 1) != 0,
    )


def pass_settings(values: Values) -> PassSettings:
    """The settings in a published `passes` policy."""
    usual = PassSettings()
    try:
        logo = base64.b64decode(str(values.get("logo", "")), validate=True)
    except (binascii.Error, ValueError):
        logo = b""
    return PassSettings(
        life_days=_within(values, "life_days", usual.life_days, LIFE_DAYS),
        grace_h=_within(values, "grace_h", usual.grace_h, GRACE_H),
        brand=Brand(
            dark=str(values.get("dark", usual.brand.dark)), light=str(values.get("light", usual.brand.light)), logo=logo
        ),
    )  # fmt: skip


def _within(values: Values, name: str, usual: int, bounds: tuple[int, int]) -> int:
    said = values.get(name, usual)
    return min(max(said, bounds[0]), bounds[1]) if isinstance(said, int) else usual
