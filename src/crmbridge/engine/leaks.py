"""Columns that know the outcome: what is only known, or only filled in, afterwards."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from crmbridge.engine.columns import Numbers, numbers, texts

LEAK_AUC = 0.90
"""A column that alone ranks better than this is quarantined: it is too good to be known before."""

_AFTERWARDS = ("close", "won", "lost", "stage", "status")
"""How columns begin that a CRM fills in, or overwrites, when a deal ends."""

_ENDED = frozenset({"close", "closed", "closing", "won", "lost", "duration"})
"""Words of names of what is counted at the end: days to the close, duration of the call."""

_DAY = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4}")
_HALVES = 2
_LEAST_TELLING, _BY_CHANCE = 20, 1e-6
"""Rows with an unusual value that are needed, and how likely it is that all of them came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A column that gives the outcome away, or seems to, and why it is thought so."""

    field: str
    reason: str


def find_leaks(
    table: pd.DataFrame, columns: list[str], came: Numbers
) -> tuple[list[str], tuple[Leak, ...]]:
    """Split columns into those that may be used and those that give the outcome away.

    Args:
        came: 0 or 1 for each row of the table.

    Returns:
        the columns to use, in order, and those quarantined.
    """
    found = {column: _suspicion(table, column, came) for column in columns}
    kept = [column for column in columns if not found[column]]
    return kept, tuple(Leak(field=name, reason=why) for name, why in found.items() if why)


def _suspicion(table: pd.DataFrame, column: str, came: Numbers) -> str:
    words = set(re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column).lower()))
    if column.lower().startswith(_AFTERWARDS) or words & _ENDED:
        return "named like what is known only at the end"
    if _holds_days(texts(table, column)):
        return "holds days, and a day never comes again"
    alone = strength(table, column, came)
    if alone > LEAK_AUC:
        return f"alone tells the outcome (AUC {alone:.2f})"
    return "differs from its usual value only on a yes" if _only_on_yes(table, column, came) else ""


def _only_on_yes(table: pd.DataFrame, column: str, came: Numbers) -> bool:
    """Whether a column has another value than its commonest only where the outcome came."""
    words = pd.Series(texts(table, column), dtype=object)
    others = (words != words.mode().iloc[0]).to_numpy()
    if others.sum() < _LEAST_TELLING or came[others].min() < 1:
        return False
    return bool(came.mean() ** others.sum() < _BY_CHANCE)


def _holds_days(words: list[str]) -> bool:
    filled = [word for word in words if word]
    return bool(filled) and sum(bool(_DAY.match(word)) for word in filled) > 0.9 * len(filled)


def strength(table: pd.DataFrame, column: str, came: Numbers) -> float:
    """How well one column alone ranks, 0.5 to 1; by its values, or by whether it is filled in."""
    filled = np.array([float(bool(text)) for text in texts(table, column)])
    values = numbers(table, column)
    if np.isnan(values).mean() > 1 - 0.9 * filled.mean():
        ranked = _rates(texts(table, column), came)
    else:
        known = values[~np.isnan(values)]
        ranked = np.where(np.isnan(values), np.median(known) if known.size else 0.0, values)
    return max(_either_way(came, ranked), _either_way(came, filled))


def _either_way(came: Numbers, ranked: Numbers) -> float:
    auc = float(roc_auc_score(came, ranked))
    return max(auc, 1 - auc)


def _rates(words: list[str], came: Numbers) -> Numbers:
    """Share of yes by word, learned on the other half of the rows, so that names prove nothing."""
    frame = pd.DataFrame({"word": pd.Series(words, dtype=object), "came": came})
    # By lot: rows that alternate in some way would have all of one kind in one half.
    half = np.random.default_rng(0).permutation(len(frame)) % _HALVES
    overall = float(came.mean())
    result = np.full(len(frame), overall)
    for side in range(_HALVES):
        others = frame[half != side].groupby("word")["came"].agg(["sum", "count"])
        rates = (others["sum"] + 5 * overall) / (others["count"] + 5)
        mine = frame["word"][half == side].map(rates).fillna(overall)
        result[half == side] = mine.to_numpy(dtype=np.float64)
    return result
