"""Who may speak: what a neighbour, a stranger and whoever stands between two devices can and cannot do."""

import contextlib
import hashlib
import json
import re
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from classtap_core.kernel.ids import Id, derived
from sync.client.relay.messages import MOST_BYTES, MOST_UNPROVED, statement, tag
from sync.client.relay.relay import PATIENCE_S as PATIENCE_S_ONLINE
from sync.client.relay.session import LIMITS
from tests.unit.sync.relay.homes import PATIENCE_S, QUICK, Home, Running, running, studio
from tests.unit.sync.relay.stranger import Ear, Stranger

NONCE = "00" * 32


def test_a_device_of_the_studio_is_let_in_and_heard() -> None:
    door, desk = studio("door", "desk")
    a = Running(door)
    with running(a), Stranger.dial(a.relay.port) as other:
        heard = other.prove(desk)
        assert heard == {"say": "heard", "epoch": 0, "sequence": 0, "port": a.relay.port}


def _other_key(door: Home, desk: Home) -> dict[str, Any]:
    desk.device.key = Ed25519PrivateKey.generate()
    return {}


def _nobody(door: Home, desk: Home) -> dict[str, Any]:
    del door.cards[desk.id]
    return {}


def _other_studio(door: Home, desk: Home) -> dict[str, Any]:
    return {"studio": derived("studio", "other")}


def _other_certificate(door: Home, desk: Home) -> dict[str, Any]:
    return {"certificate": "00" * 32}


def _other_peer(door: Home, desk: Home) -> dict[str, Any]:
    return {"peer": derived("device", "third")}


def _other_side(door: Home, desk: Home) -> dict[str, Any]:
    return {"side": "listener"}


def _other_nonce(door: Home, desk: Home) -> dict[str, Any]:
    return {"listener": NONCE}


def _oneself(door: Home, desk: Home) -> dict[str, Any]:
    desk.id, desk.device.key = door.id, door.device.key
    return {}


@pytest.mark.parametrize(
    "wrong",
    [_other_key, _nobody, _other_studio, _other_certificate, _other_peer, _other_side, _other_nonce, _oneself],
)
def test_a_dialler_whose_proof_does_not_fit_hears_nothing(wrong: Any) -> None:
    door, desk = studio("door", "desk")
    other_words = wrong(door, desk)
    door.commit()
    a = Running(door)
    with running(a), Stranger.dial(a.relay.port) as other:
        assert other.prove(desk, **other_words) is None
    assert all(not now.neighbours for now in a.told)


def test_a_proof_that_was_heard_before_is_worth_nothing() -> None:
    door, desk = studio("door", "desk")
    a = Running(door)
    with running(a):
        with Stranger.dial(a.relay.port) as first:
            nonce, theirs = first.greet()
            proof = first.proof(desk, nonce, theirs)
            first.say(**proof)
            assert first.read() is not None
        with Stranger.dial(a.relay.port) as second:
            _, again = second.greet(nonce)
            assert again["nonce"] != theirs["nonce"]
            second.say(**proof)
            assert second.read() is None


def test_who_listens_in_a_devices_place_is_told_nothing() -> None:
    """With proofs that the device itself gave on another line."""
    door, desk = studio("door", "desk")
    a, b = Running(door), Running(desk)
    with running(a, b), Ear() as ear:
        a.handed.find("there", ear.address)
        with ear.answer() as caught:
            hello = caught.read()
            assert hello is not None
            with Stranger.dial(b.relay.port) as other:
                _, proof = other.greet(hello["nonce"])
            caught.say(**proof)
            assert caught.read() is None
    assert all(not now.neighbours for now in a.told)


def test_who_stands_between_two_devices_learns_a_device_id_and_no_more() -> None:
    door, desk = studio("door", "desk")
    door.commit()
    desk.commit()
    a, b = Running(door), Running(desk)
    passed: list[tuple[str, dict[str, Any]]] = []
    with running(a, b), Ear() as ear:
        a.handed.find("there", ear.address)
        with ear.answer() as left, Stranger.dial(b.relay.port) as right:

            def carry(one: Stranger, other: Stranger, name: str) -> None:
                while (message := one.read()) is not None:
                    passed.append((name, message))
                    other.say(**message)
                with contextlib.suppress(OSError):
                    other.line.shutdown(socket.SHUT_RDWR)

            back = threading.Thread(target=carry, args=(right, left, "listener"))
            back.start()
            carry(left, right, "dialler")
            back.join(PATIENCE_S)
    assert [(name, message["say"]) for name, message in passed] == [("dialler", "hello"), ("listener", "proof")]
    assert all(not now.neighbours for now in a.told + b.told)


