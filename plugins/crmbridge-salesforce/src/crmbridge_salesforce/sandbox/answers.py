"""Answers as the sandbox gives them, and the ways in which they go wrong on the wire."""

import gzip
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

from crmbridge.testing.loopback import Reply
from crmbridge_salesforce.sandbox.org import Org


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server says to one request."""

    status: int = 200
    document: Any = None
    body: bytes = b""
    kind: str = "application/json;charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """The body."""
        return self.body if self.document is None else json.dumps(self.document).encode()


class RefusedError(Exception):
    """A request that is refused as a whole."""

    def __init__(self, status: int, code: str, message: str, *fields: str) -> None:
        document: dict[str, Any] = {"message": message, "errorCode": code}
        if fields:
            document["fields"] = list(fields)
        self.answer = Answer(status=status, document=[document])
        super().__init__(message)


def not_found() -> RefusedError:
    """What Salesforce says to a path that it does not know."""
    return RefusedError(404, "NOT_FOUND", "The requested resource does not exist")


def reply_with(answer: Answer, org: Org, accepts: str = "") -> Reply:
    """Send an answer with the headers that every one has."""
    content, headers = answer.content(), dict(answer.headers)
    if "gzip" in accepts and len(content) > 2000:
        content, headers["Content-Encoding"] = gzip.compress(content, 1), "gzip"
    named = {
        "Date": format_datetime(org.now(), usegmt=True),
        "Sforce-Limit-Info": f"api-usage={org.calls}/{org.calls_allowed}",
        "Content-Type": answer.kind,
        "Content-Length": str(len(content)),
        **headers,
    }

    def reply(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, answer.status, named)
        if answer.status not in {204, 304}:
            handler.wfile.write(content)

    return reply


def broken_off(answer: Answer, org: Org) -> Reply:
    """Send half of a body, then reset the connection."""
    content = answer.content()
    whole = reply_with(replace(answer, document=None, body=content[: len(content) // 2]), org)

    def reply(handler: BaseHTTPRequestHandler) -> None:
        half = content[: len(content) // 2]
        _head(handler, answer.status, {
            "Date": format_datetime(org.now(), usegmt=True), "Content-Type": answer.kind,
            "Content-Length": str(len(content)), **answer.headers,
        })  # fmt: skip
        handler.wfile.write(half)
        reset(handler)

    return reply if content else whole


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection with no orderly end."""
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.close_connection = True
    handler.rfile.close()
    handler.connection.close()


def _head(handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str]) -> None:
    handler.send_response_only(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
