"""A visit that a rep deletes before any pull has shown it is known to be gone."""

from typing import Any

from crmbridge.store.schema import DELETED, RECORDS, changeset_items


def an_item(id_: str, key: str) -> dict[str, Any]:
    blank = {column.name: "" for column in changeset_items.columns if column.name != "sent_at"}
    mine = {"connection": "crm", "object": "Event", "remote_id": id_, "key": key}
    return {**blank, **mine, "item": id_, "sequence": 1, "done_at": 1}


def test_a_visit_of_ours_that_was_deleted_unread_is_kept_by_its_key(bench: Any) -> None:
    ours = bench.crm.put("Event", {"Subject": "Visit"})
    theirs = bench.crm.put("Event", {"Subject": "Lunch"})
    with bench.store.write() as tx:
        tx.execute(changeset_items.insert(), [an_item(ours, "key-1")])
    bench.pull("activities", full=True)
    with bench.store.write() as tx:
        tx.execute(RECORDS["activities"].delete())  # as if neither had ever been shown
    bench.crm.delete("Event", ours)
    bench.crm.delete("Event", theirs)

    bench.pull("activities")

    assert bench.held("activities", "visit_key", state=DELETED) == {ours: "key-1"}
