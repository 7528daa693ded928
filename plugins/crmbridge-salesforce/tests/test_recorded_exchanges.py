"""Whole exchanges that others recorded with Salesforce, replayed from where they lie.

They are read beside the checkout, as ``tests/contracts/manifest.toml`` lists them.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml  # type: ignore[import-untyped]
from pydantic import SecretStr

from crmbridge.adapters import Operation, Status, WriteItem
from crmbridge.testing.context import make_context
from crmbridge.testing.loopback import LoopbackServer, Received, Reply, answer
from crmbridge_salesforce.adapter import ADAPTER
from crmbridge_salesforce.bulk import BulkQuery
from crmbridge_salesforce.client import Client
from crmbridge_salesforce.describe import describe_one
from crmbridge_salesforce.ingest import Ingest, Load
from crmbridge_salesforce.provision import provision_access
from crmbridge_salesforce.sandbox import Sandbox
from crmbridge_salesforce.verdicts import outcomes_of

RECORDED = Path(__file__).parents[4] / "shared" / "contracts"
AUTH = {"session_id": SecretStr("00Dak000000abcd!session")}


@pytest.fixture(autouse=True)
def recordings() -> None:
    if not RECORDED.is_dir():
        assert not os.environ.get("CI"), f"expected the recordings at {RECORDED}"
        pytest.skip(reason="the recordings are not beside this checkout")


def theirs(name: str) -> Any:
    return json.loads((RECORDED / "amp-labs/salesforce/test" / name).read_text("utf-8"))


def exchanges(name: str) -> Iterator[tuple[str, str, int, Any]]:
    """(method, path, status, document) of a recording, whatever it includes left out."""
    found = yaml.safe_load((RECORDED / "cumulusci" / name).read_text("utf-8"))
    for one in found.get("interactions", [found]):
        if "request" not in one:
            continue
        body = one["response"]["body"]["string"]
        if not isinstance(body, str) or not body.lstrip().startswith(("{", "[")):
            continue
        path = urlsplit(one["request"]["uri"]).path
        yield one["request"]["method"], path, one["response"]["status"]["code"], json.loads(body)


def described(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(document for _, _, _, document in exchanges(name))
    return found


def replay(answers: Mapping[str, Reply]) -> Callable[[Received], Reply]:
    def reply(received: Received) -> Reply:
        asked = f"{received.method} {received.path}"
        found = next((one for part, one in answers.items() if part in asked), None)
        return found or answer(404, [{"errorCode": "NOT_FOUND", "message": "none"}])

    return reply


def client_of(server: LoopbackServer, folder: Path) -> Client:
    return Client(context=make_context(folder, url=server.url, auth=AUTH), version="62.0")


def opportunity(name: str, key: str) -> tuple[WriteItem, dict[str, Any]]:
    item = WriteItem(item=name, operation=Operation.CREATE, object="Opportunity", key=key)
    return item, {"external_id__c": key, "Name": "Noemi Miller"}


def test_a_recorded_job_with_a_failed_row_is_judged_row_by_row(tmp_path: Path) -> None:
    csv = (RECORDED / "amp-labs/salesforce/test/bulk/info/partial-failure.csv").read_bytes()
    header = b"sf__Id,sf__Created,Name,StageName,external_id__c,CloseDate\n"
    saved = header + b"006ak000001,true,N,G,external-id-1,2003-04-05\n"
    answers = {
        "POST": answer(document=theirs("bulk/write/launch-job-opportunity.json")),
        "PUT": answer(201),
        "PATCH": answer(document=theirs("bulk/write/update-job-opportunity.json")),
        "failedResults": answer(body=csv),
        "successfulResults": answer(body=saved),
        "unprocessedrecords": answer(body=b"Name,StageName,external_id__c,CloseDate\n"),
        "GET": answer(document=theirs("bulk/info/partial-failure.json")),
    }
    rows = [opportunity("a", "external-id-1"), opportunity("b", "external-id-3")]
    rows.append(opportunity("c", "external-id-9"))
    load = Load(object="Opportunity", operation=Operation.CREATE, key="external_id__c", rows=rows)

    with LoopbackServer(replay(answers)) as server:
        ingest = Ingest(client=client_of(server, tmp_path))
        outcomes = {one.item: one for one in ingest.finish(ingest.start(load), load)}

    assert {name: one.status for name, one in outcomes.items()} == {
        "a": Status.APPLIED,
        "b": Status.REJECTED,
        "c": Status.UNKNOWN,  # no file names it: it is looked up
    }
    assert outcomes["b"].error.startswith("INVALID_FIELD: Failed to deserialize")


def test_a_recorded_job_of_deletions_is_followed(tmp_path: Path) -> None:
    launched = theirs("bulk/delete/launch-job-opportunity.json")
    closed = theirs("bulk/delete/update-job-opportunity.json")
    id_ = "006ak000000xyzAAA"
    answers = {
        "POST": answer(document=launched),
        "PUT": answer(201),
        "PATCH": answer(document=closed),
        "successfulResults": answer(body=f"sf__Id,sf__Created,Id\n{id_},false,{id_}\n".encode()),
        "Results": answer(body=b"sf__Id,sf__Error,Id\n"),
        "unprocessedrecords": answer(body=b"Id\n"),
        "GET": answer(document={**closed, "state": "JobComplete"}),
    }
    item = WriteItem(item="d", operation=Operation.DELETE, object="Opportunity", id=id_)
    load = Load(
        object="Opportunity", operation=Operation.DELETE, key="Id", rows=[(item, {"Id": id_})]
    )

    with LoopbackServer(replay(answers)) as server:
        ingest = Ingest(client=client_of(server, tmp_path))
        job = ingest.start(load)
        outcomes = ingest.finish(job, load)

    assert (job, outcomes[0].status) == (launched["id"], Status.APPLIED)
    assert server.received[0].json()["operation"] == launched["operation"]


def test_a_recorded_job_of_a_query_is_opened(tmp_path: Path) -> None:
    launched = theirs("bulk/read-launch-job-account.json")
    answers = {
        "POST": answer(document=launched),
        "GET": answer(document={**launched, "state": "JobComplete"}),
    }

    with LoopbackServer(replay(answers)) as server:
        job = BulkQuery(
            client=client_of(server, tmp_path), text="SELECT Id FROM Account", is_all=False
        )
        assert job.open() == launched["id"]
    assert server.received[0].json() == {
        "operation": launched["operation"],
        "query": "SELECT Id FROM Account",
    }


@pytest.mark.parametrize("name", ["create", "update"])
def test_our_collections_have_the_form_of_a_recorded_one(
    sandbox: Sandbox, open_: Any, name: str
) -> None:
    recorded = theirs(f"batch/{name}/contacts/payload.json")
    org = sandbox.org
    values = {"StartDateTime": "2026-03-04T09:00:00Z", "EndDateTime": "2026-03-04T10:00:00Z"}
    item = WriteItem(
        item="i",
        operation=Operation.UPDATE if name == "update" else Operation.CREATE,
        object="Contact" if name == "update" else "Event",
        id=org.put("Contact", {"LastName": "Dyer"}) if name == "update" else "",
        key="" if name == "update" else "k",
        values={"LastName": "Blevins"}
        if name == "update"
        else {"start_at": values["StartDateTime"], "end_at": values["EndDateTime"]},
    )

    with open_() as connection:
        connection.write([item])

    sent = next(one for one in sandbox.received if "/composite/sobjects" in one.path).json()
    assert sent.keys() == recorded.keys()
    assert sent["allOrNone"] is recorded["allOrNone"] is False
    assert ("id" in sent["records"][0]) == ("id" in recorded["records"][0])
    assert sent["records"][0]["attributes"].keys() == recorded["records"][0]["attributes"].keys()


def test_a_recorded_collection_is_applied() -> None:
    results = theirs("batch/update/contacts/success.json")
    items = [
        WriteItem(item=one["id"], operation=Operation.UPDATE, object="Contact", id=one["id"])
        for one in results
    ]

    assert {one.status for one in outcomes_of(items, results)} == {Status.APPLIED}


@pytest.mark.parametrize(
    "name",
    [
        "TestUpsert.test_simple_upsert__rest.yaml",
        "TestUpsert.test_upsert__rest.yaml",
        "TestUpsert.test_upsert_complex_external_id_field__rest.yaml",
        "TestUpsert.test_upsert_complex_external_id_field_rest__duplicate_error.yaml",
        "TestUpdatesIntegrationTests.test_updates_task.yaml",
    ],
)
def test_recorded_collections_have_a_verdict_per_row(name: str) -> None:
    answered = [found for method, path, _, found in exchanges(name) if "/composite/" in path]

    assert answered
    for results in answered:
        items = [
            WriteItem(item=f"i{n}", operation=Operation.CREATE, object="Contact")
            for n, _ in enumerate(results)
        ]
        outcomes = outcomes_of(items, results)
        assert [one.status is Status.APPLIED for one in outcomes] == [
            one["success"] for one in results
        ]
        assert all(one.id for one in outcomes if one.status is Status.APPLIED)


@pytest.mark.parametrize(
    "name",
    [
        "GET_sobjects_Account_describe.yaml",
        "GET_sobjects_Account_PersonAccount_describe.yaml",
        "GET_sobjects_Case_describe.yaml",
        "GET_sobjects_Contact_describe.yaml",
        "GET_sobjects_Custom__c_describe.yaml",
        "GET_sobjects_Event_describe.yaml",
        "GET_sobjects_Lead_describe.yaml",
        "GET_sobjects_OpportunityContactRole_describe.yaml",
        "GET_sobjects_Opportunity_describe.yaml",
        "metadata/read/accounts-sampled.json",
        "metadata/read/custom-object-with-custom-fields.json",
        "metadata/read/organization-sampled.json",
    ],
)
def test_recorded_descriptions_are_understood(name: str) -> None:
    if name.endswith(".json"):
        document = theirs(name)["compositeResponse"][0]["body"]
    else:
        document = described(name)

    found = describe_one(str(document["name"]), document)

    by_name = {one.name: one for one in found.fields if "." not in one.name}
    assert len(by_name) == len(document["fields"])
    for one in document["fields"]:
        ours = by_name[one["name"]]
        assert (ours.formula, ours.external_id, ours.writable) == (
            bool(one["calculated"]), bool(one["externalId"]), bool(one["updateable"]),
        )  # fmt: skip


def test_person_accounts_are_mapped_as_they_were_recorded() -> None:
    document = described("GET_sobjects_Account_PersonAccount_describe.yaml")
    known = {one["name"]: one for one in document["fields"]}
    mapped = [
        one if isinstance(one, str) else str(one.get("field", ""))
        for one in ADAPTER.mappings["customers"]["Account"].values()
    ]

    persons = {one for one in mapped if one.startswith(("Person", "IsPerson"))}
    assert persons <= known.keys()
    assert known["PersonContactId"]["referenceTo"] == ["Contact"]
    assert any(name.endswith("__pc") for name in known)


def test_a_recorded_organisation_is_known_by_its_id(tmp_path: Path) -> None:
    document = described("GET_sobjects_Organization.yaml")
    found = {"totalSize": 1, "done": True, "records": [document]}
    auth = {"session_id": SecretStr("opaque")}

    with LoopbackServer(replay({"/query": answer(document=found)})) as server:
        context = make_context(tmp_path, url=server.url, auth=auth)
        assert Client(context=context, version="62.0").organisation() == document["Id"][:15]


def test_a_recorded_permission_set_is_assigned_once(tmp_path: Path) -> None:
    refused = theirs("metadata/write/err-duplicate-permission-assignment.json")
    answers = {
        "/query": answer(document=theirs("metadata/write/permission-set.json")),
        "userinfo": answer(document=theirs("metadata/write/user-info.json")),
        "PermissionSetAssignment": answer(400, refused),
    }

    with LoopbackServer(replay(answers)) as server:
        set_id = provision_access(client_of(server, tmp_path))

    assert set_id == "0PSak00000M9uBBGAZ"
    assert server.received[-1].json() == {
        "PermissionSetId": set_id,
        "AssigneeId": theirs("metadata/write/user-info.json")["user_id"],
    }
