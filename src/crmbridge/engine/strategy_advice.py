"""What the estimated effects say about the next unit of budget, in words."""

from collections.abc import Collection, Mapping

import pandas as pd

COLLINEAR, FEW_ROWS = "strategy.collinear", "strategy.few_rows"
"""Findings that change the advice."""

Effect = tuple[str, float, float, float]
"""A driver's name, its effect per unit, and the ends of the interval."""


def advise(
    marginal: pd.DataFrame,
    budgets: list[str],
    doubts: Collection[str],
    ranges: Mapping[str, tuple[float, float]],
) -> tuple[str, ...]:
    """Advice on budgets, best first.

    A budget whose interval holds 0 is not recommended; two whose intervals overlap are said
    not to be told apart (which is stricter than a test of their difference). Where drivers moved
    together, or rows are few, no budget is recommended at all.

    Args:
        marginal: by driver, sales per unit: `estimate`, `low`, `high`.
        doubts: codes of findings on the fit.
        ranges: least and greatest value seen of each driver: the advice holds between them.
    """
    if not budgets:
        return ("No budget among the drivers, so there is nothing to move",)
    found = marginal.loc[budgets].sort_values("estimate", ascending=False, kind="stable")
    columns = (found[name].astype(float) for name in ("estimate", "low", "high"))
    effects: list[Effect] = list(zip(map(str, found.index), *columns, strict=True))
    advice = [*_by_doubt(effects, doubts), _seen(effects, ranges)]
    advice.append("This is what went together in the past; an experiment shows what causes it")
    return tuple(advice)


def _by_doubt(effects: list[Effect], doubts: Collection[str]) -> list[str]:
    if COLLINEAR in doubts:
        return ["The drivers moved together: which of them moves sales is not known"]
    if FEW_ROWS in doubts:
        best = _spoken(effects[0])
        return [f"Move no budget yet, the rows are too few; the best guess is {best}"]
    working = [effect for effect in effects if effect[2] > 0]
    return [_lead(working), *(_weak(effect) for effect in effects if not effect[2] > 0)]


def _seen(effects: list[Effect], ranges: Mapping[str, tuple[float, float]]) -> str:
    seen = ", ".join(
        f"{name} from {ranges[name][0]:.4g} to {ranges[name][1]:.4g}"
        for name, *_ in effects
        if name in ranges
    )
    return f"Seen were {seen}; beyond that nothing is known"


def _lead(working: list[Effect]) -> str:
    if not working:
        return "No budget shows an effect above zero: spend no more before it is measured better"
    first, *rest = working
    advice = f"Put the next unit of budget into {_spoken(first)}"
    near = [name for name, _, _, high in rest if high >= first[2]]
    if near:
        return f"{advice}; {', '.join(near)} may be as good"
    return f"{advice}; next best {_spoken(rest[0])}" if rest else advice


def _weak(effect: Effect) -> str:
    if effect[3] < 0:
        return f"Spend less on {_spoken(effect)}"
    return f"No effect that differs from none: {_spoken(effect)}"


def _spoken(effect: Effect) -> str:
    name, estimate, low, high = effect
    return f"{name}: {estimate:+.3g} sales per unit [{low:.3g}, {high:.3g}]"
