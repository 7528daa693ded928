"""The sandbox, judged by a client that somebody else wrote; so no mistake is ours alone."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

from crmbridge.adapters import NewField, Operation, ReadRequest, Window, WriteItem
from crmbridge.testing.context import make_context
from crmbridge_salesforce.adapter import ADAPTER
from crmbridge_salesforce.sandbox import Sandbox

KEY = "crmbridge_key__c"
VISIT = {"StartDateTime": "2026-03-04T09:00:00Z", "EndDateTime": "2026-03-04T10:00:00Z"}


class PlainHttp(HTTPAdapter):
    """simple-salesforce puts https before every instance; the sandbox speaks http.

    Args:
        url: where everything goes, whatever host is named; "" to keep it.
    """

    def __init__(self, url: str = "") -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> Any:
        """Send it in the clear, to this machine."""
        parts = urlsplit(request.url or "")
        host = self._url.removeprefix("http://") or parts.netloc
        request.url = parts._replace(scheme="http", netloc=host).geturl()
        return super().send(request, *args, **more)


def client_of(url: str, session_id: str = "sandbox-session") -> Salesforce:
    """A client of the sandbox at an address."""
    host = url.removeprefix("http://")
    session = requests.Session()
    session.mount(f"https://{host}", PlainHttp())
    return Salesforce(instance=host, session_id=session_id, session=session, version="62.0")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their bulk jobs wait five seconds before they look."""
    monkeypatch.setattr("simple_salesforce.bulk2.sleep", lambda seconds: None)


@pytest.fixture
def client(sandbox: Sandbox) -> Salesforce:
    return client_of(sandbox.url)


def test_a_record_is_created_read_changed_and_deleted(client: Salesforce) -> None:
    id_ = client.Account.create({"Name": "Acme"})["id"]
    client.Account.update(id_, {"Name": "Acme Ltd"})

    assert client.Account.get(id_)["Name"] == "Acme Ltd"
    assert client.Account.delete(id_) == 204
    with pytest.raises(SalesforceResourceNotFound):
        client.Account.get(id_)


def test_pages_of_a_query_are_followed(sandbox: Sandbox, client: Salesforce) -> None:
    sandbox.org.page_size = 2
    for number in range(5):
        client.Account.create({"Name": f"Customer {number}"})

    found = client.query_all("SELECT Id, Name FROM Account WHERE Name LIKE 'Cust%' ORDER BY Name")

    assert [one["Name"] for one in found["records"]] == [f"Customer {n}" for n in range(5)]
    assert found["totalSize"] == 5


def test_a_query_finds_deleted_records_only_when_all_are_wanted(client: Salesforce) -> None:
    client.Account.delete(client.Account.create({"Name": "Gone"})["id"])
    text = "SELECT Id, IsDeleted FROM Account WHERE Name = 'Gone'"

    assert client.query(text)["totalSize"] == 0
    assert client.query(text, include_deleted=True)["records"][0]["IsDeleted"] is True


@pytest.mark.parametrize(
    "text",
    [
        "SELECT Nonsense FROM Account",
        "SELECT Id FROM Nonsense",
        "SELECT Id FROM Account WHERE CreatedDate > '2026-03-02T00:00:00Z'",
        "SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'",
        "SELECT Id FROM Account WHERE Id IN ()",
        "SELECT Id FROM Account GROUP BY Name",
        "SELECT Id FROM Account WHERE Description = 'long text'",
        "",
    ],
)
def test_what_is_no_query_is_refused(client: Salesforce, text: str) -> None:
    with pytest.raises(SalesforceMalformedRequest):
        client.query(text)


def test_a_record_is_created_once_under_a_key(client: Salesforce) -> None:
    first = client.Event.upsert(f"{KEY}/visit-1", VISIT)
    second = client.Event.upsert(f"{KEY}/visit-1", {**VISIT, "Subject": "Later"})

    assert (first, second) == (201, 200)
    assert client.query("SELECT COUNT() FROM Event")["totalSize"] == 1
    assert client.Event.get_by_custom_id(KEY, "visit-1")["Subject"] == "Later"


def test_a_key_of_two_records_is_refused(sandbox: Sandbox, client: Salesforce) -> None:
    for _ in range(2):
        sandbox.org.put("Event", {KEY: "visit-1"})

    with pytest.raises(SalesforceMoreThanOneRecord):
        client.Event.upsert(f"{KEY}/visit-1", VISIT)


def test_rows_of_a_collection_have_verdicts_of_their_own(client: Salesforce) -> None:
    records = [
        {"attributes": {"type": "Account"}, "Name": "Acme"},
        {"attributes": {"type": "Account"}, "Name": "x" * 256},
    ]

    found = _collection(client, "POST", records)

    assert [one["success"] for one in found] == [True, False]
    assert found[1]["errors"][0]["statusCode"] == "STRING_TOO_LONG"


