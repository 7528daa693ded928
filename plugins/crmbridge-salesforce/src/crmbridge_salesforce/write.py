"""Writes items by collections of 200 rows, or a job where there are more: compared first, then
sent, then judged one by one.

"sObject Collections", REST API guide: results stand in the order of the request, the answer is 200
even if rows fail, and a call counts once against the limits. Salesforce has conditional requests
for single accounts only, so that rows are compared just before they are sent; a change of that
second is overwritten, unless the settings ask for `exact`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any
from urllib.parse import quote

from crmbridge.adapters import ErrorClass, Operation, Outcome, WriteItem
from crmbridge.adapters.http import Effect
from crmbridge.errors import (
    ConfigError,
    ConflictError,
    CrmbridgeError,
    QuotaError,
    RecordError,
    SignInError,
)
from crmbridge_salesforce.client import Client
from crmbridge_salesforce.codes import DOUBLE
from crmbridge_salesforce.compare import changed, decide_change, decide_deletion
from crmbridge_salesforce.ids import to_18
from crmbridge_salesforce.ingest import MOST_BYTES, OPERATIONS, Ingest, Load
from crmbridge_salesforce.lookup import Current, Lookup
from crmbridge_salesforce.mapping import MEMBER
from crmbridge_salesforce.members import Members
from crmbridge_salesforce.own import Wanted, wanted_of
from crmbridge_salesforce.settings import SalesforceSettings
from crmbridge_salesforce.statuses import Statuses
from crmbridge_salesforce.verdicts import (
    conflict,
    is_gone,
    outcomes_of,
    refused,
    unchanged,
    unknown,
)

MOST = 200
LOCKED = "UNABLE_TO_LOCK_ROW"
_LOCK_SECONDS = 0.5
Way = Callable[[Sequence[WriteItem]], list[Outcome]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes items of one object and operation at a time; used by several threads."""

    client: Client
    lookup: Lookup
    settings: SalesforceSettings
    ingest: Ingest

    def write(self, items: Sequence[WriteItem]) -> list[Outcome]:
        """One outcome per item; those of one parent are sent together, since they share a lock."""
        ordered = sorted(items, key=lambda one: one.parent)
        if len(items) > MOST and self._takes_jobs(items[0]):
            return self._by_jobs(ordered)
        return self._by_collections(ordered)

    def resume(self, handle: str) -> list[Outcome]:
        """What became of the rows of a handle, whose job may have to be waited for.

        Raises:
            RecordError: it is no handle of ours.
        """
        pairs = self.ingest.resume(handle)
        return self._judged([item for item, _ in pairs], [outcome for _, outcome in pairs])

    def _takes_jobs(self, item: WriteItem) -> bool:
        """Members have no key that a job could go by; what is `exact` goes one by one."""
        is_exact = self.settings.exact and item.object == "Account"
        return item.operation in OPERATIONS and item.object != MEMBER and not is_exact

    def _by_collections(self, items: Sequence[WriteItem]) -> list[Outcome]:
        way = self._way(items[0].operation)
        parts = [items[at : at + MOST] for at in range(0, len(items), MOST)]
        return _in_turn([(part, partial(self._unlocked, way, part)) for part in parts])

    def _by_jobs(self, items: Sequence[WriteItem]) -> list[Outcome]:
        """Compare all, then send what is left by a job, or by collections if it is little."""
        decided, load = self._load(items)
        left = [item for item, _ in load.rows]
        if left and (len(left) <= MOST or not load.is_fit()):
            return decided + self._by_collections(left)
        return decided + _in_turn(
            [([item for item, _ in one.rows], partial(self._loaded, one)) for one in _cut(load)]
        )

    def _load(self, items: Sequence[WriteItem]) -> tuple[list[Outcome], Load]:
        """What can be said already, and the rows that must be sent."""
        object_, operation = items[0].object, items[0].operation
        wanted = [wanted_of(one) for one in items]
        if operation is Operation.CREATE:
            self._need_key(object_)
            key = self.settings.key_field
            rows = [(one.item, {key: one.item.key, **_filled(one)}) for one in wanted]
            return [], Load(object=object_, operation=operation, key=key, rows=rows)
        is_deletion = operation is Operation.DELETE
        decide = decide_deletion if is_deletion else decide_change
        current = self._current(object_, wanted)
        found = [(one, decide(one, current)) for one in wanted]
        rows = [
            (one.item, {"Id": to_18(one.item.id), **({} if is_deletion else one.sends)})
            for one, outcome in found
            if outcome is None
        ]
        decided = [outcome for _, outcome in found if outcome is not None]
        return decided, Load(object=object_, operation=operation, key="Id", rows=rows)

    def _loaded(self, load: Load) -> list[Outcome]:
        items = [item for item, _ in load.rows]
        try:
            id_ = self.ingest.start(load)
        except (ConfigError, RecordError):
            return self._by_collections(items)  # this user or object takes no jobs
        outcomes = self._judged(items, self.ingest.finish(id_, load))
        return self._again_alone(self._way(load.operation), items, outcomes)

    def _judged(self, items: Sequence[WriteItem], outcomes: list[Outcome]) -> list[Outcome]:
        """Outcomes of a job as a collection's would be."""
        if items[0].operation is Operation.CREATE:
            return self._keyed(items, outcomes)
        if items[0].operation is Operation.DELETE:
            pairs = zip(items, outcomes, strict=True)
            return [unchanged(item) if is_gone(one) else one for item, one in pairs]
        return self._with_survivors(items[0].object, items, outcomes)

    def _unlocked(self, way: Way, items: Sequence[WriteItem]) -> list[Outcome]:
        return self._again_alone(way, items, way(items))

    def _again_alone(
        self, way: Way, items: Sequence[WriteItem], outcomes: list[Outcome]
    ) -> list[Outcome]:
        """Send locked rows once more, each for itself; the host sees to what is locked still.

        Rows of one batch lock each other's parents, and one that waits for a lock for 10 seconds
        gives up ("Record Locking Cheat Sheet", Salesforce): smaller batches lock less.
        """
        locked = {one.item for one in outcomes if one.error.startswith(LOCKED)}
        if not locked or len(locked) > MOST:
            return outcomes
        self.client.context.clock.sleep(_LOCK_SECONDS)
        again: dict[str, Outcome] = {}
        for item in items:
            if item.item in locked:
                try:
                    again[item.item] = way([item])[0]
                except CrmbridgeError as error:
                    again[item.item] = _after(error, item)
                    break
        return [again.get(one.item, one) for one in outcomes]

    def _way(self, operation: Operation) -> Way:
        statuses = Statuses(client=self.client, labels=self.settings.member_status)
        members = Members(client=self.client, statuses=statuses)
        return {
            Operation.CREATE: self._create,
            Operation.UPDATE: self._change,
            Operation.CLEAR: self._change,
            Operation.DELETE: self._delete,
            Operation.ADD_MEMBER: members.add,
            Operation.SET_MEMBER: members.set,
            Operation.REMOVE_MEMBER: members.remove,
        }[operation]

    def _create(self, items: Sequence[WriteItem]) -> list[Outcome]:
        """Create records under our key, or take up those that bear it already."""
        object_, key_field = items[0].object, self.settings.key_field
        self._need_key(object_)
        records = [
            {"attributes": {"type": object_}, **_filled(wanted_of(one)), key_field: one.key}
            for one in items
        ]
        path = f"composite/sobjects/{quote(object_)}/{quote(key_field)}"
        document = {"allOrNone": False, "records": records}
        answer = self.client.send("PATCH", path, document, Effect.KEYED)
        return self._keyed(items, outcomes_of(items, answer.data))

    def _need_key(self, object_: str) -> None:
        """Create nothing that could not be found again.

        Raises:
            ConfigError: the object lacks the field for our key.
        """
        described = self.client.describe(object_)
        if described is None:
            return
        name = self.settings.key_field
        fields = {one["name"]: one for one in described.get("fields") or ()}
        if not fields.get(name, {}).get("externalId"):
            raise ConfigError(
                f"{object_}.{name}", "an external-id field", "none", "Run `crmbridge doctor --fix`"
            )

    def _keyed(self, items: Sequence[WriteItem], outcomes: list[Outcome]) -> list[Outcome]:
        """A double whose key is ours is our own earlier write."""
        doubles = {
            one.item
            for one in outcomes
            if one.error.startswith(tuple(DOUBLE)) and self.settings.key_field in one.error
        }
        if not doubles:
            return outcomes
        keys = {one.item: one.key for one in items}
        found = self.lookup.by_keys(
            items[0].object, self.settings.key_field, [keys[one] for one in sorted(doubles)]
        )
        return [_taken_up(one, found.get(keys[one.item], ())) for one in outcomes]

    def _change(self, items: Sequence[WriteItem]) -> list[Outcome]:
        """Write fields of records that still hold what was expected."""
        wanted = [wanted_of(one) for one in items]
        current = self._current(items[0].object, wanted)
        decided = {one.item.item: decide_change(one, current) for one in wanted}
        to_send = [one for one in wanted if decided[one.item.item] is None]
        sent = self._send(items[0].object, to_send)
        by_item = {one.item: one for one in sent}
        return [decided[one.item] or by_item[one.item] for one in items]

    def _send(self, object_: str, wanted: Sequence[Wanted]) -> list[Outcome]:
        if not wanted:
            return []
        items = [one.item for one in wanted]
        if self.settings.exact and object_ == "Account":
            return [self._exactly(one) for one in wanted]
        records = [
            {"attributes": {"type": object_}, "id": to_18(one.item.id), **one.sends}
            for one in wanted
        ]
        document = {"allOrNone": False, "records": records}
        # ONCE: a row that is sent again must be compared again, which the host sees to
        answer = self.client.send("PATCH", "composite/sobjects", document, Effect.ONCE)
        return self._with_survivors(object_, items, outcomes_of(items, answer.data))

    def _exactly(self, one: Wanted) -> Outcome:
        """Write an account under the condition that it is as it was compared.

        "Conditional Request Headers", REST API guide: If-Match works for Account records only.
        """
        path = f"sobjects/Account/{to_18(one.item.id)}"
        try:
            held = self.client.get(path)
            clashes = changed(one, held.json())
            if clashes:
                return conflict(one.item, clashes)
            headers = {"If-Match": held.headers.get("ETag", "")}
            effect = Effect.ONCE
            self.client.send("PATCH", path, dict(one.sends), effect, headers=headers)
        except ConflictError:
            return conflict(one.item, ["the record"])
        except RecordError as error:
            return refused(one.item, ErrorClass.RECORD, error.got)
        return outcomes_of([one.item], [{"id": one.item.id, "success": True}])[0]

    def _delete(self, items: Sequence[WriteItem]) -> list[Outcome]:
        """Delete our records that nobody changed; one that is gone already needs nothing."""
        wanted = [wanted_of(one) for one in items]
        current = self._current(items[0].object, wanted)
        decided = {one.item.item: decide_deletion(one, current) for one in wanted}
        to_send = [one for one in items if decided[one.item] is None]
        by_item = {one.item: one for one in delete_rows(self.client, to_send)}
        return [decided[one.item] or by_item[one.item] for one in items]

    def _current(self, object_: str, wanted: Sequence[Wanted]) -> Current:
        fields = {name for one in wanted for name in (*one.shows, *one.expected)}
        ids = [one.item.id for one in wanted]
        return self.lookup.rows_by_id(object_, ids, sorted(fields))

    def _with_survivors(
        self, object_: str, items: Sequence[WriteItem], outcomes: list[Outcome]
    ) -> list[Outcome]:
        """Rows that went away between comparison and write, with what they were merged into."""
        gone = {one.item for one in outcomes if is_gone(one)}
        if not gone:
            return outcomes
        ids = {one.item: to_18(one.id) for one in items if one.item in gone}
        survivors = self.lookup.rows_by_id(object_, list(ids.values()), ["Id"]).survivors
        return [
            replace(one, survivor=survivors.get(ids[one.item], "")) if one.item in gone else one
            for one in outcomes
        ]


