"""Columns as numbers: whatever a source holds becomes finite floats, or NaN for missing."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def numbers(frame: pd.DataFrame, name: str) -> Numbers:
    """A column as floats; NaN where it is absent, empty, infinite or not a number."""
    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64, copy=True)
    values[~np.isfinite(values)] = np.nan
    return values


def texts(frame: pd.DataFrame, name: str) -> list[str]:
    """A column as stripped texts; empty where it is absent or missing."""
    if name not in frame.columns:
        return [""] * len(frame)
    column = frame[name]
    cells = zip(column.tolist(), column.isna().tolist(), strict=True)
    return ["" if gone else str(value).strip() for value, gone in cells]


def unit_column(
    frame: pd.DataFrame, name: str, scale: float | None, words: Mapping[str, float]
) -> Numbers:
    """A column of numbers or words as values in [0, 1].

    Args:
        scale: the number that counts as 1; none for the least of 1, 5, 10 and 100 that no
            number of the column exceeds, else the largest number.
        words: what a word counts as, by its lower-case text.

    Returns:
        one value per row; NaN where missing or an unknown word; numbers outside are clipped.
    """
    values = numbers(frame, name)
    known = values[~np.isnan(values)]
    top = scale or _scale_of(float(known.max(initial=0.0)))
    result = np.clip(values / top, 0.0, 1.0)
    if name in frame.columns and np.isnan(values).any():
        spoken = [words.get(text.lower(), np.nan) for text in texts(frame, name)]
        result = np.where(np.isnan(values), spoken, result)
    return np.asarray(result, dtype=np.float64)


def _scale_of(largest: float) -> float:
    return next((top for top in (1.0, 5.0, 10.0, 100.0) if largest <= top), largest)
