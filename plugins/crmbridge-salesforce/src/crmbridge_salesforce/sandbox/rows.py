"""Saves single records and collections, each row with a verdict of its own."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crmbridge_salesforce.sandbox.answers import Answer, RefusedError, not_found
from crmbridge_salesforce.sandbox.filter import instant_text
from crmbridge_salesforce.sandbox.moods import Mood
from crmbridge_salesforce.sandbox.org import Org
from crmbridge_salesforce.sandbox.rules import SaveError
from crmbridge_salesforce.sandbox.schema import ObjectSpec

MOST = 200
Verdict = dict[str, Any]
Values = Mapping[str, Any]


def refusal(error: SaveError) -> RefusedError:
    """The answer to a single save that is refused."""
    gone = {"INVALID_CROSS_REFERENCE_KEY": "NOT_FOUND"}
    code = gone.get(error.code, error.code)
    status = 404 if code in {"NOT_FOUND", "ENTITY_IS_DELETED"} else 400
    return RefusedError(status, code, str(error), *error.fields)


def verdict(error: SaveError) -> Verdict:
    """The verdict on a row of a collection that is refused."""
    return {
        "success": False,
        "errors": [{"statusCode": error.code, "message": str(error), "fields": list(error.fields)}],
    }


def upsert(org: Org, spec: ObjectSpec, key_field: str, value: str, values: Values) -> Verdict:
    """Create a record, or change the one that bears the key.

    Raises:
        SaveError: refused; DUPLICATE_EXTERNAL_ID where several bear it.
    """
    one = spec.find(key_field)
    if one is None or not (one.unique or one.name == "Id"):
        raise SaveError(
            "INVALID_FIELD",
            f"Field name provided, {key_field} is not an External ID or indexed field",
        )
    found = org.bearers(spec.name, one.name, value)
    if len(found) > 1:
        raise SaveError("DUPLICATE_EXTERNAL_ID", f"{one.name}: more than one record found")
    if found:
        org.save(spec.name, found[0], {n: v for n, v in values.items() if n != one.name})
        return {"id": found[0], "success": True, "errors": [], "created": False}
    id_ = org.save_new(spec.name, {**values, one.name: value})
    return {"id": id_, "success": True, "errors": [], "created": True}


def etag(held: Values) -> str:
    """What changes whenever the record does."""
    digest = hashlib.sha1(repr(sorted(held.items())).encode(), usedforsecurity=False)
    return f'"{digest.hexdigest()[:27]}=--gzip"'


def shown_row(spec: ObjectSpec, held: Values, path: str) -> dict[str, Any]:
    """A whole record."""
    found: dict[str, Any] = {"attributes": {"type": spec.name, "url": path}}
    for name, one in spec.fields.items():
        value = held.get(name)
        is_instant = one.type == "datetime" and isinstance(value, int)
        found[name] = instant_text(int(value or 0)) if is_instant else value
    return found


def collection(
    org: Org, document: Mapping[str, Any], save: Callable[[Values], Verdict], mood: Mood | None
) -> Answer:
    """Save up to 200 records, all or each for itself.

    Raises:
        RefusedError: none at all, or more than allowed.
    """
    records: Sequence[Values] = document.get("records", [])
    check_number(len(records), "record")
    is_whole = bool(document.get("allOrNone"))
    before = {name: dict(kept) for name, kept in org.records.items()} if is_whole else {}
    found = [_row(save, one, number, mood) for number, one in enumerate(records)]
    if is_whole and not all(one["success"] for one in found):
        org.records = before
        words = (
            "Record rolled back because not all records were valid and the request was using "
            "AllOrNone header"
        )
        rolled_back = verdict(SaveError("ALL_OR_NONE_OPERATION_ROLLED_BACK", words))
        found = [rolled_back if one["success"] else one for one in found]
    return Answer(document=found)


def check_number(number: int, what: str) -> None:
    """Refuse empty collections and those of more than 200."""
    if not number:
        raise RefusedError(400, "REQUIRED_FIELD_MISSING", f"At least 1 {what} is required")
    if number > MOST:
        words = f"{what} limit reached: max number of records is {MOST}"
        raise RefusedError(400, "EXCEEDED_MAX_SIZE_REQUEST", words)


def _row(save: Callable[[Values], Verdict], one: Values, number: int, mood: Mood | None) -> Verdict:
    if mood is Mood.LOCKED:
        words = "unable to obtain exclusive access to this record"
        return verdict(SaveError("UNABLE_TO_LOCK_ROW", words))
    if mood is Mood.HALF and number % 2:
        words = "Please enter a value that the rule allows"
        return verdict(SaveError("FIELD_CUSTOM_VALIDATION_EXCEPTION", words))
    try:
        return save(one)
    except SaveError as error:
        return verdict(error)


def spec_in(org: Org, record: Values) -> ObjectSpec:
    """The object that a record of a collection says it is.

    Raises:
        SaveError: it says none that there is.
    """
    name = record.get("attributes", {}).get("type", "")
    if name not in org.schema:
        raise SaveError("INVALID_TYPE", f"sObject type '{name}' is not supported.")
    return org.schema[name]


def without_attributes(record: Values) -> dict[str, Any]:
    """The fields of a record of a collection."""
    return {name: value for name, value in record.items() if name not in {"attributes", "id", "Id"}}


def need_object(org: Org, name: str) -> ObjectSpec:
    """An object that a path names.

    Raises:
        RefusedError: there is none.
    """
    if name not in org.schema:
        raise not_found()
    return org.schema[name]
