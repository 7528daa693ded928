"""Takes up what an earlier push left under way: looks it up before anything is sent."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from crmbridge.adapters import Outcome, Status
from crmbridge.errors import CrmbridgeError
from crmbridge.push.batches import batches, write_item
from crmbridge.push.changeset import Item
from crmbridge.push.journal import Journal
from crmbridge.push.send import error_class, stop_error
from crmbridge.push.settle import Settled, Target, settle
from crmbridge.store.leases import Fence

Record = Callable[[Sequence[tuple[Item, Outcome]]], None]


def take_up(
    target: Target, journal: Journal, fence: Fence | None, record: Record
) -> CrmbridgeError | None:
    """Find out what became of items that were being sent, or whose outcome is unknown.

    What did not land is pending again; what nobody can find out about stays unknown.

    Returns:
        why the CRM cannot be asked now, None if it could.
    """
    stop = _resume(target, journal, record)
    if stop is not None:
        return stop
    for batch in _batches(target, journal.under_way(target.name)):
        settled = _settle(target, journal, batch)
        if isinstance(settled, CrmbridgeError):
            return settled
        by_name = {item.item: item for item in batch}
        known = [(by_name[one.item], one) for one in settled.outcomes]
        record([pair for pair in known if _is_news(journal, *pair)])
        journal.reopen(fence, [write.item for write in settled.absent])
    return None


def _resume(target: Target, journal: Journal, record: Record) -> CrmbridgeError | None:
    """Ask long jobs that an earlier process started for their outcomes."""
    if not target.capabilities.resumes:
        return None
    by_name = {item.item: item for item in journal.under_way(target.name)}
    for handle in sorted({journal.handle(name) for name in by_name} - {""}):
        try:
            outcomes = target.connection.resume(handle)
        except Exception as error:  # as in send: a plugin may raise anything
            return stop_error(target, error_class(target, error), error)
        record([(by_name[one.item], one) for one in outcomes if one.item in by_name])
    return None


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
