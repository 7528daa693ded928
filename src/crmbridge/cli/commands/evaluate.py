"""Commands that evaluate a table: strategy, segments, propensity, value; and satisfaction."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from crmbridge.cli.answers import Cluster, Columns, Exclude, File, Output, short, tell
from crmbridge.cli.commands.evaluate_arms import experiment, power, uplift
from crmbridge.cli.invocation import Json, Now
from crmbridge.cli.output import table


class Unit(StrEnum):
    """The unit of time of the model of repeat buying."""

    WEEKS = "weeks"
    DAYS = "days"


class ErrorKind(StrEnum):
    """How the regression's standard errors are computed."""

    CLASSICAL = "classical"
    "Equal scatter in all rows."
    HC3 = "hc3"
    "Unequal scatter, corrected for leverage."
    CLUSTER = "cluster"
    "Rows of one cluster go together."


Logarithms = Annotated[bool, typer.Option("--log", help="Logarithms: effects are elasticities.")]
Interactions = Annotated[bool, typer.Option("--interactions", help="Products of each two, too.")]
Proposal = Annotated[
    str, typer.Option("--propose", metavar="COL=VALUE,...", help="Was that ever tried?")
]
Chart = Annotated[
    Path | None,
    typer.Option("--chart", metavar="FILE", help="Where to draw the effects: png, svg, pdf."),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(help="Evaluate a table, or what was pulled.", no_args_is_help=True)
    compared = (experiment, power, uplift)
    for command in (*compared, strategy, segments, propensity, value, satisfaction):
        group.command(command.__name__)(command)
    app.add_typer(group, name="evaluate")


def strategy(
    file: File,
    target: Annotated[str, typer.Option("--target", metavar="COL", help="What is to be moved.")],
    on: Columns,
    log: Logarithms = False,
    errors: Annotated[ErrorKind, typer.Option("--errors", help="Standard errors.")] = (
        ErrorKind.CLASSICAL
    ),
    cluster: Cluster = "",
    interactions: Interactions = False,
    propose: Proposal = "",
    chart: Chart = None,
    json_: Json = False,
) -> None:
    """Say what moved sales, and where the next unit of budget goes.

    Example: crmbridge evaluate strategy sales.csv --target sales --on price,advertising
    """
    from crmbridge.engine.strategy import Errors
    from crmbridge.jobs.evaluating.reading import names_in, values_in
    from crmbridge.jobs.evaluating.strategy import StrategyAsked, answer_strategy, form_of

    kinds = {
        ErrorKind.CLASSICAL: Errors.CLASSICAL,
        ErrorKind.HC3: Errors.ROBUST,
        ErrorKind.CLUSTER: Errors.CLUSTERED,
    }
    asked = StrategyAsked(
        file=file,
        target=target,
        drivers=names_in(on),
        form=form_of({"--log": log, "--interactions": interactions}),
        errors=kinds[errors],
        cluster=cluster,
        proposal=values_in(propose, "--propose"),
        chart=chart,
    )
    tell(answer_strategy(asked), _strategy_text, json_)


def _strategy_text(document: Any) -> str:
    headers = ("term", "estimate", "std_error", "ci_low", "ci_high", "p")
    rows = [[short(row[name]) for name in headers] for row in document["coefficients"]]
    return f"{table(headers, rows)}\nR2 {short(document['r_squared'])}\n{document['advice']}"


def segments(
    file: File,
    on: Columns,
    k: Annotated[
        int | None, typer.Option("--k", min=2, max=50, help="How many; else what the data admit.")
    ] = None,
    output: Output = None,
    json_: Json = False,
) -> None:
    """Say which groups customers fall into, and whether the groups would be found again.

    Example: crmbridge evaluate segments customers.csv --on age,income --k 3
    """
    from crmbridge.jobs.evaluating.reading import names_in
    from crmbridge.jobs.evaluating.segments import SegmentsAsked, answer_segments

    asked = SegmentsAsked(file=file, on=names_in(on), segments=k, output=output)
    tell(answer_segments(asked), _segments_text, json_)


def _segments_text(document: Any) -> str:
    rows = [(one["id"], one["name"], one["size"]) for one in document["segments"]]
    return f"{table(('id', 'name', 'size'), rows)}\n{document['verdict']}"


def propensity(
    file: File,
    target: Annotated[str, typer.Option("--target", metavar="COL", help="Yes or no, 1 or 0.")],
    time: Annotated[
        str, typer.Option("--time", metavar="COL", help="Orders the rows; row: as they stand.")
    ] = "",
    exclude: Exclude = "",
    trust: Annotated[
        str, typer.Option("--trust", metavar="COL,COL", help="Use, whatever they seem to know.")
    ] = "",
    json_: Json = False,
) -> None:
    """Say whether it can be foretold who says yes, and how well.

    Example: crmbridge evaluate propensity calls.csv --target bought --time called_on
    """
    from crmbridge.jobs.evaluating.propensity import PropensityAsked, answer_propensity
    from crmbridge.jobs.evaluating.reading import names_in

    asked = PropensityAsked(
        file=file,
        target=target,
        time=time,
        exclude=names_in(exclude),
        trusted=names_in(trust),
    )
    tell(answer_propensity(asked), _propensity_text, json_)


def _propensity_text(document: Any) -> str:
    headers = ("auc", "lift_10", "calibration_error")
    rows = [[short(row[name]) for name in headers] for row in document["periods"]]
    return "\n".join([document["verdict"], *([table(headers, rows)] if rows else [])])


def value(
    file: File,
    customer: Annotated[str, typer.Option("--customer", metavar="COL", help="Who ordered.")],
    at: Annotated[str, typer.Option("--at", metavar="COL", help="When.")],
    amount: Annotated[str, typer.Option("--amount", metavar="COL", help="For how much.")],
    until: Annotated[
        datetime | None,
        typer.Option("--until", formats=["%Y-%m-%d"], help="Last day; else the last in the file."),
    ] = None,
    unit: Annotated[Unit, typer.Option("--unit", help="Of the parameters.")] = Unit.WEEKS,
    output: Output = None,
    json_: Json = False,
) -> None:
    """Say what customers will buy in a year, and what that is worth.

    Example: crmbridge evaluate value orders.csv --customer id --at day --amount total
    """
    from crmbridge.jobs.evaluating.value import ValueAsked, answer_value

    asked = ValueAsked(
        file=file,
        customer=customer,
        at=at,
        amount=amount,
        until=until.date() if until else None,
        unit_days=7.0 if unit is Unit.WEEKS else 1.0,
        output=output,
    )
    tell(answer_value(asked), _value_text, json_)


def _value_text(document: Any) -> str:
    rows = [
        (model, name, short(number))
        for model in ("bg_nbd", "gamma_gamma")
        for name, number in (document[model] or {}).items()
    ]
    return f"{document['customers']} customers\n{table(('model', 'parameter', 'value'), rows)}"


def satisfaction(context: typer.Context, json_: Json = False, now: Now = None) -> None:
    """Say how satisfied customers are, and what visits brought, on what was pulled.

    Example: crmbridge evaluate satisfaction
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.evaluating.satisfaction import answer_satisfaction
    from crmbridge.jobs.runs import run_of

    with workspace(context, now) as space, run_of(space, "evaluate"):
        answer = answer_satisfaction(space)
    tell(answer, _satisfaction_text, json_)


def _satisfaction_text(document: Any) -> str:
    rows = [
        (row["by"], row["group"], ratio["sentence"])
        for groups in document["connections"].values()
        for row in groups
        if row["by"] != "customer_id"
        for ratio in row["ratios"].values()
        if row["by"] == "all" or ratio["value"] is not None
    ]
    rows += [
        ("all", "visited or held out", told["verdict"])
        for told in document["effect_of_visits"].values()
    ]
    return table(("by", "group", "ratio"), rows, 120)
