"""Finds rows of two tables that are about the same one, each pair with a probability, by splink.

The model is Fellegi and Sunter's (1969): how often a column agrees among pairs that are the same
(m) and among pairs that are not (u). u is counted on random pairs, m is learned without labels by
expectation maximisation; of tables too small to learn from, both are kept as they are below.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd

from crmbridge.errors import ConfigError

LEAST_ROWS = 200
"""Of each table, to learn from: with fewer, chance writes the model."""

_SAMPLED_PAIRS = 300_000
_RECALL = 0.7
"""Share of all same pairs that the sure rules find; it only sets where learning starts."""


class Likeness(Enum):
    """How values of a column are compared; the steps are equal, alike, a little alike, else."""

    NAME = "name"
    "Names: typing errors count little, and a rare name proves more than a common one."
    TEXT = "text"
    "Longer texts, such as streets."
    CODE = "code"
    "Codes, dates and numbers, where one or two signs may be wrong."
    WORD = "word"
    "Equal or not."


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchParameters:
    """What is compared, and which pairs are looked at.

    Args:
        columns: column -> how it is compared; columns empty in one table are left out.
        blocks: pairs that agree in all of these columns, or parts of columns as SQL, are compared.
        learned_on: two blocks that share no column: each lets the other's columns be learned.
        sure: blocks that are nearly always the same one; they say how common sameness is.
        least: pairs less probable than this are not given.
    """

    columns: Mapping[str, Likeness]
    blocks: tuple[tuple[str, ...], ...]
    learned_on: tuple[tuple[str, ...], ...]
    sure: tuple[tuple[str, ...], ...]
    least: float = 0.01
    seed: int = 42


def match(left: pd.DataFrame, right: pd.DataFrame, parameters: MatchParameters) -> pd.DataFrame:
    """Compare two tables and give the pairs that may be the same, the most probable first.

    Args:
        left, right: texts, indexed by unique names of rows; missing where nothing is known.

    Returns:
        `left`, `right` (names of rows), `probability` and `why` (which columns agree); ties by
        names. Empty if a table is, or if no column is filled in both.

    Raises:
        ConfigError: the extra is not installed.
    """
    _needed()
    columns = {
        name: like
        for name, like in parameters.columns.items()
        if _is_filled(left, name) and _is_filled(right, name)
    }
    blocks = _usable(parameters.blocks, parameters.columns, columns)
    if not columns or not blocks:
        return pd.DataFrame({"left": [], "right": [], "probability": [], "why": []})
    with _quiet():
        learns = min(len(left), len(right)) >= LEAST_ROWS
        compared = [_comparison(name, like, learns=learns) for name, like in columns.items()]
        linker = _linker(left, right, list(columns), compared, blocks)
        if learns:
            _learn(linker, parameters, columns)
        found = linker.inference.predict(threshold_match_probability=parameters.least)
        return _told(found.as_pandas_dataframe(), columns, (left, right))


def _needed() -> None:
    if find_spec("splink") is None or find_spec("duckdb") is None:
        raise ConfigError(
            "identity",
            "the extra crmbridge[identity]",
            "not installed",
            "Run `pip install 'crmbridge[identity]'`",
        )


def _is_filled(table: pd.DataFrame, column: str) -> bool:
    return column in table.columns and bool(table[column].notna().any())


def _usable(
    blocks: tuple[tuple[str, ...], ...],
    known: Mapping[str, Likeness],
    columns: Mapping[str, Likeness],
) -> list[tuple[str, ...]]:
    """The blocks that need no column that is left out."""
    gone = [name for name in known if name not in columns]
    return [block for block in blocks if not any(name in part for part in block for name in gone)]


def _linker(
    left: pd.DataFrame,
    right: pd.DataFrame,
    columns: list[str],
    compared: list[Any],
    blocks: list[tuple[str, ...]],
) -> Any:
    import duckdb
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI

    # One thread: the sample that u is counted on is then the same in every run.
    database = DuckDBAPI(connection=duckdb.connect(config={"threads": 1}))
    tables = [
        database.register(_texts(table, columns), dataset_display_name=name)
        for name, table in (("a", left), ("b", right))
    ]
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=compared,
        blocking_rules_to_generate_predictions=[block_on(*block) for block in blocks],
        probability_two_random_records_match=1 / max(len(left), len(right), LEAST_ROWS),
        retain_matching_columns=True,
        retain_intermediate_calculation_columns=True,
    )
    return Linker(tables, settings, log_level=logging.ERROR)


def _texts(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The compared columns as texts, rows named by number, in an order of their own."""
    frame = table[columns].astype("object").where(table[columns].notna(), None)
    return frame.assign(unique_id=np.arange(len(table))).reset_index(drop=True)


