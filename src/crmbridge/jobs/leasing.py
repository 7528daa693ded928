"""Keeps a connection for one run at a time, for as long as the run works on it."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from crmbridge.clock import SystemClock
from crmbridge.errors import CrmbridgeError
from crmbridge.store import Fence, Store
from crmbridge.store.leases import acquire, release, renew

LEASE_SECONDS = 900
"""A run that says nothing for so long is taken for dead; each page and batch renews."""


@contextmanager
def reserved(store: Store, name: str) -> Iterator[Fence]:
    """Keep other runs away from a connection.

    Raises:
        RetryLaterError: another run holds it.
    """
    fence = acquire(store, name, holder(), SystemClock().now(), LEASE_SECONDS)
    try:
        with _kept(store, fence):
            yield fence
    finally:
        release(store, fence)


@contextmanager
def _kept(store: Store, fence: Fence) -> Iterator[None]:
    """Renew a lease from a thread of its own while work goes on, however long a page takes.

    A process that is stopped stops renewing, too; what it then tries to commit is refused.
    """
    done = threading.Event()

    def keep() -> None:
        while not done.wait(LEASE_SECONDS / 3):
            with suppress(CrmbridgeError):  # lost: the next commit says so
                renew(store, fence, SystemClock().now(), LEASE_SECONDS)

    thread = threading.Thread(target=keep, name=f"lease {fence.connection}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def holder() -> str:
    """Who holds a lease, for the one who finds it taken."""
    return f"{socket.gethostname()} process {os.getpid()}"
