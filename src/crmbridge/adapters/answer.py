"""What is asked of a CRM over HTTP, and what it answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

import orjson

from crmbridge.adapters.capabilities import ErrorClass
from crmbridge.adapters.exchange import Quota
from crmbridge.errors import RetryLaterError


class Effect(Enum):
    """What it would mean to send a request twice."""

    READ = "read"
    "Nothing; it is sent again after transient failures."
    KEYED = "keyed"
    "Nothing: the CRM knows by a key or condition that it is the same write; sent again, too."
    ONCE = "once"
    "A second record; after a lost answer the outcome is unknown, and it is never sent again."


class Answer(Enum):
    """What a good answer looks like; anything else under a 2xx is a broken answer."""

    JSON = "json"
    "A JSON document, or nothing under 204 and 304."
    MAYBE = "maybe"
    "A JSON document or nothing."
    BYTES = "bytes"
    "Anything."


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request.

    Args:
        url: a path below the client's origin, or an absolute address at that origin.
        json: becomes the body; `form` and `body` are the other ways to give one.
        accept: statuses that are returned as they are, beside 2xx and 304.
    """

    method: str
    url: str
    params: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] | None = None
    body: bytes | None = None
    effect: Effect = Effect.READ
    answer: Answer = Answer.JSON
    accept: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer. Header names are matched without regard to case; `body` is unpacked.

    Args:
        data: the parsed document where the request wanted JSON and there is one, else None.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    data: Any = None

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            RetryLaterError: it is not JSON, or JSON that no program should take.
        """
        if self.data is None and self.body:
            return parse_json(self)
        return self.data

    def json_or_none(self) -> Any:
        """The body as JSON, or None where it is none: for error bodies, which may be anything."""
        try:
            return self.json()
        except RetryLaterError:
            return None

    @property
    def server_date(self) -> datetime | None:
        """The server's clock by its ``Date`` header."""
        try:
            at = parsedate_to_datetime(self.headers.get("Date", ""))
        except (ValueError, OverflowError):
            return None
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


Classify = Callable[[int, Mapping[str, str], bytes], ErrorClass | None]
"""(status, headers, body) -> what the host should do; None to go by the status alone."""


def _go_by_status(status: int, headers: Mapping[str, str], body: bytes) -> ErrorClass | None:
    del status, headers, body
    return None


def _say_nothing(response: Response) -> str:
    del response
    return ""


def _know_no_wait(response: Response) -> float | None:
    del response
    return None


def _know_no_quota(response: Response) -> Quota | None:
    del response
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one CRM says over HTTP what went wrong and what is left.

    Args:
        classify: asked first for every answer, good ones too, since some CRMs fail with 200.
        explain: the CRM's own words for an error, without values of records.
        quota: calls used and allowed, where an answer says so.
        wait: seconds to wait after a refusal that bears no ``Retry-After``, where the CRM says so
            in other ways.
        request_id: headers that hold the CRM's id of a request; the first one there is logged.
    """

    classify: Classify = _go_by_status
    explain: Callable[[Response], str] = _say_nothing
    quota: Callable[[Response], Quota | None] = _know_no_quota
    wait: Callable[[Response], float | None] = _know_no_wait
    request_id: tuple[str, ...] = ("x-request-id", "x-correlation-id")


def parse_json(response: Response) -> Any:
    """Parse a body; NaN, infinite numbers, lone surrogates and depths over 1024 are refused.

    Raises:
        RetryLaterError: the body is not such JSON; says its type and first characters.
    """
    try:
        return orjson.loads(response.body)
    except orjson.JSONDecodeError as error:
        raise RetryLaterError(
            "answer", "JSON", f"{glimpse(response)} ({error.msg})", "Try again later"
        ) from None


def glimpse(response: Response) -> str:
    """Status, content type and the first 80 characters of a body that should not be there.

    What begins like JSON may be half a page of records, so that only its size is told.
    """
    kind = f"{response.status} {response.headers.get('Content-Type', 'no content type')}"
    start = response.body[:80].decode("utf-8", "replace").strip()
    if not start:
        return f"{kind}, empty"
    if start.startswith(("{", "[", '"')):
        return f"{kind}, {len(response.body)} bytes that begin like JSON"
    return f"{kind} {start!r}"
