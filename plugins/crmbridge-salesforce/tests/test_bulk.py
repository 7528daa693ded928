"""Bulk API 2.0: every row once, whatever happens to a download."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crmbridge.adapters import ReadRequest, Window
from crmbridge.errors import RetryLaterError
from crmbridge_salesforce import bulk
from crmbridge_salesforce.sandbox import Mood, Sandbox


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many parts of a few records."""
    monkeypatch.setattr(bulk, "PART_ROWS", 50)
    monkeypatch.setattr(bulk, "PAGE_ROWS", 20)


def fill(sandbox: Sandbox, count: int = 240) -> list[str]:
    return [sandbox.org.put("Account", {"Name": f"Customer {n}"}) for n in range(count)]


def request_of(sandbox: Sandbox, position: Any = None) -> ReadRequest:
    until = sandbox.org.now() + timedelta(seconds=1)
    return ReadRequest(
        object="Account",
        fields=("Id", "Name"),
        window=Window(since=None, until=until),
        position=position or {},
    )


def ids_of(pages: Any) -> list[str]:
    return [row[0] for page in pages for row in page.rows]


def test_a_401_a_429_and_a_reset_in_one_download_give_every_row_once(
    sandbox: Sandbox, open_: Any, tmp_path: Path
) -> None:
    ids = fill(sandbox)
    for after, mood in ((1, Mood.EXPIRED), (2, Mood.TOO_MANY), (3, Mood.TRUNCATED)):
        sandbox.moods.plan(mood, path="/results", after=after)

    with open_(bulk_from=100) as connection:
        found = ids_of(connection.read(request_of(sandbox)))

    assert found == ids
    assert list(tmp_path.glob("bulk-*")) == []


def test_a_small_window_takes_no_job(sandbox: Sandbox, open_: Any) -> None:
    fill(sandbox, 99)

    with open_(bulk_from=100) as connection:
        found = ids_of(connection.read(request_of(sandbox)))

    assert len(found) == 99
    assert sandbox.bulk.jobs == {}


def test_a_reader_that_died_goes_on_with_the_same_job(sandbox: Sandbox, open_: Any) -> None:
    ids = fill(sandbox)
    request = request_of(sandbox)
    with open_(bulk_from=1) as connection:
        pages = connection.read(request)
        first = [next(pages) for _ in range(3)]  # 20, 20 and 10 rows: the first part is whole
    again = request_of(sandbox, first[-1].position)

    with open_(bulk_from=1) as connection:
        rest = list(connection.read(again))

    assert [page.closed for page in first] == [False, False, True]
    assert ids_of(first) + ids_of(rest) == ids
    assert len(sandbox.bulk.jobs) == 1


def test_a_job_that_is_gone_is_started_anew(sandbox: Sandbox, open_: Any) -> None:
    ids = fill(sandbox)
    request = request_of(sandbox)
    with open_(bulk_from=1) as connection:
        first = [page for page, _ in zip(connection.read(request), range(3), strict=False)]
        sandbox.bulk.jobs.clear()

        rest = list(connection.read(request_of(sandbox, first[-1].position)))

    assert ids_of(rest) == ids


def test_a_number_of_rows_that_does_not_agree_is_not_believed(
    sandbox: Sandbox, open_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sandbox)
    part = sandbox.bulk._part

    def lying(job: Any, received: Any) -> Any:
        answer = part(job, received)
        answer.headers["Sforce-NumberOfRecords"] = "51"
        return answer

    monkeypatch.setattr(
        type(sandbox.bulk), "_part", lambda self, job, received: lying(job, received)
    )
    with open_(bulk_from=1) as connection, pytest.raises(RetryLaterError, match="51 rows"):
        list(connection.read(request_of(sandbox)))


def test_a_job_that_failed_for_a_while_is_for_later(sandbox: Sandbox, open_: Any) -> None:
    fill(sandbox)
    sandbox.bulk.fails = "Retried more than 15 times"

    with open_(bulk_from=1) as connection, pytest.raises(RetryLaterError, match="15 times"):
        list(connection.read(request_of(sandbox)))


def test_an_account_without_bulk_jobs_is_read_page_by_page(sandbox: Sandbox, open_: Any) -> None:
    ids = fill(sandbox)
    sandbox.bulk.fails = "InvalidBatch : not supported"

    with open_(bulk_from=1) as connection:
        pages = list(connection.read(request_of(sandbox)))

    assert ids_of(pages) == ids
    assert [one.code for one in pages[-1].findings] == ["salesforce.no_bulk"]


def test_columns_that_come_in_another_order_are_put_right(
    sandbox: Sandbox, open_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = fill(sandbox, 3)
    select = sandbox.bulk._select

    def turned(self: Any, job: Any, document: Any) -> None:
        select(job, document)
        job.header.reverse()
        job.rows = [row[::-1] for row in job.rows]

    monkeypatch.setattr(type(sandbox.bulk), "_select", turned)
    with open_(bulk_from=1) as connection:
        pages = list(connection.read(request_of(sandbox)))

    assert [tuple(row[:2]) for page in pages for row in page.rows] == [
        (id_, f"Customer {n}") for n, id_ in enumerate(ids)
    ]
