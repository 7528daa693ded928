"""Odd pages: ids twice, circles, pages that never end, snapshots that break off."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from crmbridge.adapters import (
    Capabilities,
    Connection,
    Deletes,
    ObjectCapability,
    Page,
    Reading,
    ReadRequest,
)
from crmbridge.clock import FixedClock
from crmbridge.errors import ExitCode
from crmbridge.pull import PullReport, Source, SourceObject, pull
from crmbridge.records import Counts, Finding

CAPABILITIES = Capabilities(
    objects={
        "Thing": ObjectCapability(
            stream="products", reading=Reading.SNAPSHOT, deletes=Deletes.ABSENCE
        )
    }
)


class Scripted(Connection):
    """Reads the pages it was given, whatever it is asked."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self.pages = pages

    def check(self) -> Sequence[Finding]:
        return []

    def read(self, request: ReadRequest) -> Iterator[Page]:
        yield from self.pages


def page(number: int, *rows: tuple[str, str], **settings: Any) -> Page:
    return Page(
        object="Thing",
        columns=("Id", "Name"),
        rows=rows,
        position={"page": number},
        place=lambda at: f"things.csv:{10 * number + at}",
        **settings,
    )


def pulled(bench: Any, *pages: Page) -> PullReport:
    bench.runs += 1
    return pull(
        bench.store,
        Source(
            connection="crm",
            open=Scripted(pages),
            capabilities=CAPABILITIES,
            objects=(
                SourceObject(
                    stream="products", object="Thing", fields={"id": "Id", "name": "Name"}
                ),
            ),
            clock=FixedClock(datetime(2026, 3, 2, tzinfo=UTC)),
            run_id=bench.runs,
        ),
    )


def test_of_an_id_twice_in_a_page_the_first_row_stays(bench: Any) -> None:
    report = pulled(bench, page(1, ("A", "first"), ("A", "second"), ("B", "b"), complete=True))

    assert report.counts["products"] == Counts(read=3, new=2, quarantined=1)
    assert bench.held("products", "name") == {"A": "first", "B": "b"}
    assert bench.waiting() == {
        "things.csv:11": "things.csv:11: products.id: expected each id once, got 'A' again"
    }


def test_of_an_id_twice_in_two_pages_the_first_row_stays(bench: Any) -> None:
    pages = [page(1, ("A", "first"), ("B", "b")), page(2, ("A", "second"), complete=True)]

    report = pulled(bench, *pages)

    assert report.counts["products"] == Counts(read=3, new=2, quarantined=1)
    assert bench.held("products", "name") == {"A": "first", "B": "b"}
    assert list(bench.waiting()) == ["things.csv:20"]


def test_an_id_twice_does_not_hide_a_record_that_vanished(bench: Any) -> None:
    pulled(bench, page(1, ("A", "a"), ("B", "b"), complete=True))

    report = pulled(bench, page(1, ("A", "a")), page(2, ("A", "a"), complete=True))

    assert report.counts["products"].deleted == 1
    assert set(bench.held("products")) == {"A"}


def test_a_mended_snapshot_empties_the_quarantine(bench: Any) -> None:
    pulled(bench, page(1, ("A", "a"), ("A", "again"), ("", "no id"), complete=True))
    waiting = bench.waiting()

    pulled(bench, page(2, ("A", "a"), complete=True))

    assert len(waiting) == 2
    assert bench.waiting() == {}


def test_a_row_that_turns_bad_is_not_taken_for_vanished(bench: Any) -> None:
    pulled(bench, page(1, ("A", "a"), ("B", "b"), complete=True))

    report = pulled(bench, page(2, ("A", "a"), ("B", "\ud800"), complete=True))

    assert report.counts["products"] == Counts(read=2, unchanged=1, quarantined=1)
    assert bench.held("products", "name") == {"A": "a", "B": "b"}


def test_a_snapshot_that_breaks_off_deletes_nothing(bench: Any) -> None:
    pulled(bench, page(1, ("A", "a"), ("B", "b"), complete=True))

    report = pulled(bench, page(2, ("A", "changed")))

    assert report.exit_code is ExitCode.TRY_LATER
    assert bench.held("products", "name") == {"A": "changed", "B": "b"}


@pytest.mark.parametrize(
    "pages",
    [
        [page(1, ("A", "a")), page(1, ("A", "a"))],
        [page(number, closed=False) for number in range(11)],
    ],
    ids=["the same position twice", "eleven empty pages"],
)
def test_a_reader_that_goes_in_circles_is_stopped(bench: Any, pages: list[Page]) -> None:
    report = pulled(bench, *pages)

    assert report.exit_code is ExitCode.TRY_LATER
    assert "expected pages that lead on" in str(report.problems[0].error)


def test_a_mapping_that_misses_its_field_stops_the_object(bench: Any) -> None:
    wrong = Page(object="Thing", columns=("Id", "Nmae"), rows=[("A", "a")], complete=True)

    report = pulled(bench, wrong)

    assert report.exit_code is ExitCode.CONFIG
    assert str(report.problems[0].error).startswith(
        "connections.crm.mapping.products.Thing.name: expected a field of Thing, got 'Name'."
        " Did you mean 'Nmae'?"
    )


def test_ids_in_another_unicode_form_are_the_same(bench: Any) -> None:
    pulled(bench, page(1, ("Zoe\u0308", "composed of two"), complete=True))

    report = pulled(bench, page(2, ("Zo\u00eb", "composed of two"), complete=True))

    assert report.counts["products"] == Counts(read=1, unchanged=1)
