"""The texts of passes, as those who may have them ask: a desk, a family's page, an API user. Plain functions on a cloud."""

from collections.abc import Sequence
from typing import NamedTuple

from classtap_core.booking.policies import read_policy
from classtap_core.checkin.attendees import AttendeePass, attendee_pass_id
from classtap_core.checkin.settings import PASS_POLICY, pass_settings
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import decode
from classtap_core.passes import picture
from classtap_core.passes.brand import Brand
from classtap_core.passes.records import Pass, pass_id
from cloud.passkeys import ROLLING_GRAIN_S, RollingText
from cloud.storage.directory import StudioEntry
from cloud.studios import Studios
from sync.cards import PassTexts
from sync.protocol import AttendeeText, PassJws, PassText


class FamilyPass(NamedTuple):
    """What a family's page and messages need to know of its pass.

    Attributes:
        text: of the printed pass. rolling: what the page shows. refresh_s: how soon to ask again while online.
    """

    held: Pass
    text: str
    rolling: RollingText
    refresh_s: int


def studio_numbered(studios: Studios, number: str) -> StudioEntry:
    """The studio with a number inside passes (16 hex digits). Raises Refused `cloud.no_studio`."""
    with studios.books.database.read() as connection:
        found = studios.directory.studio_numbered(connection, number)
    if found is None:
        raise Refused("cloud.no_studio")
    return found


def held_pass(studios: Studios, studio: Id, family: Id) -> Pass:
    """A family's pass as it stands. Raises Refused `pass.unknown`, `pass.revoked`."""
    id = pass_id(studio, family)
    row = studios.storage(studio).rows(Pass, [id]).get(id)
    if row is None:
        raise Refused("pass.unknown")
    held: Pass = decode(Pass, row.body)
    if held.revoked_at_ms is not None:
        raise Refused("pass.revoked")
    return held


def text_of(studios: Studios, studio: Id, family: Id) -> PassText:
    """The text of a family's printed pass, the same each time. Raises as `held_pass`."""
    return studios.pass_of(studio, family)


def texts_of(studios: Studios, studio: Id, families: Sequence[Id]) -> PassTexts:
    """The texts of many families' printed passes; who has none, or one that was revoked, is left out.

    Raises Refused `pass.no_key`.
    """
    rows = studios.storage(studio).rows(Pass, [pass_id(studio, family) for family in families])
    found: dict[Id, Pass] = {held.family: held for held in (decode(Pass, row.body) for row in rows.values())}
    good = [found[one] for one in families if one in found and found[one].revoked_at_ms is None]
    now_s = studios.clock.now().corrected // 1000
    texts = studios.pass_keys.issue_all(studios.studio(studio), good, now_s=now_s) if good else []
    return PassTexts(
        passes=tuple(
            PassText(family=held.family, text=text, expires=held.expires_s)
            for held, text in zip(good, texts, strict=True)
        )
    )  # fmt: skip


def picture_of(studios: Studios, studio: Id, text: str, *, scale: int = 8) -> bytes:
    """A pass as a PNG, in the studio's colours and with its logo where it has set them; `scale` pixels a module else."""
    brand = brand_of(studios, studio)
    if brand.plain:
        return picture.png(text, scale=scale)
    from classtap_core.passes import branding  # OpenCV, for those who have a brand

    return branding.drawn(text, brand)


def brand_of(studios: Studios, studio: Id) -> Brand:
    """The colours and the logo a studio has published for its passes."""
    return pass_settings(read_policy(studios.storage(studio), studio, PASS_POLICY)[1]).brand


def jws_of(studios: Studios, studio: Id, family: Id) -> PassJws:
    """The same claims as a JWS. Raises as `held_pass`."""
    held = held_pass(studios, studio, family)
    jws = studios.pass_keys.jws(studios.studio(studio), held, now_s=studios.clock.now().corrected // 1000)
    return PassJws(family=family, jws=jws, expires=held.expires_s)


def family_pass(studios: Studios, studio: Id, family: Id) -> FamilyPass:
    """A family's pass in both tiers, freshly signed. Raises as `held_pass`, Refused `pass.no_key`, `pass.ended`."""
    held = held_pass(studios, studio, family)
    entry, now_s = studios.studio(studio), studios.clock.now().corrected // 1000
    keys = studios.pass_keys
    return FamilyPass(
        held, keys.issue(entry, held, now_s=now_s), keys.rolling(entry, held, now_s=now_s), ROLLING_GRAIN_S
    )  # fmt: skip


def attendee_pass(studios: Studios, studio: Id, session: Id, child: Id) -> AttendeeText:
    """A child's pass to a session. Raises Refused `pass.unknown`, `pass.revoked`, `pass.no_key`."""
    id = attendee_pass_id(studio, session, child)
    row = studios.storage(studio).rows(AttendeePass, [id]).get(id)
    if row is None:
        raise Refused("pass.unknown")
    held: AttendeePass = decode(AttendeePass, row.body)
    if any(word.epoch >= held.epoch for word in held.revoked):
        raise Refused("pass.revoked")
    text = studios.pass_keys.attend(studios.studio(studio), held, now_s=studios.clock.now().corrected // 1000)
    return AttendeeText(session=session, child=child, text=text, expires=held.expires_s)
