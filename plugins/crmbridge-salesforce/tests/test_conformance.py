"""The suite that every adapter passes, over the sandbox."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from crmbridge.testing.conformance import AdapterConformance, Subject
from crmbridge.testing.context import make_context
from crmbridge_salesforce import bulk
from crmbridge_salesforce.adapter import ADAPTER
from crmbridge_salesforce.sandbox import Mood, Sandbox, start

FIELD = "crmbridge_segment__c"
AUTH = {"client_id": "client", "client_secret": SecretStr("s3cret")}


def visit(number: int) -> dict[str, Any]:
    """A visit as the planner writes it."""
    return {
        "subject": f"Visit {number}",
        "start_at": "2026-03-04T09:00:00Z",
        "end_at": "2026-03-04T10:00:00Z",
        "busy": 1,
    }


def subject_of(sandbox: Sandbox, folder: Path, **settings: Any) -> Subject:
    context = make_context(folder, url=sandbox.url, auth=AUTH, write_fields={"Account": (FIELD,)})
    org, plan = sandbox.org, sandbox.moods.plan
    campaign = org.put("Campaign", {"Name": "Spring"})
    contact = org.put("Contact", {"LastName": "Miller"})
    return Subject(
        adapter=ADAPTER,
        truth=org,
        connect=lambda: ADAPTER.open(ADAPTER.settings(**settings), context),
        object="Account",
        field=FIELD,
        sample=lambda number: {"Name": f"Customer {number}", FIELD: f"Segment {number}"},
        created="Event",
        new=visit,
        members="CampaignMember",
        member=lambda number: {"campaign_id": campaign, "contact_id": contact, "status": "sent"},
        merge=partial(org.merge, "Account"),
        bad={FIELD: "x" * 256},
        faults={
            "busy": partial(plan, Mood.TOO_MANY, path="/query"),
            "broken": partial(plan, Mood.TRUNCATED, path="/query"),
            "expired": partial(plan, Mood.EXPIRED, path="/query"),
            "lost": partial(plan, Mood.LOST, method="PATCH"),
            "slow": sandbox.bulk.slow_down,
        },
    )


class TestByPages(AdapterConformance):
    """Windows read page by page."""

    @contextmanager
    def start(self, folder: Path) -> Iterator[Subject]:
        """An organisation whose pages have three rows."""
        with start() as sandbox:
            sandbox.org.page_size = 3
            yield subject_of(sandbox, folder)


class TestByBulk(AdapterConformance):
    """Windows read by bulk jobs."""

    @pytest.fixture(autouse=True)
    def small_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Three rows each, in pages of two."""
        monkeypatch.setattr(bulk, "PART_ROWS", 3)
        monkeypatch.setattr(bulk, "PAGE_ROWS", 2)

    @contextmanager
    def start(self, folder: Path) -> Iterator[Subject]:
        """Every window that has a record is read by a job."""
        with start() as sandbox:
            yield subject_of(sandbox, folder, bulk_from=1)
