"""A person signs in: by a browser, a code, or what they paste; and lets go again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from pydantic import SecretStr

from crmbridge.adapters import Context
from crmbridge.adapters.http import Response
from crmbridge.adapters.tokens import Token
from crmbridge.errors import ConfigError, SignInError
from crmbridge.testing.context import make_context
from crmbridge_salesforce.adapter import ADAPTER
from crmbridge_salesforce.auth import token_of
from crmbridge_salesforce.sandbox import Mood, Sandbox

SETTINGS = ADAPTER.settings()
CLIENT = {"client_id": "client", "client_secret": SecretStr("s3cret")}


@dataclass(slots=True)
class Scripted:
    """A person who does as a test says; each text that is shown runs `on_show`."""

    on_show: Callable[[str], object] = print
    pasted: str = ""
    answer: Mapping[str, str] = field(default_factory=dict)
    redirect_uri: str = "http://127.0.0.1:9999/back"

    def visit(self, url: str) -> Mapping[str, str]:
        """Agree in the browser; what `answer` names comes back instead."""
        back = requests.get(url, allow_redirects=False, timeout=5).headers["Location"]
        return {**dict(parse_qsl(urlsplit(back).query)), **self.answer}

    def show(self, text: str) -> None:
        """Read it."""
        self.on_show(text)

    def paste(self, label: str) -> str:
        """Paste what they were given."""
        assert label
        return self.pasted


def context_of(sandbox: Sandbox, folder: Path, **auth: Any) -> Context:
    return make_context(folder, url=sandbox.url, auth=auth or {"client_id": "client"})


def sign_in(context: Context, person: Scripted, way: str) -> Token:
    assert ADAPTER.sign_in is not None
    return ADAPTER.sign_in.connect(SETTINGS, context, person, way)


def works(context: Context, token: Token) -> bool:
    """Whether a connection that finds this token in its store is let in."""
    assert context.tokens is not None
    context.tokens.put("sales", token)
    with ADAPTER.open(SETTINGS, context) as connection:
        return connection.quota().allowed > 0


def test_a_browser_brings_a_token_that_lets_in(sandbox: Sandbox, tmp_path: Path) -> None:
    context = context_of(sandbox, tmp_path)

    token = sign_in(context, Scripted(), "browser")

    assert token.refresh in sandbox.sign_in.refreshes
    assert works(context, token)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"state": "another's"}, "state"),
        ({"error": "access_denied", "code": ""}, "access_denied"),
        ({"code": ""}, "no code"),
        ({"code": "guessed"}, "invalid_grant"),
    ],
    ids=["state", "denied", "empty", "guessed"],
)
def test_an_answer_of_a_browser_that_is_not_ours_gives_nothing(
    sandbox: Sandbox, tmp_path: Path, answer: Mapping[str, str], words: str
) -> None:
    with pytest.raises(SignInError, match=words):
        sign_in(context_of(sandbox, tmp_path), Scripted(answer=answer), "browser")


def test_a_code_is_waited_for_as_slowly_as_is_asked(sandbox: Sandbox, tmp_path: Path) -> None:
    context = context_of(sandbox, tmp_path)
    started, asked_at, codes = context.clock.monotonic(), [], []

    def enter(text: str) -> None:
        codes.append(text.rsplit(maxsplit=1)[-1])
        sandbox.sign_in.decide(codes[0], "slow")

    def ask() -> None:
        asked_at.append(context.clock.monotonic() - started)
        if len(asked_at) == 3:
            sandbox.sign_in.decide(codes[0], "agreed")

    for _ in range(3):  # for the code, then two polls
        sandbox.moods.before("/oauth2/token", ask)

    token = sign_in(context, Scripted(on_show=enter), "device")

    assert works(context, token)
    assert asked_at == [0, 5, 15]  # 5 seconds, then 5 more since it was told to slow down


def test_a_code_that_nobody_enters_runs_out(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(SignInError, match="in time"):
        sign_in(context_of(sandbox, tmp_path), Scripted(), "device")


def test_a_code_that_is_denied_gives_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    person = Scripted(on_show=lambda text: sandbox.sign_in.decide(text.split()[-1], "denied"))

    with pytest.raises(SignInError, match="access_denied"):
        sign_in(context_of(sandbox, tmp_path), person, "device")


def test_an_app_that_is_not_installed_gets_no_code(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.sign_in.blocks_devices = True

    with pytest.raises(SignInError, match="must be installed"):
        sign_in(context_of(sandbox, tmp_path), Scripted(), "device")


def test_a_pasted_refresh_token_is_traded_at_once(sandbox: Sandbox, tmp_path: Path) -> None:
    context = context_of(sandbox, tmp_path)
    sandbox.sign_in.rotates = True

    token = sign_in(context, Scripted(pasted=" sandbox-refresh\n"), "paste")

    assert sandbox.sign_in.refreshes == {token.refresh}
    assert works(context, token)


def test_a_pasted_session_is_tried_before_it_is_kept(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.sign_in.sessions.add("00D5e0!pasted")
    context = context_of(sandbox, tmp_path)

    assert works(context, sign_in(context, Scripted(pasted="00D5e0!pasted"), "paste"))
    with pytest.raises(SignInError) as caught:
        sign_in(context, Scripted(pasted="00D5e0!another"), "paste")
    assert "another" not in str(caught.value).replace("one with another", "")


def test_a_pasted_session_that_ended_asks_for_the_person(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.sign_in.sessions.add("00D5e0!pasted")
    context = context_of(sandbox, tmp_path)
    token = sign_in(context, Scripted(pasted="00D5e0!pasted"), "paste")
    sandbox.sign_in.expire()

    with pytest.raises(SignInError, match="crmbridge connect"):
        works(context, token)


@pytest.mark.parametrize("text", ["", "two\nlines", "naïve"])
def test_what_can_be_no_secret_is_not_sent(sandbox: Sandbox, tmp_path: Path, text: str) -> None:
    with pytest.raises(SignInError):
        sign_in(context_of(sandbox, tmp_path), Scripted(pasted=text), "paste")
    assert sandbox.log == []


def test_a_token_of_a_person_is_refreshed_as_one_whatever_the_settings_hold(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    context = context_of(sandbox, tmp_path, **CLIENT)
    assert works(context, sign_in(context, Scripted(), "browser"))
    sandbox.received.clear()
    sandbox.moods.plan(Mood.EXPIRED)

    with ADAPTER.open(SETTINGS, context) as connection:
        connection.quota()

    grants = [one.body for one in sandbox.received if one.path.endswith("/token")]
    assert [b"grant_type=refresh_token" in one for one in grants] == [True]


def test_a_connection_is_let_go_at_salesforce(sandbox: Sandbox, tmp_path: Path) -> None:
    assert ADAPTER.sign_in is not None
    context = context_of(sandbox, tmp_path)
    token = sign_in(context, Scripted(), "browser")

    for _ in range(2):  # the second finds it over already
        ADAPTER.sign_in.disconnect(SETTINGS, context, token)

    assert token.refresh not in sandbox.sign_in.refreshes


def test_a_way_that_there_is_not_names_those_that_are(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="browser, device, paste"):
        sign_in(context_of(sandbox, tmp_path), Scripted(), "smoke signals")


@pytest.mark.parametrize(
    ("instance", "is_believed"),
    [
        ("https://acme.my.salesforce.com", True),
        ("https://acme--dev.sandbox.my.salesforce.com", True),
        ("https://crm.acme.example", True),
        ("https://acme.my.salesforce.com.example.net", False),
        ("https://acme.my.salesforce.com@example.net", False),
        ("http://acme.my.salesforce.com", False),
    ],
)
def test_an_instance_is_believed_at_salesforce_and_at_the_configured_domain(
    tmp_path: Path, instance: str, is_believed: bool
) -> None:
    context = make_context(tmp_path, url="https://crm.acme.example", auth={"client_id": "client"})
    answer = Response(status=200, headers={}, data={"access_token": "t", "instance_url": instance})

    if is_believed:
        assert token_of(context, answer).extra["instance_url"] == instance
    else:
        with pytest.raises(SignInError, match="instance"):
            token_of(context, answer)
