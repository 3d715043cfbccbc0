"""docs/sync.md against the code: its examples are messages, its bytes hash and sign as it says, its lists are whole."""

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import cloud.problems as problems
from classtap_core.access.blueprints import DEVICE_ROLES, SCOPES
from classtap_core.kernel.clock import Timestamp
from classtap_core.kernel.envelope import Author, Basis, GateResult
from classtap_core.kernel.outcomes import Status
from scripts import kinds
from sync import protocol

PAGE = Path(__file__).parents[3] / "docs" / "sync.md"


@cache
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


@cache
def examples() -> list[str]:
    return re.findall(r"```json\n(.+?)\n```", text(), re.DOTALL)


def example(shape: Any, *members: str) -> Any:
    """The one example that has these members, as a message; what it says is what the message says."""
    (found,) = [one for one in examples() if set(members) <= set(json.loads(one))]
    message = protocol.decode(shape, found.encode())
    assert json.loads(msgspec.json.encode(message)) == json.loads(found)
    return message


def test_examples_are_messages() -> None:
    assert example(protocol.Paired, "root").role == "desk"
    assert example(protocol.Pushed, "answers").epoch == 1
    assert example(protocol.SnapshotPage, "total").total == 51
    (page,) = [one for one in examples() if '"rows"' in one and '"total"' not in one and '"answers"' not in one]
    assert protocol.decode(protocol.Page, page.encode()).through == 82


def test_the_bytes_are_as_the_page_says() -> None:
    """With hashlib and the page's own words only."""
    push = example(protocol.Push, "signature")
    (item,) = push.items
    data = item.envelope.encode()
    assert item.envelope in examples(), "the envelope is shown as it travels"
    envelope = json.loads(item.envelope)
    for subject, commitment in envelope["payload"]:
        part = item.parts[subject]
        assert hashlib.sha256(b"CTV1" + part.encode()).hexdigest() == commitment
        assert part in text()
    hash = hashlib.sha256(b"CTO1" + data).hexdigest()
    assert f"`{hash}`" in text()
    (statement,) = re.findall(r"^CTB1\{.+\}$", text(), re.MULTILINE)
    assert f'"hash":"{hash}"' in statement
    seed = bytes.fromhex(re.findall(r"`([0-9a-f]{64})` \(Ed25519", text())[0])
    assert Ed25519PrivateKey.from_private_bytes(seed).sign(statement.encode()).hex() == push.signature


@pytest.mark.parametrize(
    ("member", "shape"), [("author", Author), ("at", Timestamp), ("basis", Basis), ("gates", GateResult)]
)
def test_what_is_inside_an_envelope_is_as_the_page_says(member: str, shape: type[msgspec.Struct]) -> None:
    (row,) = re.findall(rf"^\| `{member}`[ °]* \| [^|{{]*`\{{(.+?)\}}`", text(), re.MULTILINE)
    told = {name: bool(may_lack) for name, may_lack in re.findall(r'"(\w+)"(°?)', row)}
    assert told == {field.name: not field.required for field in msgspec.structs.fields(shape)}


def test_a_derived_id_is_as_the_page_says() -> None:
    first, found = re.findall(r'`derived\("retry", "([0-9a-f]{32})"\)` is `([0-9a-f]{32})`', text())[0]
    made = hashlib.blake2b(digest_size=16, person=b"classtap-id")
    for part in (b"retry", first.encode()):
        made.update(len(part).to_bytes(4, "big") + part)
    assert made.hexdigest() == found


def test_the_list_of_scopes_is_named_and_asked_for_as_the_page_says() -> None:
    papers, push = example(protocol.Paired, "root"), example(protocol.Push, "signature")
    name = hashlib.sha256(b"CTS1" + "\n".join(papers.scopes).encode()).hexdigest()[:16]
    assert push.holding == name
    assert f"(`{name}` above)" in text()
    assert push.scopes == papers.scopes, "one cursor, all that is held"


CALLS = "pair token push decide pull snapshot/ digest/ keys pass/ attendee/ audit blob/ live report devices purged"


@pytest.mark.parametrize("path", CALLS.split())
def test_every_call_is_told_of(path: str) -> None:
    assert f"/sync/v1/{path}" in text()
    assert f"/sync/v1/{path}" in (protocol.__doc__ or "")


def test_every_kind_is_told_of() -> None:
    assert declared(kinds.PAGE.read_text(encoding="utf-8")) == declared(kinds.page()), "run python -m scripts.kinds"


def declared(page: str) -> list[str]:
    """The lines that a client goes by, without what is said around them."""
    return [line.split(". ")[0] for line in page.splitlines() if line.startswith(("- `", "**`"))]


def test_every_outcome_and_code_is_told_of() -> None:
    for status in Status:
        assert f"| `{status.value}` |" in text()
    elsewhere = ("cloud.no_studio", "seat.locked", "seatlock.")
    codes = [code for code in problems._STATUS if not code.startswith(elsewhere)]
    assert len(codes) > 40
    assert [code for code in codes if f"`{code}`" not in text()] == []


def test_every_scope_and_right_of_a_device_is_told_of() -> None:
    scopes, told = text().split("| scope | holds |")[1].split("## 4.")[0], text().split("## 9. Operations")[1]
    for role, patterns in SCOPES.items():
        assert [one for one in patterns if not re.search(f"`{one.split('/')[0]}[/`]", scopes)] == []
        assert DEVICE_ROLES[role] <= set(re.findall(r"[a-z_]+", told))


def test_its_numbers_are_the_codes() -> None:
    assert f"at most {protocol.MOST_OPERATIONS} operations" in text()
    assert protocol.MOST_BYTES == 4 * 1024 * 1024
    assert f"at most {protocol.PAGE:,}" in text()
    assert protocol.HEARTBEAT_S == 2.0
