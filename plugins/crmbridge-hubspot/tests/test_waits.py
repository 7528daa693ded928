"""How long HubSpot wants to be left alone, in all the forms that it says so."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from crmbridge.adapters import Connection
from crmbridge.clock import FixedClock
from crmbridge.errors import QuotaError
from crmbridge_hubspot.dialect import Day
from crmbridge_hubspot.sandbox import Mood, Sandbox

Connect = Callable[..., Connection]


def slept(connection: Connection) -> float:
    return float(sum(connection._context.clock.slept))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("mood", "seconds"),
    [(Mood.BUSY, 10), (Mood.BUSY_PAGE, 10), (Mood.SECONDLY, 1), (Mood.ASKED, 3), (Mood.LOCKED, 2)],
)
def test_each_limit_is_waited_for_as_long_as_it_lasts(
    hub: Sandbox, connect: Connect, mood: Mood, seconds: int
) -> None:
    """Retry-After is not promised; the policy's name says how long its window is."""
    hub.account.put("contacts", {})
    connection = connect(searches_per_second=0)
    hub.moods.plan(mood, "search")

    assert connection.count("contacts", None) == 1
    assert seconds <= slept(connection) < seconds + 1


@pytest.mark.parametrize("zone", ["US/Eastern", "Europe/Berlin", "Asia/Kolkata"])
def test_the_days_limit_ends_at_the_accounts_midnight(
    hub: Sandbox, connect: Connect, zone: str
) -> None:
    """Where the account is, which it tells; ours at the fixed clock's 2 March 2026."""
    hub.account.zone = zone
    connection = connect()
    connection.organisation()
    hub.moods.plan(Mood.DAILY)

    with pytest.raises(QuotaError) as caught:
        connection.count("contacts", None)

    resume = caught.value.resume_at
    assert resume is not None
    assert resume.astimezone(UTC) > connection._context.clock.now()  # type: ignore[attr-defined]
    local = resume.astimezone(_zone(zone))
    assert (local.hour, local.minute, local.second) == (0, 0, 0)


def _zone(name: str):  # type: ignore[no-untyped-def]
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def test_without_a_zone_nothing_is_made_up(hub: Sandbox, connect: Connect) -> None:
    """The message says: when the quota is renewed."""
    hub.moods.plan(Mood.DAILY)

    with pytest.raises(QuotaError) as caught:
        connect().count("contacts", None)

    assert caught.value.resume_at is None


@pytest.mark.parametrize(
    ("now", "zone", "hours"),
    [
        (datetime(2026, 3, 28, 23, tzinfo=UTC), "Europe/Berlin", 23),
        (datetime(2026, 10, 24, 22, tzinfo=UTC), "Europe/Berlin", 25),
        (datetime(2026, 3, 2, 8, tzinfo=UTC), "", None),
        (datetime(2026, 3, 2, 8, tzinfo=UTC), "Nowhere/At_All", None),
    ],
)
def test_a_day_is_as_long_as_it_is(now: datetime, zone: str, hours: int | None) -> None:
    """Clocks are put forward and back."""
    seconds = Day(FixedClock(now), zone).seconds()

    assert seconds == (None if hours is None else hours * 3600)


def test_a_private_app_is_told_its_calls(hub: Sandbox, connect: Connect) -> None:
    """With the moment that they are counted anew."""
    hub.calls = 1000
    connection = connect()

    quota = connection.quota()

    assert (quota.used, quota.allowed) == (1, 1000)
    assert quota.resets_at is not None
    assert quota.resets_at > hub.account.clock.now()


def test_a_headers_count_serves_where_the_account_does_not_tell(
    hub: Sandbox, connect: Connect
) -> None:
    """403 for an app of OAuth."""
    hub.moods.plan(Mood.SCOPES, "api-usage")

    assert connect().quota().allowed == 250_000
