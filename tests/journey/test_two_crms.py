"""A customer who is in two CRMs, by the commands: linked, parted, exported, planned once."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("splink", reason="the extra `identity` is not installed")

NOW = "2026-03-02T06:00:00Z"
TOML = """
[store]
url = "sqlite:///two.db"

[connections.crm]
adapter = "csv"
path = "crm"
out = "out"

[connections.shop]
adapter = "csv"
path = "shop"
out = "out"
"""
REPS = "id,name,email,active,zone\nr,Ann,ann@example.com,1,UTC\n"
HEAD = "id,name,owner_id,street,postcode,city,email\n"


@pytest.fixture
def two(bare_desk: Any) -> Any:
    files = {
        "crm/reps.csv": REPS,
        "crm/customers.csv": f"{HEAD}1,Acme GmbH,r,Hauptstr. 5,10115,Berlin,info@acme.example\n"
        "2,Blue,r,Am Hafen 1,20095,Hamburg,\n",
        "shop/customers.csv": f"{HEAD}x,ACME,ann@example.com,Hauptstraße 5,10115,Berlin,"
        "info@acme.example\n",
    }
    for name, text in files.items():
        path = Path(bare_desk.folder / name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    bare_desk.config.write_text(TOML, encoding="utf-8")
    assert bare_desk("pull", now=NOW).code == 0
    assert bare_desk("analyze", now=NOW).code == 0
    return bare_desk


def planned(desk: Any) -> set[str]:
    assert desk("plan", now=NOW).code == 0
    return {row["customer_id"] for row in desk.rows("out/visit_plan.csv")}


def test_a_linked_customer_is_planned_once_until_it_is_parted(two: Any) -> None:
    both = {"crm/customers/1", "shop/customers/x"}
    assert planned(two) >= both

    assert two("identity", "link", now=NOW).out == ("Linked pairs: 1; waiting for review: 0.\n")
    assert planned(two) & both == {"crm/customers/1"}

    (pair,) = two("identity", "review", "--all", "--json").json["pairs"]
    assert (pair["left"], pair["right"], pair["state"]) == (*sorted(both), "linked")
    assert two("identity", "reject", pair["id"], now=NOW).code == 0
    assert planned(two) >= both


def test_pairs_are_shown_and_an_unknown_one_is_wrong_usage(two: Any) -> None:
    assert two("identity", "review").out == "No pair waits.\n"
    two("identity", "link", now=NOW)

    shown = two("identity", "review", "--all").out

    assert "linked, by model" in shown
    assert "name equal, email equal" in shown
    assert two("identity", "accept", "inone", now=NOW).code == 2


def test_all_tables_are_exported_from_the_command_line(two: Any) -> None:
    answer = two("export", "tables", "--output", "tables", "--json")

    names = {Path(file).name for file in answer.json["files"]}
    assert {"customers.csv", "scores.csv", "schema.json", "read_tables.R"} <= names
    assert len(two.rows("tables/customers.csv")) == 3
    assert two("export", "tables", "--format", "xlsx").code == 2
