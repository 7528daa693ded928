"""Writes a page and all that follows from it in one transaction with its position."""

import unicodedata
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection

from crmbridge.adapters import Page, Reading, Rejected
from crmbridge.failpoint import reach
from crmbridge.pull.echo import split_echoes
from crmbridge.pull.erased import keep_out
from crmbridge.pull.extras import raw_id
from crmbridge.pull.held import delete_consents, repoint, set_unmarked, survivors
from crmbridge.pull.mapping import Converted
from crmbridge.pull.owners import owners_of
from crmbridge.pull.unread import take_in_unread
from crmbridge.pull.work import Work
from crmbridge.records import STREAMS, Counts
from crmbridge.store.aliases import add_aliases
from crmbridge.store.field_values import save_seen
from crmbridge.store.positions import Saved, Spot, save_position
from crmbridge.store.quarantine import Quarantined, add_quarantined, resolve_quarantined
from crmbridge.store.records import mark_records
from crmbridge.store.schema import DELETED, record_columns
from crmbridge.store.upsert import upsert_records

ROWS_AT_ONCE = 5_000
_BY_ID = itemgetter(2)

Rows = list[tuple[Any, ...]]


def commit_page(
    work: Work,
    page: Page,
    converted: Converted,
    position: tuple[Spot, Saved] | None,
    deleted: Iterable[str] = (),
) -> None:
    """Commit a page, and count it once it is committed.

    Args:
        position: saved with the rows; None where the page does not close what it covers.
        deleted: ids to mark deleted.
    """
    with work.store.write(work.source.fence) as tx:
        counts, facts, echoed = _write(tx, work, page, converted)
        counts.deleted += mark_deleted(tx, work, deleted)
        if position is not None:
            save_position(tx, *position, work.source.run_id)
        reach("pull.page.upserted")
    work.counts.add(counts)
    work.consents.add(facts)
    work.echoed += echoed
    work.notes.update(converted.notes)
    work.findings.extend(page.findings)
    work.waiting.difference_update(map(_BY_ID, converted.rows))
    work.waiting.update(one.id for one in converted.rejected)
    reach("pull.page.committed")


def _write(
    tx: Connection, work: Work, page: Page, converted: Converted
) -> tuple[Counts, Counts, int]:
    converted = keep_out(tx, work, converted)
    rows, again = _distinct(work, converted)
    rejected = [*converted.rejected, *again]
    work.duplicates += len(again)
    rows = _owned(tx, work, converted.names, resolved(work, converted.names, rows))
    fresh, echoes = split_echoes(tx, work, converted.names, rows)
    set_unmarked(tx, work.place, converted.names, echoes)
    counts = _upsert(tx, work, converted.names, fresh)
    counts.unchanged += len(echoes)
    counts.quarantined = len(rejected)
    counts.read = len(rows) + len(rejected)
    facts = _write_consents(tx, work, converted)
    _keep_seen(tx, work, converted)
    counts.deleted = _write_merges(tx, work, page)
    _resolve_quarantine(tx, work, rows)
    quarantine_rows(tx, work, rejected)
    return counts, facts, len(echoes)


def _distinct(work: Work, converted: Converted) -> tuple[Rows, list[Rejected]]:
    """Rows with each id once: of a snapshot's the first, the others are its mistakes; else the
    last, which is the newest."""
    rows = converted.rows
    by_id = dict(zip(map(_BY_ID, rows), rows, strict=True))
    if len(by_id) == len(rows):
        return rows, []
    if work.ability.reading is not Reading.SNAPSHOT:
        return list(by_id.values()), []
    first: dict[str, int] = {}
    for number, row in enumerate(rows):
        first.setdefault(row[2], number)
    again = [
        duplicate(work, row[2], converted.place(number))
        for number, row in enumerate(rows)
        if first[row[2]] != number
    ]
    return [rows[number] for number in first.values()], again


def duplicate(work: Work, id_: str, place: str) -> Rejected:
    """The rejection of a row whose id an earlier one has."""
    reason = f"{work.item.stream}.id: expected each id once, got {id_!r} again"
    return Rejected(
        id=place or f"{id_} (again)", reason=f"{place}: {reason}" if place else reason, raw=""
    )


def resolved(work: Work, names: Sequence[str], rows: Rows) -> Rows:
    """Rows that refer to survivors where they referred to merged records."""
    for name, winners in work.winners.items():
        if name in names:
            at = names.index(name)
            rows = [
                (*row[:at], winners[row[at]], *row[at + 1 :]) if row[at] in winners else row
                for row in rows
            ]
    return rows


