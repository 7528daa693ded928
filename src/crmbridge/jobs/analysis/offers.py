"""Decides what to talk about with each customer: what they need, then what fits what they buy."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmbridge.engine.columns import numbers, texts
from crmbridge.records import RecordKey
from crmbridge.store.offers import Offer

MODEL = "offers-1"
_NEED_UNKNOWN = 0.6
"""What a need of unknown strength counts as; the score says the same."""


def next_offers(features: pd.DataFrame, keys: Mapping[str, RecordKey], run_id: int) -> list[Offer]:
    """The strongest open need, then the product that similar buyers have; by customer and rank.

    Args:
        features: `need_name` with `need_strength_max`, `product_fit_name` with `product_fit`, by
            customer id; columns may be absent.
        keys: of the customers that get offers.
    """
    found = []
    columns = (
        texts(features, "need_name"), numbers(features, "need_strength_max"),
        texts(features, "product_fit_name"), numbers(features, "product_fit"),
    )  # fmt: skip
    for id_, need, strength, product, fit in zip(features.index, *columns, strict=True):
        key = keys.get(str(id_))
        if key is None:
            continue
        ranked = []
        if need:
            known = _NEED_UNKNOWN if np.isnan(strength) else strength
            ranked.append((need, float(known), "open need on record"))
        if product and product != need:
            ranked.append((product, float(fit), "similar customers also buy it"))
        found += [
            Offer(key=key, rank=rank, product=name, fit=round(value, 6), why=why, model=MODEL,
                  run_id=run_id)
            for rank, (name, value, why) in enumerate(ranked, 1)
        ]  # fmt: skip
    return found
