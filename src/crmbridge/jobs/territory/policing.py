"""Gathers what policies are made from: segments, needs, products bought, exceptions, contacts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from crmbridge.jobs.territory.known import key_of
from crmbridge.jobs.territory.overrides import Overrides, read_overrides
from crmbridge.jobs.territory.policies import VisitPolicy, facts_of, visit_policy
from crmbridge.jobs.territory.policy_doubts import override_doubts, policy_doubts
from crmbridge.jobs.territory.stretches import Stretch, stretches_of
from crmbridge.records import Finding, RecordKey, from_millis, to_millis
from crmbridge.settings import Settings
from crmbridge.store.campaigns import added_since
from crmbridge.store.segments import load_segments
from crmbridge.store.territory import Record, load_reps
from crmbridge.store.visiting import contacts_since, open_needs, products_bought

Words = Mapping[tuple[str, str], set[str]]
"""(base connection, customer id) -> words that rules may name."""
Bases = Mapping[str, Sequence[str]]
"""base connection -> itself and those that complete it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The policy of every customer, and what did not fit.

    Args:
        by_key: what holds on the first day of the plan.
        changing: what holds on which days, where exceptions end within the plan.
    """

    by_key: Mapping[RecordKey, VisitPolicy] = field(default_factory=dict)
    changing: Mapping[RecordKey, tuple[Stretch, ...]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def policies_of(
    tx: Connection,
    customers: Iterable[Record],
    bases: Bases,
    settings: Settings,
    today: date,
    days: tuple[date, date],
) -> Policies:
    """The policies that hold for each customer on the days of a plan.

    Args:
        days: the first and the last of them.
    """
    planning, rows = settings.planning, list(customers)
    overrides = Overrides()
    if planning.overrides:
        overrides = read_overrides(settings.path(planning.overrides), today)
    segments = _segments(tx, bases)
    needs = _needs(tx, bases) if any(rule.needs for rule in planning.rules.values()) else {}
    bought = _bought(tx, bases) if any(rule.products for rule in planning.rules.values()) else {}
    found, changing = {}, {}
    for row in rows:
        key, own = key_of(row), (row["connection"], row["id"])
        facts = facts_of(
            row,
            planning.class_default,
            segments.get(own, ()),
            needs.get(own, ()),
            bought.get(own, ()),
        )
        policy_of = partial(visit_policy, facts, row, planning)
        held = stretches_of(policy_of, overrides.of(str(key), key.id), *days)
        found[key] = held[0].policy
        if len(held) > 1:
            changing[key] = held
    reps = _rep_words(tx, settings) if overrides.all else ()
    return Policies(
        by_key=found,
        changing=changing,
        findings=(
            *overrides.findings,
            *override_doubts(overrides, rows, reps),
            *policy_doubts(planning, {str(key): policy for key, policy in found.items()}),
        ),
    )


def contact_days(
    tx: Connection, customers: Iterable[Record], bases: Bases, settings: Settings, now: datetime
) -> dict[RecordKey, tuple[date, ...]]:
    """customer -> days of the contacts that count towards the pressure allowed; none without."""
    own = settings.planning.pressure
    if own.max_contacts == 0:
        return {}
    since = to_millis(now - timedelta(days=own.days))
    days: dict[tuple[str, str], tuple[date, ...]] = {}
    for base, sources in bases.items():
        for (_, id_), at in contacts_since(tx, sources, own.kinds, since, to_millis(now)):
            days[base, id_] = (*days.get((base, id_), ()), from_millis(at).date())
        # A campaign's member is about to be written to: that counts like any other contact.
        for unit, at in added_since(tx, base, since) if "email" in own.kinds else ():
            days[base, unit] = (*days.get((base, unit), ()), from_millis(at).date())
    keys = map(key_of, customers)  # an activity names its customer by the id alone
    found = {k: days.get((k.connection, k.id)) for k in keys}
    return {key: tuple(sorted(some)) for key, some in found.items() if some}


def _segments(tx: Connection, bases: Bases) -> Words:
    found: dict[tuple[str, str], set[str]] = {}
    for base in bases:
        for one in load_segments(tx, base):
            found[base, one.key.id] = {one.segment, one.name}
    return found


def _needs(tx: Connection, bases: Bases) -> Words:
    found: dict[tuple[str, str], set[str]] = {}
    for base, sources in bases.items():
        for need in open_needs(tx, sources):
            words = (need.family, need.product, need.product_id)
            found.setdefault((base, need.customer[1]), set()).update(words)
    return found


def _bought(tx: Connection, bases: Bases) -> Words:
    found: dict[tuple[str, str], set[str]] = {}
    for base, sources in bases.items():
        for (_, id_), word in products_bought(tx, sources):
            found.setdefault((base, id_), set()).add(word)
    return found


def _rep_words(tx: Connection, settings: Settings) -> set[str]:
    """What a rep may be called by, in lower case."""
    words = {row[name] for row in load_reps(tx) for name in ("id", "name", "email")}
    return {word.strip().lower() for word in words if word} | set(settings.reps)
