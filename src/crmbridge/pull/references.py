"""Looks at references that lead nowhere, and names what they may have meant."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from crmbridge.pull.source import Source
from crmbridge.records import STREAMS, Field, Finding, Kind
from crmbridge.store.schema import LIVE, RECORDS, quarantine

NEAR_LIMIT = 5_000
"""Near matches are looked for among at most so many names."""
EXPECTED = {
    "deals": ("customer_id",),
    "orders": ("customer_id",),
    "order_lines": ("order_id",),
    "needs": ("customer_id",),
    "feedback": ("customer_id",),
    "campaign_members": ("campaign_id",),
}
"""References without which a record of the stream says nothing."""


def look_at_references(tx: Connection, source: Source) -> list[Finding]:
    """Findings on references of a source's records that are empty or lead to no record."""
    findings = []
    base = source.completes or source.connection
    for stream in sorted({item.stream for item in source.objects}):
        names = {name for item in source.objects if item.stream == stream for name in item.fields}
        fields = [
            one
            for one in STREAMS[stream].fields
            if one.kind is Kind.ID and one.name in names and _is_known(tx, base, one.refers_to)
        ]
        findings += _dangling(tx, source, stream, fields, base)
        findings += _empty(tx, source, stream, names)
    if source.completes:
        findings += _unmatched(tx, source, base)
    return findings


def _is_known(tx: Connection, connection: str, stream: str) -> bool:
    """Whether there is any record that could be meant; without, nothing is worth saying."""
    table = RECORDS[stream]
    query = select(table.c.id).where(table.c.connection == connection).limit(1)
    return tx.execute(query).first() is not None


def _objects(tx: Connection, connection: str, stream: str) -> list[str]:
    table = RECORDS[stream]
    query = select(table.c.object).where(table.c.connection == connection).distinct()
    return list(tx.execute(query).scalars())


def _dangling(
    tx: Connection, source: Source, stream: str, fields: Sequence[Field], base: str
) -> list[Finding]:
    """One pass over the stream for all its references; it ends early in rows that have none."""
    if not fields:
        return []
    table = RECORDS[stream]
    lost = [_leads_nowhere(tx, table, one, base) for one in fields]
    query = select(*(func.sum(case((condition, 1), else_=0)) for condition in lost)).where(
        or_(*(table.c[one.name].is_not(None) for one in fields)),
        table.c.connection == source.connection,
        table.c.record_state == LIVE,
    )
    counts = tx.execute(query).one()
    return [
        _finding(tx, source, (stream, one), condition, count, base)
        for one, condition, count in zip(fields, lost, counts, strict=True)
        if count
    ]


def _leads_nowhere(tx: Connection, table: Any, one: Field, base: str) -> ColumnElement[bool]:
    column = table.c[one.name]
    target = RECORDS[one.refers_to].alias(f"target_{one.name}")
    meant = select(target.c.id).where(
        target.c.connection == base,
        target.c.object.in_(_objects(tx, base, one.refers_to)),
        target.c.id == column,
    )
    return and_(column.is_not(None), ~meant.exists())


def _finding(
    tx: Connection,
    source: Source,
    where: tuple[str, Field],
    condition: ColumnElement[bool],
    count: int,
    base: str,
) -> Finding:
    stream, one = where
    table = RECORDS[stream]
    query = (
        select(table.c[one.name], func.count(), func.min(table.c.id))
        .where(table.c.connection == source.connection, table.c.record_state == LIVE, condition)
        .group_by(table.c[one.name])
        .order_by(func.count().desc(), table.c[one.name])
        .limit(1)
    )
    value, times, id_ = tx.execute(query).one()
    return Finding(
        code="reference.unknown",
        count=count,
        example=f"{stream}/{id_}: {one.name} {value!r} is none of {one.refers_to}, {times} times",
        remedy=_remedy(tx, base, where, value),
    )


def _remedy(tx: Connection, base: str, where: tuple[str, Field], value: str) -> str:
    stream, one = where
    if _waits(tx, base, one.refers_to, value):
        return f"{value!r} is in quarantine: correct what it says there, then `crmbridge retry`."
    near = _nearest(tx, base, one.refers_to, value)
    if near:
        table_text = f'values = {{ "{value}" = "{near}" }}'
        return f"Did you mean {near!r}? Map it: {stream}.{one.name} with {table_text}."
    return f"Correct it in the source, or pull the {one.refers_to} that are missing."


def _waits(tx: Connection, connection: str, stream: str, id_: str) -> bool:
    query = select(quarantine.c.number).where(
        quarantine.c.connection == connection,
        quarantine.c.stream == stream,
        quarantine.c.record_id == id_,
    )
    return tx.execute(query.limit(1)).first() is not None


def _nearest(tx: Connection, connection: str, stream: str, value: str) -> str:
    """The id of the record that a value names otherwise; "" if none is.

    That is one whose id, name or e-mail differs in case and blanks alone, or whose name or e-mail
    is nearly the same. An id that is nearly the same is that of another record: C0010 is not C0101.
    """
    table = RECORDS[stream]
    shown = [table.c[name] for name in ("name", "email") if name in table.c]
    query = select(table.c.id, *shown).where(
        table.c.connection == connection, table.c.record_state == LIVE
    )
    same: dict[str, str] = {}
    named: dict[str, str] = {}
    wanted = _folded(value)
    for id_, *texts in tx.execute(query.order_by(table.c.id).limit(NEAR_LIMIT)):
        words = [_folded(text) for text in texts if text]
        for word in (_folded(id_), *words):
            same.setdefault(word, id_)
        for word in words:
            if _digits(word) == _digits(wanted):  # store 12 is not store 13
                named.setdefault(word, id_)
    found = get_close_matches(wanted, list(named), n=1, cutoff=0.8)
    return same.get(wanted) or (named[found[0]] if found else "")


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _folded(text: str) -> str:
    return "".join(text.lower().split())


def _empty(tx: Connection, source: Source, stream: str, names: set[str]) -> list[Finding]:
    table = RECORDS[stream]
    findings = []
    for name in EXPECTED.get(stream, ()):
        if name not in names:
            continue
        query = select(func.count(), func.min(table.c.id)).where(
            table.c.connection == source.connection,
            table.c.record_state == LIVE,
            table.c[name].is_(None),
        )
        count, example = tx.execute(query).one()
        if count:
            findings.append(
                Finding(
                    code="reference.empty",
                    count=count,
                    example=f"{stream}/{example}: {name} is empty",
                    remedy=f"They count for nobody until the source names their {name}.",
                )
            )
    return findings


def _unmatched(tx: Connection, source: Source, base: str) -> list[Finding]:
    """Customers of a completing connection that complete nobody."""
    table = RECORDS["customers"]
    other = table.alias("base")
    matches = select(other.c.id).where(
        other.c.connection == base, or_(other.c.id == table.c.id, other.c.number == table.c.id)
    )
    query = select(func.count(), func.min(table.c.id)).where(
        table.c.connection == source.connection, table.c.record_state == LIVE, ~matches.exists()
    )
    count, example = tx.execute(query).one()
    if not count:
        return []
    near = _nearest(tx, base, "customers", example)
    hint = f" Did you mean {near!r}?" if near else ""
    return [
        Finding(
            code="completes.unmatched",
            count=count,
            example=f"customers/{example} is no customer of {base}",
            remedy=f"Give its rows the ids, or the numbers, that {base} uses.{hint}",
        )
    ]
