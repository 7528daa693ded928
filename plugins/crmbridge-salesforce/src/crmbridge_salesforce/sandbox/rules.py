"""The rules by which a save is refused, and what Salesforce fills in by itself."""

import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from crmbridge_salesforce.sandbox.filter import parse_instant
from crmbridge_salesforce.sandbox.ids import PREFIXES, long_id
from crmbridge_salesforce.sandbox.schema import FieldSpec, ObjectSpec

if TYPE_CHECKING:
    from crmbridge_salesforce.sandbox.org import Org

_DAY_MS = 86_400_000
_TEXTS = frozenset({"string", "textarea", "phone", "email", "url", "picklist"})
_KEEPS = frozenset({"CampaignId", "ContactId", "LeadId"})
"""Fields of a campaign member that are set once."""


class SaveError(Exception):
    """A save that is refused, with Salesforce's code."""

    def __init__(self, code: str, message: str, fields: tuple[str, ...] = ()) -> None:
        self.code = code
        self.fields = fields
        super().__init__(message)


def check_and_convert(
    org: "Org", object_: str, values: Mapping[str, Any], held: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The values as they will be kept.

    Args:
        held: the record that is changed; None for a new one.

    Raises:
        SaveError: a rule refuses them.
    """
    spec = org.schema[object_]
    if spec.is_read_only:
        words = "insufficient access rights on object id"
        raise SaveError("INSUFFICIENT_ACCESS_OR_READONLY", words)
    wanted = dict(_converted(org, spec, name, value, held) for name, value in values.items())
    state = {**(held or {}), **wanted}
    missing = tuple(
        one.name for one in spec.fields.values() if one.required and state.get(one.name) is None
    )
    if missing:
        listed = ", ".join(missing)
        raise SaveError(
            "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{listed}]", missing
        )
    if object_ == "Event":
        _check_event(wanted, state)
    if object_ == "CampaignMember" and not (state.get("ContactId") or state.get("LeadId")):
        raise SaveError("REQUIRED_FIELD_MISSING", "Required fields are missing: [LeadId]")
    if object_ == "CampaignMember" and wanted.get("Status"):
        _check_status(org, state)
    if str(state.get("WhoId") or "").startswith(PREFIXES["Lead"]) and state.get("WhatId"):
        raise SaveError("FIELD_INTEGRITY_EXCEPTION", "a lead has no related record", ("WhatId",))
    if held is None:
        wanted.setdefault("OwnerId", org.user) if "OwnerId" in spec.fields else None
    return wanted


def refuse_double(org: "Org", object_: str, values: Mapping[str, Any], id_: str) -> None:
    """Refuse a second record with a unique value, or a second membership."""
    for one in org.schema[object_].fields.values():
        value = values.get(one.name)
        other = _bearer(org, object_, one.name, value, id_) if one.unique and value else ""
        if other:
            raise SaveError(
                "DUPLICATE_VALUE",
                f"duplicate value found: {one.name} duplicates value on record with id: {other}",
            )
    if not id_:
        _refuse_same_parties(org, object_, values)
    if object_ == "CampaignMember" and not id_:
        wanted = tuple(values.get(name) for name in sorted(_KEEPS))
        for other in org.bearers(object_, "CampaignId", values.get("CampaignId")):
            kept = org.find(object_, other) or {}
            if tuple(kept.get(name) for name in sorted(_KEEPS)) == wanted:
                raise SaveError("DUPLICATE_VALUE", "Already a campaign member.")


def _check_status(org: "Org", state: Mapping[str, Any]) -> None:
    """A member's status is one of its campaign's: what the real thing does with another is not
    documented, so that this one is strict."""
    labels = {str(one["Label"]).lower() for one in _statuses_of(org, state)}
    if labels and str(state["Status"]).lower() not in labels:
        raise SaveError(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"bad value for restricted picklist field: {state['Status']}",
            ("Status",),
        )


_PARTIES = {
    "PermissionSet": ("Name",),
    "FieldPermissions": ("ParentId", "Field"),
    "PermissionSetAssignment": ("PermissionSetId", "AssigneeId"),
    "CampaignMemberStatus": ("CampaignId", "Label"),
}
"""Objects of which no two records may agree in these fields."""


def _refuse_same_parties(org: "Org", object_: str, values: Mapping[str, Any]) -> None:
    names = _PARTIES.get(object_, ())
    wanted = tuple(values.get(name) for name in names)
    for kept in org.held(object_).values() if names else ():
        if tuple(kept.get(name) for name in names) == wanted:
            raise SaveError("DUPLICATE_VALUE", f"Duplicate {object_}.", names)


def _bearer(org: "Org", object_: str, name: str, value: Any, id_: str) -> str:
    return next((other for other in org.bearers(object_, name, value) if other != id_), "")


def _converted(
    org: "Org", spec: ObjectSpec, name: str, value: Any, held: Mapping[str, Any] | None
) -> tuple[str, Any]:
    one = spec.find(name)
    if one is None:
        raise SaveError("INVALID_FIELD", f"No such column '{name}' on sobject of type {spec.name}")
    is_fixed = held is not None and spec.name == "CampaignMember" and one.name in _KEEPS
    if not one.writable or is_fixed:
        raise SaveError(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            f"Unable to create/update fields: {one.name}. Please check the security settings of "
            "this field and verify that it is read/write for your profile or permission set.",
            (one.name,),
        )
    if value is None or value == "":
        return one.name, False if one.type == "boolean" else None
    return one.name, _fitting(org, one, value)


def _fitting(org: "Org", one: FieldSpec, value: Any) -> Any:
    if one.type in _TEXTS:
        return _text(one, value)
    if one.type in {"id", "reference"}:
        return _reference(org, one, value)
    try:
        return _TYPED[one.type](value)
    except (ValueError, TypeError, AttributeError):
        raise SaveError(
            "JSON_PARSER_ERROR",
            f"Cannot deserialize instance of {one.type} from value {value!r}",
            (one.name,),
        ) from None


def _text(one: FieldSpec, value: Any) -> str | None:
    if not isinstance(value, str):
        raise SaveError("JSON_PARSER_ERROR", f"Cannot deserialize {one.name}", (one.name,))
    text = value.strip()
    if len(text) > one.length:
        raise SaveError(
            "STRING_TOO_LONG",
            f"{one.name}: data value too large: {text[:20]} (max length={one.length})",
            (one.name,),
        )
    if one.type == "email" and "@" not in text:
        raise SaveError(
            "INVALID_EMAIL_ADDRESS", f"{one.name}: invalid email address: {text}", (one.name,)
        )
    if one.choices and text not in one.choices:
        raise SaveError(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{one.name}: bad value for restricted picklist field: {text}",
            (one.name,),
        )
    return text or None


def _reference(org: "Org", one: FieldSpec, value: Any) -> str:
    if not isinstance(value, str) or len(value) not in {15, 18} or not value.isalnum():
        raise SaveError(
            "MALFORMED_ID", f"{one.name}: id value of incorrect type: {value}", (one.name,)
        )
    names = [one.target] if one.target else list(PREFIXES)
    if not any(_is_live(org, name, value) for name in names if name in org.schema):
        raise SaveError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (one.name,))
    return long_id(value)


def _is_live(org: "Org", object_: str, id_: str) -> bool:
    found = org.find(object_, id_)
    return found is not None and not found.get("IsDeleted")


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(float(value)):
        raise ValueError
    return float(value)


def _flag(value: Any) -> bool:
    if str(value).lower() not in {"true", "false"}:
        raise ValueError
    return str(value).lower() == "true"


_TYPED: Mapping[str, Callable[[Any], Any]] = {
    "double": _number,
    "currency": _number,
    "percent": _number,
    "int": lambda value: int(_number(value)),
    "boolean": _flag,
    "date": lambda value: date.fromisoformat(value).isoformat(),
    "datetime": lambda value: parse_instant(value) // 1000 * 1000,
}


def _check_event(wanted: dict[str, Any], state: dict[str, Any]) -> None:
    start, end, minutes = (
        state.get(name) for name in ("StartDateTime", "EndDateTime", "DurationInMinutes")
    )
    if start is None:
        raise SaveError(
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [ActivityDateTime]",
            ("ActivityDateTime",),
        )
    if "EndDateTime" not in wanted and minutes is not None:
        end = start + minutes * 60_000
        wanted["EndDateTime"] = end
    if end is None:
        raise SaveError(
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [DurationInMinutes]",
            ("DurationInMinutes",),
        )
    if not 0 <= end - start <= 14 * _DAY_MS:
        raise SaveError(
            "FIELD_INTEGRITY_EXCEPTION", "Event duration is out of range", ("EndDateTime",)
        )
    wanted["DurationInMinutes"] = (end - start) // 60_000
    wanted["ActivityDateTime"] = start


def derive(org: "Org", object_: str, values: dict[str, Any]) -> dict[str, Any]:
    """What Salesforce fills in by itself."""
    if object_ in {"Contact", "Lead", "User"} and values.get("LastName"):
        parts = (values.get("FirstName"), values.get("LastName"))
        values["Name"] = " ".join(part for part in parts if part)
    if object_ in {"Event", "Task"}:
        values["AccountId"] = _account_of(org, values)
    if object_ == "Task":
        values["IsClosed"] = values.get("Status") == "Completed"
    if object_ == "Opportunity":
        stage = str(values.get("StageName") or "")
        values["IsClosed"], values["IsWon"] = stage.startswith("Closed"), stage == "Closed Won"
    if object_ == "CampaignMember":
        statuses = _statuses_of(org, values)
        default = next((one for one in statuses if one["IsDefault"]), {})
        values["Status"] = values.get("Status") or default.get("Label") or "Sent"
        values["HasResponded"] = any(
            one["HasResponded"] for one in statuses if one["Label"] == values["Status"]
        )
    return values


def _statuses_of(org: "Org", values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    ids = org.index.get(("CampaignMemberStatus", "CampaignId", values.get("CampaignId")), set())
    found = (org.find("CampaignMemberStatus", id_) for id_ in sorted(ids))
    return [one for one in found if one and not one.get("IsDeleted")]


def _account_of(org: "Org", values: Mapping[str, Any]) -> str | None:
    what, who = str(values.get("WhatId") or ""), str(values.get("WhoId") or "")
    if what.startswith(PREFIXES["Account"]):
        return what
    for object_, id_ in (("Opportunity", what), ("Contact", who)):
        found = org.find(object_, id_) if id_ else None
        if found:
            return str(found["AccountId"]) if found.get("AccountId") else None
    return None
