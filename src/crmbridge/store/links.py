"""Keeps associations between records, as the CRM lists them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, select

from crmbridge.store.schema import links
from crmbridge.store.writing import in_parts, put_rows

_COLUMNS = (
    "connection", "from_object", "to_object", "from_id", "to_id", "type", "label", "seen_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Between which objects of a connection links go."""

    connection: str
    from_object: str
    to_object: str


@dataclass(frozen=True, slots=True)
class StoredLink:
    """One association."""

    from_id: str
    to_id: str
    type: str = ""
    label: str = ""


def replace_links(
    tx: Connection, pair: Pair, from_ids: Sequence[str], found: Sequence[StoredLink], seen_at: int
) -> int:
    """Make the links of these records the ones found: those that are gone go, others stay.

    Returns:
        How many links came or changed; a link that only went is not counted.
    """
    wanted = {(link.from_id, link.to_id, link.type): link for link in found}
    gone = [link for link in list_links(tx, pair, from_ids) if _key(link) not in wanted]
    for link in gone:
        tx.execute(
            delete(links).where(
                *_between(pair),
                links.c.from_id == link.from_id,
                links.c.to_id == link.to_id,
                links.c.type == link.type,
            )
        )
    head = (pair.connection, pair.from_object, pair.to_object)
    rows = ((*head, *_key(link), link.label, seen_at) for link in wanted.values())
    return put_rows(tx, links, _COLUMNS, rows, quiet=("seen_at",))


def list_links(tx: Connection, pair: Pair, from_ids: Iterable[str]) -> list[StoredLink]:
    """The links of these records, by from and to."""
    found = []
    for part in in_parts(from_ids):
        query = select(links.c.from_id, links.c.to_id, links.c.type, links.c.label).where(
            *_between(pair), links.c.from_id.in_(part)
        )
        found += [StoredLink(*row) for row in tx.execute(query)]
    return sorted(found, key=_key)


def _between(pair: Pair) -> tuple[ColumnElement[bool], ...]:
    return (
        links.c.connection == pair.connection,
        links.c.from_object == pair.from_object,
        links.c.to_object == pair.to_object,
    )


def _key(link: StoredLink) -> tuple[str, str, str]:
    return (link.from_id, link.to_id, link.type)
