from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crmbridge.engine.preferences import PreferenceParameters, Preferences, preferences_of
from crmbridge.records import to_millis

NOW = datetime(2026, 11, 2, tzinfo=UTC)
NOTHING = pd.DataFrame()


def contact(kind: str, day: int, hour: int, *, came: bool, **more: object) -> dict[str, object]:
    at = to_millis(datetime(2026, 10, day, hour, 30, tzinfo=UTC))
    row = {"customer_id": "1", "kind": kind, "start_at": at, "status": "done", "zone": ""}
    return row | {"direction": "in" if came else "out"} | more


def judge(rows: list[dict[str, object]], lines: pd.DataFrame = NOTHING, **more: Any) -> Preferences:
    return preferences_of(pd.DataFrame(rows), lines, PreferenceParameters(**more), NOW)


def calls_at_nine(**more: object) -> list[dict[str, object]]:
    """Six calls on Tuesdays at 9:30 UTC are answered; six mails on Fridays are not."""
    calls = [contact("call", day, 9, came=True, **more) for day in (6, 13, 20) * 2]
    return [*calls, *(contact("mail", day, 15, came=False, **more) for day in (9, 16, 23) * 2)]


def test_the_channel_weekday_and_hour_that_worked_are_told() -> None:
    row = judge(calls_at_nine()).frame.loc["1"]

    assert (row["channel"], row["weekday"], row["hour"]) == ("call", 1, 9)
    assert row["sentence"] == "Responds best to a call on Tuesday about 9:00 (6 of 12)"


def test_hours_are_those_of_the_customers_zone() -> None:
    own = judge(calls_at_nine(zone="Asia/Tokyo")).frame.loc["1"]
    ours = judge(calls_at_nine(), zone="Europe/Berlin").frame.loc["1"]

    assert own["hour"] == 18
    assert ours["hour"] == 11  # summer time


def test_one_lucky_contact_is_no_preference() -> None:
    often = [contact("call", 6, 9, came=n % 10 < 8, customer_id=f"c{n % 9}") for n in range(90)]
    lucky = [contact("mail", 11, 22, came=True), *(contact("call", 6, 9, came=True),) * 4]

    row = judge([*often, *lucky, contact("mail", 4, 22, came=False)]).frame.loc["1"]

    assert row["channel"] == "call"


def test_what_is_planned_cancelled_or_still_to_come_does_not_count() -> None:
    rows = [contact("call", 6, 9, came=True, status=status) for status in ("planned", "cancelled")]
    later = contact("call", 6, 9, came=True) | {"start_at": to_millis(NOW) + 1}

    assert judge([*rows, later]).frame.empty


def test_a_reply_and_the_column_responded_are_responses() -> None:
    replied = [contact("visit", 6, 9, came=False, reply="accepted")] * 3
    said = [contact("mail", 6, 9, came=True, customer_id="2", responded=0)] * 3

    frame = judge([*replied, *said]).frame

    assert frame["responses"].to_dict() == {"1": 3, "2": 0}


def test_kinds_of_product_are_named_commonest_first() -> None:
    lines = pd.DataFrame({"customer_id": ["1"] * 6, "family": ["B", "A", "A", "C", "C", "C"]})

    row = judge([], lines).frame.loc["1"]

    assert row["products"] == "C, A"
    assert row["sentence"] == "buys C and A"


def test_who_responded_too_seldom_has_none_and_everybodys_is_told() -> None:
    found = judge([*calls_at_nine(), contact("call", 6, 9, came=True, customer_id="2")])

    row = found.frame.loc["2"]
    assert (row["channel"], row["weekday"], row["hour"]) == ("", -1, -1)
    assert (found.channel, found.weekday, found.hour) == ("call", 1, 9)
    assert found.findings[0].example == "1 of 2 customers responded fewer than 3 times"


@pytest.mark.parametrize("start", [np.nan, np.inf, None, "soon"])
def test_contacts_of_no_time_do_not_count(start: Any) -> None:
    found = judge([contact("call", 6, 9, came=True) | {"start_at": start}] * 3)

    assert found.frame.empty
    assert found.findings[0].example.startswith("No contacts and no orders on record")
