"""Connecting an account, keeping its token alive, and letting it go."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from pydantic import SecretStr

from crmbridge.adapters import Context, Operation, ReadRequest, Status, WriteItem
from crmbridge.errors import CannotError, ConfigError, RetryLaterError, SignInError
from crmbridge.testing.context import make_context
from crmbridge_hubspot.adapter import ADAPTER
from crmbridge_hubspot.sandbox import Mood, Sandbox

APP = {"client_id": "me", "client_secret": SecretStr("s3cret")}
BACK = "http://127.0.0.1:7777/back"


@dataclass(slots=True)
class Scripted:
    """A person who says yes, and a browser that follows the page's answer."""

    text: str = "pat-sandbox"
    tampers: Mapping[str, str] = field(default_factory=dict)
    visited: list[str] = field(default_factory=list)
    redirect_uri: str = BACK

    def visit(self, url: str) -> Mapping[str, str]:
        self.visited.append(url)
        answer = requests.get(url, allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text
        location = answer.headers["Location"]
        assert location.startswith(BACK)
        return {**dict(parse_qsl(urlsplit(location).query)), **self.tampers}

    def show(self, text: str) -> None:
        raise AssertionError(text)

    def paste(self, label: str) -> str:
        assert "token" in label
        return self.text


def context_of(hub: Sandbox, folder: Path, auth: Mapping[str, Any]) -> Context:
    return make_context(folder, url=hub.url, auth=auth)


def signed_in(context: Context, way: str = "browser", person: Scripted | None = None) -> Scripted:
    """Do what the host does: sign in, and keep the token."""
    assert ADAPTER.sign_in is not None
    assert context.tokens is not None
    person = Scripted() if person is None else person
    token = ADAPTER.sign_in.connect(ADAPTER.settings(), context, person, way)
    context.tokens.put(context.connection, token)
    return person


def read(context: Context) -> int:
    connection = ADAPTER.open(ADAPTER.settings(archived=False), context)
    pages = connection.read(ReadRequest(object="contacts", fields=("firstname",)))
    return sum(len(page.rows) for page in pages)


@pytest.fixture(autouse=True)
def records(hub: Sandbox) -> None:
    hub.account.put("contacts", {"firstname": "Ann"})


def test_a_browser_signs_in_and_the_token_reads(hub: Sandbox, tmp_path: Path) -> None:
    """With a state and a challenge of its own, and nothing of the app's secret in the address."""
    context = context_of(hub, tmp_path, APP)

    person = signed_in(context)

    query = dict(parse_qsl(urlsplit(person.visited[0]).query))
    assert query["code_challenge_method"] == "S256"
    assert len(query["state"]) >= 32
    assert "crm.objects.contacts.read" in query["scope"].split()
    assert "crm.lists.read" in query["optional_scope"].split()
    assert "s3cret" not in person.visited[0]
    assert read(context) == 1
    assert context.tokens is not None
    token = context.tokens.get("sales")
    assert token is not None
    assert token.refresh
    assert token.extra["hub_id"] == str(hub.account.portal)


def test_two_sign_ins_differ(hub: Sandbox, tmp_path: Path) -> None:
    """In state and challenge: neither may be used twice."""
    context = context_of(hub, tmp_path, APP)
    person = Scripted()

    for _ in range(2):
        signed_in(context, person=person)

    first, second = (dict(parse_qsl(urlsplit(one).query)) for one in person.visited)
    assert first["state"] != second["state"]
    assert first["code_challenge"] != second["code_challenge"]


@pytest.mark.parametrize(
    "tampers", [{"state": "another"}, {"code": "code-of-another"}, {"code": ""}, {"error": "no"}]
)
def test_an_answer_that_is_not_ours_is_refused(
    hub: Sandbox, tmp_path: Path, tampers: Mapping[str, str]
) -> None:
    """Somebody else's code, or none."""
    with pytest.raises(SignInError, match="crmbridge connect sales"):
        signed_in(context_of(hub, tmp_path, APP), person=Scripted(tampers=tampers))


def test_a_person_who_declines_is_told(hub: Sandbox, tmp_path: Path) -> None:
    """The page sends the browser back with an error."""
    hub.tokens.denies = True

    with pytest.raises(SignInError, match="access_denied"):
        signed_in(context_of(hub, tmp_path, APP))


def test_a_code_is_worth_nothing_without_its_proof(hub: Sandbox) -> None:
    """The sandbox holds to RFC 7636: who overheard the code cannot trade it."""
    query = {"client_id": "me", "redirect_uri": BACK, "scope": "oauth", "code_challenge": "x"}
    page = requests.get(f"{hub.url}/oauth/authorize", query, allow_redirects=False, timeout=5)
    code = dict(parse_qsl(urlsplit(page.headers["Location"]).query))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK,
            "client_id": "me", "client_secret": "s", "code_verifier": "guessed"}  # fmt: skip

    answer = requests.post(f"{hub.url}/oauth/2026-03/token", form, timeout=5)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_wrong_secret_asks_for_the_apps(hub: Sandbox, tmp_path: Path) -> None:
    """Told by code; the secret is in no message."""
    hub.tokens.secret = "another"

    with pytest.raises(SignInError, match="invalid_client") as caught:
        signed_in(context_of(hub, tmp_path, APP))

    assert "s3cret" not in str(caught.value)


