"""The messages between devices and the cloud, once, for both ends. JSON bodies, gzip as Content-Encoding.

| call | for |
|---|---|
| `POST /sync/v1/pair` | a one-time code becomes a device with a token |
| `POST /sync/v1/token` | a device asks for its next token |
| `POST /sync/v1/push` | a signed batch of operations; the answer carries a first page of a pull |
| `POST /sync/v1/decide` | a push of one operation, whose outcome is the status |
| `GET /sync/v1/pull?cursor=&scope=…&holding=&digest=` | rows that changed since a cursor |
| `GET /sync/v1/snapshot/{scope}?after=&limit=&leaf=` | all rows of a scope, or of one leaf of it, in resumable pages |
| `GET /sync/v1/digest/{scope}` | the sums of a scope's leaves, to find what differs |
| `POST /sync/v1/report` | how a device says it is |
| `GET /sync/v1/devices` | a desk asks how the studio's devices are |
| `POST /sync/v1/blob/{hash}` `PUT …?start=` `GET …` `GET …?start=&end=` | offer a blob, send a range of it, ask about it, fetch a range |
| `POST /sync/v1/purged` | a device says that it is about to destroy its store as ordered, or that it has |
| `GET /sync/v1/keys` | the signed bundle of pass keys |
| `GET /sync/v1/pass/{family}` | a desk asks for the text of a family's pass, to print or show it; with `form=jws` for its claims as a JWS |
| `GET /sync/v1/attendee/{session}/{child}` | a desk asks for the text of a child's pass to a session |
| `POST /sync/v1/audit` | a desk asks for a page of the studio's log, as a member of staff may see it |
| `GET /sync/v1/live` | server-sent events: a hint that there is something to pull |

Every call but `pair` carries `Authorization: Bearer <device token>`. Errors are RFC 9457 problem details with a
stable `code`.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from classtap_core.kernel.batches import Batch, Received
from classtap_core.kernel.blobs import Spans
from classtap_core.kernel.canonical import LIMIT, sha256
from classtap_core.kernel.clock import Moment
from classtap_core.kernel.device_store import Answer, Pulled
from classtap_core.kernel.digests import Digest
from classtap_core.kernel.errors import BadInput, Param
from classtap_core.kernel.ids import Id

PREFIX = "/sync/v1"
MOST_OPERATIONS = 500
"""Operations in one push; a push is one transaction in the cloud."""
MOST_BYTES = 4 * 1024 * 1024
"""Bytes of one request body, unpacked."""
HEARTBEAT_S = 2.0
"""Seconds between two signs of life on a live connection where nothing happens."""
PAGE = 2_000
"""Rows in one page of a pull or a snapshot."""
BEHIND = "~"
"""Stands in `after` between the cursor of a page that was cut and the last row that came of it."""

Count = Annotated[int, msgspec.Meta(ge=0, lt=LIMIT)]
Shift = Annotated[int, msgspec.Meta(gt=-LIMIT, lt=LIMIT)]
"""Milliseconds that one clock is ahead of another."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Ask to become a device: the one-time code shown at the desk, and the device's own public key (Ed25519, hex)."""

    code: str
    public_key: str
    name: Annotated[str, msgspec.Meta(max_length=100)]
    program: Annotated[str, msgspec.Meta(max_length=100)]


class Paired(msgspec.Struct, frozen=True, kw_only=True):
    """A device's papers.

    Attributes:
        token: sent with every call. root: the public key (hex) that signs pass key bundles, pinned from now on.
        role: what the device may do and hold. scopes: patterns it may subscribe to, most urgent first.
        pass_studio: the studio's number inside passes, as 16 hex digits. pepper: what staff PINs are keyed with, hex.
    """

    studio: Id
    studio_name: str
    device: Id
    epoch: int
    token: str
    role: str
    location: Id
    scopes: tuple[str, ...]
    root: str
    pass_studio: str
    environment: str
    pepper: str
    cloud_ms: int


class Renewed(msgspec.Struct, frozen=True, kw_only=True):
    """A device's next token. The one it has works until this one was used."""

    token: str
    cloud_ms: int


class WireOperation(msgspec.Struct, frozen=True):
    """One operation on the wire: the envelope's bytes as text, never re-encoded, and its payload's parts beside it."""

    envelope: str
    parts: dict[str, str]


