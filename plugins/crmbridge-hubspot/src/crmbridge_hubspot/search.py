"""Searches a window of modification time so that no record is lost, whatever the order of rows.

HubSpot's search has three ways to lose records: it gives at most 10,000 of a query, its pages are
offsets that shift when somebody edits, and it was seen not to keep its own order
(estuary/connectors issue 5180). So windows that hold more are halved; within one, further records
are asked for by id and not by offset; and `total` must fall by exactly the rows that were given,
or the stretch of ids is asked for again, halved until an answer holds all of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmbridge.errors import RetryLaterError
from crmbridge_hubspot.client import HubspotApi

CAP = 10_000
"""Records that one query gives at most, however it is paged (community.hubspot.com 927832)."""

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a search stands.

    Args:
        since: what was modified before is delivered, ms.
        until: end of the window under way, ms; not in it.
        floor: of that window, all records up to this id are delivered.
    """

    since: int
    until: int
    floor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Records of a search, and where it stands after them."""

    records: Sequence[Record]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    total: int
    records: dict[int, Record] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Searcher:
    """Searches one type.

    Args:
        clock: property that says when a record was modified.
        properties: what is wanted of each record.
        limit: records of one answer.
    """

    api: HubspotApi
    type: str
    clock: str
    properties: Sequence[str]
    limit: int

    def run(self, place: Place, until: int) -> Iterator[Found]:
        """All records modified from a place on and before `until`, in stretches that may be
        saved one by one; a record that is modified meanwhile belongs to a later window."""
        waiting = [place] if place.until == until else [_after(place, until), place]
        while waiting:
            place = waiting.pop()
            if place.since >= place.until:
                continue
            answer = self._ask(place, place.floor)
            if answer.total > CAP and place.until - place.since > 1 and not place.floor:
                middle = (place.since + place.until) // 2
                waiting.append(Place(since=middle, until=place.until))
                waiting.append(Place(since=place.since, until=middle))
                continue
            yield from self._leaf(place, answer)

    def count(self, since: int | None, until: int | None) -> int:
        """How many records were modified in a window, or are there in all."""
        filters = []
        if since is not None:
            filters.append(_filter(self.clock, "GTE", since))
        if until is not None:
            filters.append(_filter(self.clock, "LT", until))
        return int(self.api.search(self.type, filters, (), 1)["total"])

    def _leaf(self, place: Place, answer: _Answer) -> Iterator[Found]:
        floor = place.floor
        while True:
            records = answer.records
            if len(records) >= answer.total:
                yield Found(
                    records=list(records.values()),
                    place=Place(since=place.until, until=place.until),
                )
                return
            top = self._top(records, floor)
            following = self._ask(place, top)
            if following.total != answer.total - len(records) or not _is_rising(records):
                records = records | self._between(place, floor, top)
            floor, answer = top, following
            yield Found(
                records=list(records.values()),
                place=Place(since=place.since, until=place.until, floor=floor),
            )

    def _between(self, place: Place, floor: int, top: int) -> dict[int, Record]:
        """All records with ids in ``floor < id <= top``, by answers that hold all they count."""
        answer = self._ask(place, floor, top)
        if len(answer.records) >= answer.total:
            return answer.records
        if top - floor <= 1:
            raise self._odd(f"{answer.total} records with one id")
        middle = (floor + top) // 2
        return self._between(place, floor, middle) | self._between(place, middle, top)

    def _ask(self, place: Place, floor: int, top: int | None = None) -> _Answer:
        filters = [
            _filter(self.clock, "GTE", place.since),
            _filter(self.clock, "LT", place.until),
        ]
        if floor:
            filters.append(_filter("hs_object_id", "GT", floor))
        if top is not None:
            filters.append(_filter("hs_object_id", "LTE", top))
        found = self.api.search(self.type, filters, self.properties, self.limit)
        records = {int(one["id"]): one for one in found["results"]}
        return _Answer(total=int(found["total"]), records=records)

    def _top(self, records: Mapping[int, Record], floor: int) -> int:
        top = max(records, default=floor)
        if top <= floor:
            raise self._odd(f"none above id {floor}, though it counts some")
        return top

    def _odd(self, got: str) -> RetryLaterError:
        return RetryLaterError(
            f"search of {self.type}", "the records it counts", got, "Pull again later"
        )


def _after(place: Place, until: int) -> Place:
    return Place(since=place.until, until=until)


def _is_rising(records: Mapping[int, Record]) -> bool:
    ids = list(records)
    return ids == sorted(ids)


def _filter(name: str, operator: str, value: int) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": str(value)}
