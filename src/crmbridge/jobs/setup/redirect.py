"""Serves the one page on this machine that a browser comes back to after signing in."""

import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from crmbridge.errors import ConfigError, SignInError

PATH = "/callback"
PATIENCE_SECONDS = 300.0
"""How long a person may take at the browser."""

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>crmbridge</title>
<p>{words}</p></html>"""
_TAKEN = "Received. You can close this page; the terminal says how it went."
_TOO_LATE = "This sign-in was answered before. Start again in the terminal."


@dataclass(slots=True, kw_only=True)
class RedirectPage:
    """A page on 127.0.0.1 that takes exactly one redirect; entered, it listens.

    Nothing of what comes back is judged or shown here: whether it answers our own request only
    the adapter knows, by the state that it sent.

    Args:
        where: the connection, for errors.
        host: what the browser calls this machine.
        port: the one to listen at; 0 for any that is free.
    """

    where: str
    host: str = "127.0.0.1"
    port: int = 0
    patience_seconds: float = PATIENCE_SECONDS
    _came: "queue.Queue[Mapping[str, str]]" = field(default_factory=lambda: queue.Queue(1))
    _server: ThreadingHTTPServer = field(init=False)

    def __enter__(self) -> "RedirectPage":
        try:
            self._server = _Server(("127.0.0.1", self.port), _handler_of(self._came))
        except OSError as error:
            where = f"{self.where}.auth.redirect_port"
            next_step = "Name another that the CRM's app allows, or end what listens there"
            raise ConfigError(where, "a free port", str(self.port), next_step) from error
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The page's address, as the CRM must send the browser to."""
        return f"http://{self.host}:{self._server.server_address[1]}{PATH}"

    def wait(self) -> Mapping[str, str]:
        """The query of the redirect.

        Raises:
            SignInError: nobody came back in time.
        """
        try:
            return self._came.get(timeout=self.patience_seconds)
        except queue.Empty:
            raise SignInError(
                self.where,
                f"the browser to come back to {self.url}",
                f"nobody within {self.patience_seconds:g} s",
                "Connect again; on a machine without a browser use --way device or --way paste",
            ) from None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # browsers open connections in advance and say nothing on them

    def server_bind(self) -> None:
        """Bind without looking the machine's name up, which might ask a server on the network."""
        TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up has been told all it needs."""


def _handler_of(came: "queue.Queue[Mapping[str, str]]") -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as inherited
            """The address holds the code: it is logged nowhere."""

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path != PATH:
                self._say(404, "There is nothing here.")
                return
            try:
                came.put_nowait(dict(parse_qsl(parts.query, keep_blank_values=True)))
            except queue.Full:
                self._say(410, _TOO_LATE)
                return
            self._say(200, _TAKEN)

        def _say(self, status: int, words: str) -> None:
            content = _PAGE.format(words=words).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(content)

    return Handler
