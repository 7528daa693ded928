"""Why a customer is not planned, and what would change that, is printed whole."""

from crmbridge.cli.plan_text import _left_out_lines
from crmbridge.planning import LeftOut, WhyNot

LONG = "No time left: worth 48.0, and what was planned instead of it is worth more than that is"


def test_the_change_stands_below_the_reason_and_nothing_is_cut() -> None:
    item = LeftOut(
        customer="c1", rep="ann", code=WhyNot.LOWER_VALUE, text=LONG, change="A score of 71 " * 6
    )

    lines = list(_left_out_lines(item, {"c1": {"name": "Bakery", "id": "c1"}}))

    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("    Bakery: No time left")
    told = " ".join(" ".join(lines).split())
    assert told == f"Bakery: {LONG} -> {item.change.strip()}"


def test_without_a_change_there_is_no_line_for_it() -> None:
    item = LeftOut(customer="c1", rep="ann", code=WhyNot.NOT_DUE, text="Not due")

    assert list(_left_out_lines(item, {})) == ["    c1: Not due"]
