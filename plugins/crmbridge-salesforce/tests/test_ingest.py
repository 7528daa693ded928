"""Many rows go as one job: each has its verdict, and no crash doubles or loses one."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pytest

from crmbridge.adapters import ErrorClass, Operation, Outcome, Status, WriteItem
from crmbridge.errors import ConfigError, QuotaError
from crmbridge_salesforce.ingest import Ingest, Load, failed_result
from crmbridge_salesforce.sandbox import Mood, Sandbox

KEY = "crmbridge_key__c"
COUNT = 250


def visits(count: int = COUNT, **values: Any) -> list[WriteItem]:
    """New visits, one a minute."""
    return [
        WriteItem(
            item=f"i{n}",
            operation=Operation.CREATE,
            object="Event",
            key=f"visit-{n}",
            values={
                "subject": f'Visit "{n}", late\nagain',
                "start_at": f"2026-03-04T09:{n % 60:02}:00Z",
                "end_at": "2026-03-04T11:00:00Z",
                "busy": 1,
                **values,
            },
        )
        for n in range(count)
    ]


def phones(ids: Sequence[str], value: Any = "1", **more: Any) -> list[WriteItem]:
    """Changes of accounts."""
    operation = Operation.CLEAR if value is None else Operation.UPDATE
    return [
        WriteItem(
            item=f"i{n}",
            operation=operation,
            object="Account",
            id=id_,
            values={"Phone": value},
            **more,
        )
        for n, id_ in enumerate(ids)
    ]


def accounts(sandbox: Sandbox, count: int = COUNT) -> list[str]:
    return [
        sandbox.org.put("Account", {"Name": f"Customer {n}", "Phone": "0"}) for n in range(count)
    ]


def write(open_: Any, items: Sequence[WriteItem], **settings: Any) -> dict[str, Outcome]:
    with open_(**settings) as connection:
        outcomes = connection.write(items)
    assert sorted(one.item for one in outcomes) == sorted(one.item for one in items)
    return {one.item: one for one in outcomes}


def statuses(outcomes: dict[str, Outcome]) -> dict[Status, int]:
    return dict(Counter(one.status for one in outcomes.values()))


def asked(sandbox: Sandbox, part: str) -> int:
    return sum(part in line for line in sandbox.log)


def test_many_new_records_go_by_one_job(sandbox: Sandbox, open_: Any) -> None:
    outcomes = write(open_, visits())

    held = sandbox.org.held("Event")
    assert statuses(outcomes) == {Status.APPLIED: COUNT}
    assert {held[one.id][KEY] for one in outcomes.values()} == {f"visit-{n}" for n in range(COUNT)}
    assert held[outcomes["i7"].id]["Subject"] == 'Visit "7", late\nagain'
    assert (len(sandbox.bulk.jobs), asked(sandbox, "composite")) == (1, 0)


def test_each_row_of_a_job_has_its_own_verdict(sandbox: Sandbox, open_: Any) -> None:
    ids, org = accounts(sandbox), sandbox.org
    items = phones(ids, expected={"Phone": "0"})
    items[0] = phones(ids[:1], "x" * 60)[0]  # longer than the field
    org.edit("Account", ids[1], {"Phone": "a person's"})
    org.merge("Account", ids[2], ids[3])
    org.edit("Account", ids[4], {"Phone": "1"})

    outcomes = write(open_, [*items[:4], phones(ids)[4], *items[5:]])

    assert statuses(outcomes) == {
        Status.APPLIED: COUNT - 4,
        Status.REJECTED: 2,
        Status.CONFLICT: 1,
        Status.UNCHANGED: 1,
    }
    assert (outcomes["i0"].error_class, outcomes["i0"].status) == (
        ErrorClass.RECORD,
        Status.REJECTED,
    )
    assert "STRING_TOO_LONG" in outcomes["i0"].error
    assert outcomes["i2"].survivor == ids[3]
    assert org.held("Account")[ids[1]]["Phone"] == "a person's"


def test_a_field_is_emptied_by_a_job_only_where_that_is_asked_for(
    sandbox: Sandbox, open_: Any
) -> None:
    ids = accounts(sandbox)
    items = phones(ids, None)
    other = WriteItem(
        item="o",
        operation=Operation.CLEAR,
        object="Account",
        id=sandbox.org.put("Account", {"Name": "Acme", "Phone": "0", "Rating": "Hot"}),
        values={"Rating": None},
    )

    write(open_, [*items, other])

    held = sandbox.org.held("Account")
    assert {held[id_]["Phone"] for id_ in ids} == {None}
    assert (held[other.id]["Phone"], held[other.id]["Rating"]) == ("0", None)


def test_our_own_records_are_deleted_by_a_job_unless_a_person_changed_them(
    sandbox: Sandbox, open_: Any
) -> None:
    made = write(open_, visits())
    sandbox.org.edit("Event", made["i0"].id, {"Subject": "Do not touch"})
    sandbox.org.delete("Event", made["i1"].id)
    items = [
        WriteItem(
            item=name,
            operation=Operation.DELETE,
            object="Event",
            id=one.id,
            expected={"location": None, **({"subject": "Visit"} if name == "i0" else {})},
        )
        for name, one in made.items()
    ]

    outcomes = write(open_, items)

    assert statuses(outcomes) == {
        Status.APPLIED: COUNT - 2,
        Status.CONFLICT: 1,
        Status.UNCHANGED: 1,
    }
    assert set(sandbox.org.held("Event")) == {made["i0"].id}


def test_a_job_that_takes_too_long_is_taken_up_by_another_process(
    sandbox: Sandbox, open_: Any
) -> None:
    sandbox.bulk.polls = 10**6
    first = write(open_, visits())
    for job in sandbox.bulk.jobs.values():
        job.polls = 0
    sandbox.log.clear()

    handles = {one.handle for one in first.values()}

    with open_() as connection:
        outcomes = [out for handle in handles for out in connection.resume(handle)]

    assert statuses(first) == {Status.UNKNOWN: COUNT}
    assert {one.item: one.status for one in outcomes} == dict.fromkeys(first, Status.APPLIED)
    assert {one.id for one in outcomes} == set(sandbox.org.held("Event"))
    assert asked(sandbox, "successfulResults") == 1


def test_a_job_that_still_is_not_over_is_waited_for_once(sandbox: Sandbox, open_: Any) -> None:
    sandbox.bulk.polls = 10**6
    handles = {one.handle for one in write(open_, visits()).values()}
    sandbox.log.clear()

    with open_() as connection:
        again = [out for handle in handles for out in connection.resume(handle)]

    assert {one.status for one in again} == {Status.UNKNOWN}
    assert ({one.handle for one in again}, len(again)) == (handles, COUNT)
    assert asked(sandbox, "jobs/ingest") < 100


def test_a_job_that_salesforce_forgot_is_left_to_a_look_up(sandbox: Sandbox, open_: Any) -> None:
    sandbox.bulk.polls = 10**6
    handle = write(open_, visits())["i3"].handle
    sandbox.bulk.jobs.clear()

    with open_() as connection:
        outcomes = {one.item: one for one in connection.resume(handle)}

    assert (outcomes["i3"].status, outcomes["i3"].handle) == (Status.UNKNOWN, "")


@pytest.mark.parametrize("at", ["finish", "_awaited"])
def test_a_crash_anywhere_in_a_job_doubles_nothing(
    sandbox: Sandbox, open_: Any, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    class DiedError(BaseException):
        pass

    def die(*args: Any) -> None:
        raise DiedError

    with monkeypatch.context() as patch:
        patch.setattr(Ingest, at, die)  # before the job is closed, and after
        with pytest.raises(DiedError):
            write(open_, visits())
        landed = len(sandbox.org.held("Event"))

    outcomes = write(open_, visits())

    keys = [one[KEY] for one in sandbox.org.held("Event").values()]
    assert landed == (0 if at == "finish" else COUNT)
    assert statuses(outcomes) == {Status.APPLIED: COUNT}
    assert len(keys) == len(set(keys)) == COUNT


def test_a_lost_answer_to_the_closing_is_asked_about(sandbox: Sandbox, open_: Any) -> None:
    sandbox.moods.plan(Mood.LOST, path="/jobs/ingest/", method="PATCH")

    outcomes = write(open_, visits())

    assert statuses(outcomes) == {Status.APPLIED: COUNT}
    assert (len(sandbox.org.held("Event")), len(sandbox.bulk.jobs)) == (COUNT, 1)


@pytest.mark.parametrize("path", ["/batches", "/jobs/ingest"])
def test_a_job_that_could_not_be_filled_wrote_nothing(
    sandbox: Sandbox, open_: Any, path: str
) -> None:
    sandbox.moods.plan(Mood.LIMIT, path=path, times=1)

    with pytest.raises(QuotaError):
        write(open_, visits())

    assert sandbox.org.held("Event") == {}
    assert {job.state for job in sandbox.bulk.jobs.values()} <= {"Aborted"}


def test_results_that_cannot_be_fetched_leave_a_handle(sandbox: Sandbox, open_: Any) -> None:
    sandbox.moods.plan(Mood.LIMIT, path="failedResults")

    outcomes = write(open_, visits())
    with open_() as connection:
        again = connection.resume(outcomes["i0"].handle)

    assert statuses(outcomes) == {Status.UNKNOWN: COUNT}
    assert again[0].status is Status.APPLIED


def test_what_a_job_never_tried_may_be_sent_again(sandbox: Sandbox, open_: Any) -> None:
    sandbox.bulk.stops_after = 100

    outcomes = write(open_, visits())

    left = [one for one in outcomes.values() if one.status is Status.REJECTED]
    assert statuses(outcomes) == {Status.APPLIED: 100, Status.REJECTED: COUNT - 100}
    assert {one.error_class for one in left} == {ErrorClass.TRANSIENT}


def test_rows_that_a_job_found_locked_are_sent_alone(sandbox: Sandbox, open_: Any) -> None:
    ids = accounts(sandbox)
    sandbox.org.locked.update(ids[:3])
    sandbox.moods.before("/composite", lambda: sandbox.org.locked.difference_update(ids[:2]))

    outcomes = write(open_, phones(ids))

    assert statuses(outcomes) == {Status.APPLIED: COUNT - 1, Status.REJECTED: 1}
    assert outcomes["i2"].error_class is ErrorClass.TRANSIENT


def test_rows_of_one_parent_stand_together(sandbox: Sandbox, open_: Any) -> None:
    ids = accounts(sandbox, 5)
    items = [
        WriteItem(
            item=one.item,
            operation=one.operation,
            object=one.object,
            key=one.key,
            values={**one.values, "customer_id": ids[n % 5]},
            parent=ids[n % 5],
        )
        for n, one in enumerate(visits())
    ]

    write(open_, items)

    (job,) = sandbox.bulk.jobs.values()
    rows = csv.DictReader(io.StringIO(job.upload.decode()))
    assert len(list(groupby(row["WhatId"] for row in rows))) == len(ids)


def test_who_may_start_no_job_writes_by_collections(sandbox: Sandbox, open_: Any) -> None:
    sandbox.bulk.is_off = True

    outcomes = write(open_, visits())

    assert statuses(outcomes) == {Status.APPLIED: COUNT}
    assert asked(sandbox, "composite") == 2


def test_what_csv_cannot_say_goes_by_collections(sandbox: Sandbox, open_: Any) -> None:
    ids = accounts(sandbox)

    write(open_, [*phones(ids[:1], "#N/A"), *phones(ids)[1:]])

    assert sandbox.org.held("Account")[ids[0]]["Phone"] == "#N/A"
    assert sandbox.bulk.jobs == {}


def test_little_that_is_left_after_comparing_takes_no_job(sandbox: Sandbox, open_: Any) -> None:
    ids = accounts(sandbox)
    for id_ in ids[100:]:
        sandbox.org.edit("Account", id_, {"Phone": "1"})

    outcomes = write(open_, phones(ids))

    assert statuses(outcomes) == {Status.APPLIED: 100, Status.UNCHANGED: COUNT - 100}
    assert sandbox.bulk.jobs == {}


def test_exact_writes_of_accounts_take_no_job(sandbox: Sandbox, open_: Any) -> None:
    ids = accounts(sandbox, 201)

    outcomes = write(open_, phones(ids), exact=True)

    assert statuses(outcomes) == {Status.APPLIED: 201}
    assert sandbox.bulk.jobs == {}


def test_an_upload_that_would_be_too_long_is_cut(
    sandbox: Sandbox, open_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crmbridge_salesforce.write.MOST_BYTES", 10_000)

    outcomes = write(open_, visits())

    assert statuses(outcomes) == {Status.APPLIED: COUNT}
    assert len(sandbox.bulk.jobs) == 4
    assert max(len(job.upload) for job in sandbox.bulk.jobs.values()) <= 10_000


def test_nothing_is_created_by_a_job_where_it_could_not_be_found_again(
    sandbox: Sandbox, open_: Any
) -> None:
    del sandbox.org.schema["Event"].fields[KEY]

    with pytest.raises(ConfigError, match="doctor --fix"):
        write(open_, visits())
    assert sandbox.bulk.jobs == {}


def test_a_failure_is_read_with_colons_in_its_message() -> None:
    found = failed_result("FIELD_CUSTOM_VALIDATION_EXCEPTION:Hours: 8:00 to 17:00:Name --")

    error = found["errors"][0]
    assert error["statusCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert error["message"] == "Hours: 8:00 to 17:00:Name"


@pytest.mark.parametrize("value", ["#N/A", "", "nul\0", float("nan"), float("inf")])
def test_values_that_would_change_their_meaning_are_not_fit(value: Any) -> None:
    item = visits(1)[0]
    row = {"Id": "1", "Phone": value}

    assert not Load(object="A", operation=Operation.UPDATE, key="Id", rows=[(item, row)]).is_fit()


def test_two_rows_of_one_record_are_not_fit_for_a_job() -> None:
    item = visits(1)[0]
    rows = [(item, {"Id": "1"}), (item, {"Id": "1"})]

    assert not Load(object="A", operation=Operation.UPDATE, key="Id", rows=rows).is_fit()
