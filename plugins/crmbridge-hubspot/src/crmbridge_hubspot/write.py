"""Writes batches so that each item gets a verdict of its own and none is written twice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crmbridge.adapters import ErrorClass, Operation, Outcome, Status, WriteItem
from crmbridge.errors import ConflictError, RecordError
from crmbridge_hubspot.attaching import Attacher, Ends, is_linked, is_linked_as_expected, named_in
from crmbridge_hubspot.client import HubspotApi, Record, parts
from crmbridge_hubspot.dialect import words_of
from crmbridge_hubspot.mapping import BATCH, MERGED, MERGING, OWN, VISIT_KEY, type_of
from crmbridge_hubspot.options import Options
from crmbridge_hubspot.outcomes import done, refused, unknown
from crmbridge_hubspot.read import merges
from crmbridge_hubspot.values import is_same, own_properties, to_text

Outcomes = list[Outcome]
Send = Callable[[Sequence[WriteItem]], Outcomes]

GONE = "the record is gone"
_HTML = frozenset({"hs_meeting_body", "hs_task_body"})
_TRANSIENT = frozenset({"LOCKED", "RATE_LIMITS", "INTERNAL_ERROR"})


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes to one account.

    Args:
        options: makes options that enumerations lack; None where that is not allowed.
    """

    api: HubspotApi
    attacher: Attacher
    options: Options | None = None

    def write(self, items: Sequence[WriteItem]) -> Outcomes:
        """Write items of one object and operation, a hundred at a time."""
        ways: Mapping[Operation, Send] = {
            Operation.CREATE: self._create,
            Operation.UPDATE: self._update,
            Operation.CLEAR: self._update,
            Operation.DELETE: self._archive,
        }
        return [
            outcome for some in parts(items, BATCH) for outcome in ways[some[0].operation](some)
        ]

    def _create(self, items: Sequence[WriteItem]) -> Outcomes:
        """Upsert by our key: the property's values are unique, so that a second try finds the
        record of the first."""
        type_ = type_of(items[0].object)
        outcomes = _bisected(lambda some: self._upsert(type_, some), items)
        return self.attacher.attach(type_, items, outcomes)

    def _upsert(self, type_: str, items: Sequence[WriteItem]) -> Outcomes:
        inputs = [
            {
                "idProperty": VISIT_KEY,
                "id": item.key,
                "objectWriteTraceId": item.item,
                "properties": created_properties(item),
            }
            for item in items
        ]
        answer = self.api.write_batch(type_, "upsert", inputs)
        by_key = {one.get("properties", {}).get(VISIT_KEY): one for one in _results(answer)}
        return judge(items, answer, lambda item: by_key.get(item.key))

    def _update(self, items: Sequence[WriteItem]) -> Outcomes:
        """Read what is there, and send what still is as it was decided on."""
        type_ = type_of(items[0].object)
        current, survivors = self._current(type_, items)
        ends = self.attacher.ends(type_, items) if type_ in OWN else {}
        settled: dict[str, Outcome] = {}
        for item in items:
            survivor = survivors.get(item.id, "")
            found = look(item, current.get(item.id), survivor, ends.get(item.id, {}))
            if found is not None:
                settled[item.item] = found
        left = [item for item in items if item.item not in settled]
        return [*settled.values(), *self._sent(type_, left, ends)]

    def _sent(self, type_: str, items: Sequence[WriteItem], ends: Mapping[str, Ends]) -> Outcomes:
        """Send properties, then links; an item may change one of the two alone."""
        if not items:
            return []
        if self.options is not None:
            self.options.make(type_, [wanted(item) for item in items])
        with_values = [item for item in items if wanted(item)]
        sent = _bisected(lambda some: self._patch(type_, some), with_values) if with_values else []
        sent += [done(item, Status.APPLIED) for item in items if not wanted(item)]
        return self.attacher.relink(type_, items, sent, ends) if type_ in OWN else sent

    def _patch(self, type_: str, items: Sequence[WriteItem]) -> Outcomes:
        inputs = [
            {"id": item.id, "objectWriteTraceId": item.item, "properties": wanted(item)}
            for item in items
        ]
        answer = self.api.write_batch(type_, "update", inputs)
        by_id = {str(one["id"]): one for one in _results(answer)}
        return judge(items, answer, lambda item: by_id.get(item.id))

    def _archive(self, items: Sequence[WriteItem]) -> Outcomes:
        """Archive records that are ours and still as we left them."""
        type_ = type_of(items[0].object)
        current, _ = self._current(type_, items)
        outcomes: Outcomes = []
        for item in items:
            record = current.get(item.id)
            if record is None:
                outcomes.append(done(item, Status.UNCHANGED))
            elif not _holds(record, expected(item)):
                outcomes.append(_conflict(item))
            else:
                outcomes.append(done(item, Status.APPLIED))
        ids = [one.id for one in outcomes if one.status is Status.APPLIED]
        if ids:
            self.api.write_batch(type_, "archive", [{"id": id_} for id_ in ids])
        return outcomes

    def _current(
        self, type_: str, items: Sequence[WriteItem]
    ) -> tuple[dict[str, Record], dict[str, str]]:
        """The records as they are now, and who survived those that were merged away."""
        names = {name for item in items for name in (*wanted(item), *expected(item))}
        asked = sorted(names | ({MERGED} if type_ in MERGING else set()))
        found = self.api.read_batch(type_, [item.id for item in items], asked)
        records = {str(one["id"]): one for one in found}
        return records, dict(merges(found))


