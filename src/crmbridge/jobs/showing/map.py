"""Draws planned routes as an SVG map that needs no tiles."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

from crmbridge.jobs.territory.planning import Made

WIDTH = 900
_COLOURS = (
    "#1f6f8b", "#c0572b", "#4d8b31", "#7a4e9e", "#b0892c", "#a83a5c", "#3e5c9a", "#2f8f7f",
)  # fmt: skip

Rows = Mapping[str, Mapping[str, Any]]
Place = tuple[float, float]


def map_svg(made: Made, rows: Rows) -> Markup:
    """The map; "" where no place is known."""
    places = {key: place for key, row in rows.items() if (place := _place(row)) is not None}
    shown = [place for key, place in places.items() if key in _mentioned(made)]
    if not shown:
        return Markup("")
    project, height = _projection(shown)
    parts = [*_left_out(made, places, project), *_routes(made, places, project)]
    head = f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="Map of visits">'
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704  numbers and our own colours only


def _mentioned(made: Made) -> set[str]:
    visited = {visit.customer for plan in made.plans for visit in plan.plan.visits}
    return visited | {item.customer for plan in made.plans for item in plan.plan.left_out}


def _place(row: Mapping[str, Any]) -> Place | None:
    if row["latitude"] is None or row["longitude"] is None:
        return None
    return (row["latitude"], row["longitude"])


def _projection(places: Iterable[Place]) -> tuple[Any, float]:
    """Equirectangular around the middle latitude: fair for a territory of any country's size."""
    found = list(places)
    south, north = min(p[0] for p in found), max(p[0] for p in found)
    west, east = min(p[1] for p in found), max(p[1] for p in found)
    squeeze = math.cos(math.radians((south + north) / 2))
    across = max((east - west) * squeeze, north - south, 0.01)
    scale = (WIDTH - 40) / across

    def project(place: Place) -> tuple[float, float]:
        return (
            20 + (place[1] - west) * squeeze * scale,
            20 + (north - place[0]) * scale,
        )

    return project, 40 + (north - south) * scale


def _left_out(made: Made, places: Mapping[str, Place], project: Any) -> Iterable[str]:
    for plan in made.plans:
        for item in plan.plan.left_out:
            if item.customer in places:
                x, y = project(places[item.customer])
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="none" stroke="#9aa7b4"/>'


def _routes(made: Made, places: Mapping[str, Place], project: Any) -> Iterable[str]:
    for plan in made.plans:
        for number, rep in enumerate(plan.problem.reps):
            colour = _COLOURS[number % len(_COLOURS)]
            days: dict[Any, list[tuple[float, float]]] = {}
            for visit in plan.plan.visits:
                if visit.rep == rep.id and visit.customer in places:
                    days.setdefault(visit.day, []).append(project(places[visit.customer]))
            yield from _drawn(days.values(), colour)


def _drawn(days: Iterable[list[tuple[float, float]]], colour: str) -> Iterable[str]:
    for points in days:
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-opacity=".45"/>'
        for x, y in points:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>'
