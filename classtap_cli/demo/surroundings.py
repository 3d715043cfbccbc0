"""The demonstration's surroundings: a cloud on loopback, its studio, a proxy with a switch, two paired devices."""

from collections.abc import Callable
from pathlib import Path
from typing import Self

from classtap_cli.demo.proxy import SwitchProxy
from classtap_cli.demo.studio import DemoFamily, Draft, Plan, make_studio
from classtap_cli.keeping import new_owner_key
from classtap_core import house
from classtap_core.access.blueprints import DESK, KIOSK, OWNER
from classtap_core.access.owner_key import SetOwnerKey
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.clock import Clock, SystemClock
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import ProgramFault
from cloud.composition import Cloud, open_cloud
from cloud.evidence import keep_sealed
from cloud.serve import CloudServer
from sync.client.node import Node

OWNER_KEY = "owner-key.txt"
"""The file of the owner's recovery key: a demonstration has nowhere else to put it away."""


class DemoHouse:
    """Everything a demonstration runs on, in one folder. A context manager; leaves no thread behind.

    Attributes:
        plan: the studio. cloud, server: the real cloud. proxy: the cable between it and the devices.
        kiosk, desk: the two devices, each over its own encrypted store.
    """

    def __init__(
        self, folder: Path, *, seed: int, families: int, clock: Callable[[], SystemClock] = SystemClock
    ) -> None:
        self.folder = folder
        self._clock = clock
        self.cloud: Cloud = open_cloud(folder, house.bus(authority=True), clock=clock())
        self.plan: Plan = make_studio(seed, families, self.cloud.clock.now().corrected)
        self.server = CloudServer(self.cloud).start()
        self.proxy = SwitchProxy(int(self.server.url.rsplit(":", 1)[1]))
        self.cloud.studios.url = self.proxy.url
        self.nodes: list[Node] = []

    def found(self) -> int:
        """Author the whole studio; how many operations that was. The owner's recovery key is left in OWNER_KEY."""
        plan, studios = self.plan, self.cloud.studios
        studios.found(
            plan.name, id=plan.studio, environment="test", pass_studio=plan.pass_number, cloud_device=plan.cloud,
            pepper=plan.pepper,
        )  # fmt: skip
        authority = studios.authority(plan.studio)
        count = 0
        key = new_owner_key(self.folder / OWNER_KEY)
        owner = next(person.staff for person in plan.staff if person.role == OWNER)
        seal = Draft(Author(type="staff", id=owner), SetOwnerKey(public=key.public.hex()))
        for file in plan.files:
            keep_sealed(self.cloud.blobs, plan.studio, file.offer, file.sealed, now_ms=self.cloud.clock.now().corrected)
        for chunk in (*plan.chunks(), [seal]):
            drafts = [CloudDraft(draft.payload, draft.author, "demo") for draft in chunk]
            for ledger in authority.author_all(plan.cloud, drafts):
                if not ledger.link.outcome.stands:
                    raise ProgramFault(f"the demo studio: {ledger.link.kind} was {ledger.link.outcome}")
                count += 1
        return count

    def pair(self, program: str) -> Node:
        """Pair a program by a one-time code, as the desk would show it."""
        code = self.cloud.studios.pairing_code(
            self.plan.studio, role={"kiosk": KIOSK, "desk": DESK}[program], location=self.plan.main,
            name={"kiosk": "Kiosk 1", "desk": "Front desk"}[program],
        )  # fmt: skip
        node = Node.pair(
            self.folder / program, url=self.proxy.url, code=code.code, name=program, program=program,
            clock=self._clock(), ring=None,
        )  # fmt: skip
        self.nodes.append(node)
        return node

    def pass_text(self, family: DemoFamily) -> str:
        """The text on a family's card."""
        return self.cloud.studios.pass_of(self.plan.studio, family.family).text

    @property
    def clock(self) -> Clock:
        return self.cloud.clock

    def let_go(self) -> None:
        """Close the devices, so that programs of their own can open the stores."""
        for node in self.nodes:
            node.close()
        self.nodes = []

    def close(self) -> None:
        """Close devices, proxy and cloud."""
        self.let_go()
        self.proxy.close()
        self.server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
