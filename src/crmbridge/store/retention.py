"""Throws away what was kept long enough."""

from sqlalchemy import Connection, select

from crmbridge.store.schema import changeset_items, changesets, quarantine, runs

DAY = 86_400_000


def throw_away(
    tx: Connection, now: int, *, quarantine_days: int, runs_days: int, changesets_days: int
) -> dict[str, int]:
    """Delete old quarantined rows, ended runs and changesets that were applied or superseded.

    Args:
        now: ms.
        quarantine_days: since the row was last refused; 0 keeps for ever, as of the others.

    Returns:
        Table -> rows deleted.
    """
    gone: dict[str, int] = {}
    if quarantine_days:
        old = quarantine.c.last_at < now - quarantine_days * DAY
        gone["quarantine"] = tx.execute(quarantine.delete().where(old)).rowcount
    if runs_days:
        ended = runs.c.finished_at < now - runs_days * DAY
        gone["runs"] = tx.execute(runs.delete().where(ended)).rowcount
    if changesets_days:
        closed = select(changesets.c.id).where(
            changesets.c.state.in_(["applied", "superseded", "undone"]),
            changesets.c.created_at < now - changesets_days * DAY,
        )
        items = changeset_items.delete().where(changeset_items.c.changeset.in_(closed))
        gone["changeset_items"] = tx.execute(items).rowcount
        heads = changesets.delete().where(changesets.c.id.in_(closed))
        gone["changesets"] = tx.execute(heads).rowcount
    return gone
