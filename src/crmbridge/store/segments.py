"""Keeps the segment of each record with its reasons; equal segments are not rewritten."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from crmbridge.records import Reason, RecordKey
from crmbridge.store.reasons import reasons_of, reasons_text
from crmbridge.store.schema import segments
from crmbridge.store.writing import put_rows

_NAMES = (
    "connection", "object", "id", "segment", "name", "reasons", "model", "valid_from",
    "min_dwell_until", "manual", "expires_at", "run_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A record's segment.

    Args:
        segment: stable id; `name` is what people read.
        valid_from: since when, ms.
        min_dwell_until: until when it is kept at least, ms.
        manual: a person set it; it holds until `expires_at` (ms), for ever where that is None.
    """

    key: RecordKey
    segment: str
    name: str = ""
    reasons: tuple[Reason, ...] = ()
    model: str
    valid_from: int
    run_id: int
    min_dwell_until: int | None = None
    manual: bool = False
    expires_at: int | None = None


def save_segments(tx: Connection, found: Iterable[Segment]) -> int:
    """Keep segments.

    Returns:
        How many are new or differ; one that is the same keeps the run it had.
    """
    rows = (
        (
            *(one.key.connection, one.key.object, one.key.id, one.segment, one.name),
            *(reasons_text(one.reasons), one.model, one.valid_from, one.min_dwell_until),
            *(int(one.manual), one.expires_at, one.run_id),
        )
        for one in found
    )
    return put_rows(tx, segments, _NAMES, rows, quiet=("run_id",))


def load_segments(tx: Connection, connection: str) -> list[Segment]:
    """Segments of a connection's records, by key."""
    query = (
        select(*(segments.c[name] for name in _NAMES))
        .where(segments.c.connection == connection)
        .order_by(segments.c.object, segments.c.id)
    )
    return [
        Segment(
            key=RecordKey(row.connection, row.object, row.id),
            segment=row.segment,
            name=row.name,
            reasons=reasons_of(row.reasons),
            model=row.model,
            valid_from=row.valid_from,
            min_dwell_until=row.min_dwell_until,
            manual=bool(row.manual),
            expires_at=row.expires_at,
            run_id=row.run_id,
        )
        for row in tx.execute(query)
    ]
