"""Ways to sign in: each gives a session, and a session that ended gives way to the next."""

import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from pydantic import SecretStr

from crmbridge.adapters.tokens import Token, TokenStore
from crmbridge.errors import ConfigError, SignInError
from crmbridge.testing.context import make_context
from crmbridge.testing.loopback import LoopbackServer, answer
from crmbridge_salesforce.adapter import ADAPTER
from crmbridge_salesforce.auth import _jwt_form
from crmbridge_salesforce.browser import errand, revoke, trade
from crmbridge_salesforce.sandbox import Mood, Sandbox

CLIENT = {"client_id": "client", "client_secret": SecretStr("s3cret")}
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
).decode()
WAYS: dict[str, dict[str, Any]] = {
    "session": {"session_id": SecretStr("sandbox-session")},
    "client_credentials": CLIENT,
    "refresh_token": {"client_id": "client", "refresh_token": SecretStr("sandbox-refresh")},
    "password": {**CLIENT, "username": "crm@example.com", "password": SecretStr("password")},
    "jwt": {
        "client_id": "client",
        "username": "crm@example.com",
        "private_key": SecretStr(PEM),
    },
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_gives_a_session(open_: Any, way: str) -> None:
    with open_(auth=WAYS[way]) as connection:
        assert connection.quota().allowed > 0


@pytest.mark.parametrize("way", sorted(WAYS.keys() - {"session"}))
def test_a_session_that_ended_gives_way_to_the_next(sandbox: Sandbox, open_: Any, way: str) -> None:
    with open_(auth=WAYS[way]) as connection:
        connection.quota()
        sandbox.moods.plan(Mood.EXPIRED)

        assert connection.quota().allowed > 0


def test_a_session_id_that_ended_asks_for_a_person(sandbox: Sandbox, open_: Any) -> None:
    sandbox.sign_in.expire()

    with open_(auth=WAYS["session"]) as connection, pytest.raises(SignInError, match="connect"):
        connection.quota()


def test_a_refresh_token_that_rotates_is_replaced_by_its_successor(
    sandbox: Sandbox, open_: Any, tmp_path: Path
) -> None:
    sandbox.sign_in.rotates = True
    with open_(auth=WAYS["refresh_token"]) as connection:
        for _ in range(3):
            sandbox.moods.plan(Mood.EXPIRED)
            connection.quota()

    held = TokenStore(tmp_path / "tokens").get("sales")
    assert held is not None
    assert sandbox.sign_in.refreshes == {held.refresh}


def test_an_assertion_is_signed_by_the_key_and_soon_over(sandbox: Sandbox, open_: Any) -> None:
    with open_(auth=WAYS["jwt"]) as connection:
        connection.quota()

    asked = next(one for one in sandbox.received if one.path.endswith("/token"))
    assertion = asked.body.decode().partition("assertion=")[2]
    text, _, signature = assertion.rpartition(".")
    claims = json.loads(_plain(text.split(".")[1]))
    KEY.public_key().verify(_plain(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
    assert (claims["iss"], claims["sub"], claims["aud"]) == (
        "client",
        "crm@example.com",
        "https://login.salesforce.com",
    )
    assert claims["exp"] - sandbox.org.now().timestamp() < 300


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://login.salesforce.com", "login"),
        ("https://acme.my.salesforce.com", "login"),
        ("https://crm.acme.example", "login"),
        ("https://test.salesforce.com", "test"),
        ("https://acme--dev.sandbox.my.salesforce.com", "test"),
        ("https://acme--dev.my.salesforce.com", "test"),
        ("https://quick-fox.scratch.my.salesforce.com", "test"),
    ],
)
def test_an_assertion_is_for_the_host_where_the_account_signs_in(
    tmp_path: Path, url: str, host: str
) -> None:
    context = make_context(tmp_path, url=url, auth=WAYS["jwt"])

    assertion = _jwt_form(context)["assertion"]

    claims = json.loads(_plain(assertion.split(".")[1]))
    assert claims["aud"] == f"https://{host}.salesforce.com"


def test_an_audience_of_the_settings_goes_before(tmp_path: Path) -> None:
    auth = {**WAYS["jwt"], "audience": "https://crm.acme.example"}
    context = make_context(tmp_path, url="https://acme.my.salesforce.com", auth=auth)

    claims = json.loads(_plain(_jwt_form(context)["assertion"].split(".")[1]))

    assert claims["aud"] == "https://crm.acme.example"


def test_a_login_host_is_asked_for_the_token_and_the_instance_for_the_rest(
    sandbox: Sandbox, open_: Any
) -> None:
    token = {"access_token": "sandbox-session", "instance_url": sandbox.url}
    with LoopbackServer([answer(document=token)]) as login:
        auth = {**CLIENT, "token_url": f"{login.url}/services/oauth2/token"}
        with open_(auth=auth) as connection:
            assert connection.quota().allowed > 0

    assert [one.path for one in login.received] == ["/services/oauth2/token"]
    assert not [one for one in sandbox.received if "/oauth2/token" in one.path]


def test_a_refusal_is_told_in_salesforces_words(open_: Any) -> None:
    wrong = {"client_id": "client", "client_secret": SecretStr("wrong-s3cret")}

    with open_(auth=wrong) as connection, pytest.raises(SignInError) as caught:
        connection.quota()

    assert "invalid_client" in str(caught.value)
    assert "wrong-s3cret" not in str(caught.value)


def test_a_session_goes_to_no_other_place(tmp_path: Path) -> None:
    token = {"access_token": "t", "instance_url": "https://salesforce.com.example.net"}
    with LoopbackServer([answer(document=token)]) as server:
        context = make_context(tmp_path, url=server.url, auth=CLIENT)
        connection = ADAPTER.open(ADAPTER.settings(), context)

        with pytest.raises(SignInError, match="instance"):
            connection.quota()
        assert len(server.received) == 1


def test_a_way_that_there_is_not_is_named(open_: Any) -> None:
    with open_(auth={"method": "saml"}) as connection, pytest.raises(ConfigError, match="jwt"):
        connection.quota()


def test_a_key_that_is_none_is_said_without_showing_it(open_: Any) -> None:
    auth = {**WAYS["jwt"], "private_key": SecretStr("not-a-key")}

    with open_(auth=auth) as connection, pytest.raises(ConfigError) as caught:
        connection.quota()

    assert "not-a-key" not in str(caught.value)


def test_the_password_way_warns_of_its_end(open_: Any) -> None:
    with open_(auth=WAYS["password"]) as connection:
        codes = {one.code for one in connection.check()}

    assert "salesforce.password_ends" in codes


def test_a_person_who_signed_in_is_remembered(open_: Any, tmp_path: Path) -> None:
    store = TokenStore(tmp_path / "tokens")
    store.put("sales", Token(access="sandbox-session", refresh="sandbox-refresh"))

    with open_(auth={"client_id": "client"}) as connection:
        assert connection.quota().allowed > 0


def test_without_anything_to_sign_in_with_a_person_is_asked(open_: Any) -> None:
    auth = {"client_id": "client"}
    with open_(auth=auth) as connection, pytest.raises(SignInError, match="crmbridge connect"):
        connection.quota()


def test_a_browser_brings_a_code_that_is_traded_once(sandbox: Sandbox, tmp_path: Path) -> None:
    context = make_context(tmp_path, url=sandbox.url, auth={"client_id": "client"})
    asked = errand(context, "http://127.0.0.1:9999/back")

    back = requests.get(asked.url, allow_redirects=False, timeout=5).headers["Location"]
    query = dict(parse_qsl(urlsplit(back).query))
    token = trade(context, asked, query["code"])

    assert query["state"] == asked.state
    assert token.refresh in sandbox.sign_in.refreshes
    with pytest.raises(SignInError, match="invalid_grant"):
        trade(context, asked, query["code"])


def test_a_code_is_worth_nothing_without_its_verifier(sandbox: Sandbox, tmp_path: Path) -> None:
    context = make_context(tmp_path, url=sandbox.url, auth={"client_id": "client"})
    asked = errand(context, "http://127.0.0.1:9999/back")
    back = requests.get(asked.url, allow_redirects=False, timeout=5).headers["Location"]
    code = dict(parse_qsl(urlsplit(back).query))["code"]

    with pytest.raises(SignInError):
        trade(context, replace(asked, verifier="another"), code)


def test_a_token_that_was_revoked_is_over(sandbox: Sandbox, tmp_path: Path) -> None:
    context = make_context(tmp_path, url=sandbox.url, auth={"client_id": "client"})

    revoke(context, Token(access="sandbox-session", refresh="sandbox-refresh"))

    assert sandbox.sign_in.refreshes == set()


def _plain(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
