"""A whole studio on loopback, every part real: the demo's families, a served cloud, a switch, a kiosk and a desk."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest

from classtap_cli.demo.proxy import SwitchProxy
from classtap_cli.demo.studio import DemoFamily, Plan, make_studio
from classtap_core import house
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.clock import Clock, SystemClock
from cloud.composition import open_cloud
from cloud.serve import CloudServer
from sync.client.node import Node

ROOT = Path(__file__).resolve().parents[2]
ROLES = ("kiosk", "desk")


class Studio:
    """The demo's studio, running. Its folders: `data/cloud`, `data/kiosk`, `data/desk`; keys in files, no keyring.

    Attributes:
        plan: who and what there is. proxy: the network's switch, between the devices and the cloud.
        nodes: the open devices by role. A device in `nodes` owns its folder: `leave` it before another program opens it.
    """

    def __init__(
        self, data: Path, *, families: int = 20, seed: int = 1, environment: str = "test", clock: Clock | None = None
    ) -> None:
        """Found the studio and serve it; no device is paired yet. The week is laid around the clock's now."""
        self.data, self.clock = data, clock or SystemClock()
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.plan: Plan = make_studio(seed, families, self.clock.now().wall)
        self.cloud = open_cloud(data, house.bus(authority=True), clock=clock)
        plan, studios = self.plan, self.cloud.studios
        studios.found(
            plan.name, id=plan.studio, environment=environment, pass_studio=plan.pass_number,
            cloud_device=plan.cloud, pepper=plan.pepper,
        )  # fmt: skip
        authority = studios.authority(plan.studio)
        for chunk in plan.chunks():
            drafts = [CloudDraft(draft.payload, draft.author, "demo") for draft in chunk]
            for ledger in authority.author_all(plan.cloud, drafts):
                assert ledger.link.outcome.stands, (ledger.link.kind, ledger.link.outcome)
        self.server = CloudServer(self.cloud, heartbeat_s=2.0).start()
        self.proxy = SwitchProxy(int(self.server.url.rsplit(":", 1)[1]))
        self.nodes: dict[str, Node] = {}
        self._texts: dict[str, str] = {}

    @property
    def url(self) -> str:
        """Where the devices reach the cloud: through the switch."""
        return self.proxy.url

    def code(self, role: str, name: str = "") -> str:
        """A pairing code for one more device at the main location."""
        name = name or role.title()
        return self.cloud.studios.pairing_code(self.plan.studio, role=role, location=self.plan.main, name=name).code

    def pair(self, role: str, folder: Path | None = None) -> Node:
        """A new device, bootstrapped, its engine not started. Kept in `nodes` by role, unless it has a folder given."""
        node = Node.pair(
            folder or self.data / role, url=self.url, code=self.code(role), name=role, program=role,
            clock=self.clock if isinstance(self.clock, SystemClock) else SystemClock(), ring=None,
        )  # fmt: skip
        node.engine.once()
        if folder is None:
            self.nodes[role] = node
        return node

    def open(self, role: str) -> Node:
        """Open a device that was left."""
        self.nodes[role] = Node.open(self.data / role, program=role, clock=SystemClock(), ring=None)
        return self.nodes[role]

    def leave(self, *roles: str) -> None:
        """Close devices (all, when none are named), so that another process can own them."""
        for role in roles or tuple(self.nodes):
            self.nodes.pop(role).close()

    def due(self, position: int = 0) -> DemoFamily:
        """A family at the main location with bookings in the window now, by number."""
        plan = self.plan
        return [family for family in plan.families if family.due and family.home == plan.main][position]

    def pass_text(self, family: DemoFamily) -> str:
        """The text on a family's card; the one it had once it is switched off."""
        if family.family not in self._texts:
            self._texts[family.family] = self.cloud.studios.pass_of(self.plan.studio, family.family).text
        return self._texts[family.family]

    def close(self) -> None:
        self.leave()
        self.proxy.close()
        self.server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def running_studio(data: Path, **how: Any) -> Iterator[Studio]:
    """A studio with both devices paired and bootstrapped. `how`: as for Studio."""
    with Studio(data, **how) as studio:
        for role in ROLES:
            studio.pair(role)
        yield studio


def classtap(
    *arguments: str | Path, data: Path | None = None, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run the real command, without a keyring and offscreen; its output is decoded."""
    return subprocess.run(
        command(*arguments, data=data), capture_output=True, text=True, timeout=60, env=surroundings(**environment),
        cwd=ROOT, check=False,
    )  # fmt: skip


class Said(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The only line of JSON it printed."""
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


def inside(*arguments: str | Path, data: Path | None = None, typed: str = "") -> Said:
    """Run the command in this process: the same code from the arguments on, without the second that a start takes."""
    from classtap_cli.main import app

    out, err = io.StringIO(), io.StringIO()
    given = [str(argument) for argument in arguments] + (["--data", str(data)] if data else [])
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name, value in surroundings().items():
            patch.setenv(name, value)
        patch.setattr(sys, "stdin", io.StringIO(typed))
        try:
            app(given, prog_name="classtap")
        except SystemExit as end:
            return Said(int(end.code or 0), out.getvalue(), err.getvalue())
    raise AssertionError("a command ends by leaving")


def command(*arguments: str | Path, data: Path | None = None) -> list[str]:
    """The command line that runs `classtap` under this Python."""
    given = [str(argument) for argument in arguments]
    return [sys.executable, "-m", "classtap_cli", *given, *(["--data", str(data)] if data else [])]


def surroundings(**environment: str) -> dict[str, str]:
    """This process's environment as a command should see it: no keyring, no display, English."""
    mine = {"CLASSTAP_KEYRING": "off", "LC_ALL": "C.UTF-8", "QT_QPA_PLATFORM": "offscreen", "PYTHONUTF8": "1"}
    return {**os.environ, **mine, **environment}


def copied(studio: Studio, role: str, to: Path) -> Path:
    """A data folder with a copy of a left device's folder, for a test that changes or breaks it."""
    assert role not in studio.nodes, "leave the device first"
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copytree(studio.data / role, to / role)
    (to / role).chmod(0o700)
    return to
