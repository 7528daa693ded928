"""The shared client against a server on this machine that fails in every way we know."""

import sqlite3
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crmbridge.adapters import ErrorClass, Quota
from crmbridge.adapters.budget import DailyBudget
from crmbridge.adapters.http import Answer, Dialect, Effect, FixedHeader, Request
from crmbridge.clock import FixedClock
from crmbridge.errors import (
    ConfigError,
    ConflictError,
    QuotaError,
    RecordError,
    RetryLaterError,
    SignInError,
    UnknownOutcomeError,
)
from crmbridge.testing import loopback
from crmbridge.testing.context import RecordingLog, make_client
from crmbridge.testing.loopback import LoopbackServer, Reply, answer
from crmbridge.testing.truth import START

OK = answer(document={"rows": [1, 2]})


def _get(server: LoopbackServer, **limits: Any) -> object:
    return make_client(server.url, **limits).get("/rows").data


@pytest.mark.parametrize(
    "fault",
    [
        answer(500),
        answer(502, body=b"<html>bad gateway</html>"),
        answer(503, document={"error": "busy"}),
        answer(420),
        answer(524),
        answer(200),
        answer(408),
        loopback.html(200),
        loopback.truncated(b'{"rows": [1', 100),
        loopback.truncated(b'{"rows": [1', 11),
        loopback.reset_before_answer(),
        loopback.reset_after_headers(),
        loopback.reset_in_body(b'{"rows"', 100),
        answer(body=b"[" * 100_000),
        answer(body=b'{"a": NaN}'),
        answer(body=b'{"a": 1e999}'),
        answer(body=b'{"a": ' + b"1" * 5000 + b"}"),
        answer(body=b'{"a": "\\ud800"}'),
    ],
)
def test_a_read_is_repeated_after_any_passing_fault(fault: Reply) -> None:
    with LoopbackServer([fault, OK]) as server:
        assert _get(server) == {"rows": [1, 2]}

        assert len(server.received) == 2


@pytest.mark.parametrize(
    "fault",
    [
        answer(500),
        loopback.html(200),
        answer(200),
        loopback.truncated(b'{"rows": [1', 100),
        loopback.reset_before_answer(),
        loopback.reset_after_headers(),
        loopback.redirect("/done", 303),
        loopback.gzip_bomb(65),
    ],
)
def test_a_write_that_may_have_landed_is_never_sent_again(fault: Reply) -> None:
    with LoopbackServer([fault, OK]) as server:
        with pytest.raises(UnknownOutcomeError):
            make_client(server.url).post("/rows", {"a": 1}, effect=Effect.ONCE)

        assert len(server.received) == 1


def test_a_keyed_write_is_repeated_with_the_same_body() -> None:
    with LoopbackServer([loopback.reset_before_answer(), answer(502), OK]) as server:
        make_client(server.url).post("/rows", {"key": "a"}, effect=Effect.KEYED)

        assert [one.body for one in server.received] == [b'{"key":"a"}'] * 3


def test_a_write_refused_by_rate_was_not_carried_out_and_is_repeated() -> None:
    with LoopbackServer([answer(429), OK]) as server:
        make_client(server.url).post("/rows", {"a": 1}, effect=Effect.ONCE)

        assert len(server.received) == 2


def test_a_write_that_never_left_may_be_tried_later() -> None:
    with LoopbackServer([OK]) as server:
        url = server.url

    with pytest.raises(RetryLaterError):
        make_client(url).post("/rows", {"a": 1}, effect=Effect.ONCE)


def test_tries_end() -> None:
    with LoopbackServer([answer(503)]) as server:
        with pytest.raises(RetryLaterError, match="got 503"):
            _get(server, tries=4)

        assert len(server.received) == 4


def test_waits_grow_and_are_jittered() -> None:
    clock = FixedClock(START)
    with LoopbackServer([answer(503)] * 4 + [OK]) as server:
        make_client(server.url, clock=clock).get("/rows")

    # half (the test's jitter) of 1, 2, 4, 8 seconds
    assert clock.slept == [0.5, 1.0, 2.0, 4.0]


def test_the_runs_budget_of_second_tries_ends_a_storm() -> None:
    with LoopbackServer([answer(503)]) as server:
        client = make_client(server.url, retries_per_run=6)
        for _ in range(5):
            with pytest.raises(RetryLaterError):
                client.get("/rows")

        # 5 first tries, 6 second tries, and 2 that one in five of the requests allows
        assert len(server.received) == 13


