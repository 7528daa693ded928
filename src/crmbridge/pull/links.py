"""Reads associations, which changes of records do not show, with their own mark of completeness.

Links are read again for all records that changed since links were last read whole, and now and
then for all records, since a link that is added changes no record.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select, update

from crmbridge.pull.commit import canonical_id
from crmbridge.pull.work import Work
from crmbridge.records import Kind
from crmbridge.store.links import Pair, StoredLink, replace_links
from crmbridge.store.positions import Saved, get_position, save_position
from crmbridge.store.schema import LIVE, RECORDS
from crmbridge.store.writing import in_parts

AT_ONCE = 500
ALL_AGAIN_DAYS = 7
_DAY_MS = 86_400_000


def pull_links(work: Work) -> None:
    """Read the links of an object to every other that its capability names."""
    for to in work.ability.links:
        if any(other.object == to for other in work.source.objects):
            _pull_to(work, to)


def _pull_to(work: Work, to: str) -> None:
    spot = work.spot(f"links:{to}")
    with work.store.read() as tx:
        last = get_position(tx, spot)
        is_rare = last is None or work.now - last.position["all_at"] >= ALL_AGAIN_DAYS * _DAY_MS
        read_all = is_rare or work.source.full
        ids = _ids(tx, work, -1 if last is None or read_all else last.position["run"])
    for some in in_parts(ids, AT_ONCE):
        _read_some(work, to, some)
    all_at = work.now if read_all or last is None else last.position["all_at"]
    saved = Saved(position={"run": work.source.run_id, "all_at": all_at}, saved_at=work.now)
    with work.store.write(work.source.fence) as tx:
        save_position(tx, spot, saved, work.source.run_id)


def _ids(tx: Connection, work: Work, after_run: int) -> list[str]:
    columns = RECORDS[work.item.stream].c
    query = select(columns.id).where(
        work.place.here(), columns.record_state == LIVE, columns.changed_run > after_run
    )
    return list(tx.execute(query.order_by(columns.id)).scalars())


def _read_some(work: Work, to: str, ids: list[str]) -> None:
    found = [
        StoredLink(
            from_id=canonical_id(link.from_id),
            to_id=canonical_id(link.to_id),
            type=link.type,
            label=link.label,
        )
        for page in work.source.open.read_links(work.item.object, ids, to)
        for link in page
    ]
    pair = Pair(connection=work.place.connection, from_object=work.item.object, to_object=to)
    with work.store.write(work.source.fence) as tx:
        replace_links(tx, pair, ids, found, work.now)
        _fill(tx, work, to, found)


def _fill(tx: Connection, work: Work, to: str, found: Sequence[StoredLink]) -> None:
    """Let an unmapped reference take the record that it is linked to."""
    stream = work.source.capabilities.of(to).stream
    name = next(
        (
            one.name
            for one in work.item.records.fields
            if one.kind is Kind.ID and one.refers_to == stream and one.name not in work.item.fields
        ),
        "",
    )
    if name:
        _set(tx, work, name, _first(found))


def _first(found: Sequence[StoredLink]) -> Mapping[str, str]:
    """From id -> the primary link's end, or that with the least id."""
    ordered = sorted(found, key=lambda link: ("primary" not in link.label.lower(), link.to_id))
    first: dict[str, str] = {}
    for link in ordered:
        first.setdefault(link.from_id, link.to_id)
    return first


def _set(tx: Connection, work: Work, name: str, ends: Mapping[str, str]) -> None:
    table = RECORDS[work.item.stream]
    for id_, end in ends.items():
        tx.execute(
            update(table)
            .where(work.place.here(), table.c.id == id_, table.c[name].is_distinct_from(end))
            .values({name: end, "changed_run": work.source.run_id})
        )
