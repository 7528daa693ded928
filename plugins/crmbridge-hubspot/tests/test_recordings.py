"""Answers of HubSpot that others recorded go through the adapter; see data/manifest.toml."""

import json
import os
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import SecretStr

from crmbridge.adapters import (
    Connection,
    ErrorClass,
    NewField,
    Operation,
    ReadRequest,
    Status,
    Window,
    WriteItem,
)
from crmbridge.errors import ConfigError, RetryLaterError
from crmbridge.records import from_millis
from crmbridge.testing.context import make_context
from crmbridge.testing.loopback import LoopbackServer, Received, Reply, answer
from crmbridge_hubspot.adapter import ADAPTER
from crmbridge_hubspot.read import shape_of
from crmbridge_hubspot.sandbox import Sandbox
from crmbridge_hubspot.setup import property_of, remote_field

DATA = Path(__file__).parent / "data"
RECORDED = DATA / "amp-labs" / "test"
Replay = Callable[..., Any]


def recorded(name: str) -> Any:
    return json.loads((RECORDED / name).read_text())


@pytest.fixture
def replay(tmp_path: Path) -> Replay:
    """Opens a connection to a server that gives these answers, in this order."""

    @contextmanager
    def open_one(*replies: Reply, **chosen: Any) -> Iterator[tuple[Connection, list[Received]]]:
        with LoopbackServer(replies) as server:
            auth = {"access_token": SecretStr("pat-sandbox")}
            context = make_context(tmp_path, url=server.url, auth=auth)
            yield ADAPTER.open(ADAPTER.settings(archived=False, **chosen), context), server.received

    return open_one


def updates(*ids: str) -> list[WriteItem]:
    return [
        WriteItem(item=f"i{id_}", operation=Operation.UPDATE, object="contacts", id=id_,
                  values={"firstname": "New"})
        for id_ in ids
    ]  # fmt: skip


def held(*ids: str) -> Reply:
    results = [{"id": id_, "properties": {"firstname": "Old"}} for id_ in ids]
    return answer(200, {"status": "COMPLETE", "results": results})


def test_every_recording_is_used_or_says_why_not() -> None:
    """A file that nobody reads proves nothing."""
    manifest = tomllib.loads((DATA / "manifest.toml").read_text())
    files = {
        str(path.relative_to(DATA)) for path in DATA.rglob("*") if path.suffix in {".json", ".csv"}
    }

    listed = {f"{folder}/{name}" for folder, names in manifest.items() for name in names}
    assert listed == files
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    used = [why for names in manifest.values() for why in names.values()]
    unfounded = [
        why for why in used if not why.startswith("unused: ") and f"def {why}(" not in tests
    ]
    assert unfounded == []


SHARED = Path(__file__).parents[4] / "shared" / "contracts"


@pytest.mark.skipif(
    not SHARED.is_dir() and not os.environ.get("CI"), reason="no recordings beside the project"
)
@pytest.mark.parametrize(
    ("theirs", "ours"), [("amp-labs/hubspot", "amp-labs"), ("fivetran-hubspot", "fivetran")]
)
def test_no_recording_was_left_out_or_touched(theirs: str, ours: str) -> None:
    """What others recorded is here byte by byte, all of it."""
    found = {
        path.relative_to(SHARED / theirs): path.read_bytes()
        for path in (SHARED / theirs).rglob("*")
        if path.suffix in {".json", ".csv"}
    }

    assert found
    assert found == {
        path.relative_to(DATA / ours): path.read_bytes()
        for path in (DATA / ours).rglob("*")
        if path.suffix in {".json", ".csv"}
    }


def test_a_recorded_page_becomes_rows(replay: Replay) -> None:
    """Null stays nothing, ids stay texts."""
    document = recorded("read/objects-api/contacts-response.json")
    fields = ("email", "firstname", "lastmodifieddate")

    with replay(answer(200, {**document, "paging": None})) as (connection, _):
        pages = list(connection.read(ReadRequest(object="contacts", fields=fields)))

    first = document["results"][0]
    row = [first["id"], *(first["properties"].get(name) for name in fields)]
    assert list(pages[0].rows[0]) == row
    assert sum(len(page.rows) for page in pages) == len(document["results"])


