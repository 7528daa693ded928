"""Tells which policy holds for a customer: may it be visited, how often, when, and who says so."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from crmbridge.errors import UsageError
from crmbridge.jobs.showing.explaining import find_key, reason_lines
from crmbridge.jobs.showing.policy_lines import PolicyLine, policy_lines
from crmbridge.jobs.territory.gathering import gather
from crmbridge.jobs.territory.known import Known
from crmbridge.jobs.territory.policies import VisitPolicy
from crmbridge.jobs.territory.problems import territories
from crmbridge.jobs.workspace import Workspace
from crmbridge.planning import Customer, Problem, WhyNot
from crmbridge.planning.policy import Refusal, wishes
from crmbridge.records import RecordKey
from crmbridge.store.consents import effective_consents

_NO = (WhyNot.BARRED, WhyNot.DECLINED, WhyNot.SNOOZED)
"""Refusals that say that there are no visits, and not only that there is none as soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """Whether a customer may be visited.

    Args:
        why: what speaks against it, or why there is none in the days that a plan covers.
        change: what would help.
    """

    may: bool
    why: str = ""
    change: str = ""


def explain_policy(workspace: Workspace, text: str) -> dict[str, Any]:
    """Who may visit a customer, how often, how long and when, what bars it, and who says so.

    Raises:
        UsageError: there is no such customer.
    """
    if not text:
        raise UsageError("show policy", "a customer", "none", "crmbridge show policy CUSTOMER")
    key = find_key(workspace, text, ("customers",))
    now = workspace.clock.now()
    known = gather(workspace, now.date()).known
    row = known.rows().get(key)
    if row is None:
        raise UsageError("show policy", "a customer that was pulled", repr(str(key)))
    with workspace.store.read() as tx:
        said = {c: s for (k, c), s in effective_consents(tx, "customers").items() if k == key}
    for territory in territories(known, workspace.settings, now.date(), now):
        for customer in territory.problem.customers:
            if customer.key == str(key):
                held = known.policies[key]
                lines = policy_lines(
                    territory.problem, customer, row, held, workspace.settings, said
                )
                return _document(territory.problem, customer, known, held, lines) | {
                    "consents": said
                }
    return _not_ours(key, row)


def _document(
    problem: Problem,
    customer: Customer,
    known: Known,
    held: VisitPolicy,
    lines: Iterable[PolicyLine],
) -> dict[str, Any]:
    answer = _answer(problem, customer)
    values = asdict(customer)
    values.pop("reasons")
    return {
        "customer": customer.key,
        "name": customer.name,
        "rep": _rep_text(known, customer.owner),
        "may_be_visited": answer.may,
        "why": answer.why,
        "change": answer.change,
        "lines": [asdict(line) for line in lines],
        "rules": list(held.rules),
        "policy": {name: value for name, value in values.items() if value is not None},
        "from": held.lines(),
        "reasons": reason_lines(customer.reasons),
    }


def _answer(problem: Problem, customer: Customer) -> _Answer:
    if customer.owner is None:
        change = "Give it an owner who works here, in the CRM"
        return _Answer(may=False, why="No rep of this plan owns it", change=change)
    found = wishes(problem, customer, ())
    if isinstance(found, Refusal):
        return _Answer(may=found.code not in _NO, why=found.text, change=found.change)
    return _Answer(may=True)


def _rep_text(known: Known, rep: str | None) -> str:
    names = {one.id: one.name for one in known.reps.reps}
    if rep is None:
        return "nobody"
    return rep if names.get(rep, rep) == rep else f"{names[rep]} ({rep})"


def _not_ours(key: RecordKey, row: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a customer that no plan looks at."""
    is_closed = row["status"] == "closed"
    why = "Its record is closed in the CRM" if is_closed else "No plan is made here"
    change = "Open the record again" if is_closed else "Let [connections] or [reps] name a rep"
    return {
        "customer": str(key),
        "name": row["name"] or row["id"],
        "rep": "nobody",
        "may_be_visited": False,
        "why": why,
        "change": change,
        "lines": [],
        "rules": [],
        "policy": {},
        "from": [],
        "reasons": [],
        "consents": {},
    }
