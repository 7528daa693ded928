"""Evaluates who will say yes, learned from the rows of a file."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crmbridge.engine.goodness import Goodness
from crmbridge.engine.propensity import PropensityParameters, fit_propensity, outcome_of
from crmbridge.errors import UsageError
from crmbridge.jobs.evaluating.answer import Answer, sentence
from crmbridge.jobs.evaluating.reading import millis, read_table
from crmbridge.records import Finding

SEED = 42
ROWS_IN_ORDER = "row"
"""Named as the time: the rows stand in the order of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PropensityAsked:
    """What is asked of a file.

    Args:
        time: the column that orders rows, or "row" for the order they stand in; "" for neither.
        exclude: columns that are not to be used.
        trusted: columns that are used even if they seem to know the outcome.
    """

    file: Path
    target: str
    time: str = ""
    exclude: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()


def answer_propensity(asked: PropensityAsked) -> Answer:
    """Learn, judge, and say what it is worth.

    Raises:
        UsageError: a column is not in the file, or the target is neither yes nor no.
    """
    is_column = asked.time and asked.time != ROWS_IN_ORDER
    named = (asked.target, *asked.exclude, *asked.trusted, *([asked.time] if is_column else []))
    table, findings = _known_rows(read_table(asked.file, named), asked)
    if is_column:
        table = table.assign(**{asked.time: _times(table, asked)})
        table, more = _kept(table, table[asked.time].notna(), f"{asked.time} is empty")
        findings += more
    parameters = PropensityParameters(
        outcome=asked.target, time=asked.time, exclude=asked.exclude, trusted=asked.trusted
    )
    found = fit_propensity(table, parameters, SEED)
    best = max(found.goodness.values(), key=lambda good: good.auc, default=None)
    document = {
        "verdict": sentence(found.verdict, findings),
        "model": found.method.value,
        **_figures(best),
        "quarantined": [asdict(leak) for leak in found.quarantined],
        "periods": [_figures(period) for period in found.periods],
    }
    return Answer(document=document, findings=(*findings, *found.findings))


def _figures(good: Goodness | None) -> dict[str, Any]:
    if good is None:
        return dict.fromkeys(("auc", "lift_10", "calibration_error"))
    return {
        "auc": good.auc,
        "lift_10": good.lift,
        "calibration_error": good.calibration_error,
    }


def _known_rows(
    table: pd.DataFrame, asked: PropensityAsked
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """The rows whose outcome is a yes or a no; an empty one is neither."""
    came = outcome_of(table, asked.target)
    filled = table[asked.target].notna()
    if filled.any() and np.isnan(came[filled.to_numpy()]).all():
        got = f"words such as {str(table[asked.target].dropna().iloc[0])[:30]!r}"
        raise UsageError(
            f"{asked.file}: {asked.target}", "yes and no, 1 and 0, won and lost", got,
            "Which of them is a yes would be a guess: write 1 for it and 0 for the others",
        )  # fmt: skip
    return _kept(table, filled & ~np.isnan(came), f"{asked.target} is neither yes nor no")


def _kept(
    table: pd.DataFrame, mask: "pd.Series[bool]", why: str
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    count = int((~mask).sum())
    if not count:
        return table, ()
    example = f"{count} of {len(table)} rows were left out: {why}"
    finding = Finding(code="propensity.rows", count=count, example=example)
    return table[mask].reset_index(drop=True), (finding,)


def _times(table: pd.DataFrame, asked: PropensityAsked) -> Any:
    plain = pd.to_numeric(table[asked.time], errors="coerce")
    if plain.notna().sum() == table[asked.time].notna().sum():
        return plain
    return millis(table, asked.time, str(asked.file))
