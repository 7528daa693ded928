"""Serves the made-up account over HTTP on this machine, and keeps a log of what was asked."""

import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, time, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

from crmbridge_hubspot.sandbox.account import Lists, Rest
from crmbridge_hubspot.sandbox.answers import RefusedError, Reply, not_found, refusal
from crmbridge_hubspot.sandbox.definitions import Definitions
from crmbridge_hubspot.sandbox.linking import Linking
from crmbridge_hubspot.sandbox.moods import INSTEAD, Mood, Moods
from crmbridge_hubspot.sandbox.oauth import Tokens
from crmbridge_hubspot.sandbox.records import Records
from crmbridge_hubspot.sandbox.request import Asked
from crmbridge_hubspot.sandbox.schema import furnish
from crmbridge_hubspot.sandbox.searching import Search
from crmbridge_hubspot.sandbox.truth import Account, stamp

Endpoint = Callable[[Asked], Reply]
Table = tuple[tuple[str, str, Endpoint], ...]
"""Method, path and who answers."""


class Sandbox:
    """A made-up HubSpot: `account` is its truth, `moods` its misbehaviour, `log` what was asked.

    Args:
        port: 0 for any that is free.

    `calls` is how many the account may make in a day.
    """

    def __init__(self, account: Account | None = None, port: int = 0) -> None:
        self.account = account or Account()
        furnish(self.account)
        self.tokens = Tokens(self.account)
        self.moods = Moods()
        self.calls = 250_000
        self.log: list[Asked] = []
        self._routes = list(_routes(self.account, self.tokens, self._usage))
        self._server = _Server(("127.0.0.1", port), _handler_of(self))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Sandbox":
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, asked: Asked) -> tuple[Reply, Mood | None]:
        """Answer a request; one at a time, as a database would in the end."""
        self.log.append(asked)
        mood = self.moods.due(asked)
        if mood is Mood.EXPIRED:
            self.tokens.expire_all()
        if mood in INSTEAD:
            return INSTEAD[mood](), mood
        if mood is Mood.RESET:
            return Reply(), mood
        try:
            with self.account.lock:
                reply = self._carry_out(replace(asked, failing=mood is Mood.HALF))
        except RefusedError as error:
            reply = error.reply
        return reply, mood

    def asked(self) -> list[str]:
        """Method and path of all requests, ids left out, for comparing logs."""
        return [f"{one.method} {re.sub(r'/[0-9]+', '/N', one.path)}" for one in self.log]

    def _carry_out(self, asked: Asked) -> Reply:
        for method, pattern, endpoint in self._routes:
            found = pattern.fullmatch(asked.path)
            if found and method == asked.method:
                if not asked.path.startswith("/oauth/"):
                    self.tokens.admit(asked.headers.get("Authorization", ""))
                parts = [unquote(one) for one in found.groups()]
                return self._limits(asked, endpoint(replace(asked, parts=parts)))
        raise not_found(asked.path)

    def _used(self) -> int:
        return len([one for one in self.log if one.headers.get("Authorization")])

    def _usage(self, asked: Asked) -> Reply:
        """The day's calls, which tokens of private apps may see."""
        if asked.headers.get("Authorization", "").removeprefix("Bearer ") in self.tokens.issued:
            raise refusal(403, "FORBIDDEN", "Only private apps have a daily usage")
        now = self.account.clock.now().astimezone(ZoneInfo(self.account.zone))
        midnight = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
        result = {
            "name": "private-apps-api-calls-daily",
            "usageLimit": self.calls,
            "currentUsage": self._used(),
            "collectedAt": stamp(now),
            "fetchStatus": "SUCCESS",
            "resetsAt": stamp(midnight),
        }
        return Reply(200, {"results": [result]})

    def _limits(self, asked: Asked, reply: Reply) -> Reply:
        """Answers but those of searches tell of the limits."""
        if asked.path.endswith("/search"):
            return reply
        headers = {
            "X-HubSpot-RateLimit-Daily": str(self.calls),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, self.calls - self._used())),
            "X-HubSpot-RateLimit-Max": "110",
            "X-HubSpot-RateLimit-Remaining": "109",
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
        }
        return replace(reply, headers={**headers, **reply.headers})


def _routes(
    account: Account, tokens: Tokens, usage: Endpoint
) -> Iterator[tuple[str, re.Pattern[str], Endpoint]]:
    records = Records(account)
    tables = (_sign_in(tokens), _records(account, records), _others(account, records, usage))
    for method, pattern, endpoint in chain(*tables):
        yield method, re.compile(pattern), endpoint


