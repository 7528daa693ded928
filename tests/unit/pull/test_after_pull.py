"""What can be asked after a pull, or before one: verify, retry, preview."""

from typing import Any

from crmbridge.adapters import Deletes, Reading
from crmbridge.errors import ExitCode
from crmbridge.pull import preview, retry, verify
from crmbridge.testing.memory import memory_capabilities


def fill(bench: Any, count: int = 7) -> list[str]:
    return [bench.crm.put("Account", {"name": f"Customer {n}"}) for n in range(count)]


def test_a_store_that_holds_all_verifies(bench: Any) -> None:
    fill(bench)
    bench.pull("customers")

    (found,) = verify(bench.store, bench.source("customers"))

    assert (found.held, found.expected, found.sampled, found.different) == (7, 7, 7, ())
    assert found.proved_until is not None
    assert found.findings == ()


def test_verify_names_what_differs(bench: Any) -> None:
    changed, gone, *_ = fill(bench)
    bench.pull("customers")
    bench.crm.edit("Account", changed, {"name": "Changed"})
    bench.crm.delete("Account", gone)

    (found,) = verify(bench.store, bench.source("customers"))

    assert set(found.different) == {changed, gone}
    assert {finding.code: finding.count for finding in found.findings} == {
        "verify.count_differs": 1,
        "verify.differs": 2,
    }


def test_verify_says_that_nothing_was_pulled(bench: Any) -> None:
    fill(bench)

    (found,) = verify(bench.store, bench.source("customers"))

    assert [finding.code for finding in found.findings] == ["verify.never_pulled"]


def test_quarantined_records_are_read_again(bench: Any) -> None:
    good, bad, gone = fill(bench, 3)
    bench.crm.edit("Account", bad, {"latitude": 91})
    bench.crm.edit("Account", gone, {"latitude": 92})
    bench.pull("customers")
    bench.crm.edit("Account", bad, {"latitude": 9})
    bench.crm.delete("Account", gone)

    report = retry(bench.store, bench.source("customers"))

    assert report.exit_code is ExitCode.DONE
    assert set(bench.held("customers")) == {good, bad}
    assert bench.waiting() == {}


def test_quarantined_rows_are_judged_again_where_none_is_read_by_id(bench: Any) -> None:
    capabilities = memory_capabilities(reads_by_id=False)
    (bad,) = fill(bench, 1)
    bench.crm.edit("Account", bad, {"kind": "firm"})
    bench.pull("customers", capabilities=capabilities)
    kind = {"kind": {"field": "kind", "values": {"firm": "org"}}}

    source = bench.source("customers", capabilities=capabilities, fields=kind)
    report = retry(bench.store, source)

    assert report.counts["customers"].new == 1
    assert bench.held("customers", "kind") == {bad: "org"}


def test_a_first_pull_is_foreseen(bench: Any) -> None:
    fill(bench)

    (before,) = preview(bench.store, bench.source("customers"))
    bench.pull("customers")
    (after,) = preview(bench.store, bench.source("customers"))

    assert (before.is_first, before.since, before.count) == (True, None, 7)
    assert not after.is_first
    assert after.since is not None


def test_a_preview_says_where_nobody_can_count(bench: Any) -> None:
    capabilities = memory_capabilities(
        reading=Reading.SNAPSHOT, deletes=Deletes.ABSENCE, counts=False
    )

    (found,) = preview(bench.store, bench.source("customers", capabilities=capabilities))

    assert (found.count, found.until) == (None, None)
