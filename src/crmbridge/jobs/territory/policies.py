"""Decides which policy holds for a customer, and which line of the settings each part is from.

Later lines stand above earlier ones: the defaults, the customer's class, the rules in the order of
the file, the CRM's own record, an exception that somebody made for this customer.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from crmbridge.jobs.territory.overrides import Override
from crmbridge.settings import PlanningSettings, RuleSettings
from crmbridge.settings.policy import Day

_RECORD = {
    "every_days": "visit_interval_days",
    "minutes": "visit_minutes",
    "min_gap_days": "min_gap_days",
}
"""What the CRM's own record may say of visits, by its field."""
_ADDED_UP = ("closed", "agenda", "outcome")
"""Parts in which every line that fits has a say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What rules ask of a customer, all texts in lower case.

    Args:
        needs: product families and products of needs that are not met.
        products: names, families and ids of what was bought before.
    """

    class_: str = ""
    segments: frozenset[str] = frozenset()
    markets: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitPolicy:
    """How often, how long, when and with what a customer is visited.

    Args:
        priority: what the score is multiplied by.
        barred: why there are no visits; empty if there are.
        days: the only weekdays; empty for any.
        hours: the only hours, as (from, to) minutes of the day; None for any.
        closed: (first, last) days without visits.
        outcome: fields that must be filled once a visit is over.
        origins: part -> the line of the settings it is from.
        rules: names of the rules that fit.
    """

    class_: str = ""
    every_days: int = 60
    minutes: int = 45
    min_gap_days: int = 7
    priority: float = 1.0
    barred: str = ""
    days: tuple[Day, ...] = ()
    hours: tuple[int, int] | None = None
    closed: tuple[tuple[date, date], ...] = ()
    agenda: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Each part with where it is from, for people."""
        parts = [f"{name} {_shown(getattr(self, name))}: {o}" for name, o in self.origins.items()]
        return parts + ([f"rules that fit: {', '.join(self.rules)}"] if self.rules else [])


def facts_of(
    row: Mapping[str, Any],
    default_class: str,
    segments: Iterable[str] = (),
    needs: Iterable[str] = (),
    products: Iterable[str] = (),
) -> Facts:
    """What rules ask of a customer, from the record and from what the analyses found."""
    return Facts(
        class_=row["class"] or default_class,
        segments=_folded(segments),
        markets=_folded((row["segment"], row["industry"], row["region"])),
        needs=_folded(needs),
        products=_folded(products),
        country=(row["country"] or "").casefold(),
    )


def visit_policy(
    facts: Facts,
    row: Mapping[str, Any],
    planning: PlanningSettings,
    overrides: Sequence[Override] = (),
) -> VisitPolicy:
    """The policy for one customer.

    Args:
        overrides: exceptions for this customer that have not ended, in the order of the file.
    """
    facts = replace(facts, class_=class_name(facts.class_, planning))
    rules = {name: rule for name, rule in planning.rules.items() if fits(rule, facts)}
    said: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, values in _lines(facts, row, planning, rules, overrides):
        for name, value in values.items():
            said[name] = (*said.get(name, ()), *value) if name in _ADDED_UP else value
            before = f"{origins[name]}, " if name in _ADDED_UP and name in origins else ""
            origins[name] = before + origin
    if "min_gap_days" not in said:
        said["min_gap_days"] = min(planning.min_gap_days, max(1, said["every_days"] // 2))
        origins["min_gap_days"] = "planning.min_gap_days, at most half the interval"
    return VisitPolicy(class_=facts.class_, origins=origins, rules=tuple(rules), **said)


def class_name(text: str, planning: PlanningSettings) -> str:
    """The class that is meant, as `planning.classes` writes it; the text itself if it has none."""
    if text in planning.classes:
        return text
    known = {name.casefold(): name for name in planning.classes}
    return known.get(text.strip().casefold(), text)


def unknown_classes(planning: PlanningSettings, policies: Iterable[VisitPolicy]) -> Counter[str]:
    """Classes of customers that no table describes, where any table describes a class."""
    if not planning.classes:
        return Counter()
    classes = Counter(policy.class_ for policy in policies)
    return Counter({n: c for n, c in classes.items() if n and n not in planning.classes})


def fits(rule: RuleSettings, facts: Facts) -> bool:
    """Whether all conditions of a rule hold; one without any fits everybody."""
    pairs = (
        (rule.classes, frozenset((facts.class_.casefold(),))),
        (rule.segments, facts.segments),
        (rule.markets, facts.markets),
        (rule.needs, facts.needs),
        (rule.products, facts.products),
        (rule.countries, frozenset((facts.country,))),
    )
    return all(not wanted or _folded(wanted) & there for wanted, there in pairs)


def unused_rules(planning: PlanningSettings, policies: Iterable[VisitPolicy]) -> list[str]:
    """Rules that fit nobody: mostly a name that is written otherwise in the CRM."""
    used = {name for policy in policies for name in policy.rules}
    return [name for name in planning.rules if name not in used]


def _lines(
    facts: Facts,
    row: Mapping[str, Any],
    planning: PlanningSettings,
    rules: Mapping[str, RuleSettings],
    overrides: Sequence[Override],
) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """(line of the settings, what it says), those that stand above others later."""
    yield "planning", {"every_days": planning.every_days, "minutes": planning.visit_minutes}
    class_ = planning.classes.get(facts.class_)
    if class_ is not None:
        yield f"planning.classes.{facts.class_}", _set(class_.model_dump())
    for name, rule in rules.items():
        yield f"planning.rules.{name}", _set(_rule_values(rule))
    record = {name: row[column] for name, column in _RECORD.items()}
    yield "the CRM's record", _set(record)
    for one in overrides:
        yield one.origin, _set(one.values)


def _rule_values(rule: RuleSettings) -> dict[str, Any]:
    conditions = {"classes", "segments", "markets", "needs", "products", "countries"}
    values = rule.model_dump(exclude=conditions | {"hours"})
    if rule.hours is not None:
        start, end = rule.hours
        values["hours"] = (start.hour * 60 + start.minute, end.hour * 60 + end.minute)
    return values


def _set(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is said at all; 0 is something, empty lists and texts are not."""
    return {n: v for n, v in values.items() if v is not None and v not in ("", ())}


def _folded(texts: Iterable[str | None]) -> frozenset[str]:
    return frozenset(text.casefold() for text in texts if text)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value))
    return str(value)
