"""Evaluates whom each arm of an experiment moved, from the rows of a file."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from crmbridge.engine.uplift import Uplift, UpliftParameters, fit_uplift
from crmbridge.errors import UsageError
from crmbridge.jobs.evaluating.answer import Answer, known, sentence
from crmbridge.jobs.evaluating.reading import read_table, with_numbers
from crmbridge.jobs.showing.tables import table_text, write_text

SEED = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class UpliftAsked:
    """What is asked of a file.

    Args:
        control: the arm that got nothing.
        exclude: columns known only afterwards.
        output: where rows go with what each arm adds; None for nowhere.
    """

    file: Path
    arm: str
    control: str
    outcome: str
    exclude: tuple[str, ...] = ()
    output: Path | None = None


def answer_uplift(asked: UpliftAsked) -> Answer:
    """Learn whom each arm moves, and say whether choosing by it gains anything.

    Raises:
        UsageError: a column or the control is not in the file, or the outcome holds words.
        StorageError: the output cannot be written.
    """
    table = read_table(asked.file, (asked.arm, asked.outcome, *asked.exclude))
    table = with_numbers(table, [asked.outcome], str(asked.file))
    arms = sorted(table[asked.arm].dropna().str.strip().unique())
    if arms and asked.control not in arms:
        there = ", ".join(arms[:10])
        expected = f"an arm of column {asked.arm}"
        raise UsageError("--control", expected, asked.control, f"Arms: {there}")
    found = {arm: _fitted(table, asked, arm) for arm in arms if arm not in ("", asked.control)}
    if asked.output is not None:
        _write(asked.output, table, found)
    findings = tuple(dict.fromkeys(f for one in found.values() for f in one.findings))
    leaks = dict.fromkeys(leak for one in found.values() for leak in one.quarantined)
    verdicts = [f"{arm}: {one.verdict}" for arm, one in found.items()]
    nobody = "No uplift sought: there is no arm beside the control"
    document = {
        "arms": [_arm(arm, one) for arm, one in found.items()],
        "quarantined": [asdict(leak) for leak in leaks],
        "verdict": sentence(". ".join(verdicts) or nobody, findings),
    }
    return Answer(document=document, findings=findings)


def _fitted(table: pd.DataFrame, asked: UpliftAsked, arm: str) -> Uplift:
    parameters = UpliftParameters(
        arm=asked.arm,
        treated=arm,
        control=asked.control,
        outcome=asked.outcome,
        exclude=asked.exclude,
    )
    return fit_uplift(table, parameters, SEED)


def _arm(arm: str, found: Uplift) -> dict[str, Any]:
    best = found.learner
    return {
        "arm": arm,
        "learner": best.value if best else None,
        "qini": known(found.qini[best]) if best else None,
        "qini_by_lot": known(found.by_lot),
        "effect": known(found.average),
        "verdict": found.verdict,
    }


def _write(path: Path, table: pd.DataFrame, found: dict[str, Uplift]) -> None:
    headers = [*map(str, table.columns), *(f"uplift {arm}" for arm in found)]
    cells = table.astype(object).where(table.notna(), None)
    added = {f"uplift {arm}": one.frame["uplift"] for arm, one in found.items()}
    rows = cells.assign(**added).astype(object)
    rows = rows.where(rows.notna(), None)
    write_text(path, table_text(headers, list(rows.itertuples(index=False, name=None))))
