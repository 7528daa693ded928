"""What writing must survive of HubSpot in particular."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from crmbridge.adapters import (
    Connection,
    ErrorClass,
    Operation,
    Outcome,
    Status,
    WriteItem,
)
from crmbridge.errors import CannotError, ConfigError, QuotaError
from crmbridge_hubspot.sandbox import Mood, Sandbox
from crmbridge_hubspot.sandbox.request import Asked

Connect = Callable[..., Connection]
KEY = "crmbridge_visit_key"
START_AT = "2026-03-05T09:00:00Z"


@pytest.fixture(autouse=True)
def key(hub: Sandbox) -> None:
    hub.account.define("meetings", KEY, hasUniqueValue=True)


def update(id_: str, values: Mapping[str, Any], **more: Any) -> WriteItem:
    fields = {"item": f"i{id_}", "operation": Operation.UPDATE, "object": "contacts", **more}
    return WriteItem(id=id_, values=values, **fields)


def visit(number: int = 1, **values: Any) -> WriteItem:
    return WriteItem(
        item=f"i{number}",
        operation=Operation.CREATE,
        object="meetings",
        key=f"key-{number}",
        values={"kind": "visit", "busy": 1, "start_at": START_AT, **values},
    )


def member(operation: Operation, list_id: str, contact: str) -> WriteItem:
    values = {"campaign_id": list_id, "contact_id": contact}
    name = f"{operation.value}-{contact}"
    return WriteItem(item=name, operation=operation, object="list_memberships", values=values)


def by_item(outcomes: Any) -> dict[str, Outcome]:
    return {one.item: one for one in outcomes}


def writes(hub: Sandbox) -> Iterator[Asked]:
    return (one for one in hub.log if one.is_write)


def test_a_visit_stands_as_a_meeting_with_its_links(hub: Sandbox, connect: Connect) -> None:
    """Its fields by HubSpot's names, at its place in the timeline, on company and contact."""
    company, contact = hub.account.put("companies", {}), hub.account.put("contacts", {})
    item = visit(subject="Visit Lee", status="planned", customer_id=company, contact_id=contact)

    outcome = connect().write([item])[0]

    held = hub.account.held("meetings")[outcome.id]
    assert held["hs_meeting_title"] == "Visit Lee"
    assert held["hs_meeting_outcome"] == "SCHEDULED"
    assert held["hs_timestamp"] == held["hs_meeting_start_time"] == START_AT
    assert held[KEY] == "key-1"
    assert company in hub.account.links["meetings", outcome.id, "companies"]
    assert contact in hub.account.links["meetings", outcome.id, "contacts"]


def test_a_visits_parent_is_its_customer(hub: Sandbox, connect: Connect) -> None:
    """The host names it there, since links are read by themselves."""
    company = hub.account.put("companies", {})
    item = visit()
    item = WriteItem(
        item=item.item, operation=item.operation, object="meetings", key=item.key,
        values=item.values, parent=company,
    )  # fmt: skip

    outcome = connect().write([item])[0]

    assert company in hub.account.links["meetings", outcome.id, "companies"]


def test_a_link_that_cannot_be_made_is_told(hub: Sandbox, connect: Connect) -> None:
    """The meeting is there: a second try would not help."""
    outcome = connect().write([visit(customer_id="99999")])[0]

    assert outcome.status is Status.APPLIED
    assert "not linked" in outcome.error


def test_a_link_that_fails_for_now_is_tried_again(hub: Sandbox, connect: Connect) -> None:
    """The upsert finds its first try by the key."""
    company, connection = hub.account.put("companies", {}), connect()
    hub.moods.plan(Mood.LOCKED, "/associate/", times=10)
    first = connection.write([visit(customer_id=company)])[0]
    hub.moods.heal()

    second = connection.write([visit(customer_id=company)])[0]

    assert (first.status, first.error_class) == (Status.REJECTED, ErrorClass.TRANSIENT)
    assert second.status is Status.APPLIED
    assert list(hub.account.links["meetings", second.id, "companies"]) == [company]
    assert len(hub.account.held("meetings")) == 1


def test_a_drop_after_the_write_makes_no_second_meeting(hub: Sandbox, connect: Connect) -> None:
    """The same request again is the same meeting."""
    hub.moods.plan(Mood.LOST)

    outcomes = connect().write([visit(1), visit(2)])

    assert {one.status for one in outcomes} == {Status.APPLIED}
    assert len(hub.account.held("meetings")) == 2


