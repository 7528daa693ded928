"""Writes what people and other tools read after a run: calendars, the plan, the analysis."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from crmbridge.engine.reasons import reasons_text
from crmbridge.engine.strategy import Strategy, StrategyParameters, fit_strategy
from crmbridge.jobs.analysis.customers import Analysed
from crmbridge.jobs.report import RunReport
from crmbridge.jobs.showing.attainment import kept_rows
from crmbridge.jobs.showing.capacity import CAPACITY_HEADERS, capacity_rows
from crmbridge.jobs.showing.ratios import GROUPS, HEADERS, base_sources, ratio_facts, ratio_rows
from crmbridge.jobs.showing.tables import table_text, write_text
from crmbridge.jobs.territory.planning import Made, MadePlan
from crmbridge.jobs.workspace import Workspace
from crmbridge.jobs.writing.wanted import place_line
from crmbridge.planning import Customer, Visit
from crmbridge.planning.ics import CalendarEntry, calendar_text
from crmbridge.store.territory import load_stream

PLAN_HEADERS = (
    "rep", "day", "start", "end", "zone", "customer", "customer_id", "place", "latitude",
    "longitude", "travel_minutes", "score", "strategy", "fixedness", "reasons", "visit_id",
)  # fmt: skip
LEFT_OUT_HEADERS = ("customer", "customer_id", "rep", "reason", "code", "change")


def write_plans(workspace: Workspace, made: Made) -> list[str]:
    """A calendar for each rep; the visits, the customers left out and the hours as tables."""
    folder = workspace.settings.out_folder
    rows = {str(key): row for key, row in made.gathered.known.rows().items()}
    written = [path for plan in made.plans for path in write_calendars(folder, plan, made, rows)]
    written += write_tables(folder, made, rows)
    return [str(path) for path in written]


def write_tables(
    folder: Path, made: Made, rows: Mapping[str, Mapping[str, Any]]
) -> tuple[Path, Path, Path]:
    """The visits, the customers left out, and the hours of each rep."""
    visits = [row for plan in made.plans for row in visit_rows(plan, rows)]
    left_out = [row for plan in made.plans for row in left_out_rows(plan, rows)]
    hours = [row for plan in made.plans for row in capacity_rows(plan.capacity)]
    return (
        write_text(folder / "visit_plan.csv", table_text(PLAN_HEADERS, visits)),
        write_text(folder / "not_planned.csv", table_text(LEFT_OUT_HEADERS, left_out)),
        write_text(folder / "capacity.csv", table_text(CAPACITY_HEADERS, hours)),
    )


def write_calendars(
    folder: Path, plan: MadePlan, made: Made, rows: Mapping[str, Mapping[str, Any]]
) -> list[Path]:
    """One calendar file a rep: the visits planned, and those dropped since the plan in force."""
    planned = {visit.id for visit in plan.plan.visits}
    dropped = [v for v in made.gathered.known.previous if v.id not in planned]
    stamp = plan.problem.now
    written = []
    for rep in plan.problem.reps:
        own = [v for v in plan.plan.visits if v.rep == rep.id]
        gone = [v for v in dropped if v.rep == rep.id and v.start_at > stamp]
        entries = [_entry(v, rows, made.briefs.get(v.customer, ())) for v in own]
        entries += [replace(_entry(v, rows, ()), cancelled=True) for v in gone]
        if entries:
            text = calendar_text(entries, stamp, f"Visits of {rep.name or rep.id}")
            written.append(write_text(folder / "calendars" / f"{file_name(rep.id)}.ics", text))
    return written


def _entry(
    visit: Visit, rows: Mapping[str, Mapping[str, Any]], brief: tuple[str, ...]
) -> CalendarEntry:
    row = rows.get(visit.customer)
    name = (row["name"] or row["id"]) if row is not None else visit.customer
    place = place_line(row) if row is not None else ""
    return CalendarEntry(visit=visit, summary=f"Visit {name}", location=place, brief=brief)


def file_name(text: str) -> str:
    """A text as a file's name, the same for the same text."""
    return re.sub(r"[^A-Za-z0-9@._-]+", "_", text).strip("._") or "rep"


