"""Reads one planned stretch of an object, page by page, and says how it ended."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from crmbridge.adapters.contract import Page, Reading, ReadRequest
from crmbridge.failpoint import reach
from crmbridge.pull.commit import canonical_id, commit_page
from crmbridge.pull.guards import LoopGuard, is_suspicious, refusal
from crmbridge.pull.held import audit_shrink, live_among, tally
from crmbridge.pull.mapping import wanted_fields
from crmbridge.pull.passes import Mark, Plan
from crmbridge.pull.work import Work
from crmbridge.store.positions import Saved, Spot
from crmbridge.store.records import count_live


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the reading of a stretch ended.

    Args:
        mark: where it stands now.
        is_complete: all of the stretch was read.
        is_unchanged: there was nothing to read, since nothing changed.
    """

    mark: Mark
    is_complete: bool
    is_unchanged: bool = False


def read_stretch(work: Work, plan: Plan) -> Ended:
    """Read a stretch; whole, past the shrink guard, if exactly so many deletes were accepted.

    Raises:
        RefusedError: too many records would be marked deleted; the pages before stay committed.
    """
    try:
        return _read(work, plan, allowed=None)
    except _ManyDeletesError as stop:
        total = stop.committed + stop.left
        if work.source.accept_shrink != total:
            raise refusal(work.place, stop.left, stop.held) from None
        with work.store.write(work.source.fence) as tx:
            audit_shrink(tx, work.place, total, work.source.run_id, work.now)
        return _read(work, replace(plan, mark=stop.mark), allowed=total)


class _ManyDeletesError(Exception):
    """The CRM lists more deletions than may pass unasked."""

    def __init__(self, mark: Mark, committed: int, left: int, held: int) -> None:
        self.mark = mark
        self.committed = committed
        self.left = left
        self.held = held
        super().__init__()


def _read(work: Work, plan: Plan, allowed: int | None) -> Ended:
    guard = LoopGuard(work.place)
    deletes = _Deletes(work, allowed)
    mark = plan.mark
    has_news = False
    for page in _pages(work, plan):
        reach("pull.page.fetched")
        guard.check(page)
        if _is_unchanged(page, plan.mark, has_news):
            return Ended(mark=plan.mark, is_complete=True, is_unchanged=True)
        has_news = True
        deletes.check(page, mark, plan)
        mark = _take(work, plan, page, mark)
        if page.complete:
            return Ended(mark=mark, is_complete=True)
    is_idle = not has_news and work.ability.reading is Reading.SNAPSHOT
    return Ended(mark=mark, is_complete=is_idle, is_unchanged=is_idle)


def _is_unchanged(page: Page, begun: Mark, has_news: bool) -> bool:
    """A complete page without rows that stands where the last reading ended."""
    nothing = not (page.rows or page.rejected or page.deleted or page.merged or has_news)
    return nothing and page.complete and bool(begun.at) and dict(page.position) == dict(begun.at)


def _pages(work: Work, plan: Plan) -> Iterator[Page]:
    request = ReadRequest(
        object=work.item.object,
        fields=wanted_fields(work.item.fields, work.source.options(work.item)),
        position=plan.mark.at,
        window=work.window(plan.mark),
    )
    return work.source.open.read(request)


def _take(work: Work, plan: Plan, page: Page, mark: Mark) -> Mark:
    converted = work.convert(page)
    reach("pull.page.converted")
    if page.closed:
        is_snapshot = work.ability.reading is Reading.SNAPSHOT
        mark = replace(mark, at=page.position, done=page.complete and not is_snapshot)
    if work.ability.reading is Reading.SNAPSHOT:
        count, total = tally({row[2]: None for row in converted.rows})
        mark = replace(mark, tally=(mark.tally[0] + count, mark.tally[1] + total))
    position: tuple[Spot, Saved] | None = None
    if page.closed:
        position = (work.spot(plan.pass_), mark.saved(work.now))
    commit_page(work, page, converted, position)
    return mark


class _Deletes:
    """Counts the deletions that pages list, and stops before too many are committed."""

    def __init__(self, work: Work, allowed: int | None) -> None:
        self._work = work
        self._allowed = allowed
        self._held = -1
        self._count = 0

    def check(self, page: Page, mark: Mark, plan: Plan) -> None:
        if not page.deleted or self._allowed is not None:
            return
        work = self._work
        ids = {canonical_id(id_) for id_ in page.deleted}
        with work.store.read() as tx:
            if self._held < 0:
                self._held = count_live(tx, work.item.stream, *work.place.key)
            here = live_among(tx, work.place, ids)
        if is_suspicious(self._count + here, self._held):
            raise self._stop(mark, plan)
        self._count += here

    def _stop(self, mark: Mark, plan: Plan) -> _ManyDeletesError:
        """Read to the end without committing, to name the whole number."""
        gone: set[str] = set()
        for page in _pages(self._work, replace(plan, mark=mark)):
            gone.update(map(canonical_id, page.deleted))
            if page.complete:
                break
        with self._work.store.read() as tx:
            left = live_among(tx, self._work.place, gone)
        return _ManyDeletesError(mark, self._count, left, self._held)
