"""The record of who did what; lines are added and never changed, except by erasing a person."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

from sqlalchemy import Connection, select

from crmbridge.store.schema import audit
from crmbridge.store.writing import insert_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One thing that somebody did.

    Args:
        at: ms.
        actor: who asked for it.
        detail: one line, without secrets and personal data.
    """

    at: int
    actor: str
    action: str
    run_id: int | None = None
    changeset: str = ""
    item: str = ""
    connection: str = ""
    object: str = ""
    record_id: str = ""
    operation: str = ""
    status: str = ""
    detail: str = ""


_NAMES = tuple(item.name for item in fields(AuditLine))


def add_audit(tx: Connection, lines: Iterable[AuditLine]) -> None:
    """Add lines."""
    insert_rows(tx, audit, _NAMES, (tuple(getattr(line, n) for n in _NAMES) for line in lines))


def list_audit(tx: Connection, *, changeset: str = "", limit: int = 1000) -> list[AuditLine]:
    """The latest lines, oldest first; of one changeset or of all."""
    query = select(*(audit.c[name] for name in _NAMES)).order_by(audit.c.number.desc())
    if changeset:
        query = query.where(audit.c.changeset == changeset)
    return [AuditLine(**row) for row in tx.execute(query.limit(limit)).mappings()][::-1]
