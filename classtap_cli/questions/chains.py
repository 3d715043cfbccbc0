"""A device's own chain and store, checked; its log, listed."""

from typing import Any

from classtap_cli.questions.device import Device, Nothing, iso
from classtap_cli.questions.syncing import Most
from classtap_core.kernel.chain import verify_device
from classtap_core.kernel.envelope import read as read_envelope
from classtap_core.kernel.errors import BadInput


def audit_verify(device: Device, asked: Nothing) -> dict[str, Any]:
    """Every epoch's chain of what this device authored."""
    entries = 0
    with device.node.reader() as reader:
        for epoch in reader.epochs():
            found = verify_device(reader.chain(epoch), head=reader.chain_head(epoch))
            entries += found.entries
            if not found.ok:
                chain = f"{device.node.papers.device}/{epoch}"
                return {"ok": False, "entries": entries, "first_bad": _bad(chain, found.bad_sequence or 0, found.why)}
    return {"ok": True, "entries": entries, "first_bad": None}


def audit_list(device: Device, asked: Most) -> list[dict[str, Any]]:
    """The newest entries of the device's chain: who did what, when, and what came of it."""
    with device.node.reader() as reader:
        head = reader.head()
        entries = reader.entries(range(max(1, head.sequence - asked.most + 1), head.sequence + 1))
    found = []
    for entry in entries:
        try:
            author = read_envelope(entry.data, entry.parts).envelope.author
        except BadInput:
            author = None
        found.append(
            {
                "chain": f"{head.device}/{entry.epoch}",
                "sequence": entry.sequence,
                "operation": entry.id,
                "kind": entry.kind,
                "at": iso(entry.at_ms),
                "author": None if author is None else {"type": author.type, "id": author.id},
                "outcome": (entry.answer or entry.told).status.value,
                "hash": entry.hash,
            }
        )
    return found


def store_check(device: Device, asked: Nothing) -> dict[str, Any]:
    """Chain, rows against the fold of recorded changes, every page of the file, and every blob."""
    found = device.node.store.check()
    chain = f"{device.node.papers.device}/{found.chain.epoch}" if found.chain else ""
    return {
        "ok": found.ok,
        "entries": found.entries,
        "rows": found.rows,
        "first_bad": _bad(chain, found.chain.sequence, found.chain.why) if found.chain else None,
        "wrong": [{"kind": kind, "id": id} for kind, id in found.wrong],
        "file": list(found.file),
        "blobs": list(found.blobs),
    }


def _bad(chain: str, sequence: int, why: str) -> dict[str, Any]:
    return {"chain": chain, "sequence": sequence, "why": why}
