"""Commands that compare arms: experiment, what it needs before the start, and whom it moved."""

from pathlib import Path
from typing import Annotated, Any

import typer

from crmbridge.cli.answers import Arm, Cluster, Control, Exclude, File, Output, short, tell
from crmbridge.cli.invocation import Json
from crmbridge.cli.output import table

Outcomes = Annotated[str, typer.Option("--outcome", metavar="COL[,COL]", help="What counts.")]
Randomised = Annotated[
    str, typer.Option("--unit", metavar="COL", help="What was randomised; rows are averaged.")
]
Covariate = Annotated[
    str, typer.Option("--covariate", metavar="COL", help="The outcome before (CUPED).")
]
Per = Annotated[str, typer.Option("--per", metavar="COL", help="Divide by it: amount per visit.")]
Matters = Annotated[
    float, typer.Option("--matters", min=0.0, help="The smallest effect that matters.")
]
Sequential = Annotated[
    bool, typer.Option("--sequential", help="Looked at often, not once at the end.")
]
Pooled = Annotated[bool, typer.Option("--pooled", help="Assume equal variances.")]


def experiment(
    file: File,
    arm: Arm,
    control: Control,
    outcome: Outcomes,
    unit: Randomised = "",
    cluster: Cluster = "",
    covariate: Covariate = "",
    per: Per = "",
    matters: Matters = 0.0,
    sequential: Sequential = False,
    pooled: Pooled = False,
    json_: Json = False,
) -> None:
    """Say whether an arm did better than the control, as far as the data carry.

    Example: crmbridge evaluate experiment mail.csv --arm group --control none --outcome spend
    """
    from crmbridge.engine.comparison import Variance
    from crmbridge.engine.experiments import Looks
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
        per=per,
        variance=Variance.POOLED if pooled else Variance.WELCH,
        looks=Looks.OFTEN if sequential else Looks.ONCE,
        matters=matters,
    )
    tell(answer_experiment(asked), _experiment_text, json_)


def _experiment_text(document: Any) -> str:
    headers = ("arm", "n", "mean", "effect", "ci_low", "ci_high", "p_adjusted")
    parts = [f"sample ratio p {short(document['sample_ratio_p'])}"]
    for outcome in document["outcomes"]:
        rows = [[short(arm[name]) for name in headers] for arm in outcome["arms"]]
        parts.append(f"{outcome['outcome']}\n{table(headers, rows)}\n{outcome['verdict']}")
    return "\n\n".join(parts)


def power(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="CSV of the time before, gzip too.")
    ] = None,
    outcome: Annotated[
        str, typer.Option("--outcome", metavar="COL", help="Its column that will count.")
    ] = "",
    rate: Annotated[
        float, typer.Option("--rate", min=0.0, max=1.0, help="Share of yes, instead of a file.")
    ] = 0.0,
    deviation: Annotated[
        float, typer.Option("--deviation", min=0.0, help="Of the outcome, instead of a file.")
    ] = 0.0,
    difference: Annotated[
        float, typer.Option("--difference", help="The smallest effect that matters.")
    ] = 0.0,
    units: Annotated[int, typer.Option("--units", min=0, help="In each arm; 2 at least.")] = 0,
    arms: Annotated[int, typer.Option("--arms", min=2, help="The control counted.")] = 2,
    chance: Annotated[
        float, typer.Option("--power", min=0.5, max=0.999, help="Chance to find it.")
    ] = 0.8,
    json_: Json = False,
) -> None:
    """Say, before an experiment starts, how many units it needs or what it could find.

    Example: crmbridge evaluate power --rate 0.1 --difference 0.02
    """
    from crmbridge.jobs.evaluating.power import PowerAsked, answer_power

    asked = PowerAsked(
        file=file,
        outcome=outcome,
        rate=rate,
        deviation=deviation,
        difference=difference,
        units=max(units, 2) if units else 0,
        arms=arms,
        power=chance,
    )
    tell(answer_power(asked), _verdict_text, json_)


def _verdict_text(document: Any) -> str:
    return str(document["verdict"])


def uplift(
    file: File,
    arm: Arm,
    control: Control,
    outcome: Annotated[str, typer.Option("--outcome", metavar="COL", help="What counts.")],
    exclude: Exclude = "",
    output: Output = None,
    json_: Json = False,
) -> None:
    """Say whom each arm moves, and whether it gains anything to choose by it.

    Example: crmbridge evaluate uplift mail.csv --arm group --control none --outcome visit
    """
    from crmbridge.jobs.evaluating.reading import names_in
    from crmbridge.jobs.evaluating.uplift import UpliftAsked, answer_uplift

    asked = UpliftAsked(
        file=file,
        arm=arm,
        control=control,
        outcome=outcome,
        exclude=names_in(exclude),
        output=output,
    )
    tell(answer_uplift(asked), _uplift_text, json_)


def _uplift_text(document: Any) -> str:
    headers = ("arm", "learner", "qini", "qini_by_lot", "effect")
    rows = [[short(arm[name]) for name in headers] for arm in document["arms"]]
    return "\n".join([*([table(headers, rows)] if rows else []), document["verdict"]])
