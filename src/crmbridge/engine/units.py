"""Rows of an experiment as independent units: one value for each thing that was randomised."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from crmbridge.engine.columns import Numbers, numbers, texts
from crmbridge.records import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Units and what was measured of them; no value is missing.

    Args:
        arms: each unit's arm.
        values: each unit's outcome.
        clusters: each unit's cluster; empty where units are independent of each other.
        assigned: what was randomised by arm, with or without an outcome.
    """

    arms: list[str]
    values: Numbers
    clusters: list[str] = field(default_factory=list)
    assigned: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def of(self, arm: str) -> Numbers:
        """The values of one arm, in row order."""
        mine = np.array([name == arm for name in self.arms], dtype=bool)
        return np.asarray(self.values[mine], dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentColumns:
    """Which columns of a table hold what; "" for none.

    Args:
        unit: what was randomised, where rows are finer than that: a store with many weeks, a rep
            with many visits. A unit counts once, by the mean of its rows.
        cluster: what units belong to that makes them alike: a rep, a market. Unlike `unit` it
            may have units in several arms, and each unit counts.
        per: what the outcome is divided by: amount per visit is the sum of amounts over the sum
            of visits, with the delta method's error.
        before: the outcome before the experiment, to take known differences out (CUPED).
    """

    arm: str
    outcome: str
    unit: str = ""
    cluster: str = ""
    per: str = ""
    before: str = ""


def make_units(table: pd.DataFrame, columns: ExperimentColumns) -> Units:
    """Reduce a table to units; rows without arm or outcome are left out and counted."""
    rows = pd.DataFrame(
        {
            "arm": pd.Series(texts(table, columns.arm), dtype=object),
            "unit": pd.Series(_names(table, columns.unit), dtype=object),
            "cluster": pd.Series(texts(table, columns.cluster), dtype=object),
            "value": numbers(table, columns.outcome),
            "per": numbers(table, columns.per) if columns.per else np.ones(len(table)),
            "before": numbers(table, columns.before),
        }
    )
    whole = (rows["arm"] != "") & (rows["unit"] != "") & rows[["value", "per"]].notna().all(axis=1)
    if columns.cluster:
        whole &= rows["cluster"] != ""
    kept, findings = rows[whole], _left_out(int((~whole).sum()), len(rows))
    if columns.unit:
        kept, found = _one_row_each(kept)
        findings += found
    if columns.per:
        kept = _linearised(kept)
    elif columns.unit:
        kept = kept.assign(value=kept["value"] / kept["per"])
    units = Units(
        arms=kept["arm"].tolist(),
        values=kept["value"].to_numpy(dtype=np.float64),
        clusters=kept["cluster"].tolist() if columns.cluster else [],
        assigned=_assigned(rows, columns),
    )
    if columns.before:
        values, found = adjusted(units, kept["before"].to_numpy(dtype=np.float64))
        units, findings = replace(units, values=values), findings + found
    return replace(units, findings=findings)


def _assigned(rows: pd.DataFrame, columns: ExperimentColumns) -> dict[str, int]:
    """Units by arm, outcome or not: who dropped out was randomised, too."""
    known = rows[(rows["arm"] != "") & (rows["unit"] != "")]
    if columns.cluster and (known.groupby("cluster")["arm"].nunique() <= 1).all():
        known = known.drop_duplicates("cluster")
    known = known.drop_duplicates(["unit", "arm"])
    return {str(arm): int(count) for arm, count in known["arm"].value_counts().items()}


def _names(table: pd.DataFrame, unit: str) -> list[str]:
    return texts(table, unit) if unit else [str(at) for at in range(len(table))]


def _left_out(count: int, total: int) -> tuple[Finding, ...]:
    if not count:
        return ()
    sentence = f"{count} of {total} rows lack arm, unit or a finite outcome and were left out"
    return (Finding(code="experiment.rows", count=count, example=sentence),)


def _one_row_each(rows: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    arms = rows.groupby("unit", sort=True)["arm"].nunique()
    mixed = int((arms > 1).sum())
    rows = rows[rows["unit"].map(arms) == 1]
    sums = rows.groupby("unit", sort=True).agg(
        arm=("arm", "first"),
        cluster=("cluster", "first"),
        value=("value", "sum"),
        per=("per", "sum"),
        before=("before", "mean"),
    )
    if not mixed:
        return sums.reset_index(), ()
    sentence = f"{mixed} units are in several arms and were left out"
    return sums.reset_index(), (Finding(code="experiment.mixed", count=mixed, example=sentence),)


def _linearised(rows: pd.DataFrame) -> pd.DataFrame:
    """Each unit's share in its arm's ratio: ratio + (value - ratio x per) / mean of per.

    Their mean is the ratio and their variance over n is that of the delta method (Deng, Knoblich
    and Lu 2018), so that everything that follows is the same as for plain means.
    """
    sums = rows.groupby("arm")[["value", "per"]].transform("sum")
    count = rows.groupby("arm")["value"].transform("size")
    ratio = sums["value"] / sums["per"].where(sums["per"] != 0)
    shares = ratio + (rows["value"] - ratio * rows["per"]) * count / sums["per"]
    return rows.assign(value=shares.where(sums["per"] != 0, 0.0))


def adjusted(units: Units, before: Numbers) -> tuple[Numbers, tuple[Finding, ...]]:
    """Outcomes less what the time before already explains (CUPED, Deng et al. 2013).

    theta is the slope within arms; a unit without a value before keeps its outcome. The means of
    arms move only as far as chance made them differ before the experiment.
    """
    known = ~np.isnan(before)
    if not known.any() or np.ptp(before[known]) == 0:
        sentence = "Nothing that varies is known of the time before: outcomes were not adjusted"
        return units.values, (Finding(code="experiment.not_adjusted", example=sentence),)
    filled = np.where(known, before, before[known].mean())
    frame = pd.DataFrame({"arm": units.arms, "x": filled, "y": units.values})
    inner = frame[["x", "y"]] - frame.groupby("arm")[["x", "y"]].transform("mean")
    spread = float((inner["x"] ** 2).sum())
    theta = float((inner["x"] * inner["y"]).sum()) / spread if spread > 0 else 0.0
    values = units.values - theta * (filled - filled.mean())
    left = inner["y"] - theta * inner["x"]
    total = float((inner["y"] ** 2).sum())
    saved = 1 - float((left**2).sum()) / total if total > 0 else 0.0
    sentence = f"The time before explains {saved:.0%} of the variance and was taken out"
    return np.asarray(values, dtype=np.float64), (
        Finding(code="experiment.adjusted", example=sentence),
    )