@pytest.mark.parametrize(
    "name",
    ["search/contacts/1-first-page.json", "search/contacts/2-second-page.json",
     "read-via-search/contacts-response.json"],
)  # fmt: skip
def test_a_recorded_search_is_counted_and_read(replay: Replay, name: str) -> None:
    """Its total is the count, its records are rows."""
    document = recorded(name)
    shape = shape_of("contacts", ("email", "lastmodifieddate"))

    with replay(answer(200, document)) as (connection, received):
        total = connection.count(
            "contacts", Window(since=from_millis(1_000), until=from_millis(2_000))
        )

    filters = received[-1].json()["filterGroups"][0]["filters"]
    sent = json.loads((RECORDED / "read-via-search/contacts-payload.json").read_text())
    assert total == document["total"]
    assert [one["propertyName"] for one in filters] == ["lastmodifieddate"] * 2
    assert set(filters[0]) == set(sent["filterGroups"][0]["filters"][0])
    assert len(shape.rows(document["results"])) == len(document["results"])


def test_recorded_links_keep_their_label(replay: Replay) -> None:
    """Primary and plain are one link; contacts without a company are no error."""
    document = recorded("search/contacts/contacts-to-companies.json")

    with replay(answer(207, document)) as (connection, _):
        links = [
            (one.from_id, one.to_id, one.label)
            for some in connection.read_links("contacts", ["501", "103107104018"], "companies")
            for one in some
        ]

    assert links == [("501", "29022297485", "Primary")]


def test_a_recorded_partial_update_gives_each_its_verdict(replay: Replay) -> None:
    """The error names the id alone: there is no trace in it."""
    document = recorded("batch/update/contacts/err-partial-success.json")
    ids = ["171591000199", "unknownIdentifier888"]

    with replay(held(*ids), answer(207, document)) as (connection, _):
        first, second = sorted(connection.write(updates(*ids)), key=lambda one: one.item)

    assert (first.status, second.status) == (Status.APPLIED, Status.REJECTED)
    assert second.error_class is ErrorClass.RECORD


def test_a_recorded_update_applies_all(replay: Replay) -> None:
    """Known by their ids."""
    document = recorded("batch/update/contacts/success.json")
    ids = [one["id"] for one in document["results"]]

    with replay(held(*ids), answer(200, document)) as (connection, _):
        outcomes = connection.write(updates(*ids))

    assert [(one.id, one.status) for one in outcomes] == [(id_, Status.APPLIED) for id_ in ids]


def test_recorded_duplicates_are_bisected(replay: Replay) -> None:
    """The batch is refused whole; each alone is taken."""
    document = recorded("batch/update/contacts/err-duplicate-ids.json")
    done = [answer(200, {"results": [{"id": id_, "properties": {}}]}) for id_ in ("1", "2")]

    with replay(held("1", "2"), answer(400, document), *done) as (connection, received):
        outcomes = connection.write(updates("1", "2"))

    assert [one.status for one in outcomes] == [Status.APPLIED] * 2
    assert [len(one.json()["inputs"]) for one in received[1:]] == [2, 1, 1]


@pytest.mark.parametrize("verb", ["update", "create"])
def test_recorded_unknown_properties_stop_all(replay: Replay, verb: str) -> None:
    """Every item would fail; the message names the property and no value."""
    document = recorded(f"batch/{verb}/contacts/err-many-invalid-properties.json")

    with (
        replay(held("1"), answer(400, document)) as (connection, _),
        pytest.raises(ConfigError, match="PROPERTY_DOESNT_EXIST first000name"),
    ):
        connection.write(updates("1"))


def visits(*names: str, **values: str) -> list[WriteItem]:
    return [
        WriteItem(item=name, operation=Operation.CREATE, object="meetings", key=f"key-{name}",
                  values={"start_at": "2026-03-05T09:00:00Z", **values})
        for name in names
    ]  # fmt: skip


def test_a_recorded_conflict_is_looked_up(replay: Replay) -> None:
    """One created, one there already: by its key the host will find whether it is ours."""
    document = recorded("batch/create/contacts/err-partial-success.json")
    traced = {**document["results"][0], "objectWriteTraceId": "1"}

    with replay(answer(207, {**document, "results": [traced]})) as (connection, _):
        outcomes = {one.item: one for one in connection.write(visits("0", "1"))}

    assert outcomes["1"].id == document["results"][0]["id"]
    assert (outcomes["0"].status, outcomes["1"].status) == (Status.UNKNOWN, Status.APPLIED)
    assert "171591000198" in outcomes["0"].error