def test_a_person_is_a_member_of_a_campaign_once(sandbox: Sandbox, client: Salesforce) -> None:
    values = {
        "CampaignId": sandbox.org.put("Campaign", {"Name": "Spring"}),
        "ContactId": sandbox.org.put("Contact", {"LastName": "Miller"}),
    }
    client.CampaignMember.create(values)

    with pytest.raises(SalesforceMalformedRequest, match="Already a campaign member"):
        client.CampaignMember.create(values)


def test_bulk_jobs_take_in_and_give_out_what_they_should(
    client: Salesforce, tmp_path: Path
) -> None:
    rows = [{"Name": f"Customer {n}", "Rating": "Hot"} for n in range(7)]

    taken = client.bulk2.Account.insert(records=rows)
    given = list(client.bulk2.Account.query("SELECT Id, Name FROM Account", max_records=3))

    assert [(one["numberRecordsProcessed"], one["numberRecordsFailed"]) for one in taken] == [
        (7, 0)
    ]
    assert sum(part.count("Customer") for part in given) == 7
    assert len(given) == 3


def test_a_bulk_job_tells_bad_rows_from_good_ones(client: Salesforce) -> None:
    rows = [{"Name": "Acme"}, {"Name": "x" * 256}]

    job = client.bulk2.Account.insert(records=rows)[0]

    failed = client.bulk2.Account.get_failed_records(job["job_id"])
    assert job["numberRecordsFailed"] == 1
    assert "STRING_TOO_LONG" in failed
    assert "Acme" in client.bulk2.Account.get_successful_records(job["job_id"])


def test_a_bulk_job_empties_a_field_only_by_its_word_for_it(
    sandbox: Sandbox, client: Salesforce
) -> None:
    ids = [sandbox.org.put("Account", {"Name": "Acme", "Rating": "Hot"}) for _ in range(2)]

    client.bulk2.Account.update(
        records=[{"Id": ids[0], "Rating": ""}, {"Id": ids[1], "Rating": "#N/A"}]
    )

    held = sandbox.org.held("Account")
    assert [held[id_]["Rating"] for id_ in ids] == ["Hot", None]


def test_every_endpoint_that_we_use_was_used_by_somebody_else(
    sandbox: Sandbox, client: Salesforce, open_: Any, tmp_path: Path
) -> None:
    _exercise_theirs(client, sandbox.url)
    theirs = endpoints(sandbox)
    sandbox.log.clear()
    _exercise_ours(open_, sandbox)
    _sign_in_and_out(sandbox, tmp_path)

    ours = endpoints(sandbox)

    assert len(ours) > 22
    assert sorted(ours - theirs - set(_NOT_THEIRS)) == []


_NOT_THEIRS = {
    "GET /services/oauth2/authorize": "what opens it is a browser, no client",
    "POST /services/oauth2/revoke": "no Python client of others revokes tokens of Salesforce",
}
"""Endpoint -> why no third party could be asked."""


def test_no_exception_is_kept_that_somebody_could_be_asked_for(
    sandbox: Sandbox, client: Salesforce
) -> None:
    _exercise_theirs(client, sandbox.url)

    assert set(_NOT_THEIRS) & endpoints(sandbox) == set()


def endpoints(sandbox: Sandbox) -> set[str]:
    """What was asked of the sandbox, with ids and versions taken out of the paths."""
    patterns = {
        r"/v\d\d\.0": "",
        r"/(query)(All)?/01g[^/]*": r"/\1/LOCATOR",
        r"/750\w+": "/JOB",
        r"unprocessedRecords": "unprocessedrecords",
        r"/crmbridge_key__c/[\w-]+$": "/KEY/VALUE",
        r"(?<=/sobjects/)\w+/[0-9a-zA-Z]{18}": "OBJECT/ID",
        r"(?<=/sobjects/)[A-Z]\w+(?=/|$)": "OBJECT",
    }
    found = set()
    for line in sandbox.log:
        for pattern, template in patterns.items():
            line = re.sub(pattern, template, line)
        found.add(line.rstrip("/"))
    return found


def _collection(client: Salesforce, method: str, records: Any, path: str = "") -> Any:
    document = {"allOrNone": False, "records": records}
    return client.restful(f"composite/sobjects{path}", method=method, json=document)


def _signed_in_by_theirs(url: str) -> Salesforce:
    """simple-salesforce asks for a token itself, at a My Domain that leads here."""
    session = requests.Session()
    session.mount("https://", PlainHttp(url))
    return Salesforce(
        domain="sandbox.my",
        consumer_key="client",
        consumer_secret="s3cret",
        session=session,
        version="62.0",
    )


