"""Pulls connections, one after the other; what stops one lets the others go on."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from crmbridge.errors import CrmbridgeError, UsageError
from crmbridge.jobs.forecast import forecast
from crmbridge.jobs.report import RunReport
from crmbridge.jobs.workspace import Opened, Workspace, write_fields
from crmbridge.pull.mapping import ALL_EXTRA
from crmbridge.pull.pulling import pull
from crmbridge.pull.source import Source, SourceObject
from crmbridge.settings import StreamSettings
from crmbridge.store.connections import mark_pulled


def names_in_order(workspace: Workspace, names: Sequence[str]) -> list[str]:
    """The connections to work on, each after the one that it completes.

    Args:
        names: those asked for, with the ones that complete them; all when empty.

    Raises:
        UsageError: a name is not in the configuration.
    """
    known = workspace.settings.connections
    for name in names:
        workspace.settings.connection(name)
    wanted = {
        name
        for name, settings in known.items()
        if not names or name in names or settings.completes in names
    }
    return sorted(wanted, key=lambda name: (bool(known[name].completes), name))


def pull_connections(
    workspace: Workspace,
    names: Iterable[str],
    report: RunReport,
    *,
    full: bool = False,
    stream: str = "",
    accept_shrink: int | None = None,
) -> None:
    """Pull each connection into the store and note in the report what came of it."""
    for name in names:
        try:
            with workspace.lease(name) as opened:
                source = source_of(workspace, opened, stream, full=full, accept=accept_shrink)
                report.find(opened.findings)
                _foresee(workspace, opened, report)
                _pull(workspace, source, report)
        except CrmbridgeError as error:
            report.stop(error)
    if names:
        report.connections = dict(sorted(report.connections.items()))


def _foresee(workspace: Workspace, opened: Opened, report: RunReport) -> None:
    """Note what the run will need of the CRM's quota, and whether it is there."""
    found = forecast(workspace, opened, opened.quota)
    if found is not None:
        report.quota.append(found.to_json())
        if not found.fits:
            report.find([found.finding()])


def pull_streams(
    workspace: Workspace, name: str, streams: Iterable[str], report: RunReport
) -> None:
    """Pull some streams of a connection, as far as it has them.

    Raises:
        CrmbridgeError: it cannot be read; what made an object of it unreadable.
    """
    with workspace.lease(name) as opened:
        for stream in streams:
            if stream in opened.objects:
                result = pull(workspace.store, source_of(workspace, opened, stream))
                report.find(result.findings)
                for problem in result.problems:
                    raise problem.error


def _pull(workspace: Workspace, source: Source, report: RunReport) -> None:
    result = pull(workspace.store, source)
    report.connections[source.connection] = dict(result.counts)
    report.find(result.findings)
    for problem in result.problems:
        report.stop(problem.error)
    report.codes.add(result.exit_code)
    with workspace.store.write() as tx:
        mark_pulled(tx, source.connection, int(workspace.clock.now().timestamp() * 1000))


def source_of(
    workspace: Workspace,
    opened: Opened,
    stream: str = "",
    *,
    full: bool = False,
    accept: int | None = None,
) -> Source:
    """What a pull of a connection needs to know.

    Raises:
        UsageError: the stream is not read from this connection.
    """
    streams = _streams(opened, stream)
    items = tuple(_object(opened, one, object_) for one in streams for object_ in streams[one])
    own = opened.settings.streams.get("customers", StreamSettings())
    overlap = opened.settings.pull.overlap_minutes
    abilities = opened.capabilities
    if overlap is not None:
        abilities = replace(abilities, overlap_minutes=overlap)
    return Source(
        connection=opened.name,
        open=opened.connection,
        capabilities=abilities,
        objects=items,
        clock=workspace.clock,
        run_id=workspace.run_id,
        adapter=opened.settings.adapter,
        fence=opened.fence,
        full=full,
        accept_shrink=accept,
        sweep_days=opened.settings.pull.sweep_days,
        formula_refresh_hours=opened.settings.pull.formula_refresh_hours,
        completes=opened.settings.completes,
        owner_from=own.owner_from,
        organisation=opened.organisation,
    )


def _streams(opened: Opened, stream: str) -> dict[str, tuple[str, ...]]:
    if not stream:
        return dict(opened.objects)
    if stream not in opened.objects:
        known = ", ".join(opened.objects)
        raise UsageError(f"connections.{opened.name}", f"a stream of {known}", repr(stream))
    return {stream: opened.objects[stream]}


def _object(opened: Opened, stream: str, object_: str) -> SourceObject:
    mapping = opened.mappings[stream][object_]
    named = opened.explicit[stream][object_]
    own = opened.settings.streams.get(stream, StreamSettings())
    fields = write_fields(opened.settings, opened.objects)
    return SourceObject(
        stream=stream,
        object=object_,
        fields=mapping,
        optional=frozenset(mapping) - named - {"id"},
        extra=_extra(own),
        write_fields=fields.get(object_, ()) if stream == "customers" else (),
    )


def _extra(settings: StreamSettings) -> tuple[str, ...]:
    if settings.extra == "all":
        return ALL_EXTRA
    return () if settings.extra == "none" else tuple(settings.extra)
