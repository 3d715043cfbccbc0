"""The other end of a line, by hand: bare sockets, frames byte by byte, and proofs that may be wrong where a test says so."""

import hashlib
import json
import secrets
import socket
import ssl
import struct
from typing import Any, Self

from sync.client.relay.channel import dialling, listening
from sync.client.relay.messages import statement
from tests.unit.sync.relay.homes import PATIENCE_S, Home


class Stranger:
    """One end of a line. `certificate`: the listener's, as this end saw it."""

    def __init__(self, line: ssl.SSLSocket, certificate: str) -> None:
        self.line, self.certificate = line, certificate

    @classmethod
    def dial(cls, port: int) -> "Stranger":
        line = dialling().wrap_socket(socket.create_connection(("127.0.0.1", port), PATIENCE_S))
        shown = line.getpeercert(binary_form=True)
        assert shown is not None
        return cls(line, hashlib.sha256(shown).hexdigest())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.line.close()

    def send(self, data: bytes) -> None:
        self.line.sendall(struct.pack(">I", len(data)) + data)

    def say(self, **message: Any) -> None:
        self.send(json.dumps(message).encode())

    def read(self) -> dict[str, Any] | None:
        """The next message; None where the other end has hung up."""
        try:
            head = self._exactly(4)
            if head is None:
                return None
            body = self._exactly(struct.unpack(">I", head)[0])
        except (ConnectionError, ssl.SSLError):
            return None
        return None if body is None else json.loads(body)

    def read_past(self, *kinds: str) -> dict[str, Any] | None:
        """The next message that is none of these kinds."""
        while (message := self.read()) is not None and message["say"] in kinds:
            pass
        return message

    def _exactly(self, length: int) -> bytes | None:
        found = b""
        while len(found) < length:
            piece = self.line.recv(length - len(found))
            if not piece:
                return None
            found += piece
        return found

    # --- proofs

    def greet(self, nonce: str | None = None) -> tuple[str, dict[str, Any]]:
        """As a dialler: the nonce said, and the listener's proof."""
        nonce = nonce or secrets.token_hex(32)
        self.say(say="hello", v=1, nonce=nonce)
        proof = self.read()
        assert proof is not None
        assert proof["say"] == "proof"
        return nonce, proof

    def proof(self, home: Home, nonce: str, theirs: dict[str, Any], **other: Any) -> dict[str, Any]:
        """A dialler's proof as `home`; `other` replaces what is signed."""
        words: dict[str, Any] = {
            "studio": home.studio, "device": home.id, "peer": theirs["device"], "certificate": self.certificate,
            "dialler": nonce, "listener": theirs["nonce"],
        }  # fmt: skip
        side = other.pop("side", "dialler")
        said = statement(side, **{**words, **other})
        return {"say": "proof", "device": home.id, "signature": home.sign(said).hex()}

    def prove(self, home: Home, **other: Any) -> dict[str, Any] | None:
        """As a dialler, all of it; what the listener says then: `heard`, or None."""
        nonce, theirs = self.greet()
        self.say(**self.proof(home, nonce, theirs, **other))
        return self.read()

    def join(self, home: Home, *, epoch: int = 0, sequence: int = 0) -> None:
        """Prove, and say how far the other is heard."""
        heard = self.prove(home)
        assert heard is not None
        assert heard["say"] == "heard"
        self.say(say="heard", epoch=epoch, sequence=sequence)


class Ear:
    """A place that can be dialled, with a certificate of its own."""

    def __init__(self) -> None:
        self._shown = listening()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(PATIENCE_S)
        self.address = self._socket.getsockname()[:2]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    def answer(self) -> Stranger:
        line, _ = self._socket.accept()
        line.settimeout(PATIENCE_S)
        return Stranger(self._shown.context.wrap_socket(line, server_side=True), self._shown.certificate)
