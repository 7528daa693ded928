"""simple-salesforce over our HTTP client: its requests obey our rules."""

from pathlib import Path
from typing import Any

import pytest
from simple_salesforce.exceptions import SalesforceResourceNotFound

from crmbridge.errors import ConfigError, QuotaError, RecordError, SignInError, UnknownOutcomeError
from crmbridge_salesforce.client import Client
from crmbridge_salesforce.community import community_client
from crmbridge_salesforce.sandbox import Mood, Sandbox

KEY = "crmbridge_key__c"
ELSEWHERE = [
    "https://example.net/services/data/v62.0/limits",
    "https://user@example.net/",
    "http://127.0.0.1:1/services/data",
    "https:///no-host",
]


def client_of(open_: Any) -> Client:
    client = open_()._client
    assert isinstance(client, Client)
    return client


def community_of(open_: Any) -> Any:
    return client_of(open_).community


def test_it_works_as_it_does_by_itself(sandbox: Sandbox, open_: Any) -> None:
    theirs = community_of(open_)

    id_ = theirs.Account.create({"Name": "Acme"})["id"]
    theirs.Account.update(id_, {"Name": "Acme Ltd"})
    found = theirs.query("SELECT Name FROM Account WHERE Name = 'Acme Ltd'")

    assert [one["Name"] for one in found["records"]] == ["Acme Ltd"]
    assert theirs.limits()["DailyApiRequests"]["Max"] == 100_000


@pytest.mark.parametrize("url", ELSEWHERE)
def test_it_cannot_reach_another_host(sandbox: Sandbox, open_: Any, url: str) -> None:
    theirs = community_of(open_)
    before = len(sandbox.log)

    with pytest.raises((ConfigError, ValueError)):
        theirs._call_salesforce("GET", url)
    assert len(sandbox.log) == before


def test_a_401_is_signed_anew_and_replayed_with_the_same_headers_and_body(
    sandbox: Sandbox, open_: Any
) -> None:
    theirs = community_of(open_)
    sandbox.moods.plan(Mood.EXPIRED, path="/sobjects/Account")
    sandbox.received.clear()

    theirs.Account.create({"Name": "Acme"}, headers={"Sforce-Duplicate-Rule-Header": "allowSave"})

    first, second = (one for one in sandbox.received if one.path.endswith("/Account/"))
    signed = "Authorization"
    assert first.body == second.body
    assert {n: v for n, v in first.headers.items() if n != signed} == {
        n: v for n, v in second.headers.items() if n != signed
    }
    assert first.headers[signed] != second.headers[signed]
    assert second.headers["Sforce-Duplicate-Rule-Header"] == "allowSave"
    assert len(sandbox.org.held("Account")) == 1


def test_a_second_401_asks_for_a_person(sandbox: Sandbox, open_: Any) -> None:
    theirs = community_of(open_)
    sandbox.moods.plan(Mood.EXPIRED, times=2)

    with pytest.raises(SignInError, match="connect"):
        theirs.limits()


@pytest.mark.parametrize("mood", [Mood.BUSY, Mood.TOO_MANY, Mood.HTML, Mood.TRUNCATED])
def test_a_read_is_tried_again(sandbox: Sandbox, open_: Any, mood: Mood) -> None:
    theirs = community_of(open_)
    sandbox.moods.plan(mood)

    assert "DailyApiRequests" in theirs.limits()


def test_a_write_whose_answer_was_lost_is_not_repeated(sandbox: Sandbox, open_: Any) -> None:
    theirs = community_of(open_)
    sandbox.moods.plan(Mood.LOST)

    with pytest.raises(UnknownOutcomeError):
        theirs.Account.create({"Name": "Acme"})
    assert len(sandbox.org.held("Account")) == 1


def test_the_quota_is_the_connections_own(sandbox: Sandbox, open_: Any) -> None:
    theirs = community_of(open_)
    sandbox.moods.plan(Mood.LIMIT)

    with pytest.raises(QuotaError):
        theirs.limits()


def test_what_is_not_there_is_told_in_its_own_way(open_: Any) -> None:
    theirs = community_of(open_)

    with pytest.raises(SalesforceResourceNotFound):
        theirs.Account.get("001000000000001AAA")


def test_a_key_of_two_records_is_refused_in_ours(sandbox: Sandbox, open_: Any) -> None:
    theirs = community_of(open_)
    for _ in range(2):
        sandbox.org.put("Event", {KEY: "k"})

    with pytest.raises(RecordError):
        theirs.Event.upsert(f"{KEY}/k", {"Subject": "Visit"})


def test_no_password_of_this_machine_is_sent(
    sandbox: Sandbox, open_: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login me password hunter2\n", "utf-8")
    monkeypatch.setenv("NETRC", str(file))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    client = client_of(open_)

    community_client(client.http, "62.0").limits()

    assert sandbox.received[-1].headers["Authorization"].startswith("Bearer 00D!")


def test_a_name_that_is_none_is_described_nowhere(sandbox: Sandbox, open_: Any) -> None:
    client = client_of(open_)

    with pytest.raises(ConfigError):
        client.describe("../limits")
    assert sandbox.log == []
