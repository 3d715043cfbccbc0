"""The vectors every implementation must agree on, judged by this one; they are made by a program that shares no code."""

import json
import runpy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from classtap_core.passes import rolling
from classtap_core.passes.codec import PassClaims
from classtap_core.passes.keys import KeyBundleError, verify_bundle
from classtap_core.passes.ledger import HeldPasses, PassState, SeenScans
from classtap_core.passes.verify import Environment, Outcome, Tolerance, Verdict, verify

DATA = Path(__file__).parents[2] / "data" / "passes"
FILE = json.loads((DATA / "vectors.json").read_text())
PARITY = json.loads((DATA / "parity.json").read_text())
HANDLE, STUDIO = int(FILE["handle"], 16), int(FILE["studio"], 16)
ROOT = bytes.fromhex(FILE["root_public"])
TOKEN = int(FILE["token"], 16)
# What a text may be refused for before anyone would believe a word of it.
UNBELIEVED = {"unreadable", "environment_mismatch", "other_studio", "unknown_key", "tampered"}
BUNDLES = {name: verify_bundle(data.encode(), ROOT) for name, data in FILE["bundles"].items()}


def verdict_on(vector: dict[str, Any]) -> Verdict:
    passes, ledger = HeldPasses(), SeenScans()
    if vector["pass_state"] is not None:
        passes.put(HANDLE, PassState(**vector["pass_state"]))
    for epoch in vector["rolling_key_epochs"]:
        passes.put_rolling_key(HANDLE, epoch=epoch, key=bytes.fromhex(FILE["rolling_keys"][str(epoch)]))
    for at_s in vector["entries_s"]:
        ledger.add_entry(HANDLE, token=TOKEN, at_s=at_s)
    for at_s in vector["refusals_s"]:
        ledger.add_refusal(HANDLE, at_s=at_s)
    return verify(
        vector["text"],
        keys=BUNDLES[vector["keys"]] if vector["keys"] else None,
        studio=STUDIO,
        now_s=vector["now_s"],
        uncertainty_s=vector["uncertainty_s"],
        environment=Environment(vector["environment"]),
        tolerance=Tolerance(),
        ledger=ledger,
        passes=passes,
    )


def as_written(claims: PassClaims) -> dict[str, Any]:
    return {
        "algorithm": claims.algorithm.name.lower(),
        "key_id": claims.key_id,
        "test": claims.test,
        "tier": claims.tier.name.lower(),
        "fallback": claims.fallback,
        "kind": claims.kind.name.lower(),
        "studio": f"{claims.studio:016x}",
        "handle": f"{claims.handle:016x}",
        "epoch": claims.epoch,
        "not_before": claims.not_before,
        "expires": claims.expires,
        "nonce": f"{claims.nonce:012x}",
        "event": None if claims.event is None else f"{claims.event:016x}",
        "token": None if claims.token is None else f"{claims.token:012x}",
    }


@pytest.mark.parametrize("vector", FILE["vectors"], ids=[vector["id"] for vector in FILE["vectors"]])
def test_vector(vector: dict[str, Any]) -> None:
    verdict, expected = verdict_on(vector), vector["expect"]
    assert {
        "outcome": verdict.outcome,
        "reasons": [note.code for note in verdict.reasons],
        "warnings": [note.code for note in verdict.warnings],
    } == {key: expected[key] for key in ("outcome", "reasons", "warnings")}
    if expected["claims"] is not None:
        assert verdict.claims is not None
        assert as_written(verdict.claims) == expected["claims"]


def test_every_outcome_of_the_contract_has_a_vector() -> None:
    contract = (
        "ok expired not_yet_valid tampered unknown_key revoked superseded environment_mismatch other_studio used "
        "rate_limited keys_stale unreadable"
    )
    assert {outcome.value for outcome in Outcome} == set(contract.split())
    assert {vector["expect"]["outcome"] for vector in FILE["vectors"]} == set(contract.split())


def test_every_id_is_there_once() -> None:
    assert [name for name, count in Counter(vector["id"] for vector in FILE["vectors"]).items() if count > 1] == []


@pytest.mark.parametrize("code", FILE["refused_bundles"])
def test_refused_bundle(code: str) -> None:
    with pytest.raises(KeyBundleError) as caught:
        verify_bundle(FILE["refused_bundles"][code].encode(), ROOT)
    assert caught.value.code == code


def test_rolling_keys_are_derived_alike() -> None:
    secret = bytes.fromhex(FILE["studio_rolling_key"])
    for epoch, key in FILE["rolling_keys"].items():
        assert rolling.rolling_key(secret, handle=HANDLE, epoch=int(epoch)).hex() == key


def test_parity() -> None:
    """Catalogue 44: 500 texts at clock offsets of -180, -120, 0, 120 and 180 seconds."""
    passes, ledger, wrong = HeldPasses(), SeenScans(), []
    for number, row in enumerate(PARITY["rows"]):
        for offset, expected in zip(row["offsets_s"], row["expect"], strict=True):
            verdict = verify(
                row["text"],
                keys=BUNDLES[row["keys"]],
                studio=STUDIO,
                now_s=row["now_s"] + offset,
                uncertainty_s=0,
                environment=Environment.LIVE,
                tolerance=Tolerance(),
                ledger=ledger,
                passes=passes,
            )
            if verdict.outcome not in (UNBELIEVED if expected == "refused" else {expected}):
                wrong.append((number, offset, expected, verdict.outcome.value))
    assert len(PARITY["rows"]) == len({row["text"] for row in PARITY["rows"]}) == 500
    assert wrong == []


def test_the_files_are_what_their_program_writes() -> None:
    made = runpy.run_path(str(DATA / "make_vectors.py"))["files"]()
    assert {name: (DATA / name).read_text(encoding="utf-8") == text for name, text in made.items()} == {
        "vectors.json": True,
        "parity.json": True,
    }
