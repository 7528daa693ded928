"""Links visits to their customer and contact, when they are created and when that changes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crmbridge.adapters import ErrorClass, Outcome, Page, Status, WriteItem
from crmbridge.errors import ConflictError, RecordError, RetryLaterError
from crmbridge_hubspot.client import HubspotApi
from crmbridge_hubspot.dialect import words_of
from crmbridge_hubspot.links import read_links
from crmbridge_hubspot.mapping import type_of
from crmbridge_hubspot.outcomes import refused
from crmbridge_hubspot.values import LINKED

Ends = Mapping[str, frozenset[str]]
"""Field such as ``contact_id`` -> ids that the record is linked to."""
Pairs = Mapping[tuple[str, str], WriteItem]
"""(visit, whom it is with) -> the item that says so."""


@dataclass(frozen=True, slots=True)
class Attacher:
    """Links the visits of one account.

    Args:
        customers: the type that customers are kept in.
    """

    api: HubspotApi
    customers: str = "companies"

    def attach(
        self, type_: str, items: Sequence[WriteItem], outcomes: Sequence[Outcome]
    ) -> list[Outcome]:
        """Associate what was created with customer and contact. Where that may be tried again
        the item may, too: it is found by its key."""
        ids = {one.item: one.id for one in outcomes if one.status is Status.APPLIED}
        faults: dict[str, Outcome] = {}
        for name in LINKED:
            pairs = {
                (ids[item.item], end): item
                for item in items
                if item.item in ids and (end := _end_of(item, name))
            }
            faults |= self._each(self.api.associate, type_, name, pairs)
        return [faults.get(one.item, one) for one in outcomes]

    def ends(self, type_: str, items: Sequence[WriteItem]) -> dict[str, Ends]:
        """Whom the records of items are linked to now, as far as the items speak of it."""
        found: dict[str, dict[str, frozenset[str]]] = {}
        for name in LINKED:
            ids = [one.id for one in items if name in one.values or name in one.expected]
            for id_, ends in self._linked(type_, name, ids).items():
                found.setdefault(id_, {})[name] = ends
        return dict(found)

    def relink(
        self,
        type_: str,
        items: Sequence[WriteItem],
        outcomes: Sequence[Outcome],
        ends: Mapping[str, Ends],
    ) -> list[Outcome]:
        """Link what was changed to whom it is with now, and no longer to whom it was."""
        applied = {one.item for one in outcomes if one.status is Status.APPLIED}
        faults: dict[str, Outcome] = {}
        for name in LINKED:
            fresh: dict[tuple[str, str], WriteItem] = {}
            stale: dict[tuple[str, str], WriteItem] = {}
            for item in items:
                if item.item not in applied or name not in item.values:
                    continue
                held = ends.get(item.id, {}).get(name, frozenset())
                end, before = _text(item.values[name]), _text(item.expected.get(name))
                if end and end not in held:
                    fresh[item.id, end] = item
                if before and before != end and before in held:
                    stale[item.id, before] = item
            faults |= self._each(self.api.associate, type_, name, fresh)
            # Whom it was with is kept until the new link stands: a second try can tell by it.
            settled = {pair: item for pair, item in stale.items() if item.item not in faults}
            faults |= self._each(self.api.dissociate, type_, name, settled)
        return [faults.get(one.item, one) for one in outcomes]

    def with_ends(self, page: Page, names: Sequence[str]) -> Page:
        """A page of visits with columns for whom they are linked to: the least id of several, as
        the host takes it where none is the primary one."""
        type_ = type_of(page.object)
        ids = [str(row[0]) for row in page.rows]
        columns = [self._linked(type_, name, ids) for name in names]
        rows = [
            (*row, *(min(ends.get(str(row[0]), ()), default=None) for ends in columns))
            for row in page.rows
        ]
        return replace(page, columns=(*page.columns, *names), rows=rows)

    def _linked(self, type_: str, name: str, ids: Sequence[str]) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for some in read_links(self.api, type_, self._to(name), ids):
            for link in some:
                found.setdefault(link.from_id, set()).add(link.to_id)
        return {id_: frozenset(ends) for id_, ends in found.items()}

    def _to(self, name: str) -> str:
        return self.customers if name == "customer_id" else "contacts"

    def _each(
        self,
        send: Callable[[str, str, Iterable[tuple[str, str]]], Mapping[str, Any]],
        type_: str,
        name: str,
        pairs: Pairs,
    ) -> dict[str, Outcome]:
        """Associate pairs, or the opposite; the outcomes of those where it went wrong."""
        if not pairs:
            return {}
        try:
            answer = send(type_, self._to(name), pairs)
        except RetryLaterError as error:
            why = f"not yet linked: {error.got}"
            return {
                item.item: refused(item, ErrorClass.TRANSIENT, why, id_=pair[0])
                for pair, item in pairs.items()
            }
        except (RecordError, ConflictError) as error:
            return {item.item: _unlinked(item, p[0], error.got) for p, item in pairs.items()}
        bad = [one for one in answer.get("errors") or () if isinstance(one, dict)]
        named = {value for one in bad for value in named_in(one)}
        return {
            item.item: _unlinked(item, pair[0], words_of(bad[0]))
            for pair, item in pairs.items()
            if named & set(pair)
        }


def is_linked(item: WriteItem, ends: Ends) -> bool:
    """Whether a record is linked as an item wants it; nobody means: no longer to whom it was."""
    return all(
        end in ends.get(name, frozenset())
        if (end := _text(item.values[name]))
        else _text(item.expected.get(name)) not in ends.get(name, frozenset())
        for name in LINKED
        if name in item.values
    )


def is_linked_as_expected(item: WriteItem, ends: Ends) -> bool:
    """Whether a record is linked to whom an item expects, beside whomever else."""
    return all(
        _text(item.expected[name]) in ends.get(name, frozenset())
        for name in LINKED
        if item.expected.get(name)
    )


def named_in(error: Mapping[str, Any]) -> Iterable[str]:
    """Trace ids and ids that an error is about; all fields of an error are optional."""
    context = error.get("context")
    if not isinstance(context, dict):
        return ()
    names = context.get("objectWriteTraceId")
    if names:
        return [str(one) for one in names]
    kinds = ("ids", "id", "objectId", "fromObjectId", "toObjectId")
    return [str(one) for kind in kinds for one in context.get(kind) or ()]


def _end_of(item: WriteItem, name: str) -> str:
    """Whom a new record is linked to. The customer of a visit is its parent, too: the host names
    fields only as far as the mapping reads them, and links are read by themselves."""
    value = item.values.get(name) or (item.parent if name == "customer_id" else "")
    return _text(value)


def _text(value: Any) -> str:
    return str(value or "")


def _unlinked(item: WriteItem, id_: str, why: str) -> Outcome:
    """Written, and not linked: a second try would not help, and the record is there."""
    error = f"written, but not linked to its customer or contact: {why}"
    return Outcome(item=item.item, status=Status.APPLIED, id=id_, error=error)
