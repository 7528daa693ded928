"""hubspot-api-client as the adapter uses it: over the host's client, and nowhere else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from crmbridge.adapters.http import Effect
from crmbridge.errors import CannotError, ConfigError, QuotaError, RetryLaterError, SignInError
from crmbridge.testing.context import RecordingLog, make_context
from crmbridge_hubspot.auth import sign
from crmbridge_hubspot.dialect import DIALECT
from crmbridge_hubspot.sandbox import Mood, Sandbox
from crmbridge_hubspot.vendor import TurnedDownError, Vendor, effect_of

Open = Callable[..., Vendor]
OAUTH = {
    "client_id": "me",
    "client_secret": SecretStr("s3cret"),
    "refresh_token": SecretStr("refresh-sandbox"),
}


@pytest.fixture
def vendor(hub: Sandbox, tmp_path: Path) -> Vendor:
    """Signed in by OAuth."""
    context = make_context(tmp_path, url=hub.url, auth=OAUTH)
    return Vendor(context.need_http().at(context.url, sign(context), DIALECT))


def properties(vendor: Vendor) -> list[str]:
    core = vendor.client.crm.properties.core_api
    return [one["name"] for one in vendor.ask(core.get_all, "contacts")["results"]]


def test_a_typed_call_gives_a_plain_document(hub: Sandbox, vendor: Vendor) -> None:
    """As HubSpot writes it, names and all."""
    core = vendor.client.crm.properties.core_api

    found = vendor.ask(core.get_by_name, "contacts", "email")

    assert (found["name"], found["hasUniqueValue"]) == ("email", True)
    assert found["modificationMetadata"]["readOnlyValue"] is False


def test_an_expiry_in_the_middle_is_signed_and_sent_again(hub: Sandbox, vendor: Vendor) -> None:
    """With the same body; the vendor's own client would have given up."""
    body = {"name": "mine", "label": "Mine", "type": "string", "fieldType": "text",
            "groupName": "contactinformation"}  # fmt: skip
    properties(vendor)
    hub.moods.plan(Mood.EXPIRED, "properties/contacts")

    made = vendor.ask(vendor.client.crm.properties.core_api.create, "contacts", body)

    sent = [one for one in hub.log if one.method == "POST" and "properties" in one.path]
    assert made["name"] == "mine"
    assert len(sent) == 2
    assert sent[0].body == sent[1].body
    assert sent[0].headers["Authorization"] != sent[1].headers["Authorization"]


def test_a_second_refusal_stops(hub: Sandbox, vendor: Vendor) -> None:
    """With what to run."""
    hub.moods.plan(Mood.EXPIRED, "properties/", times=9)

    with pytest.raises(SignInError, match="crmbridge connect sales"):
        properties(vendor)


@pytest.mark.parametrize("mood", [Mood.BUSY, Mood.HTML, Mood.HTML_200, Mood.BROKEN, Mood.RESET])
def test_what_passes_is_tried_again(hub: Sandbox, vendor: Vendor, mood: Mood) -> None:
    """By the host's patience; the vendor's transport retries nothing."""
    hub.moods.plan(mood, times=2)

    assert "email" in properties(vendor)


def test_the_days_limit_is_told(hub: Sandbox, vendor: Vendor) -> None:
    """At once."""
    hub.moods.plan(Mood.DAILY)

    with pytest.raises(QuotaError):
        properties(vendor)


def test_a_foreign_host_is_out_of_reach(hub: Sandbox, vendor: Vendor) -> None:
    """Whatever its configuration says, and for raw calls, too."""
    core = vendor.client.crm.properties.core_api
    core.api_client.configuration.host = "https://evil.example"

    with pytest.raises(ConfigError, match=r"evil\.example"):
        vendor.ask(core.get_all, "contacts")
    with pytest.raises(CannotError):
        vendor.client.api_request({"path": "/crm/v3/owners"})
    assert hub.log == []


def test_a_refusal_comes_with_its_answer(hub: Sandbox, vendor: Vendor) -> None:
    """For the caller to judge."""
    with pytest.raises(TurnedDownError) as caught:
        vendor.ask(vendor.client.crm.properties.core_api.get_by_name, "contacts", "no_such")

    assert caught.value.response.status == 404


def test_an_answer_of_another_shape_is_no_crash(vendor: Vendor) -> None:
    """The vendor's code stumbles over it; we say so."""

    def call() -> None:
        raise AttributeError("'list' object has no attribute 'get'")

    with pytest.raises(RetryLaterError, match="documented shape"):
        vendor.ask(call)


def test_the_vendor_holds_no_token_and_logs_none(hub: Sandbox, tmp_path: Path) -> None:
    """Signing is the host's; its log has a request's id and no address or body."""
    context = make_context(tmp_path, url=hub.url, auth=OAUTH)
    vendor = Vendor(context.need_http().at(context.url, sign(context), DIALECT))

    properties(vendor)

    core = vendor.client.crm.properties.core_api
    assert core.api_client.configuration.access_token is None
    assert "User-Agent" in core.api_client.default_headers
    log: Any = context.log
    assert isinstance(log, RecordingLog)
    assert "oauth-" not in str(log.said)


@pytest.mark.parametrize(
    ("method", "path", "effect"),
    [
        ("GET", "/crm/v3/owners?limit=1", Effect.READ),
        ("POST", "/crm/v3/lists/search", Effect.READ),
        ("POST", "/crm/v3/lists/", Effect.ONCE),
        ("POST", "/crm/v3/properties/contacts", Effect.KEYED),
        ("PATCH", "/crm/v3/properties/contacts/x", Effect.KEYED),
    ],
)
def test_only_what_doubles_nothing_is_sent_twice(method: str, path: str, effect: Effect) -> None:
    """A list that is created again would be a second one, or an error."""
    assert effect_of(method, path) is effect