@pytest.mark.parametrize(
    ("value", "waited"),
    [
        ("7", 7.5),
        ("Mon, 02 Mar 2026 08:00:09 GMT", 9.5),
        ("0", 0.5),
        ("-5", 0.5),
        ("Mon, 02 Mar 2020 08:00:09 GMT", 0.5),
        ("soon", 0.5),
        ("nan", 0.5),
    ],
)
def test_a_crm_is_obeyed_when_it_asks_for_a_wait(value: str, waited: float) -> None:
    clock = FixedClock(START)
    busy = answer(429, Retry_After=value, Date="Mon, 02 Mar 2026 08:00:00 GMT")
    with LoopbackServer([_without_own_date(busy), OK]) as server:
        make_client(server.url, clock=clock).get("/rows")

    assert sum(clock.slept) == waited


def _without_own_date(reply: Reply) -> Reply:
    """http.server sends its own date first; the test's must be the only one."""

    def quiet(handler: object) -> None:
        handler.date_time_string = lambda: "Mon, 02 Mar 2026 08:00:00 GMT"  # type: ignore[attr-defined]
        reply(handler)  # type: ignore[arg-type]

    return quiet


def test_a_wait_that_is_too_long_stops_and_says_when_to_go_on() -> None:
    with (
        LoopbackServer([answer(429, Retry_After="999999")]) as server,
        pytest.raises(QuotaError, match="Run again after 2026-03-13") as caught,
    ):
        _get(server)

    assert caught.value.resume_at == START + timedelta(seconds=999_999)
    assert len(server.received) == 1


def test_requests_are_paced_as_the_settings_say() -> None:
    clock = FixedClock(START)
    with LoopbackServer([OK]) as server:
        client = make_client(server.url, clock=clock, per_second=2, per_minute=3)
        for _ in range(5):
            client.get("/rows")

    # two at once; the third a second after the first; a minute allows three, so the fourth waits
    # until the first is a minute old, and with it the fifth
    assert clock.slept == pytest.approx([1.0, 59.0], abs=0.01)


def test_what_was_not_used_of_the_budget_is_given_back_at_the_end(tmp_path: Path) -> None:
    with LoopbackServer([OK]) as server:
        client = make_client(server.url, daily_share=0.5)
        traffic = client.traffic
        traffic.budget = DailyBudget(tmp_path / "b.db", "sales", traffic.limits, traffic.clock)
        traffic.budget.learn(Quota(used=0, allowed=1000))
        client.get("/rows")
        client.close()

    with sqlite3.connect(tmp_path / "b.db") as db:
        assert db.execute("SELECT calls FROM leased").fetchall() == [(1,)]
    db.close()


@pytest.mark.parametrize(("told", "waited"), [(None, 10), ("3", 3)])
def test_a_dialect_knows_how_long_a_refusal_without_retry_after_lasts(
    told: str | None, waited: int
) -> None:
    """A header that is there counts before what the dialect would say."""
    headers = {"Retry_After": told} if told else {}
    clock = FixedClock(START)
    client = make_client("http://127.0.0.1:1", clock=clock)

    with LoopbackServer([answer(429, **headers), OK]) as server:
        dialect = Dialect(wait=lambda response: 10.0)
        client.at(server.url, None, dialect).get("/rows")

    assert sum(clock.slept) == pytest.approx(waited, abs=1)


def test_a_dialect_knows_when_the_quota_is_renewed() -> None:
    """Run again then, and not before."""
    dialect = Dialect(classify=lambda *_: ErrorClass.QUOTA, wait=lambda response: 7200.0)
    client = make_client("http://127.0.0.1:1")

    with LoopbackServer([answer(429)]) as server, pytest.raises(QuotaError) as caught:
        client.at(server.url, None, dialect).get("/rows")

    assert caught.value.resume_at == START + timedelta(hours=2)


def test_a_429_halves_what_is_under_way_at_once() -> None:
    with LoopbackServer([answer(429), OK]) as server:
        client = make_client(server.url, concurrent=8)
        client.get("/rows")

    assert 4 < client.traffic.gate.open < 5


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, SignInError),
        (403, ConfigError),
        (404, RecordError),
        (409, ConflictError),
        (412, ConflictError),
        (418, ConfigError),
        (501, ConfigError),
    ],
)
def test_statuses_that_no_retry_helps_are_raised_at_once(
    status: int, error: type[Exception]
) -> None:
    with LoopbackServer([answer(status, document={"secret": "ann@example.com"})]) as server:
        with pytest.raises(error) as caught:
            _get(server)

        assert len(server.received) == 1
    assert "ann@example.com" not in str(caught.value)


def test_an_accepted_status_is_returned_with_its_document() -> None:
    with LoopbackServer([answer(404, document={"error": "gone"})]) as server:
        response = make_client(server.url).get("/rows", accept=frozenset({404}))

    assert (response.status, response.data) == (404, {"error": "gone"})


