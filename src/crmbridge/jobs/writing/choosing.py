"""Narrows what is desired to one rep or some kinds of change, before anything is decided."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from crmbridge.errors import UsageError
from crmbridge.jobs.territory.planning import Made
from crmbridge.jobs.writing.deciding import Writable
from crmbridge.push.desired import Desired, DesiredFields

KINDS = ("visits", "score", "segment", "reasons", "campaigns")
_FIELDS = ("score", "segment", "reasons")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a diff is asked for.

    Args:
        rep: id or name; all when empty.
        only: of `KINDS`; all when empty.
    """

    rep: str = ""
    only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse kinds that there are not."""
        for kind in self.only:
            if kind not in KINDS:
                raise UsageError("--only", f"some of {', '.join(KINDS)}", repr(kind))


def chosen(desired: Desired, choice: Choice, made: Made, target: Writable) -> Desired:
    """The part of what is desired that was asked for.

    Raises:
        UsageError: there is no such rep.
    """
    if choice.rep:
        desired = _of_rep(desired, choice.rep, made)
    return _of_kinds(desired, choice.only, target) if choice.only else desired


def _of_rep(desired: Desired, rep: str, made: Made) -> Desired:
    wanted = rep.strip().lower()
    reps = made.gathered.known.reps.reps
    found = {one.id for one in reps if wanted in (one.id.lower(), one.name.lower())}
    if not found:
        raise UsageError("--rep", f"a rep such as {', '.join(r.id for r in reps[:5])}", repr(rep))
    owners = {
        customer.key: customer.owner for plan in made.plans for customer in plan.problem.customers
    }
    return replace(
        desired,
        fields=[one for one in desired.fields if owners.get(str(one.record)) in found],
        records=[one for one in desired.records if one.rep in found],
        members=(),
        campaigns=frozenset(),
        scopes={
            place: replace(scope, reps=scope.reps & found)
            for place, scope in desired.scopes.items()
        },
    )


def _of_kinds(desired: Desired, kinds: tuple[str, ...], target: Writable) -> Desired:
    names = {
        name: {getattr(one.settings.write, kind) for kind in kinds if kind in _FIELDS}
        for name, one in target.opened.items()
    }
    is_with_visits, has_campaigns = "visits" in kinds, "campaigns" in kinds
    return replace(
        desired,
        fields=[kept for one in desired.fields if (kept := _kept(one, names)).values],
        records=[one for one in desired.records if (is_with_visits if one.rep else has_campaigns)],
        members=desired.members if has_campaigns else (),
        campaigns=desired.campaigns if has_campaigns else frozenset(),
        scopes=desired.scopes if is_with_visits else {},
    )


def _kept(one: DesiredFields, names: Mapping[str, set[str]]) -> DesiredFields:
    wanted = names.get(one.record.connection, set())
    values = {name: value for name, value in one.values.items() if name in wanted}
    return replace(one, values=values)
