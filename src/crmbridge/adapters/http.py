"""The HTTP client that the host lends to adapters: bounded, polite, and faithful to one origin.

An adapter says what to send and how its CRM speaks (`Dialect`); time-outs, retries, limits,
sign-in and the secrecy of secrets are settled here.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from urllib3.response import BaseHTTPResponse

from crmbridge.adapters.answer import (
    Answer,
    Dialect,
    Effect,
    Request,
    Response,
    glimpse,
    parse_json,
)
from crmbridge.adapters.capabilities import ErrorClass
from crmbridge.adapters.limits import Limits
from crmbridge.adapters.origin import Origin, origin_of
from crmbridge.adapters.outgoing import Call, kind_of, ready
from crmbridge.adapters.receive import (
    BROKEN,
    Stream,
    TooLargeError,
    into_file,
    left_open,
    whole,
)
from crmbridge.adapters.retry import Again, retry_after
from crmbridge.adapters.sign_in import Authorize, FixedHeader, StoredToken, refusal
from crmbridge.adapters.traffic import Traffic
from crmbridge.adapters.verdict import (
    Speaker,
    error_of,
    error_of_answer,
    judge_answer,
    judge_failure,
    quota_until,
)
from crmbridge.adapters.wire import set_deadline
from crmbridge.errors import ConfigError, CrmbridgeError, QuotaError, RetryLaterError

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpClient:
    """Sends requests to one origin. Safe for use by several threads.

    Args:
        authorize: signs every request; None for a sign-in endpoint, which is signed by its body.
    """

    traffic: Traffic
    origin: Origin
    authorize: Authorize | None = None
    dialect: Dialect = field(default_factory=Dialect)

    def at(
        self, url: str, authorize: Authorize | None = None, dialect: Dialect | None = None
    ) -> "HttpClient":
        """A client for another origin (or another way to sign) that shares limits and budget.

        Raises:
            ConfigError: plain http to another machine.
        """
        origin = origin_of(f"connections.{self.traffic.connection}", url)
        dialect = dialect or self.dialect
        return replace(self, origin=origin, authorize=authorize, dialect=dialect)

    def get(self, url: str, params: Mapping[str, Any] | None = None, **more: Any) -> Response:
        """Send a GET; `more` are fields of `Request`."""
        return self.send(Request(method="GET", url=url, params=params, **more))

    def post(self, url: str, json: Any = None, *, effect: Effect, **more: Any) -> Response:
        """Send a POST; `effect` says what a second one would mean, `Effect.READ` for a search."""
        return self.send(Request(method="POST", url=url, json=json, effect=effect, **more))

    def send(self, request: Request) -> Response:
        """Send a request and take in its answer.

        Raises:
            ConfigError: no retry helps: address, certificate, permission, unknown status.
            SignInError: the CRM refuses our credentials after one refresh.
            QuotaError: the quota is used up, or the CRM asks for too long a wait.
            RetryLaterError: still failing after all tries.
            UnknownOutcomeError: a write with `Effect.ONCE` whose answer was lost.
            RecordError, ConflictError: the status says so and `accept` does not name it.
        """
        limits = self.traffic.limits
        return self._carry_out(ready(request, self.origin, whole(limits), limits.total_seconds))

    def download(self, request: Request, path: Path) -> Response:
        """Write a good answer's body to a file, whole or not at all; raises as `send` does."""
        limits = self.traffic.limits
        partial = path.with_name(f"{path.name}.part")
        request = replace(request, answer=Answer.BYTES)
        call = ready(request, self.origin, into_file(limits, partial), limits.download_seconds)
        try:
            response = self._carry_out(call)
            partial.replace(path)
            return response
        finally:
            partial.unlink(missing_ok=True)

    @contextmanager
    def stream(self, request: Request) -> Iterator[Stream]:
        """Open a good answer and read its body piece by piece; raises as `send` does.

        A body that breaks off raises `RetryLaterError` from `Stream.chunks`: nobody but the
        reader can undo what it did with the first half, so it is not read again from here.
        """
        limits = self.traffic.limits
        opened: list[BaseHTTPResponse] = []
        request = replace(request, answer=Answer.BYTES)
        call = ready(request, self.origin, left_open(limits, opened), limits.download_seconds)
        response = self._carry_out(call)
        raw = opened[-1]
        try:
            yield Stream(where=self._speaker().where, response=response, raw=raw, limits=limits)
        finally:
            raw.close()

    def close(self) -> None:
        """Close all connections, those of clients made by `at` too."""
        self.traffic.close()

    def _carry_out(self, call: Call) -> Response:
        """Try until it goes well or may not be tried again."""
        try:
            return self.traffic.retrying.copy()(self._attempt, call)
        except Again as failure:
            self.traffic.redactor.clean_error(failure.error)
            raise failure.error from failure.error.__cause__
        except CrmbridgeError as error:
            self.traffic.redactor.clean_error(error)
            raise

    def _attempt(self, call: Call) -> Response:
        """One try, with one refresh of the sign-in if the CRM asks for it."""
        signed = self.authorize.headers() if self.authorize else {}
        found, response = self._exchange(call, signed)
        if found is ErrorClass.SIGN_IN and self.authorize and not call.is_refreshed:
            call.is_refreshed = True
            self.authorize.refused(signed)
            found, response = self._exchange(call, self.authorize.headers())
        if found is ErrorClass.SIGN_IN:
            words = self.dialect.explain(response)
            raise refusal(self.traffic.connection, f"{response.status} {words}".strip())
        if found is not None:
            raise self._failure(found, response)
        return self._parsed(call.request, response)

    def _exchange(
        self, call: Call, signed: Mapping[str, str]
    ) -> tuple[ErrorClass | None, Response]:
        """Send once, following redirects within the origin; says what the answer means."""
        headers = {**call.headers, **signed}
        target = call.target
        for _ in range(_MOST_REDIRECTS + 1):
            self.traffic.admit()
            with self.traffic.gate.passage():
                response = self._sent(call, target, headers)
            if response.status not in _REDIRECTS or response.status in call.request.accept:
                return self._judged(call.request, response), response
            target = self._redirected(call.request, target, response)
        raise ConfigError(
            self._speaker().where, f"at most {_MOST_REDIRECTS} redirects", "more of them"
        )

    def _sent(self, call: Call, target: str, headers: Mapping[str, str]) -> Response:
        """Send the bytes and take in the answer, or raise what the network's failure means."""
        set_deadline(call.seconds)
        started = time.monotonic()
        raw: BaseHTTPResponse | None = None
        is_done = False
        try:
            raw = self.traffic.pools.of(self.origin).urlopen(
                call.request.method,
                target,
                body=call.body,
                headers=headers,
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
            )
            response = call.receive(raw)
            is_done = True
        except TooLargeError as error:
            raise self._odd(call.request, str(error), "more than that") from None
        except BROKEN as error:
            raise self._lost(call.request, error) from error
        except ValueError:  # its text repeats the header, which may be the one that signs
            expected = "headers of one line in plain characters"
            raise ConfigError(self._speaker().where, expected, "others") from None
        finally:
            if raw is not None and not is_done:
                raw.close()
        self._note(call.request, response, time.monotonic() - started)
        return response

    def _judged(self, request: Request, response: Response) -> ErrorClass | None:
        found = judge_answer(request, response, self.dialect)
        if response.status == 429:
            self.traffic.gate.was_refused()
        elif found is None:
            self.traffic.gate.went_well()
        quota = self.dialect.quota(response)
        if quota is not None and self.traffic.budget is not None:
            self.traffic.budget.learn(quota)
        return found

    def _redirected(self, request: Request, target: str, response: Response) -> str:
        location = response.headers.get("Location", "")
        if request.method not in {"GET", "HEAD"} or not location:
            raise self._odd(request, "an answer", f"{response.status} to a {request.method}")
        if "://" not in location and not location.startswith(("/", "?")):
            location = target.partition("?")[0].rpartition("/")[0] + "/" + location
        return self.origin.target(location)

    def _odd(self, request: Request, expected: str, got: str) -> CrmbridgeError:
        """An answer that no retry helps; a write that met one may have been carried out."""
        is_once = request.effect is Effect.ONCE
        found = ErrorClass.UNKNOWN if is_once else ErrorClass.CONFIG
        return error_of(found, self._speaker(), expected, got)

    def _lost(self, request: Request, error: Exception) -> Exception:
        """The failure for an answer that never came, or not whole."""
        found = judge_failure(request, error)
        words = kind_of(error)
        failure = error_of(found, self._speaker(), "an answer", words)
        failure.__cause__ = error
        return Again(failure) if found is ErrorClass.TRANSIENT else failure

    def _failure(self, found: ErrorClass, response: Response) -> Exception:
        """The failure for an answer that says no."""
        failure = error_of_answer(found, self._speaker(), self.dialect, response)
        clock = self.traffic.clock
        asked = retry_after(
            response.headers.get("Retry-After"), response.server_date or clock.now()
        )
        asked = self.dialect.wait(response) if asked is None else asked
        if isinstance(failure, QuotaError) and asked:
            return quota_until(self._speaker(), asked, clock.now(), self.traffic.limits)
        if found is not ErrorClass.TRANSIENT:
            return failure
        if asked is not None and asked > self.traffic.limits.wait_seconds:
            return quota_until(self._speaker(), asked, clock.now(), self.traffic.limits)
        if asked:
            self.traffic.pause.hold(asked)
        return Again(failure, asked)

    def _parsed(self, request: Request, response: Response) -> Response:
        """The answer with its JSON, or a failure if a good answer is not what was asked for."""
        if request.answer is Answer.BYTES or response.status in {204, 304}:
            return response
        if not 200 <= response.status < 300:
            return replace(response, data=response.json_or_none())
        if not response.body and request.answer is Answer.MAYBE:
            return response
        try:
            return replace(response, data=parse_json(response))
        except RetryLaterError:
            found = ErrorClass.UNKNOWN if request.effect is Effect.ONCE else ErrorClass.TRANSIENT
            failure = error_of(found, self._speaker(), "JSON", glimpse(response))
            raise (failure if found is ErrorClass.UNKNOWN else Again(failure)) from None

    def _note(self, request: Request, response: Response, seconds: float) -> None:
        """Log the CRM's id of the request, never what was in it."""
        names = self.dialect.request_id
        request_id = next((response.headers[one] for one in names if one in response.headers), "")
        self.traffic.log.debug(
            "http.answer",
            connection=self.traffic.connection,
            method=request.method,
            status=response.status,
            request_id=request_id,
            millis=round(seconds * 1000),
        )

    def _speaker(self) -> Speaker:
        return Speaker(connection=self.traffic.connection, host=self.origin.host)


def open_http(url: str, traffic: Traffic) -> HttpClient:
    """The client that a connection's context lends; unsigned until the adapter says how.

    Raises:
        ConfigError: the URL is none, or plain http to another machine.
    """
    where = f"connections.{traffic.connection}.url"
    return HttpClient(traffic=traffic, origin=origin_of(where, url))


__all__ = [
    "Answer",
    "Authorize",
    "Dialect",
    "Effect",
    "FixedHeader",
    "HttpClient",
    "Limits",
    "Request",
    "Response",
    "StoredToken",
    "Stream",
    "Traffic",
    "open_http",
]
