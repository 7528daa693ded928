"""Which product a customer lacks that similar buyers have: what is bought together."""

import numpy as np
import pandas as pd

from crmbridge.engine.columns import Numbers, texts

_MOST_PRODUCTS = 300
"""Products compared with each other; the rarer ones have too few buyers to say anything."""


def best_offers(lines: pd.DataFrame, product: str, strength: float = 10.0) -> pd.DataFrame:
    """Each customer's best product not bought yet.

    For products i and j, the lift is (buyers of both + strength) / (buyers that both would have by
    chance + strength): one buyer of a rare product proves nothing. A customer's fit for j is the
    best lift / (lift + 1) over what it bought: 0.5 where buying i says nothing of j.

    Args:
        lines: order lines with `customer_id` and the text column `product`.
        product: the column compared: a product id, a name or a family.
        strength: buyers that chance is worth; > 0.

    Returns:
        `product_fit` in [0, 1] and `product_fit_name` by customer id, in order of id; customers
        that bought everything or nothing are absent. Ties go to the more common product, then
        to the first name.
    """
    pairs = pd.DataFrame({"customer": texts(lines, "customer_id"), "item": texts(lines, product)})
    pairs = pairs[(pairs["customer"] != "") & (pairs["item"] != "")].drop_duplicates()
    counts = pairs["item"].value_counts()
    kept = sorted(counts.index, key=lambda item: (-counts[item], item))[:_MOST_PRODUCTS]
    bought = pd.crosstab(pairs["customer"], pairs["item"]).reindex(columns=kept).sort_index()
    if bought.shape[1] < 2:
        return pd.DataFrame({"product_fit": [], "product_fit_name": []})
    return _offers(bought, strength)


def _offers(bought: pd.DataFrame, strength: float) -> pd.DataFrame:
    has = bought.to_numpy(dtype=np.float64)
    fits = _fits(has, strength)
    best = np.where(has.sum(axis=0) > 0, _best_fit(has, fits), -1.0)
    best[has > 0] = -1.0
    at = best.argmax(axis=1)
    value = np.round(best[np.arange(len(best)), at], 6)
    names = np.asarray(bought.columns, dtype=object)[at]
    frame = pd.DataFrame(
        {"product_fit": value, "product_fit_name": names}, index=pd.Index(bought.index, name=None)
    )
    return frame[frame["product_fit"] >= 0]


def _fits(has: Numbers, strength: float) -> Numbers:
    both = has.T @ has
    buyers = np.diag(both)
    lift = (both + strength) / (np.outer(buyers, buyers) / len(has) + strength)
    return np.asarray(lift / (lift + 1), dtype=np.float64)


def _best_fit(has: Numbers, fits: Numbers) -> Numbers:
    # One product at a time: customers x products x products would not fit into memory.
    best = np.full(has.shape, -1.0)
    for item in range(has.shape[1]):
        owners = has[:, item] > 0
        best[owners] = np.maximum(best[owners], fits[item])
    return best
