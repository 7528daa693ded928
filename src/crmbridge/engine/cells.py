"""A table's columns, read once as numbers and as words, for work that asks for them often."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmbridge.engine.columns import Numbers, numbers, texts

_MISSING_WORDS = frozenset({"", "unknown", "n/a", "na", "nan", "null", "-", "inf", "-inf"})

Codes = NDArray[np.int64]


class Cells:
    """Columns of a table by name; reading text anew for each category took minutes."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._numbers: dict[str, Numbers] = {}
        self._words: dict[str, tuple[Codes, list[str]]] = {}

    def __len__(self) -> int:
        return len(self._frame)

    def numbers(self, column: str) -> Numbers:
        """A column as floats, NaN for missing."""
        if column not in self._numbers:
            self._numbers[column] = numbers(self._frame, column)
        return self._numbers[column]

    def words(self, column: str) -> tuple[Codes, list[str]]:
        """A column as codes and the lower-case words they stand for, "" for missing."""
        if column not in self._words:
            lower = (text.lower() for text in texts(self._frame, column))
            kept = ["" if text in _MISSING_WORDS else text for text in lower]
            codes, words = pd.factorize(np.array(kept, dtype=object))
            self._words[column] = codes.astype(np.int64), [str(word) for word in words]
        return self._words[column]

    def known_words(self, column: str) -> list[str]:
        """The words of the rows that have one, in row order."""
        codes, words = self.words(column)
        return [word for word in (words[code] for code in codes) if word]

    def looked_up(self, column: str, table: Mapping[str, float], default: float) -> Numbers:
        """What a table says of each row's word."""
        codes, words = self.words(column)
        if not words:
            return np.full(len(self), default)
        return np.array([float(table.get(word, default)) for word in words])[codes]

    def take(self, rows: Codes) -> "Cells":
        """Some rows, without reading them again."""
        part = Cells(self._frame.take(rows))
        part._numbers = {name: values[rows] for name, values in self._numbers.items()}
        part._words = {name: (codes[rows], words) for name, (codes, words) in self._words.items()}
        return part
