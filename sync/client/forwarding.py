"""What other devices of this place told goes to the cloud from here too: their own line may be cut, or they broken."""

import logging

from classtap_core.kernel.batches import Batch
from classtap_core.kernel.ids import Id
from sync.client.courier import Courier
from sync.client.local import Local
from sync.client.transport import Rejected
from sync.protocol import Push, wire_operation

log = logging.getLogger("classtap.sync")

FIRST_MS = 2_000
"""For so long what others told goes before own work; the rest of it goes after."""

_NEVER = frozenset(
    {
        "sync.broken_chain", "sync.carried_cloud", "sync.epoch", "sync.fork", "sync.malformed", "sync.mixed",
        "sync.parts_missing", "sync.signature", "sync.unpaired",
    }
)  # fmt: skip
"""No more will come of it: the author goes on without us."""


class Forwarding:
    """Brings others' operations, as their authors signed them. Who came first, author or carrier, is all the same."""

    def __init__(self, local: Local, cloud: Courier) -> None:
        self._local, self._cloud = local, cloud

    def forward_first(self, *, patient: bool) -> bool:
        """As `forward_all`, what can be brought in two seconds."""
        return self._forward(patient=patient, until_ms=self._cloud.clock.now().mono + FIRST_MS)

    def forward_all(self, *, patient: bool) -> bool:
        """Bring all that was told; whether all of it counts as it lies here. `patient`: leave to its author what is only
        seconds old. What the cloud does not take from here holds nothing else up. Raises Unreachable.
        """
        return self._forward(patient=patient, until_ms=None)

    def _forward(self, *, patient: bool, until_ms: int | None) -> bool:
        counts = True
        lacking: set[Id] = set()
        brought: set[bytes] = set()
        while runs := self._local.told_runs(but=lacking, patient=patient):
            for run in runs:
                if run.signature in brought:
                    lacking.add(run.device)  # what an answer says nothing of is not asked for again at once
                if run.device in lacking:
                    continue
                if until_ms is not None and self._cloud.clock.now().mono >= until_ms:
                    return counts
                try:
                    answers = self._cloud.push(_push(run)).answers
                except Rejected as no:
                    log.info("what %s told was not taken from us: %s", run.device, no.code)
                    lacking.add(run.device)
                    if no.code in _NEVER:
                        self._local.forget_told(run.device)
                        counts = False
                    continue
                brought.add(run.signature)
                counts = self._local.brought(run.device, run.epoch, answers) and counts
        return counts


def _push(run: Batch) -> Push:
    return Push(
        studio=run.studio, device=run.device, epoch=run.epoch, signature=run.signature.hex(),
        items=tuple(wire_operation(item.data, item.parts) for item in run.items),
    )  # fmt: skip
