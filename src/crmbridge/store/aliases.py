"""Knows into which record a merged one went, through any chain of merges."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from crmbridge.store.schema import aliases
from crmbridge.store.writing import in_parts, put


def add_aliases(
    tx: Connection, connection: str, object_: str, pairs: Sequence[tuple[str, str]], seen_at: int
) -> None:
    """Keep (loser, winner) ids. Chains are shortened as they are written: a winner is final.

    A pair that would close a circle, or names one id twice, changes nothing.
    """
    for loser, winner in pairs:
        final = resolve(tx, connection, object_, [winner]).get(winner, winner)
        if final == loser:
            continue
        row = {"connection": connection, "object": object_, "loser_id": loser}
        put(tx, aliases, [{**row, "winner_id": final, "seen_at": seen_at}], quiet=("seen_at",))
        tx.execute(
            aliases.update()
            .where(
                aliases.c.connection == connection,
                aliases.c.object == object_,
                aliases.c.winner_id == loser,
            )
            .values(winner_id=final)
        )


def resolve(tx: Connection, connection: str, object_: str, ids: Iterable[str]) -> dict[str, str]:
    """Loser -> final winner, for those ids that were merged away; others are left out."""
    found: dict[str, str] = {}
    for part in in_parts(ids):
        query = select(aliases.c.loser_id, aliases.c.winner_id).where(
            aliases.c.connection == connection,
            aliases.c.object == object_,
            aliases.c.loser_id.in_(part),
        )
        found.update((row.loser_id, row.winner_id) for row in tx.execute(query))
    return found
