"""An HTTP server on this machine that answers as scripted, and misbehaves on command."""

import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it came in."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


Reply = Callable[[BaseHTTPRequestHandler], None]
"""Answers a request whose head and body have been read, or fails to."""


def answer(status: int = 200, document: Any = None, *, body: bytes = b"", **headers: str) -> Reply:
    """A plain answer: a JSON document or raw bytes; ``Retry_After="5"`` becomes a header."""
    content = body if document is None else json.dumps(document).encode()
    kind = "text/html" if document is None else "application/json"
    named = {"Content-Type": kind} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }

    def reply(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, status, named | {"Content-Length": str(len(content))})
        if handler.command != "HEAD" and status not in {204, 304}:
            handler.wfile.write(content)

    return reply


def html(status: int = 200) -> Reply:
    """A login page or a proxy's error page."""
    return answer(status, body=b"<html><body>Please sign in</body></html>")


def redirect(location: str, status: int = 302) -> Reply:
    """A redirect."""
    return answer(status, Location=location)


def truncated(body: bytes, claimed: int) -> Reply:
    """A body shorter than its ``Content-Length`` claims, then an orderly end."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, 200, {"Content-Type": "application/json", "Content-Length": str(claimed)})
        handler.wfile.write(body)
        handler.close_connection = True

    return reply


def reset_before_answer() -> Reply:
    """The request was taken and carried out; the connection is reset instead of an answer."""
    return _reset


def reset_after_headers() -> Reply:
    """Headers, then a reset."""
    return reset_in_body(b"", 1000)


def reset_in_body(body: bytes, claimed: int) -> Reply:
    """Headers and part of the body, then a reset."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, 200, {"Content-Type": "application/json", "Content-Length": str(claimed)})
        handler.wfile.write(body)
        time.sleep(0.02)  # a reset overtakes what was sent just before it
        _reset(handler)

    return reply


def drip(body: bytes, seconds: float) -> Reply:
    """A byte at a time, so slowly that no read ever times out."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, 200, {"Content-Length": str(len(body))})
        for byte in body:
            handler.wfile.write(bytes([byte]))
            time.sleep(seconds)

    return reply


def silent(seconds: float) -> Reply:
    """No answer for so long, then the connection closes."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return reply


def endless() -> Reply:
    """A body that never ends."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, 200, {"Content-Type": "application/json", "Connection": "close"})
        while True:
            handler.wfile.write(b" " * 65536)

    return reply


def gzip_bomb(megabytes: int) -> Reply:
    """A small body that unpacks to a large one."""
    packed = gzip.compress(b" " * (megabytes << 20))
    return answer(body=packed, Content_Encoding="gzip")


@dataclass(slots=True)
class LoopbackServer:
    """Answers requests in the script's order; the last reply is repeated.

    Args:
        script: replies, or a function that chooses one by the request.
        tls: the server's certificate; None for plain http.
        port: the one to listen at; 0 for any that is free.
    """

    script: Sequence[Reply] | Callable[[Received], Reply]
    tls: ssl.SSLContext | None = None
    port: int = 0
    received: list[Received] = field(default_factory=list)
    _server: ThreadingHTTPServer = field(init=False)
    _replies: Iterator[Reply] = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """The server's address."""
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "LoopbackServer":
        if not callable(self.script):
            self._replies = chain(self.script, repeat(self.script[-1]))
        self._server = _QuietServer(("127.0.0.1", self.port), _handler_of(self))
        if self.tls is not None:
            listening = self._server.socket
            self._server.socket = self.tls.wrap_socket(listening, server_side=True)
        serve = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        serve.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reply_to(self, received: Received) -> Reply:
        """Log a request and choose its reply."""
        with self._lock:
            self.received.append(received)
            return self.script(received) if callable(self.script) else next(self._replies)


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a handler may still sleep when its test is over

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are the point of these tests."""


def _handler_of(server: LoopbackServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as inherited
            """Say nothing."""

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            received = Received(
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query)),
                headers={name.title(): value for name, value in self.headers.items()},
                body=body,
            )
            with suppress(ConnectionError):
                server.reply_to(received)(self)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815  their names

    return Handler


def _head(handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str]) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()


def _reset(handler: BaseHTTPRequestHandler) -> None:
    """Close with RST: no orderly end, what is under way is lost."""
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.close_connection = True
    handler.rfile.close()
    handler.connection.close()
