"""Examines settings, store, plugins and connections, and says of each flaw what to do."""

import shutil
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import timedelta

from crmbridge.clock import SystemClock
from crmbridge.errors import CrmbridgeError
from crmbridge.jobs.forecast import Forecast, forecast
from crmbridge.jobs.workspace import Opened, Workspace, write_fields
from crmbridge.jobs.writing.limits import limits_of
from crmbridge.records import Finding
from crmbridge.store.database import WAL_IS_SAFE_FROM

_FREE_BYTES = 1_000_000_000
_CLOCK_SKEW = timedelta(minutes=5)


def examine(workspace: Workspace, names: Sequence[str] = ()) -> list[Finding]:
    """All findings, of the machine first, then connection by connection; [] when all is well.

    Args:
        names: connections to look at; all when empty.

    Raises:
        UsageError: a name is not in the configuration.
    """
    for name in names:
        workspace.settings.connection(name)
    findings = [*_plugins(workspace), *_store(workspace)]
    for name in names or sorted(workspace.settings.connections):
        findings += _connection(workspace, name)
    return findings


def _plugins(workspace: Workspace) -> Iterable[Finding]:
    for problem in workspace.extensions.problems:
        yield Finding(code="plugin", example=str(problem), remedy=problem.remedy)


def _store(workspace: Workspace) -> Iterable[Finding]:
    store = workspace.store
    for damage in store.damage():
        yield Finding(
            code="store.damaged",
            example=damage,
            remedy="Put the last backup back, then run `crmbridge pull --full`",
        )
    if store.path is None:
        return
    free = shutil.disk_usage(store.path.parent).free
    if free < _FREE_BYTES:
        yield Finding(
            code="store.disk",
            example=f"{free // 1_000_000} MB free at {store.path.parent}",
            remedy="Free some space: a pull that finds the disk full is rolled back",
        )
    if sqlite3.sqlite_version_info < WAL_IS_SAFE_FROM:
        version = ".".join(map(str, WAL_IS_SAFE_FROM))
        yield Finding(
            code="store.journal",
            example=f"SQLite {sqlite3.sqlite_version}: readers and the writer wait for each other",
            remedy=f"Nothing to do; SQLite {version} and later let them work side by side",
        )


def _connection(workspace: Workspace, name: str) -> list[Finding]:
    try:
        with workspace.open(name) as opened:
            return [
                *opened.connection.check(),
                *_clock(opened),
                *_quota(workspace, opened),
                *_fields(opened),
                *_visits(opened),
                *limits_of(opened),
            ]
    except CrmbridgeError as error:
        got = f"{error.where}: expected {error.expected}, got {error.got or 'none'}"
        return [Finding(code=f"{name}.unusable", example=got, remedy=error.next_step)]


def _clock(opened: Opened) -> Iterable[Finding]:
    if not opened.capabilities.has_clock:
        return
    skew = opened.connection.server_time() - SystemClock().now()
    if abs(skew) > _CLOCK_SKEW:
        yield Finding(
            code=f"{opened.name}.clock",
            example=f"this machine is {abs(skew).total_seconds():.0f} s off the CRM's clock",
            remedy="Let the machine take its time from a time server",
        )


def _quota(workspace: Workspace, opened: Opened) -> Iterable[Finding]:
    if not opened.capabilities.has_quota:
        return
    quota = opened.connection.quota()
    if quota.allowed and quota.used >= quota.allowed * 0.8:
        yield Finding(
            code=f"{opened.name}.quota",
            example=f"{quota.used} of {quota.allowed} calls of this period are used",
            remedy="Run at another time, or lower limits.daily_share",
        )
    found = forecast(workspace, opened, quota)
    if found is not None and not found.fits:
        yield found.finding()


def foresee(workspace: Workspace, names: Sequence[str] = ()) -> list[Forecast]:
    """What the next run needs of each CRM's quota; of those that tell none, nothing."""
    found = []
    for name in names or sorted(workspace.settings.connections):
        with suppress(CrmbridgeError), workspace.open(name) as opened:
            if opened.capabilities.has_quota:
                found.append(forecast(workspace, opened, opened.connection.quota()))
    return [one for one in found if one is not None]


def _fields(opened: Opened) -> Iterable[Finding]:
    """Fields of the allow-list that the CRM lacks or does not let us write."""
    if not opened.capabilities.describes:
        return
    described = {object_.name: object_ for object_ in opened.connection.describe()}
    for object_, names in write_fields(opened.settings, opened.objects).items():
        known = {f.name: f for f in described[object_].fields} if object_ in described else {}
        for name in names:
            if name not in known:
                yield Finding(
                    code=f"{opened.name}.field_missing",
                    example=f"{object_}.{name}",
                    remedy="Create the field, or run `crmbridge doctor --fix`",
                )
            elif not known[name].writable:
                yield Finding(
                    code=f"{opened.name}.field_read_only",
                    example=f"{object_}.{name}",
                    remedy="Give this user the permission to edit the field",
                )


def _visits(opened: Opened) -> Iterable[Finding]:
    if not opened.settings.write.visits:
        return
    objects = opened.capabilities.objects
    able = [a for a in objects.values() if a.stream == "activities" and a.operations]
    if not able:
        yield Finding(
            code=f"{opened.name}.no_visits",
            example=f"{opened.adapter.title} takes no visits",
            remedy="Remove write.visits; the calendars in the out folder serve the reps",
        )
    elif not any(ability.key_is_unique for ability in able):
        yield Finding(
            code=f"{opened.name}.key_not_unique",
            example="the CRM does not refuse a second record with the same key",
            remedy="Nothing to do: a write of unknown outcome is looked up by key first",
        )
