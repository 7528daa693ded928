"""Keeps erased persons from being taken in again."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select

from crmbridge.pull.mapping import Converted
from crmbridge.pull.work import Work
from crmbridge.records import CHANNELS
from crmbridge.store.erase import erased_among
from crmbridge.store.schema import erased

KEPT_OUT = "pull.erased_person"


def has_erased(tx: Connection) -> bool:
    """Whether anybody was ever erased; without, nobody needs to be looked up."""
    return tx.execute(select(erased.c.digest).limit(1)).first() is not None


def keep_out(tx: Connection, work: Work, converted: Converted) -> Converted:
    """A page without the rows of erased persons, also those that did not fit.

    A person is known by the record's key; contacts, and customers that are persons, also by
    e-mail and phone.
    """
    if work.item.stream not in ("customers", "contacts") or not has_erased(tx):
        return converted
    prefix = f"{work.place.connection}/{work.place.object}/"
    names = {one.id: {f"{prefix}{one.id}".lower()} for one in converted.rejected}
    for row in converted.rows:
        names[row[2]] = {f"{prefix}{row[2]}".lower(), *_names(work, converted, row)}
    gone = erased_among(tx, set().union(*names.values()))
    out = {id_ for id_, known in names.items() if not gone.isdisjoint(known)}
    return _without(work, converted, out) if out else converted


def _names(work: Work, converted: Converted, row: tuple[Any, ...]) -> Iterator[str]:
    values = dict(zip(converted.names, row, strict=True))
    if work.item.stream == "contacts" or values.get("kind") == "person":
        yield from (values[name].lower() for name in ("email", "phone") if values.get(name))


def _without(work: Work, converted: Converted, out: set[str]) -> Converted:
    work.notes[KEPT_OUT, str(work.place)] += len(out)
    facts = {f"{work.place.object}:{id_}:{channel}" for id_ in out for channel in CHANNELS}
    kept = [number for number, row in enumerate(converted.rows) if row[2] not in out]
    place = converted.place
    return replace(
        converted,
        rows=[converted.rows[number] for number in kept],
        rejected=[one for one in converted.rejected if one.id not in out],
        consents=[row for row in converted.consents if row[2] not in facts],
        seen=[pair for pair in converted.seen if pair[0] not in out],
        place=lambda number: place(kept[number]),
    )