def _owned(tx: Connection, work: Work, names: Sequence[str], rows: Rows) -> Rows:
    """Customers without an owner with that of their latest deal, if the settings want it."""
    takes = work.source.owner_from == "deals" and work.item.stream == "customers"
    if not takes or "owner_id" not in names:
        return rows
    at = names.index("owner_id")
    owners = owners_of(tx, work.source, [row[2] for row in rows if row[at] is None])
    return [
        (*row[:at], owners[row[2]], *row[at + 1 :]) if row[at] is None and row[2] in owners else row
        for row in rows
    ]


def _upsert(tx: Connection, work: Work, names: tuple[str, ...], rows: Rows) -> Counts:
    counts = Counts()
    for start in range(0, len(rows), ROWS_AT_ONCE):
        done = upsert_records(
            tx,
            work.item.stream,
            rows[start : start + ROWS_AT_ONCE],
            work.source.run_id,
            columns=names,
        )
        counts.add(Counts(new=done.new, changed=done.changed, unchanged=done.unchanged))
    return counts


def _write_consents(tx: Connection, work: Work, converted: Converted) -> Counts:
    if gone := work.stated.among(converted.consents_gone):
        delete_consents(tx, work.place.key, gone)
    facts = list({row[2]: row for row in converted.consents}.values())
    if not facts:
        return Counts()
    work.stated.add(row[2] for row in facts)
    names = record_columns(STREAMS["consents"])
    done = upsert_records(tx, "consents", facts, work.source.run_id, columns=names)
    return Counts(read=len(facts), new=done.new, changed=done.changed, unchanged=done.unchanged)


def _keep_seen(tx: Connection, work: Work, converted: Converted) -> None:
    if not converted.seen or work.mapping is None:
        return
    fields = work.mapping.written_names()
    versions = _versions(converted)
    values = [
        (id_, name, value, versions.get(id_) or "")
        for id_, shown in dict(converted.seen).items()
        for name, value in zip(fields, shown, strict=True)
    ]
    save_seen(tx, work.place.key, values, work.now)


def _versions(converted: Converted) -> dict[str, str]:
    if "version" not in converted.names:
        return {}
    at = converted.names.index("version")
    return {row[2]: row[at] for row in converted.rows}


def mark_deleted(tx: Connection, work: Work, ids: Iterable[str]) -> int:
    """Mark records deleted; how many were not yet."""
    gone, run_id = list(ids), work.source.run_id
    take_in_unread(tx, work.place, gone, run_id)
    return mark_records(tx, work.item.stream, work.place.key, gone, DELETED, run_id)


def _write_merges(tx: Connection, work: Work, page: Page) -> int:
    """Remember merged records, mark the losers deleted and point what names them to survivors."""
    merged = [(canonical_id(loser), canonical_id(winner)) for loser, winner in page.merged]
    if not merged:
        return 0
    add_aliases(tx, *work.place.key, merged, work.now)
    known = survivors(tx, work.source.connection, [work.item.object])
    touched = {id_ for pair in merged for id_ in pair}
    changed = {loser: end for loser, end in known.items() if loser in touched or end in touched}
    repoint(tx, work.place, changed, work.source.run_id)
    for one in work.item.records.fields:
        if one.refers_to == work.item.stream:
            work.winners.setdefault(one.name, {}).update(known)
    return mark_deleted(tx, work, [loser for loser, winner in merged if loser != winner])


def canonical_id(raw: str) -> str:
    """An id as conversions keep it."""
    return raw if raw.isascii() else unicodedata.normalize("NFC", raw)


def _resolve_quarantine(tx: Connection, work: Work, rows: Rows) -> None:
    if work.waiting:
        good = [row[2] for row in rows if row[2] in work.waiting]
        resolve_quarantined(tx, *work.place.key, good)


def quarantine_rows(tx: Connection, work: Work, rejected: Sequence[Rejected]) -> None:
    """Keep rows that could not be taken in."""
    if not rejected:
        return
    connection, object_ = work.place.key
    now = work.now
    add_quarantined(
        tx,
        [
            Quarantined(
                connection=connection,
                object=object_,
                record_id=one.id or raw_id(one.reason + one.raw),
                stream=work.item.stream,
                reason=one.reason,
                raw=one.raw,
                run_id=work.source.run_id,
                first_at=now,
                last_at=now,
            )
            for one in rejected
        ],
    )
