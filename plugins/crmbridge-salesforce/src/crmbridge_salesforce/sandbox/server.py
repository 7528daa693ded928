"""The sandbox as one thing: an organisation, its interfaces and its moods behind an address."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime

from crmbridge.testing.demo_data import DemoData
from crmbridge.testing.loopback import LoopbackServer, Received, Reply
from crmbridge_salesforce.sandbox.answers import (
    Answer,
    RefusedError,
    broken_off,
    reply_with,
    reset,
)
from crmbridge_salesforce.sandbox.bulk import Bulk
from crmbridge_salesforce.sandbox.demo import load, real_time
from crmbridge_salesforce.sandbox.moods import Mood, Moods
from crmbridge_salesforce.sandbox.oauth import SignIn
from crmbridge_salesforce.sandbox.org import Org
from crmbridge_salesforce.sandbox.queries import Queries
from crmbridge_salesforce.sandbox.rest import Rest

_INSTEAD = {
    Mood.BUSY: RefusedError(503, "SERVER_UNAVAILABLE", "Server is temporarily unavailable"),
    Mood.CONCURRENT: RefusedError(
        403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."
    ),
    Mood.LIMIT: RefusedError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    Mood.ERROR: RefusedError(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred"),
}
_PAGE = b"<html><body>We are setting things up</body></html>"
_ODD = {
    Mood.TOO_MANY: Answer(status=429, document=[], headers={"Retry-After": "1"}),
    Mood.HTML: Answer(body=_PAGE, kind="text/html"),
    Mood.EDGE: Answer(status=420),
    Mood.TOO_MANY_BARE: Answer(status=429, body=_PAGE, kind="text/html"),
    Mood.GATEWAY: Answer(status=502, body=_PAGE, kind="text/html"),
}
_NO_SESSION = RefusedError(401, "INVALID_SESSION_ID", "Session expired or invalid")


@dataclass(slots=True)
class Sandbox:
    """A Salesforce on this machine: its truth, its moods and a log of what was asked.

    As a function it answers requests; `start` puts it behind an address.
    """

    org: Org = field(default_factory=Org)
    moods: Moods = field(default_factory=Moods)
    sign_in: SignIn = field(init=False)
    queries: Queries = field(init=False)
    bulk: Bulk = field(init=False)
    url: str = ""
    log: list[str] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    _rest: Rest = field(init=False)

    def __post_init__(self) -> None:
        """Put the interfaces around the organisation."""
        self.sign_in = SignIn(org=self.org)
        self.queries = Queries(org=self.org)
        self.bulk = Bulk(org=self.org, queries=self.queries)
        self._rest = Rest(org=self.org, queries=self.queries, bulk=self.bulk)

    def __call__(self, received: Received) -> Reply:
        """Answer a request, in the mood that is due."""
        self.log.append(f"{received.method} {received.path}")
        self.received.append(received)
        accepts = received.headers.get("Accept-Encoding", "")
        if received.path.startswith("/services/oauth2/"):
            self.moods.due(received.method, received.path)  # for what is to happen before it
            return reply_with(self._signed_in(received), self.org)
        mood = self.moods.due(received.method, received.path)
        if mood is Mood.EXPIRED:
            self.sign_in.expire()
        if mood in _ODD:
            return reply_with(_ODD[mood], self.org)
        if mood is Mood.TOO_MANY_UNTIL:
            until = format_datetime(self.org.now() + timedelta(seconds=2), usegmt=True)
            answer = Answer(status=429, document=[], headers={"Retry-After": until})
            return reply_with(answer, self.org)
        answer = self._answered(received, mood)
        if mood is Mood.LOST:
            return reset
        if mood is Mood.TRUNCATED:
            return broken_off(answer, self.org)
        return reply_with(answer, self.org, accepts)

    def _answered(self, received: Received, mood: Mood | None) -> Answer:
        try:
            if mood in _INSTEAD:
                raise _INSTEAD[mood]
            if received.path.strip("/") != "services/data":
                self._admit(received)
            return self._rest.answer(received, mood)
        except RefusedError as refused:
            return refused.answer

    def _admit(self, received: Received) -> None:
        if not self.sign_in.knows(received):
            raise _NO_SESSION
        if self.org.calls >= self.org.calls_allowed:
            raise _INSTEAD[Mood.LIMIT]
        self.org.calls += 1

    def _signed_in(self, received: Received) -> Answer:
        what = received.path.rsplit("/", 1)[1]
        if what == "token":
            return self.sign_in.token(received, self.url)
        if what == "revoke":
            return self.sign_in.revoke(received)
        if what == "authorize":
            return self.sign_in.authorize(received)
        if what == "userinfo" and self.sign_in.knows(received):
            found = {"organization_id": self.org.id, "user_id": self.org.user}
            return Answer(document=found)
        return Answer(status=403, body=b"Bad_OAuth_Token", kind="text/html")


@contextmanager
def start(sandbox: Sandbox | None = None, port: int = 0) -> Iterator[Sandbox]:
    """Serve a sandbox on 127.0.0.1 until the block ends.

    Args:
        sandbox: one with records of its own; an empty one by default.
        port: 0 for any that is free.
    """
    sandbox = sandbox or Sandbox()
    with LoopbackServer(sandbox, port=port) as server:
        sandbox.url = server.url
        yield sandbox


@contextmanager
def start_demo(data: DemoData | None = None, port: int = 0) -> Iterator[Sandbox]:
    """Serve a sandbox that goes by this machine's clock.

    Args:
        data: a made-up company to load; None for an empty organisation.
        port: 0 for any that is free.
    """
    sandbox = Sandbox(org=Org(clock=real_time))
    if data is not None:
        load(sandbox.org, data)
    with start(sandbox, port) as served:
        yield served
