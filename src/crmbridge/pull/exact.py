"""Reads a snapshot again with all its ids, to name those it lacks and those it shows twice."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crmbridge.adapters import ReadRequest, Rejected
from crmbridge.pull.commit import duplicate, quarantine_rows, resolved
from crmbridge.pull.mapping import Converted, wanted_fields
from crmbridge.pull.work import Work
from crmbridge.store.records import absent, add_seen, begin_sweep
from crmbridge.store.upsert import upsert_records


def find_vanished(work: Work) -> list[str]:
    """Ids of live records that a snapshot does not show.

    Where an id comes twice, the first row with it is put back and the later ones are quarantined.
    """
    met: set[int] = set()
    twice: set[str] = set()
    with work.store.read() as tx:
        begin_sweep(tx)
        for converted in _read_again(work):
            ids = [row[2] for row in converted.rows]
            add_seen(tx, [*ids, *(one.id for one in converted.rejected)])
            for id_ in ids:  # hashes, since a million ids would fill the memory
                if hash(id_) in met:
                    twice.add(id_)
                met.add(hash(id_))
        vanished = absent(tx, work.item.stream, *work.place.key)
    if twice:
        _settle(work, twice)
    return vanished


def _read_again(work: Work) -> Iterator[Converted]:
    fields = wanted_fields(work.item.fields, work.source.options(work.item))
    for page in work.source.open.read(ReadRequest(object=work.item.object, fields=fields)):
        yield work.convert(page)


@dataclass(slots=True)
class _Twice:
    names: tuple[str, ...]
    first: dict[str, tuple[Any, ...]]
    again: list[Rejected]


def _settle(work: Work, twice: set[str]) -> None:
    found = _Twice((), {}, [])
    for converted in _read_again(work):
        for number, row in enumerate(converted.rows):
            if row[2] in found.first:
                found.again.append(duplicate(work, row[2], converted.place(number)))
            elif row[2] in twice:
                found.first[row[2]] = row
                found.names = converted.names
    with work.store.write(work.source.fence) as tx:
        rows = resolved(work, found.names, list(found.first.values()))
        done = upsert_records(tx, work.item.stream, rows, work.source.run_id, columns=found.names)
        quarantine_rows(tx, work, found.again)
    _recount(work, len(found.again), done.changed)


def _recount(work: Work, again: int, restored: int) -> None:
    """Rows that were counted when they overwrote an earlier one are quarantined after all.

    Duplicates within a page were quarantined when the page was committed; they are in `again`,
    too, but not in what was taken in.
    """
    counts = work.counts
    late = again - work.duplicates
    changed = min(restored, late, counts.changed)
    counts.changed -= changed
    counts.unchanged -= late - changed
    counts.quarantined += late
