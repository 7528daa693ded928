"""Refused records wait with their reason."""

from crmbridge.store import Store
from crmbridge.store.quarantine import (
    RAW_LIMIT,
    Quarantined,
    add_quarantined,
    count_quarantined,
    list_quarantined,
    resolve_quarantined,
)


def refused(
    record_id: str, reason: str = "latitude 95", at: int = 1, raw: str = "x"
) -> Quarantined:
    return Quarantined(
        connection="sales", object="Account", record_id=record_id, stream="customers",
        reason=reason, raw=raw, run_id=1, first_at=at, last_at=at,
    )  # fmt: skip


def test_a_record_refused_again_keeps_its_first_time_and_gets_the_new_reason(store: Store) -> None:
    with store.write() as tx:
        add_quarantined(tx, [refused("a", "old", at=1)])
        add_quarantined(tx, [refused("a", "new", at=5), refused("b", at=5)])

        found = {q.record_id: (q.reason, q.first_at, q.last_at) for q in list_quarantined(tx)}

    assert found == {"a": ("new", 1, 5), "b": ("latitude 95", 5, 5)}


def test_a_record_refused_twice_in_a_batch_is_kept_once(store: Store) -> None:
    with store.write() as tx:
        add_quarantined(tx, [refused("a", "one"), refused("a", "two")])

        assert [q.reason for q in list_quarantined(tx)] == ["two"]


def test_the_raw_row_is_capped(store: Store) -> None:
    with store.write() as tx:
        add_quarantined(tx, [refused("a", raw="x" * 10_000)])

        assert len(list_quarantined(tx)[0].raw) == RAW_LIMIT


def test_resolved_records_no_longer_wait(store: Store) -> None:
    with store.write() as tx:
        add_quarantined(tx, [refused("a"), refused("b")])

        assert resolve_quarantined(tx, "sales", "Account", ["a", "c"]) == 1
        assert count_quarantined(tx) == {("sales", "Account"): 1}