def test_half_of_a_batch_fails_by_itself(hub: Sandbox, connect: Connect) -> None:
    """207: each has its own verdict by its trace id."""
    hub.moods.plan(Mood.HALF)

    outcomes = by_item(connect().write([visit(number) for number in range(4)]))

    statuses = [outcomes[f"i{number}"].status for number in range(4)]
    assert statuses == [Status.APPLIED, Status.REJECTED] * 2
    assert len(hub.account.held("meetings")) == 2


def test_every_input_bears_its_trace(hub: Sandbox, connect: Connect) -> None:
    """Without them one bad row would refuse the whole batch."""
    connect().write([visit(1), visit(2)])

    inputs = next(writes(hub)).json()["inputs"]
    assert [one["objectWriteTraceId"] for one in inputs] == ["i1", "i2"]


def test_a_bad_row_is_found_among_a_hundred(hub: Sandbox, connect: Connect) -> None:
    """HubSpot refuses the batch whole, and says no word of which."""
    ids = [hub.account.put("contacts", {}) for _ in range(100)]
    items = [update(id_, {"jobtitle": f"Job {id_}"}) for id_ in ids]
    items[37] = update(ids[37], {"annualrevenue": "a lot"})

    outcomes = by_item(connect().write(items))

    bad = [name for name, one in outcomes.items() if one.status is Status.REJECTED]
    assert bad == [f"i{ids[37]}"]
    assert len(outcomes) == 100
    assert "a lot" not in outcomes[bad[0]].error
    assert len(list(writes(hub))) <= 15


def test_a_missing_property_stops_all(hub: Sandbox, connect: Connect) -> None:
    """Every item would fail: it is the settings' fault."""
    ids = [hub.account.put("contacts", {}) for _ in range(3)]

    with pytest.raises(ConfigError, match="PROPERTY_DOESNT_EXIST"):
        connect().write([update(id_, {"no_such": "x"}) for id_ in ids])


def test_a_missing_key_property_stops_all(hub: Sandbox, connect: Connect) -> None:
    """Its values must be unique, or a retry could double a visit."""
    hub.account.define("meetings", KEY, hasUniqueValue=False)

    with pytest.raises(ConfigError):
        connect().write([visit()])


def test_equal_values_are_not_sent(hub: Sandbox, connect: Connect) -> None:
    """Numbers come back as texts, instants with milliseconds."""
    held = {"annualrevenue": "71", "jobtitle": "Buyer", "at": "2026-03-05T09:00:00.000Z"}
    id_ = hub.account.put("contacts", held)

    wanted = {"annualrevenue": 71.0, "jobtitle": " Buyer ", "at": START_AT}
    outcome = connect().write([update(id_, wanted)])[0]

    assert outcome.status is Status.UNCHANGED
    assert list(writes(hub)) == []


def test_zero_is_not_nothing(hub: Sandbox, connect: Connect) -> None:
    """An empty score that becomes 0 is a change."""
    id_ = hub.account.put("contacts", {"annualrevenue": None})

    assert connect().write([update(id_, {"annualrevenue": 0})])[0].status is Status.APPLIED


def test_a_merged_record_names_its_survivor(hub: Sandbox, connect: Connect) -> None:
    """Nothing is written to a loser, nor to the winner unasked."""
    loser, winner = (hub.account.put("contacts", {}) for _ in range(2))
    hub.account.merge("contacts", loser, winner)

    outcome = connect().write([update(loser, {"jobtitle": "Buyer"})])[0]

    assert (outcome.status, outcome.survivor) == (Status.REJECTED, winner)
    assert list(writes(hub)) == []


def test_clearing_sends_the_empty_text(hub: Sandbox, connect: Connect) -> None:
    """Null is refused or ignored."""
    id_ = hub.account.put("contacts", {"jobtitle": "Buyer"})

    connect().write([update(id_, {"jobtitle": None}, operation=Operation.CLEAR)])

    assert next(writes(hub)).json()["inputs"][0]["properties"] == {"jobtitle": ""}
    assert hub.account.held("contacts")[id_]["jobtitle"] is None


def test_a_value_that_must_be_unique_is_refused_alone(hub: Sandbox, connect: Connect) -> None:
    """409 refuses the batch: the item to blame is found."""
    hub.account.put("contacts", {"email": "a@example.com"})
    first, second = (hub.account.put("contacts", {}) for _ in range(2))
    items = [update(first, {"email": "a@example.com"}), update(second, {"jobtitle": "Buyer"})]

    outcomes = by_item(connect().write(items))

    assert outcomes[f"i{first}"].status is Status.REJECTED
    assert outcomes[f"i{second}"].status is Status.APPLIED