# --- bytes that are no messages


HELLO = {"say": "hello", "v": 1, "nonce": NONCE}


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x00\x00\x00",
        (MOST_UNPROVED + 1).to_bytes(4, "big"),
        b"\xff\xff\xff\xff",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00\x00\x00\x02{}",
        b"\x00\x00\x00\x04\xff\xfe\xff\xfe",
        b"\x00\x00\x00\x04nope",
        *(
            len(body := json.dumps(HELLO | wrong).encode()).to_bytes(4, "big") + body
            for wrong in ({"v": 2}, {"v": "1"}, {"nonce": "00" * 31}, {"nonce": "G" * 64}, {"nonce": NONCE + "\n"},
                          {"say": "heard"}, {"say": "run"})
        ),
    ],
)  # fmt: skip
def test_what_is_no_hello_ends_the_line(data: bytes) -> None:
    (door,) = studio("door")
    a = Running(door)
    with running(a), Stranger.dial(a.relay.port) as other:
        other.line.sendall(data)
        assert other.read() is None


@pytest.mark.parametrize(
    "data",
    [
        (MOST_BYTES + 1).to_bytes(4, "big"),
        b"\x00\x00\x00\x04nope",
        b'\x00\x00\x00\x0d{"say":"what"',
        b'\x00\x00\x00\x0e{"say":"hello"}',
        b'\x00\x00\x00\x29{"say":"answer","number":0,"taken":"yes"}',
        b'\x00\x00\x00\x29{"say":"answer","number":0,"taken":"yup"}',
        b'\x00\x00\x00\x28{"say":"heard","epoch":0,"sequence":0}  ',
    ],
)
def test_what_is_no_message_ends_a_line_that_was_proved(data: bytes) -> None:
    door, desk = studio("door", "desk")
    a = Running(door)
    with running(a), Stranger.dial(a.relay.port) as other:
        other.join(desk)
        other.line.sendall(data)
        assert other.read_past("here") is None
        a.sees()


@pytest.mark.expected_log("is not taken", reason="a run that is none is worth a line")
def test_a_neighbour_that_does_not_wait_for_an_answer_is_hung_up_on() -> None:
    door, desk = studio("door", "desk")
    desk.commit()
    run = desk.device.batch(1, 1)
    push = {"studio": run.studio, "device": run.device, "epoch": 1, "signature": run.signature.hex(),
            "items": [[item.data.decode(), {name: part.decode() for name, part in item.parts.items()}]
                      for item in run.items]}  # fmt: skip
    push["items"] = [{"envelope": envelope, "parts": parts} for envelope, parts in push["items"]]
    a = Running(door)
    door.gate.clear()
    with running(a), Stranger.dial(a.relay.port) as other:
        other.join(desk)
        for number in range(1, 5):
            other.say(say="run", number=number, run=push)
        try:
            assert other.read_past("here") is None
        finally:
            door.gate.set()


def test_a_line_that_ends_in_the_middle_leaves_nothing() -> None:
    door, desk = studio("door", "desk")
    a = Running(door)
    with running(a):
        with Stranger.dial(a.relay.port) as other:
            other.join(desk)
            a.says(lambda now: now.neighbours)
            other.line.sendall(b"\x00\x10\x00\x00{")
        a.sees()


# --- before the proof


def test_a_line_is_tls_1_3_or_none() -> None:
    (door,) = studio("door")
    a = Running(door)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        running(a),
        socket.create_connection(a.address, PATIENCE_S) as line,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        old.wrap_socket(line)


def test_a_dialler_that_does_not_speak_tls_is_hung_up_on() -> None:
    (door,) = studio("door")
    a = Running(door)
    with running(a), socket.create_connection(a.address, PATIENCE_S) as line:
        line.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert b"HTTP" not in line.recv(100)


