"""Apple's push service and Google's wallet as they answer: on loopback, over real HTTP/2 with client certificates."""

import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import h2.config
import h2.connection
import h2.events


class Push(NamedTuple):
    """A push that came, with the common name of the certificate it came under."""

    path: str
    headers: dict[str, str]
    body: bytes
    certificate: str


class AppleServer:
    """Takes pushes over HTTP/2. `says`: token → (status, reason)."""

    def __init__(self, certificate: str, key: str, authority: str) -> None:
        self.pushes: list[Push] = []
        self.says: dict[str, tuple[int, str]] = {}
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._context.load_verify_locations(authority)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._context.set_alpn_protocols(["h2"])
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, name="apns")
        self._thread.start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            try:
                with self._context.wrap_socket(plain, server_side=True) as secure:
                    self._talk(secure)
            except OSError:
                continue  # a client without a certificate

    def _talk(self, secure: ssl.SSLSocket) -> None:
        subject = dict(pair for part in (secure.getpeercert() or {})["subject"] for pair in part)
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        secure.sendall(connection.data_to_send())
        asked: dict[int, tuple[dict[str, str], bytearray]] = {}
        while data := secure.recv(65_536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    asked[event.stream_id] = (dict(event.headers), bytearray())
                elif isinstance(event, h2.events.DataReceived):
                    asked[event.stream_id][1].extend(event.data)
                elif isinstance(event, h2.events.StreamEnded):
                    headers, body = asked.pop(event.stream_id)
                    self.pushes.append(Push(headers[":path"], headers, bytes(body), str(subject["commonName"])))
                    status, reason = self.says.get(headers[":path"].rpartition("/")[2], (200, ""))
                    connection.send_headers(event.stream_id, [(":status", str(status))], end_stream=not reason)
                    if reason:
                        connection.send_data(event.stream_id, json.dumps({"reason": reason}).encode(), end_stream=True)
            secure.sendall(connection.data_to_send())


class GoogleServer(HTTPServer):
    """Gives tokens for assertions, and takes what objects become. `gone`: objects nobody saved."""

    def __init__(self) -> None:
        self.assertions: list[str] = []
        self.patched: list[tuple[str, str, dict[str, Any]]] = []
        self.gone: set[str] = set()
        self.status = 200
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                server.assertions += form["assertion"]
                self._answer(200, {"access_token": f"t{len(server.assertions)}", "expires_in": 3600})

            def do_PATCH(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                name = self.path.rpartition("/")[2]
                server.patched.append((self.path, self.headers["Authorization"], body))
                self._answer(404 if name in server.gone else server.status, {})

            def _answer(self, status: int, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever, name="google")
        self._thread.start()

    def close(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
