"""What doctor says of an account, and what it makes there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from crmbridge.adapters import Connection, NewField
from crmbridge.records import Finding
from crmbridge.testing.context import make_context
from crmbridge_hubspot.adapter import ADAPTER
from crmbridge_hubspot.sandbox import Mood, Sandbox

KEY = "crmbridge_visit_key"
Open = Callable[..., Connection]


@pytest.fixture
def opened(hub: Sandbox, tmp_path: Path) -> Open:
    """Opens a connection that reads these objects and may write these properties."""

    def open_one(
        objects: dict[str, tuple[str, ...]], own: tuple[str, ...] | None = None, **more: object
    ) -> Connection:
        auth = {"access_token": SecretStr("pat-sandbox"), **dict(more.pop("auth", {}))}  # type: ignore[call-overload]
        context = make_context(tmp_path, url=hub.url, auth=auth, **more)  # type: ignore[arg-type]
        return ADAPTER.open(ADAPTER.settings(), replace(context, objects=objects, own=own))

    return open_one


def codes(findings: object) -> list[str]:
    return [one.code for one in findings]  # type: ignore[attr-defined]


def key_field(object_: str = "meetings", **more: object) -> NewField:
    return NewField(object=object_, name=KEY, label="Key", type="text", unique=True, **more)  # type: ignore[arg-type]


def test_an_account_that_has_all_is_well(hub: Sandbox, opened: Open) -> None:
    """Nothing is said of it."""
    hub.account.define("meetings", KEY, hasUniqueValue=True)

    assert opened({"activities": ("meetings",), "reps": ("owners",)}).check() == []


def test_a_missing_key_is_made_with_its_group(hub: Sandbox, opened: Open) -> None:
    """Unique, in a group of ours, and once."""
    connection = opened({"activities": ("meetings",)})
    assert codes(connection.check()) == ["hubspot.no_key"]

    for _ in range(2):
        assert connection.provision([key_field(), key_field("tasks")]) == []

    for name in ("meetings", "tasks"):
        kind = hub.account.kind(name)
        assert kind.definitions[KEY]["hasUniqueValue"] is True
        assert kind.definitions[KEY]["groupName"] == "crmbridge"
        assert kind.groups["crmbridge"] == "crmbridge"
    assert connection.check() == []


@pytest.mark.parametrize(
    "own", [(), ("meetings",), ("tasks",), ("meetings", "tasks")], ids="+".join
)
def test_the_key_is_needed_where_records_of_ours_are_written(
    opened: Open, own: tuple[str, ...]
) -> None:
    """As meetings, as tasks, as both, or as none."""
    connection = opened({"activities": ("meetings", "tasks")}, own)

    assert [one.example for one in connection.check()] == [f"{name}.{KEY}" for name in own]


def test_a_key_without_unique_values_must_be_made_anew(hub: Sandbox, opened: Open) -> None:
    """HubSpot makes no property unique afterwards."""
    hub.account.define("meetings", KEY)

    (finding,) = opened({"activities": ("meetings",)}).check()

    assert "Archive the property" in finding.remedy


def test_the_ten_unique_properties_are_counted(hub: Sandbox, opened: Open) -> None:
    """An eleventh is refused: it is said before, and after."""
    for number in range(10):
        hub.account.define("meetings", f"theirs_{number}", hasUniqueValue=True)
    connection = opened({"activities": ("meetings",)})

    found = {one.code: one for one in connection.check()}
    (refused,) = connection.provision([key_field()])

    assert "10 properties" in found["hubspot.unique_limit"].example
    assert "theirs_0" in found["hubspot.unique_limit"].example
    assert refused.code == "hubspot.not_provisioned"
    assert "10 properties with unique values" in refused.remedy


def test_a_missing_scope_is_named_for_what_comes_whole_too(hub: Sandbox, opened: Open) -> None:
    """Owners, lists and campaigns have scopes of their own."""
    connection = opened({"reps": ("owners",), "campaigns": ("lists", "campaigns")})
    hub.moods.plan(Mood.SCOPES, "owners|lists|campaigns", times=3)

    findings = connection.check()

    assert codes(findings) == ["hubspot.missing_scope"] * 3


def test_what_a_subscription_lacks_is_told_from_a_scope(hub: Sandbox, opened: Open) -> None:
    """403 without scopes: a free account has no marketing campaigns."""
    hub.moods.plan(Mood.FORBIDDEN, "campaigns")

    (finding,) = opened({"campaigns": ("campaigns",)}).check()

    assert finding.code == "hubspot.not_in_subscription"
    assert "subscription" in finding.remedy
    assert "marketing.campaigns.read" in finding.remedy


def test_an_object_that_is_not_there_can_be_left_out(hub: Sandbox, opened: Open) -> None:
    """404 of an account without it."""
    hub._routes = []

    (finding,) = opened({"deals": ("deals",)}).check()

    assert finding.code == "hubspot.missing_object"


def test_an_enumeration_takes_known_values_only(hub: Sandbox, opened: Open) -> None:
    """Said before the first write is refused."""
    hub.account.define("companies", "tag", type="enumeration", options=[])
    hub.account.define("companies", "score", type="number")
    fields = {"companies": ("tag", "score", "missing")}

    findings: list[Finding] = list(
        opened({"customers": ("companies",)}, write_fields=fields).check()
    )

    assert codes(findings) == ["hubspot.closed_options"]
    assert "new_options" in findings[0].remedy


def test_the_ending_of_oauth_v1_is_told(hub: Sandbox, opened: Open) -> None:
    """With its day."""
    auth = {"token_url": "https://api.hubapi.com/oauth/v1/token"}

    findings = opened({"reps": ("owners",)}, auth=auth).check()

    assert codes(findings) == ["hubspot.oauth_v1_ends"]
    assert "2027-02-16" in findings[0].example


def test_a_property_stands_in_hubspots_group_where_ours_may_not_be_made(
    hub: Sandbox, opened: Open
) -> None:
    """Rather there than not at all."""
    hub.moods.plan(Mood.SCOPES, "groups")

    assert opened({}).provision([key_field()]) == []
    assert hub.account.kind("meetings").definitions[KEY]["groupName"] == "engagement"


def test_what_may_not_be_made_says_what_it_takes(hub: Sandbox, opened: Open) -> None:
    """The scope of schemas."""
    hub.moods.plan(Mood.SCOPES, "properties", times=9)
    field = NewField(object="companies", name="score", label="Score", type="number")

    (finding,) = opened({}).provision([field])

    assert "crm.schemas.companies.write" in finding.remedy


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("text", ("string", "text")), ("number", ("number", "number")),
        ("boolean", ("enumeration", "booleancheckbox")), ("date", ("date", "date")),
        ("instant", ("datetime", "date")), ("picklist", ("enumeration", "select")),
        ("multipicklist", ("enumeration", "checkbox")),
    ],
)  # fmt: skip
def test_every_kind_of_property_is_made(
    hub: Sandbox, opened: Open, type_: str, expected: tuple[str, str]
) -> None:
    """By HubSpot's names."""
    field = NewField(object="companies", name="mine", label="Mine", type=type_, picklist=("a", "b"))

    assert opened({}).provision([field]) == []
    made = hub.account.kind("companies").definitions["mine"]
    assert (made["type"], made["fieldType"]) == expected
