"""What the CRM works out changes no record's time: it is read again on a schedule."""

from datetime import timedelta
from typing import Any

import pytest

from crmbridge.adapters import Reading
from crmbridge.testing.faults import Fault
from crmbridge.testing.memory import memory_capabilities

DAY = timedelta(hours=24)


@pytest.fixture
def worked_out(bench: Any) -> Any:
    """Three customers whose industry is a formula, pulled once."""
    bench.crm.formulas.add("industry")
    for number in range(3):
        bench.crm.put("Account", {"name": f"C{number}", "industry": "old"}, f"a{number}")
    bench.crm.clock.at += timedelta(hours=1)  # windows that overlap show them no more
    bench.pull("customers", formula_refresh_hours=24)
    return bench


def changes_silently(bench: Any, id_: str, value: str) -> None:
    """The formula gives another value; the record is not modified."""
    bench.crm.records["Account"][id_].values["industry"] = value


def test_a_formula_that_changed_is_read_again_after_a_day(worked_out: Any) -> None:
    changes_silently(worked_out, "a1", "new")
    soon = worked_out.pull("customers", formula_refresh_hours=24)
    before = worked_out.held("customers", "industry")
    worked_out.crm.clock.at += DAY

    later = worked_out.pull("customers", formula_refresh_hours=24)

    assert before["a1"] == "old"
    assert soon.of("customers").changed == 0
    assert worked_out.held("customers", "industry") == {"a0": "old", "a1": "new", "a2": "old"}
    assert (later.of("customers").changed, later.of("customers").unchanged) == (1, 2)


def test_rows_that_stayed_the_same_are_not_rewritten(worked_out: Any) -> None:
    worked_out.crm.clock.at += DAY

    report = worked_out.pull("customers", formula_refresh_hours=24)

    assert report.of("customers").unchanged == 3
    assert set(worked_out.held("customers", "changed_run").values()) == {1}


def test_it_waits_another_day_before_the_next_time(worked_out: Any) -> None:
    worked_out.crm.clock.at += DAY
    worked_out.pull("customers", formula_refresh_hours=24)
    asked = worked_out.crm.calls.count("read_by_ids")

    worked_out.pull("customers", formula_refresh_hours=24)

    assert worked_out.crm.calls.count("read_by_ids") == asked == 1


def test_what_broke_off_goes_on_at_the_next_pull(
    worked_out: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crmbridge.pull.formulas.AT_ONCE", 1)
    changes_silently(worked_out, "a2", "new")
    worked_out.crm.clock.at += DAY
    worked_out.crm.faults.fail("read_by_ids", Fault.TRANSIENT, after=1)

    broken = worked_out.pull("customers", formula_refresh_hours=24)
    asked = worked_out.crm.calls.count("read_by_ids")
    worked_out.pull("customers", formula_refresh_hours=24)

    assert len(broken.problems) == 1
    assert worked_out.held("customers", "industry")["a2"] == "new"
    assert worked_out.crm.calls.count("read_by_ids") == asked + 2  # a1 and a2, not a0 again


@pytest.mark.parametrize(
    "settings",
    [
        {"formula_refresh_hours": 0},
        {"formula_refresh_hours": 24, "without": ("industry",)},
        {
            "formula_refresh_hours": 24,
            "capabilities": memory_capabilities(reading=Reading.TOKEN),
        },
    ],
    ids=["never", "no formula is mapped", "read another way"],
)
def test_where_it_is_not_needed_nothing_is_read_twice(bench: Any, settings: Any) -> None:
    bench.crm.formulas.add("industry")
    bench.crm.put("Account", {"name": "C", "industry": "old"}, "a0")
    bench.pull("customers", **settings)
    bench.crm.clock.at += DAY

    bench.pull("customers", **settings)

    assert "read_by_ids" not in bench.crm.calls
