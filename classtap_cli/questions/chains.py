"""A device's own chain and store, checked; its log, listed."""

from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from classtap_cli.questions.device import Device, Nothing, iso
from classtap_core.access.masking import Blind, Sight
from classtap_core.access.records import Grant
from classtap_core.auditing.finding import Query, terms_meant
from classtap_core.auditing.lines import Line, Viewer
from classtap_core.auditing.saying import sentence, sentences, step_sentence
from classtap_core.auditing.sentences import SENTENCES
from classtap_core.booking.policies import health_withheld
from classtap_core.checkin.reading import search
from classtap_core.kernel.chain import verify_device
from classtap_core.kernel.ids import Id
from classtap_core.store.log import epoch_of, sequence_of
from resources.text import Catalogue
from sync.client.auditing import NodeAuditor
from sync.client.node import Node

UNSEEN = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069"))
"""Direction isolates, which a terminal prints as boxes."""


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


class Search(msgspec.Struct, forbid_unknown_fields=True):
    """Which entries, and in which language: `viewer` is a member of staff's id, or "" for everything masked."""

    query: Query = Query()
    viewer: str = ""
    locale: str = "en"


class Export(Search, forbid_unknown_fields=True):
    """Into which file."""

    out: str = ""


def audit_list(device: Device, asked: Search) -> list[dict[str, Any]]:
    """The newest entries of the device's chain that fit, oldest first: who did what, when, and what came of it."""
    node, words = device.node, Catalogue(asked.locale)
    page = NodeAuditor(node).own(meant(asked.query, words), _viewer(node, asked.viewer))
    return [
        line_of(
            line, words, chain=f"{node.papers.device}/{epoch_of(line.sequence)}", sequence=sequence_of(line.sequence)
        )
        for line in reversed(page.lines)
    ]


def audit_export(device: Device, asked: Export) -> dict[str, Any]:
    """All that fits, into a file with a signed manifest beside it."""
    node, words = device.node, Catalogue(asked.locale)
    auditor, viewer = NodeAuditor(node), _viewer(node, asked.viewer)
    manifest = auditor.export(
        Path(asked.out), lambda query: auditor.own(query, viewer), meant(asked.query, words), words, chain="device",
        viewer=Id(asked.viewer), roles=(),
    )  # fmt: skip
    return {"file": asked.out, "entries": manifest.entries, "sha256": manifest.sha256}


def line_of(line: Line, words: Catalogue, *, chain: str, sequence: int) -> dict[str, Any]:
    """An entry as commands print it, in a sentence and in parts."""
    return {
        "chain": chain,
        "sequence": sequence,
        "operation": line.operation,
        "kind": line.kind,
        "at": iso(line.at_ms),
        "author": {"type": line.author_type, "id": line.author, "name": line.who, "roles": list(line.roles)},
        "device": line.device,
        "method": line.method,
        "address": line.address,
        "outcome": line.status.value,
        "sentence": sentence(line, words).translate(UNSEEN),
        "differences": [
            f"{changed.kind} {step_sentence(step, words)}".translate(UNSEEN)
            for changed in line.changed
            for step in changed.steps
        ],
    }


def meant(query: Query, words: Catalogue) -> Query:
    """A query whose words also mean the operations whose sentence has them."""
    return replace(query, meanings=terms_meant(query.text, sentences(SENTENCES, words), {})) if query.text else query


def _viewer(node: Node, staff: str) -> Viewer:
    if not staff:
        return Blind()
    with node.reader() as reader:
        grants = search(reader, Grant, "by_holder", staff)
        now_ms = node.clock.now().corrected
        withheld = health_withheld(reader, node.papers.studio, grants, at_ms=now_ms)
    return Sight(grants, at_ms=now_ms, withheld=withheld)


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
