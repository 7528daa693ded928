"""The sandbox as people start it, and that it shares nothing with the adapter."""

import ast
from pathlib import Path

import pytest
import requests

import crmbridge_hubspot.sandbox
from crmbridge_hubspot.adapter import ADAPTER
from crmbridge_hubspot.sandbox import Mood, Sandbox, sandbox

HEADERS = {"Authorization": "Bearer pat-sandbox"}
SOURCES = sorted(Path(crmbridge_hubspot.sandbox.__file__).parent.glob("*.py"))


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    nodes = [one for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)]
    return {one.module or "" for one in nodes if (one.module or "").startswith("crmbridge")}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_the_sandbox_shares_nothing_with_the_adapter(path: Path) -> None:
    """What both took from one place, no test could find wrong."""
    allowed = ("crmbridge_hubspot.sandbox", "crmbridge.testing.demo_data")

    assert all(name.startswith(allowed) for name in imports(path))


def test_an_empty_sandbox_has_an_address() -> None:
    """It answers from there until the block ends."""
    with sandbox() as hub:
        found = requests.get(f"{hub.url}/crm/v3/objects/contacts", headers=HEADERS, timeout=5)

    assert found.json()["results"] == []


def test_the_adapter_starts_its_sandbox_with_the_demos_company() -> None:
    """With settings that reach it, and the secrets that they refer to."""
    assert ADAPTER.sandbox is not None

    with ADAPTER.sandbox(0) as running:
        url = f"{running.url}/crm/v3/objects/meetings/search"
        found = requests.post(url, json={"limit": 1}, headers=HEADERS, timeout=20).json()

    assert found["total"] > 10_000
    assert running.url in running.settings
    assert all(name in running.settings for name in running.secrets)


def test_the_demos_company_is_there() -> None:
    """With its owners and lists, the day before the demo plays."""
    with sandbox(demo=True) as hub:
        assert len(hub.account.owners) == 12
        assert len(hub.account.lists) == 3
        assert f"{hub.account.clock.now():%Y-%m-%d}" == "2026-11-02"


def test_an_unknown_address_is_not_found(hub: Sandbox) -> None:
    """The sandbox answers what HubSpot would, not whatever is asked."""
    found = requests.get(f"{hub.url}/crm/v3/butterflies", headers=HEADERS, timeout=5)

    assert found.status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"limit": 100, "after": "9950"},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [{"propertyName": "no", "operator": "EQ", "value": "1"}]}]},
        {"properties": ["x" * 3_000]},
    ],
)
def test_searches_have_their_limits(hub: Sandbox, body: dict[str, object]) -> None:
    """An adapter that oversteps them learns it here."""
    url = f"{hub.url}/crm/v3/objects/contacts/search"

    assert requests.post(url, json=body, headers=HEADERS, timeout=5).status_code == 400


def test_moods_pass(hub: Sandbox) -> None:
    """Each as often as it was planned, and as HubSpot words it."""
    hub.moods.plan(Mood.DAILY)
    url = f"{hub.url}/crm/v3/objects/contacts"

    first, second = (requests.get(url, headers=HEADERS, timeout=5) for _ in range(2))

    assert (first.status_code, second.status_code) == (429, 200)
    assert first.json()["policyName"] == "DAILY"
    assert first.json()["errorType"] == "RATE_LIMIT"
