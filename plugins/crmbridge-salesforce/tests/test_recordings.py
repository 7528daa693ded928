"""What Salesforce really answered, as others recorded it, goes through the adapter.

``data/amp-labs`` and ``data/cumulusci`` were recorded by the projects whose licences lie beside
them. CampaignMember is in none of them: what the sandbox does with it follows the Object Reference
alone, and no outside witness judged it.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from crmbridge.adapters import (
    ErrorClass,
    Operation,
    Outcome,
    ReadRequest,
    RemoteObject,
    Status,
    Window,
    WriteItem,
)
from crmbridge.errors import ConfigError, RecordError, RetryLaterError
from crmbridge.testing.context import make_context
from crmbridge.testing.loopback import LoopbackServer, Received, Reply, answer
from crmbridge.testing.truth import START
from crmbridge_salesforce.adapter import ADAPTER
from crmbridge_salesforce.bulk import wait_for
from crmbridge_salesforce.client import Client

DATA = Path(__file__).parent / "data"
AUTH = {"session_id": SecretStr("00Dak000000abcd!session")}
IDS = ("003ak00000luKU1AAM", "003ak00000luKU2AAM")


def recorded(name: str) -> Any:
    return json.loads((DATA / name).read_text("utf-8"))


def replay(answers: Mapping[str, Reply]) -> Callable[[Received], Reply]:
    """Answers by a part of the path; elsewhere nothing is found."""

    def reply(received: Received) -> Reply:
        asked = f"{received.method} {received.path} {received.query.get('q', '')}"
        found = next((one for part, one in answers.items() if part in asked), None)
        return found or answer(404, [{"errorCode": "NOT_FOUND", "message": "none"}])

    return reply


def connect(server: LoopbackServer, folder: Path) -> Any:
    return ADAPTER.open(ADAPTER.settings(), make_context(folder, url=server.url, auth=AUTH))


def contacts_written(folder: Path, status: int, document: Any) -> list[Outcome]:
    """Two contacts are added as a collection, and answered as recorded."""
    found = {"totalSize": 2, "done": True, "records": [_contact(id_) for id_ in IDS]}
    answers = {"queryAll": answer(document=found), "PATCH": answer(status, document)}
    items = [
        WriteItem(
            item=f"i{n}",
            operation=Operation.UPDATE,
            object="Contact",
            id=id_,
            values={"LastName": "Dyer"},
        )
        for n, id_ in enumerate(IDS)
    ]
    with LoopbackServer(replay(answers)) as server, connect(server, folder) as connection:
        return list(connection.write(items))


def _contact(id_: str) -> dict[str, Any]:
    return {"Id": id_, "LastName": "Before", "IsDeleted": False, "MasterRecordId": None}


def test_a_collection_that_was_saved(tmp_path: Path) -> None:
    outcomes = contacts_written(
        tmp_path, 200, recorded("amp-labs/batch_create_contacts_success.json")
    )

    assert [(one.status, one.id) for one in outcomes] == [(Status.APPLIED, id_) for id_ in IDS]


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        (
            "batch_create_contacts_partial-but-allOrNone.json",
            [ErrorClass.RECORD, ErrorClass.TRANSIENT],
        ),
        (
            "batch_update_contacts_partial-but-allOrNone.json",
            [ErrorClass.TRANSIENT, ErrorClass.CONFIG],
        ),
        ("batch_update_contacts_err-each-no-ids.json", [ErrorClass.CONFIG, ErrorClass.CONFIG]),
    ],
)
def test_rows_that_were_refused_have_classes_of_their_own(
    tmp_path: Path, name: str, classes: list[ErrorClass]
) -> None:
    outcomes = contacts_written(tmp_path, 200, recorded(f"amp-labs/{name}"))

    assert {one.status for one in outcomes} == {Status.REJECTED}
    assert [one.error_class for one in outcomes] == classes
    assert all(one.error for one in outcomes)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("batch_create_contacts_err-bad-request.json", RecordError),
        ("invalid-field-upsert.json", ConfigError),
        ("unknown-field.json", ConfigError),
    ],
)
def test_a_collection_that_was_refused_as_a_whole(
    tmp_path: Path, name: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        contacts_written(tmp_path, 400, recorded(f"amp-labs/{name}"))


def test_a_row_that_bears_an_id_and_was_not_saved_is_no_success(tmp_path: Path) -> None:
    odd = recorded("amp-labs/success-with-errors.json")

    outcomes = contacts_written(tmp_path, 200, [odd, odd])

    assert {(one.status, one.error_class) for one in outcomes} == {
        (Status.REJECTED, ErrorClass.RECORD)
    }


def test_verdicts_that_are_fewer_than_rows_leave_all_unknown(tmp_path: Path) -> None:
    success = recorded("amp-labs/batch_create_contacts_success.json")

    outcomes = contacts_written(tmp_path, 200, success[:1])

    assert {one.status for one in outcomes} == {Status.UNKNOWN}


@pytest.mark.parametrize(
    ("name", "object_", "fields", "count"),
    [
        ("read-list-contacts.json", "Contact", ("AccountId", "Department"), 20),
        ("read-list-leads.json", "Lead", ("Company",), 8),
        ("read-opportunity-with-account.json", "Opportunity", ("Name", "Amount"), 2),
    ],
)
def test_recorded_lists_are_read_whole(
    tmp_path: Path, name: str, object_: str, fields: tuple[str, ...], count: int
) -> None:
    document = recorded(f"amp-labs/{name}")
    for one in document["records"]:
        one.setdefault("Id", one["attributes"]["url"].rpartition("/")[2])
    window = Window(since=None, until=START)
    request = ReadRequest(object=object_, fields=("Id", *fields), window=window)
    answers = {"query": answer(document=document)}

    with LoopbackServer(replay(answers)) as server, connect(server, tmp_path) as connection:
        pages = list(connection.read(request))

    rows = [row for page in pages for row in page.rows]
    wanted = [tuple(one.get(name) for name in ("Id", *fields)) for one in document["records"]]
    assert [tuple(row[: len(fields) + 1]) for row in rows] == wanted
    assert (len(rows), pages[-1].complete) == (len(document["records"]), True)
    assert count <= len(rows)


def test_an_object_that_is_not_there_is_told(tmp_path: Path) -> None:
    refused = answer(400, recorded("amp-labs/unknown-object.json"))
    request = ReadRequest(object="Order", fields=("Id",), window=Window(since=None, until=START))

    with (
        LoopbackServer(replay({"query": refused})) as server,
        connect(server, tmp_path) as connection,
    ):
        pages = list(connection.read(request))

    assert [one.code for one in pages[0].findings] == ["salesforce.object_missing"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("bulk_info_complete-failure.json", ConfigError),
        ("bulk_info_in-progress.json", RetryLaterError),
        ("bulk_info_partial-failure.json", None),
        ("bulk_info_success.json", None),
    ],
)
def test_recorded_states_of_jobs_are_understood(
    tmp_path: Path, name: str, error: type[Exception] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crmbridge_salesforce.bulk._LONGEST_SECONDS", 3)
    info = recorded(f"amp-labs/{name}")
    answers = {"jobs/ingest": answer(document=info)}
    with LoopbackServer(replay(answers)) as server:
        context = make_context(tmp_path, url=server.url, auth=AUTH)
        client = Client(context=context, version="62.0")
        if error is None:
            assert wait_for(client, "ingest", info["id"]) == info
        else:
            with pytest.raises(error):
                wait_for(client, "ingest", info["id"])


def test_a_recorded_record_that_is_gone(tmp_path: Path) -> None:
    gone = answer(404, recorded("amp-labs/crm_delete_not-found.json"))
    with LoopbackServer([gone]) as server:
        client = Client(context=make_context(tmp_path, url=server.url, auth=AUTH), version="62.0")

        with pytest.raises(RecordError, match=r"ENTITY_IS_DELETED|NOT_FOUND"):
            client.get("sobjects/Account/001ak00000OQTieAAH")


@pytest.mark.parametrize("object_", ["Account", "Event", "Lead"])
def test_recorded_descriptions_are_taken_in(tmp_path: Path, object_: str) -> None:
    document = recorded(f"cumulusci/{object_}_describe.json")
    answers = {f"{object_}/describe": answer(document=document)}

    with LoopbackServer(replay(answers)) as server, connect(server, tmp_path) as connection:
        described: RemoteObject = connection.describe()[0]

    by_name = {one.name: one for one in described.fields}
    assert described.name == object_
    assert len([name for name in by_name if "." not in name]) == len(document["fields"])
    assert (by_name["Id"].writable, by_name["Id"].type) == (False, "id")
    assert by_name["OwnerId"].writable


@pytest.mark.parametrize("object_", ["Account", "Event", "Lead"])
def test_default_mappings_name_fields_that_there_are(object_: str) -> None:
    """Each field of a default mapping is in the recorded description, or is ours."""
    known = {one["name"] for one in recorded(f"cumulusci/{object_}_describe.json")["fields"]}
    stream = ADAPTER.capabilities.of(object_).stream
    sources = ADAPTER.mappings[stream][object_].values()
    named = {one if isinstance(one, str) else one.get("field", "") for one in sources} - {""}

    assert {one for one in named - known if not one.endswith("__c")} <= _ABSENT


_ABSENT = {
    "DoNotCall", "HasOptedOutOfEmail", "GeocodeAccuracy", "Latitude", "Longitude",
    "IsPersonAccount", "PersonEmail", "PersonHasOptedOutOfEmail", "PersonDoNotCall",
    "Individual.HasOptedOutSolicit",
}  # fmt: skip
"""Fields that the recorded organisation hides or has not switched on; others have them."""


@pytest.mark.parametrize("object_", ["Account", "Event", "Lead"])
def test_the_sandbox_describes_fields_as_the_recording_does(object_: str) -> None:
    """Types and lengths of the sandbox's standard fields are Salesforce's."""
    from crmbridge_salesforce.sandbox.schema import describe, make_schema

    theirs = {one["name"]: one for one in recorded(f"cumulusci/{object_}_describe.json")["fields"]}
    ours = {one["name"]: one for one in describe(make_schema()[object_])["fields"]}

    shared = ours.keys() & theirs.keys()
    different = {
        name: (ours[name]["type"], theirs[name]["type"])
        for name in shared
        if _kind(ours[name]) != _kind(theirs[name])
    }
    writable = {n for n in shared if ours[n]["updateable"] and not theirs[n]["updateable"]}
    assert (different, writable) == ({}, set())
    assert len(shared) > 15


def _kind(one: Mapping[str, Any]) -> str:
    return {"combobox": "string"}.get(one["type"], one["type"])


def test_the_organisation_is_known_from_the_session(tmp_path: Path) -> None:
    with LoopbackServer([answer(404)]) as server, connect(server, tmp_path) as connection:
        assert connection.organisation() == "00Dak000000abcd"
        assert server.received == []