def _sign_in(tokens: Tokens) -> Table:
    return (
        ("GET", "/oauth/authorize", tokens.consent),
        ("POST", "/oauth/(v1|v3|2026-03)/token", tokens.trade),
        ("POST", "/oauth/2026-03/token/introspect", tokens.introspect),
        ("POST", "/oauth/2026-03/token/revoke", tokens.revoke),
        ("GET", "/oauth/v1/refresh-tokens/([^/]+)", tokens.look),
        ("DELETE", "/oauth/v1/refresh-tokens/([^/]+)", tokens.forget),
    )


def _records(account: Account, records: Records) -> Table:
    search, linking = Search(account, records), Linking(account, records)
    objects, links = "/crm/v3/objects/([^/]+)", "/crm/v4/associations/([^/]+)/([^/]+)"
    return (
        ("POST", f"{objects}/search", search.search),
        ("POST", f"{objects}/batch/read", records.batch_read),
        ("POST", f"{objects}/batch/create", records.batch_create),
        ("POST", f"{objects}/batch/update", records.batch_update),
        ("POST", f"{objects}/batch/upsert", records.batch_upsert),
        ("POST", f"{objects}/batch/archive", records.batch_archive),
        ("POST", f"{objects}/merge", records.merge),
        ("GET", objects, records.listing),
        ("POST", objects, records.create),
        ("GET", f"{objects}/([^/]+)", records.read),
        ("PATCH", f"{objects}/([^/]+)", records.update),
        ("DELETE", f"{objects}/([^/]+)", records.archive),
        ("POST", f"{links}/batch/read", linking.batch_read),
        ("POST", f"{links}/batch/associate/default", linking.associate),
        ("POST", f"{links}/batch/archive", linking.dissociate),
        ("GET", "/crm/v4/objects/([^/]+)/([^/]+)/associations/([^/]+)", linking.read),
    )


def _others(account: Account, records: Records, usage: Endpoint) -> Table:
    lists, rest, definitions = Lists(account), Rest(account), Definitions(records)
    return (
        ("POST", "/crm/v3/lists/search", lists.search),
        ("POST", "/crm/v3/lists/?", lists.create),
        ("GET", "/crm/v3/lists/([^/]+)", lists.read),
        ("GET", "/crm/v3/lists/([^/]+)/memberships", lists.members),
        ("PUT", "/crm/v3/lists/([^/]+)/memberships/add", lists.add),
        ("PUT", "/crm/v3/lists/([^/]+)/memberships/remove", lists.remove),
        ("GET", "/crm/v3/owners/?", rest.owners),
        ("GET", "/marketing/v3/campaigns/?", rest.campaigns),
        ("GET", "/crm/v3/properties/([^/]+)", definitions.listing),
        ("POST", "/crm/v3/properties/([^/]+)", definitions.create),
        ("POST", "/crm/v3/properties/([^/]+)/groups", definitions.create_group),
        ("GET", "/crm/v3/properties/([^/]+)/groups", definitions.groups),
        ("GET", "/crm/v3/properties/([^/]+)/([^/]+)", definitions.read),
        ("PATCH", "/crm/v3/properties/([^/]+)/([^/]+)", definitions.update),
        ("POST", "/communication-preferences/v4/statuses/batch/read", rest.statuses),
        ("GET", "/account-info/v3/api-usage/daily/private-apps", usage),
        ("GET", "/account-info/v3/details", rest.details),
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are nothing to tell of."""


def _handler_of(sandbox: Sandbox) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # head and body in one write

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as inherited
            """Say nothing."""

        def date_time_string(self, timestamp: float | None = None) -> str:
            """The account's clock."""
            del timestamp
            return format_datetime(sandbox.account.clock.now(), usegmt=True)

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            # hubspot-api-client repeats a parameter where HubSpot's guide joins by commas.
            query = {name: ",".join(values) for name, values in parse_qs(parts.query).items()}
            asked = Asked(
                method=self.command,
                path=parts.path,
                query=query,
                headers={name.title(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            )
            with suppress(ConnectionError):
                _send(self, *sandbox.answer(asked))

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  their names

    return Handler


def _send(handler: BaseHTTPRequestHandler, reply: Reply, mood: Mood | None) -> None:
    if mood in (Mood.RESET, Mood.LOST):
        _reset(handler)
        return
    body = reply.body
    headers = {"Content-Type": "application/json;charset=utf-8", **reply.headers}
    handler.send_response(reply.status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if mood is Mood.BROKEN:
        handler.wfile.write(body[: len(body) // 2])
        handler.close_connection = True
    else:
        handler.wfile.write(body)
    handler.wfile.flush()


def _reset(handler: BaseHTTPRequestHandler) -> None:
    """Close so that what is under way is lost."""
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.close_connection = True
    handler.rfile.close()
    handler.connection.close()
