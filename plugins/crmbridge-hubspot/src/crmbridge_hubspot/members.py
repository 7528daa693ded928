"""Adds records to lists that are kept by hand, and removes them."""

from collections.abc import Sequence
from typing import Any

from crmbridge.adapters import ErrorClass, Operation, Outcome, Status, WriteItem
from crmbridge.errors import ConflictError, RecordError
from crmbridge_hubspot.client import HubspotApi
from crmbridge_hubspot.member_status import set_statuses, with_statuses
from crmbridge_hubspot.whole import member_id

Pair = tuple[str, str]


def write_members(
    api: HubspotApi, items: Sequence[WriteItem], status_property: str = ""
) -> list[Outcome]:
    """Write memberships, one call per list, or statuses; the same pair twice is one member.

    Args:
        status_property: property of contacts that their status is written to, "" for none.
    """
    if items[0].operation is Operation.SET_MEMBER:
        return set_statuses(api, items, status_property)
    lists: dict[str, list[WriteItem]] = {}
    for item in items:
        lists.setdefault(pair_of(item)[0], []).append(item)
    outcomes = [one for list_id, some in lists.items() for one in _of_list(api, list_id, some)]
    return with_statuses(api, items, outcomes, status_property) if status_property else outcomes


def pair_of(item: WriteItem) -> Pair:
    """The list and the record of a member, by its values or its id."""
    values = item.values
    person = str(values.get("contact_id") or values.get("customer_id") or "")
    list_id = str(values.get("campaign_id") or "")
    if list_id and person:
        return list_id, person
    left, _, right = item.id.partition(":")
    return left, right


def _of_list(api: HubspotApi, list_id: str, items: Sequence[WriteItem]) -> list[Outcome]:
    ids = list(dict.fromkeys(pair_of(item)[1] for item in items))
    if not list_id or "" in ids:
        return [_outcome(item, Status.REJECTED, "expected a list and a record") for item in items]
    is_add = items[0].operation is Operation.ADD_MEMBER
    try:
        answer = api.change_members(list_id, "add" if is_add else "remove", ids)
    except (RecordError, ConflictError) as error:
        return _halved(api, list_id, items, error.got or "refused")
    # The names are those of hubspot-api-client's MembershipsUpdateResponse, "records" and all.
    done = (
        _ids(answer, "recordsIdsAdded", "recordIdsAdded")
        if is_add
        else _ids(answer, "recordIdsRemoved", "recordsIdsRemoved")
    )
    missing = _ids(answer, "recordIdsMissing", "recordsIdsMissing")
    outcomes = []
    for item in items:
        record = pair_of(item)[1]
        if record in done:
            outcomes.append(_outcome(item, Status.APPLIED))
        elif record in missing and is_add:
            outcomes.append(_outcome(item, Status.REJECTED, "the record is gone"))
        else:
            outcomes.append(_outcome(item, Status.UNCHANGED))
    return outcomes


def _halved(api: HubspotApi, list_id: str, items: Sequence[WriteItem], why: str) -> list[Outcome]:
    """A list that is not kept by hand refuses all; a bad record may refuse its batch."""
    if len(items) == 1:
        return [_outcome(items[0], Status.REJECTED, why)]
    middle = len(items) // 2
    return _of_list(api, list_id, items[:middle]) + _of_list(api, list_id, items[middle:])


def _ids(answer: Any, *names: str) -> set[str]:
    return {str(one) for name in names for one in answer.get(name) or ()}


def _outcome(item: WriteItem, status: Status, error: str = "") -> Outcome:
    return Outcome(
        item=item.item,
        status=status,
        id=member_id(*pair_of(item)),
        error_class=ErrorClass.RECORD if status is Status.REJECTED else None,
        error=error,
    )
