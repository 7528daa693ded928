"""Adds records to lists that are kept by hand, and removes them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from crmbridge.adapters import ErrorClass, Operation, Outcome, Status, WriteItem
from crmbridge.errors import ConfigError, ConflictError, RecordError, RetryLaterError
from crmbridge_hubspot.client import HubspotApi, parts
from crmbridge_hubspot.mapping import BATCH
from crmbridge_hubspot.whole import member_id

Pair = tuple[str, str]


def write_members(
    api: HubspotApi, items: Sequence[WriteItem], status_property: str = ""
) -> list[Outcome]:
    """Write memberships, one call per list; the same pair twice is one member.

    Args:
        status_property: property of contacts that their status is written to, "" for none.
    """
    lists: dict[str, list[WriteItem]] = {}
    for item in items:
        lists.setdefault(pair_of(item)[0], []).append(item)
    outcomes = [one for list_id, some in lists.items() for one in _of_list(api, list_id, some)]
    return _with_status(api, items, outcomes, status_property) if status_property else outcomes


def _with_status(
    api: HubspotApi, items: Sequence[WriteItem], outcomes: Sequence[Outcome], name: str
) -> list[Outcome]:
    """Set the status of contacts that are on their list. It says one thing of a person, who may
    be on several lists: the last one added counts."""
    on_list = {one.item for one in outcomes if one.status is not Status.REJECTED}
    wanted = {
        str(item.values["contact_id"]): (item.item, str(item.values["status"]))
        for item in items
        if item.item in on_list and item.values.get("contact_id") and item.values.get("status")
    }
    why: dict[str, str] = {}
    for some in parts(list(wanted), BATCH):
        inputs = [
            {"id": id_, "objectWriteTraceId": wanted[id_][0], "properties": {name: wanted[id_][1]}}
            for id_ in some
        ]
        why |= _unset(api, inputs)
    return [_noted(one, why.get(one.item, "")) for one in outcomes]


def _unset(api: HubspotApi, inputs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Item -> why its status could not be set; on the list it is."""
    try:
        answer = api.write_batch("contacts", "update", inputs)
    except (RecordError, ConflictError, ConfigError, RetryLaterError) as error:
        return {str(one["objectWriteTraceId"]): error.got for one in inputs}
    done = {str(one["id"]) for one in answer.get("results") or ()}
    return {
        str(one["objectWriteTraceId"]): "the contact was refused"
        for one in inputs
        if str(one["id"]) not in done
    }


def _noted(outcome: Outcome, why: str) -> Outcome:
    return (
        replace(outcome, error=f"on the list, but its status is not set: {why}") if why else outcome
    )


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
