"""The error catalogue: what each refusal of HubSpot makes the host do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from crmbridge.adapters import Connection, NewField, ReadRequest
from crmbridge.errors import ConfigError, CrmbridgeError, QuotaError, RetryLaterError, SignInError
from crmbridge.testing.context import make_context
from crmbridge_hubspot.adapter import ADAPTER
from crmbridge_hubspot.sandbox import Mood, Sandbox

Connect = Callable[..., Connection]
OAUTH = {
    "client_id": "me",
    "client_secret": SecretStr("s3cret"),
    "refresh_token": SecretStr("refresh-sandbox"),
}


@pytest.fixture(autouse=True)
def records(hub: Sandbox) -> None:
    for number in range(3):
        hub.account.put("contacts", {"firstname": f"N{number}"})


def by_oauth(hub: Sandbox, folder: Path, **auth: Any) -> Connection:
    context = make_context(folder, url=hub.url, auth={**OAUTH, **auth})
    return ADAPTER.open(ADAPTER.settings(), context)


def read(connection: Connection) -> int:
    pages = connection.read(ReadRequest(object="contacts", fields=("firstname",)))
    return sum(len(page.rows) for page in pages)


@pytest.mark.parametrize(
    "mood",
    [Mood.BUSY, Mood.SECONDLY, Mood.LOCKED, Mood.HTML, Mood.HTML_200, Mood.BROKEN, Mood.RESET],
)
def test_what_passes_is_tried_again(hub: Sandbox, connect: Connect, mood: Mood) -> None:
    """Twice in a row, and every record once."""
    hub.moods.plan(mood, times=2)

    assert read(connect()) == 3


@pytest.mark.parametrize("mood", [Mood.BUSY, Mood.HTML, Mood.BROKEN, Mood.HTML_200])
def test_what_does_not_pass_ends(hub: Sandbox, connect: Connect, mood: Mood) -> None:
    """With what to do, and never with no records."""
    hub.moods.plan(mood, times=100)

    with pytest.raises(RetryLaterError):
        read(connect())

    assert len(hub.log) <= 6


@pytest.mark.parametrize("mood", [Mood.DAILY, Mood.MIGRATING])
def test_a_long_wait_is_told_at_once(hub: Sandbox, connect: Connect, mood: Mood) -> None:
    """The limit of the day, and an account that moves to another data centre."""
    hub.moods.plan(mood, times=100)

    with pytest.raises(QuotaError):
        read(connect())

    assert len(hub.log) == 1


def test_a_missing_scope_is_named(hub: Sandbox, connect: Connect) -> None:
    """Without it every try would fail."""
    hub.moods.plan(Mood.SCOPES, times=100)

    with pytest.raises(ConfigError, match=r"crm\.objects\.contacts\.read"):
        read(connect())


def test_an_expired_token_is_renewed_in_the_middle(hub: Sandbox, tmp_path: Path) -> None:
    """The same request is sent again with the new token; the others go on."""
    connection = by_oauth(hub, tmp_path)
    hub.moods.plan(Mood.EXPIRED, after=1)

    assert read(connection) == 3
    assert len([one for one in hub.log if "oauth" in one.path]) == 2


def test_a_token_is_renewed_before_it_ends(hub: Sandbox, tmp_path: Path) -> None:
    """Nothing is refused: its end was told with it."""
    hub.tokens.seconds = 60  # within the time that a request may take

    assert read(by_oauth(hub, tmp_path)) == 3
    assert read(by_oauth(hub, tmp_path)) == 3
    assert {one.headers.get("Authorization") for one in hub.log if "crm/" in one.path} != {None}


def test_a_bad_refresh_token_asks_to_sign_in(hub: Sandbox, tmp_path: Path) -> None:
    """Once, and with what to run."""
    connection = by_oauth(hub, tmp_path, refresh_token=SecretStr("stale-refresh"))

    with pytest.raises(SignInError, match="crmbridge connect sales") as caught:
        read(connection)

    assert "stale-refresh" not in str(caught.value)
    assert len(hub.log) == 1


def test_a_private_token_that_is_refused_ends(hub: Sandbox, connect: Connect) -> None:
    """Nothing can renew it."""
    hub.tokens.private.clear()

    with pytest.raises(SignInError):
        read(connect())

    assert len(hub.log) == 1


def test_without_a_token_the_message_says_how_to_get_one(hub: Sandbox, tmp_path: Path) -> None:
    """Nothing is sent."""
    context = make_context(tmp_path, url=hub.url)

    with pytest.raises(SignInError, match="crmbridge connect sales"):
        read(ADAPTER.open(ADAPTER.settings(), context))


@pytest.mark.parametrize("mood", list(Mood))
def test_no_error_tells_a_token(hub: Sandbox, connect: Connect, mood: Mood) -> None:
    """Errors end up in logs and mails."""
    hub.moods.plan(mood, times=100)

    told = ""
    try:
        read(connect())
    except CrmbridgeError as error:
        told = str(error)

    assert "pat-sandbox" not in told
    assert "N1" not in told


def test_check_is_content_with_a_whole_account(hub: Sandbox, connect: Connect) -> None:
    """Nothing to say."""
    hub.account.define("meetings", "crmbridge_visit_key", hasUniqueValue=True)

    assert list(connect().check()) == []


def test_check_names_scopes_and_the_missing_key(hub: Sandbox, connect: Connect) -> None:
    """Each with its remedy."""
    hub.moods.plan(Mood.SCOPES, "objects/deals$")

    findings = {finding.code: finding for finding in connect().check()}

    assert set(findings) == {"hubspot.missing_scope", "hubspot.no_key"}
    assert "crm.objects.contacts.read" in findings["hubspot.missing_scope"].remedy
    assert "doctor --fix" in findings["hubspot.no_key"].remedy


def test_missing_properties_are_made(hub: Sandbox, connect: Connect) -> None:
    """Again is harmless; the key's values are unique."""
    fields = [
        NewField(object="meetings", name="crmbridge_visit_key", label="Key", type="text",
                 unique=True),
        NewField(object="companies", name="segment_tag", label="Segment", type="picklist",
                 picklist=("growing", "lapsed")),
        NewField(object="companies", name="visit_score", label="Score", type="number"),
        NewField(object="companies", name="reasons", label="Reasons", type="text", length=2000),
    ]  # fmt: skip
    connection = connect()

    assert [*connection.provision(fields), *connection.provision(fields)] == []

    made = hub.account.kind("companies").definitions
    assert hub.account.kind("meetings").definitions["crmbridge_visit_key"]["hasUniqueValue"]
    assert [one["value"] for one in made["segment_tag"]["options"]] == ["growing", "lapsed"]
    assert made["visit_score"]["type"] == "number"
    assert made["reasons"]["fieldType"] == "textarea"


def test_a_property_that_cannot_be_made_is_told(hub: Sandbox, connect: Connect) -> None:
    """With the scope that is missing."""
    field = NewField(object="companies", name="Bad Name", label="Bad", type="text")

    findings = list(connect().provision([field]))

    assert [one.code for one in findings] == ["hubspot.not_provisioned"]


def test_a_property_that_vanished_is_no_longer_described(hub: Sandbox, connect: Connect) -> None:
    """So that `doctor` can say so, and reading goes on."""
    connection = connect()
    hub.account.vanish("contacts", "firstname")

    described = {one.name: {field.name for field in one.fields} for one in connection.describe()}

    assert "firstname" not in described["contacts"]
    assert read(connection) == 3


def test_the_days_calls_are_told(hub: Sandbox, connect: Connect) -> None:
    """From the headers of an answer, which only private apps get."""
    quota = connect().quota()

    assert (quota.allowed, quota.used > 0) == (250_000, True)
