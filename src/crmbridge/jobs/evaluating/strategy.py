"""Evaluates what moved sales in a file, and where the next unit of budget goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmbridge.engine.strategy import Errors, Form, StrategyParameters, fit_strategy, outside
from crmbridge.errors import UsageError
from crmbridge.jobs.evaluating.answer import Answer, known
from crmbridge.jobs.evaluating.effects_chart import draw_effects
from crmbridge.jobs.evaluating.reading import read_table, with_numbers
from crmbridge.records import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyAsked:
    """What is asked of a file.

    Args:
        proposal: values of drivers that are thought of, checked against what was ever seen.
        chart: where a chart of the effects goes; None for nowhere.
    """

    file: Path
    target: str
    drivers: tuple[str, ...]
    form: Form = Form.LEVELS
    errors: Errors = Errors.CLASSICAL
    cluster: str = ""
    proposal: Mapping[str, float] = field(default_factory=dict)
    chart: Path | None = None


def form_of(asked: Mapping[str, bool]) -> Form:
    """What the sales are regressed on, from the options that ask for it.

    Raises:
        UsageError: both were given.
    """
    chosen = [name for name, given in asked.items() if given]
    if len(chosen) > 1:
        raise UsageError(", ".join(chosen), "one of them", "both", "Leave one out")
    forms = {"--log": Form.LOGS, "--interactions": Form.INTERACTIONS}
    return forms[chosen[0]] if chosen else Form.LEVELS


def answer_strategy(asked: StrategyAsked) -> Answer:
    """Regress and advise.

    Raises:
        UsageError: a column is not in the file or holds words; clustered errors lack a column;
            a proposal names no driver.
        CannotError: a chart is asked for, and matplotlib is not there.
        StorageError: the chart cannot be written.
    """
    if (asked.errors is Errors.CLUSTERED) != bool(asked.cluster):
        raise UsageError(
            "--errors cluster", "together with --cluster COL", "one of the two", "Give both"
        )
    if asked.target in asked.drivers:
        raise UsageError("--on", "columns other than the target", asked.target, "Leave it out")
    for name in asked.proposal:
        if name not in asked.drivers:
            raise UsageError("--propose", f"one of {', '.join(asked.drivers)}", name, "Name one")
    measured = (asked.target, *asked.drivers)
    table = read_table(asked.file, [*measured, *filter(None, [asked.cluster])])
    parameters = StrategyParameters(
        sales=asked.target,
        drivers=asked.drivers,
        form=asked.form,
        errors=asked.errors,
        cluster=asked.cluster,
    )
    found = fit_strategy(with_numbers(table, measured, str(asked.file)), parameters)
    beyond = outside(found, asked.proposal)
    if asked.chart is not None:
        draw_effects(asked.chart, found.marginal, asked.target)
    document: dict[str, Any] = {
        "coefficients": [
            {
                "term": str(term),
                "estimate": known(row["estimate"]),
                "std_error": known(row["error"]),
                "ci_low": known(row["low"]),
                "ci_high": known(row["high"]),
                "p": known(row["p"]),
            }
            for term, row in found.coefficients.iterrows()
        ],
        "r_squared": known(found.r_squared),
        "warnings": [*(finding.example for finding in found.findings), *beyond],
        "advice": ". ".join((*map(_refused, beyond), *found.advice)) + ".",
    }
    return Answer(document=document, findings=(*found.findings, *map(_finding, beyond)))


def _refused(beyond: str) -> str:
    return f"No advice on the proposal: {beyond}"


def _finding(beyond: str) -> Finding:
    return Finding(code="strategy.outside", example=beyond)
