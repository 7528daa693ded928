"""Decides which records are gone, from what a complete snapshot or a sweep did not show.

A record that is no longer seen is *missing*; it is *deleted* only where absence is evidence, as
the object's capability declares. The shrink guard stands before either.
"""

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection

from crmbridge.adapters import Deletes
from crmbridge.failpoint import reach
from crmbridge.pull.commit import canonical_id, commit_page
from crmbridge.pull.exact import find_vanished
from crmbridge.pull.guards import is_collapse, is_suspicious, refusal
from crmbridge.pull.held import Tally, audit_shrink, live_tally, quarantined_ids
from crmbridge.pull.mapping import wanted_fields
from crmbridge.pull.passes import SWEEP, Mark, Plan
from crmbridge.pull.work import Work
from crmbridge.records import Finding
from crmbridge.store.positions import get_position, save_position
from crmbridge.store.quarantine import resolve_quarantined
from crmbridge.store.records import (
    absent,
    add_seen,
    begin_sweep,
    count_live,
    mark_records,
    returned,
)
from crmbridge.store.schema import DELETED, MISSING

DAY_MS = 86_400_000
REPAIR_AT_ONCE = 500
RARE_SWEEP_DAYS = 7.0
"""How often ids are compared where deletions are listed anyway, to find what was lost."""


def close_snapshot(work: Work, plan: Plan, mark: Mark) -> None:
    """After a complete snapshot: mark what it no longer shows, and close the position.

    Ids are compared by their tally first; only where it differs the snapshot is read again.

    Raises:
        RefusedError: too many records would disappear; the position stays open.
    """
    held = mark.tally
    if not _is_all_new(work, plan, mark):
        with work.store.read() as tx:
            held = live_tally(tx, work.place)
    gone = [] if held == mark.tally else find_vanished(work)
    if work.ability.deletes is Deletes.SWEEP:
        gone = []  # the sweep says
    guard_shrink(work, len(gone), held[0], read=mark.tally)
    state = DELETED if work.ability.deletes is Deletes.ABSENCE else MISSING
    with work.store.write(work.source.fence) as tx:
        work.counts.deleted += _mark(tx, work, gone, state)
        _resolve_mended(tx, work)
        saved = replace(mark, done=True).saved(work.now)
        save_position(tx, work.spot(plan.pass_), saved, work.source.run_id)


def _is_all_new(work: Work, plan: Plan, mark: Mark) -> bool:
    """Whether each row read was a new record and nothing was held before: all ids agree."""
    return not plan.resumes and not work.held_before and work.counts.new == mark.tally[0]


def guard_shrink(work: Work, vanishing: int, held: int, read: Tally | None = None) -> None:
    """Stop records from disappearing in crowds, unless exactly so many were accepted.

    Raises:
        RefusedError: nothing was marked.
    """
    collapsed = read is not None and vanishing > 0 and is_collapse(read[0], held)
    if not (is_suspicious(vanishing, held) or collapsed):
        return
    if work.source.accept_shrink != vanishing:
        raise refusal(work.place, vanishing, held)
    with work.store.write(work.source.fence) as tx:
        audit_shrink(tx, work.place, vanishing, work.source.run_id, work.now)


def _mark(tx: Connection, work: Work, ids: Iterable[str], state: int) -> int:
    return mark_records(tx, work.item.stream, work.place.key, ids, state, work.source.run_id)


def _resolve_mended(tx: Connection, work: Work) -> None:
    """What a complete reading did not refuse again is mended, or gone."""
    if work.waiting:
        mended = quarantined_ids(tx, work.place, not_of_run=work.source.run_id)
        resolve_quarantined(tx, *work.place.key, sorted(mended))
        work.waiting -= mended


def sweep(work: Work) -> None:
    """Compare all ids there are with all that are held, if that is due.

    Only a sweep that finishes counts. Ids that are not held, or come back, are read again.

    Raises:
        RefusedError: too many records would disappear; nothing was marked.
    """
    if not _is_due(work):
        return
    with work.store.read() as tx:
        begin_sweep(tx)
        for ids in work.source.open.read_ids(work.item.object):
            add_seen(tx, [canonical_id(id_) for id_ in ids])
        gone = absent(tx, work.item.stream, *work.place.key)
        lost = [*returned(tx, work.item.stream, *work.place.key), *_unheld(tx, work)]
        held = count_live(tx, work.item.stream, *work.place.key)
    guard_shrink(work, len(gone), held)
    state = DELETED if work.ability.deletes is Deletes.SWEEP else MISSING
    with work.store.write(work.source.fence) as tx:
        work.counts.deleted += _mark(tx, work, gone, state)
        save_position(tx, work.spot(SWEEP), Mark(done=True).saved(work.now), work.source.run_id)
        reach("pull.sweep.marked")
    _repair(work, [id_ for id_ in lost if id_ not in work.waiting])


def _is_due(work: Work) -> bool:
    """Whether it is time; the interval begins with the first pull, which read all there was."""
    ability = work.ability
    if not ability.reads_ids or ability.deletes is Deletes.ABSENCE:
        return False
    with work.store.read() as tx:
        last = get_position(tx, work.spot(SWEEP))
    if last is None:
        with work.store.write(work.source.fence) as tx:
            begun = Mark(done=True).saved(work.now)
            save_position(tx, work.spot(SWEEP), begun, work.source.run_id)
        return False
    is_evidence = ability.deletes is Deletes.SWEEP
    days = work.source.sweep_days if is_evidence else RARE_SWEEP_DAYS
    return work.source.full or work.now - last.saved_at >= days * DAY_MS


def _unheld(tx: Connection, work: Work) -> list[str]:
    mark = "?" if tx.dialect.name == "sqlite" else "%s"
    query = f"""SELECT id FROM swept WHERE NOT EXISTS (
        SELECT 1 FROM "{work.item.stream}" AS held
        WHERE connection = {mark} AND object = {mark} AND held.id = swept.id)"""
    return list(tx.exec_driver_sql(query, work.place.key).scalars())


def _repair(work: Work, ids: list[str]) -> None:
    """Read records that the sweep saw and we do not hold."""
    if not ids:
        return
    work.findings.append(
        Finding(
            code="pull.late_rows",
            count=len(ids),
            example=f"{work.place}.{ids[0]}",
            remedy="They appeared after their time was read; widen the connection's overlap.",
        )
    )
    if not work.ability.reads_by_id:
        return
    fields = wanted_fields(work.item.fields, work.source.options(work.item))
    for start in range(0, len(ids), REPAIR_AT_ONCE):
        some = ids[start : start + REPAIR_AT_ONCE]
        page = work.source.open.read_by_ids(work.item.object, some, fields)
        commit_page(work, page, work.convert(page), None)