def test_the_dialect_is_asked_before_the_status() -> None:
    def classify(status: int, headers: object, body: bytes) -> ErrorClass | None:
        return ErrorClass.QUOTA if b'"607"' in body else None

    with LoopbackServer([answer(200, document={"errors": [{"code": "607"}]})]) as server:
        client = make_client(server.url)
        speaking = client.at(server.url, dialect=Dialect(classify=classify))
        with pytest.raises(QuotaError):
            speaking.get("/rows")


def test_the_reserve_stops_the_next_request_not_the_one_that_was_answered(tmp_path: Path) -> None:
    dialect = Dialect(quota=lambda response: Quota(used=95, allowed=100))
    with LoopbackServer([OK]) as server:
        client = make_client(server.url, reserve_share=0.1)
        traffic = client.traffic
        traffic.budget = DailyBudget(tmp_path / "b.db", "sales", traffic.limits, traffic.clock)
        speaking = client.at(server.url, dialect=dialect)

        assert speaking.post("/rows", {}, effect=Effect.ONCE).status == 200
        with pytest.raises(QuotaError):
            speaking.get("/rows")
        assert len(server.received) == 1


def test_a_slow_drip_ends_at_the_total_deadline() -> None:
    with (
        LoopbackServer([loopback.drip(b" " * 1000, 0.02)]) as server,
        pytest.raises(RetryLaterError, match="ReadTimeoutError"),
    ):
        _get(server, total_seconds=0.2, tries=1)


def test_a_server_that_never_answers_is_given_up() -> None:
    with LoopbackServer([loopback.silent(3)]) as server, pytest.raises(RetryLaterError):
        _get(server, read_seconds=0.1, tries=1)


@pytest.mark.parametrize("reply", [loopback.endless(), loopback.gzip_bomb(40)])
def test_a_body_without_end_is_cut_at_the_limit(reply: Reply) -> None:
    with LoopbackServer([reply]) as server, pytest.raises(ConfigError, match="at most 1 MB"):
        _get(server, max_body_mb=1)


@pytest.mark.parametrize(
    "location",
    [
        "http://localhost:1/rows",
        "http://169.254.169.254/latest/meta-data",
        "https://example.com/rows",
        "file:///etc/passwd",
        "//example.com/rows",
        "http://user:pass@127.0.0.1/rows",
    ],
)
def test_a_redirect_elsewhere_is_not_followed(location: str) -> None:
    with LoopbackServer([loopback.redirect(location), OK]) as server:
        with pytest.raises(ConfigError):
            _get(server)

        assert len(server.received) == 1


def test_a_redirect_within_the_origin_is_followed_for_a_get_only() -> None:
    with LoopbackServer([loopback.redirect("/other"), OK]) as server:
        assert _get(server) == {"rows": [1, 2]}
        assert server.received[1].path == "/other"

    with LoopbackServer([loopback.redirect("/other", 307), OK]) as server:
        with pytest.raises(ConfigError):
            make_client(server.url).post("/rows", {}, effect=Effect.KEYED)
        assert len(server.received) == 1


def test_a_redirect_loop_ends() -> None:
    with LoopbackServer([loopback.redirect("/rows")]) as server:
        with pytest.raises(ConfigError, match="redirects"):
            _get(server)

        assert len(server.received) == 6


@pytest.mark.parametrize(
    "url", ["https://example.com/rows", "//example.com/rows", "http://x@127.0.0.1/", "/a\\b"]
)
def test_an_address_at_another_origin_is_never_sent_to(url: str) -> None:
    with LoopbackServer([OK]) as server:
        with pytest.raises(ConfigError):
            make_client(server.url).get(url)

        assert server.received == []


@pytest.mark.parametrize(
    "url", ["http://example.com", "http://127.0.0.1.nip.io", "ftp://127.0.0.1", "", "https://a:b@c"]
)
def test_plain_http_is_for_this_machine_only(url: str) -> None:
    with pytest.raises(ConfigError):
        make_client(url)


def test_cookies_are_not_kept() -> None:
    with LoopbackServer([answer(document={}, Set_Cookie="session=1")]) as server:
        client = make_client(server.url)
        client.get("/rows")
        client.get("/rows")

        assert "Cookie" not in server.received[1].headers


def test_parameters_are_encoded() -> None:
    with LoopbackServer([OK]) as server:
        make_client(server.url).get("/rows?a=1", params={"q": "O'Brien & søn", "id": [1, 2]})

        assert server.received[0].query == {"a": "1", "q": "O'Brien & søn", "id": "2"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {1, 2}])