@pytest.mark.parametrize("speaks_tls", [False, True])
def test_who_proves_nothing_in_time_is_hung_up_on(speaks_tls: bool) -> None:
    (door,) = studio("door")
    a = Running(door, limits=QUICK._replace(prove_s=0.1))
    with running(a):
        if speaks_tls:
            with Stranger.dial(a.relay.port) as other:
                assert other.read() is None
        else:
            with socket.create_connection(a.address, PATIENCE_S) as line:
                assert line.recv(1) == b""


def test_strangers_cannot_take_all_lines_and_those_they_give_back_are_free() -> None:
    door, desk = studio("door", "desk")
    a = Running(door, limits=QUICK._replace(unproved_each=2))
    with running(a):
        with Stranger.dial(a.relay.port) as one, Stranger.dial(a.relay.port) as two:
            one.greet()
            two.greet()
            with socket.create_connection(a.address, PATIENCE_S) as third:
                assert third.recv(1) == b""
        b = Running(desk)
        with running(b):
            b.find(a)
            b.sees(a)


def test_who_did_not_prove_itself_is_not_answered_at_once_again() -> None:
    (door,) = studio("door")
    a = Running(door, limits=QUICK._replace(unproved_each=1, first_s=3600.0))
    with running(a):
        with Stranger.dial(a.relay.port) as other:
            other.send(b"{}")
            assert other.read() is None
        with socket.create_connection(a.address, PATIENCE_S) as again:
            assert again.recv(1) == b""


def test_a_neighbour_that_proved_itself_takes_no_place_of_those_to_come() -> None:
    homes = studio("door", "one", "two", "three")
    a = Running(homes[0], limits=QUICK._replace(unproved=1, unproved_each=1))
    others = [Running(home) for home in homes[1:]]
    with running(a, *others):
        for other in others:
            other.find(a)
        a.sees(*others)


# --- bytes that another client writes


def test_the_statement_and_the_tag_of_the_page() -> None:
    """docs/sync.md, section 10.3: what is shown there is what is signed here, and the signature is the shown key's."""
    page = (Path(__file__).parents[4] / "docs" / "sync.md").read_text(encoding="utf-8")
    said = statement(
        "dialler", studio=Id("019e8232600073eba355fef1f2c52ba7"), device=Id("01a1fe2d23a279d5995bdaab06cb6211"),
        peer=Id("01a1fe2d2ace76e0882c8d9776e2d989"), certificate="11" * 32, dialler="22" * 32, listener="33" * 32,
    )  # fmt: skip
    (shown,) = re.findall(r"^CTN1\{.+\}$", page, re.MULTILINE)
    assert said.decode() == shown
    (seed,) = re.findall(r"`([0-9a-f]{64})` \(Ed25519", page)
    (signature, announced) = re.findall(r"signature is `([0-9a-f]{128})`; the studio announces `([0-9a-f]{16})`", page)[
        0
    ]
    assert Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)).sign(said).hex() == signature
    assert tag(Id("019e8232600073eba355fef1f2c52ba7")) == announced


def test_the_numbers_of_the_page() -> None:
    page = (Path(__file__).parents[4] / "docs" / "sync.md").read_text(encoding="utf-8")
    assert f"A sign of life every {LIMITS.alive_s:g} s; without a byte for {LIMITS.dead_s:g} s" in page
    assert f"A proof takes at most {LIMITS.prove_s:g} s, an answer {LIMITS.answer_s:g} s" in page
    assert f"At most {LIMITS.unproved} lines whose other end" in page
    assert f"{LIMITS.unproved_each} of one address, each of which is held for {LIMITS.first_s:g} s more" in page
    assert f"Dial again after {LIMITS.first_s:g} to {LIMITS.most_s:g} s" in page
    assert f"at most {MOST_UNPROVED} before both proofs hold, {MOST_BYTES >> 20} MiB after" in page
    assert f"whatever it commits: {PATIENCE_S_ONLINE:g} s after" in page


def test_a_studios_tag_is_the_first_half_of_a_hash() -> None:
    studio_id = "019e8232600073eba355fef1f2c52ba7"
    assert tag(Id(studio_id)) == hashlib.sha256(b"CTN1" + studio_id.encode()).hexdigest()[:16]
