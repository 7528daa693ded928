"""Evaluates what moved sales in a file, and where the next unit of budget goes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmbridge.engine.strategy import Errors, Form, StrategyParameters, fit_strategy
from crmbridge.errors import UsageError
from crmbridge.jobs.evaluating.answer import Answer, known
from crmbridge.jobs.evaluating.reading import read_table, with_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyAsked:
    """What is asked of a file."""

    file: Path
    target: str
    drivers: tuple[str, ...]
    form: Form = Form.LEVELS
    errors: Errors = Errors.CLASSICAL
    cluster: str = ""


def answer_strategy(asked: StrategyAsked) -> Answer:
    """Regress and advise.

    Raises:
        UsageError: a column is not in the file or holds words; clustered errors lack a column.
    """
    if (asked.errors is Errors.CLUSTERED) != bool(asked.cluster):
        raise UsageError(
            "--errors cluster", "together with --cluster COL", "one of the two", "Give both"
        )
    if asked.target in asked.drivers:
        raise UsageError("--on", "columns other than the target", asked.target, "Leave it out")
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
        "warnings": [finding.example for finding in found.findings],
        "advice": ". ".join(found.advice) + ".",
    }
    return Answer(document=document, findings=found.findings)
