"""How far what a customer will buy may be from what is expected: intervals by simulation."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmbridge.engine.columns import Numbers
from crmbridge.engine.repeat_buying import RepeatBuying, chance_alive
from crmbridge.engine.spending import Spending

_DRAWS, _CHUNK = 400, 5_000
"""Draws for each customer, and customers drawn at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Ends of each customer's interval, in the order of the summary."""

    orders_low: Numbers
    orders_high: Numbers
    value_low: Numbers
    value_high: Numbers


def value_intervals(
    summary: pd.DataFrame,
    models: tuple[RepeatBuying, Spending | None],
    worth: tuple[Numbers, Numbers],
    ahead: float,
    confidence: float = 0.95,
    seed: int = 0,
) -> Intervals:
    """Draw what each customer may buy, from what its own past and everybody's say of it.

    One who still buys does so at a rate of gamma(r + repeats, alpha + age) and is lost after each
    order with a chance of beta(a, b + repeats): the orders are the lesser of a Poisson and a
    geometric number. The mean amount has the posterior of the gamma-gamma model.

    Args:
        worth: expected amount of an order, and what one amount of then is worth today, by
            customer.
        ahead: units of time looked ahead; > 0.
    """
    generator = np.random.default_rng(seed)
    tail = (1 - confidence) / 2
    parts = []
    for start in range(0, len(summary), _CHUNK):
        rows = slice(start, start + _CHUNK)
        some = summary.iloc[rows]
        orders = _orders(models[0], some, ahead, generator)
        amounts = _amounts(models[1], some, worth[0][rows], generator)
        value = orders * amounts * worth[1][rows, None]
        ends = [np.quantile(each, [tail, 1 - tail], axis=1) for each in (orders, value)]
        parts.append(np.concatenate(ends))
    found = np.concatenate(parts, axis=1) if parts else np.empty((4, 0))
    return Intervals(
        orders_low=found[0], orders_high=found[1], value_low=found[2], value_high=found[3]
    )


def _orders(
    model: RepeatBuying, some: pd.DataFrame, ahead: float, generator: np.random.Generator
) -> Numbers:
    repeats, age = (some[name].to_numpy(float)[:, None] for name in ("repeats", "age"))
    shape = (len(some), _DRAWS)
    rate = generator.gamma(model.r + repeats, 1 / (model.alpha + age), shape)
    lost = generator.beta(model.a, model.b + repeats, shape)
    until_lost = generator.geometric(np.clip(lost, 1e-9, 1.0))
    alive = generator.random(shape) < chance_alive(model, some)[:, None]
    return np.where(alive, np.minimum(generator.poisson(rate * ahead), until_lost), 0).astype(float)


def _amounts(
    model: Spending | None, some: pd.DataFrame, expected: Numbers, generator: np.random.Generator
) -> Numbers:
    if model is None:
        return np.repeat(expected[:, None], _DRAWS, axis=1)
    mean = np.nan_to_num(some["amount_mean"].to_numpy(float))[:, None]
    repeats = np.where(mean > 0, np.nan_to_num(some["repeats"].to_numpy(float))[:, None], 0.0)
    scale = generator.gamma(
        model.p * repeats + model.q, 1 / (model.v + repeats * mean), (len(some), _DRAWS)
    )
    return model.p / np.maximum(scale, 1e-12)
