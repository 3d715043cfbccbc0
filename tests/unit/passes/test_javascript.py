"""The family page's verifier, in Node: a second program that shares no code agrees on every vector and every clock."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from classtap_core.passes import rolling
from classtap_core.passes.ledger import HeldPasses, SeenScans
from classtap_core.passes.verify import Environment, Tolerance, verify
from tests.guards.tools import needs
from tests.unit.passes.test_vectors import BUNDLES, FILE, PARITY, STUDIO


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    node = needs("node")
    script = Path(__file__).with_name("agree.mjs")
    done = subprocess.run([node, str(script)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_agrees_on_every_vector_and_clock(told: dict[str, Any]) -> None:
    assert told["wrong"] == []
    assert told["judged"] == len(FILE["vectors"]) + 5 * 500
    assert {offset for row in PARITY["rows"] for offset in row["offsets_s"]} == {-180, -120, 0, 120, 180}


def test_the_two_say_the_same_word_of_every_text(told: dict[str, Any]) -> None:
    """Not only `refused`: the same outcome, 2,500 times."""
    ours = [
        verify(
            row["text"], keys=BUNDLES[row["keys"]], studio=STUDIO, now_s=row["now_s"] + offset, uncertainty_s=0,
            environment=Environment.LIVE, tolerance=Tolerance(), ledger=SeenScans(), passes=HeldPasses(),
        ).outcome.value
        for row in PARITY["rows"]
        for offset in row["offsets_s"]
    ]  # fmt: skip
    assert ours == told["outcomes"]


def test_it_refuses_the_same_bundles(told: dict[str, Any]) -> None:
    assert told["refused"] == {code: code for code in FILE["refused_bundles"]}


def test_it_makes_the_codes_of_rfc_6238(told: dict[str, Any]) -> None:
    assert told["rfc6238"] == ["94287082", "07081804", "14050471", "89005924", "69279037"]
    assert told["shown"] == rolling.with_code("CT:X", bytes(20), at_s=1_790_000_005)
