"""Exports the plan made last for other programs: calendars, a table, routes on a map."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crmbridge.errors import UsageError
from crmbridge.jobs.report import RunReport
from crmbridge.jobs.showing.files import write_calendars, write_tables
from crmbridge.jobs.showing.tables import write_text
from crmbridge.jobs.territory.planning import Made, MadePlan, plans_again
from crmbridge.jobs.workspace import Workspace


def export(workspace: Workspace, kind: str, folder: Path | None = None) -> list[Path]:
    """Write the plan made last.

    Args:
        kind: ``ics``, ``csv`` or ``geojson``.
        folder: the settings' out folder if None.

    Raises:
        UsageError: no plan was made yet.
        StorageError: the folder cannot be written to.
    """
    made = plans_again(workspace, RunReport(run=0, now=workspace.clock.now()))
    if made is None:
        raise UsageError("export plan", "a plan", "none", "Run `crmbridge plan` first")
    target = folder or workspace.settings.out_folder
    rows = {str(key): row for key, row in made.gathered.known.rows().items()}
    if kind == "ics":
        return [path for plan in made.plans for path in write_calendars(target, plan, made, rows)]
    if kind == "csv":
        return list(write_tables(target, made, rows))
    return [write_text(target / "visit_plan.geojson", geojson_text(made, rows))]


def geojson_text(made: Made, rows: Mapping[str, Mapping[str, Any]]) -> str:
    """A point for each visit and a line for each rep's day, as GeoJSON (RFC 7946)."""
    features = [one for plan in made.plans for one in _features(plan, rows)]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


def _features(plan: MadePlan, rows: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    days: dict[tuple[str, str], list[list[float]]] = {}
    for visit in plan.plan.visits:
        row = rows[visit.customer]
        if row["latitude"] is None or row["longitude"] is None:
            continue
        place = [row["longitude"], row["latitude"]]  # GeoJSON puts longitude first
        day = visit.day.isoformat()
        days.setdefault((visit.rep, day), []).append(place)
        facts = {
            "rep": visit.rep,
            "day": day,
            "sequence": visit.sequence,
            "customer": row["name"] or row["id"],
            "start_at": visit.start_at.isoformat(),
            "reasons": [reason.text for reason in visit.reasons],
        }
        found.append(_feature("Point", place, facts))
    for (rep, day), places in days.items():
        if len(places) > 1:
            found.append(_feature("LineString", places, {"rep": rep, "day": day}))
    return found


def _feature(kind: str, coordinates: list[Any], facts: dict[str, Any]) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": facts}
