"""Decides what a failed request means and which error says so."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from urllib3 import exceptions as lost

from crmbridge.adapters.answer import Dialect, Effect, Request, Response, glimpse
from crmbridge.adapters.capabilities import ErrorClass
from crmbridge.adapters.limits import Limits
from crmbridge.errors import (
    ConfigError,
    ConflictError,
    CrmbridgeError,
    QuotaError,
    RecordError,
    RetryLaterError,
    SignInError,
    UnknownOutcomeError,
)

_BY_STATUS = {
    401: ErrorClass.SIGN_IN,
    404: ErrorClass.RECORD,
    408: ErrorClass.TRANSIENT,
    409: ErrorClass.CONFLICT,
    410: ErrorClass.RECORD,
    412: ErrorClass.CONFLICT,
    420: ErrorClass.TRANSIENT,
    423: ErrorClass.TRANSIENT,
    425: ErrorClass.TRANSIENT,
    429: ErrorClass.TRANSIENT,
    501: ErrorClass.CONFIG,
    505: ErrorClass.CONFIG,
}
_NOT_DONE = frozenset({423, 425, 429})
"""Statuses that say the server did nothing, so that any write may be sent again."""
_REFUSED_WRITES = frozenset({400, 413, 422})
"""Statuses that, for a write, are about its values."""

_NOT_SENT = (lost.NewConnectionError, lost.ConnectTimeoutError, lost.NameResolutionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who is talking to whom, for messages.

    Args:
        connection: name of the connection in the configuration.
        host: host that is spoken to.
    """

    connection: str
    host: str

    @property
    def where(self) -> str:
        """How messages begin."""
        return f"connections.{self.connection} ({self.host})"


def judge_answer(request: Request, response: Response, dialect: Dialect) -> ErrorClass | None:
    """What an answer means; None for a good one. The CRM's own dialect is asked first.

    A status that nobody knows is a fault of the configuration for a read, so that it is seen;
    a write that met one may or may not have landed.
    """
    status = response.status
    found = dialect.classify(status, response.headers, response.body)
    if found is not None:
        return _as_write(request, found, status)
    if 200 <= status < 300 or status == 304 or status in request.accept:
        return None
    if status >= 500 and status not in _BY_STATUS:
        return _as_write(request, ErrorClass.TRANSIENT, status)
    if request.effect is not Effect.READ and status in _REFUSED_WRITES:
        return ErrorClass.RECORD
    return _as_write(request, _BY_STATUS.get(status, ErrorClass.CONFIG), status)


def _as_write(request: Request, found: ErrorClass, status: int) -> ErrorClass:
    """A transient failure of a write that must not be doubled has an unknown outcome."""
    if found is ErrorClass.TRANSIENT and request.effect is Effect.ONCE and status not in _NOT_DONE:
        return ErrorClass.UNKNOWN
    return found


def judge_failure(request: Request, error: Exception) -> ErrorClass:
    """What an exception of the network means.

    A certificate that does not verify never does so later. Where nothing was sent yet, a write
    is as safe to repeat as a read.
    """
    if _is_tls(error):
        return ErrorClass.CONFIG
    if isinstance(error, _NOT_SENT) or request.effect is not Effect.ONCE:
        return ErrorClass.TRANSIENT
    return ErrorClass.UNKNOWN


def _is_tls(error: BaseException | None) -> bool:
    if isinstance(error, ssl.SSLCertVerificationError):
        return True
    if isinstance(error, lost.SSLError):
        return "EOF" not in str(error)  # a connection cut during the handshake may work later
    return error is not None and error.__cause__ is not None and _is_tls(error.__cause__)


def error_of_answer(
    found: ErrorClass, speaker: Speaker, dialect: Dialect, response: Response
) -> CrmbridgeError:
    """The error that a refused request ends with."""
    words = dialect.explain(response) if response.body else ""
    got = f"{response.status} {words}".strip() if words else glimpse_of_kind(response)
    return error_of(found, speaker, "an answer without error", got)


def glimpse_of_kind(response: Response) -> str:
    """Status, with a look at the body only where it is no JSON, which may hold records."""
    is_json = "json" in response.headers.get("Content-Type", "")
    return str(response.status) if is_json else glimpse(response)


def error_of(found: ErrorClass, speaker: Speaker, expected: str, got: str) -> CrmbridgeError:
    """The error for a class of failure."""
    kind, next_step = _ERRORS[found]
    return kind(speaker.where, expected, got, next_step.format(connection=speaker.connection))


def quota_until(speaker: Speaker, seconds: float, now: datetime, limits: Limits) -> QuotaError:
    """The CRM asks for a longer wait than the settings allow."""
    resume_at = now + timedelta(seconds=min(seconds, 31 * 86_400))
    return QuotaError(
        speaker.where,
        f"to be asked for waits of at most {limits.wait_seconds:g} s",
        f"{seconds:g} s",
        f"Run again after {resume_at:%Y-%m-%d %H:%M} UTC",
        resume_at=resume_at,
    )


_ERRORS: Mapping[ErrorClass, tuple[type[CrmbridgeError], str]] = {
    ErrorClass.TRANSIENT: (RetryLaterError, "Run again later; what was done is kept"),
    ErrorClass.QUOTA: (QuotaError, "Run again when the CRM's quota is renewed"),
    ErrorClass.SIGN_IN: (SignInError, "Sign in again: crmbridge connect {connection}"),
    ErrorClass.RECORD: (RecordError, "Mend the record, then: crmbridge retry"),
    ErrorClass.CONFIG: (ConfigError, "See what is wrong: crmbridge doctor {connection}"),
    ErrorClass.CONFLICT: (ConflictError, "Decide again: crmbridge diff"),
    ErrorClass.UNKNOWN: (UnknownOutcomeError, "It is looked up by its key before anything else"),
}
