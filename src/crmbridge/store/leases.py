"""Lets one run at a time work on a connection, and stops a late one that lost its turn."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from crmbridge.errors import RetryLaterError
from crmbridge.records import from_millis, to_millis
from crmbridge.store.database import Fence, Store, check_fence
from crmbridge.store.schema import leases
from crmbridge.store.writing import insert_missing

__all__ = ["Fence", "acquire", "break_lease", "check", "ensure_free", "release", "renew"]


def acquire(store: Store, connection: str, holder: str, now: datetime, seconds: float) -> Fence:
    """Take the lease of a connection, if it is free or has expired.

    Args:
        holder: host, process and command, for the message that the next one reads; not "".
        seconds: until it expires unless renewed; > 0.

    Raises:
        RetryLaterError: somebody holds it; the message names the holder, since when and until.
    """
    with store.write() as tx:
        held = _lock(tx, connection)
        if held.holder and held.expires_at > to_millis(now):
            raise _taken(held)
        _set(
            tx,
            connection,
            fence=held.fence + 1,
            holder=holder,
            acquired_at=to_millis(now),
            expires_at=_end(now, seconds),
        )
    return Fence(connection=connection, holder=holder, number=held.fence + 1)


def ensure_free(store: Store, connection: str, now: datetime) -> None:
    """Look whether a lease could be taken, and take none.

    Raises:
        RetryLaterError: somebody holds it.
    """
    with store.read() as tx:
        held = tx.execute(select(leases).where(leases.c.connection == connection)).one_or_none()
    if held is not None and held.holder and held.expires_at > to_millis(now):
        raise _taken(held)


def renew(store: Store, fence: Fence, now: datetime, seconds: float) -> None:
    """Keep a lease for `seconds` from now on.

    Raises:
        RetryLaterError: it is no longer ours.
    """
    with store.write(fence) as tx:
        _set(tx, fence.connection, expires_at=_end(now, seconds))


def check(store: Store, fence: Fence) -> None:
    """Make sure that a lease is ours at this moment: before each send.

    Raises:
        RetryLaterError: it is no longer ours.
    """
    with store.read() as tx:
        check_fence(tx, fence)


def release(store: Store, fence: Fence) -> None:
    """Give a lease back; nothing happens if it is no longer ours."""
    with store.write() as tx:
        if _lock(tx, fence.connection).fence == fence.number:
            _set(tx, fence.connection, fence=fence.number + 1, holder="", expires_at=0)


def break_lease(store: Store, connection: str) -> str:
    """Take a lease away from whoever holds it; their next commit fails.

    Returns:
        The holder it was taken from; "" if it was free.
    """
    with store.write() as tx:
        held = _lock(tx, connection)
        if held.holder:
            _set(tx, connection, fence=held.fence + 1, holder="", expires_at=0)
    return str(held.holder)


def _lock(tx: Connection, connection: str) -> Row[Any]:
    """The connection's row, kept from others until the transaction ends."""
    free = {"holder": "", "fence": 0, "acquired_at": 0, "expires_at": 0}
    insert_missing(tx, leases, [{"connection": connection, **free}])
    query = select(leases).where(leases.c.connection == connection).with_for_update()
    return tx.execute(query).one()


def _set(tx: Connection, connection: str, **values: int | str) -> None:
    tx.execute(leases.update().where(leases.c.connection == connection).values(**values))


def _end(now: datetime, seconds: float) -> int:
    return to_millis(now + timedelta(seconds=seconds))


def _taken(held: Row[Any]) -> RetryLaterError:
    since, until = from_millis(held.acquired_at), from_millis(held.expires_at)
    return RetryLaterError(
        f"connections.{held.connection}",
        "no other run",
        f"one by {held.holder} since {since:%Y-%m-%d %H:%M:%S}Z",
        f"It ends by itself, or its lease expires at {until:%H:%M:%S}Z",
    )