def delete_rows(client: Client, items: Sequence[WriteItem]) -> list[Outcome]:
    """Delete records by id; one that is gone is as it should be."""
    if not items:
        return []
    ids = ",".join(to_18(one.id) for one in items)
    params = {"ids": ids, "allOrNone": "false"}
    answer = client.send("DELETE", "composite/sobjects", None, Effect.KEYED, params=params)
    outcomes = outcomes_of(items, answer.data)
    pairs = zip(items, outcomes, strict=True)
    return [unchanged(item) if is_gone(one) else one for item, one in pairs]


def _in_turn(
    parts: Sequence[tuple[Sequence[WriteItem], Callable[[], list[Outcome]]]],
) -> list[Outcome]:
    """Write parts one after the other; once one is written, an error is told row by row.

    Raises:
        CrmbridgeError: the first part failed.
    """
    outcomes: list[Outcome] = []
    for number, (_, write) in enumerate(parts):
        try:
            outcomes += write()
        except CrmbridgeError as error:
            if not outcomes:
                raise
            left = chain.from_iterable(items for items, _ in parts[number:])
            return outcomes + [_after(error, item) for item in left]
    return outcomes


def _cut(load: Load) -> list[Load]:
    """Loads whose texts are not too long for one upload."""
    if not load.rows:
        return []
    if len(load.rows) == 1 or len(load.text()) <= MOST_BYTES:
        return [load]
    return [part for half in load.halves() for part in _cut(half)]


def _filled(wanted: Wanted) -> dict[str, Any]:
    """A new record names no empty field."""
    return {name: value for name, value in wanted.sends.items() if value is not None}


def _taken_up(outcome: Outcome, ids: Sequence[str]) -> Outcome:
    if len(ids) != 1:
        return outcome
    return outcomes_of(
        [WriteItem(item=outcome.item, operation=Operation.CREATE, object="")],
        [{"id": ids[0], "success": True}],
    )[0]


_CLASSES: Sequence[tuple[type[CrmbridgeError], ErrorClass]] = (
    (QuotaError, ErrorClass.QUOTA),
    (SignInError, ErrorClass.SIGN_IN),
    (ConfigError, ErrorClass.CONFIG),
    (RecordError, ErrorClass.TRANSIENT),
    (ConflictError, ErrorClass.TRANSIENT),
)


def _after(error: CrmbridgeError, item: WriteItem) -> Outcome:
    """The outcome of an item whose part failed after others were written."""
    kind = next((found for type_, found in _CLASSES if isinstance(error, type_)), None)
    return unknown(item) if kind is None else refused(item, kind, error.line())
