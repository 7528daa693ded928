"""Columns of a table as a matrix to cluster: what was done to each column is frozen and said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crmbridge.engine.cells import Cells
from crmbridge.engine.columns import Numbers
from crmbridge.engine.parameters import Scale, SegmentParameters
from crmbridge.records import Finding

_EDUCATION = {
    "none": 0, "illiterate": 0, "primary": 1, "primary school": 1, "elementary": 1, "basic": 1,
    "basic.4y": 1, "basic.6y": 1, "basic.9y": 1, "secondary": 2, "secondary school": 2,
    "high school": 2, "high.school": 2, "highschool": 2, "hs": 2, "hs-grad": 2, "abitur": 2,
    "vocational": 3, "professional.course": 3, "apprenticeship": 3, "some college": 3,
    "associate": 3, "associates": 3, "college": 4, "bachelor": 4, "bachelors": 4,
    "bachelor's": 4, "undergraduate": 4, "university": 4, "university.degree": 4,
    "tertiary": 4, "graduate": 4, "graduation": 4, "master": 5, "masters": 5, "master's": 5,
    "postgraduate": 5, "phd": 6, "ph.d.": 6, "doctorate": 6, "doctor": 6, "doctoral": 6,
}  # fmt: skip
_LEVELS = {
    "none": 0, "very low": 1, "low": 2, "medium": 3, "average": 3, "high": 4, "very high": 5,
}  # fmt: skip
_SIZES = {"micro": 0, "small": 1, "medium": 2, "large": 3, "enterprise": 4}
_CLASSES = {"d": 0, "c": 1, "b": 2, "a": 3}
KNOWN_ORDERS: tuple[Mapping[str, int], ...] = (_EDUCATION, _LEVELS, _SIZES, _CLASSES)
"""Words whose order everybody agrees on; all words of a column must be in one of them."""

_ONE_HOT_LIMIT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How a table becomes a matrix: a JSON list with one entry per matrix column.

    An entry has `column`; `kind` (number, ordinal, one_hot, frequency); `values` (ranks or
    shares by word) or `value` (the word of a one-hot column); `log`; `fill` (the median, for
    what is missing); `mean` and `deviation`.
    """

    entries: tuple[Mapping[str, Any], ...]

    def matrix(self, frame: pd.DataFrame) -> Numbers:
        """One row per row of the frame, one column per entry, standardised."""
        return self.matrix_of(Cells(frame))

    def matrix_of(self, cells: Cells) -> Numbers:
        """The same of columns that were read before."""
        columns = [_standard(_raw(cells, entry), entry) for entry in self.entries]
        return np.column_stack(columns) if columns else np.empty((len(cells), 0))

    def labels(self) -> list[str]:
        """What each matrix column is called, in plain words."""
        return [_label(entry) for entry in self.entries]


def fit_encoding(
    frame: pd.DataFrame, parameters: SegmentParameters
) -> tuple[Encoding, tuple[Finding, ...]]:
    """Decide how each column is encoded; columns that say nothing are left out and named."""
    return fit_encoding_of(Cells(frame), parameters)


def fit_encoding_of(
    cells: Cells, parameters: SegmentParameters
) -> tuple[Encoding, tuple[Finding, ...]]:
    """The same of columns that were read before."""
    entries: list[dict[str, Any]] = []
    findings: list[Finding] = []
    for column in parameters.columns:
        drafts, sentence = _drafts(cells, column, parameters)
        kept = [entry for entry in drafts if _measure(cells, entry, parameters.scale)]
        if not kept:
            sentence = sentence or f"Column {column} is the same for all and was left out"
        if sentence:
            findings.append(Finding(code="segments.column", example=sentence))
        entries.extend(kept)
    return Encoding(entries=tuple(entries)), tuple(findings)


def _drafts(
    cells: Cells, column: str, parameters: SegmentParameters
) -> tuple[list[dict[str, Any]], str]:
    known = cells.known_words(column)
    if not known:
        return [], f"Column {column} is empty and was left out"
    if np.isfinite(cells.numbers(column)).sum() >= 0.9 * len(known):
        return [{"column": column, "kind": "number"}], ""
    order = _order_of(set(known), parameters.orders.get(column, ()))
    if order:
        entry = {"column": column, "kind": "ordinal", "values": order}
        return [entry], f"Column {column} holds words with a known order and became ranks"
    return _nominal(column, known)


def _nominal(column: str, known: list[str]) -> tuple[list[dict[str, Any]], str]:
    counts = pd.Series(known).value_counts().sort_index()
    if len(counts) <= _ONE_HOT_LIMIT:
        drafts = [{"column": column, "kind": "one_hot", "value": word} for word in counts.index]
        return drafts, f"Column {column} holds words and became one 0/1 column for each"
    shares = {str(word): float(count) / len(known) for word, count in counts.items()}
    entry = {"column": column, "kind": "frequency", "values": shares}
    return [entry], f"Column {column} holds {len(counts)} words and became their frequencies"


def _order_of(known: set[str], given: Sequence[str]) -> dict[str, int]:
    if given:
        return {word.lower(): rank for rank, word in enumerate(given)}
    found = next((order for order in KNOWN_ORDERS if known <= order.keys()), {})
    return dict(found)


def _measure(cells: Cells, entry: dict[str, Any], scale: Scale) -> bool:
    """Add fill, log, mean and deviation to an entry; False if the column does not vary."""
    raw = _raw(cells, entry)
    known = raw[~np.isnan(raw)]
    is_amount = scale is Scale.LOG and entry["kind"] == "number"
    entry["log"] = bool(is_amount and known.min(initial=0) >= 0)
    entry["fill"] = float(np.median(known)) if known.size else 0.0
    values = _filled(raw, entry)
    entry["mean"], entry["deviation"] = float(values.mean()), float(values.std())
    return bool(entry["deviation"] > 1e-12 * max(1.0, abs(entry["mean"])))


def _raw(cells: Cells, entry: Mapping[str, Any]) -> Numbers:
    column = entry["column"]
    if entry["kind"] == "number":
        return cells.numbers(column)
    if entry["kind"] == "one_hot":
        return cells.looked_up(column, {entry["value"]: 1.0}, 0.0)
    # A word first seen after the fit has rank unknown, or frequency 0.
    default = 0.0 if entry["kind"] == "frequency" else np.nan
    return cells.looked_up(column, entry["values"], default)


def _filled(raw: Numbers, entry: Mapping[str, Any]) -> Numbers:
    values = np.where(np.isnan(raw), entry["fill"], raw)
    return np.log1p(np.maximum(values, 0)) if entry["log"] else values


def _standard(raw: Numbers, entry: Mapping[str, Any]) -> Numbers:
    return np.asarray((_filled(raw, entry) - entry["mean"]) / entry["deviation"])


def _label(entry: Mapping[str, Any]) -> str:
    name = str(entry["column"]).replace("_", " ")
    return f"{name} {entry['value']}" if entry["kind"] == "one_hot" else name
