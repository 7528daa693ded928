"""Commands that set crmbridge up: init, adapters, connect, disconnect, doctor, fields."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crmbridge.cli.invocation import Json, invocation
from crmbridge.cli.output import finding_line, note, show, show_json, table

if TYPE_CHECKING:
    from crmbridge.extensions import Extensions
    from crmbridge.records import Finding

Connection = Annotated[str, typer.Argument(metavar="CONNECTION")]
AnyConnection = Annotated[str, typer.Argument(metavar="[CONNECTION]", help="All if not named.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for name, command in (
        ("init", init),
        ("adapters", adapters),
        ("connect", connect),
        ("disconnect", disconnect),
        ("doctor", doctor),
        ("fields", fields),
    ):
        app.command(name)(command)


def init(context: typer.Context, json_: Json = False) -> None:
    """Write a commented starter configuration, asking nothing it can find out.

    Example: crmbridge init
    """
    from crmbridge.jobs.setup.starter import write_starter

    path = write_starter(invocation(context).config or Path("crmbridge.toml"))
    if json_:
        show_json({"file": str(path)})
        return
    show(f"Wrote {path}. Next: crmbridge doctor, then crmbridge run.")
    note("Nothing was read from or written to a CRM.")


def adapters(context: typer.Context, json_: Json = False) -> None:
    """List the installed adapters, what each can do, and broken plugins with the reason.

    Example: crmbridge adapters
    """
    found = _plugins(context)
    if json_:
        show_json(_adapters_json(found))
        return
    rows = [
        (name, offer.item.title, str(offer.origin), _can(offer.item))
        for name, offer in sorted(found.adapters.items())
    ]
    show(table(("adapter", "title", "from", "can"), rows))
    for problem in found.problems:
        show(f"\nNot used: {problem}")
        if problem.remedy:
            show(f"  {problem.remedy}")


def _plugins(context: typer.Context) -> "Extensions":
    """The plugins; those that come with crmbridge when there is no configuration yet."""
    from crmbridge.cli.session import load_plugins, load_settings
    from crmbridge.extensions import load_extensions

    is_named = invocation(context).config is not None
    if not is_named and not Path("crmbridge.toml").exists():
        return load_extensions()
    return load_plugins(load_settings(context))


def _can(adapter: Any) -> str:
    objects = adapter.capabilities.objects
    writes = sorted(name for name, ability in objects.items() if ability.operations)
    return f"reads {len(objects)} objects; writes {', '.join(writes) or 'nothing'}"


def _adapters_json(found: "Extensions") -> dict[str, Any]:
    return {
        "adapters": [
            {
                "name": name,
                "title": offer.item.title,
                "plugin": offer.origin.plugin,
                "distribution": offer.origin.distribution,
                "version": offer.origin.version,
                "objects": {
                    object_: _ability_json(ability)
                    for object_, ability in offer.item.capabilities.objects.items()
                },
            }
            for name, offer in sorted(found.adapters.items())
        ],
        "problems": [
            {
                "plugin": problem.origin.plugin,
                "distribution": problem.origin.distribution,
                "code": problem.code.value,
                "hook": problem.hook,
                "reason": problem.reason,
                "remedy": problem.remedy,
            }
            for problem in found.problems
        ],
    }


def _ability_json(ability: Any) -> dict[str, Any]:
    return {
        "stream": ability.stream,
        "reading": ability.reading.value,
        "deletes": ability.deletes.value,
        "operations": sorted(operation.value for operation in ability.operations),
        "check": ability.check.value,
        "key_is_unique": ability.key_is_unique,
        "note": ability.note,
    }


def connect(
    context: typer.Context,
    connection: Connection,
    way: Annotated[
        str, typer.Option("--way", help="browser, device or paste; by default the adapter's best.")
    ] = "",
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only show the address to open.")
    ] = False,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Read what is to be pasted from standard input.")
    ] = False,
    json_: Json = False,
) -> None:
    """Sign in to a CRM; the token is kept beside the store in a file of mode 0600.

    Example: crmbridge connect sales --way browser
    """
    from crmbridge.cli.person import Terminal
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.setup.connecting import connect as sign_in
    from crmbridge.jobs.setup.redirect import RedirectPage

    with workspace(context) as space:
        settings = space.settings.connection(connection)
        where, auth = f"connections.{connection}", settings.auth
        page = RedirectPage(where=where, host=auth.redirect_host, port=auth.redirect_port)
        hears = space.redactor.add
        with Terminal(
            where=where, page=page, hears=hears, opens=not no_browser, reads=stdin
        ) as person:
            done = sign_in(space, connection, person, way)
    if json_:
        show_json(asdict(done))
        return
    account = f" to {done.organisation}" if done.organisation else ""
    show(f"Connected {connection}{account} ({done.title}, {done.way}).")
    for finding in done.findings:
        show(finding_line(finding))


def disconnect(context: typer.Context, connection: Connection, json_: Json = False) -> None:
    """End a connection's token at the CRM, and wipe it here even if that cannot be done.

    Example: crmbridge disconnect sales
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.setup.connecting import disconnect as sign_out

    with workspace(context) as space:
        done = sign_out(space, connection)
    if json_:
        show_json(asdict(done))
        return
    if not done.was_connected:
        show(f"{connection} held no token.")
        return
    show(f"Disconnected {connection}: its token is wiped.")
    if done.problem:
        note(f"The CRM may still honour it, revoke it there: {done.problem}")


def doctor(
    context: typer.Context,
    connection: AnyConnection = "",
    fix: Annotated[
        bool, typer.Option("--fix", help="Make missing fields in the CRM, after showing them.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Make them without asking.")] = False,
    package: Annotated[
        Path | None,
        typer.Option("--package", help="Write files here by which an administrator makes them."),
    ] = None,
    json_: Json = False,
) -> None:
    """Check sign-in, permissions, fields, limits, store and clock; each finding has a remedy.

    Example: crmbridge doctor sales --fix
    """
    from crmbridge.cli import fixing
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.setup.doctor import examine, foresee

    made: dict[str, Any] = {}
    findings: list[Finding] = []
    with workspace(context) as space:
        if package is not None:
            made = fixing.package(space, connection, package)
        elif fix:
            made, findings = fixing.fix(space, connection, is_sure=yes)
        names = [connection] if connection else []
        findings += examine(space, names)
        quota = foresee(space, names)
    if json_:
        document = {"findings": [asdict(finding) for finding in findings]}
        show_json({**made, **document, "quota": [one.to_json() for one in quota]})
        return
    for one in quota:
        note(one.line())
    for finding in findings:
        show(finding_line(finding))
    many = "finding" if len(findings) == 1 else "findings"
    show("All is well." if not findings else f"{len(findings)} {many}.")


def fields(
    context: typer.Context,
    connection: Connection,
    like: Annotated[str, typer.Option("--like", help="Only names that hold this text.")] = "",
    json_: Json = False,
) -> None:
    """Show a CRM's objects and fields, what they map to, and samples.

    Example: crmbridge fields files --like city
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.showing.fields import list_fields

    with workspace(context) as space:
        found = list_fields(space, connection, like)
    if json_:
        show_json({"connection": connection, "fields": [asdict(item) for item in found]})
        return
    rows = [(item.object, item.field, item.type, item.maps_to, item.sample) for item in found]
    show(table(("object", "field", "type", "maps to", "sample"), rows))
