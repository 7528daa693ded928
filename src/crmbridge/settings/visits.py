"""Refuses what reps' days and visits' outcomes say that would never hold, across tables."""

from collections.abc import Mapping
from datetime import time

from crmbridge.records import STREAMS
from crmbridge.settings.connections import ConnectionSettings
from crmbridge.settings.nearest import nearest
from crmbridge.settings.planning import PlanningSettings, RepSettings
from crmbridge.settings.policy import VisitSettings
from crmbridge.settings.table import expected

At = tuple[str | int, ...]
"""The way to a key."""


def check_days(at: At, rep: RepSettings, worked: frozenset[str]) -> None:
    """Refuse hours and places for days that nobody works.

    Args:
        rep: the table as it stands in the file.
        worked: days that somebody works to whom it applies.
    """
    for name in ("hours", "start_places", "end_places"):
        for day in getattr(rep, name):
            if day not in worked:
                step = f"Add '{day}' to days, or take it out here"
                raise expected("a day that is worked", step, got=repr(day), at=(*at, name, day))


def check_lunch(at: At, rep: RepSettings) -> None:
    """Refuse a lunch that fits into no working day: no plan would ever keep it.

    Args:
        rep: with what the defaults say.
    """
    if not rep.lunch.minutes or not rep.days:
        return
    spans = [rep.hours.get(day, (rep.start, rep.end)) for day in rep.days]
    if not any(_holds_lunch(span, rep) for span in spans):
        got = f"{rep.lunch.minutes} minutes at {rep.lunch.at:%H:%M}"
        step = f"The days are {rep.start:%H:%M} to {rep.end:%H:%M}"
        raise expected("a lunch inside a working day", step, got=got, at=(*at, "lunch"))


def _holds_lunch(span: tuple[time, time], rep: RepSettings) -> bool:
    first, last = _minute(span[0]), _minute(span[1]) - rep.lunch.minutes
    wanted, slack = _minute(rep.lunch.at), rep.lunch.slack_minutes
    return max(first, wanted - slack) <= min(last, wanted + slack)


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def check_outcomes(
    planning: PlanningSettings, connections: Mapping[str, ConnectionSettings]
) -> None:
    """Refuse outcome fields that no visit can hold: neither fields of ours nor any kept one."""
    kept = {name for one in connections.values() for name in _kept(one)}
    if "all" in kept:
        return
    known = [*STREAMS["activities"].by_name, *sorted(kept)]
    tables: list[tuple[At, VisitSettings]] = [
        *((("planning", "classes", name), one) for name, one in planning.classes.items()),
        *((("planning", "rules", name), one) for name, one in planning.rules.items()),
    ]
    for at, table in tables:
        for index, name in enumerate(table.outcome):
            if name not in known:
                near = nearest(name, known)
                keep = f"Keep it by connections.NAME.streams.activities.extra = ['{name}']"
                step = f"Did you mean {near!r}?" if near else keep
                what = "a field of activities, or one of the CRM's that is kept"
                raise expected(what, step, got=repr(name), at=(*at, "outcome", index))


def _kept(connection: ConnectionSettings) -> tuple[str, ...]:
    stream = connection.streams.get("activities")
    if stream is None:
        return ()
    return (stream.extra,) if isinstance(stream.extra, str) else tuple(stream.extra)
