"""One run at a time per connection; a late one can neither commit nor send."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from crmbridge.errors import RetryLaterError
from crmbridge.store import Store, leases
from crmbridge.store.database import set_meta
from crmbridge.store.schema import meta

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def acquire(store: Store, holder: str = "ann:1", now: datetime = NOW) -> leases.Fence:
    return leases.acquire(store, "sales", holder, now, 60)


def test_a_held_lease_names_its_holder(store: Store) -> None:
    acquire(store, "ann:1")

    with pytest.raises(RetryLaterError, match="ann:1 since 2026-03-02 08:00:00Z"):
        acquire(store, "bob:2")


def test_another_connection_is_free(store: Store) -> None:
    acquire(store)

    fence = leases.acquire(store, "files", "bob:2", NOW, 60)

    assert fence.connection == "files"


def test_an_expired_lease_is_taken_with_a_greater_number(store: Store) -> None:
    first = acquire(store)

    second = acquire(store, "bob:2", NOW + timedelta(seconds=60))

    assert second.number > first.number


def test_a_run_that_lost_its_lease_commits_nothing(store: Store) -> None:
    late = acquire(store)
    acquire(store, "bob:2", NOW + timedelta(seconds=60))

    with pytest.raises(RetryLaterError, match="bob:2"), store.write(late) as tx:
        set_meta(tx, "late", "1")

    with store.read() as tx:
        assert tx.scalar(select(func.count()).where(meta.c.key == "late")) == 0


def test_a_run_that_lost_its_lease_is_stopped_before_it_sends(store: Store) -> None:
    late = acquire(store)
    acquire(store, "bob:2", NOW + timedelta(seconds=60))

    with pytest.raises(RetryLaterError):
        leases.check(store, late)


def test_an_expired_lease_that_nobody_took_still_commits(store: Store) -> None:
    fence = acquire(store)

    with store.write(fence) as tx:
        set_meta(tx, "late", "1")

    leases.check(store, fence)


def test_renewal_keeps_others_out_for_longer(store: Store) -> None:
    fence = acquire(store)
    leases.renew(store, fence, NOW + timedelta(seconds=50), 60)

    with pytest.raises(RetryLaterError):
        acquire(store, "bob:2", NOW + timedelta(seconds=100))


def test_a_released_lease_is_free_and_its_fence_worthless(store: Store) -> None:
    fence = acquire(store)
    leases.release(store, fence)

    with pytest.raises(RetryLaterError):
        leases.check(store, fence)
    assert acquire(store, "bob:2").number > fence.number


def test_releasing_a_lease_that_is_lost_leaves_the_new_one(store: Store) -> None:
    late = acquire(store)
    current = acquire(store, "bob:2", NOW + timedelta(seconds=60))

    leases.release(store, late)

    leases.check(store, current)


def test_breaking_a_lease_tells_from_whom(store: Store) -> None:
    fence = acquire(store)

    assert leases.break_lease(store, "sales") == "ann:1"
    assert leases.break_lease(store, "sales") == ""
    with pytest.raises(RetryLaterError):
        leases.check(store, fence)