def visit_rows(plan: MadePlan, rows: Mapping[str, Mapping[str, Any]]) -> Iterable[Sequence[Any]]:
    """The visits of a plan as rows under `PLAN_HEADERS`."""
    strategies = {one.key: _strategy(one) for one in plan.problem.customers}
    for visit in plan.plan.visits:
        row = rows[visit.customer]
        zone = ZoneInfo(visit.zone)
        yield (
            visit.rep,
            visit.day.isoformat(),
            f"{visit.start_at.astimezone(zone):%H:%M}",
            f"{visit.end_at.astimezone(zone):%H:%M}",
            visit.zone,
            row["name"] or row["id"],
            visit.customer,
            place_line(row),
            row["latitude"],
            row["longitude"],
            visit.travel_minutes,
            round(visit.value, 2),
            strategies[visit.customer],
            visit.fixedness.value,
            "; ".join(reason.text for reason in visit.reasons),
            visit.id,
        )


def _strategy(customer: Customer) -> str:
    """The visit strategy that holds for a customer, in words."""
    often = f"every {customer.every_days} days" if customer.every_days else "when worth it"
    name = f"class {customer.class_}, " if customer.class_ else ""
    return f"{name}{often}, {customer.minutes} minutes"


def left_out_rows(plan: MadePlan, rows: Mapping[str, Mapping[str, Any]]) -> Iterable[Sequence[Any]]:
    """The customers left out of a plan as rows under `LEFT_OUT_HEADERS`."""
    for item in plan.plan.left_out:
        row = rows[item.customer]
        name = row["name"] or row["id"]
        yield (name, item.customer, item.rep or "", item.text, item.code.value, item.change)


def write_analysis(workspace: Workspace, found: Analysed, report: RunReport) -> list[str]:
    """The customers with score and segment, the ratios of satisfaction, and the strategy."""
    folder, name = workspace.settings.out_folder, found.base
    several = len(workspace.settings.connections) > 1
    prefix = f"{file_name(name)}_" if several and not _is_only_base(workspace) else ""
    written = [
        write_text(folder / f"{prefix}customer_analysis.csv", _analysis_text(found)),
        write_text(folder / f"{prefix}satisfaction.csv", _satisfaction_text(workspace, name)),
    ]
    strategy = strategy_of(workspace, found)
    if strategy is not None:
        report.find(strategy.findings)
        written.append(write_text(folder / f"{prefix}strategy.csv", _strategy_text(strategy)))
    return [str(path) for path in written]


def _is_only_base(workspace: Workspace) -> bool:
    return sum(not one.completes for one in workspace.settings.connections.values()) == 1


def _analysis_text(found: Analysed) -> str:
    columns = [
        name
        for name in found.customers.columns
        if name not in ("connection", "object", "extra", "modified_at")
        and found.customers[name].notna().any()
    ]
    chances = {f"chance_{what}": known.of for what, known in found.chances.items() if known.of}
    # A column only where something is in it, as with the records' own.
    told = {"preference": {id_: one.sentence() for id_, one in found.preferences.items()}}
    extra: dict[str, Mapping[str, Any]] = {**chances, **(told if found.preferences else {})}
    headers = ("id", *columns, *extra, "score", "tier", "cluster", "segment", "reasons")
    scored: Mapping[Any, Mapping[Any, Any]] = found.scored.frame.to_dict("index")
    rows = []
    customers: Mapping[Any, Mapping[Any, Any]] = found.customers[
        ~found.customers.index.duplicated()
    ].to_dict("index")
    for id_, row in customers.items():
        member, score = found.segmented.members.get(str(id_)), scored[id_]
        rows.append(
            (
                id_,
                *(row[name] for name in columns),
                *(of.get(str(id_)) for of in extra.values()),
                score["score"],
                score["tier"],
                member.segment if member is not None else "",
                member.name if member is not None else "",
                reasons_text(score["reasons"]),
            )
        )
    return table_text(headers, rows)


def _satisfaction_text(workspace: Workspace, base: str) -> str:
    rows: list[Sequence[Any]] = list(ratio_rows(ratio_facts(workspace, base), tuple(GROUPS)))
    return table_text(HEADERS, [*rows, *kept_rows(workspace)])


def strategy_of(workspace: Workspace, found: Analysed) -> Strategy | None:
    """The regression of sales on what moves them; None where no sales facts were pulled."""
    sources = base_sources(workspace, found.base)
    with workspace.store.read() as tx:
        facts = load_stream(tx, "market_facts", sources)
    if not any(row["sales"] is not None for row in facts):
        return None
    return fit_strategy(pd.DataFrame(facts), StrategyParameters())


def _strategy_text(strategy: Strategy) -> str:
    headers = ("term", "estimate", "error", "low", "high", "p", "advice")
    rows: list[Sequence[Any]] = [
        (term, row["estimate"], row["error"], row["low"], row["high"], row["p"], "")
        for term, row in strategy.coefficients.iterrows()
    ]
    rows += [("", None, None, None, None, None, line) for line in strategy.advice]
    return table_text(headers, rows)