def test_a_browser_needs_an_app(hub: Sandbox, tmp_path: Path) -> None:
    """Where there is none, a token can be pasted."""
    with pytest.raises(ConfigError, match="--way paste"):
        signed_in(context_of(hub, tmp_path, {}))


def test_scopes_of_the_settings_are_asked_for_and_no_others(hub: Sandbox, tmp_path: Path) -> None:
    """HubSpot refuses scopes that the app does not have."""
    person = signed_in(context_of(hub, tmp_path, {**APP, "scopes": ("oauth", "tickets")}))

    query = dict(parse_qsl(urlsplit(person.visited[0]).query))
    assert query["scope"] == "oauth tickets"
    assert "optional_scope" not in query


def test_hubspots_own_page_is_at_another_host(tmp_path: Path) -> None:
    """Its interface signs nobody in."""
    from crmbridge_hubspot.browser import page_of

    context = make_context(tmp_path, url="https://api.hubapi.com", auth=APP)
    named = make_context(
        tmp_path,
        url="https://api.hubapi.com",
        auth={**APP, "authorize_url": "https://app-eu1.hubspot.com/oauth/authorize"},
    )

    assert page_of(context, BACK, "s", "v").startswith("https://app.hubspot.com/oauth/authorize?")
    assert page_of(named, BACK, "s", "v").startswith("https://app-eu1.hubspot.com/oauth/authorize?")


def test_a_pasted_token_reads(hub: Sandbox, tmp_path: Path) -> None:
    """Of a private app; no setting names it."""
    context = context_of(hub, tmp_path, {})

    signed_in(context, "paste", Scripted(text=" pat-sandbox\n"))

    assert read(context) == 1


@pytest.mark.parametrize("text", ["", "two words", "pät"])
def test_what_is_no_token_is_not_kept(hub: Sandbox, tmp_path: Path, text: str) -> None:
    """A page's text, or nothing."""
    with pytest.raises(SignInError, match="one token"):
        signed_in(context_of(hub, tmp_path, {}), "paste", Scripted(text=text))


def test_a_pasted_token_that_was_rotated_asks_for_another(hub: Sandbox, tmp_path: Path) -> None:
    """Nothing can refresh it."""
    context = context_of(hub, tmp_path, {})
    signed_in(context, "paste")
    hub.tokens.private.clear()

    with pytest.raises(SignInError, match="crmbridge connect sales"):
        read(context)


def test_a_refresh_token_that_rotates_is_followed(hub: Sandbox, tmp_path: Path) -> None:
    """Each is good once; the next run has its successor."""
    hub.tokens.rotates = True
    context = context_of(hub, tmp_path, APP)
    signed_in(context)

    for _ in range(3):
        hub.tokens.expire_all()
        assert read(context_of(hub, tmp_path, APP)) == 1

    assert len(hub.tokens.spent) == len(set(hub.tokens.spent)) == 3


