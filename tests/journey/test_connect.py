"""A person signs in and out: the token is kept as it should be, and of the right account only."""

import io
import json
import secrets
import stat
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from pydantic import BaseModel

from crmbridge.adapters import Adapter, Capabilities, Connection, Context, Page, Person, SignIn
from crmbridge.adapters.http import Effect, HttpClient, StoredToken
from crmbridge.adapters.tokens import Token
from crmbridge.errors import SignInError
from crmbridge.jobs.setup.redirect import PATH, RedirectPage
from crmbridge.records import Finding
from crmbridge.testing.loopback import LoopbackServer, Received, Reply, answer

TOKENS = Path(".crmbridge/tokens")
CONFIG = """
[store]
url = "sqlite:///store.db"

[connections.sales]
adapter = "loop"
url = "{url}"
"""


class NoSettings(BaseModel):
    """The adapter has no keys of its own."""


class LoopConnection(Connection):
    """Knows only which account it speaks to."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def check(self) -> list[Finding]:
        return [Finding(code="field.missing", example="Account.Score", remedy="Create it.")]

    def organisation(self) -> str:
        return str(self._http.get("/me").data["organisation"])

    def read(self, request: Any) -> Iterator[Page]:
        raise NotImplementedError


def open_loop(settings: BaseModel, context: Context) -> Connection:
    del settings
    assert context.tokens
    signed = StoredToken(connection="sales", store=context.tokens, clock=context.clock)
    return LoopConnection(context.need_http().at(context.url, authorize=signed))


def sign_in(settings: BaseModel, context: Context, person: Person, way: str) -> Token:
    del settings
    if way == "paste":
        return Token(access=person.paste("the access token"))
    state = secrets.token_urlsafe(8)
    query = urlencode({"state": state, "redirect_uri": person.redirect_uri})
    back = person.visit(f"{context.url}/authorize?{query}")
    if back.get("state") != state:
        raise SignInError("connections.sales", "an answer to our own request", "another's")
    form = {"code": back["code"]}
    given = context.need_http().post("/token", form=form, effect=Effect.KEYED)
    return Token(access=given.data["access"])


def sign_out(settings: BaseModel, context: Context, token: Token) -> None:
    del settings
    context.need_http().post("/revoke", form={"token": token.access}, effect=Effect.KEYED)


@pytest.fixture
def adapter() -> Adapter:
    return Adapter(
        name="loop",
        title="A CRM on this machine",
        settings=NoSettings,
        capabilities=Capabilities(objects={}),
        open=open_loop,
        sign_in=SignIn(ways=("browser", "paste"), connect=sign_in, disconnect=sign_out),
    )


class Provider:
    """The CRM: gives out tokens, says whose account they are of, takes them back."""

    def __init__(self) -> None:
        self.organisation = "org-1"
        self.revoked: list[str] = []
        self.is_down = False

    def reply(self, received: Received) -> Reply:
        if self.is_down:
            return answer(500, {})
        if received.path == "/token":
            form = dict(parse_qsl(received.body.decode()))
            return answer(document={"access": f"token-for-{form['code']}"})
        if received.path == "/revoke":
            self.revoked.append(dict(parse_qsl(received.body.decode()))["token"])
            return answer(document={})
        signed = received.headers.get("Authorization", "")
        return (
            answer(401, {})
            if "bad" in signed
            else answer(document={"organisation": self.organisation})
        )


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def office(
    provider: Provider, adapter: Adapter, bare_desk: Any, plug: Callable[[Adapter], None]
) -> Iterator[Any]:
    plug(adapter)
    with LoopbackServer(provider.reply) as server:
        bare_desk.config.write_text(CONFIG.format(url=server.url))
        yield bare_desk


Comes = Callable[[str], Mapping[str, str]]


def a_browser(comes_back: Comes, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A browser that is sent back at once with what `comes_back` makes of the state."""
    opened: list[str] = []

    def visit(url: str) -> bool:
        opened.append(url)
        query = dict(parse_qsl(urlsplit(url).query))
        back = f"{query['redirect_uri']}?{urlencode(comes_back(query['state']))}"
        threading.Thread(target=lambda: urllib.request.urlopen(back).read()).start()
        return True

    monkeypatch.setattr("webbrowser.open", visit)
    return opened


def consent(state: str) -> Mapping[str, str]:
    return {"state": state, "code": "abc"}


def kept(folder: Path) -> str:
    return str(json.loads((folder / TOKENS / "sales.token").read_text())["access"])