def test_a_meeting_that_a_person_moved_is_not_moved_back(hub: Sandbox, connect: Connect) -> None:
    """What we expect is told by our names, what is there by HubSpot's."""
    connection = connect()
    id_ = connection.write([visit()])[0].id
    moved = {"start_at": "2026-03-06T09:00:00Z"}
    ours = update(id_, moved, object="meetings", key="key-1", expected={"start_at": START_AT})
    hub.account.edit("meetings", id_, {"hs_meeting_start_time": "2026-03-09T09:00:00Z"})

    outcome = connection.write([ours])[0]

    assert outcome.status is Status.CONFLICT


def test_a_meeting_is_moved(hub: Sandbox, connect: Connect) -> None:
    """Where nobody did."""
    connection = connect()
    id_ = connection.write([visit(status="planned")])[0].id
    values = {"start_at": "2026-03-06T09:00:00Z", "status": "cancelled"}
    expected = {"start_at": START_AT, "status": "planned"}

    outcome = connection.write(
        [update(id_, values, object="meetings", key="key-1", expected=expected)]
    )[0]

    held = hub.account.held("meetings")[id_]
    assert outcome.status is Status.APPLIED
    assert held["hs_meeting_start_time"] == values["start_at"]
    assert held["hs_timestamp"] == values["start_at"]
    assert held["hs_meeting_outcome"] == "CANCELED"


def test_members_are_added_to_lists_that_are_kept_by_hand(hub: Sandbox, connect: Connect) -> None:
    """One call for all; who is there already, and who does not exist, is told."""
    list_id = hub.account.add_list("Fair")
    ids = [hub.account.put("contacts", {}) for _ in range(3)]
    connection = connect()
    connection.write([member(Operation.ADD_MEMBER, list_id, ids[0])])
    hub.log.clear()

    outcomes = by_item(
        connection.write([member(Operation.ADD_MEMBER, list_id, one) for one in (*ids, "99999")])
    )

    statuses = [outcomes[f"add_member-{one}"].status for one in (*ids, "99999")]
    applied = Status.APPLIED
    assert statuses == [Status.UNCHANGED, applied, applied, Status.REJECTED]
    assert len(hub.log) == 1


def test_a_list_that_fills_itself_takes_nobody(hub: Sandbox, connect: Connect) -> None:
    """It is refused with HubSpot's reason, and nothing is sent again and again."""
    list_id = hub.account.add_list("Filter", processing="DYNAMIC")
    contact = hub.account.put("contacts", {})

    outcome = connect().write([member(Operation.ADD_MEMBER, list_id, contact)])[0]

    assert outcome.status is Status.REJECTED
    assert "VALIDATION_ERROR" in outcome.error


def test_a_campaign_takes_no_member(connect: Connect) -> None:
    """HubSpot offers no way, and we do not pretend one."""
    pair = {"campaign_id": "1", "contact_id": "2"}
    item = WriteItem(item="i", operation=Operation.ADD_MEMBER, object="campaigns", values=pair)

    with pytest.raises(CannotError):
        connect().write([item])


def test_the_days_limit_stops_before_anything_is_written(hub: Sandbox, connect: Connect) -> None:
    """It is renewed at midnight of the account's zone: no second try."""
    id_ = hub.account.put("contacts", {})
    hub.moods.plan(Mood.DAILY)

    with pytest.raises(QuotaError):
        connect().write([update(id_, {"jobtitle": "Buyer"})])

    assert len(hub.log) == 1


@pytest.mark.parametrize(
    ("value", "normal"),
    [
        (" Buyer ", "Buyer"), (71.0, 71), ("71", 71), ("71.5", 71.5), ("00123", "00123"),
        (True, "true"), (["b", "a"], "b;a"), ("N/A", "N/A"), (None, None), ("", ""),
        ("2026-03-05T10:00:00+01:00", START_AT), ("2026-03-05T09:00:00.000Z", START_AT),
        ("1e5", "1e5"),
    ],
)  # fmt: skip
def test_values_compare_as_hubspot_holds_them(connect: Connect, value: Any, normal: Any) -> None:
    """What is wanted and what comes back are one value, or every run would write again."""
    assert connect().normalise("companies", "any", value) == normal
