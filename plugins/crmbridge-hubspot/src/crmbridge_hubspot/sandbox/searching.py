"""The search endpoint: filters, order, offsets, the cap, and an index that lags."""

import operator
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from crmbridge_hubspot.sandbox.answers import Reply, invalid
from crmbridge_hubspot.sandbox.records import Records
from crmbridge_hubspot.sandbox.request import Asked
from crmbridge_hubspot.sandbox.truth import Account, Entry, Kind, by_id

DEEPEST = 10_000
MOST_GROUPS, MOST_FILTERS, MOST_IN_ALL = 5, 6, 18
LONGEST = 3_000
"""Characters of a body; the guide to searches refuses longer ones."""

Seen = Mapping[str, str | None]
Test = Callable[[Seen], bool]
Read = Callable[[str], Any]
Pair = tuple[Entry, Seen]


class Search:
    """Answers searches of one account."""

    def __init__(self, account: Account, records: Records) -> None:
        self._account = account
        self._records = records
        self._kept: tuple[object, list[Pair]] = (None, [])

    def search(self, asked: Asked) -> Reply:
        """A page of the records that the index shows."""
        kind = self._records.known(asked.parts[0])
        if len(asked.body) > LONGEST:
            raise invalid(f"The request body may have {LONGEST} characters")
        body = asked.json()
        limit, after = int(body.get("limit") or 10), int(body.get("after") or 0)
        if not 0 < limit <= 200:
            raise invalid("limit must be between 1 and 200")
        if after + limit > DEEPEST:
            raise invalid(f"Paging through results is limited to {DEEPEST}")
        groups = body.get("filterGroups") or []
        _must_be_few(groups)
        found = self._found(kind, groups)
        self._order(found, body.get("sorts") or [])
        page = found[after : after + limit]
        names = self._records.names(kind, body.get("properties") or [])
        document: dict[str, Any] = {
            "total": len(found),
            "results": [self._shown(entry, seen, names) for entry, seen in page],
        }
        if after + limit < len(found):
            document["paging"] = {"next": {"after": str(after + limit)}}
        return Reply(200, document)

    def _shown(self, entry: Entry, seen: Seen, names: Sequence[str]) -> dict[str, Any]:
        shown = self._records.shown(entry, names)
        return {**shown, "properties": {name: seen.get(name) for name in names}}

    def _found(self, kind: Kind, groups: Sequence[Any]) -> list[Pair]:
        """All matches. Those of one group are kept but for its bounds on ids, since a client that
        goes on by id asks the same again and again."""
        if len(groups) != 1:
            return self._matches(kind, groups)
        filters = groups[0]["filters"]
        bounds = [one for one in filters if one["propertyName"] == "hs_object_id"]
        others = [one for one in filters if one["propertyName"] != "hs_object_id"]
        key = (kind.name, self._account.revision, self._account.clock.now(), repr(others))
        if self._kept[0] != key:
            self._kept = (key, self._matches(kind, [{"filters": others}]))
        found, start, end = self._kept[1], 0, len(self._kept[1])
        for one in bounds:
            number = int(one["value"])
            if one["operator"] in ("GT", "GTE"):
                cut = bisect_right if one["operator"] == "GT" else bisect_left
                start = max(start, cut(found, number, key=_number))
            elif one["operator"] in ("LT", "LTE"):
                cut = bisect_right if one["operator"] == "LTE" else bisect_left
                end = min(end, cut(found, number, key=_number))
            else:
                raise invalid("The sandbox knows bounds on ids only")
        return found[start:end]

    def _matches(self, kind: Kind, groups: Sequence[Any]) -> list[Pair]:
        now = self._account.clock.now()
        tests = [[_test(kind.definitions, one) for one in group["filters"]] for group in groups]
        return [
            (entry, seen)
            for entry in self._account.live(kind.name)
            if (seen := entry.indexed(now)) is not None
            and (not tests or any(all(one(seen) for one in group) for group in tests))
        ]

    def _order(self, found: list[Pair], sorts: Sequence[Any]) -> None:
        if self._account.disorder:
            self._account.dice.shuffle(found)
            return
        if len(sorts) > 1:
            raise invalid("one sort only")
        name, direction = "createdate", "ASCENDING"
        if sorts:
            first = sorts[0]
            is_plain = isinstance(first, str)
            name = first if is_plain else first["propertyName"]
            direction = direction if is_plain else first.get("direction", direction)
        if name == "hs_object_id":  # in this order they are
            found[:] = found if direction == "ASCENDING" else found[::-1]
        else:
            found.sort(key=lambda p: p[1].get(name) or "", reverse=direction == "DESCENDING")


def _number(pair: Pair) -> int:
    return by_id(pair[0])[0]


def _must_be_few(groups: Sequence[Any]) -> None:
    sizes = [len(group["filters"]) for group in groups]
    if len(groups) > MOST_GROUPS or max(sizes, default=0) > MOST_FILTERS:
        raise invalid("too many filters")
    if sum(sizes) > MOST_IN_ALL:
        raise invalid("too many filters")


def _test(definitions: Mapping[str, Any], one: Mapping[str, Any]) -> Test:
    name, how = one["propertyName"], one["operator"]
    if name not in definitions:
        raise invalid(f"There was a problem with the request: {name} is not a property")
    if how in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return lambda seen: bool(seen.get(name)) == (how == "HAS_PROPERTY")
    if how in ("IN", "NOT_IN"):
        values = {str(value) for value in one["values"]}
        return lambda seen: (seen.get(name) in values) == (how == "IN")
    read = _reader(name)
    value = read(str(one["value"]))
    if how == "BETWEEN":
        high = read(str(one["highValue"]))
        return _holding(name, read, lambda it: bool(value <= it <= high))
    if how not in _COMPARE:
        raise invalid(f"{how} is no operator")
    compare = _COMPARE[how]

    def holds(seen: Seen) -> bool:
        text = seen.get(name)
        return text is not None and compare(read(text), value)

    return holds


def _holding(name: str, read: Read, test: Callable[[Any], bool]) -> Test:
    def holds(seen: Seen) -> bool:
        text = seen.get(name)
        return text is not None and test(read(text))

    return holds


def _contains(left: Any, right: Any) -> bool:
    return str(right).strip("*").lower() in str(left).lower()


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "EQ": operator.eq,
    "NEQ": operator.ne,
    "LT": operator.lt,
    "LTE": operator.le,
    "GT": operator.gt,
    "GTE": operator.ge,
    "CONTAINS_TOKEN": _contains,
}


def _reader(name: str) -> Read:
    """Values in the order of their kind: ids as numbers, times as milliseconds."""
    if name == "hs_object_id":
        return int
    return _moment if name.endswith("date") else str


@cache
def _moment(text: str) -> int:
    return int(text) if text.isdigit() else round(datetime.fromisoformat(text).timestamp() * 1000)
