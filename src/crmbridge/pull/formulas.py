"""Reads records again whose fields the CRM works out: such a change modifies no record."""

from sqlalchemy import select

from crmbridge.adapters import Reading, RemoteObject
from crmbridge.pull.commit import commit_page
from crmbridge.pull.mapping import wanted_fields
from crmbridge.pull.work import Work
from crmbridge.store.positions import Saved, get_position, save_position
from crmbridge.store.schema import LIVE, RECORDS

FORMULA = "formula"
AT_ONCE = 500
HOUR_MS = 3_600_000


def refresh_formulas(work: Work) -> None:
    """Read all live records of an object again, if that is due and a mapped field is a formula.

    Rows that are equal are not rewritten. What breaks off goes on where it stood.
    """
    if not _may_be_needed(work):
        return
    with work.store.read() as tx:
        last = get_position(tx, work.spot(FORMULA))
    if last is None:  # the interval begins with the pull that read everything
        _save(work, Saved(saved_at=work.now))
        return
    after = str(last.position.get("after", ""))
    if not after and not _is_due(work, last):
        return
    if _formulas(work):
        _read_again(work, after)
    _save(work, Saved(saved_at=work.now))


def _may_be_needed(work: Work) -> bool:
    is_able = work.ability.reads_by_id and work.source.capabilities.describes
    is_by_window = work.ability.reading is Reading.WINDOW  # snapshots show every field anyway
    return is_able and is_by_window and work.source.formula_refresh_hours > 0


def _is_due(work: Work, last: Saved) -> bool:
    return work.now - last.saved_at >= work.source.formula_refresh_hours * HOUR_MS


def _formulas(work: Work) -> set[str]:
    """The fields of the mapping that the CRM describes as formulas."""
    described = _described(work).get(work.item.object)
    if described is None:
        return set()
    found = {one.name for one in described.fields if one.formula}
    wanted = wanted_fields(work.item.fields, work.source.options(work.item))
    return found & set(wanted) if wanted else found


def _described(work: Work) -> dict[str, RemoteObject]:
    """What the CRM describes, asked for once in a pull."""
    held = work.source.described
    if not held:
        held.update({one.name: one for one in work.source.open.describe()})
    return held


def _read_again(work: Work, after: str) -> None:
    fields = wanted_fields(work.item.fields, work.source.options(work.item))
    while ids := _next_ids(work, after):
        page = work.source.open.read_by_ids(work.item.object, ids, fields)
        after = ids[-1]
        begun = Saved(position={"after": after}, saved_at=work.now)
        commit_page(work, page, work.convert(page), (work.spot(FORMULA), begun))


def _next_ids(work: Work, after: str) -> list[str]:
    columns = RECORDS[work.item.stream].c
    query = (
        select(columns.id)
        .where(work.place.here(), columns.record_state == LIVE, columns.id > after)
        .order_by(columns.id)
        .limit(AT_ONCE)
    )
    with work.store.read() as tx:
        return list(tx.scalars(query))


def _save(work: Work, saved: Saved) -> None:
    with work.store.write(work.source.fence) as tx:
        save_position(tx, work.spot(FORMULA), saved, work.source.run_id)
