"""Commands on who is the same customer in two CRMs: identity link, review, accept, reject, undo."""

from typing import TYPE_CHECKING, Annotated

import typer

from crmbridge.cli.invocation import Json, Now
from crmbridge.cli.output import show, show_json, table

if TYPE_CHECKING:
    from crmbridge.store.identities import Identity

Pair = Annotated[str, typer.Argument(metavar="PAIR", help="A pair's id, as review shows it.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(help="Say who is the same customer in two CRMs.", no_args_is_help=True)
    for command in (link, review, accept, reject, undo):
        group.command(command.__name__)(command)
    app.add_typer(group, name="identity")


def link(context: typer.Context, json_: Json = False, now: Now = None) -> None:
    """Find the same customers across connections; sure ones are linked, doubtful ones wait.

    Example: crmbridge identity link
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.identity.linking import link_customers
    from crmbridge.jobs.runs import run_of

    with workspace(context, now) as space, run_of(space, "identity link"):
        found = link_customers(space)
    if json_:
        counts = {"linked": found.linked, "review": found.review, "rejected": found.rejected}
        show_json(counts)
        return
    show(found.sentence())
    if found.review:
        show("Look at them: crmbridge identity review")


def review(
    context: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help="Linked and rejected pairs, too.")] = False,
    json_: Json = False,
) -> None:
    """List pairs that may be the same customer, the likeliest first, and why.

    Example: crmbridge identity review --all
    """
    from crmbridge.cli.session import workspace
    from crmbridge.store.identities import LinkState, load_identities

    states = tuple(LinkState) if all_ else (LinkState.REVIEW,)
    with workspace(context) as space, space.store.read() as tx:
        found = load_identities(tx, states)
    if json_:
        show_json({"pairs": [_document(one) for one in found]})
        return
    for one in found:
        show(f"{one.id}  {one.probability:.3f}  {one.state.value}, by {one.decided_by.value}")
        show(table(("record", "the same as"), [(one.left, one.right)]))
        show(f"{one.why}\n")
    show(f"{len(found)} pairs." if found else "No pair waits.")


def _document(one: "Identity") -> dict[str, object]:
    return {
        "id": one.id,
        "left": str(one.left),
        "right": str(one.right),
        "probability": one.probability,
        "state": one.state.value,
        "decided_by": one.decided_by.value,
        "why": one.why,
    }


def accept(context: typer.Context, pair: Pair, json_: Json = False, now: Now = None) -> None:
    """Say that a pair is the same customer: plans visit them once.

    Example: crmbridge identity accept i0123456789ab
    """
    _decide(context, pair, "accept", json_, now)


def reject(context: typer.Context, pair: Pair, json_: Json = False, now: Now = None) -> None:
    """Say that a pair is two customers; no later linking links them.

    Example: crmbridge identity reject i0123456789ab
    """
    _decide(context, pair, "reject", json_, now)


def undo(context: typer.Context, pair: Pair, json_: Json = False, now: Now = None) -> None:
    """Take a link or a rejection back: the pair waits for review again.

    Example: crmbridge identity undo i0123456789ab
    """
    _decide(context, pair, "undo", json_, now)


def _decide(context: typer.Context, pair: str, word: str, json_: bool, now: Now) -> None:
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.identity.linking import decide_pair

    with workspace(context, now) as space:
        one = decide_pair(space, pair, word)
    show_json(_document(one)) if json_ else show(f"{one.left} and {one.right}: {one.state.value}.")
