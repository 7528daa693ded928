"""Decides what should change in the CRMs, and writes exactly that."""

from crmbridge.push.apply import Orders, apply, settle_open
from crmbridge.push.changeset import Change, Changeset, GuardVerdict, Item, load, save
from crmbridge.push.consent import barred_in_store, bars
from crmbridge.push.decide import Decision, Origin, Touched, decide
from crmbridge.push.desired import (
    Barred,
    Desired,
    DesiredFields,
    DesiredMember,
    DesiredRecord,
    FirstFill,
    Limits,
    Ownership,
    OwnRecords,
    Scope,
    Seen,
    WritePolicy,
)
from crmbridge.push.facts import Ask, gather, gather_for
from crmbridge.push.guards import check_guards, guarded_number
from crmbridge.push.journal import load_changeset
from crmbridge.push.ledger import latest_open, reopen_rejected, save_changeset
from crmbridge.push.report import ApplyReport, exit_code
from crmbridge.push.settle import Target
from crmbridge.push.undo import undo, undo_in
from crmbridge.push.visits import PlannedVisit, desired_visits, visit_key

__all__ = [
    "ApplyReport",
    "Ask",
    "Barred",
    "Change",
    "Changeset",
    "Decision",
    "Desired",
    "DesiredFields",
    "DesiredMember",
    "DesiredRecord",
    "FirstFill",
    "GuardVerdict",
    "Item",
    "Limits",
    "Orders",
    "Origin",
    "OwnRecords",
    "Ownership",
    "PlannedVisit",
    "Scope",
    "Seen",
    "Target",
    "Touched",
    "WritePolicy",
    "apply",
    "barred_in_store",
    "bars",
    "check_guards",
    "decide",
    "desired_visits",
    "exit_code",
    "gather",
    "gather_for",
    "guarded_number",
    "latest_open",
    "load",
    "load_changeset",
    "reopen_rejected",
    "save",
    "save_changeset",
    "settle_open",
    "undo",
    "undo_in",
    "visit_key",
]
