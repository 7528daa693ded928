"""Says before a first pull what it would read, as far as the adapter can count."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from crmbridge.adapters import Reading
from crmbridge.errors import CrmbridgeError
from crmbridge.pull.passes import QUICK, TRAILING, Mark, plan_passes
from crmbridge.pull.pulling import crm_now
from crmbridge.pull.source import Source, SourceObject
from crmbridge.pull.work import Work, begin_work
from crmbridge.store import Store
from crmbridge.store.positions import get_position


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a pull of one object would read.

    Args:
        is_first: it was never pulled whole with this mapping.
        since: beginning of what would be read; None for everything there is.
        until: end of it, where the object is read by windows.
        count: records in it by the CRM's own count; None where it cannot count.
        error: why nobody knows, on one line; "".
    """

    stream: str
    object: str
    is_first: bool = True
    since: datetime | None = None
    until: datetime | None = None
    count: int | None = None
    error: str = ""


def preview(store: Store, source: Source) -> list[Preview]:
    """What a pull of a source would read, object by object; reads nothing but counts."""
    try:
        organisation = source.account()
    except CrmbridgeError as error:
        return [_unknown(item, error) for item in source.in_order()]
    return [_preview(store, source, item, organisation) for item in source.in_order()]


def _unknown(item: SourceObject, error: CrmbridgeError) -> Preview:
    return Preview(stream=item.stream, object=item.object, error=error.line())


def _preview(store: Store, source: Source, item: SourceObject, organisation: str) -> Preview:
    try:
        work = begin_work(store, source, item, organisation)
        marks = _marks(work)
        begun = _first_mark(work, marks)
        window = work.window(begun)
        can_count = work.ability.counts
        count = source.open.count(item.object, window) if can_count else None
    except CrmbridgeError as error:
        return _unknown(item, error)
    return Preview(
        stream=item.stream,
        object=item.object,
        is_first=marks[QUICK] is None,
        since=window.since if window else None,
        until=window.until if window else None,
        count=count,
    )


def _marks(work: Work) -> Mapping[str, Mark | None]:
    if work.source.full:
        return {QUICK: None, TRAILING: None}
    with work.store.read() as tx:
        return {name: Mark.load(get_position(tx, work.spot(name))) for name in (QUICK, TRAILING)}


def _first_mark(work: Work, marks: Mapping[str, Mark | None]) -> Mark:
    """The first and the last stretch as one."""
    if work.ability.reading is not Reading.WINDOW:
        return Mark()
    plans = plan_passes(
        work.ability.reading, work.source.capabilities, marks, crm_now(work), str(work.place)
    )
    if not plans:
        return Mark(until=crm_now(work))
    return Mark(since=plans[0].mark.since, until=plans[-1].mark.until)
