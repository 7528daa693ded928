"""Outcomes of rows by what Salesforce said of each."""

from collections.abc import Mapping, Sequence
from typing import Any

from crmbridge.adapters import ErrorClass, Outcome, Status, WriteItem
from crmbridge_salesforce.codes import GONE, class_of, in_words

Result = Mapping[str, Any]


def code_of(result: Result) -> str:
    """The code of the first error; "" for a row that was saved."""
    errors = result.get("errors") or [{}]
    return "" if result.get("success") else str(errors[0].get("statusCode") or "UNKNOWN")


def outcome_of(item: WriteItem, result: Result) -> Outcome:
    """The outcome of a row that was answered."""
    if result.get("success"):
        return Outcome(item=item.item, status=Status.APPLIED, id=str(result.get("id") or item.id))
    if "success" not in result:
        return unknown(item)
    code = code_of(result)
    words = in_words(result.get("errors") or ()) or code
    return refused(item, class_of(code), words)


def outcomes_of(items: Sequence[WriteItem], results: Any) -> list[Outcome]:
    """One outcome per item; results stand in the order of what was sent."""
    listed = results if isinstance(results, list) else []
    if len(listed) != len(items):
        return [unknown(item) for item in items]
    return [
        outcome_of(item, result if isinstance(result, dict) else {})
        for item, result in zip(items, listed, strict=True)
    ]


def is_gone(result: Outcome) -> bool:
    """Whether a row was refused since its record is not there any more."""
    return result.status is Status.REJECTED and result.error.startswith(tuple(GONE))


def refused(
    item: WriteItem, kind: ErrorClass, error: str, survivor: str = "", id_: str = ""
) -> Outcome:
    """The outcome of an item that was not written."""
    return Outcome(
        item=item.item,
        status=Status.REJECTED,
        id=id_ or item.id,
        error_class=kind,
        error=error,
        survivor=survivor,
    )


def conflict(item: WriteItem, fields: Sequence[str]) -> Outcome:
    """Somebody changed what the item was decided on."""
    return Outcome(
        item=item.item,
        status=Status.CONFLICT,
        id=item.id,
        error_class=ErrorClass.CONFLICT,
        error=f"{', '.join(fields)} changed in Salesforce since it was decided on",
    )


def unchanged(item: WriteItem, id_: str = "") -> Outcome:
    """There was nothing to do."""
    return Outcome(item=item.item, status=Status.UNCHANGED, id=id_ or item.id)


def unknown(item: WriteItem) -> Outcome:
    """Salesforce did not say what became of it."""
    return Outcome(
        item=item.item,
        status=Status.UNKNOWN,
        id=item.id,
        error_class=ErrorClass.UNKNOWN,
        error="Salesforce gave no verdict on this row",
    )
