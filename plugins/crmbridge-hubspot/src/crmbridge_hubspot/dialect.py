"""What HubSpot's answers mean beyond their status, and how it says what is left of the day."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crmbridge.adapters import Clock, ErrorClass, Quota
from crmbridge.adapters.http import Dialect, Response

TEN_SECONDS = 10.0
"""The window of HubSpot's rolling limit (page "API usage details": TEN_SECONDLY_ROLLING)."""

LOCK_SECONDS = 2.0
"""How long a record is locked ("Error handling" in HubSpot's guide: 423)."""


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


def usage_of(response: Response) -> Quota | None:
    """The day's calls as the account tells them, with the moment they are counted anew."""
    body = response.data if response.status < 400 else None
    results = body.get("results") if isinstance(body, dict) else None
    for one in results or ():
        if one.get("usageLimit") is not None and one.get("currentUsage") is not None:
            at = _instant(one.get("resetsAt"))
            return Quota(
                used=int(one["currentUsage"]), allowed=int(one["usageLimit"]), resets_at=at
            )
    return None


def _instant(text: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@dataclass(slots=True)
class Day:
    """When the account's day ends, and its calls are counted anew: at midnight where it is.

    Args:
        zone: IANA name of the account's zone, once it is known.
    """

    clock: Clock
    zone: str = ""

    def seconds(self) -> float | None:
        """Seconds until then; None while the zone is not known."""
        try:
            now = self.clock.now().astimezone(ZoneInfo(self.zone)) if self.zone else None
        except (ZoneInfoNotFoundError, ValueError):
            return None
        if now is None:
            return None
        midnight = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
        return (midnight.astimezone(UTC) - now.astimezone(UTC)).total_seconds()

    def wait(self, response: Response) -> float | None:
        """Seconds to wait after a refusal that does not name them: HubSpot promises no
        Retry-After with 429, and its limits say by their names what they count. A lock (423)
        lasts two seconds."""
        if response.status == 423:
            return LOCK_SECONDS
        if response.status != 429:
            return None
        if b'"DAILY"' in response.body:
            return self.seconds()
        return 1.0 if b'"SECONDLY"' in response.body else TEN_SECONDS


def dialect_of(day: Day) -> Dialect:
    """HubSpot's dialect with what is known of an account's day."""
    return replace(DIALECT, wait=day.wait)


DIALECT = Dialect(
    classify=_classify,
    explain=_explain,
    quota=quota_of,
    request_id=("X-HubSpot-Correlation-Id", "X-Request-Id", "CF-Ray"),
)
