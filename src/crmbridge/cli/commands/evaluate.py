"""Commands that evaluate: experiment, strategy, segments, propensity, value, satisfaction."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crmbridge.cli.invocation import Json, Now
from crmbridge.cli.output import note_findings, show, show_json, table

if TYPE_CHECKING:
    from crmbridge.jobs.evaluating.answer import Answer

File = Annotated[Path, typer.Argument(metavar="FILE", help="CSV, gzip too.")]
Columns = Annotated[str, typer.Option("--on", metavar="COL,COL", help="Columns, by commas.")]
Output = Annotated[
    Path | None, typer.Option("--output", metavar="FILE", help="Where to write each row's.")
]
Cluster = Annotated[
    str, typer.Option("--cluster", metavar="COL", help="Rows of one cluster go together.")
]


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


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(help="Evaluate a table, or what was pulled.", no_args_is_help=True)
    for command in (experiment, strategy, segments, propensity, value, satisfaction):
        group.command(command.__name__)(command)
    app.add_typer(group, name="evaluate")


def experiment(
    file: File,
    arm: Annotated[str, typer.Option("--arm", metavar="COL", help="Which arm a row is in.")],
    control: Annotated[
        str, typer.Option("--control", metavar="VALUE", help="The arm compared to.")
    ],
    outcome: Annotated[str, typer.Option("--outcome", metavar="COL[,COL]", help="What counts.")],
    unit: Annotated[
        str, typer.Option("--unit", metavar="COL", help="What was randomised; rows are averaged.")
    ] = "",
    cluster: Cluster = "",
    covariate: Annotated[
        str, typer.Option("--covariate", metavar="COL", help="The outcome before (CUPED).")
    ] = "",
    pooled: Annotated[bool, typer.Option("--pooled", help="Assume equal variances.")] = False,
    json_: Json = False,
) -> None:
    """Say whether an arm did better than the control, as far as the data carry.

    Example: crmbridge evaluate experiment mail.csv --arm group --control none --outcome spend
    """
    from crmbridge.engine.comparison import Variance
    from crmbridge.jobs.evaluating.experiment import (
        ExperimentAsked,
        answer_experiment,
    )
    from crmbridge.jobs.evaluating.reading import names_in

    asked = ExperimentAsked(
        file=file,
        arm=arm,
        control=control,
        outcomes=names_in(outcome),
        unit=unit,
        cluster=cluster,
        covariate=covariate,
        variance=Variance.POOLED if pooled else Variance.WELCH,
    )
    _tell(answer_experiment(asked), _experiment_text, json_)


def _experiment_text(document: Any) -> str:
    headers = ("arm", "n", "mean", "effect", "ci_low", "ci_high", "p_adjusted")
    parts = [f"sample ratio p {_short(document['sample_ratio_p'])}"]
    for outcome in document["outcomes"]:
        rows = [[_short(arm[name]) for name in headers] for arm in outcome["arms"]]
        parts.append(f"{outcome['outcome']}\n{table(headers, rows)}\n{outcome['verdict']}")
    return "\n\n".join(parts)


def strategy(
    file: File,
    target: Annotated[str, typer.Option("--target", metavar="COL", help="What is to be moved.")],
    on: Columns,
    log: Annotated[
        bool, typer.Option("--log", help="Logarithms: effects are elasticities.")
    ] = False,
    errors: Annotated[ErrorKind, typer.Option("--errors", help="Standard errors.")] = (
        ErrorKind.CLASSICAL
    ),
    cluster: Cluster = "",
    json_: Json = False,
) -> None:
    """Say what moved sales, and where the next unit of budget goes.

    Example: crmbridge evaluate strategy sales.csv --target sales --on price,advertising
    """
    from crmbridge.engine.strategy import Errors, Form
    from crmbridge.jobs.evaluating.reading import names_in
    from crmbridge.jobs.evaluating.strategy import StrategyAsked, answer_strategy

    kinds = {
        ErrorKind.CLASSICAL: Errors.CLASSICAL,
        ErrorKind.HC3: Errors.ROBUST,
        ErrorKind.CLUSTER: Errors.CLUSTERED,
    }
    asked = StrategyAsked(
        file=file,
        target=target,
        drivers=names_in(on),
        form=Form.LOGS if log else Form.LEVELS,
        errors=kinds[errors],
        cluster=cluster,
    )
    _tell(answer_strategy(asked), _strategy_text, json_)


def _strategy_text(document: Any) -> str:
    headers = ("term", "estimate", "std_error", "ci_low", "ci_high", "p")
    rows = [[_short(row[name]) for name in headers] for row in document["coefficients"]]
    return f"{table(headers, rows)}\nR2 {_short(document['r_squared'])}\n{document['advice']}"


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
    _tell(answer_segments(asked), _segments_text, json_)


def _segments_text(document: Any) -> str:
    rows = [(one["id"], one["name"], one["size"]) for one in document["segments"]]
    return f"{table(('id', 'name', 'size'), rows)}\n{document['verdict']}"


def propensity(
    file: File,
    target: Annotated[str, typer.Option("--target", metavar="COL", help="Yes or no, 1 or 0.")],
    time: Annotated[
        str, typer.Option("--time", metavar="COL", help="Orders the rows; row: as they stand.")
    ] = "",
    exclude: Annotated[str, typer.Option("--exclude", metavar="COL,COL", help="Do not use.")] = "",
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
    _tell(answer_propensity(asked), _propensity_text, json_)


def _propensity_text(document: Any) -> str:
    headers = ("auc", "lift_10", "calibration_error")
    rows = [[_short(row[name]) for name in headers] for row in document["periods"]]
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
    _tell(answer_value(asked), _value_text, json_)


def _value_text(document: Any) -> str:
    rows = [
        (model, name, _short(number))
        for model in ("bg_nbd", "gamma_gamma")
        for name, number in (document[model] or {}).items()
    ]
    return f"{document['customers']} customers\n{table(('model', 'parameter', 'value'), rows)}"


def satisfaction(context: typer.Context, json_: Json = False, now: Now = None) -> None:
    """Say how satisfied customers are, by four ratios, on what was pulled.

    Example: crmbridge evaluate satisfaction
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.evaluating.satisfaction import answer_satisfaction
    from crmbridge.jobs.runs import run_of

    with workspace(context, now) as space, run_of(space, "evaluate"):
        answer = answer_satisfaction(space)
    _tell(answer, _satisfaction_text, json_)


def _satisfaction_text(document: Any) -> str:
    rows = [
        (row["by"], row["group"], ratio["sentence"])
        for groups in document["connections"].values()
        for row in groups
        if row["by"] != "customer_id"
        for ratio in row["ratios"].values()
        if row["by"] == "all" or ratio["value"] is not None
    ]
    return table(("by", "group", "ratio"), rows, 120)


def _tell(answer: "Answer", text: Any, json_: bool) -> None:
    note_findings(answer.findings)
    show_json(answer.document) if json_ else show(text(answer.document))


def _short(value: Any) -> Any:
    return f"{value:.5g}" if isinstance(value, float) else value
