"""Statuses of who is on lists, kept in a property of contacts, since lists keep none.

A contact has one, however many lists they are on: it is taken for that of the membership that began
last, which is the one that it was written for last.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from crmbridge.adapters import ErrorClass, Outcome, Status, WriteItem
from crmbridge.errors import ConfigError, ConflictError, RecordError, RetryLaterError
from crmbridge_hubspot.client import HubspotApi, parts
from crmbridge_hubspot.mapping import BATCH
from crmbridge_hubspot.outcomes import done, refused

Row = Mapping[str, Any]
_NEW = "added"
"""The status of a member whose property says nothing."""


def with_read_statuses(api: HubspotApi, name: str, rows: Sequence[Row]) -> list[Row]:
    """Rows of all memberships, those of contacts with their status."""
    newest: dict[str, Row] = {}
    for row in rows:
        contact = row.get("contactId")
        if contact and _begun(row) >= _begun(newest.get(contact, {})):
            newest[contact] = row
    held = _held(api, name, list(newest))
    return [
        {**row, "status": (row is newest[contact] and held.get(contact)) or _NEW}
        if (contact := row.get("contactId"))
        else row
        for row in rows
    ]


def with_statuses(
    api: HubspotApi, items: Sequence[WriteItem], outcomes: Sequence[Outcome], name: str
) -> list[Outcome]:
    """Set the status of contacts that were just put on their list: the last one added counts."""
    on_list = {one.item for one in outcomes if one.status is not Status.REJECTED}
    wanted = {
        contact: (item.item, str(item.values["status"]))
        for item in items
        if item.item in on_list and (contact := _contact(item)) and item.values.get("status")
    }
    why = _write(api, name, wanted)
    return [_noted(one, why.get(one.item, "")) for one in outcomes]


def set_statuses(api: HubspotApi, items: Sequence[WriteItem], name: str) -> list[Outcome]:
    """Set the status of contacts who are on a list already, and still have the one expected."""
    if not name:
        words = "lists keep no status: name a property of contacts as member_status"
        return [refused(item, ErrorClass.CONFIG, words) for item in items]
    held = _held(api, name, [_contact(item) for item in items])
    decided = {item.item: _decided(item, held) for item in items}
    to_send = [item for item in items if decided[item.item] is None]
    wanted = {_contact(item): (item.item, str(item.values["status"])) for item in to_send}
    why = _write(api, name, wanted)
    for item in to_send:
        error = why.get(item.item, "")
        is_set = done(item, Status.APPLIED)
        decided[item.item] = refused(item, ErrorClass.RECORD, error) if error else is_set
    return [found for item in items if (found := decided[item.item])]


def _decided(item: WriteItem, held: Mapping[str, str]) -> Outcome | None:
    """What can be said before anything is sent; None for a status to send."""
    if _contact(item) not in held:
        return refused(item, ErrorClass.RECORD, "the contact is gone")
    found = held[_contact(item)] or _NEW
    if found == str(item.values.get("status") or _NEW):
        return done(item, Status.UNCHANGED)
    if found == str(item.expected.get("status") or _NEW):
        return None
    return Outcome(
        item=item.item,
        status=Status.CONFLICT,
        id=item.id,
        error_class=ErrorClass.CONFLICT,
        error="the contact's status is no longer the expected one",
    )


def _held(api: HubspotApi, name: str, ids: Sequence[str]) -> dict[str, str]:
    """Contact -> the status that the property holds, "" for none."""
    found = api.read_batch("contacts", [one for one in ids if one], (name,))
    return {str(one["id"]): str(one["properties"].get(name) or "") for one in found}


def _write(api: HubspotApi, name: str, wanted: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Write contact -> (item, status); item -> why it could not be set."""
    why: dict[str, str] = {}
    for some in parts(list(wanted), BATCH):
        inputs = [
            {"id": id_, "objectWriteTraceId": wanted[id_][0], "properties": {name: wanted[id_][1]}}
            for id_ in some
        ]
        why |= _unset(api, inputs)
    return why


def _unset(api: HubspotApi, inputs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    try:
        answer = api.write_batch("contacts", "update", inputs)
    except (RecordError, ConflictError, ConfigError, RetryLaterError) as error:
        return {str(one["objectWriteTraceId"]): error.got for one in inputs}
    taken = {str(one["id"]) for one in answer.get("results") or ()}
    left: Iterable[Mapping[str, Any]] = (one for one in inputs if str(one["id"]) not in taken)
    return {str(one["objectWriteTraceId"]): "the contact was refused" for one in left}


def _noted(outcome: Outcome, why: str) -> Outcome:
    words = f"on the list, but its status is not set: {why}"
    return replace(outcome, error=words) if why else outcome


def _contact(item: WriteItem) -> str:
    return str(item.values.get("contact_id") or "")


def _begun(row: Row) -> str:
    return str(row.get("membershipTimestamp") or "")
