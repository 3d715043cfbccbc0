"""Carries out what staff ask for behind their PIN: what there is to know and to decide, a child given back, signing out."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from classtap_core.kernel.errors import ClassTapError
from classtap_core.kernel.ids import Id
from classtap_core.store.backup import Made
from classtap_desktop.kit import theme
from classtap_desktop.kit.device_words import warning
from kiosk import commands as ask
from kiosk import events as on
from kiosk import pickup
from kiosk.alarms import emergencies
from kiosk.aside import Aside
from kiosk.changes import Changes
from kiosk.door import Door, PinCheck
from kiosk.pickup_door import PickupDoor
from kiosk.view import Notice
from sync.client.engine import State as SyncState
from sync.client.keeping import keeping_of
from sync.client.leaving import Allowed, Leaving
from sync.client.node import Node
from sync.client.relay.saying import hearing, relay_codes

log = logging.getLogger("classtap.kiosk")

T = TypeVar("T")


class StaffWork:
    """One kiosk's staff. `happen` takes the events it answers with; `keys_word` says what staff should know of the keys;
    `let_go` is called before the store is destroyed."""

    def __init__(
        self, node: Node, door: Door, aside: Aside, *, happen: Callable[[on.Event], None],
        keys_word: Callable[[], Notice | None], let_go: Callable[[], None],
    ) -> None:  # fmt: skip
        self._node, self._door, self._aside = node, door, aside
        self._happen, self._keys_word, self._let_go = happen, keys_word, let_go
        self._leaving, self._changes, self._pickup = Leaving(node), Changes(node), PickupDoor(node)
        self._staff = Id("")

    def commands(self) -> dict[type, Callable[[Any], None]]:
        """What carries out each command."""
        return {
            ask.CheckPin: self._check_pin,
            ask.CarryOut: self._carry_out,
            ask.CarryOutAll: lambda _: self._carry_out_all(),
            ask.WriteSummary: self._write_summary,
            ask.ReadStake: lambda _: self._read_stake(),
            ask.SaveSealed: self._save_sealed,
            ask.EndDevice: self._end_device,
            pickup.ReadHere: lambda _: self._back(self._pickup.here),
            pickup.LookUp: lambda asked: self._back(partial(self._pickup.look_up, asked.digits, self._staff)),
            pickup.ReadChild: lambda asked: self._back(
                partial(self._pickup.child, Id(asked.session), Id(asked.child), self._staff)
            ),
            pickup.HandTo: lambda asked: self._back(partial(self._pickup.hand, asked, self._staff)),
        }

    def seen(self) -> None:
        """Staff have read what was shown."""
        self._changes.seen()

    def read_stake(self) -> None:
        """What would be lost may be another by now."""
        self._read_stake()

    # --- the PIN, and what is behind it

    def _check_pin(self, command: ask.CheckPin) -> None:
        self._aside.do(partial(self._let_in, command.pin), self._checked)

    def _let_in(self, pin: str) -> on.Event:
        """Whether a PIN opens the page for staff, and what stands there. Reads the store."""
        check = self._door.check_pin(pin)
        if check.staff is None:
            return refused_pin(check, self._node.clock.now().corrected)
        self._staff = check.staff
        shown = self._changes.read(check.staff)
        about = self._about(short=bool(shown.changes))
        return on.PinAccepted(about, shown.changes, shown.open, self._node.oldest_pending_ms())

    def _checked(self, future: "Future[on.Event]") -> None:
        try:
            event = future.result()
        except ClassTapError as trouble:
            log.warning("a PIN could not be checked: %s", trouble.code)
            event = on.PinRefused("manager")
        self._happen(event)

    def _about(self, *, short: bool) -> tuple[Notice, ...]:
        """What staff should know of this device; `short` where there is something to decide."""
        words, keeping, bundle = theme().words, keeping_of(self._node), self._node.keys
        warned = warning(keeping, words)
        kept = Notice("kiosk.staff.sound") if warned is None else Notice(warned.code, warned.params, tone=warned.tone)
        how = Notice(f"desk.protection.{self._node.store.protection.value}")
        heard = "" if bundle is None else words.datetime(bundle.issued_at * 1000, self._node.zone())
        keys = Notice("kiosk.staff.keys", (("when", heard),)) if heard else None
        with self._node.reader() as reader:
            alarms = emergencies(reader, words)  # these first; there is no room for everything
        about = (*alarms, kept) if alarms or short else (kept, self._heard() or how, self._keys_word(), keys)
        return tuple(one for one in about if one is not None)

    def _heard(self) -> Notice | None:
        """Who hears whom in this network, while the cloud does not answer."""
        found = self._node.neighbourhood()
        if not found.on or self._node.engine.state in (SyncState.ONLINE, SyncState.SYNCING):
            return None
        *_, code = relay_codes(on=found.on, trouble=found.trouble, heard=len(found.neighbours))
        tone = "warn" if found.trouble else "info"
        return Notice(code, (("n", hearing(found)), ("code", found.trouble)), tone=tone)

    def _carry_out(self, command: ask.CarryOut) -> None:
        staff = self._staff

        def decide() -> on.Event:
            error = self._changes.choose(Id(command.operation), command.code, staff)
            shown = self._changes.read(staff)
            return on.Chosen(command.operation, shown.changes, error, shown.open)

        self._out(decide, lambda event: event)

    def _carry_out_all(self) -> None:
        staff = self._staff

        def decide() -> on.Event:
            lines = self._changes.choose_recommended(staff)
            shown = self._changes.read(staff)
            return on.ChosenAll(lines, shown.changes, shown.open)

        self._out(decide, lambda event: event)

    def _write_summary(self, command: ask.WriteSummary) -> None:
        file = Path(command.file)

        def write() -> on.Event:
            try:
                file.write_text("\n".join(command.lines) + "\n", encoding="utf-8")
            except OSError:
                return on.SummarySaid("kiosk.staff.not_written", (("name", file.name),))
            return on.SummarySaid("desk.choice.saved", (("name", file.name),), "muted")

        self._out(write, lambda event: event)

    # --- a child given back

    def _back(self, work: Callable[[], pickup.Event]) -> None:
        self._aside.do(work, self._gave)

    def _gave(self, future: "Future[pickup.Event]") -> None:
        try:
            event = future.result()
        except ClassTapError as trouble:
            log.warning("a child was not given back: %s", trouble.code)
            event = pickup.NotGiven("kiosk.pickup.failed")
        self._happen(event)

    # --- signing out

    def _read_stake(self) -> None:
        self._out(self._leaving.stake, lambda found: on.Stake(found.unsent, found.files, found.confirm))

    def _save_sealed(self, command: ask.SaveSealed) -> None:
        def save() -> Made:
            return self._leaving.save(Path(command.file))

        self._out(save, lambda made: on.LeaveSaid("desk.leave.saved", (("file", str(made.file)),), "muted"))

    def _end_device(self, command: ask.EndDevice) -> None:
        self._out(lambda: self._leaving.confirm(command.word, command.pin), self._begin_end)

    def _begin_end(self, allowed: Allowed) -> on.Event:
        """A manager said yes: let go of the store, tell the cloud, destroy."""
        self._let_go()

        def end() -> bool:
            revoked = self._leaving.revoke(allowed.author)
            self._leaving.destroy()
            return revoked

        self._out(end, on.SignedOut)
        return on.LeaveBegun()

    def _out(self, work: Callable[[], T], then: Callable[[T], on.Event]) -> None:
        """Do something that takes a while; what stands in the way is said."""

        def done(future: "Future[T]") -> None:
            try:
                event = then(future.result())
            except ClassTapError as trouble:
                event = _said(trouble)
            self._happen(event)

        self._aside.do(work, done)


def refused_pin(check: PinCheck, now_ms: int) -> on.PinRefused:
    """Why a PIN was not taken."""
    if check.lock.manager:
        return on.PinRefused("manager")
    if check.lock.until_ms is not None:
        return on.PinRefused("paused", max(1, -(-(check.lock.until_ms - now_ms) // 60_000)))
    return on.PinRefused("wrong", check.tries_left)


def _said(trouble: ClassTapError) -> on.Event:
    """Why a device was not signed out: about the PIN at the pad, everything else as a sentence."""
    match trouble.code, trouble.params:
        case "pin.wrong", {"left": int(left)}:
            return on.PinRefused("wrong", left)
        case "pin.paused", {"minutes": int(minutes)}:
            return on.PinRefused("paused", minutes)
        case "pin.manager", _:
            return on.PinRefused("manager")
    return on.LeaveSaid(f"error.{trouble.code}", tuple(trouble.params.items()))