def test_a_recorded_conflict_of_a_whole_batch_is_bisected(replay: Replay) -> None:
    """It does not say whose."""
    conflict = answer(409, recorded("batch/create/contacts/err-conflict.json"))
    done = {"results": [{"id": "9", "properties": {}, "objectWriteTraceId": "1"}]}

    with replay(conflict, conflict, answer(200, done)) as (connection, _):
        outcomes = {one.item: one.status for one in connection.write(visits("0", "1"))}

    assert outcomes == {"0": Status.UNKNOWN, "1": Status.APPLIED}


def test_recorded_created_records_without_traces_are_unknown(replay: Replay) -> None:
    """Order is not promised: nothing is guessed from it."""
    document = recorded("batch/create/contacts/success.json")

    with replay(answer(201, document)) as (connection, _):
        outcomes = connection.write(visits("0", "1"))

    assert {one.status for one in outcomes} == {Status.UNKNOWN}


def test_recorded_lists_and_campaigns_are_read_to_the_end(replay: Replay) -> None:
    """By offset and by token; a token that comes encoded goes back as it stood in the address."""
    pages = [recorded("read-lists-1-first-page.json"), recorded("read-lists-2-second-page.json")]
    with replay(*(answer(200, page) for page in pages)) as (connection, received):
        assert ids(connection, "lists") == ["3", "4", "5"]
        assert [one.json()["offset"] for one in received] == [0, 2]

    pages = [recorded("read/campaigns/1-first-page.json"),
             recorded("read/campaigns/2-last-page.json")]  # fmt: skip
    with replay(*(answer(200, page) for page in pages)) as (connection, received):
        assert len(ids(connection, "campaigns")) == 3
        assert [one.query.get("after") for one in received] == [None, "Mg=="]


def ids(connection: Connection, object_: str) -> Sequence[str]:
    pages = connection.read(ReadRequest(object=object_))
    return [row[0] for page in pages for row in page.rows]


@pytest.mark.parametrize(
    "name",
    ["read-via-search/campaigns-response.json", "batch/read/campaigns/ok-200.json",
     "batch/read/campaigns/multi-207.json"],
)  # fmt: skip
def test_recorded_campaigns_by_search_are_rows(replay: Replay, name: str) -> None:
    """The same shape as of a list."""
    document = recorded(name)

    with replay(answer(200, {**document, "paging": None})) as (connection, _):
        assert ids(connection, "campaigns") == [one["id"] for one in document["results"]]


def test_a_recorded_missing_scope_is_named(replay: Replay) -> None:
    """With the scope that it takes."""
    document = recorded("metadata-err-schemas-scope.json")

    with replay(answer(403, document)) as (connection, _):
        findings = connection.check()

    assert {one.code for one in findings} == {"hubspot.missing_scope"}
    assert "custom-object-read" in findings[0].remedy


def test_a_recorded_unknown_type_is_no_empty_one(replay: Replay) -> None:
    """It is refused, and told."""
    refusal = answer(400, recorded("search/error-invalid-object.json"))

    with replay(refusal) as (connection, _), pytest.raises(ConfigError):
        list(connection.read(ReadRequest(object="contacts", fields=("email",))))


@pytest.mark.parametrize("kind", ["contacts", "deals"])
def test_recorded_properties_are_described(kind: str) -> None:
    """Type, choices, and what may be written."""
    found = recorded(f"metadata-{kind}-properties-sampled.json")["results"]

    fields = [remote_field(one) for one in found]

    assert [one.name for one in fields] == [one["name"] for one in found]
    for field, one in zip(fields, found, strict=True):
        details = one["modificationMetadata"]
        assert field.writable is (not details["readOnlyValue"] and not one["calculated"])
        assert list(field.picklist) == [option["value"] for option in one["options"]]


def test_a_recorded_group_takes_our_property(replay: Replay) -> None:
    """What HubSpot took from others names the same keys as what we send; its answers are taken."""
    theirs = recorded("custom/create/1-payload-create-property-group.json")
    group = answer(201, recorded("custom/create/2-response-create-property-group.json"))
    made = recorded("custom/create/4-response-batch-create-properties.json")["results"][0]
    field = NewField(object="contacts", name="age", label="Age", type="number")

    with replay(group, answer(201, made)) as (connection, received):
        assert connection.provision([field]) == []

    assert set(theirs) <= set(received[0].json())
    assert received[1].json()["groupName"] == received[0].json()["name"]


def test_a_recorded_group_that_is_there_is_as_one_that_was_made() -> None:
    """Reading it again gives the answer to its creation."""
    read = recorded("custom/update/1-read-property-group.json")

    assert read == recorded("custom/create/2-response-create-property-group.json")


