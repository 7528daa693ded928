"""Tells which lines of the policy fit nobody, or may mean somebody else than was thought."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from crmbridge.jobs.territory.known import key_of
from crmbridge.jobs.territory.overrides import Override, Overrides
from crmbridge.jobs.territory.policies import VisitPolicy, unknown_classes, unused_rules
from crmbridge.records import Finding
from crmbridge.settings import PlanningSettings
from crmbridge.settings.nearest import did_you_mean
from crmbridge.store.territory import Record


def override_doubts(
    overrides: Overrides, rows: Sequence[Record], reps: Iterable[str]
) -> list[Finding]:
    """Exceptions for nobody, for several customers at once, and by a rep whom nobody knows.

    Args:
        reps: names, e-mail addresses and ids of reps, in lower case; none if there are no reps.
    """
    ids = Counter(row["id"] for row in rows)
    keys = {str(key_of(row)) for row in rows}
    known = set(reps)
    lost = [one for one in overrides.all if one.customer not in keys and one.customer not in ids]
    several = [one for one in overrides.all if one.customer not in keys and ids[one.customer] > 1]
    strange = [one for one in overrides.all if known and one.rep and one.rep.lower() not in known]
    return [
        *_told(
            "policy.override_of_nobody",
            [f"{one.line}: {one.customer}" for one in lost],
            "Correct the customer: its key as connection/object/id, or its id",
        ),
        *_told(
            "policy.override_of_several",
            [_several(one, rows) for one in several],
            "Name the one that is meant as connection/object/id; until then it holds for each",
        ),
        *_told(
            "policy.override_by_nobody",
            [f"{one.line}: {one.rep}" for one in strange],
            _nearest_rep(strange, known) or "Correct the rep: name, e-mail address or id",
        ),
    ]


def policy_doubts(planning: PlanningSettings, policies: Mapping[str, VisitPolicy]) -> list[Finding]:
    """Rules that fit nobody, and classes that no table describes.

    Args:
        policies: of all customers, by key.
    """
    if not policies:
        return []
    unknown = unknown_classes(planning, policies.values())
    examples = [f"{key}: {p.class_!r}" for key, p in policies.items() if p.class_ in unknown]
    return [
        *_told(
            "policy.rule_of_nobody",
            [f"planning.rules.{name}" for name in unused_rules(planning, policies.values())],
            "Nothing to do if that is right; else look how the CRM writes what the rule names",
        ),
        *_told(
            "policy.class_unknown",
            examples,
            f"Add [planning.classes.{next(iter(unknown), '')}]; until then the defaults hold",
        ),
    ]


def _told(code: str, examples: Sequence[str], remedy: str) -> Iterable[Finding]:
    if examples:
        yield Finding(code=code, count=len(examples), example=examples[0], remedy=remedy)


def _several(one: Override, rows: Sequence[Record]) -> str:
    keys = [str(key_of(row)) for row in rows if row["id"] == one.customer]
    return f"{one.line}: {one.customer} is {' and '.join(keys[:3])}"


def _nearest_rep(strange: Sequence[Override], known: set[str]) -> str:
    return did_you_mean(strange[0].rep, known) if strange and len(known) < 50 else ""