def test_a_browser_signs_in_and_the_token_is_kept_for_us_alone(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = a_browser(consent, monkeypatch)

    done = office("connect", "sales")

    assert done.code == 0, done.err
    assert "Connected sales to org-1" in done.out
    assert "field.missing: Account.Score. Create it." in done.out
    assert opened[0] in done.err
    assert kept(office.folder) == "token-for-abc"
    assert stat.S_IMODE((office.folder / TOKENS / "sales.token").stat().st_mode) == 0o600
    assert "token-for-abc" not in done.out + done.err


def test_without_a_browser_the_address_is_shown_only(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = a_browser(consent, monkeypatch)
    waited = RedirectPage.wait
    monkeypatch.setattr(RedirectPage, "wait", lambda page: {} if not opened else waited(page))

    done = office("connect", "sales", "--no-browser")

    assert opened == []
    assert "/authorize?state=" in done.err
    assert done.code == 77


def test_an_answer_to_somebody_elses_request_connects_nothing(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_browser(lambda state: {"state": f"not {state}", "code": "stolen"}, monkeypatch)

    done = office("connect", "sales")

    assert done.code == 77
    assert not (office.folder / TOKENS / "sales.token").exists()


def test_a_refusal_in_the_browser_is_said_in_its_words(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_browser(
        lambda state: {"state": state, "error": "access_denied", "error_description": "end user"},
        monkeypatch,
    )

    done = office("connect", "sales")

    assert done.code == 77
    assert "expected the CRM's consent, got end user" in done.err


def test_nobody_at_the_browser_ends_the_wait(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", lambda url: False)
    waits = RedirectPage.wait

    def impatient(page: RedirectPage) -> Mapping[str, str]:
        page.patience_seconds = 0.05
        return waits(page)

    monkeypatch.setattr(RedirectPage, "wait", impatient)

    done = office("connect", "sales")

    assert done.code == 77
    assert "nobody within 0.05 s" in done.err
    assert "--way paste" in done.err


def test_pasting_needs_a_terminal_or_a_pipe_that_was_asked_for(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("token-typed\n"))

    refused = office("connect", "sales", "--way", "paste")
    taken = office("connect", "sales", "--way", "paste", "--stdin")

    assert (refused.code, taken.code) == (77, 0)
    assert "--stdin" in refused.err
    assert kept(office.folder) == "token-typed"
    assert "token-typed" not in taken.out + taken.err


def test_another_account_is_refused_and_the_old_token_stays(
    office: Any, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_browser(consent, monkeypatch)
    assert office("connect", "sales").code == 0
    provider.organisation = "org-2"
    a_browser(lambda state: {"state": state, "code": "other"}, monkeypatch)

    done = office("connect", "sales")

    assert done.code == 78
    assert "org-2" in done.err
    assert kept(office.folder) == "token-for-abc"
    assert provider.revoked == ["token-for-other"]


def test_a_way_that_the_adapter_does_not_know_is_wrong_usage(office: Any) -> None:
    done = office("connect", "sales", "--way", "device")

    assert done.code == 2
    assert "browser, paste" in done.err


def test_disconnecting_ends_the_token_there_and_here(
    office: Any, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_browser(consent, monkeypatch)
    office("connect", "sales")

    done = office("disconnect", "sales", "--json")

    assert done.json == {"connection": "sales", "was_connected": True, "problem": ""}
    assert provider.revoked == ["token-for-abc"]
    assert not (office.folder / TOKENS / "sales.token").exists()


def test_a_crm_that_is_down_keeps_no_token_here(
    office: Any, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_browser(consent, monkeypatch)
    office("connect", "sales")
    office.configure('adapter = "loop"', 'adapter = "loop"\nlimits = { tries = 1 }')
    provider.is_down = True

    done = office("disconnect", "sales")

    assert done.code == 0
    assert "may still honour it" in done.err
    assert "token-for-abc" not in done.out + done.err
    assert not (office.folder / TOKENS / "sales.token").exists()


@pytest.mark.parametrize("content", ["", "no token"])
def test_a_token_that_nobody_can_read_is_wiped_as_well(office: Any, content: str) -> None:
    path = office.folder / TOKENS / "sales.token"
    path.parent.mkdir(parents=True)
    path.write_text(content)

    done = office("disconnect", "sales")

    assert done.code == 0
    assert not path.exists()


def test_the_page_takes_one_redirect_to_its_path_and_nothing_else() -> None:
    with RedirectPage(where="connections.sales") as page:
        elsewhere = _status(page.url.removesuffix(PATH) + "/favicon.ico")
        first, second = _status(f"{page.url}?code=1"), _status(f"{page.url}?code=2")
        answered = page.wait()

    assert (elsewhere, first, second) == (404, 200, 410)
    assert answered == {"code": "1"}


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url) as found:
            return int(found.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_port_that_is_taken_is_named(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    a_browser(consent, monkeypatch)
    with RedirectPage(where="connections.sales") as other:
        port = urlsplit(other.url).port
        office.configure('adapter = "loop"', f'adapter = "loop"\nauth.redirect_port = {port}')

        done = office("connect", "sales")

    assert done.code == 78
    assert f"redirect_port: expected a free port, got {port}" in done.err
