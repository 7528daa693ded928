"""Evaluates which groups the rows of a file fall into, and whether they are there at all."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crmbridge.engine.clustering import Trial, distances, try_number
from crmbridge.engine.columns import Numbers, numbers
from crmbridge.engine.encoding import Encoding
from crmbridge.engine.parameters import Scale, SegmentParameters
from crmbridge.engine.segment_model import SegmentModel
from crmbridge.engine.segments import fit_segments
from crmbridge.jobs.evaluating.answer import Answer, known, sentence
from crmbridge.jobs.evaluating.reading import read_table
from crmbridge.jobs.showing.tables import table_text, write_text
from crmbridge.records import Finding

SEED = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentsAsked:
    """What is asked of a file.

    Args:
        segments: how many; None lets the data admit a number.
        output: where the rows go with their segment; None for nowhere.
    """

    file: Path
    on: tuple[str, ...]
    segments: int | None = None
    output: Path | None = None


def answer_segments(asked: SegmentsAsked) -> Answer:
    """Segment the rows.

    A number that is asked for is found on the columns as they are, standardised, as scikit-learn
    would; otherwise amounts are taken as logarithms first, since a few large ones would make the
    segments by themselves.

    Raises:
        UsageError: a column is not in the file.
        StorageError: the output cannot be written.
    """
    table = read_table(asked.file, asked.on)
    parameters = SegmentParameters(
        columns=asked.on,
        segments=asked.segments,
        scale=Scale.LOG if asked.segments is None else Scale.STANDARD,
    )
    model = fit_segments(table, parameters, SEED)
    findings = (*_filled(table, asked.on), *_own(model.findings), *_scaled(model))
    if model.kind != "clusters":
        told = "No segments: the rows do not fall into groups that would be found again"
        return Answer(document=_nothing(sentence(told, findings)), findings=findings)
    matrix = Encoding(entries=tuple(model.payload["entries"])).matrix(table)
    members = distances(matrix, np.array(model.payload["centers"])).argmin(axis=1)
    if asked.output is not None:
        _write(asked.output, table, [int(at) for at in members], model)
    trial = _trial(matrix, parameters, len(model.payload["ids"]))
    document = {
        "k": len(model.payload["ids"]),
        "stability": known(trial.stability) if trial else None,
        "silhouette": known(trial.silhouette) if trial else None,
        "segments": _segments(model, np.bincount(members, minlength=len(model.payload["ids"]))),
        "verdict": sentence(_verdict(trial, parameters), findings),
    }
    return Answer(document=document, findings=findings)


def _nothing(verdict: str) -> dict[str, Any]:
    return {"k": None, "stability": None, "silhouette": None, "segments": [], "verdict": verdict}


def _own(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """What holds for any table: rules on orders, which customers fall back to, are not used."""
    rules = ": rules are used"
    return tuple(
        replace(finding, example=finding.example.removesuffix(rules))
        for finding in findings
        if finding.code != "segments.no_orders"
    )


def _scaled(model: SegmentModel) -> tuple[Finding, ...]:
    logs = [entry["column"] for entry in model.payload.get("entries", ()) if entry["log"]]
    if not logs:
        return ()
    example = f"Amounts were taken as logarithms and standardised: {', '.join(logs)}"
    return (Finding(code="segments.logs", count=len(logs), example=example),)


def _filled(table: pd.DataFrame, columns: tuple[str, ...]) -> tuple[Finding, ...]:
    found = []
    for name in columns:
        is_finite = ~np.isnan(numbers(table, name))
        known_cells = is_finite if is_finite.any() else table[name].notna().to_numpy()
        count = int((~known_cells).sum())
        if 0 < count < len(table):
            example = f"Column {name}: {count} cells without a value count as its median or as none"
            found.append(Finding(code="segments.missing", count=count, example=example))
    return tuple(found)


def _trial(matrix: Numbers, parameters: SegmentParameters, count: int) -> Trial | None:
    if count < 2 or len(np.unique(matrix, axis=0)) <= count:
        return None
    judged = SegmentParameters(columns=parameters.columns, smallest_share=0.0)
    return try_number(matrix, judged, SEED, count)


def _verdict(trial: Trial | None, parameters: SegmentParameters) -> str:
    if trial is None:
        return "As many segments as different rows: nothing is summed up by them"
    told = (
        f"{trial.clusters} segments; found again in samples with an adjusted Rand index of "
        f"{trial.stability:.2f}; silhouette {trial.silhouette:.2f}; the smallest holds "
        f"{trial.smallest_share:.0%}"
    )
    if trial.stability < parameters.stability:
        return f"{told}. They are not stable: other data would give other segments"
    if trial.smallest_share < parameters.smallest_share:
        return f"{told}. The smallest are outliers rather than a segment"
    return told


def _segments(model: SegmentModel, sizes: Any) -> list[dict[str, Any]]:
    payload = model.payload
    return [
        {
            "id": id_,
            "name": name,
            "size": int(size),
            "center": {
                _name(entry): known(_back(value, entry))
                for value, entry in zip(center, payload["entries"], strict=True)
            },
        }
        for id_, name, size, center in zip(
            payload["ids"], payload["names"], sizes, payload["centers"], strict=True
        )
    ]


def _name(entry: Any) -> str:
    """The column as the file names it, with the word where each has a figure of its own."""
    column = str(entry["column"])
    return f"{column} {entry['value']}" if entry["kind"] == "one_hot" else column


def _back(value: float, entry: Any) -> float:
    """A standardised value in the column's own unit."""
    raw = value * entry["deviation"] + entry["mean"]
    return float(np.expm1(raw)) if entry["log"] else float(raw)


def _cell(text: Any) -> object:
    """A cell of the input; a negative number is a number, not text that looks like a formula."""
    if text is None or text[:1] not in ("-", "+"):
        return text
    try:
        return float(text)
    except ValueError:
        return text


def _write(path: Path, table: pd.DataFrame, members: list[int], model: SegmentModel) -> None:
    ids, names = model.payload["ids"], model.payload["names"]
    headers = [*map(str, table.columns), "segment", "segment_name"]
    cells = table.astype(object).where(table.notna(), None).itertuples(index=False)
    rows = [(*map(_cell, row), ids[at], names[at]) for row, at in zip(cells, members, strict=True)]
    write_text(path, table_text(headers, rows))
