"""An encrypted line between two machines: TLS 1.3 with a certificate of the moment, and messages with their length.

The certificate proves nothing by itself; proving.py binds it to a device.
"""

import asyncio
import contextlib
import datetime as dt
import hashlib
import ipaddress
import secrets
import socket
import ssl
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sync.client.relay.messages import MOST_BYTES

PIECE = 64 * 1024


class Broken(Exception):
    """The line ended, or the other end broke the rules. Carries a code."""


class Listening(NamedTuple):
    """What a listener shows. `certificate`: SHA-256 of it, hex."""

    context: ssl.SSLContext
    certificate: str


def listening() -> Listening:
    """A new key and certificate. The key is in a file only while OpenSSL reads it, under a password that is in memory."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "classtap")])
    begin = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)  # nobody looks at its dates: a device's clock may be anywhere
        .not_valid_after(begin.replace(year=2120))
        .sign(key, hashes.SHA256())
    )
    password = secrets.token_hex(32).encode()
    context = _context(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0  # every line is proved anew
    with tempfile.TemporaryDirectory(prefix="classtap-relay-") as folder:
        path = Path(folder, "relay.pem")
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(password),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(path, password=password)
    return Listening(context, certificate.fingerprint(hashes.SHA256()).hex())


def dialling() -> ssl.SSLContext:
    """Takes any certificate: the proof afterwards says whose it is."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _context(protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


class Channel:
    """Messages over a line. Every wait is bounded by the caller or by `patience_s`, in seconds."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._sending = asyncio.Lock()
        self.address = _host(writer.get_extra_info("peername"))

    @property
    def certificate(self) -> str:
        """SHA-256 of the certificate that the other end showed, hex; "" of a dialler, who shows none."""
        shown: ssl.SSLObject = self._writer.get_extra_info("ssl_object")
        data = shown.getpeercert(binary_form=True)
        return "" if data is None else hashlib.sha256(data).hexdigest()

    @property
    def crowded(self) -> bool:
        """Whether what was sent before still waits here."""
        return self._writer.transport.get_write_buffer_size() > PIECE

    async def send(self, message: bytes) -> None:
        """Raises Broken where the line has ended."""
        if len(message) > MOST_BYTES:
            raise ValueError("a message of more than 4 MiB")
        try:
            async with self._sending:
                self._writer.write(len(message).to_bytes(4, "big") + message)
                await self._writer.drain()
        except OSError as error:
            raise Broken("relay.ended") from error

    async def receive(self, *, most: int, patience_s: float) -> bytes:
        """The next message. Raises Broken where it is longer than `most`, or no byte comes for `patience_s`."""
        length = int.from_bytes(await self._read(4, patience_s), "big")
        if not 0 < length <= most:
            raise Broken("relay.too_long")
        return await self._read(length, patience_s)

    async def _read(self, length: int, patience_s: float) -> bytes:
        pieces = bytearray()
        try:
            while len(pieces) < length:
                async with asyncio.timeout(patience_s):
                    piece = await self._reader.read(min(PIECE, length - len(pieces)))
                if not piece:
                    raise Broken("relay.ended")
                pieces += piece
        except TimeoutError as error:  # before OSError, which it is
            raise Broken("relay.silent") from error
        except OSError as error:
            raise Broken("relay.ended") from error
        return bytes(pieces)

    async def close(self) -> None:
        """End the line at once; what was not sent is lost."""
        self._writer.transport.abort()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(0.5):
                await self._writer.wait_closed()


async def dial(host: str, port: int, context: ssl.SSLContext, *, within_s: float) -> Channel:
    """Raises Broken where nobody answers in time, or not in TLS 1.3."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(within_s):
            plain, _ = await loop.create_connection(_Still, await _looked_up(host), port)
            return await _secured(plain, context, listening=False)
    except (OSError, ValueError, UnicodeError) as error:  # TimeoutError and SSLError are OSErrors
        raise Broken("relay.unreachable") from error


async def answer(accepted: socket.socket, context: ssl.SSLContext, *, within_s: float) -> Channel:
    """Raises Broken where the dialler does not speak TLS 1.3 in time. The socket is the caller's to close."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(within_s):
            plain, _ = await loop.connect_accepted_socket(_Still, accepted)
            return await _secured(plain, context, listening=True)
    except (OSError, ValueError) as error:
        raise Broken("relay.unreachable") from error


async def _looked_up(host: str) -> str:
    """The address behind a name. Without the internet that may take half a minute, which nobody who ends is to wait for: so
    it is done in a thread that is left alone."""
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host)
        return host
    loop = asyncio.get_running_loop()
    found: asyncio.Future[str] = loop.create_future()

    def tell(address: str) -> None:
        if not found.done():
            found.set_result(address)

    def look_up() -> None:
        address = ""
        with contextlib.suppress(OSError, UnicodeError):
            address = str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, address)

    threading.Thread(target=look_up, name="classtap-relay-name", daemon=True).start()
    address = await found
    if not address:
        raise ConnectionError(f"no such host: {host}")
    return address


class _Still(asyncio.Protocol):
    """Reads nothing: the first byte is TLS's."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).pause_reading()


async def _secured(plain: asyncio.Transport, context: ssl.SSLContext, *, listening: bool) -> Channel:
    """TLS over a plain line, which is ended where that does not come off: asyncio's own way of both in one leaves a line
    behind that is cancelled in the moment it is made."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=PIECE, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    try:
        with contextlib.suppress(OSError):
            plain.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secure = await loop.start_tls(plain, protocol, context, server_side=listening)
        if secure is None:  # the line ended meanwhile
            raise ConnectionResetError
    except BaseException:
        plain.abort()
        raise
    protocol.connection_made(secure)
    return Channel(reader, asyncio.StreamWriter(secure, protocol, reader, loop))


def _host(peer: tuple[object, ...] | None) -> str:
    """A peer's address as it can be dialled: an IPv4 one is not dressed as IPv6, a local one names its interface."""
    if not peer:
        return ""
    host = str(peer[0]).removeprefix("::ffff:")
    if len(peer) == 4 and peer[3] and "%" not in host:
        host += f"%{peer[3]}"
    return host
