"""Which activities of the past count as visits that took place."""

from typing import Any

import pytest

from crmbridge.store import Store
from crmbridge.store.territory import load_last_visits
from crmbridge.store.upsert import upsert_records
from crmbridge.store.visiting import contacts_since, past_visits

AT = 1_000_000


def hold(store: Store, **values: Any) -> None:
    key = {"connection": "sales", "object": "Event", "id": "E1"}
    whole = {**key, "kind": "visit", "customer_id": "C1", "start_at": AT, **values}
    with store.write() as tx:
        upsert_records(tx, "activities", [tuple(whole.values())], 1, columns=tuple(whole))


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        ({"status": "planned"}, True),
        ({"status": None}, True),
        ({"status": "missed"}, False),
        ({"status": "planned", "reply": "accepted"}, True),
        # the answer came too late to take it out of the calendar
        ({"status": "planned", "reply": "declined"}, False),
        ({"status": None, "reply": "snoozed"}, False),
        # whatever was answered, somebody went there
        ({"status": "done", "reply": "declined"}, True),
    ],
)
def test_a_visit_that_was_refused_did_not_take_place(
    store: Store, values: dict[str, Any], counts: bool
) -> None:
    hold(store, **values)

    with store.read() as tx:
        assert load_last_visits(tx, ("sales",), AT) == ({"C1": AT} if counts else {})
        assert bool(contacts_since(tx, ("sales",), ("visit",), 0, AT)) is counts
        assert bool(past_visits(tx, ("sales",), 0, AT + 1)) is counts
