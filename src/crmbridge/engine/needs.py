"""The strongest open need of each customer, by its name."""

import numpy as np
import pandas as pd

from crmbridge.engine.columns import numbers, texts


def strongest_needs(needs: pd.DataFrame) -> pd.DataFrame:
    """`need_name` by customer id, to be joined to the features that are scored.

    Args:
        needs: canonical needs: `customer_id`, `family`, `product_id`, `strength`, `met`; with
            `product`, a name in words, where there is one.

    Returns:
        in order of id; the strongest need that is not met, ties by name; customers without a
        named one are absent.
    """
    families, names = texts(needs, "family"), texts(needs, "product")
    frame = pd.DataFrame(
        {
            "customer": pd.Series(texts(needs, "customer_id"), dtype=object),
            "need_name": pd.Series(
                [name or family for name, family in zip(names, families, strict=True)], dtype=object
            ),
            "strength": np.nan_to_num(numbers(needs, "strength"), nan=0.6),
            "met": np.nan_to_num(numbers(needs, "met")),
        }
    )
    is_open = (frame["customer"] != "") & (frame["need_name"] != "") & (frame["met"] == 0)
    ranked = frame[is_open].sort_values(
        ["customer", "strength", "need_name"], ascending=[True, False, True], kind="stable"
    )
    first = ranked.drop_duplicates("customer").set_index("customer")[["need_name"]]
    return first.rename_axis(None)
