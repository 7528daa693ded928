"""The suite that every adapter passes, over the sandbox."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from crmbridge.testing.conformance import AdapterConformance, Subject
from crmbridge.testing.context import make_context
from crmbridge_hubspot import client, read
from crmbridge_hubspot.adapter import ADAPTER
from crmbridge_hubspot.sandbox import Account, Mood, Sandbox

OAUTH = {
    "client_id": "me",
    "client_secret": SecretStr("s3cret"),
    "refresh_token": SecretStr("refresh-sandbox"),
}


def _visit(number: int) -> Mapping[str, Any]:
    start = f"2026-03-{number + 2:02d}T09:00:00Z"
    return {"subject": f"Visit {number}", "start_at": start, "status": "planned", "kind": "visit"}


def _contact(number: int) -> Mapping[str, Any]:
    return {"firstname": f"Number {number}", "jobtitle": f"Job {number}"}


def _member(account: Account, list_id: str, number: int) -> Mapping[str, Any]:
    """The same person each time it is asked for."""
    id_ = f"9{number}"
    if id_ not in account.kind("contacts").entries:
        account.put("contacts", _contact(number), id_)
    return {"campaign_id": list_id, "contact_id": id_}


class TestHubspot(AdapterConformance):
    """Contacts are read and changed, meetings created, lists filled."""

    @pytest.fixture(autouse=True)
    def small_pages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Three records each, so that a few are several pages."""
        monkeypatch.setattr(client, "PAGE", 3)
        monkeypatch.setattr(read, "GATHERED", 3)

    @contextmanager
    def start(self, folder: Path) -> Iterator[Subject]:
        """An empty account, signed in to by OAuth."""
        with Sandbox() as hub:
            account = hub.account
            account.define("meetings", "crmbridge_visit_key", hasUniqueValue=True)
            account.define("contacts", "campaign_status")
            list_id = account.add_list("Ours")
            settings = ADAPTER.settings(search_page=3, member_status="campaign_status")
            context = make_context(folder, url=hub.url, auth=OAUTH)
            yield Subject(
                adapter=ADAPTER,
                truth=account,
                connect=lambda: ADAPTER.open(settings, context),
                object="contacts",
                field="jobtitle",
                sample=_contact,
                created="meetings",
                new=_visit,
                members="list_memberships",
                member=partial(_member, account, list_id),
                merge=partial(account.merge, "contacts"),
                bad={"annualrevenue": "a lot"},
                faults={mood: partial(hub.moods.plan, mood) for mood in _FAULTS},
            )


_FAULTS = [Mood.BUSY.value, Mood.BROKEN.value, Mood.LOST.value, Mood.EXPIRED.value]
