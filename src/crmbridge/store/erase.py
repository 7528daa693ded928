"""Erases a person from the store for good, and remembers only enough to keep them out."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, Table, select

from crmbridge.store.database import Store, get_meta, set_meta
from crmbridge.store.persons import Person, places
from crmbridge.store.schema import audit, changeset_items, erased, plans
from crmbridge.store.writing import in_parts, insert_missing

_SALT = "erase.salt"

_BLANKED: dict[str, dict[str, str]] = {
    audit.name: {"record_id": "", "detail": "erased"},
    changeset_items.name: {
        "record_id": "", "key": "", "changes": "[]", "parent": "", "reason": "erased",
        "error": "", "remote_id": "",
    },
    plans.name: {"problem": "{}"},
}  # fmt: skip
"""What stays as a line of history, without what was said in it."""


def erase_person(store: Store, person: Person, at: int) -> dict[str, int]:
    """Delete all that is held on a person, and keep a salted hash of each of their names.

    An open changeset that named the person no longer matches its digest and has to be decided
    again. In SQLite the file is rewritten, so that no trace stays in free pages, and backups that
    upgrades kept are deleted; other backups are their owner's to erase.

    Args:
        at: ms.

    Returns:
        Table -> rows deleted or blanked; tables without any are left out.
    """
    with store.write() as tx:
        touched = {table.name: _erase(tx, table, rows) for table, rows in places(person)}
        marks = [{"digest": digest, "at": at} for digest in _digests(tx, person.names)]
        insert_missing(tx, erased, marks)
    store.rewrite()
    return {name: count for name, count in touched.items() if count}


def erased_among(tx: Connection, names: Iterable[str]) -> set[str]:
    """Those of these names that belong to erased persons.

    Args:
        names: ``connection/object/id``, e-mail addresses, phone numbers; in any case.
    """
    if tx.scalar(select(erased.c.digest).limit(1)) is None:
        return set()
    by_digest = _digests(tx, names)
    found: set[str] = set()
    for part in in_parts(by_digest):
        digests = tx.scalars(select(erased.c.digest).where(erased.c.digest.in_(part)))
        found |= {by_digest[digest] for digest in digests}
    return found


def _erase(tx: Connection, table: Table, rows: ColumnElement[bool]) -> int:
    blank = _BLANKED.get(table.name)
    if blank is None:
        return tx.execute(table.delete().where(rows)).rowcount
    return tx.execute(table.update().where(rows).values(**blank)).rowcount


def _digests(tx: Connection, names: Iterable[str]) -> dict[str, str]:
    """Digest -> name. The salt keeps a list of known addresses from being tried on a stolen file
    of digests alone; with the whole store at hand it does not."""
    salt = get_meta(tx, _SALT)
    if not salt:
        salt = secrets.token_hex(32)
        set_meta(tx, _SALT, salt)
    key = bytes.fromhex(salt)
    return {
        hmac.new(key, name.lower().encode(), hashlib.sha256).hexdigest(): name for name in names
    }
