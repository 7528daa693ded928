"""Takes quarantined records up once more, after the cause is gone."""

import json
from collections.abc import Iterable

from sqlalchemy import Connection, select

from crmbridge.adapters import Page, Reading
from crmbridge.errors import CrmbridgeError
from crmbridge.pull.commit import commit_page
from crmbridge.pull.mapping import wanted_fields
from crmbridge.pull.pulling import tell
from crmbridge.pull.source import Problem, PullReport, Source
from crmbridge.pull.work import Work, begin_work
from crmbridge.store import Store
from crmbridge.store.quarantine import resolve_quarantined
from crmbridge.store.schema import quarantine
from crmbridge.store.writing import in_parts

AT_ONCE = 200


def retry(store: Store, source: Source) -> PullReport:
    """Read quarantined records again by their ids, or else judge the rows that were kept again.

    A record that the CRM no longer has is given up. What waits under a name that is no id (a row
    without one, a row whose id came twice) is left to the next pull, which reads its file again.

    Returns:
        counts of the records tried; those still refused are quarantined.
    """
    report = PullReport(connection=source.connection)
    organisation = source.account()
    for item in source.in_order():
        work = begin_work(store, source, item, organisation)
        try:
            _retry(work)
        except CrmbridgeError as error:
            report.problems.append(Problem(stream=item.stream, object=item.object, error=error))
        finally:
            tell(work, report)
    return report


def _retry(work: Work) -> None:
    if not work.waiting:
        return
    if work.ability.reads_by_id:
        for ids in in_parts(sorted(work.waiting), AT_ONCE):
            _read_again(work, ids)
    elif work.ability.reading is Reading.WINDOW or work.ability.reading is Reading.TOKEN:
        _judge_again(work)


def _read_again(work: Work, ids: list[str]) -> None:
    fields = wanted_fields(work.item.fields, work.source.options(work.item))
    page = work.source.open.read_by_ids(work.item.object, ids, fields)
    converted = work.convert(page)
    commit_page(work, page, converted, None, page.deleted)
    met = {row[2] for row in converted.rows} | {one.id for one in converted.rejected}
    if gone := [id_ for id_ in ids if id_ not in met and _is_id(id_)]:
        with work.store.write(work.source.fence) as tx:
            resolve_quarantined(tx, *work.place.key, gone)


def _is_id(name: str) -> bool:
    return not name.startswith("#") and not name.endswith(" (again)") and ":" not in name


def _judge_again(work: Work) -> None:
    with work.store.read() as tx:
        raws = _raws(tx, work)
    for columns, rows in _by_columns(raws):
        page = Page(object=work.item.object, columns=columns, rows=rows)
        commit_page(work, page, work.convert(page), None)


def _raws(tx: Connection, work: Work) -> list[str]:
    query = select(quarantine.c.raw).where(
        quarantine.c.connection == work.place.connection,
        quarantine.c.object == work.place.object,
    )
    return list(tx.execute(query.order_by(quarantine.c.number)).scalars())


def _by_columns(raws: Iterable[str]) -> list[tuple[tuple[str, ...], list[tuple[object, ...]]]]:
    """Rows with the same columns together; what was cut and is no JSON any more is left out."""
    found: dict[tuple[str, ...], list[tuple[object, ...]]] = {}
    for raw in raws:
        try:
            table = json.loads(raw)
        except ValueError:
            continue
        if isinstance(table, dict):
            found.setdefault(tuple(table), []).append(tuple(table.values()))
    return list(found.items())
