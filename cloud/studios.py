"""Studios and their devices: founding, pairing by a one-time code, listing, revoking."""

import secrets
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from classtap_core.access.blueprints import CLOUD
from classtap_core.access.inviting import MINUTES, Invitation
from classtap_core.access.operations import DescribeDevice, RegisterDevice, RevokeDevice
from classtap_core.access.records import Device
from classtap_core.access.rules import scopes_but, withheld_of
from classtap_core.kernel.authority import Authority, Ledger
from classtap_core.kernel.bus import Bus
from classtap_core.kernel.clock import Clock
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.erasure import erased_by
from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import Entropy, Id, fresh
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.records import decode as read_record
from classtap_core.kernel.tx import Change
from classtap_core.passes.records import Pass, pass_id
from classtap_core.schedule.operations import FoundStudio
from cloud.passkeys import PassKeys
from cloud.storage.backend import Books, SqlCloud
from cloud.storage.database import Connection
from cloud.storage.directory import CodeEntry, DeviceEntry, Directory, StudioEntry, hashed
from cloud.storage.jobs import Jobs
from cloud.watch import Watch
from sync.pairing import code_hash, new_code
from sync.protocol import Pair, Paired, PassText, Renewed
from sync.signed import is_signed

ScopesOf = Callable[[str, Id], tuple[str, ...]]
"""The scope patterns of a role at a location, most urgent first."""


class PairingCode(NamedTuple):
    """What is shown at the desk. `expires` is milliseconds since the Unix epoch."""

    code: str
    url: str
    expires: int


