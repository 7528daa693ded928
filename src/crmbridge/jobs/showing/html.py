"""The report: one HTML file that opens offline, with what a manager asks first."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

import crmbridge
from crmbridge.jobs.analysis.chances import CAMPAIGNS, VISITS, known_chances
from crmbridge.jobs.analysis.customers import base_connections
from crmbridge.jobs.analysis.holdout import measured_effect
from crmbridge.jobs.analysis.moved import known_moved
from crmbridge.jobs.analysis.offers import model_name
from crmbridge.jobs.report import RunReport
from crmbridge.jobs.showing.attainment import kept_rows
from crmbridge.jobs.showing.capacity import ALL, CAPACITY_HEADERS, capacity_rows
from crmbridge.jobs.showing.charts import HOW, can_draw
from crmbridge.jobs.showing.departments import department_sheets
from crmbridge.jobs.showing.map import map_svg
from crmbridge.jobs.showing.ratios import ratio_facts, ratio_rows
from crmbridge.jobs.showing.state import past_runs
from crmbridge.jobs.showing.tables import write_text
from crmbridge.jobs.territory.planning import Made, plans_again
from crmbridge.jobs.workspace import Workspace
from crmbridge.planning import RepSummary
from crmbridge.records import to_millis
from crmbridge.store.models import latest_model
from crmbridge.store.scores import load_scores
from crmbridge.store.segments import load_segments

Rows = Mapping[str, Mapping[str, Any]]
MOST_LEFT_OUT = 500
"""Customers left out that the page names; all of them are in not_planned.csv."""


def write_report(workspace: Workspace, output: Path | None) -> Path:
    """Write the report of the plan made last and of the analyses.

    Args:
        output: ``report.html`` in the out folder if None.

    Raises:
        StorageError: the file cannot be written.
    """
    path = output or workspace.settings.out_folder / "report.html"
    return write_text(path, render(report_facts(workspace)))


def render(facts: Mapping[str, Any]) -> str:
    """The page; every value is escaped."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("crmbridge.jobs.showing"), autoescape=True)
    return environment.get_template("report.html").render(facts=facts)


def report_facts(workspace: Workspace) -> dict[str, Any]:
    """What the page shows, as plain values."""
    made = plans_again(workspace, RunReport(run=0, now=workspace.clock.now()))
    made = made or Made.nothing()
    rows = {str(key): row for key, row in made.gathered.known.rows().items()}
    names = {rep.id: rep.name or rep.id for rep in made.gathered.known.reps.reps}
    summaries = list(_summaries(made, names))
    return {
        "now": workspace.clock.now().isoformat(timespec="minutes"),
        "version": crmbridge.__version__,
        "tiles": _tiles(made, summaries),
        "reps": summaries,
        "hours": list(_hours(made, names)),
        "map": map_svg(made, rows),
        "why_not": _why_not(made),
        "left_out": _left_out(made, rows, names),
        "customers": list(_customers(workspace)),
        "departments": _departments(workspace),
        "no_charts": "" if can_draw() else HOW,
        "kpis": _kpis(workspace),
        "models": _models(workspace),
        "visits": list(_visits(made, rows, names)),
        "runs": past_runs(workspace, 10),
    }


