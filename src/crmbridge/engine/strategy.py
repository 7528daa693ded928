"""Where the next unit of budget goes: sales regressed on price, advertising and promotion."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from statsmodels.stats.diagnostic import het_breuschpagan
from statsmodels.tools.sm_exceptions import SingularMatrixWarning

from crmbridge.engine.columns import numbers, texts
from crmbridge.engine.parameters import within
from crmbridge.engine.strategy_advice import COLLINEAR, FEW_ROWS, advise
from crmbridge.records import Finding

INTERCEPT = "intercept"
"""The term of the constant."""

_COLLINEAR, _ROWS_PER_TERM, _FEW_CLUSTERS = 10.0, 10, 10


class Form(Enum):
    """What the sales are regressed on."""

    LEVELS = "levels"
    "The drivers as they are: a coefficient is sales per unit."
    LOGS = "logs"
    "Logarithms of sales and drivers: a coefficient is an elasticity; rows with 0 are left out."
    INTERACTIONS = "interactions"
    "Drivers around their means and products of each two: effects hold at the means."


class Errors(Enum):
    """How the standard errors are computed."""

    CLASSICAL = "classical"
    "Equal variance in all rows."
    ROBUST = "HC3"
    "Unequal variance, corrected for leverage (MacKinnon and White 1985)."
    CLUSTERED = "clustered"
    "Rows of the same cluster (region, rep) go together."


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyParameters:
    """What is regressed on what.

    Args:
        drivers: columns that may move sales; those in `prices` are not budgets.
        cluster: the column that names a row's cluster, for `Errors.CLUSTERED`.
        confidence: of intervals, 0.5 to 0.999.
    """

    sales: str = "sales"
    drivers: tuple[str, ...] = ("price", "advertising", "promotion")
    prices: tuple[str, ...] = ("price",)
    form: Form = Form.LEVELS
    errors: Errors = Errors.ROBUST
    cluster: str = ""
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Check the ranges."""
        within("engine.strategy.confidence", self.confidence, 0.5, 0.999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """What the regression found.

    Args:
        coefficients: by term: `estimate`, `error`, `low`, `high`, `p`; empty if none was fitted.
        marginal: by driver: sales per unit at the means, `estimate`, `low`, `high`.
        rows: rows used.
        ranges: least and greatest value seen of each driver.
        advice: what to do, in sentences.
    """

    coefficients: pd.DataFrame
    marginal: pd.DataFrame
    r_squared: float = float("nan")
    rows: int = 0
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    advice: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def fit_strategy(table: pd.DataFrame, parameters: StrategyParameters) -> Strategy:
    """Regress sales on their drivers by least squares and say where budget works best.

    Columns that are absent, empty or constant are left out and named; with too few rows or
    nothing left to regress on there is a sentence and no coefficient.
    """
    data, dropped = _usable(table, parameters)
    drivers = [name for name in parameters.drivers if name in data.columns]
    terms = _terms(data, drivers, parameters.form)
    if not drivers or len(data) < terms.shape[1] + 2:
        told = f"{len(data)} whole rows and {len(drivers)} drivers that vary are too little"
        return _nothing(len(data), f"{told} to regress", dropped)
    if data[parameters.sales].nunique() < 2:
        told = f"{parameters.sales} is the same in all {len(data)} whole rows: nothing moved it"
        return _nothing(len(data), told, dropped)
    design = terms.assign(**{INTERCEPT: 1.0})[[INTERCEPT, *terms.columns]]
    target = _target(data, parameters)
    with warnings.catch_warnings():
        # Terms that repeat each other are reported as collinear, in words.
        warnings.simplefilter("ignore", SingularMatrixWarning)
        fitted, clusters = _fit(target, design, data, parameters)
    marginal = _marginal(fitted, data, drivers, parameters)
    findings = (*dropped, *_doubts(fitted, terms, clusters, parameters))
    doubts = [finding.code for finding in findings]
    budgets = [name for name in drivers if name not in parameters.prices]
    ranges = {name: (float(data[name].min()), float(data[name].max())) for name in drivers}
    return Strategy(
        coefficients=_coefficients(fitted, parameters.confidence),
        marginal=marginal,
        r_squared=float(fitted.rsquared),
        rows=len(data),
        ranges=ranges,
        advice=advise(marginal, budgets, doubts, ranges),
        findings=findings,
    )


def _usable(
    table: pd.DataFrame, parameters: StrategyParameters
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    findings = []
    columns = {parameters.sales: numbers(table, parameters.sales)}
    for name in parameters.drivers:
        values = numbers(table, name)
        known = values[~np.isnan(values)]
        if known.size and np.ptp(known) > 0:
            columns[name] = values
        else:
            sentence = f"{name} is {'the same in all rows' if known.size else 'not on record'}"
            example = f"{sentence} and was left out"
            findings.append(Finding(code="strategy.left_out", example=example))
    data = pd.DataFrame(columns)
    data["cluster"] = texts(table, parameters.cluster)
    whole = data.notna().all(axis=1).to_numpy()
    if parameters.form is Form.LOGS:
        whole = whole & (data[list(columns)] > 0).all(axis=1).to_numpy()
    if len(data) > whole.sum():
        count = int(len(data) - whole.sum())
        example = f"{count} rows lack a value (or its logarithm) and were left out"
        findings.append(Finding(code="strategy.rows", count=count, example=example))
    return data[whole].reset_index(drop=True), tuple(findings)


def _terms(data: pd.DataFrame, drivers: list[str], form: Form) -> pd.DataFrame:
    terms = data[drivers].astype(float)
    if form is Form.LOGS:
        return terms.apply(np.log)
    if form is Form.LEVELS or not drivers:
        return terms
    centred = terms - terms.mean()
    for first, second in combinations(drivers, 2):
        centred[f"{first} x {second}"] = centred[first] * centred[second]
    return centred


def _target(data: pd.DataFrame, parameters: StrategyParameters) -> "pd.Series[float]":
    sales = data[parameters.sales]
    return np.log(sales) if parameters.form is Form.LOGS else sales


def _fit(
    target: "pd.Series[float]",
    design: pd.DataFrame,
    data: pd.DataFrame,
    parameters: StrategyParameters,
) -> tuple[Any, int]:
    model = sm.OLS(target, design)
    clusters = data["cluster"].nunique()
    if parameters.errors is Errors.CLUSTERED and clusters >= 2:
        groups = pd.factorize(data["cluster"])[0]
        return model.fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True), clusters
    if parameters.errors is Errors.CLASSICAL:
        return model.fit(), clusters
    return model.fit(cov_type="HC3", use_t=True), clusters


def _coefficients(fitted: Any, confidence: float) -> pd.DataFrame:
    bounds = fitted.conf_int(alpha=1 - confidence)
    return pd.DataFrame(
        {
            "estimate": fitted.params,
            "error": fitted.bse,
            "low": bounds[0],
            "high": bounds[1],
            "p": fitted.pvalues,
        }
    )


def _marginal(
    fitted: Any, data: pd.DataFrame, drivers: list[str], parameters: StrategyParameters
) -> pd.DataFrame:
    """Sales per unit of each driver at the means; for logs, elasticity x sales / driver."""
    found = _coefficients(fitted, parameters.confidence).loc[drivers, ["estimate", "low", "high"]]
    if parameters.form is Form.LOGS:
        per_unit = float(data[parameters.sales].mean()) / data[drivers].mean()
        return found.mul(per_unit, axis=0)
    return found


def _doubts(
    fitted: Any, terms: pd.DataFrame, clusters: int, parameters: StrategyParameters
) -> tuple[Finding, ...]:
    doubts = [*_collinear(terms), *_few_rows(terms)]
    if parameters.errors is Errors.CLUSTERED and clusters < _FEW_CLUSTERS:
        sentence = f"{clusters} clusters: fewer than {_FEW_CLUSTERS} give intervals too narrow"
        doubts.append(Finding(code="strategy.few_clusters", count=clusters, example=sentence))
    if parameters.errors is Errors.CLASSICAL and _unequal(fitted):
        sentence = "The scatter is not the same in all rows: the intervals are not to be trusted"
        remedy = "Use robust errors (HC3)."
        doubts.append(Finding(code="strategy.unequal", example=sentence, remedy=remedy))
    return tuple(doubts)


def _collinear(terms: pd.DataFrame) -> list[Finding]:
    if terms.shape[1] < 2:
        return []
    together = [str(name) for name in terms.columns if _inflation(terms, name) > _COLLINEAR]
    if not together:
        return []
    sentence = f"{', '.join(together)} moved together: their effects cannot be told apart"
    remedy = "Vary one of them alone for some periods."
    return [Finding(code=COLLINEAR, example=sentence, remedy=remedy)]


def _inflation(terms: pd.DataFrame, name: str) -> float:
    """Variance inflation factor: 1 / (1 - R2) of one term regressed on the others."""
    others = sm.add_constant(terms.drop(columns=name), has_constant="add").to_numpy()
    target = terms[name].to_numpy()
    fitted = others @ np.linalg.lstsq(others, target, rcond=None)[0]
    unexplained = float(((target - fitted) ** 2).sum() / ((target - target.mean()) ** 2).sum())
    return 1 / max(unexplained, 1e-12)


def _few_rows(terms: pd.DataFrame) -> list[Finding]:
    wanted = _ROWS_PER_TERM * terms.shape[1]
    if len(terms) >= wanted:
        return []
    sentence = f"{len(terms)} rows for {terms.shape[1]} effects: at least {wanted} are advisable"
    return [Finding(code=FEW_ROWS, count=len(terms), example=sentence)]


def _unequal(fitted: Any) -> bool:
    p_value: float = het_breuschpagan(fitted.resid, fitted.model.exog)[1]
    return p_value < 0.01


def _nothing(rows: int, sentence: str, dropped: tuple[Finding, ...]) -> Strategy:
    finding = Finding(code="strategy.too_little", count=rows, example=sentence)
    empty = pd.DataFrame(columns=["estimate", "error", "low", "high", "p"])
    return Strategy(
        coefficients=empty,
        marginal=empty[["estimate", "low", "high"]],
        rows=rows,
        advice=("No advice: " + sentence,),
        findings=(*dropped, finding),
    )


def outside(strategy: Strategy, proposal: Mapping[str, float]) -> tuple[str, ...]:
    """Say which values of a proposal were never seen, so that nothing is known there."""
    told = []
    for name, value in proposal.items():
        low, high = strategy.ranges.get(name, (-np.inf, np.inf))
        if not low <= value <= high:
            told.append(f"{name} of {value:g} was never tried: seen were {low:g} to {high:g}")
    return tuple(told)
