"""Remembers which account each connection is, and refuses another one under the same name."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from crmbridge.errors import ConfigError
from crmbridge.store.schema import connections
from crmbridge.store.writing import put


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A connection as it was first met.

    Args:
        organisation: the account's id, "" where the CRM has none.
        completes: the connection whose records this one completes, "" for none.
        pulled_at: when a pull last finished, ms.
    """

    name: str
    adapter: str
    organisation: str = ""
    completes: str = ""
    first_seen_at: int = 0
    pulled_at: int | None = None


def pin(tx: Connection, account: Account) -> None:
    """Keep an account at its first contact; afterwards make sure that it is the same one.

    Raises:
        ConfigError: the connection speaks to another organisation, or through another adapter,
            than the one whose records the store holds.
    """
    known = get_account(tx, account.name)
    if known is not None:
        _compare(known, account)
    row = {
        "name": account.name,
        "adapter": account.adapter,
        "organisation": account.organisation or (known.organisation if known else ""),
        "completes": account.completes,
        "first_seen_at": account.first_seen_at,
    }
    put(tx, connections, [row], keep=("first_seen_at",))


def _compare(known: Account, now: Account) -> None:
    for name in ("adapter", "organisation"):
        before, after = getattr(known, name), getattr(now, name)
        if before and after and before != after:
            raise ConfigError(
                f"connections.{now.name}",
                f"{name} {before}, whose records the store holds",
                after,
                "Set the connection right, or give the other account a name of its own",
            )


def get_account(tx: Connection, name: str) -> Account | None:
    """The account behind a connection; None before its first contact."""
    row = tx.execute(select(connections).where(connections.c.name == name)).one_or_none()
    return None if row is None else Account(**row._asdict())


def list_accounts(tx: Connection) -> list[Account]:
    """All accounts ever met, by name."""
    rows = tx.execute(select(connections).order_by(connections.c.name))
    return [Account(**row._asdict()) for row in rows]


def mark_pulled(tx: Connection, name: str, at: int) -> None:
    """Keep when a pull of this connection finished, ms."""
    tx.execute(connections.update().where(connections.c.name == name).values(pulled_at=at))


def sources_of(tx: Connection, base: str) -> tuple[str, ...]:
    """The base connection and those that complete it, by name, as feeding queries take them."""
    query = select(connections.c.name).where(connections.c.completes == base)
    return (base, *tx.scalars(query.order_by(connections.c.name)))
