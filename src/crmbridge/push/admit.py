"""Decides whether a changeset may be applied now, and which of its items no longer fit."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from crmbridge.adapters import Operation
from crmbridge.errors import ConfigError, RefusedError
from crmbridge.push.changeset import Item, check_origin
from crmbridge.push.guards import check_guards
from crmbridge.push.journal import Journal
from crmbridge.push.ledger import DONE
from crmbridge.push.own import is_open
from crmbridge.push.settle import Target
from crmbridge.push.values import is_same

_CLOSED = frozenset({"superseded", "undone"})
_DECIDE_AGAIN = "Decide again with `crmbridge diff`"


def admit(
    journal: Journal, targets: Mapping[str, Target], accept: int | None, now: datetime
) -> None:
    """Let a changeset be applied, or refuse it whole; what was accepted once stays accepted.

    Raises:
        RefusedError: altered, of another store or account, of an older plan, superseded, or
            stopped by a guard.
        ConfigError: a connection of the changeset is not open.
    """
    changeset = journal.changeset
    where = f"changeset {changeset.id}"
    if journal.digest != changeset.digest:
        raise RefusedError(where, "its items as decided", "other ones", _DECIDE_AGAIN)
    if journal.state in _CLOSED:
        raise RefusedError(where, "an open changeset", f"one that is {journal.state}")
    for name in changeset.organisations:
        if name not in targets:
            raise ConfigError(where, f"connections.{name}", "none", "Name it in the configuration")
    organisations = {name: target.connection.organisation() for name, target in targets.items()}
    check_origin(changeset, epoch=journal.epoch, organisations=organisations)
    if journal.state == "applied":
        return
    newer = journal.newer_plan()
    if newer:
        got = f"one of plan {changeset.plan_id}"
        raise RefusedError(where, f"a changeset of plan {newer}", got, _DECIDE_AGAIN)
    if not journal.is_accepted():
        check_guards(changeset, accept)
    journal.begin(accept or 0, now)


def unfit(journal: Journal, items: Sequence[Item], now: datetime) -> dict[str, str]:
    """Items that must not be written any more: name -> why.

    A visit may lie in the past by now, another changeset may have created it meanwhile, or what
    an item depends on may have failed.
    """
    elsewhere = journal.written_elsewhere(items)
    reasons = {
        item.item: _is_over(item, now)
        or _is_orphan(item, journal)
        or _is_written(elsewhere.get(item.item, ""))
        for item in items
    }
    return {name: reason for name, reason in reasons.items() if reason}


def stale(journal: Journal, items: Sequence[Item]) -> dict[str, str]:
    """Items whose record a pull since has shown with another value than was decided on."""
    seen = journal.seen_values([item for item in items if item.id and not item.key])
    reasons = {item.item: _changed(item, seen.get(item.item, {})) for item in items}
    return {name: reason for name, reason in reasons.items() if reason}


def _is_over(item: Item, now: datetime) -> str:
    if item.operation is not Operation.CREATE:
        return ""
    values = {change.field: change.after for change in item.changes}
    return "" if is_open(values, now) else "it lies in the past by now"


def _is_orphan(item: Item, journal: Journal) -> str:
    if not item.depends_on or journal.item_state(item.depends_on) in DONE:
        return ""
    return "what it depends on was not written"


def _is_written(changeset_id: str) -> str:
    return f"changeset {changeset_id} wrote it already" if changeset_id else ""


def _changed(item: Item, seen: Mapping[str, object]) -> str:
    for change in item.changes:
        if change.field in seen and not is_same(seen[change.field], change.before):
            return f"{change.field} changed in the CRM since it was decided"
    return ""
