"""Asks, just before sending, which items reach somebody who has opted out meanwhile."""

from collections.abc import Mapping, Sequence

from crmbridge.jobs.workspace import Workspace
from crmbridge.push.apply import Bars
from crmbridge.push.changeset import Changeset, Item
from crmbridge.push.visits import visit_key
from crmbridge.records import RecordKey
from crmbridge.store.consents import denied_records
from crmbridge.store.plans import get_plan, load_visits


def bars_of(workspace: Workspace, changeset: Changeset) -> Bars:
    """A question to the store: whose visits are denied now.

    The strictest fact of any connected system counts, of the customer and of the contact to meet.
    """
    customers = _customers(workspace, changeset)

    def barred(items: Sequence[Item]) -> frozenset[str]:
        with workspace.store.read() as tx:
            denied = denied_records(tx, "visit")
        return frozenset(i.item for i in items if _reached(i, customers) & denied)

    return barred


def _customers(workspace: Workspace, changeset: Changeset) -> dict[str, RecordKey]:
    """Key of a visit -> its customer, whichever connection that lives in."""
    found: dict[str, RecordKey] = {}
    with workspace.store.read() as tx:
        for plan_id in filter(None, changeset.plan_id.split("+")):
            plan = get_plan(tx, plan_id)
            if plan is not None:
                for visit in load_visits(tx, plan_id):
                    found[visit_key(plan.connection, visit.visit_id)] = visit.customer
    return found


def _reached(item: Item, customers: Mapping[str, RecordKey]) -> frozenset[RecordKey]:
    """Records of the people whom an item reaches; none for scores and segments."""
    if not item.key:
        return frozenset()
    found = {customers[item.key]} if item.key in customers else set()
    contact = next((c.after for c in item.changes if c.field == "contact_id"), None)
    if contact:
        found.add(RecordKey(item.connection, "contacts", str(contact)))
    return frozenset(found)
