"""Keeps the score of each record with its reasons; equal scores are not rewritten."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from crmbridge.records import Reason, RecordKey
from crmbridge.store.reasons import reasons_of, reasons_text
from crmbridge.store.schema import scores
from crmbridge.store.writing import in_parts, put_rows

_NAMES = ("connection", "object", "id", "score", "tier", "reasons", "model", "as_of", "run_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A record's score.

    Args:
        reasons: their weights sum to the score.
        as_of: the decision time, ms.
    """

    key: RecordKey
    score: float
    tier: str = ""
    reasons: tuple[Reason, ...] = ()
    model: str
    as_of: int
    run_id: int


def save_scores(tx: Connection, found: Iterable[Score]) -> int:
    """Keep scores.

    Returns:
        How many are new or differ; one that is the same keeps the time and run it had.
    """
    rows = (
        (
            *(one.key.connection, one.key.object, one.key.id, one.score, one.tier),
            *(reasons_text(one.reasons), one.model, one.as_of, one.run_id),
        )
        for one in found
    )
    return put_rows(tx, scores, _NAMES, rows, quiet=("as_of", "run_id"))


def load_scores(tx: Connection, connections: tuple[str, ...]) -> list[Score]:
    """Scores of the records of some connections, by key."""
    query = (
        select(*(scores.c[name] for name in _NAMES))
        .where(scores.c.connection.in_(connections))
        .order_by(scores.c.connection, scores.c.object, scores.c.id)
    )
    return [
        Score(
            key=RecordKey(row.connection, row.object, row.id),
            score=row.score,
            tier=row.tier,
            reasons=reasons_of(row.reasons),
            model=row.model,
            as_of=row.as_of,
            run_id=row.run_id,
        )
        for row in tx.execute(query)
    ]


def drop_scores(tx: Connection, keys: Iterable[RecordKey]) -> int:
    """Forget the scores of records that are gone.

    Returns:
        How many there were.
    """
    dropped = 0
    for connection, object_, ids in _by_object(keys):
        for part in in_parts(ids):
            of = (scores.c.connection == connection, scores.c.object == object_)
            dropped += tx.execute(scores.delete().where(*of, scores.c.id.in_(part))).rowcount
    return dropped


def _by_object(keys: Iterable[RecordKey]) -> list[tuple[str, str, list[str]]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for key in keys:
        groups.setdefault((key.connection, key.object), []).append(key.id)
    return [(connection, object_, ids) for (connection, object_), ids in groups.items()]
