"""Reads what customers bought and need, products by their names."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from crmbridge.engine.needs import strongest_needs
from crmbridge.jobs.workspace import Workspace
from crmbridge.store.territory import load_stream

_LINE = ("customer_id", "product", "ordered_at")


def bought_lines(workspace: Workspace, sources: Sequence[str]) -> pd.DataFrame:
    """Order lines: `customer_id`, `product` in words, `ordered_at` in ms."""
    with workspace.store.read() as tx:
        lines = load_stream(tx, "order_lines", sources)
        names = {row["id"]: row["name"] for row in load_stream(tx, "products", sources)}
    for line in lines:
        line["product"] = names.get(line["product_id"]) or line["product_id"]
    return pd.DataFrame(lines, columns=list(_LINE))


def named_needs(workspace: Workspace, sources: Sequence[str]) -> pd.DataFrame:
    """By customer id, of those with an open need: `need_name`, the strongest that has a name;
    `open_cases`, those that came as service cases."""
    with workspace.store.read() as tx:
        needs = load_stream(tx, "needs", sources)
        names = {row["id"]: row["name"] for row in load_stream(tx, "products", sources)}
    for need in needs:
        need["product"] = names.get(need["product_id"]) or ""
    if not needs:
        return pd.DataFrame({"need_name": [], "open_cases": []})
    cases = Counter(n["customer_id"] for n in needs if n["source"] == "ticket" and n["met"] != 1)
    open_cases = pd.DataFrame({"open_cases": pd.Series(cases, dtype=float)})
    return strongest_needs(pd.DataFrame(needs)).join(open_cases, how="outer")
