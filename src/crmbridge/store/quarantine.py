"""Keeps records that could not be taken in, with the reason, until they can be or are given up."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select

from crmbridge.store.schema import quarantine
from crmbridge.store.writing import in_parts, put

RAW_LIMIT = 4096
"""Characters of the raw row that are kept."""

_REASON_LIMIT = 500
_KEY = ("connection", "object", "record_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A record that waits.

    Args:
        record_id: its id, or a name for its place (``file.csv:17``) where it has none.
        raw: the row as it came, cut at `RAW_LIMIT`.
        first_at: when it was first refused, ms.
        last_at: when it was last refused, ms.
    """

    connection: str
    object: str
    record_id: str
    stream: str
    reason: str
    raw: str
    run_id: int
    first_at: int
    last_at: int


def add_quarantined(tx: Connection, records: Sequence[Quarantined]) -> None:
    """Keep refused records; one that waits already gets the new reason and keeps its first time."""
    rows = {(r.connection, r.object, r.record_id): _row(r) for r in records}
    put(tx, quarantine, list(rows.values()), key=_KEY, keep=("first_at",))


def list_quarantined(
    tx: Connection, connection: str = "", limit: int | None = None
) -> list[Quarantined]:
    """Waiting records, latest first; of one connection or of all."""
    query = select(quarantine).order_by(quarantine.c.last_at.desc(), quarantine.c.number.desc())
    if connection:
        query = query.where(quarantine.c.connection == connection)
    rows = tx.execute(query.limit(limit)).mappings()
    return [Quarantined(**{k: v for k, v in row.items() if k != "number"}) for row in rows]


def count_quarantined(tx: Connection) -> dict[tuple[str, str], int]:
    """(connection, object) -> how many wait."""
    group = (quarantine.c.connection, quarantine.c.object)
    rows = tx.execute(select(*group, func.count()).group_by(*group))
    return {(row[0], row[1]): row[2] for row in rows}


def resolve_quarantined(
    tx: Connection, connection: str, object_: str, record_ids: Sequence[str]
) -> int:
    """Let go of records that were taken in after all, or are given up.

    Returns:
        How many waited.
    """
    resolved = 0
    for some in in_parts(record_ids):
        query = delete(quarantine).where(
            quarantine.c.connection == connection,
            quarantine.c.object == object_,
            quarantine.c.record_id.in_(some),
        )
        resolved += tx.execute(query).rowcount
    return resolved


def _row(record: Quarantined) -> dict[str, str | int]:
    row = {name: getattr(record, name) for name in Quarantined.__slots__}
    return {**row, "raw": record.raw[:RAW_LIMIT], "reason": record.reason[:_REASON_LIMIT]}
