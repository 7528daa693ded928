"""What the store holds of an object, as a pull asks for it and changes it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import orjson
from sqlalchemy import ColumnElement, Connection, and_, bindparam, or_, select, update

from crmbridge.records import STREAMS, Kind
from crmbridge.store.schema import (
    DELETED,
    LIVE,
    RECORDS,
    aliases,
    audit,
    field_values,
    quarantine,
)
from crmbridge.store.writing import in_parts

Tally = tuple[int, int]
"""Number and check sum of ids, in any order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whose records: an object of a connection, in a stream's table."""

    connection: str
    object: str
    stream: str

    @property
    def key(self) -> tuple[str, str]:
        """Connection and object, as the store's functions take them."""
        return self.connection, self.object

    def __str__(self) -> str:
        return f"connections.{self.connection}.{self.object}"

    def here(self) -> ColumnElement[bool]:
        """The condition that a record is of this object."""
        columns = RECORDS[self.stream].c
        return and_(columns.connection == self.connection, columns.object == self.object)


def tally(ids: Iterable[str]) -> Tally:
    """The tally of ids: equal tallies mean equal ids.

    A set of a million ids costs 100 MB, this nothing. The sum of CRC-32 is blind to one in four
    thousand millions of differences; the periodic sweep is not.
    """
    sums = [*map(crc32, map(str.encode, ids))]
    return len(sums), sum(sums)


def live_tally(tx: Connection, place: Place) -> Tally:
    """The tally of the live records' ids: that of all, which an index holds, less the others'."""
    held = _tally_where(tx, place, "")
    gone = _tally_where(tx, place, f" AND record_state <> {LIVE}")
    return held[0] - gone[0], held[1] - gone[1]


def _tally_where(tx: Connection, place: Place, condition: str) -> Tally:
    """Through the driver: twice as fast for a million."""
    mark = "?" if tx.dialect.name == "sqlite" else "%s"
    cursor = tx.connection.cursor()
    cursor.execute(
        f'SELECT id FROM "{place.stream}" WHERE connection = {mark} AND object = {mark}{condition}',
        place.key,
    )
    count = total = 0
    while part := cursor.fetchmany(10_000):
        more, add = tally(row[0] for row in part)
        count, total = count + more, total + add
    cursor.close()
    return count, total


def live_among(tx: Connection, place: Place, ids: Iterable[str]) -> set[str]:
    """Those of these ids that are live records."""
    columns = RECORDS[place.stream].c
    live = select(columns.id).where(place.here(), columns.record_state == LIVE)
    found: set[str] = set()
    for part in in_parts(ids):
        found.update(tx.execute(live.where(columns.id.in_(part))).scalars())
    return found


def held_consents(tx: Connection, key: tuple[str, str], most: int) -> list[str]:
    """Ids of the live facts that an object's records state, at most so many."""
    table = RECORDS["consents"].c
    query = select(table.id).where(
        table.connection == key[0], table.object == key[1], table.record_state == LIVE
    )
    return list(tx.execute(query.limit(most)).scalars())


def delete_consents(tx: Connection, key: tuple[str, str], ids: Sequence[str]) -> None:
    """Mark consents deleted that are no longer stated; all in one statement, since of many ids
    a driver's own list costs less than a parameter each."""
    is_sqlite = tx.dialect.name == "sqlite"
    among = "IN (SELECT value FROM json_each(?))" if is_sqlite else "= ANY(%s)"
    mark = "?" if is_sqlite else "%s"
    tx.exec_driver_sql(
        f"""UPDATE consents SET record_state = {DELETED}
        WHERE connection = {mark} AND object = {mark} AND record_state = {LIVE} AND id {among}""",
        (*key, orjson.dumps(ids).decode() if is_sqlite else list(ids)),
    )


def has_any(tx: Connection, place: Place) -> bool:
    """Whether any record of this object is held, in whatever state."""
    query = select(RECORDS[place.stream].c.id).where(place.here()).limit(1)
    return tx.execute(query).first() is not None


def blank(tx: Connection, place: Place, kept: Iterable[str], run_id: int) -> None:
    """Empty the columns that a changed mapping no longer fills."""
    table = RECORDS[place.stream]
    gone = [name for name in STREAMS[place.stream].by_name if name not in set(kept)]
    if not gone:
        return
    filled = or_(*(table.c[name].is_not(None) for name in gone))
    values: dict[str, Any] = {**dict.fromkeys(gone), "changed_run": run_id}
    tx.execute(update(table).where(place.here(), filled).values(values))


def quarantined_ids(tx: Connection, place: Place, not_of_run: int = -1) -> set[str]:
    """Names under which records of this object wait in quarantine.

    Args:
        not_of_run: leave out those that this run refused.
    """
    query = select(quarantine.c.record_id).where(
        quarantine.c.connection == place.connection,
        quarantine.c.object == place.object,
        quarantine.c.run_id != not_of_run,
    )
    return set(tx.execute(query).scalars())


def survivors(tx: Connection, connection: str, objects: Iterable[str]) -> dict[str, str]:
    """Loser -> final survivor, of all merged records of these objects."""
    query = select(aliases.c.loser_id, aliases.c.winner_id).where(
        aliases.c.connection == connection, aliases.c.object.in_(list(objects))
    )
    return {row.loser_id: row.winner_id for row in tx.execute(query)}


def repoint(tx: Connection, place: Place, winners: Mapping[str, str], run_id: int) -> None:
    """Point what refers to merged records of an object to their survivors."""
    if not winners:
        return
    pairs = [{"loser": loser, "winner": winner} for loser, winner in winners.items()]
    for stream, definition in STREAMS.items():
        table = RECORDS[stream]
        for field in definition.fields:
            if field.kind is Kind.ID and field.refers_to == place.stream:
                column = table.c[field.name]
                statement = (
                    update(table)
                    .where(table.c.connection == place.connection, column == bindparam("loser"))
                    .values({field.name: bindparam("winner"), "changed_run": run_id})
                )
                tx.execute(statement, pairs)


def has_written(tx: Connection, place: Place) -> bool:
    """Whether we ever wrote to records of this object."""
    query = select(field_values.c.id).where(
        field_values.c.connection == place.connection,
        field_values.c.object == place.object,
        field_values.c.written.is_not(None),
    )
    return tx.execute(query.limit(1)).first() is not None


def set_unmarked(
    tx: Connection, place: Place, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Overwrite rows without marking them changed."""
    if not rows:
        return
    table = RECORDS[place.stream]
    values: dict[str, Any] = {name: bindparam(f"b_{name}") for name in names[3:]}
    statement = update(table).where(place.here(), table.c.id == bindparam("b_id")).values(values)
    tx.execute(statement, [{f"b_{n}": v for n, v in zip(names, row, strict=True)} for row in rows])


def audit_shrink(tx: Connection, place: Place, number: int, run_id: int, now: int) -> None:
    """Write down that a person accepted that so many records disappear."""
    tx.execute(
        audit.insert().values(
            at=now,
            actor="--accept-shrink",
            run_id=run_id,
            action="pull.shrink_accepted",
            changeset="",
            item="",
            connection=place.connection,
            object=place.object,
            record_id="",
            operation="delete",
            status="accepted",
            detail=f"{number} records",
        )
    )