class Studios:
    """Every studio of one cloud, and the authority over each.

    Attributes:
        url: where devices reach this cloud; shown with a pairing code.
        forget_files: told, after the commit, of whom an operation erased. list_erased: asked once a day to see that all
            whom a studio erased are on the list beside the database.
    """

    def __init__(
        self, books: Books, bus: Bus, clock: Clock, entropy: Entropy, *, watch: Watch, scopes_of: ScopesOf
    ) -> None:
        self.books, self.bus, self.clock, self.entropy = books, bus, clock, entropy
        self.watch, self._scopes_of = watch, scopes_of
        self.directory = Directory(books.database, books.tables)
        self.pass_keys = PassKeys(books)
        self.jobs = Jobs(books.database, books.tables)
        self.url = ""
        self.forget_files: Callable[[Id, Sequence[Id]], object] = lambda studio, people: None
        self.list_erased: Callable[[Id], object] = lambda studio: None

    def found(
        self, name: str, *, id: Id | None = None, environment: str = "live", owner: Id | None = None,
        owner_name: str = "", pass_studio: str = "", cloud_device: Id | None = None, pepper: bytes = b"",
    ) -> StudioEntry:  # fmt: skip
        """Found a studio with its own device, root key and first pass key; with an owner, its first operation too.

        `environment` is `live` or `test`: a test studio's passes open nothing in a live one. What is not given is
        made: `pass_studio` (16 hex digits), `cloud_device`, and the `pepper` of staff PINs (32 bytes).
        """
        now = self.clock.now().corrected
        entry = StudioEntry(
            id=id or fresh(now, self.entropy), name=name, environment=environment,
            pass_studio=pass_studio or self.entropy(8).hex(),
            cloud_device=cloud_device or fresh(now, self.entropy), founded_ms=now,
        )  # fmt: skip
        key = secrets.token_bytes(32)
        public = Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()
        device = DeviceEntry(
            entry.id, entry.cloud_device, "cloud", "cloud", "cloud", Id(""), (), public, 1, 0, 0, now, None
        )
        with self.books.database.write(entry.id) as connection:
            self.directory.add_studio(connection, entry)
            self.directory.add_device(connection, device)
            wrapped = self.books.secret.wrap(key, _device_key(entry.id))
            self.directory.put_secret(connection, entry.id, "cloud_device", wrapped)
            wrapped = self.books.secret.wrap(pepper or secrets.token_bytes(32), _pin_pepper(entry.id))
            self.directory.put_secret(connection, entry.id, "pin_pepper", wrapped)
            self.pass_keys.start(connection, entry, now_s=now // 1000)
            self.jobs.add(connection, entry.id, now_ms=now)
        if owner is not None:
            first = FoundStudio(
                name=name, pass_number=entry.pass_studio, owner=owner, owner_name=owner_name, environment=environment
            )
            self.author(entry.id, first, source="founding")
        return entry

    def all(self) -> list[StudioEntry]:
        with self.books.database.read() as connection:
            return self.directory.studios(connection)

    def check_database(self) -> None:
        """Raises EnvironmentFault where the database does not answer; costs the same however many studios there are."""
        with self.books.database.read() as connection:
            self.directory.answers(connection)

    def studio(self, id: Id) -> StudioEntry:
        """Raises Refused `cloud.no_studio`."""
        with self.books.database.read() as connection:
            found = self.directory.studio(connection, id)
        if found is None:
            raise Refused("cloud.no_studio")
        return found

    def storage(self, studio: Id, *, rehearsing: bool = False) -> SqlCloud:
        """The studio's storage for one piece of work on this thread."""
        return SqlCloud(
            self.books, studio, announce=self.watch.announce, watch=self._watch, sign=self.signer(studio),
            rehearsing=rehearsing,
        )  # fmt: skip

    def authority(self, studio: Id, *, rehearsing: bool = False) -> Authority:
        """The studio's authority for one piece of work on this thread."""
        backend = self.storage(studio, rehearsing=rehearsing)
        return Authority(backend, self.bus, self.clock, self.entropy, is_signed)

    def author(self, studio: Id, payload: Payload, *, source: str, id: Id | None = None) -> Ledger:
        """Author an operation as the studio's own device, by its clock."""
        device = self.studio(studio).cloud_device
        return self.authority(studio).author(device, payload, Author(type="clock", id=studio), source=source, id=id)

    def _watch(self, connection: Connection, studio: Id, changes: Sequence[Change]) -> Callable[[], None] | None:
        """In the same commit: shut out whom an operation revoked, take the code of whom one invited; let go, behind
        it, of files of whom it erased."""
        gone = []
        erased = erased_by(changes)
        for change in changes:
            if change.kind == Invitation.KIND and change.body is not None:
                asked: Invitation = read_record(Invitation, change.body)
                held = self._scopes_of(asked.role, Id(asked.location))
                self._give(
                    connection,
                    CodeEntry(
                        asked.code, studio, asked.role, Id(asked.location), asked.name, held, asked.expires_ms, None,
                        None,
                    ),
                )  # fmt: skip
            if change.kind == Device.KIND and change.body is not None:
                device: Device = read_record(Device, change.body)
                if device.revoked_at_ms is not None:
                    now = self.clock.now().corrected
                    if device.purge_order is not None:
                        self.directory.order_purge(connection, studio, device.id, order=device.purge_order)
                    if self.directory.revoke(connection, studio, device.id, at_ms=now):
                        gone.append(device.id)

        def close() -> None:
            for id in gone:
                self.watch.drop(studio, id)
            if erased:
                self.forget_files(studio, erased)

        return close if gone or erased else None

    def signer(self, studio: Id) -> Callable[[bytes], bytes]:
        """What signs as the studio's own device."""

        def sign(statement: bytes) -> bytes:
            with self.books.database.read(studio) as connection:
                wrapped = self.directory.secret(connection, studio, "cloud_device")
            if wrapped is None:
                raise Refused("cloud.no_studio")
            key = self.books.secret.unwrap(wrapped, _device_key(studio))
            return Ed25519PrivateKey.from_private_bytes(key).sign(statement)

        return sign

    def pairing_code(
        self, studio: Id, *, role: str, location: Id, name: str, scopes: tuple[str, ...] | None = None
    ) -> PairingCode:
        """A code with which one device may pair within ten minutes. `scopes`: in place of the role's own."""
        self.studio(studio)
        code = new_code()
        now = self.clock.now().corrected
        held = self._scopes_of(role, location) if scopes is None else scopes
        entry = CodeEntry(code_hash(code), studio, role, location, name, held, now + MINUTES * 60_000, None, None)
        with self.books.database.write() as connection:
            self._give(connection, entry)
        return PairingCode(code, self.url, entry.expires_ms)

    def _give(self, connection: Connection, entry: CodeEntry) -> None:
        self.directory.forget_codes(connection, before_ms=self.clock.now().corrected - 24 * 3_600_000)
        if self.directory.code(connection, entry.hash) is None:
            self.directory.add_code(connection, entry)

    def pair(self, asked: Pair) -> Paired:
        """Turn a code into a device with a token.

        A device whose answer was lost may ask again with the same code and key, and gets a new token in place of the one
        that it never used: still one device.
        Raises Refused `pair.code` (unknown, used or too old: one answer for all), BadInput `pair.key`.
        """
        public = _public_key(asked.public_key)
        hash = code_hash(asked.code)
        now = self.clock.now()
        token = secrets.token_urlsafe(32)
        with self.books.database.write() as connection:
            code = self.directory.code(connection, hash)
            if code is None or now.corrected >= code.expires_ms:
                raise Refused("pair.code")
            self.books.database.enter(connection, code.studio)
            if code.device is None:
                id = fresh(now.corrected, self.entropy)
                device = DeviceEntry(
                    code.studio, id, code.name or asked.name or code.role.title(), asked.program, code.role, code.location,
                    code.scopes, public, 1, 0, 0, now.corrected, None,
                )  # fmt: skip
                self.directory.add_device(connection, device)
                self.directory.use_code(connection, hash, device=id, public_key=asked.public_key)
            else:
                again = self.directory.device(connection, code.studio, code.device)
                if again is None or again.public_key != public or again.revoked_ms is not None:
                    raise Refused("pair.code")
                # Another device may have brought what it said before it spoke to us itself.
                if again.sequence or self.directory.has_spoken(connection, studio=code.studio, device=again.id):
                    raise Refused("pair.code")
                device = again
            self.directory.add_token(connection, hashed(token), studio=code.studio, device=device.id)
            studio = self.directory.studio(connection, code.studio)
            if studio is None:
                raise Refused("pair.code")
            root = self.pass_keys.root_public(connection, studio.id)
            pepper = self._pepper(connection, studio.id)
        self._register(device)
        return Paired(
            studio=studio.id, studio_name=studio.name, device=device.id, epoch=device.epoch, token=token,
            role=device.role, location=device.location, scopes=device.scopes, root=root.hex(),
            pass_studio=studio.pass_studio, environment=studio.environment, pepper=pepper.hex(),
            cloud_ms=now.wall,
        )  # fmt: skip

    def _pepper(self, connection: Connection, studio: Id) -> bytes:
        wrapped = self.directory.secret(connection, studio, "pin_pepper")
        if wrapped is None:
            raise Refused("cloud.no_studio")
        return self.books.secret.unwrap(wrapped, _pin_pepper(studio))

    def _register(self, device: DeviceEntry) -> None:
        """Write the device into the studio's own records, where its rights are judged; once."""
        if RegisterDevice.SPEC.name not in self.bus.registry.specs:
            return
        payload = RegisterDevice(
            device=device.id, name=device.name, role=device.role, location=device.location,
            public_key=device.public_key.hex(), withheld=self._withheld(device),
        )  # fmt: skip
        ledger = self.author(device.studio, payload, source="pairing")
        outcome = ledger.link.outcome
        if not outcome.stands and "device.exists" not in {reason.code for reason in outcome.reasons}:
            raise Refused("pair.register", why=outcome.reasons[0].code if outcome.reasons else outcome.status.value)

    def pass_of(self, studio: Id, family: Id) -> PassText:
        """The text of a family's pass, the same each time. Raises Refused `pass.unknown`, `pass.revoked`."""
        entry = self.studio(studio)
        id = pass_id(studio, family)
        row = self.storage(studio).rows(Pass, [id]).get(id) if Pass.KIND in self.bus.registry.records else None
        if row is None:
            raise Refused("pass.unknown")
        issued: Pass = read_record(Pass, row.body)
        if issued.revoked_at_ms is not None:
            raise Refused("pass.revoked")
        now_s = self.clock.now().corrected // 1000
        return PassText(family=family, text=self.pass_keys.issue(entry, issued, now_s=now_s), expires=issued.expires_s)

    def device_of(self, token: str) -> DeviceEntry:
        """The device that a token stands for, revoked or not. Raises Refused `auth.token`."""
        hash = hashed(token)
        with self.books.database.read() as connection:
            found = self.directory.device_of_token(connection, hash)
        if found is None:
            raise Refused("auth.token")
        device, first_use = found
        if first_use:
            with self.books.database.write(device.studio) as connection:
                self.directory.settle_token(connection, hash, studio=device.studio, device=device.id)
        return device

    def renew(self, device: DeviceEntry) -> Renewed:
        """A device's next token. The one it has goes on working until this one is used."""
        token = secrets.token_urlsafe(32)
        with self.books.database.write(device.studio) as connection:
            self.directory.add_next_token(connection, hashed(token), studio=device.studio, device=device.id)
        return Renewed(token=token, cloud_ms=self.clock.now().wall)

    def devices(self, studio: Id) -> list[DeviceEntry]:
        """The studio's devices, the cloud's own among them, in the order they were paired."""
        with self.books.database.read(studio) as connection:
            return self.directory.devices(connection, studio)

    def set_scopes(self, studio: Id, device: Id, scopes: tuple[str, ...]) -> None:
        """Change what a device may hold, from its next call on; it is told what it must let go.

        Raises Refused `device.unknown`.
        """
        with self.books.database.write(studio) as connection:
            if not self.directory.set_scopes(connection, studio, device, scopes):
                raise Refused("device.unknown")
        # A stream goes on with the scopes it began with; the device opens another.
        self.watch.drop(studio, device)
        self.describe(studio, device)

    def describe(self, studio: Id, only: Id | None = None) -> int:
        """See that the studio's own records say of its devices, or of one, what the directory has; how many did not.

        Looked at again after what was written: of two that do this at once, none leaves what has changed meanwhile.
        """
        if DescribeDevice.SPEC.name not in self.bus.registry.specs:
            return 0
        done = 0
        while words := self._to_describe(studio, only):
            for word in words:
                if not self.author(studio, word, source="directory").link.outcome.stands:
                    return done  # not taken for once: the next round tries again, and none goes round for ever
                done += 1
        return done

    def _to_describe(self, studio: Id, only: Id | None) -> list[DescribeDevice]:
        entries = {
            entry.id: entry for entry in self.devices(studio) if entry.role != CLOUD and only in (None, entry.id)
        }
        words = []
        for row in self.storage(studio).rows(Device, entries).values():
            said: Device = read_record(Device, row.body)
            key, withheld = entries[row.id].public_key.hex(), self._withheld(entries[row.id])
            if (said.public_key, said.withheld) != (key, withheld):
                words.append(DescribeDevice(device=row.id, public_key=key, withheld=withheld))
        return words

    def _withheld(self, device: DeviceEntry) -> tuple[str, ...]:
        return withheld_of(self._scopes_of(device.role, device.location), device.scopes)

    def withhold(self, studio: Id, device: DeviceEntry, prefixes: Collection[str]) -> tuple[str, ...]:
        """Let a device hold what its role may where it stands, but for scopes that begin so; what that comes to.

        Raises Refused `device.scope_unknown` for a beginning that none of its role's has.
        """
        patterns = self._scopes_of(device.role, device.location)
        unknown = sorted({*prefixes} - {pattern.partition("/")[0] for pattern in patterns})
        if unknown:
            raise Refused("device.scope_unknown", scope=unknown[0])
        held = scopes_but(patterns, prefixes)
        self.set_scopes(studio, device.id, held)
        return held

    def revoke(self, studio: Id, device: Id, *, reason: str = "", purge: bool = False) -> None:
        """Shut a device out, at once; with `purge` its store is to go when it is next heard of.

        Raises Refused `device.unknown`; revoking twice is fine.
        """
        with self.books.database.read(studio) as connection:
            if self.directory.device(connection, studio, device) is None:
                raise Refused("device.unknown")
        if RevokeDevice.SPEC.name in self.bus.registry.specs:
            self.author(studio, RevokeDevice(device=device, reason=reason, purge=purge), source="directory")
        with self.books.database.write(studio) as connection:
            self.directory.revoke(connection, studio, device, at_ms=self.clock.now().corrected)
        self.watch.drop(studio, device)


def _public_key(text: str) -> bytes:
    try:
        public = bytes.fromhex(text)
        Ed25519PublicKey.from_public_bytes(public)
    except ValueError as error:
        raise BadInput("pair.key") from error
    return public


def _device_key(studio: Id) -> str:
    return f"cloud_device/{studio}"


def _pin_pepper(studio: Id) -> str:
    return f"pin_pepper/{studio}"
