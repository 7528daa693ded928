"""Looks whether all is here: counts, samples, sweeps and proofs, against the CRM as it is now."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from crmbridge.adapters import Deletes
from crmbridge.errors import CrmbridgeError
from crmbridge.pull.commit import canonical_id
from crmbridge.pull.mapping import wanted_fields
from crmbridge.pull.passes import QUICK, SWEEP
from crmbridge.pull.source import Source
from crmbridge.pull.work import Work, begin_work
from crmbridge.records import Finding
from crmbridge.store import Store
from crmbridge.store.positions import list_certificates, list_positions
from crmbridge.store.records import count_live, fetch_records
from crmbridge.store.schema import LIVE, RECORDS

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """How one object stands.

    Args:
        held: live records in the store, and those waiting in quarantine.
        expected: records by the CRM's own count; None where it cannot count.
        sampled: records read again and compared.
        different: ids of sampled records that the CRM holds otherwise, or not at all.
        proved_until: end of the last stretch that was proved complete, ms.
        swept_at: when all ids were last compared, ms.
    """

    stream: str
    object: str
    held: int
    waiting: int = 0
    expected: int | None = None
    sampled: int = 0
    different: tuple[str, ...] = ()
    proved_until: int | None = None
    swept_at: int | None = None
    findings: tuple[Finding, ...] = ()


def verify(store: Store, source: Source, *, samples: int = 20, seed: int = 0) -> list[Verified]:
    """Compare what is held of a source with what the CRM says now; changes nothing.

    Args:
        samples: records per object that are read again, where the adapter reads by id.

    Raises:
        CrmbridgeError: the account cannot be reached.
    """
    organisation = source.account()
    return [
        _verify(begin_work(store, source, item, organisation), samples, seed)
        for item in source.in_order()
    ]


def _verify(work: Work, samples: int, seed: int) -> Verified:
    connection, object_ = work.place.key
    with work.store.read() as tx:
        held = count_live(tx, work.item.stream, connection, object_)
        positions = list_positions(tx, connection)
        proofs = list_certificates(tx, connection, object_)
    swept = positions.get((object_, SWEEP))
    findings: list[Finding] = []
    expected = _counted(work, findings)
    sampled, different = _compare(work, samples, seed, findings)
    proved = proofs[-1] if proofs else None
    result = Verified(
        stream=work.item.stream,
        object=object_,
        held=held,
        waiting=len(work.waiting),
        expected=expected,
        sampled=sampled,
        different=different,
        proved_until=(proved.until or proved.closed_at) if proved else None,
        swept_at=swept.saved_at if swept else None,
    )
    is_pulled = (object_, QUICK) in positions
    return _with_findings(work, result, findings, is_pulled=is_pulled)


def _counted(work: Work, findings: list[Finding]) -> int | None:
    if not work.ability.counts:
        return None
    try:
        return work.source.open.count(work.item.object, None)
    except CrmbridgeError as error:
        findings.append(_could_not(work, error))
        return None


def _could_not(work: Work, error: CrmbridgeError) -> Finding:
    return Finding(code="verify.not_checked", example=str(work.place), remedy=error.line())


def _with_findings(
    work: Work, found: Verified, findings: list[Finding], *, is_pulled: bool
) -> Verified:
    place = str(work.place)
    if not is_pulled and (found.expected is None or found.expected > 0):
        findings.append(Finding(code="verify.never_pulled", example=place, remedy="Pull it."))
    elif found.expected is not None and found.expected != found.held + found.waiting:
        findings.append(
            Finding(
                code="verify.count_differs",
                count=abs(found.expected - found.held - found.waiting),
                example=f"{place}: {found.expected} in the CRM, {found.held} held,"
                f" {found.waiting} in quarantine",
                remedy="Pull again; if it stays so, pull with --full.",
            )
        )
    if found.different:
        findings.append(
            Finding(
                code="verify.differs",
                count=len(found.different),
                example=f"{place}.{found.different[0]}",
                remedy="Pull again; if it stays so, pull with --full.",
            )
        )
    if _is_sweep_late(work, found):
        findings.append(
            Finding(
                code="verify.sweep_late",
                example=place,
                remedy="Deletions show in sweeps only, and the last one is long ago: pull.",
            )
        )
    values = {name: getattr(found, name) for name in Verified.__slots__}
    return Verified(**{**values, "findings": tuple(findings)})


def _is_sweep_late(work: Work, found: Verified) -> bool:
    if work.ability.deletes is not Deletes.SWEEP:
        return False
    age = work.now - (found.swept_at or 0)
    return found.held > 0 and age > 2 * work.source.sweep_days * DAY_MS


def _compare(
    work: Work, samples: int, seed: int, findings: list[Finding]
) -> tuple[int, tuple[str, ...]]:
    """Read some records again; how many, and ids of those that differ."""
    ids = _sample(work, samples, seed)
    if not ids or not work.ability.reads_by_id:
        return 0, ()
    fields = wanted_fields(work.item.fields, work.source.options(work.item))
    try:
        page = work.source.open.read_by_ids(work.item.object, ids, fields)
        converted = work.convert(page)
    except CrmbridgeError as error:
        findings.append(_could_not(work, error))
        return 0, ()
    merged = {canonical_id(loser) for loser, _ in page.merged}
    with work.store.read() as tx:
        held = fetch_records(tx, work.item.stream, work.place.key, ids, converted.names or None)
    live = {row[2]: row for row in converted.rows}
    refused = {one.id for one in converted.rejected}
    different = [
        id_
        for id_ in ids
        if id_ not in refused | merged
        and not _is_same(work, converted.names, held[id_], live.get(id_))
    ]
    return len(ids), tuple(different)


def _is_same(
    work: Work, names: Sequence[str], held: Sequence[Any], live: Sequence[Any] | None
) -> bool:
    """Whether a record is the same, but for references that were resolved on the way in."""
    if live is None:
        return False
    derived = {*work.winners, "owner_id"} if work.source.owner_from else {*work.winners}
    return all(
        mine == theirs or name in derived
        for name, mine, theirs in zip(names, held, live, strict=True)
    )


def _sample(work: Work, samples: int, seed: int) -> list[str]:
    """Some ids, the same for the same seed."""
    columns = RECORDS[work.item.stream].c
    query = select(columns.id).where(work.place.here(), columns.record_state == LIVE)
    with work.store.read() as tx:
        ids = list(tx.execute(query.order_by(columns.id)).scalars())
    return sorted(random.Random(seed).sample(ids, min(samples, len(ids))))  # noqa: S311  no secret
