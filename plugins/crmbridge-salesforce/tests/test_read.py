"""Windows lose no record, whatever happens between two pages."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from crmbridge.adapters import Page, ReadRequest, Window
from crmbridge.errors import ConfigError
from crmbridge_salesforce import bulk
from crmbridge_salesforce.sandbox import Mood, Sandbox
from crmbridge_salesforce.sandbox.schema import FieldSpec

FIELDS = ("Id", "Name")


def window_of(sandbox: Sandbox, since: Any = None) -> Window:
    return Window(since=since, until=sandbox.org.now() + timedelta(seconds=1))


def read(connection: Any, window: Window, object_: str = "Account", **more: Any) -> list[Page]:
    more.setdefault("fields", FIELDS)
    return list(connection.read(ReadRequest(object=object_, window=window, **more)))


def ids_of(pages: list[Page]) -> list[str]:
    return [row[page.columns.index("Id")] for page in pages for row in page.rows]


def fill(sandbox: Sandbox, count: int) -> list[str]:
    return [sandbox.org.put("Account", {"Name": f"Customer {n}"}) for n in range(count)]


def test_25000_records_of_one_instant_are_all_read(sandbox: Sandbox, open_: Any) -> None:
    sandbox.org.tick = timedelta(0)
    ids = fill(sandbox, 25_000)

    with open_(bulk_from=0) as connection:
        pages = read(connection, window_of(sandbox))

    assert ids_of(pages) == ids
    assert len(pages) == 13


@pytest.mark.parametrize("bulk_from", [0, 1])
def test_a_fifth_that_is_edited_while_it_is_read_is_not_lost(
    sandbox: Sandbox, open_: Any, bulk_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "PART_ROWS", 100)
    sandbox.org.page_size = 100
    ids = fill(sandbox, 1000)
    until = sandbox.org.now() + timedelta(seconds=1)
    with open_(bulk_from=bulk_from) as connection:
        found = []
        pages = connection.read(
            ReadRequest(object="Account", fields=FIELDS, window=Window(since=None, until=until))
        )
        for number, page in enumerate(pages):
            found += ids_of([page])
            for id_ in ids[number::50]:
                sandbox.org.edit("Account", id_, {"Name": "Edited"})
        late = ids_of(read(connection, window_of(sandbox, until)))

    assert set(found) | set(late) == set(ids)
    assert len(late) == 200


def test_a_cursor_that_expired_is_taken_up_where_it_stood(sandbox: Sandbox, open_: Any) -> None:
    sandbox.org.page_size = 3
    ids = fill(sandbox, 10)
    sandbox.moods.before("/query/01g", sandbox.queries.expire)

    with open_() as connection:
        pages = read(connection, window_of(sandbox))

    assert ids_of(pages) == ids


def test_a_change_that_was_committed_late_is_seen_by_a_later_window(
    sandbox: Sandbox, open_: Any
) -> None:
    sandbox.org.late = timedelta(seconds=90)
    id_ = fill(sandbox, 1)[0]

    with open_() as connection:
        early = ids_of(read(connection, window_of(sandbox)))
        sandbox.org.at += timedelta(seconds=90)
        late = ids_of(
            read(connection, window_of(sandbox, sandbox.org.now() - timedelta(minutes=10)))
        )

    assert (early, late) == ([], [id_])


def test_a_field_that_vanished_is_a_finding_and_the_others_are_read(
    sandbox: Sandbox, open_: Any
) -> None:
    ids = fill(sandbox, 2)
    with open_() as connection:
        connection.describe()
        del sandbox.org.schema["Account"].fields["Rating"]

        pages = read(connection, window_of(sandbox), fields=("Id", "Name", "Rating"))

    assert ids_of(pages) == ids
    assert [one.example for one in pages[-1].findings] == ["Account.Rating"]
    assert "Rating" not in pages[-1].columns


def test_an_object_that_the_account_lacks_is_a_finding(sandbox: Sandbox, open_: Any) -> None:
    del sandbox.org.schema["Order"]

    with open_() as connection:
        pages = read(connection, window_of(sandbox), object_="Order", fields=("Id",))

    assert [one.code for one in pages[0].findings] == ["salesforce.object_missing"]
    assert pages[0].complete


def test_a_server_that_knows_no_describe_is_read_all_the_same(
    sandbox: Sandbox, open_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = fill(sandbox, 2)
    with open_() as connection:
        monkeypatch.setattr(connection._client, "describe", lambda object_: None)

        pages = read(connection, window_of(sandbox))

    assert ids_of(pages) == ids


def test_all_fields_are_those_that_a_list_may_hold(sandbox: Sandbox, open_: Any) -> None:
    fill(sandbox, 1)

    with open_() as connection:
        columns = read(connection, window_of(sandbox), fields=())[0].columns

    assert "BillingCity" in columns
    assert "BillingAddress" not in columns


def test_more_fields_than_an_address_holds_are_read_by_a_job(sandbox: Sandbox, open_: Any) -> None:
    names = [f"Field_of_a_department_number_{number:03}__c" for number in range(400)]
    for name in names:
        spec = FieldSpec(name=name, type="string", length=80, writable=True)
        sandbox.org.schema["Account"].fields[name] = spec
    sandbox.org.put("Account", {"Name": "Acme", names[-1]: "last"})

    with open_(bulk_from=0) as connection:
        pages = read(connection, window_of(sandbox), fields=("Id", "Name", *names))

    (row,) = [row for page in pages for row in page.rows]
    assert "last" in row
    assert max(len(urlencode(one.query)) for one in sandbox.received) < 16_000


def test_records_of_more_fields_than_an_address_holds_are_looked_up(
    sandbox: Sandbox, open_: Any
) -> None:
    names = [f"Field_of_a_department_number_{number:03}__c" for number in range(400)]
    for name in names:
        spec = FieldSpec(name=name, type="string", length=80, writable=True)
        sandbox.org.schema["Account"].fields[name] = spec
    owner = sandbox.org.put("User", {"LastName": "Berger", "Email": "ann@example.com"})
    values = {"Name": "Acme", "OwnerId": owner, names[-1]: "last"}
    ids = [sandbox.org.put("Account", values) for _ in range(300)]
    fields = ("Owner.Name", *names, "Owner.Email")

    with open_() as connection:
        page = connection.read_by_ids("Account", ids, fields)

    assert [row[page.columns.index("Id")] for row in page.rows] == ids
    shown = [page.columns.index(one) for one in ("Owner.Name", names[-1], "Owner.Email")]
    ends = {tuple(row[at] for at in shown) for row in page.rows}
    assert ends == {("Berger", "last", "ann@example.com")}
    assert max(len(urlencode(one.query)) for one in sandbox.received) < 16_000


def test_a_parents_field_is_read_by_its_path(sandbox: Sandbox, open_: Any) -> None:
    owner = sandbox.org.put("User", {"LastName": "Berger", "Email": "ann@example.com"})
    sandbox.org.put("Account", {"Name": "Acme", "OwnerId": owner})

    with open_() as connection:
        page = read(connection, window_of(sandbox), fields=("Id", "Owner.Email"))[0]

    assert page.rows[0][page.columns.index("Owner.Email")] == "ann@example.com"


def test_ids_of_15_characters_find_their_records(sandbox: Sandbox, open_: Any) -> None:
    id_ = fill(sandbox, 2)[0]

    with open_() as connection:
        page = connection.read_by_ids("Account", [id_[:15]], FIELDS)

    assert ids_of([page]) == [id_]


def test_a_thousand_records_are_looked_up_in_addresses_that_are_not_too_long(
    sandbox: Sandbox, open_: Any
) -> None:
    ids = fill(sandbox, 1000)

    with open_() as connection:
        page = connection.read_by_ids("Account", ids, FIELDS)

    asked = [one for one in sandbox.received if "IN (" in one.query.get("q", "")]
    assert ids_of([page]) == ids
    assert len(asked) == 5
    assert max(len(one.query["q"]) for one in asked) < 8000


def test_a_merge_and_a_deletion_are_told_by_reading_the_records(
    sandbox: Sandbox, open_: Any
) -> None:
    ids = fill(sandbox, 3)
    sandbox.org.merge("Account", ids[0], ids[1])
    sandbox.org.delete("Account", ids[2])

    with open_() as connection:
        page = connection.read_by_ids("Account", ids, FIELDS)

    assert (ids_of([page]), page.merged, page.deleted) == (
        [ids[1]], [(ids[0], ids[1])], [ids[2]],
    )  # fmt: skip


def test_a_member_that_was_removed_is_missing_from_the_sweep(sandbox: Sandbox, open_: Any) -> None:
    campaign = sandbox.org.put("Campaign", {"Name": "Spring"})
    members = [
        sandbox.org.put("CampaignMember", {"CampaignId": campaign, "ContactId": contact})
        for contact in (sandbox.org.put("Contact", {"LastName": name}) for name in "AB")
    ]
    sandbox.org.delete("CampaignMember", members[0])

    with open_() as connection:
        found = [id_ for ids in connection.read_ids("CampaignMember") for id_ in ids]

    assert found == [members[1]]


@pytest.mark.parametrize(
    "mood",
    [
        Mood.BUSY, Mood.EDGE, Mood.HTML, Mood.ERROR, Mood.CONCURRENT, Mood.GATEWAY, Mood.TRUNCATED,
        Mood.TOO_MANY, Mood.TOO_MANY_UNTIL, Mood.TOO_MANY_BARE, Mood.EXPIRED, Mood.LOST,
    ],
)  # fmt: skip
def test_a_bad_answer_is_asked_for_again(sandbox: Sandbox, open_: Any, mood: Mood) -> None:
    sandbox.org.page_size = 2
    ids = fill(sandbox, 5)
    sandbox.moods.plan(mood, path="/query", after=2)

    with open_() as connection:
        assert ids_of(read(connection, window_of(sandbox))) == ids


def test_texts_of_a_look_up_cannot_change_the_query(sandbox: Sandbox, open_: Any) -> None:
    keys = ["O'Brien\\", "') OR Subject LIKE ('%", "new\nline", "50%_"]
    made = {key: sandbox.org.put("Event", {"crmbridge_key__c": key}) for key in keys}
    sandbox.org.put("Event", {"crmbridge_key__c": "another"})

    with open_() as connection:
        found = connection.find_by_keys("Event", "crmbridge_key__c", keys)

    assert found == {key: [id_] for key, id_ in made.items()}


def test_a_name_that_is_none_reaches_no_query(
    sandbox: Sandbox, open_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = fill(sandbox, 1)
    connection = open_()
    monkeypatch.setattr(connection._client, "describe", lambda object_: None)

    with pytest.raises(ConfigError, match="API name"):
        connection.read_by_ids("Account", ids, ("Name FROM User",))


def test_what_is_no_id_is_nobodys(open_: Any) -> None:
    with open_() as connection:
        page = connection.read_by_ids("Account", ["R01", "", "x" * 18, "') OR ('"], FIELDS)

    assert ids_of([page]) == []
