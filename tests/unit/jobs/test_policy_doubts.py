"""Lines of the policy that fit nobody, or more than was meant, are told with what helps."""

from datetime import date

import pytest

from crmbridge.jobs.territory.gathering import gather

TOML = """
[connections.crm]
adapter = "csv"
path = "data"
[connections.other]
adapter = "csv"
path = "more"
[planning]
overrides = "exceptions.csv"
[planning.classes.A]
[planning.rules.pumps]
needs = ["p1"]
"""


@pytest.fixture
def told(space, put, tmp_path):
    """``told(lines)``: code -> (count, example, remedy) with these exceptions."""

    def gathered(lines=""):
        (tmp_path / "exceptions.csv").write_text(f"customer,rep,reason,until\n{lines}")
        workspace = space(TOML)
        put(workspace, "reps", id="R1", name="Ann Lee", email="Ann@example.com")
        put(workspace, "customers", id="C1", owner_id="R1", **{"class": "D"})
        put(workspace, "customers", id="C2", owner_id="R1", **{"class": "a"})
        put(workspace, "customers", connection="other", id="C1", **{"class": "A"})
        put(workspace, "products", id="P1", name="Pump")
        put(workspace, "needs", id="N1", customer_id="C2", product_id="P1")
        findings = gather(workspace, date(2026, 3, 2)).findings
        return {one.code: (one.count, one.example, one.remedy) for one in findings}

    return gathered


def test_a_class_that_no_table_describes_is_told(told):
    count, example, remedy = told()["policy.class_unknown"]

    assert (count, example) == (1, "crm/customers/C1: 'D'")
    assert remedy.startswith("Add [planning.classes.D]")


def test_a_rule_may_name_a_needed_product_by_its_id(told):
    assert "policy.rule_of_nobody" not in told()


def test_an_id_that_several_connections_have_is_told(told):
    found = told("C1,,why,2026-12-31\ncrm/customers/C1,,why,2026-12-31\nC9,,why,2026-12-31\n")

    assert found["policy.override_of_several"][:2] == (
        1, "exceptions.csv line 2: C1 is crm/customers/C1 and other/customers/C1",
    )  # fmt: skip
    assert found["policy.override_of_nobody"][:2] == (1, "exceptions.csv line 4: C9")


def test_a_rep_whom_nobody_knows_is_told(told):
    lines = [
        f"C2,{rep},why,2026-12-31\n" for rep in ("Ann Leigh", "ann lee", "R1", "ANN@example.com")
    ]

    count, example, remedy = told("".join(lines))["policy.override_by_nobody"]

    assert (count, example) == (1, "exceptions.csv line 2: Ann Leigh")
    assert remedy == "Did you mean 'ann lee'?"
