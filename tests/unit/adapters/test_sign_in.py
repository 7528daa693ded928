"""Requests are signed, refreshed once when refused, and replayed the same."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from crmbridge.adapters.http import Effect, FixedHeader, HttpClient, StoredToken
from crmbridge.adapters.tokens import Token, TokenStore
from crmbridge.clock import FixedClock
from crmbridge.errors import SignInError
from crmbridge.testing import loopback
from crmbridge.testing.context import make_client
from crmbridge.testing.loopback import LoopbackServer, Received, Reply, answer
from crmbridge.testing.truth import START

OK = answer(document={"ok": True})


def _next(token: Token) -> Token:
    number = int(token.access[-1]) + 1
    return Token(access=f"access-{number}", refresh=f"refresh-{number}")


def _signed(
    server: LoopbackServer, folder: Path, refresh: Callable[[Token], Token] = _next
) -> HttpClient:
    clock = FixedClock(START)
    store = TokenStore(folder)
    store.put(
        "sales",
        Token(access="access-1", refresh="refresh-1", expires_at=START + timedelta(hours=1)),
    )
    client = make_client(server.url, clock=clock)
    signing = StoredToken(connection="sales", store=store, refresh=refresh, clock=clock)
    return client.at(server.url, signing)


def _accepts(*tokens: str) -> Callable[[Received], Reply]:
    good = {f"Bearer {token}" for token in tokens}
    return lambda received: OK if received.headers["Authorization"] in good else answer(401)


@pytest.mark.parametrize("refusal", [answer(401), loopback.html(401), answer(401, document={})])
def test_after_a_refusal_the_same_request_is_replayed_with_a_new_token(
    refusal: Reply, tmp_path: Path
) -> None:
    headers = {"If-Match": 'W/"7"', "X-Trace": "t-1"}
    with LoopbackServer([refusal, OK]) as server:
        client = _signed(server, tmp_path)
        client.post("/rows", {"a": 1}, effect=Effect.ONCE, headers=headers)

        first, second = server.received
    assert (first.headers["Authorization"], second.headers["Authorization"]) == (
        "Bearer access-1",
        "Bearer access-2",
    )
    assert first.body == second.body == b'{"a":1}'
    assert [one.headers[name] for one in (first, second) for name in ("If-Match", "X-Trace")] == [
        'W/"7"', "t-1", 'W/"7"', "t-1",
    ]  # fmt: skip


def test_a_second_refusal_says_what_to_do(tmp_path: Path) -> None:
    with LoopbackServer([answer(401)]) as server:
        with pytest.raises(SignInError, match="crmbridge connect sales"):
            _signed(server, tmp_path).get("/rows")

        assert len(server.received) == 2


def test_a_refused_fixed_secret_is_not_tried_again() -> None:
    header = FixedHeader(connection="sales", value={"Authorization": "Bearer fixed"})
    with LoopbackServer([answer(401)]) as server:
        with pytest.raises(SignInError):
            make_client(server.url).at(server.url, header).get("/rows")

        assert len(server.received) == 1


def test_a_token_is_refreshed_before_it_expires(tmp_path: Path) -> None:
    with LoopbackServer(_accepts("access-2")) as server:
        client = _signed(server, tmp_path)
        client.traffic.clock.sleep(3600 - 60)
        client.get("/rows")

        assert len(server.received) == 1


def test_a_refresh_that_the_crm_refuses_ends_the_run(tmp_path: Path) -> None:
    def refuse(token: Token) -> Token:
        raise SignInError("token", "a new token", "invalid_grant")

    with LoopbackServer([answer(401)]) as server:
        with pytest.raises(SignInError, match="invalid_grant"):
            _signed(server, tmp_path, refuse).get("/rows")

        assert len(server.received) == 1


def test_a_token_that_another_process_refreshed_is_taken_over(tmp_path: Path) -> None:
    def never(token: Token) -> Token:
        raise AssertionError("refreshed although another had done so")

    def refresh_meanwhile(received: Received) -> Reply:
        if received.headers["Authorization"] == "Bearer access-1":
            TokenStore(tmp_path).put("sales", Token(access="access-2"))
        return _accepts("access-2")(received)

    with LoopbackServer(refresh_meanwhile) as server:
        assert _signed(server, tmp_path, never).get("/rows").data == {"ok": True}


def test_a_transient_fault_during_the_replay_does_not_refresh_again(tmp_path: Path) -> None:
    refreshed = []

    def refresh(token: Token) -> Token:
        refreshed.append(token.access)
        return _next(token)

    with LoopbackServer([answer(401), answer(503), OK]) as server:
        _signed(server, tmp_path, refresh).get("/rows")

    assert refreshed == ["access-1"]


def test_a_first_token_needs_no_person_where_the_settings_hold_a_secret(tmp_path: Path) -> None:
    with LoopbackServer(_accepts("access-9")) as server:
        client = make_client(server.url)
        signing = StoredToken(
            connection="sales",
            store=TokenStore(tmp_path),
            clock=client.traffic.clock,
            sign_in=lambda: Token(access="access-9"),
        )
        assert client.at(server.url, signing).get("/rows").data == {"ok": True}

    assert TokenStore(tmp_path).get("sales") == Token(access="access-9")
