"""What Salesforce's error codes mean for the host.

Codes and their meaning: "StatusCode" in the SOAP API guide's "Core Data Types", which the REST API
shares; "Status Codes and Error Responses" of the REST API guide for whole requests.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from crmbridge.adapters import ErrorClass, Quota
from crmbridge.adapters.http import Dialect, Response

_CONFIG = frozenset(
    {
        "MALFORMED_QUERY", "INVALID_FIELD", "INVALID_TYPE", "INVALID_FIELD_FOR_INSERT_UPDATE",
        "UNSUPPORTED_API_VERSION", "API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED",
        "INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY", "CANNOT_INSERT_UPDATE",
        "TXN_SECURITY_METERING_ERROR", "FUNCTIONALITY_NOT_ENABLED", "MISSING_ARGUMENT",
        "INVALID_TYPE_FOR_OPERATION", "CANNOT_EXECUTE_FLOW_TRIGGER_DISABLED",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "FORBIDDEN",
    }
)  # fmt: skip
_TRANSIENT = frozenset(
    {
        "UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", "QUERY_TIMEOUT",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK", "PROCESSING_HALTED", "INVALID_QUERY_LOCATOR",
    }
)  # fmt: skip
"""Among them codes of rows that were not done because of another one."""
_QUOTA = frozenset({"REQUEST_LIMIT_EXCEEDED", "LIMIT_EXCEEDED", "STORAGE_LIMIT_EXCEEDED"})
_RECORD = frozenset(
    {
        "REQUIRED_FIELD_MISSING", "STRING_TOO_LONG", "INVALID_EMAIL_ADDRESS", "INVALID_ID_FIELD",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION", "FIELD_INTEGRITY_EXCEPTION", "FIELD_FILTER_VALIDATION",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "DUPLICATE_VALUE", "DUPLICATES_DETECTED", "DUPLICATE_EXTERNAL_ID", "MALFORMED_ID",
        "NUMBER_OUTSIDE_VALID_RANGE", "ENTITY_IS_LOCKED", "JSON_PARSER_ERROR",
    }
)  # fmt: skip
"""What is about a row. A whole answer with a code that nobody knows is judged by its status."""
GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"})
DOUBLE = frozenset({"DUPLICATE_VALUE"})
_KNOWN = _CONFIG | _TRANSIENT | _QUOTA | _RECORD | GONE | {"INVALID_SESSION_ID"}

_NO_SESSION = (
    "ended, of another instance, outside the user's IP ranges or login hours, without API Enabled, "
    "or of an app that API access control does not allow"
)
_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
_QUOTED = re.compile(r"(?<==)\s*'[^']*'|data value too large: .*?(?= \(max)")
_SHORT_QUOTA = re.compile(rb"(?i)concurrent")


def class_of(code: str) -> ErrorClass:
    """What to do about a row with a code; a code that nobody knows is about the row."""
    if code in _QUOTA:
        return ErrorClass.QUOTA
    if code in _TRANSIENT:
        return ErrorClass.TRANSIENT
    if code == "INVALID_SESSION_ID":
        return ErrorClass.SIGN_IN
    return ErrorClass.CONFIG if code in _CONFIG else ErrorClass.RECORD


def classify(status: int, headers: Mapping[str, str], body: bytes) -> ErrorClass | None:
    """What a whole answer means, by status and code; None to go by the status alone."""
    del headers
    if status < 300 or status in {304, 404, 412} or status >= 500:
        return None
    if status == 300:
        return ErrorClass.RECORD
    code = code_in(body)
    if code == "REQUEST_LIMIT_EXCEEDED" and _SHORT_QUOTA.search(body):
        return ErrorClass.TRANSIENT  # too many long requests at once: over in seconds
    if code == "INVALID_QUERY_LOCATOR":
        return ErrorClass.RECORD  # the reader starts again from where it stands
    return class_of(code) if code in _KNOWN else None


def errors_in(body: bytes) -> Sequence[Mapping[str, Any]]:
    """The errors of an answer; none where its body says nothing that can be read."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ()
    listed = found if isinstance(found, list) else [found]
    return [one for one in listed if isinstance(one, dict)]


def code_in(body: bytes) -> str:
    """The first error's code; "" if there is none. The token endpoint calls it ``error``."""
    for one in errors_in(body):
        return str(one.get("errorCode") or one.get("statusCode") or one.get("error") or "")
    return ""


def in_words(errors: Sequence[Mapping[str, Any]]) -> str:
    """Codes, fields and messages on one line, without values of records."""
    texts = []
    for one in errors[:3]:
        code = one.get("errorCode") or one.get("statusCode") or one.get("error") or ""
        message = str(one.get("message") or one.get("error_description") or "")
        texts.append(f"{code}: {without_values(message)}".strip(": "))
    return "; ".join(text for text in texts if text)


def without_values(message: str) -> str:
    """A message without the texts it repeats from records."""
    short = " ".join(_QUOTED.sub(" '...'", message).split())
    return short[:300]


def explain(response: Response) -> str:
    """Salesforce's own words for an error, and its causes where six look the same."""
    words = in_words(errors_in(response.body))
    return f"{words} ({_NO_SESSION})" if words.startswith("INVALID_SESSION_ID") else words


def quota_of(response: Response) -> Quota | None:
    """Calls used and allowed in the last 24 hours; nearly every answer says it."""
    found = _USAGE.search(response.headers.get("Sforce-Limit-Info", ""))
    return Quota(used=int(found.group(1)), allowed=int(found.group(2))) if found else None


DIALECT = Dialect(classify=classify, explain=explain, quota=quota_of, request_id=("X-Request-Id",))


def parse_instant(text: str) -> datetime:
    """An instant as Salesforce writes it, ``2026-03-02T08:00:00.000+0000``."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