_AGREE = (0.80, 0.10, 0.05, 0.05)
_BY_CHANCE: Mapping[Likeness, tuple[float, ...]] = {
    Likeness.NAME: (0.001, 0.004, 0.015, 0.98),
    Likeness.TEXT: (0.01, 0.01, 0.05, 0.93),
    Likeness.CODE: (0.001, 0.005, 0.05, 0.944),
}
"""u where nothing can be learned: as customers of a country agree, roughly."""


def _comparison(name: str, like: Likeness, *, learns: bool) -> Any:
    """How splink compares a column; what is common and what is rare only many rows can say."""
    import splink.comparison_library as library

    if like is Likeness.WORD:
        word = library.ExactMatch(name)
        return word.configure(m_probabilities=[0.95, 0.05], u_probabilities=[0.1, 0.9])
    ways: dict[Likeness, Any] = {
        Likeness.NAME: lambda: library.JaroWinklerAtThresholds(name, [0.92, 0.8]),
        Likeness.TEXT: lambda: library.JaroWinklerAtThresholds(name, [0.9, 0.75]),
        Likeness.CODE: lambda: library.DamerauLevenshteinAtThresholds(name, [1, 2]),
    }
    return ways[like]().configure(
        term_frequency_adjustments=learns and like is Likeness.NAME,
        m_probabilities=list(_AGREE),
        u_probabilities=list(_BY_CHANCE[like]),
    )


def _learn(linker: Any, parameters: MatchParameters, columns: Mapping[str, Likeness]) -> None:
    """Learn what can be; a step that finds nothing to learn from leaves what there was."""
    from splink import block_on
    from splink.internals.exceptions import EMTrainingException, SplinkException

    sure = [block_on(*b) for b in _usable(parameters.sure, parameters.columns, columns)]
    train, seed = linker.training, parameters.seed
    steps: list[Callable[[], object]] = [
        partial(train.estimate_u_using_random_sampling, _SAMPLED_PAIRS, seed=seed)
    ]
    if sure:
        likely = train.estimate_probability_two_random_records_match
        steps.append(partial(likely, sure, recall=_RECALL))
    for block in _usable(parameters.learned_on, parameters.columns, columns):
        learn = train.estimate_parameters_using_expectation_maximisation
        steps.append(partial(learn, block_on(*block)))
    for step in steps:
        with suppress(SplinkException, EMTrainingException, ValueError):
            step()


_STEPS = {3: "equal", 2: "alike", 1: "a little alike"}


def _told(
    found: pd.DataFrame, columns: Mapping[str, Likeness], tables: tuple[pd.DataFrame, pd.DataFrame]
) -> pd.DataFrame:
    """Pairs by the tables' own names, with the columns that agree in words."""
    sides = [("unique_id_l", "source_dataset_l"), ("unique_id_r", "source_dataset_r")]
    named: dict[str, list[Any]] = {"a": [], "b": []}
    for id_, source in sides:
        for number, table in zip(found[id_], found[source], strict=True):
            named[table].append(int(number))
    left, right = (
        table.index.to_numpy()[named[name]] for name, table in zip(("a", "b"), tables, strict=True)
    )
    levels = {name: found[f"gamma_{name}"].to_numpy() for name in columns}
    why = [_why(columns, levels, row) for row in range(len(found))]
    frame = pd.DataFrame(
        {"left": left, "right": right, "probability": found["match_probability"], "why": why}
    )
    order = ["probability", "left", "right"]
    return frame.sort_values(order, ascending=[False, True, True]).reset_index(drop=True)


def _why(columns: Mapping[str, Likeness], levels: Mapping[str, Any], row: int) -> str:
    told = []
    for name, like in columns.items():
        level = int(levels[name][row]) * (3 if like is Likeness.WORD else 1)
        if level > 0:
            told.append(f"{name} {_STEPS[level]}")
        elif level == 0:
            told.append(f"{name} different")
    return ", ".join(told)


@contextmanager
def _quiet() -> Iterator[None]:
    """Splink tells its steps at length; what matters of them is said by us."""
    logger = logging.getLogger("splink")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
