"""What HubSpot's answers mean beyond their status, and how it says what is left of the day."""

from collections.abc import Mapping
from typing import Any

from crmbridge.adapters import ErrorClass, Quota
from crmbridge.adapters.http import Dialect, Response


def _classify(status: int, headers: Mapping[str, str], body: bytes) -> ErrorClass | None:
    """What a refusal means where the status alone does not say.

    The limits are told by `policyName` beside `errorType` RATE_LIMIT, not by `category`
    (HubSpot's page "API usage details"); 477 is an account that moves to another data centre.
    """
    del headers
    if status == 429:
        return ErrorClass.QUOTA if b'"DAILY"' in body else ErrorClass.TRANSIENT
    if status == 477:
        return ErrorClass.QUOTA
    if status == 400:
        return next((kind for mark, kind in _BAD_REQUESTS.items() if mark in body), None)
    return None


_BAD_REQUESTS = {
    b"BAD_REFRESH_TOKEN": ErrorClass.SIGN_IN,
    b"BAD_CLIENT": ErrorClass.SIGN_IN,
    b"PROPERTY_DOESNT_EXIST": ErrorClass.CONFIG,
    b"by non-unique": ErrorClass.CONFIG,
}


def _explain(response: Response) -> str:
    """Codes and names, never `message`: it quotes the values that were refused."""
    body = response.json_or_none()
    return words_of(body) if isinstance(body, dict) else ""


def words_of(error: Mapping[str, Any]) -> str:
    """An error of HubSpot in a few words without values of records."""
    details = [one for one in error.get("errors") or () if isinstance(one, dict)]
    found: list[str] = []
    for name in ("category", "subCategory", "errorType", "policyName", "error"):
        found += [str(error[name])] if isinstance(error.get(name), str) else []
    for one in (error, *details):
        found += [str(one["code"])] if one.get("code") else []
        context = one.get("context")
        for values in context.values() if isinstance(context, dict) else ():
            found += [str(value) for value in values] if isinstance(values, list) else []
    return " ".join(dict.fromkeys(found))[:300]


def quota_of(response: Response) -> Quota | None:
    """The day's calls, which only private apps are told."""
    try:
        allowed = int(response.headers["X-HubSpot-RateLimit-Daily"])
        left = int(response.headers["X-HubSpot-RateLimit-Daily-Remaining"])
    except (KeyError, ValueError):
        return None
    return Quota(used=max(allowed - left, 0), allowed=allowed)


DIALECT = Dialect(
    classify=_classify,
    explain=_explain,
    quota=quota_of,
    request_id=("X-HubSpot-Correlation-Id", "X-Request-Id", "CF-Ray"),
)