def _exercise_theirs(client: Salesforce, url: str) -> None:
    """Everything once, through the other client."""
    _signed_in_by_theirs(url).limits()
    id_ = client.Account.create({"Name": "Acme"})["id"]
    for _ in range(3):
        client.Account.create({"Name": "More"})
    client.Account.update(id_, {"Name": "Acme Ltd"})
    client.Account.get(id_)
    client.Account.describe()
    client.limits()
    client._call_salesforce("GET", f"https://{client.sf_instance}/services/data")
    client._call_salesforce("GET", f"https://{client.sf_instance}/services/oauth2/userinfo")
    client.query("SELECT COUNT() FROM Account")
    client.query("SELECT Id FROM Account", include_deleted=True)
    record = {"attributes": {"type": "Account"}, "id": id_, "Name": "Acme"}
    _collection(client, "PATCH", [record])
    record = {"attributes": {"type": "Account"}, "Name": "Acme"}
    _collection(client, "POST", [record])
    record = {"attributes": {"type": "Event"}, KEY: "visit-1", **VISIT}
    made = _collection(client, "PATCH", [record], f"/Event/{KEY}")
    client.restful("composite/sobjects", method="DELETE", params={"ids": made[0]["id"]})
    list(client.bulk2.Account.query("SELECT Id, Name FROM Account"))
    job = client.bulk2.Account.insert(records=[{"Name": "Acme"}, {"Name": "x" * 256}])[0]
    for results in ("successful", "failed", "unprocessed"):
        getattr(client.bulk2.Account, f"get_{results}_records")(job["job_id"])
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    client.Account.deleted(now - timedelta(hours=2), now)
    field = {"FullName": "Account.Theirs__c", "Metadata": {"type": "Text", "length": 9}}
    client.toolingexecute("sobjects/CustomField", "POST", field)


def _exercise_ours(open_: Any, sandbox: Sandbox) -> None:
    """Everything once, through the adapter."""
    with open_(bulk_from=3, exact=True) as connection:
        connection.check()
        connection.quota()
        connection.organisation()
        window = Window(since=None, until=connection.server_time())
        list(connection.read(ReadRequest(object="Account", fields=("Id", "Name"), window=window)))
        window = Window(since=connection.server_time() - timedelta(hours=1), until=window.until)
        list(connection.read(ReadRequest(object="Account", fields=("Id", "Name"), window=window)))
        id_ = next(iter(connection.read_ids("Account")))[0]
        connection.provision([NewField(object="Account", name="New__c", label="New", type="text")])
        for item in _items(id_, sandbox):
            connection.write([item])
        made = connection.find_by_keys("Event", KEY, ["visit-2"])["visit-2"][0]
        connection.write([WriteItem(item="d", operation=Operation.DELETE, object="Event", id=made)])
        times = {"start_at": VISIT["StartDateTime"], "end_at": VISIT["EndDateTime"]}
        many = [
            WriteItem(
                item=f"j{n}",
                operation=Operation.CREATE,
                object="Event",
                key=f"job-{n}",
                values=times,
            )
            for n in range(201)
        ]
        connection.write(many)


class Agreeing:
    """A person who agrees to everything."""

    redirect_uri = "http://127.0.0.1:9999/back"

    def visit(self, url: str) -> Mapping[str, str]:
        """Agree in the browser."""
        back = requests.get(url, allow_redirects=False, timeout=5).headers["Location"]
        return dict(parse_qsl(urlsplit(back).query))

    def show(self, text: str) -> None:
        """Read it."""

    def paste(self, label: str) -> str:
        """Paste a refresh token."""
        return "sandbox-refresh"


def _sign_in_and_out(sandbox: Sandbox, folder: Path) -> None:
    assert ADAPTER.sign_in is not None
    context = make_context(folder, url=sandbox.url, auth={"client_id": "client"})
    settings = ADAPTER.settings()
    for way in ("browser", "paste"):
        token = ADAPTER.sign_in.connect(settings, context, Agreeing(), way)
        ADAPTER.sign_in.disconnect(settings, context, token)


def _items(id_: str, sandbox: Sandbox) -> Iterator[WriteItem]:
    yield WriteItem(
        item="a", operation=Operation.UPDATE, object="Account", id=id_, values={"Phone": "1"}
    )
    contact = sandbox.org.put("Contact", {"LastName": "Miller"})
    campaign = sandbox.org.put("Campaign", {"Name": "Spring"})
    yield WriteItem(
        item="b", operation=Operation.UPDATE, object="Contact", id=contact, values={"Phone": "1"}
    )
    times = {"start_at": VISIT["StartDateTime"], "end_at": VISIT["EndDateTime"]}
    yield WriteItem(
        item="c", operation=Operation.CREATE, object="Event", key="visit-2", values=times
    )
    values = {"campaign_id": campaign, "contact_id": contact}
    yield WriteItem(
        item="e", operation=Operation.ADD_MEMBER, object="CampaignMember", values=values
    )
    for operation in (Operation.SET_MEMBER, Operation.REMOVE_MEMBER):
        yield WriteItem(
            item="f",
            operation=operation,
            object="CampaignMember",
            values={**values, "status": "responded"},
        )
