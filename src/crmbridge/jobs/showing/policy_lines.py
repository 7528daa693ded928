"""Says each part of a customer's policy in words, with the layer of the settings it is from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from crmbridge.jobs.showing.hours import days_text, hours_text
from crmbridge.jobs.territory.opening import opening_windows
from crmbridge.jobs.territory.policies import VisitPolicy
from crmbridge.planning import Customer, Problem, Reply
from crmbridge.planning.policy import due_on, early_days
from crmbridge.settings import Settings

_RECORD = "the CRM's record"
_DEFAULTS = {"every_days": "planning.every_days", "minutes": "planning.visit_minutes"}
"""Keys of the settings that speak where no class, rule or record does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLine:
    """One part of a policy.

    Args:
        origin: the layer it is from: a default, a class, a rule, the record, an override.
    """

    part: str
    value: str
    origin: str = ""


def policy_lines(
    problem: Problem,
    customer: Customer,
    row: Mapping[str, Any],
    held: VisitPolicy,
    settings: Settings,
    consents: Mapping[str, str],
) -> list[PolicyLine]:
    """All parts that say something, in the order in which people ask for them."""
    found = [
        *_how_often(customer, row, held),
        *_when_due(problem, customer),
        *_answers(customer),
        *_open(customer, row, held),
        *_what(held),
        *_contacts(problem, customer),
        *_allowed(consents, settings),
    ]
    return [line for line in found if line.value]


def _how_often(
    customer: Customer, row: Mapping[str, Any], held: VisitPolicy
) -> Iterator[PolicyLine]:
    by_record = _RECORD if row["class"] or not held.class_ else "planning.class_default"
    yield PolicyLine(part="class", value=held.class_ or "none", origin=by_record)
    every = f"every {held.every_days} days"
    yield PolicyLine(part="interval", value=every, origin=_origin(held, "every_days"))
    gap = f"at least {held.min_gap_days} days apart" if held.min_gap_days else "none"
    yield PolicyLine(part="gap", value=gap, origin=_origin(held, "min_gap_days"))
    length = f"{held.minutes} minutes"
    yield PolicyLine(part="length", value=length, origin=_origin(held, "minutes"))
    priority = f"{held.priority:g}"
    origin = held.origins.get("priority", "the default")
    yield PolicyLine(part="priority", value=priority, origin=origin)
    if customer.value is None:
        yield PolicyLine(part="worth", value="not scored yet", origin="see crmbridge analyze")
    else:
        worth = f"{customer.value:.1f}"
        yield PolicyLine(part="worth", value=worth, origin="score of 100, times priority")


def _origin(held: VisitPolicy, part: str) -> str:
    origin = held.origins.get(part, "")
    return _DEFAULTS.get(part, origin) if origin == "planning" else origin


def _when_due(problem: Problem, customer: Customer) -> Iterator[PolicyLine]:
    seen = customer.last_visit_on
    last = seen.isoformat() if seen else "none is known"
    yield PolicyLine(part="last visit", value=last)
    due = due_on(problem, customer)
    if due is None:
        return
    late = (problem.first - due).days
    said = f"{due.isoformat()}, {late} {_days(late)} overdue" if late > 0 else due.isoformat()
    if late <= 0 and seen is not None and early_days(problem, customer):
        said += f", up to {early_days(problem, customer)} days earlier"
    yield PolicyLine(part="next due", value=said)
    stand = [visit.day for visit in problem.previous if visit.customer == customer.key]
    yield PolicyLine(part="planned", value=", ".join(map(date.isoformat, sorted(stand))))


def _days(count: int) -> str:
    return "day" if count == 1 else "days"


def _answers(customer: Customer) -> Iterator[PolicyLine]:
    words = {
        Reply.ACCEPTED: "accepted",
        Reply.SNOOZED: "put off",
        Reply.DECLINED: "declined",
    }
    if customer.reply is None:
        return
    until = f" until {customer.reply_until.isoformat()}" if customer.reply_until else ""
    yield PolicyLine(part="answer", value=words[customer.reply] + until)


def _open(customer: Customer, row: Mapping[str, Any], held: VisitPolicy) -> Iterator[PolicyLine]:
    cuts = [held.origins[part] for part in ("days", "hours") if part in held.origins]
    cut = f", cut by {' and '.join(dict.fromkeys(cuts))}" if cuts else ""
    hours = hours_text(customer.opening)
    yield PolicyLine(part="open", value=hours, origin=_whose_hours(row["opening"]) + cut)
    by = [_RECORD] if row["blocked"] else []
    by += [held.origins["closed"]] if "closed" in held.origins else []
    closed = days_text(customer.blocked)
    yield PolicyLine(part="closed on", value=closed, origin=", ".join(by))


def _whose_hours(text: str | None) -> str:
    try:
        return "planning.opening" if opening_windows(text) is None else _RECORD
    except (ValueError, TypeError):
        return "planning.opening, for the record's cannot be read"


def _what(held: VisitPolicy) -> Iterator[PolicyLine]:
    agenda, outcome = "; ".join(held.agenda), ", ".join(dict.fromkeys(held.outcome))
    yield PolicyLine(part="agenda", value=agenda, origin=held.origins.get("agenda", ""))
    yield PolicyLine(part="to fill in", value=outcome, origin=held.origins.get("outcome", ""))
    yield PolicyLine(part="rules", value=", ".join(held.rules), origin="those that fit")


def _contacts(problem: Problem, customer: Customer) -> Iterator[PolicyLine]:
    rules = problem.rules
    if rules.max_contacts:
        count = len(customer.contacts)
        said = f"{count} in {rules.contact_days} days, at most {rules.max_contacts}"
        yield PolicyLine(part="contacts", value=said, origin="planning.pressure")


def _allowed(consents: Mapping[str, str], settings: Settings) -> Iterator[PolicyLine]:
    unknown = settings.consent.unknown.visit
    known = consents.get("visit", "unknown")
    if known == "unknown":
        said = f"visits: not known, counts as {unknown}"
        yield PolicyLine(part="consent", value=said, origin="consent.unknown.visit")
    else:
        yield PolicyLine(part="consent", value=f"visits: {known}", origin="the customer")
