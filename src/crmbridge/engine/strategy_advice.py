"""What the estimated effects say about the next unit of budget, in words."""

import pandas as pd

Effect = tuple[str, float, float, float]
"""A driver's name, its effect per unit, and the ends of the interval."""


def advise(marginal: pd.DataFrame, budgets: list[str], *, is_collinear: bool) -> tuple[str, ...]:
    """Advice on budgets, best first.

    A budget whose interval holds 0 is not recommended; two whose intervals overlap are said
    not to be told apart (which is stricter than a test of their difference).

    Args:
        marginal: by driver, sales per unit: `estimate`, `low`, `high`.
    """
    if not budgets:
        return ("No budget among the drivers, so there is nothing to move",)
    found = marginal.loc[budgets].sort_values("estimate", ascending=False, kind="stable")
    columns = (found[name].astype(float) for name in ("estimate", "low", "high"))
    effects: list[Effect] = list(zip(map(str, found.index), *columns, strict=True))
    working = [effect for effect in effects if effect[2] > 0]
    if is_collinear:
        advice = ["The drivers moved together: which of them moves sales is not known"]
    else:
        advice = [_lead(working), *(_weak(effect) for effect in effects if not effect[2] > 0)]
    advice.append("This is what went together in the past; an experiment shows what causes it")
    return tuple(advice)


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
