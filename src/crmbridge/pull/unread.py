"""Takes in records of ours that people took away before any pull had shown them.

Otherwise nobody would know of a visit that a rep deleted the evening it was written, and it would
be planned on.
"""

from collections.abc import Collection

from sqlalchemy import Connection, select

from crmbridge.pull.held import Place
from crmbridge.records import STREAMS
from crmbridge.store.records import fetch_records
from crmbridge.store.schema import RECORD_KEY, changeset_items
from crmbridge.store.upsert import upsert_records
from crmbridge.store.writing import in_parts

_KEY = "visit_key"
"""The field that holds our key; streams without it hold no records of ours."""


def unread_of_ours(tx: Connection, place: Place, ids: Collection[str]) -> dict[str, str]:
    """id -> our key, of records that we wrote and that no pull has shown."""
    if not ids or _KEY not in STREAMS[place.stream].by_name:
        return {}
    keys = _written_keys(tx, place, ids)
    held = fetch_records(tx, place.stream, place.key, keys, ("id",)) if keys else {}
    return {id_: key for id_, key in sorted(keys.items()) if id_ not in held}


def take_in_unread(tx: Connection, place: Place, ids: Collection[str], run_id: int) -> None:
    """Keep those among these records that are ours and unread, by their keys alone.

    Args:
        ids: of records that are gone; the caller marks them.
    """
    rows = [(*place.key, *pair) for pair in unread_of_ours(tx, place, ids).items()]
    upsert_records(tx, place.stream, rows, run_id, columns=(*RECORD_KEY, _KEY))


def _written_keys(tx: Connection, place: Place, ids: Collection[str]) -> dict[str, str]:
    """id -> our key, of the records that we wrote."""
    items = changeset_items
    query = select(items.c.remote_id, items.c.key).where(
        items.c.connection == place.connection, items.c.object == place.object, items.c.key != ""
    )
    return {
        row.remote_id: row.key
        for part in in_parts(ids)
        for row in tx.execute(query.where(items.c.remote_id.in_(part)))
    }
