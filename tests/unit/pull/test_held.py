"""What the store holds of an object is summed up without reading its rows."""

from typing import Any

from crmbridge.pull.held import Place, live_tally, tally
from crmbridge.store.records import mark_records
from crmbridge.store.schema import DELETED, MISSING

PLACE = Place(connection="crm", object="Account", stream="customers")


def test_the_live_tally_leaves_out_what_is_gone(bench: Any) -> None:
    ids = [bench.crm.put("Account", {"name": f"Customer {n}"}) for n in range(5)]
    bench.crm.put("Contact", {"last_name": "Muster"})
    bench.pull()
    with bench.store.write() as tx:
        mark_records(tx, "customers", PLACE.key, ids[:1], DELETED, 1)
        mark_records(tx, "customers", PLACE.key, ids[1:2], MISSING, 1)

        found = live_tally(tx, PLACE)

    assert found == tally(ids[2:])