def wanted(item: WriteItem) -> dict[str, str]:
    """The properties that an item sets; those of our own records go by our names.

    A meeting stands in the timeline at `hs_timestamp`, which HubSpot requires of each activity.
    """
    if item.operation is Operation.DELETE:
        return {}
    found = _properties(item, item.values)
    start = found.get("hs_meeting_start_time")
    return {**found, "hs_timestamp": start} if start else found


def expected(item: WriteItem) -> dict[str, str]:
    """The properties that an item expects to find; not the text of a meeting or task, which
    HubSpot makes HTML of."""
    return {k: v for k, v in _properties(item, item.expected).items() if k not in _HTML}


def _properties(item: WriteItem, values: Mapping[str, Any]) -> dict[str, str]:
    if item.object in OWN:
        return own_properties(item.object, values)
    return {name: to_text(value) for name, value in values.items()}


def created_properties(item: WriteItem) -> dict[str, str]:
    """The properties of a new record: those given, and our key."""
    return {**{name: text for name, text in wanted(item).items() if text}, VISIT_KEY: item.key}


def look(item: WriteItem, record: Record | None, survivor: str, ends: Ends) -> Outcome | None:
    """The outcome of an item that is not to be sent, by what is there; None to send it.

    Properties and links are two calls, so that a first try may have done one of them: each of the
    two must be as wanted or as expected.

    Args:
        ends: whom the record is linked to.
    """
    if record is None:
        return Outcome(
            item=item.item,
            status=Status.REJECTED,
            id=item.id,
            error_class=ErrorClass.RECORD,
            error=GONE,
            survivor=survivor,
        )
    is_written, is_attached = _holds(record, wanted(item)), is_linked(item, ends)
    if is_written and is_attached:
        return done(item, Status.UNCHANGED)
    is_as_expected = is_written or _holds(record, expected(item))
    is_where_expected = is_attached or is_linked_as_expected(item, ends)
    return None if is_as_expected and is_where_expected else _conflict(item)


def _holds(record: Record, values: Mapping[str, str]) -> bool:
    properties = record["properties"]
    return all(is_same(properties.get(name), value) for name, value in values.items())


def judge(
    items: Sequence[WriteItem],
    answer: Mapping[str, Any],
    otherwise: Callable[[WriteItem], Record | None],
) -> Outcomes:
    """One outcome per item of a batch, from its results and errors.

    An item is known by the `objectWriteTraceId` that we gave it; where an answer does not repeat
    that, by its id or key. One that is not in the answer at all is unknown.

    Args:
        otherwise: finds the result of an item without the trace.
    """
    results = {str(one.get("objectWriteTraceId")): one for one in _results(answer)}
    errors: dict[str, Mapping[str, Any]] = {}
    for error in answer.get("errors") or ():
        errors |= dict.fromkeys(named_in(error), error)
    outcomes = []
    for item in items:
        found = results.get(item.item) or otherwise(item)
        error = errors.get(item.item) or errors.get(item.id or item.key)
        if error is not None:
            outcomes.append(_failed(item, error))
        elif found is not None:
            outcomes.append(done(item, Status.APPLIED, str(found["id"])))
        else:
            outcomes.append(unknown(item, "the answer does not tell of it"))
    return outcomes


def _failed(item: WriteItem, error: Mapping[str, Any]) -> Outcome:
    words = words_of(error)
    if error.get("category") == "CONFLICT" and item.operation is Operation.CREATE:
        return unknown(item, words)  # there is one: the host finds it by the key, if it is ours
    if error.get("category") == "CONFLICT":
        return refused(item, ErrorClass.RECORD, f"another record has this value: {words}")
    again = error.get("category") in _TRANSIENT
    return refused(item, ErrorClass.TRANSIENT if again else ErrorClass.RECORD, words or "refused")


def _bisected(send: Send, items: Sequence[WriteItem]) -> Outcomes:
    """Send a batch; one that is refused whole is halved until the bad item stands alone."""
    try:
        return send(items)
    except (RecordError, ConflictError) as error:
        if len(items) == 1:
            kind = ErrorClass.RECORD
            if isinstance(error, ConflictError) and items[0].operation is Operation.CREATE:
                return [unknown(items[0], error.got)]
            return [refused(items[0], kind, error.got or "refused")]
    middle = len(items) // 2
    return _bisected(send, items[:middle]) + _bisected(send, items[middle:])


def _results(answer: Mapping[str, Any]) -> Sequence[Record]:
    found: Sequence[Record] = answer.get("results") or ()
    return found


def _conflict(item: WriteItem) -> Outcome:
    return Outcome(
        item=item.item,
        status=Status.CONFLICT,
        id=item.id,
        error_class=ErrorClass.CONFLICT,
        error="the record no longer holds the expected values",
    )