def test_a_value_that_json_cannot_hold_is_not_sent(value: object) -> None:
    with LoopbackServer([OK]) as server:
        with pytest.raises(RecordError):
            make_client(server.url).post("/rows", {"score": value}, effect=Effect.ONCE)

        assert server.received == []


def test_an_empty_answer_is_fine_where_it_may_be_empty() -> None:
    with LoopbackServer([answer(204), answer(200)]) as server:
        client = make_client(server.url)
        first = client.post("/rows", {}, effect=Effect.ONCE)
        second = client.post("/rows", {}, effect=Effect.ONCE, answer=Answer.MAYBE)

    assert (first.data, second.data) == (None, None)


def test_a_download_is_whole_or_not_there(tmp_path: Path) -> None:
    target = tmp_path / "result.csv"
    with LoopbackServer(
        [loopback.reset_in_body(b"id\n1\n", 100), answer(body=b"id\n1\n2\n")]
    ) as server:
        make_client(server.url).download(Request(method="GET", url="/result"), target)

    assert target.read_bytes() == b"id\n1\n2\n"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_download_leaves_nothing(tmp_path: Path) -> None:
    request = Request(method="GET", url="/result")
    with (
        LoopbackServer([loopback.truncated(b"id\n1\n", 100)]) as server,
        pytest.raises(RetryLaterError),
    ):
        make_client(server.url, tries=2).download(request, tmp_path / "result.csv")

    assert list(tmp_path.iterdir()) == []


def test_a_stream_that_breaks_off_says_so() -> None:
    request = Request(method="GET", url="/result")
    with (
        LoopbackServer([loopback.reset_in_body(b"id\n1\n", 100)]) as server,
        make_client(server.url).stream(request) as stream,
        pytest.raises(RetryLaterError, match="Read it again"),
    ):
        list(stream.chunks())


def test_a_stream_gives_the_whole_body() -> None:
    body = b"0123456789" * 100_000
    request = Request(method="GET", url="/result")
    with (
        LoopbackServer([answer(503), answer(body=body)]) as server,
        make_client(server.url).stream(request) as stream,
    ):
        assert b"".join(stream.chunks()) == body


def test_secrets_are_blotted_out_of_errors() -> None:
    client = make_client("http://127.0.0.1:1")
    client.traffic.redactor.add("s3cret-token")

    with (
        LoopbackServer([answer(403, body=b"no: s3cret-token")]) as server,
        pytest.raises(ConfigError) as caught,
    ):
        client.at(server.url).get("/rows")

    assert "s3cret-token" not in str(caught.value) + caught.value.line()


def test_a_secret_that_is_no_header_is_not_shown() -> None:
    with LoopbackServer([OK]) as server:
        client = make_client(server.url)
        header = FixedHeader(connection="sales", value={"Authorization": "Bearer s3cret\n"})
        with pytest.raises(ConfigError) as caught:
            client.at(server.url, header).get("/rows")

    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_page_that_breaks_off_is_not_shown() -> None:
    half = loopback.truncated(b'{"rows": [{"email": "ann@example.com"', 37)
    with LoopbackServer([half]) as server, pytest.raises(RetryLaterError) as caught:
        _get(server, tries=1)

    assert "37 bytes that begin like JSON" in str(caught.value)
    assert "ann" not in str(caught.value)


def test_a_login_page_is_shown_by_its_beginning() -> None:
    with (
        LoopbackServer([loopback.html()]) as server,
        pytest.raises(RetryLaterError, match="200 text/html '<html><body>Please sign in"),
    ):
        _get(server, tries=1)


def test_the_crms_request_id_is_logged_and_no_address_or_body() -> None:
    log = RecordingLog()
    dialect = Dialect(request_id=("Sforce-Request-Id",))
    with LoopbackServer([answer(document={"a": "ann"}, Sforce_Request_Id="r-1")]) as server:
        make_client(server.url, log=log).at(server.url, dialect=dialect).get("/ann@example.com")

    facts = log.said[0][2]
    assert (facts["request_id"], facts["status"]) == ("r-1", 200)
    assert "ann" not in str(log.said)


def test_the_servers_clock_is_read_from_its_date() -> None:
    with LoopbackServer([_without_own_date(OK)]) as server:
        assert make_client(server.url).get("/rows").server_date == START


def test_eight_threads_share_a_client() -> None:
    found: list[object] = []
    with LoopbackServer([OK]) as server:
        client = make_client(server.url)
        threads = [
            threading.Thread(target=lambda: found.append(client.get("/rows").data))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert found == [{"rows": [1, 2]}] * 8
