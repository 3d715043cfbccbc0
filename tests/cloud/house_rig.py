"""A studio of the real rooms, founded and served: for tests that speak to it as devices do."""

import httpx

from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from cloud.serve import CloudServer
from cloud.storage.directory import StudioEntry
from tests.cloud.rig import Device
from tests.unit.house import world


class House:
    """A studio of the real rooms, served."""

    def __init__(self, server: CloudServer, clock: ManualClock, client: httpx.Client) -> None:
        self.server, self.clock, self.client = server, clock, client
        self.studios = server.cloud.studios
        self.studio: StudioEntry = self.studios.found(
            "Small Steps", id=world.STUDIO, owner=world.OWNER, owner_name="Olga Owner"
        )
        drafts = [CloudDraft(payload, author, "test") for author, payload in world.FOUNDING[1:]]
        for ledger in self.studios.authority(world.STUDIO).author_all(self.studio.cloud_device, drafts):
            assert ledger.link.outcome.stands, (ledger.link.kind, ledger.link.outcome)

    def join(self, role: str, location: Id = world.MAIN) -> Device:
        code = self.studios.pairing_code(world.STUDIO, role=role, location=location, name=role)
        device = Device(self.client, self.clock)
        assert device.pair(code.code).status_code == 200
        return device

    def say(self, payload: object) -> Status:
        draft = CloudDraft(payload, world.staff(world.OWNER), "test")  # type: ignore[arg-type]
        (ledger,) = self.studios.authority(world.STUDIO).author_all(self.studio.cloud_device, [draft])
        return ledger.link.outcome.status