def test_recorded_options_are_sent_as_a_whole(replay: Replay) -> None:
    """HubSpot takes the list anew; a tag that has no option gets one beside those there are."""
    theirs = recorded("custom/update/6-payload-update-property-interests.json")
    before = {**recorded("custom/update/7-response-update-property-interests.json")}
    options = before["options"]
    held = {"results": [{**before, "options": options[:2]}]}
    current = {"results": [{"id": "5", "properties": {"interests__c": "art"}}]}
    done = {"results": [{"id": "5", "properties": {}, "objectWriteTraceId": "i5"}]}
    item = WriteItem(item="i5", operation=Operation.UPDATE, object="contacts", id="5",
                     values={"interests__c": "swimming"})  # fmt: skip
    replies = [answer(200, one) for one in (current, held, before, done)]

    with replay(*replies, new_options=True) as (connection, received):
        outcome = connection.write([item])[0]

    sent = received[2].json()["options"]
    assert outcome.status is Status.APPLIED
    assert received[2].method == "PATCH"
    assert [one["value"] for one in sent] == [one["value"] for one in theirs["options"]]
    assert all({"label", "value"} <= set(one) for one in sent)


def test_a_recorded_association_is_made(replay: Replay) -> None:
    """An answer without errors."""
    document = recorded("../internal/associations/test/contact-to-company-resp.json")

    with replay(answer(200, upserted("0")), answer(201, document)) as (connection, _):
        outcome = connection.write(visits("0", contact_id="211762804612"))[0]

    assert (outcome.status, outcome.error) == (Status.APPLIED, "")


def upserted(name: str) -> Any:
    return {"results": [{"id": "9", "properties": {}, "objectWriteTraceId": name}]}


def test_a_recorded_refusal_of_an_association_is_told(replay: Replay) -> None:
    """By the id that it names; and links that are refused are no links that are gone."""
    document = recorded("../internal/associations/test/err-contact-to-contact.json")
    bad = document["errors"][0]["context"]["id"][0]

    with replay(answer(200, upserted("0")), answer(207, document)) as (connection, _):
        outcome = connection.write(visits("0", contact_id=bad))[0]
    with replay(answer(207, document)) as (connection, _), pytest.raises(RetryLaterError):
        list(connection.read_links("contacts", [bad], "companies"))

    assert outcome.status is Status.APPLIED
    assert "not linked" in outcome.error
    assert "INVALID_IDENTIFIER" in outcome.error


@pytest.mark.parametrize(
    "name",
    ["read/objects-api/contacts-req-payload-since.json",
     "read/objects-api/contacts-req-payload-until.json",
     "read/objects-api/contacts-req-payload-since-until.json",
     "read-via-search/contacts-payload.json"],
)  # fmt: skip
def test_recorded_searches_are_understood_by_the_sandbox(hub: Sandbox, name: str) -> None:
    """What another library sends to HubSpot is no error to it."""
    hub.account.put("contacts", {"email": "a@example.com"})
    headers = {"Authorization": "Bearer pat-sandbox"}
    url = f"{hub.url}/crm/v3/objects/contacts/search"

    found = requests.post(url, json=recorded(name), headers=headers, timeout=5)

    assert found.status_code == 200, found.text
    assert set(found.json()) >= {"total", "results"}


def test_recorded_new_properties_look_like_ours() -> None:
    """What HubSpot took from others names the same keys as what we send."""
    body = recorded("custom/create/3-payload-batch-create-properties.json")["inputs"][1]
    field = NewField(
        object="contacts", name="interests", label="Interests", type="picklist",
        picklist=("art", "travel"),
    )  # fmt: skip

    ours = property_of(field)

    assert (ours["type"], ours["fieldType"]) == (body["type"], body["fieldType"])
    assert set(ours) - {"hasUniqueValue"} <= set(body)
    answer_ = recorded("custom/create/4-response-batch-create-properties.json")
    assert remote_field(answer_["results"][1]).picklist == ("art", "travel", "swimming")


def test_the_recorded_account_is_pinned(replay: Replay) -> None:
    """By its number."""
    with replay(answer(200, recorded("post-auth/account-info.json"))) as (connection, _):
        assert connection.organisation() == "12345678"


def test_recorded_records_by_id_are_rows(replay: Replay) -> None:
    """As a batch gives them."""
    document = recorded("read/objects-api/contacts-batch.json")
    wanted = [one["id"] for one in document["results"]]

    with replay(answer(200, document)) as (connection, _):
        page = connection.read_by_ids("contacts", wanted, ("email",))

    assert [row[0] for row in page.rows] == wanted
