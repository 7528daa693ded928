"""Reads one planned stretch of an object, page by page, and says how it ended."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from operator import itemgetter

from crmbridge.adapters import Page, Reading, ReadRequest
from crmbridge.failpoint import reach
from crmbridge.pull.ahead import one_ahead
from crmbridge.pull.commit import canonical_id, commit_page, mark_deleted
from crmbridge.pull.guards import LoopGuard, is_suspicious, refusal
from crmbridge.pull.held import audit_shrink, live_among, tally
from crmbridge.pull.mapping import Converted, wanted_fields
from crmbridge.pull.passes import Mark, Plan
from crmbridge.pull.unread import unread_of_ours
from crmbridge.pull.work import Work
from crmbridge.store.positions import Saved, Spot, save_position
from crmbridge.store.records import count_live

_BY_ID = itemgetter(2)


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
    """Read a stretch; what it lists as deleted is marked at its end, past the shrink guard.

    Raises:
        RefusedError: too many records would be marked deleted; none was.
    """
    try:
        return _read(work, plan, is_accepted=False)
    except _ManyDeletesError as stop:
        total = _count_doomed(work, stop.mark)
        if work.source.accept_shrink != total:
            raise refusal(work.place, total, stop.held) from None
        with work.store.write(work.source.fence) as tx:
            audit_shrink(tx, work.place, total, work.source.run_id, work.now)
        return _read(work, replace(plan, mark=stop.mark), is_accepted=True)


class _ManyDeletesError(Exception):
    """The CRM lists more deletions than may pass unasked.

    Args:
        mark: where reading stands.
        held: how many live records there are.
    """

    def __init__(self, mark: Mark, held: int) -> None:
        self.mark = mark
        self.held = held
        super().__init__()


def _read(work: Work, plan: Plan, *, is_accepted: bool) -> Ended:
    guard = LoopGuard(work.place)
    held = None if is_accepted else _count_live(work)
    mark = plan.mark
    has_news = False
    with one_ahead(_converted(work, plan.mark), _is_next_at_hand) as pages:
        for page, converted in pages:
            reach("pull.page.fetched")
            guard.check(page)
            if _is_unchanged(page, plan.mark, has_news):
                return Ended(mark=plan.mark, is_complete=True, is_unchanged=True)
            has_news = True
            doomed = _doomed(work, page, mark.doomed)
            if held is not None and is_suspicious(len(doomed), held):
                raise _ManyDeletesError(mark, held)
            mark = _take(work, plan, (page, converted), replace(mark, doomed=doomed))
            if page.complete:
                return Ended(mark=mark, is_complete=True)
    return _end(work, plan, mark, has_news)


def _end(work: Work, plan: Plan, mark: Mark, has_news: bool) -> Ended:
    """Pages ended without one that says it was the last: only tokens may."""
    if work.ability.reading is Reading.TOKEN:
        done = replace(mark, done=True, doomed=frozenset())
        with work.store.write(work.source.fence) as tx:
            work.counts.deleted += mark_deleted(tx, work, mark.doomed)
            save_position(tx, work.spot(plan.pass_), done.saved(work.now), work.source.run_id)
        return Ended(mark=done, is_complete=True)
    is_idle = not has_news and work.ability.reading is Reading.SNAPSHOT
    return Ended(mark=mark, is_complete=is_idle, is_unchanged=is_idle)


def _is_unchanged(page: Page, begun: Mark, has_news: bool) -> bool:
    """A complete page without rows that stands where the last reading ended."""
    nothing = not (page.rows or page.rejected or page.deleted or page.merged or has_news)
    is_snapshot_end = nothing and page.complete and bool(begun.at)
    return is_snapshot_end and dict(page.position) == dict(begun.at) and begun.until is None


def pages_of(work: Work, mark: Mark) -> Iterator[Page]:
    """Read an object from a mark on."""
    request = ReadRequest(
        object=work.item.object,
        fields=wanted_fields(work.item.fields, work.source.options(work.item)),
        position=mark.at,
        window=work.window(mark),
    )
    return work.source.open.read(request)


def _converted(work: Work, mark: Mark) -> Generator[tuple[Page, Converted], None, None]:
    """Pages as the store takes them, up to the one that says it is the last."""
    for page in pages_of(work, mark):
        yield page, work.convert(page)
        if page.complete:
            return


def _is_next_at_hand(found: tuple[Page, Converted]) -> bool:
    return found[0].next_at_hand


def _take(work: Work, plan: Plan, found: tuple[Page, Converted], mark: Mark) -> Mark:
    """Commit a page; the mark moves if the page is closed."""
    page, converted = found
    reach("pull.page.converted")
    is_snapshot = work.ability.reading is Reading.SNAPSHOT
    ids = dict.fromkeys(map(_BY_ID, converted.rows))
    mark = replace(mark, read=mark.read + len(ids) + len(converted.rejected))
    if is_snapshot:
        count, total = tally(ids)
        mark = replace(mark, tally=(mark.tally[0] + count, mark.tally[1] + total))
    dying = mark.doomed if page.complete else frozenset[str]()
    mark = replace(mark, doomed=mark.doomed - dying)
    position: tuple[Spot, Saved] | None = None
    if page.closed:
        mark = replace(mark, at=page.position, done=page.complete and not is_snapshot)
        position = (work.spot(plan.pass_), mark.saved(work.now))
    commit_page(work, page, converted, position, dying)
    return mark


def _doomed(work: Work, page: Page, doomed: frozenset[str]) -> frozenset[str]:
    """Live and unread records listed as deleted so far, less those that a later page shows."""
    if doomed and page.rows:
        doomed -= {row[2] for row in work.convert(page).rows}
    if page.deleted:
        gone = set(map(canonical_id, page.deleted))
        with work.store.read() as tx:
            doomed |= live_among(tx, work.place, gone)
            doomed |= unread_of_ours(tx, work.place, gone).keys()
    return doomed


def _count_doomed(work: Work, mark: Mark) -> int:
    """Read to the end without committing, to name the whole number."""
    doomed = mark.doomed
    for page in pages_of(work, mark):
        doomed = _doomed(work, page, doomed)
        if page.complete:
            break
    return len(doomed)


def _count_live(work: Work) -> int:
    with work.store.read() as tx:
        return count_live(tx, work.item.stream, *work.place.key)