def _tiles(made: Made, summaries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    visits = sum(len(plan.plan.visits) for plan in made.plans)
    left_out = sum(len(plan.plan.left_out) for plan in made.plans)
    unknown = sum(visit.travel_minutes is None for plan in made.plans for visit in plan.plan.visits)
    return [
        {"name": "visits planned", "value": visits},
        {"name": "reps", "value": len(summaries)},
        {"name": "customers not planned", "value": left_out},
        {"name": "visits with unknown way", "value": unknown},
    ]


def _summaries(made: Made, names: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    for plan in made.plans:
        for rep in plan.plan.reps or _counted(plan.plan):
            total = rep.travel_minutes + rep.visit_minutes
            yield {
                "name": names.get(rep.rep, rep.rep),
                "visits": rep.visits,
                "left_out": rep.left_out,
                "visiting": f"{rep.visit_minutes / 60:.1f} h",
                "travel": f"{rep.travel_minutes / 60:.1f} h",
                "share": f"{100 * rep.travel_minutes / total:.0f} %" if total else "",
            }


def _counted(plan: Any) -> Iterable[RepSummary]:
    """The sums of a plan that was read back from the store."""
    for rep in sorted({visit.rep for visit in plan.visits} | {o.rep or "" for o in plan.left_out}):
        own = [visit for visit in plan.visits if visit.rep == rep]
        yield RepSummary(
            rep=rep,
            visits=len(own),
            left_out=sum((item.rep or "") == rep for item in plan.left_out),
            visit_minutes=sum(int((v.end_at - v.start_at).total_seconds() // 60) for v in own),
            travel_minutes=sum(v.travel_minutes or 0 for v in own),
        )


def _hours(made: Made, names: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    """The hours of each rep, and of each class where they do not suffice."""
    for plan in made.plans:
        short = {one["rep"] for one in plan.capacity if not one["suffices"]}
        for row in capacity_rows(plan.capacity):
            cells = dict(zip(CAPACITY_HEADERS, row, strict=True))
            if cells["class"] == ALL or cells["rep"] in short:
                yield {**cells, "name": names.get(cells["rep"], cells["rep"])}


def _why_not(made: Made) -> list[dict[str, Any]]:
    """How many were left out for which reason; the changes differ, so they stand with each."""
    counts = Counter(item.code.value for plan in made.plans for item in plan.plan.left_out)
    return [
        {"text": code.replace("_", " "), "count": count}
        for code, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def _left_out(made: Made, rows: Rows, names: Mapping[str, str]) -> dict[str, Any]:
    """The customers left out, each with its reason and smallest change, and how many more."""
    items = [item for plan in made.plans for item in plan.plan.left_out]
    shown = [
        {
            "customer": _customer_name(item.customer, rows),
            "rep": names.get(item.rep or "", item.rep or ""),
            "reason": item.text,
            "change": item.change,
        }
        for item in items[:MOST_LEFT_OUT]
    ]
    return {"rows": shown, "more": len(items) - len(shown)}


def _customer_name(customer: str, rows: Rows) -> str:
    row = rows.get(customer)
    return (row["name"] or row["id"]) if row is not None else customer


def _customers(workspace: Workspace) -> Iterable[dict[str, Any]]:
    for base in base_connections(workspace.settings):
        with workspace.store.read() as tx:
            scores, segments = load_scores(tx, (base,)), load_segments(tx, base)
        if not scores:
            continue
        tiers = Counter(score.tier for score in scores)
        groups = Counter(segment.name or segment.segment for segment in segments)
        rows = [("tier", name, tiers[name]) for name in ("high", "medium", "low") if tiers[name]]
        rows += [("segment", name, count) for name, count in groups.most_common()]
        headers = ("By", "Group", "Customers")
        yield {"title": base, "headers": headers, "rows": rows}


def _departments(workspace: Workspace) -> list[dict[str, Any]]:
    found = []
    now = to_millis(workspace.clock.now())
    for base, sources in base_connections(workspace.settings).items():
        with workspace.store.read() as tx:
            currency = workspace.settings.connections[base].currency
            sheets = department_sheets(tx, sources, now, currency)
        found += [
            {
                "base": base,
                "department": sheet.department,
                "title": sheet.title,
                "headers": sheet.headers,
                "rows": sheet.rows,
                "chart": Markup(sheet.chart),  # noqa: S704  drawn here; labels are escaped in it
                "more": sheet.more,
            }
            for sheet in sheets
        ]
    return found


_KPI_GROUPS = ("all", "segment", "rep", "period")
"""Customers' own are in satisfaction.csv: there are too many for a page."""


def _kpis(workspace: Workspace) -> list[tuple[Any, ...]]:
    """(of what, by, group, sentence) of each ratio that has a value, and of all over everybody."""
    rows = [
        (base, by, group, sentence)
        for base in base_connections(workspace.settings)
        for by, group, _, value, sentence in ratio_rows(ratio_facts(workspace, base), _KPI_GROUPS)
        if by == "all" or value == value  # NaN is not itself
    ]
    rows += [
        (base, "all", "visited or held out", measured_effect(workspace, base, sources).sentence)
        for base, sources in base_connections(workspace.settings).items()
    ]
    rows += [
        ("plans", by, group, sentence)
        for by, group, _, value, sentence in kept_rows(workspace)
        if by == "all" or value is not None
    ]
    return rows


_LEARNED = {VISITS: "Who orders after a visit", CAMPAIGNS: "Who responds to a campaign"}


def _models(workspace: Workspace) -> list[dict[str, Any]]:
    """The cards of what was learned, with why there is no model where there is none."""
    found = []
    for base in base_connections(workspace.settings):
        for what in (VISITS, CAMPAIGNS):
            chances = known_chances(workspace, base, what)
            if chances is not None:
                found.append({"base": base, "what": _LEARNED[what], **chances.card})
            moved = known_moved(workspace, base, what)
            if moved is not None:
                found.append({"base": base, "what": f"Whom {what} move", **moved.card})
        with workspace.store.read() as tx:
            offers = latest_model(tx, model_name(base))
        if offers is not None:
            verdict = json.loads(offers.card)["verdict"]
            found.append({"base": base, "what": "What to talk about", "verdict": verdict})
    return found


def _visits(made: Made, rows: Rows, names: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    for plan in made.plans:
        for rep in plan.problem.reps:
            own = [visit for visit in plan.plan.visits if visit.rep == rep.id]
            if own:
                yield {
                    "name": names.get(rep.id, rep.id),
                    "visits": [_visit(visit, rows) for visit in own],
                }


def _visit(visit: Any, rows: Rows) -> dict[str, str]:
    start = visit.start_at.astimezone(ZoneInfo(visit.zone))
    end = visit.end_at.astimezone(ZoneInfo(visit.zone))
    way = "unknown" if visit.travel_minutes is None else f"{visit.travel_minutes} min"
    return {
        "when": f"{start:%a %d %b %H:%M}-{end:%H:%M}",
        "customer": _customer_name(visit.customer, rows),
        "way": way,
        "why": "; ".join(reason.text for reason in visit.reasons),
    }
