"""Shows plans that were made before: a list, two side by side, one computed again."""

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

from crmbridge.cli.output import plain, show, show_json, table
from crmbridge.errors import UsageError
from crmbridge.records import from_millis

if TYPE_CHECKING:
    from crmbridge.jobs.workspace import Workspace
    from crmbridge.planning import PlanDiff, Visit

SHORT = 12
"""Characters of a plan's id that are shown; commands take as many as tell plans apart."""


def look_back(space: "Workspace", words: Sequence[str]) -> Callable[[bool], None]:
    """What ``plan list``, ``plan diff BEFORE AFTER`` and ``plan again ID`` show, as JSON or text.

    Raises:
        UsageError: the words are none of these, or there is no such plan.
    """
    match words:
        case ["list"]:
            return _list(space)
        case ["diff", before, after]:
            return _diff(space, before, after)
        case ["again", id_]:
            return _again(space, id_)
    raise UsageError("plan", "nothing, list, diff BEFORE AFTER, or again ID", " ".join(words))


def _list(space: "Workspace") -> Callable[[bool], None]:
    from crmbridge.store.plans import list_plans

    with space.store.read() as tx:
        plans = list_plans(tx)
    rows: list[dict[str, Any]] = [
        {
            "id": plan.id,
            "connection": plan.connection,
            "made_at": _time(plan.created_at),
            "published_at": _time(plan.published_at),
            "first": plan.start_on,
            "days": plan.days,
            "input": plan.input_digest,
            "seed": plan.seed,
        }
        for plan in plans
    ]

    def tell(as_json: bool) -> None:
        if as_json:
            show_json({"plans": rows})
            return
        heads = ("plan", "connection", "made", "in force since", "first", "days", "seed")
        names = ("connection", "made_at", "published_at", "first", "days", "seed")
        show(table(heads, [(row["id"][:SHORT], *(row[n] for n in names)) for row in rows], 120))

    return tell


def _diff(space: "Workspace", before: str, after: str) -> Callable[[bool], None]:
    from crmbridge.jobs.territory.history import compare_plans

    found = compare_plans(space, before, after)

    def tell(as_json: bool) -> None:
        heads = {"before": found.before.id, "after": found.after.id}
        if as_json:
            show_json({**heads, **diff_json(found.diff)})
            return
        show_diff(found.diff)

    return tell


def _again(space: "Workspace", id_: str) -> Callable[[bool], None]:
    from crmbridge.jobs.territory.history import compute_again

    found = compute_again(space, id_)

    def tell(as_json: bool) -> None:
        if as_json:
            ids = {"plan": found.plan.id, "again": found.again.id, "is_same": found.is_same}
            facts = {"is_older": found.is_older, "cut_short": found.cut_short}
            show_json({**ids, **facts, **diff_json(found.diff)})
        elif found.is_older:
            show(f"Plan {found.plan.id[:SHORT]}: made by another version, computed by this one.")
            show_diff(found.diff)
        elif found.is_same:
            show(f"Plan {found.plan.id[:SHORT]}: computed again, the same to the last reason.")
        else:
            show(f"Plan {found.plan.id[:SHORT]}: computed again, and it differs.")
            show_diff(found.diff)
        if found.cut_short and not (as_json or found.is_same):
            show(f"{found.cut_short}.")

    return tell


def diff_json(diff: "PlanDiff") -> dict[str, Any]:
    """Two plans side by side, as JSON values."""
    return {
        "stability": diff.sentence(),
        "churn": round(diff.churn, 4),
        "churn_chosen": round(diff.chosen_churn, 4),
        "past": diff.past,
        "beyond": diff.beyond,
        "kept": len(diff.kept),
        "moved": [
            {
                "visit": move.after.id,
                "customer": move.after.customer,
                "from": _when(move.before),
                "to": _when(move.after),
                "days": move.days,
                "minutes": move.minutes,
                "cause": move.cause,
            }
            for move in diff.moved
        ],
        "new": [
            {"visit": v.id, "customer": v.customer, "at": _when(v), "rep": v.rep} for v in diff.new
        ],
        "dropped": [
            {
                "visit": drop.before.id,
                "customer": drop.before.customer,
                "at": _when(drop.before),
                "cause": drop.cause,
            }
            for drop in diff.dropped
        ],
    }


def show_diff(diff: "PlanDiff") -> None:
    """Two plans side by side, for people: the sentence, then each move with its cause."""
    show(diff.sentence())
    rows = [
        (plain(m.after.customer), _when(m.before), _when(m.after), plain(m.cause))
        for m in diff.moved
    ]
    rows += [(plain(d.before.customer), _when(d.before), "dropped", plain(d.cause))
             for d in diff.dropped]  # fmt: skip
    rows += [(plain(v.customer), "new", _when(v), "; ".join(r.text for r in v.reasons[:1]))
             for v in diff.new]  # fmt: skip
    if rows:
        show(table(("customer", "before", "after", "why"), rows, 120))


def _when(visit: "Visit") -> str:
    return f"{visit.wall_start:%Y-%m-%d %H:%M}"


def _time(at: int | None) -> str:
    return "" if at is None else f"{from_millis(at).astimezone(UTC):%Y-%m-%d %H:%M}Z"
