"""A plan as text for a terminal of 80 columns, and as JSON."""

import textwrap
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crmbridge.cli.output import WIDTH, clipped, plain

if TYPE_CHECKING:
    from crmbridge.jobs.territory.planning import Made, MadePlan
    from crmbridge.planning import LeftOut, Visit

Rows = Mapping[str, Mapping[str, Any]]


def plan_text(made: "Made", reps: int = 0, left_out: int = 0) -> str:
    """The plans: each visit with time, travel and reasons, each customer left out with one.

    Args:
        reps: most reps shown; 0 for all.
        left_out: most customers left out that are shown for a rep; 0 for all.
    """
    rows = {str(key): row for key, row in made.gathered.known.rows().items()}
    lines: list[str] = []
    for plan in made.plans:
        shown = plan.problem.reps[: reps or None]
        for rep in shown:
            lines += _rep_lines(plan, rep.id, rep.name, rows, left_out)
        hidden = len(plan.problem.reps) - len(shown)
        if hidden > 0:
            lines.append(f"... and {hidden} reps more")
    return "\n".join(lines) if lines else "Nobody to plan for: no reps with customers."


def _rep_lines(plan: "MadePlan", rep: str, name: str, rows: Rows, most: int) -> Iterable[str]:
    visits = [visit for visit in plan.plan.visits if visit.rep == rep]
    out = [item for item in plan.plan.left_out if item.rep == rep]
    yield clipped(f"{plain(name)} ({plain(rep)}): {len(visits)} visits, {len(out)} not planned", 80)
    for day, of_day in groupby(visits, key=lambda visit: visit.day):
        yield f"  {day:%a %d %b %Y}"
        for visit in of_day:
            yield from _visit_lines(visit, rows)
        for night in plan.plan.nights:
            if (night.rep, night.day) == (rep, day):
                yield clipped(f"    night away  near {_name(night.customer, rows)}", WIDTH)
    shown = out[: most or None]
    if shown:
        yield "  Not planned"
    for item in shown:
        yield from _left_out_lines(item, rows)
    if len(shown) < len(out):
        yield f"    ... and {len(out) - len(shown)} more"
    yield ""


def _visit_lines(visit: "Visit", rows: Rows) -> Iterable[str]:
    zone = ZoneInfo(visit.zone)
    start, end = visit.start_at.astimezone(zone), visit.end_at.astimezone(zone)
    way = "way unknown" if visit.travel_minutes is None else f"{visit.travel_minutes:3d} min way"
    name = clipped(_name(visit.customer, rows), 38)
    yield f"    {start:%H:%M}-{end:%H:%M}  {way:11}  {name}"
    reasons = "; ".join(plain(reason.text) for reason in visit.reasons[:3])
    yield from textwrap.wrap(reasons, WIDTH, initial_indent=" " * 17, subsequent_indent=" " * 17)


def _left_out_lines(item: "LeftOut", rows: Rows) -> Iterable[str]:
    """The reason, and below it the smallest change that would help."""
    name = clipped(_name(item.customer, rows), 30)
    yield from _wrapped(f"{name}: {plain(item.text)}", 4, 8)
    if item.change:
        yield from _wrapped(f"-> {plain(item.change)}", 8, 11)


def _wrapped(text: str, first: int, then: int) -> Iterable[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * first, subsequent_indent=" " * then)


def _name(customer: str, rows: Rows) -> str:
    row = rows.get(customer)
    return plain((row["name"] or row["id"]) if row is not None else customer)


def grounds_text(summary: Mapping[str, Any], most: int = 5) -> str:
    """How well the places are known, and who measured the ways.

    Args:
        summary: of the plan, as a run's report has it.
        most: sources of ways that are shown.
    """
    places = ", ".join(f"{count} {quality}" for quality, count in summary["places"].items())
    sources = [f"{source} (reps: {reps})" for source, reps in summary["travel"].items()]
    more = [f"and {len(sources) - most} others"] if len(sources) > most else []
    lines = [f"Places: {places or 'none'}"]
    lines += [f"Ways: {plain(line)}" for line in (*sources[:most], *more)]
    return "\n".join(lines)


def plan_json(made: "Made") -> dict[str, Any]:
    """The visits, the customers left out and the hours of each rep, as JSON values."""
    rows = {str(key): row for key, row in made.gathered.known.rows().items()}
    return {
        "visits": [_visit_json(v, rows) for plan in made.plans for v in plan.plan.visits],
        "nights": [
            {
                "rep": night.rep,
                "day": night.day.isoformat(),
                "customer": night.customer,
                "name": _name(night.customer, rows),
            }
            for plan in made.plans
            for night in plan.plan.nights
        ],
        "not_planned": [
            {
                "customer": item.customer,
                "name": _name(item.customer, rows),
                "rep": item.rep,
                "code": item.code.value,
                "reason": item.text,
                "change": item.change,
            }
            for plan in made.plans
            for item in plan.plan.left_out
        ],
        "capacity": [row for plan in made.plans for row in plan.capacity],
    }


def _visit_json(visit: "Visit", rows: Rows) -> dict[str, Any]:
    return {
        "id": visit.id,
        "customer": visit.customer,
        "name": _name(visit.customer, rows),
        "rep": visit.rep,
        "day": visit.day.isoformat(),
        "start_at": visit.start_at.isoformat(),
        "end_at": visit.end_at.isoformat(),
        "zone": visit.zone,
        "wall_start": visit.wall_start.isoformat(timespec="minutes"),
        "sequence": visit.sequence,
        "travel_minutes": visit.travel_minutes,
        "score": visit.value,
        "fixedness": visit.fixedness.value,
        "reasons": [{"code": r.code, "text": r.text, "weight": r.weight} for r in visit.reasons],
    }
