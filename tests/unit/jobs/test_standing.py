"""What a person did to a visit in the calendar stands."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from crmbridge.jobs.territory.standing import Standing, standing
from crmbridge.planning import Fixedness, Reply, Visit
from crmbridge.records import RecordKey, to_millis
from crmbridge.store.schema import DELETED, LIVE, MISSING

START = datetime(2026, 3, 3, 9, tzinfo=UTC)
TODAY = date(2026, 3, 2)
KEY = RecordKey("sales", "Account", "1")


def a_visit() -> Visit:
    return Visit(
        id="v1",
        customer=str(KEY),
        number=1,
        rep="ann@example.com",
        day=START.date(),
        start_at=START,
        end_at=START + timedelta(hours=1),
        zone="Europe/Berlin",
        wall_start=datetime(2026, 3, 3, 10),
    )


def seen(**changes: Any) -> dict[str, Any]:
    row = {
        "record_state": LIVE,
        "status": "planned",
        "start_at": to_millis(START),
        "end_at": to_millis(START + timedelta(hours=1)),
        "reply": None,
        "reply_until": None,
    }
    return {**row, **changes}


def looked_at(row: dict[str, Any] | None, customers: Any = ()) -> Standing:
    return standing([a_visit()], {"v1": row} if row else {}, customers, TODAY, decline_days=30)


@pytest.mark.parametrize("row", [None, seen(), seen(record_state=MISSING)])
def test_a_visit_nobody_touched_may_move(row: dict[str, Any] | None) -> None:
    found = looked_at(row)

    assert [visit.fixedness for visit in found.visits] == [Fixedness.SUGGESTED]
    assert not found.replies


def test_a_moved_visit_is_pinned_where_it_is_now() -> None:
    later = START + timedelta(days=1, hours=2)
    found = looked_at(seen(start_at=to_millis(later), end_at=to_millis(later) + 3_600_000))

    [visit] = found.visits
    assert (visit.start_at, visit.day) == (later, date(2026, 3, 4))
    assert visit.wall_start == datetime(2026, 3, 4, 12)  # 11:00 UTC in Berlin's winter
    assert visit.fixedness is Fixedness.PINNED


def test_seconds_that_a_calendar_cut_are_no_move() -> None:
    found = looked_at(seen(start_at=to_millis(START) + 30_000))

    assert found.visits == (a_visit(),)


@pytest.mark.parametrize("row", [seen(record_state=DELETED), seen(status="cancelled")])
def test_a_deleted_visit_keeps_its_customer_out_for_the_cool_down(row: dict[str, Any]) -> None:
    found = looked_at(row)

    assert not found.visits
    assert found.replies == {KEY: (Reply.DECLINED, date(2026, 4, 2))}  # 30 days after 3 March


def test_a_cool_down_that_is_over_bars_nobody() -> None:
    found = standing(
        [a_visit()], {"v1": seen(record_state=DELETED)}, (), date(2026, 4, 2), decline_days=30
    )

    assert not found.replies


def test_an_accepted_visit_is_pinned() -> None:
    [visit] = looked_at(seen(reply="accepted")).visits

    assert visit.fixedness is Fixedness.PINNED


def test_a_snoozed_visit_waits_until_its_day() -> None:
    found = looked_at(seen(reply="snoozed", reply_until="2026-03-20"))

    assert found.replies == {KEY: (Reply.SNOOZED, date(2026, 3, 20))}
    assert not found.visits


@pytest.mark.parametrize("status", ["done", "missed"])
def test_a_visit_that_is_over_is_no_longer_planned(status: str) -> None:
    assert not looked_at(seen(status=status)).visits


def a_customer(reply: str, until: str | None = None) -> dict[str, Any]:
    key = {"connection": "sales", "object": "Account", "id": "1"}
    return {**key, "reply": reply, "reply_until": until}


def test_a_reply_on_the_customer_counts_without_any_visit() -> None:
    found = standing([], {}, [a_customer("declined")], TODAY, decline_days=30)

    assert found.replies == {KEY: (Reply.DECLINED, None)}


@pytest.mark.parametrize(
    "customer",
    [
        a_customer("accepted"),
        a_customer("snoozed", "2026-03-02"),
        a_customer("declined", "2026-02-01"),
        a_customer("snoozed", "2026-03-20"),
    ],
)
def test_no_answer_on_the_customer_hides_a_deletion(customer: dict[str, Any]) -> None:
    found = looked_at(seen(record_state=DELETED), [customer])

    assert found.replies == {KEY: (Reply.DECLINED, date(2026, 4, 2))}
    assert not found.visits


def test_an_answer_on_the_customer_that_holds_longer_than_its_visits_stands() -> None:
    found = looked_at(seen(record_state=DELETED), [a_customer("snoozed", "2026-06-01")])

    assert found.replies == {KEY: (Reply.SNOOZED, date(2026, 6, 1))}


@pytest.mark.parametrize(
    "customer", [a_customer("accepted"), a_customer("declined", TODAY.isoformat())]
)
def test_an_answer_on_the_customer_that_keeps_nobody_away_is_dropped(
    customer: dict[str, Any],
) -> None:
    assert not looked_at(seen(), [customer]).replies


def test_a_visit_put_off_without_a_day_waits_for_the_cool_down() -> None:
    found = looked_at(seen(reply="snoozed"))

    assert found.replies == {KEY: (Reply.SNOOZED, date(2026, 4, 2))}
    assert not found.visits


def test_a_visit_that_does_not_precede_the_day_it_was_put_off_to_stays() -> None:
    found = standing(
        [a_visit()], {"v1": seen(reply="snoozed", reply_until="2026-03-03")}, (), TODAY, 30
    )

    assert found.visits == (a_visit(),)


def test_an_answer_holds_when_the_plan_has_moved_on() -> None:
    gone = {"record_state": DELETED, "reply_until": None}

    found = standing([], {"v1": gone}, [], TODAY, 30, former=[a_visit()])

    assert found.visits == ()
    assert [reply for reply, _ in found.replies.values()] == [Reply.DECLINED]
