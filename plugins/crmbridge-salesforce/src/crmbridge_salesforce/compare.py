"""Decides, from what Salesforce holds now, whether a row is sent at all. Pure."""

from collections.abc import Mapping
from typing import Any

from crmbridge.adapters import ErrorClass, Outcome
from crmbridge_salesforce.ids import to_18
from crmbridge_salesforce.lookup import Current
from crmbridge_salesforce.own import Wanted
from crmbridge_salesforce.values import agree
from crmbridge_salesforce.verdicts import conflict, refused, unchanged


def decide_change(one: Wanted, current: Current) -> Outcome | None:
    """What can be said of a change before anything is sent; None for a row to send."""
    id_ = to_18(one.item.id)
    held = current.rows.get(id_)
    if held is None:
        survivor = current.survivors.get(id_, "")
        return refused(one.item, ErrorClass.RECORD, "the record is gone", survivor)
    missing = [name for name in one.shows if name not in held]
    if missing:
        words = f"no field {', '.join(missing)}, or it may not be seen"
        return refused(one.item, ErrorClass.CONFIG, words)
    if clashes := changed(one, held):
        return conflict(one.item, clashes)
    is_held = all(agree(held[name], value) for name, value in one.shows.items())
    return unchanged(one.item, id_) if is_held else None


def decide_deletion(one: Wanted, current: Current) -> Outcome | None:
    """The same of a deletion: what is gone needs none, what somebody changed stays."""
    held = current.rows.get(to_18(one.item.id))
    if held is None:
        return unchanged(one.item)
    clashes = changed(one, held)
    return conflict(one.item, clashes) if clashes else None


def changed(one: Wanted, held: Mapping[str, Any]) -> list[str]:
    """Fields that no longer hold what was expected."""
    return [name for name, value in one.expected.items() if not agree(held.get(name), value)]
