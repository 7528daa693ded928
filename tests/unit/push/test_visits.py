"""A visit in the calendar says when, with whom and why, and bears the same key for ever."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from crmbridge.push.visits import PlannedVisit, description, desired_visits, visit_key
from crmbridge.records import Reason, RecordKey

START = datetime(2026, 3, 3, 11, tzinfo=timezone(timedelta(hours=1)))


def a_visit(**changes: object) -> PlannedVisit:
    base: dict[str, object] = {
        "visit_id": "v1",
        "connection": "sales",
        "rep": "ann@example.com",
        "rep_id": "U1",
        "customer": RecordKey("sales", "Account", "A1"),
        "customer_name": "Acme",
        "start_at": START,
        "end_at": START + timedelta(minutes=45),
        "zone": "Europe/Berlin",
        "reasons": (
            Reason(code="recent", text="Ordered last week", weight=0.1),
            Reason(code="interval", text="Due since 12 days", weight=0.6),
        ),
        "brief": ("Ask for Ms Kim.",),
    }
    return PlannedVisit(**{**base, **changes})  # type: ignore[arg-type]


def test_times_are_written_in_utc() -> None:
    (record,) = desired_visits([a_visit()], {"sales": "Event"})

    assert record.values["start_at"] == "2026-03-03T10:00:00Z"
    assert record.values["end_at"] == "2026-03-03T10:45:00Z"
    assert record.values["zone"] == "Europe/Berlin"


def test_the_key_stays_when_day_and_rep_change() -> None:
    later = a_visit(start_at=START + timedelta(days=3), rep="bob@example.com", rep_id="U2")

    first, second = desired_visits([a_visit(), later], {"sales": "Event"})

    assert first.key == second.key == visit_key("sales", "v1")


def test_the_key_differs_by_connection_and_visit() -> None:
    assert len({visit_key("a", "v1"), visit_key("b", "v1"), visit_key("a", "v2")}) == 3


def test_description_names_the_weightiest_reason_first() -> None:
    assert description(a_visit()).splitlines() == [
        "Why this visit:",
        "- Due since 12 days",
        "- Ordered last week",
        "",
        "Ask for Ms Kim.",
        "",
        "Planned by crmbridge.",
    ]


def test_description_without_reasons_says_who_planned() -> None:
    assert description(a_visit(reasons=(), brief=())) == "Planned by crmbridge."


def test_a_customer_of_another_connection_is_not_referred_to() -> None:
    elsewhere = a_visit(customer=RecordKey("other", "Account", "A1"))

    (record,) = desired_visits([elsewhere], {"sales": "Event"})

    assert record.values["customer_id"] == ""
    assert record.customer == RecordKey("other", "Account", "A1")


def test_visits_of_a_connection_that_takes_none_are_left_out() -> None:
    assert desired_visits([replace(a_visit(), connection="other")], {"sales": "Event"}) == []


def test_an_aware_time_in_utc_gives_the_same_record() -> None:
    same = a_visit(start_at=START.astimezone(UTC), end_at=a_visit().end_at.astimezone(UTC))

    objects = {"sales": "Event"}

    assert desired_visits([a_visit()], objects) == desired_visits([same], objects)


def test_a_visits_day_is_that_of_its_own_zone() -> None:
    late = a_visit(
        zone="America/Los_Angeles",
        start_at=datetime(2026, 3, 5, 1, tzinfo=UTC),  # 17:00 of the fourth there
        end_at=datetime(2026, 3, 5, 2, tzinfo=UTC),
    )

    record = desired_visits([late], {late.connection: "Task"})[0]

    assert record.values["due_on"] == "2026-03-04"