class Push(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run of a device's operations, signed over the last one's hash; `scopes` and `cursor` ask for a pull with it.

    `holding` is `named` what the device believes it may hold. `behind`: others of this device, which come before it,
    are still on their way.
    """

    studio: Id
    device: Id
    epoch: int
    items: tuple[WireOperation, ...]
    signature: str
    cursor: str = ""
    scopes: tuple[str, ...] = ()
    holding: str = ""
    behind: bool = False


class WireRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row as it stands now; no body where it was deleted or left what the device holds."""

    kind: str
    id: Id
    scope: str
    body: msgspec.Raw = msgspec.Raw(b"null")


class Page(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Rows that changed; `through` is the studio sequence they show, `cursor` what to send next, `more` when to ask at once.

    Only a page without `more` brings the device up to `through`.
    `resnapshot` names scopes to fetch anew; `allowed` is there when the device asked for more than it may hold, or
    believes in another list than the cloud's: what it may hold from now on. Rows and keys of anything else must go.
    `digests` are those of the scopes asked for, exactly at `through`.
    """

    rows: tuple[WireRow, ...] = ()
    through: int
    cursor: str
    more: bool = False
    resnapshot: tuple[str, ...] = ()
    cloud_ms: int = 0
    allowed: tuple[str, ...] | None = None
    digests: dict[str, Digest] | None = None


class Pushed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The cloud's word on a batch. `acked` is how far it has this epoch of this device's log; `takes` what it understands."""

    answers: tuple[Answer, ...]
    acked: int
    epoch: int = 0
    cloud_ms: int
    takes: dict[str, int] = {}
    page: Page | None = None


class SnapshotPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page of all rows of a scope. `next` asks for the following one; the first page's `through` starts the pull.

    The rows stand last, so that a page that was cut is good for the rows that came whole (`sync.client.arriving.what_came`).
    """

    through: int
    cursor: str
    next: str = ""
    cloud_ms: int = 0
    total: int = 0
    rows: tuple[WireRow, ...]


class Leaves(msgspec.Struct, frozen=True, kw_only=True):
    """The sums (16 hex digits) of a scope's leaves that have rows: the last two hex digits of an id → sum."""

    leaves: dict[str, str]
    through: int
    cloud_ms: int = 0


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a device says it is. Numbers and codes, nobody's data.

    Attributes:
        program, version: what runs. protection: how the store's key is kept.
        pending: own operations not acknowledged; oldest_ms: when the first of them was made. quarantined: set aside by
        the cloud and not said again. store_bytes, free_bytes: of the store, and of its disk.
        offset_ms, uncertainty_ms: what is known of its clock. trouble: a code.
        keys_version, keys_ms, keys_end_ms: the pass keys it holds: of which version, as of when, and when the last good one
        ends; 0 and None before the first.
    """

    program: str
    version: str
    protection: str = ""
    pending: Count = 0
    oldest_ms: Moment | None = None
    quarantined: Count = 0
    store_bytes: Count = 0
    free_bytes: Count = 0
    offset_ms: Shift = 0
    uncertainty_ms: Count | None = None
    trouble: str = ""
    keys_version: Count = 0
    keys_ms: Moment | None = None
    keys_end_ms: Moment | None = None


class DeviceStanding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one of the studio's devices stands, as the cloud knows it. `purge` is `ordered` or `done`; `contested` counts
    what it said that is kept and not believed."""

    device: Id
    name: str
    role: str
    location: Id
    epoch: int
    acked: int
    seen_ms: int | None = None
    revoked_ms: int | None = None
    contested: int = 0
    purge: str = ""
    report: Report | None = None


class Devices(msgspec.Struct, frozen=True, kw_only=True):
    """All devices of a studio."""

    devices: tuple[DeviceStanding, ...]


class BlobStanding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far the cloud has a blob: whole, or the ranges that are missing, each sent as it is named."""

    whole: bool
    missing: Spans = ()


class Purged(msgspec.Struct, frozen=True, kw_only=True):
    """A device's word on an order to destroy its store: `done`, or about to. `unsent` is what goes with it."""

    order: Id
    done: bool
    unsent: Count = 0


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """Something changed up to `through`; pull when convenient."""

    through: int


class PassText(msgspec.Struct, frozen=True, kw_only=True):
    """A family's pass as its QR code says it. `expires` is Unix seconds."""

    family: Id
    text: str
    expires: int


class PassJws(msgspec.Struct, frozen=True, kw_only=True):
    """A family's pass as a JWS. `expires` is Unix seconds."""

    family: Id
    jws: str
    expires: int


class AttendeeText(msgspec.Struct, frozen=True, kw_only=True):
    """A child's pass to a session as its QR code says it. `expires` is Unix seconds."""

    session: Id
    child: Id
    text: str
    expires: int


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457, with a stable code and its parameters."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    params: dict[str, Param] = {}


class Decided(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The cloud's word on one operation, for a caller that waited for it."""

    answer: Answer
    cloud_ms: int


class Refusal(Problem, frozen=True, kw_only=True, omit_defaults=True):
    """The same where it was refused: a problem, with the whole answer as its extension."""

    answer: Answer


def encode(message: msgspec.Struct) -> bytes:
    """What is said again is the same bytes, whether it was made just now or read from where it was kept: keys in order."""
    return msgspec.json.encode(message, order="deterministic")


def decode(shape: Any, data: bytes) -> Any:
    """A message of the given shape. Raises BadInput `sync.malformed` with where it went wrong."""
    try:
        return msgspec.json.decode(data, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("sync.malformed", where=str(error)[:200]) from error


def wire_operation(data: bytes, parts: dict[str, bytes]) -> WireOperation:
    return WireOperation(data.decode(), {subject: part.decode() for subject, part in parts.items()})


def batch_of(push: Push) -> Batch:
    """The batch in a push. Raises BadInput when it is too long or its signature is no hex."""
    if len(push.items) > MOST_OPERATIONS:
        raise BadInput("sync.too_many", most=MOST_OPERATIONS)
    try:
        signature = bytes.fromhex(push.signature)
    except ValueError as error:
        raise BadInput("sync.malformed", where="signature") from error
    items = tuple(
        Received(item.envelope.encode(), {subject: part.encode() for subject, part in item.parts.items()})
        for item in push.items
    )
    return Batch(push.studio, push.device, push.epoch, items, signature)


def named(scopes: Sequence[str]) -> str:
    """A list of scope patterns in 16 hex digits, so that both ends can tell whether they mean the same."""
    return sha256(b"CTS1", "\n".join(scopes).encode())[:16]


def wire_row(row: Pulled) -> WireRow:
    return WireRow(row.kind, row.id, row.scope, msgspec.Raw(row.body if row.body is not None else b"null"))


def pulled(rows: Sequence[WireRow]) -> list[Pulled]:
    return [Pulled(row.kind, row.id, row.scope, None if (body := bytes(row.body)) == b"null" else body) for row in rows]
