"""The CRM in memory behaves as the adapter contract says."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from crmbridge.adapters import (
    Connection,
    Context,
    Deletes,
    Operation,
    Page,
    Reading,
    ReadRequest,
    Status,
    Window,
    WriteItem,
)
from crmbridge.clock import FixedClock
from crmbridge.errors import CannotError, QuotaError, UnknownOutcomeError, UsageError
from crmbridge.testing.faults import Fault
from crmbridge.testing.memory import MemorySettings, memory_adapter, memory_capabilities
from crmbridge.testing.truth import START, MemoryCrm


class _Log:
    def debug(self, event: str, **facts: object) -> None:
        logging.debug(event)

    info = warning = debug


def _open(crm: MemoryCrm, **changes: object) -> Connection:
    adapter = memory_adapter(crm, memory_capabilities(**changes))
    here = Path()
    context = Context(
        connection="sales", base=here, folder=here, clock=FixedClock(START), log=_Log()
    )
    return adapter.open(MemorySettings(), context)


def _crm(customers: int = 7) -> MemoryCrm:
    crm = MemoryCrm()
    for number in range(customers):
        crm.put("Account", {"name": f"Customer {number}"})
    return crm


def _request(crm: MemoryCrm, **changes: object) -> ReadRequest:
    until = crm.clock.now() + timedelta(seconds=1)
    window = Window(since=None, until=until)
    values = {"object": "Account", "fields": ("name",), "window": window} | changes
    return ReadRequest(**values)  # type: ignore[arg-type]


def _names(pages: list[Page]) -> list[str]:
    return [row[3] for page in pages for row in page.rows]


def test_a_window_is_read_in_pages_and_the_last_one_is_complete() -> None:
    crm = _crm(7)

    pages = list(_open(crm).read(_request(crm)))

    assert [len(page.rows) for page in pages] == [3, 3, 1]
    assert [page.complete for page in pages] == [False, False, True]


def test_reading_goes_on_from_a_committed_position_of_the_same_window() -> None:
    crm = _crm(7)
    request = _request(crm)
    first = next(_open(crm).read(request))

    rest = list(_open(crm).read(_request(crm, position=first.position, window=request.window)))

    assert _names(rest) == [f"Customer {number}" for number in range(3, 7)]


def test_a_late_change_is_invisible_at_first_and_dated_in_the_past() -> None:
    crm = _crm(0)
    crm.late = timedelta(minutes=10)
    crm.put("Account", {"name": "Late"})
    request = _request(crm)

    before = _names(list(_open(crm).read(request)))
    crm.clock.sleep(600)
    after = _names(list(_open(crm).read(request)))

    assert (before, after) == ([], ["Late"])


def test_a_token_read_gives_only_what_changed_since() -> None:
    crm = _crm(4)
    connection = _open(crm, reading=Reading.TOKEN)
    last = list(connection.read(_request(crm, window=None)))[-1]
    crm.edit("Account", "Account-2", {"name": "Changed"})
    crm.delete("Account", "Account-3")

    page = next(connection.read(_request(crm, window=None, position=last.position)))

    assert _names([page]) == ["Changed"]
    assert list(page.deleted) == ["Account-3"]


def test_an_unchanged_snapshot_gives_no_page_at_all() -> None:
    crm = _crm(4)
    connection = _open(crm, reading=Reading.SNAPSHOT, deletes=Deletes.ABSENCE)
    pages = list(connection.read(_request(crm, window=None)))

    again = list(connection.read(_request(crm, window=None, position=pages[-1].position)))

    assert [page.closed for page in pages] == [False, True]
    assert again == []


def test_a_merge_names_loser_and_winner() -> None:
    crm = _crm(3)
    crm.merge("Account", "Account-1", "Account-2")

    pages = list(_open(crm).read(_request(crm)))

    assert [pair for page in pages for pair in page.merged] == [("Account-1", "Account-2")]


def _visit(item: str, key: str) -> WriteItem:
    return WriteItem(
        item=item,
        operation=Operation.CREATE,
        object="Event",
        key=key,
        values={"subject": "Visit"},
    )


def test_a_unique_key_keeps_a_second_create_from_doubling() -> None:
    crm = MemoryCrm()
    connection = _open(crm)

    first = connection.write([_visit("1", "key-a")])
    second = connection.write([_visit("2", "key-a")])

    assert [first[0].status, second[0].status] == [Status.APPLIED, Status.UNCHANGED]
    assert len(crm.held("Event")) == 1


def test_without_a_unique_key_a_blind_repeat_doubles() -> None:
    crm = MemoryCrm()
    connection = _open(crm, key_is_unique=False)

    connection.write([_visit("1", "key-a")])
    connection.write([_visit("2", "key-a")])

    assert len(connection.find_by_keys("Event", "visit_key", ["key-a"])["key-a"]) == 2


def test_a_dropped_answer_is_unknown_although_the_item_landed() -> None:
    crm = MemoryCrm()
    crm.faults.fail("write", Fault.DROP_AFTER_WRITE)

    outcome = _open(crm).write([_visit("1", "key-a")])[0]

    assert outcome.status is Status.UNKNOWN
    assert len(crm.held("Event")) == 1


def test_a_write_that_raises_may_have_landed() -> None:
    crm = MemoryCrm()
    crm.faults.fail("write", Fault.RAISE_AFTER_WRITE)

    with pytest.raises(UnknownOutcomeError):
        _open(crm).write([_visit("1", "key-a")])

    assert len(crm.held("Event")) == 1


def test_half_a_batch_is_rejected() -> None:
    crm = MemoryCrm()
    crm.faults.fail("write", Fault.HALF_REJECTED)

    outcomes = _open(crm).write([_visit(str(number), str(number)) for number in range(4)])

    assert [one.status for one in outcomes] == [Status.APPLIED, Status.REJECTED] * 2


def test_an_update_whose_expected_value_is_gone_is_a_conflict() -> None:
    crm = _crm(1)
    item = WriteItem(
        item="1",
        operation=Operation.UPDATE,
        object="Account",
        id="Account-1",
        values={"Segment__c": "A"},
        expected={"name": "Somebody else"},
    )

    outcome = _open(crm).write([item])[0]

    assert outcome.status is Status.CONFLICT
    assert crm.held("Account")["Account-1"] == {"name": "Customer 0"}


def test_a_planned_quota_error_stops_the_second_page() -> None:
    crm = _crm(7)
    crm.faults.fail("read", Fault.QUOTA, after=1)
    pages = _open(crm).read(_request(crm))
    next(pages)

    with pytest.raises(QuotaError) as caught:
        next(pages)

    assert caught.value.resume_at == crm.clock.now() + timedelta(hours=1)


def test_an_action_before_a_call_changes_the_truth_between_two_pages() -> None:
    crm = _crm(4)
    pages = _open(crm).read(_request(crm))
    next(pages)
    crm.faults.before("read", lambda: crm.delete("Account", "Account-4"))

    assert _names(list(pages)) == []


def test_what_is_not_declared_cannot_be_called() -> None:
    connection = _open(_crm(), reads_ids=False)

    with pytest.raises(CannotError):
        list(connection.read_ids("Account"))


def test_a_batch_larger_than_declared_is_refused_whole() -> None:
    crm = MemoryCrm()

    with pytest.raises(UsageError):
        _open(crm).write([_visit(str(number), str(number)) for number in range(11)])

    assert crm.held("Event") == {}


def test_normalise_says_what_is_kept() -> None:
    crm = _crm(1)
    connection = _open(crm)
    values = {"Visit_Score__c": 0.12345, "Segment__c": " A "}

    crm.edit("Account", "Account-1", values)

    held = crm.held("Account")["Account-1"]
    for name, value in values.items():
        assert held[name] == connection.normalise("Account", name, value)
