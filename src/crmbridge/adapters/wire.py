"""Pooled connections whose every read obeys a total deadline."""

import http.client
import io
import socket
import ssl
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Any

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from crmbridge.adapters.limits import Limits
from crmbridge.adapters.origin import Origin, is_loopback

_thread = threading.local()


def set_deadline(seconds: float) -> None:
    """From now on, answers that this thread waits for must be complete within so long."""
    _thread.deadline = time.monotonic() + seconds


class _DeadlineReader(io.RawIOBase):
    """Reads a socket until its deadline.

    The socket's own time-out starts anew with every byte, so a server that drips one byte a
    second could hold us for ever.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._patience = sock.gettimeout()
        self._deadline: float = getattr(_thread, "deadline", float("inf"))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer was not complete in time")
        self._sock.settimeout(left if self._patience is None else min(left, self._patience))
        return self._sock.recv_into(buffer)


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        plain = self.fp
        self.fp = io.BufferedReader(_Owned(sock, plain), 65536)


class _Owned(_DeadlineReader):
    """Keeps the file that http.client made, so that closing one lets go of the socket."""

    def __init__(self, sock: socket.socket, plain: Any) -> None:
        super().__init__(sock)
        self._plain = plain

    def close(self) -> None:
        self._plain.close()
        super().close()


class _PlainConnection(HTTPConnection):
    response_class = _DeadlineResponse


class _TlsConnection(HTTPSConnection):
    response_class = _DeadlineResponse


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


@dataclass(slots=True)
class Pools:
    """One pool of connections per origin, shared by all threads.

    Certificates are always verified, against the system's authorities or, where it has none,
    certifi's.
    """

    limits: Limits
    _pools: dict[tuple[str, str, int], HTTPConnectionPool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, origin: Origin) -> HTTPConnectionPool:
        """The pool of an origin."""
        key = (origin.scheme, origin.host, origin.port)
        with self._lock:
            if key not in self._pools:
                self._pools[key] = self._make(origin)
            return self._pools[key]

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()

    def _make(self, origin: Origin) -> HTTPConnectionPool:
        timeout = urllib3.Timeout(
            connect=self.limits.connect_seconds, read=self.limits.read_seconds
        )
        host, size = origin.host.strip("[]"), max(self.limits.concurrent, 1)
        if origin.scheme == "http":
            return _PlainPool(host, origin.port, timeout=timeout, maxsize=size)
        proxy = _proxy(origin.host) if self.limits.trust_env else None
        return _TlsPool(
            host,
            origin.port,
            timeout=timeout,
            maxsize=size,
            ssl_context=_verifying(),
            _proxy=urllib3.util.parse_url(proxy) if proxy else None,
        )


def _verifying() -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        context.load_verify_locations(certifi.where())
    return context


def _proxy(host: str) -> str | None:
    """The proxy that the environment names, on request of the settings only."""
    if is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get("https")