def test_threads_that_meet_one_expiry_refresh_once(hub: Sandbox, tmp_path: Path) -> None:
    """A second use of the same refresh token would end the sign-in."""
    hub.tokens.rotates = True
    signed_in(context_of(hub, tmp_path, APP))
    hub.tokens.expire_all()
    start = threading.Barrier(4)

    def one(_: int) -> int:
        start.wait()
        return read(context_of(hub, tmp_path, APP))

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(one, range(4)))

    assert found == [1] * 4
    assert len(hub.tokens.spent) == 1


def test_the_request_that_met_an_expiry_is_replayed_as_it_was(hub: Sandbox, tmp_path: Path) -> None:
    """A write's body and headers are the same, but for the token."""
    contact = hub.account.put("contacts", {"jobtitle": "Old"})
    context = context_of(hub, tmp_path, APP)
    signed_in(context)
    hub.moods.plan(Mood.EXPIRED, "batch/update")
    item = WriteItem(
        item="i", operation=Operation.UPDATE, object="contacts", id=contact,
        values={"jobtitle": "New"},
    )  # fmt: skip

    outcome = ADAPTER.open(ADAPTER.settings(), context).write([item])[0]

    sent = [one for one in hub.log if one.path.endswith("batch/update")]
    assert outcome.status is Status.APPLIED
    assert len(sent) == 2
    assert sent[0].body == sent[1].body
    assert _without_token(sent[0].headers) == _without_token(sent[1].headers)
    assert sent[0].headers["Authorization"] != sent[1].headers["Authorization"]


def _without_token(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in headers.items() if name != "Authorization"}


def test_a_second_refusal_stops(hub: Sandbox, tmp_path: Path) -> None:
    """One refresh, one replay, and then what to do."""
    context = context_of(hub, tmp_path, APP)
    signed_in(context)
    hub.moods.plan(Mood.EXPIRED, "objects/contacts", times=9)
    before = len(hub.log)

    with pytest.raises(SignInError, match="crmbridge connect sales"):
        read(context)

    asked = [one.path for one in hub.log[before:]]
    assert asked == ["/crm/v3/objects/contacts", "/oauth/2026-03/token", "/crm/v3/objects/contacts"]


def test_letting_go_ends_the_refresh_token(hub: Sandbox, tmp_path: Path) -> None:
    """What was kept is worth nothing any more."""
    context = context_of(hub, tmp_path, APP)
    signed_in(context)
    token = _kept(context)
    assert ADAPTER.sign_in is not None

    ADAPTER.sign_in.disconnect(ADAPTER.settings(), context, token)

    hub.tokens.expire_all()
    with pytest.raises(SignInError):
        read(context)
    assert hub.tokens.refresh == ""
    assert "refresh" not in hub.log[-1].path


def _kept(context: Context) -> Any:
    assert context.tokens is not None
    return context.tokens.get(context.connection)


def test_a_private_apps_token_ends_in_hubspot_alone(hub: Sandbox, tmp_path: Path) -> None:
    """Said, with where."""
    context = context_of(hub, tmp_path, {})
    signed_in(context, "paste")
    assert ADAPTER.sign_in is not None

    with pytest.raises(CannotError, match="Private apps"):
        ADAPTER.sign_in.disconnect(ADAPTER.settings(), context, _kept(context))


@pytest.mark.parametrize("mood", [Mood.HTML, Mood.RESET, Mood.BROKEN, Mood.BUSY])
def test_an_outage_is_no_refusal(hub: Sandbox, tmp_path: Path, mood: Mood) -> None:
    """A token endpoint that cannot be reached now sends nobody to the browser."""
    context = context_of(hub, tmp_path, APP)
    signed_in(context)
    hub.tokens.expire_all()
    hub.moods.plan(mood, "oauth/", times=99)

    with pytest.raises(RetryLaterError):
        read(context)
