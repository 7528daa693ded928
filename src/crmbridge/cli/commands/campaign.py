"""Commands on campaigns: campaign stop, shift, resume. How one stands, `show campaign` tells."""

from typing import TYPE_CHECKING, Annotated

import typer

from crmbridge.cli.invocation import Json, Now
from crmbridge.cli.output import note_findings, show, show_json

if TYPE_CHECKING:
    from crmbridge.push.decide import Decision

Name = Annotated[str, typer.Argument(metavar="NAME", help="As in [campaigns.NAME].")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(help="End campaigns, or let them go on.", no_args_is_help=True)
    for command in (stop, shift, resume):
        group.command(command.__name__)(command)
    app.add_typer(group, name="campaign")


def stop(context: typer.Context, name: Name, json_: Json = False, now: Now = None) -> None:
    """End a campaign: nobody is added any more; a changeset removes those not yet reached.

    Example: crmbridge campaign stop spring
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.campaigning.stopping import stop_campaign
    from crmbridge.jobs.runs import run_of

    with workspace(context, now) as space, run_of(space, "campaign stop"):
        decision = stop_campaign(space, name)
    _show(decision, is_json=json_)


def shift(
    context: typer.Context,
    name: Name,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The campaign that takes them.")],
    json_: Json = False,
    now: Now = None,
) -> None:
    """End a campaign, and move those not yet reached to another by one changeset.

    Example: crmbridge campaign shift spring summer
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.campaigning.stopping import stop_campaign
    from crmbridge.jobs.runs import run_of

    with workspace(context, now) as space, run_of(space, "campaign shift"):
        decision = stop_campaign(space, name, other)
    _show(decision, is_json=json_)


def resume(context: typer.Context, name: Name, now: Now = None) -> None:
    """Let a campaign that was stopped take members again.

    Example: crmbridge campaign resume spring
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.campaigning.stopping import resume_campaign

    with workspace(context, now) as space:
        resume_campaign(space, name)
    show(f"{name} takes members again; crmbridge diff shows whom.")


def _show(decision: "Decision", *, is_json: bool) -> None:
    changeset = decision.changeset
    if is_json:
        show_json(changeset.to_json())
        return
    show(f"{len(changeset.items)} changes in changeset {changeset.id}. Nothing was written yet.")
    if changeset.items:
        show(f"To apply exactly this: crmbridge push {changeset.id}")
    note_findings(decision.findings)
