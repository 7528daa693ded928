"""Takes up what an earlier push left under way: looks it up before anything is sent."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from crmbridge.adapters import ErrorClass, Outcome, Status
from crmbridge.errors import CrmbridgeError, RetryLaterError
from crmbridge.push.batches import batches, write_item
from crmbridge.push.changeset import Item
from crmbridge.push.journal import Journal
from crmbridge.push.send import error_class, is_for_later, stop_error
from crmbridge.push.settle import Settled, Target, settle
from crmbridge.store.leases import Fence

Record = Callable[[Sequence[tuple[Item, Outcome]]], None]


def take_up(
    target: Target, journal: Journal, fence: Fence | None, record: Record
) -> CrmbridgeError | None:
    """Find out what became of items that were being sent, or whose outcome is unknown.

    Long jobs are asked first. What did not land is pending again; what nobody can find out about
    stays unknown.

    Returns:
        why nothing should be sent now: the CRM cannot be asked, or a job is still under way, which
        might yet write over what came after it. None to go on.
    """
    work = _Work(target=target, journal=journal, fence=fence, record=record)
    running: set[str] = set()
    for job in _jobs(target, journal):
        outcomes = _resumed(target, job)
        if isinstance(outcomes, CrmbridgeError):
            return outcomes
        running |= work.keep(job, outcomes)
    left = [item for item in journal.under_way(target.name) if item.item not in running]
    for batch in _batches(target, left):
        settled = _settle(target, journal, batch)
        if isinstance(settled, CrmbridgeError):
            return settled
        work.settle(batch, settled)
    return _still_running(target, running) if running else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A long job of the CRM, and the items that it writes."""

    handle: str
    items: Mapping[str, Item]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    target: Target
    journal: Journal
    fence: Fence | None
    record: Record

    def keep(self, job: _Job, outcomes: Sequence[Outcome]) -> set[str]:
        """Commit what a job says; the items that it has not come to yet.

        Items that it says nothing certain of are left to be looked up.
        """
        known = [one for one in outcomes if one.item in job.items]
        self.journal.reopen(self.fence, [one.item for one in known if is_for_later(one)])
        final = [one for one in known if one.status is not Status.UNKNOWN and not is_for_later(one)]
        self.record([(job.items[one.item], one) for one in final])
        return {one.item for one in known if one.status is Status.UNKNOWN and one.handle}

    def settle(self, batch: Sequence[Item], settled: Settled) -> None:
        """Commit what looking showed."""
        by_name = {item.item: item for item in batch}
        known = [(by_name[one.item], one) for one in settled.outcomes]
        self.record([pair for pair in known if _is_news(self.journal, *pair)])
        self.journal.reopen(self.fence, [write.item for write in settled.absent])


def _jobs(target: Target, journal: Journal) -> list[_Job]:
    """Long jobs that an earlier process left, in the order of their handles."""
    if not target.capabilities.resumes:
        return []
    parts: dict[str, dict[str, Item]] = {}
    for item in journal.under_way(target.name):
        parts.setdefault(journal.handle(item.item), {})[item.item] = item
    return [_Job(handle=handle, items=parts[handle]) for handle in sorted(parts) if handle]


def _resumed(target: Target, job: _Job) -> Sequence[Outcome] | CrmbridgeError:
    """What a job says; nothing where the CRM keeps it no longer."""
    try:
        return _single(target.connection.resume(job.handle))
    except Exception as error:  # as in send: a plugin may raise anything
        kind = error_class(target, error)
        return [] if kind is ErrorClass.RECORD else stop_error(target, kind, error)


def _single(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Outcomes of items that a job does not contradict itself about."""
    times = Counter(one.item for one in outcomes)
    return [one for one in outcomes if times[one.item] == 1]


def _still_running(target: Target, running: Collection[str]) -> RetryLaterError:
    return RetryLaterError(
        f"connections.{target.name}",
        "the long job of an earlier push to have ended",
        f"one under way with {len(running)} items",
        "Push again later",
    )


def _batches(target: Target, items: Sequence[Item]) -> Iterator[list[Item]]:
    for (object_, _), group in groupby(items, key=lambda item: (item.object, item.operation)):
        yield from batches(list(group), max(1, target.capabilities.of(object_).batch))


def _settle(target: Target, journal: Journal, batch: Sequence[Item]) -> Settled | CrmbridgeError:
    writes = [write_item(item, journal.remote_ids) for item in batch]
    try:
        return settle(target, writes)
    except Exception as error:  # as in send: nothing is sent to a CRM that cannot be asked
        return stop_error(target, error_class(target, error), error)


def _is_news(journal: Journal, item: Item, outcome: Outcome) -> bool:
    return outcome.status is not Status.UNKNOWN or not journal.is_unknown(item.item)
