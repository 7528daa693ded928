from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crmbridge.engine.offers import Offered, OfferParameters, Offers, next_offers

HELD_OUT = pd.Timestamp("2011-11-09").value // 1_000_000  # the last month of the file


@pytest.fixture(scope="module")
def retail(shared_folder: Path) -> pd.DataFrame:
    """Sales of Online Retail: customer, product, day."""
    file = shared_folder / "online_retail/online_retail_uci_2010-12_2011-12.csv.gz"
    frame = pd.read_csv(file, dtype={"CustomerID": str, "StockCode": str})
    assert len(frame) == 541_909
    frame = frame[frame["CustomerID"].notna() & (frame["Quantity"] > 0)]
    day = (
        pd.to_datetime(frame["InvoiceDate"], format="mixed")
        .astype("datetime64[ms]")
        .astype("int64")
    )
    names = {"CustomerID": "customer_id", "StockCode": "product_id"}
    return frame.rename(columns=names).assign(ordered_at=day)[
        ["customer_id", "product_id", "ordered_at"]
    ]


def offers(lines: pd.DataFrame, needs: pd.DataFrame | None = None, **more: Any) -> Offers:
    return next_offers(lines, OfferParameters(product="product_id", **more), needs)


def hit_rate(offered: dict[str, list[str]], later: pd.DataFrame) -> float:
    came = later.groupby("customer_id")["product_id"].agg(set)
    return float(np.mean([bool(came[who] & set(items)) for who, items in offered.items()]))


def by_customer(found: Offers, customers: set[str]) -> dict[str, list[str]]:
    frame = found.frame[found.frame["customer_id"].isin(customers)]
    lists = frame.groupby("customer_id")["product"].agg(list)
    return {str(who): items for who, items in lists.items()}


def commonest(before: pd.DataFrame, customers: set[str], *, new: bool) -> dict[str, list[str]]:
    """The three commonest products, for each customer of those it never bought."""
    pairs = before.drop_duplicates(["customer_id", "product_id"])
    ranked = list(pairs["product_id"].value_counts().index)
    owned = pairs.groupby("customer_id")["product_id"].agg(set).to_dict()
    return {
        who: list(islice((item for item in ranked if not (new and item in owned[who])), 3))
        for who in customers
    }


@pytest.mark.parametrize("offered", list(Offered), ids=lambda one: one.value)
def test_offers_on_online_retail_hit_half_as_often_again_as_the_commonest(
    retail: pd.DataFrame, offered: Offered
) -> None:
    before, later = (
        retail[retail["ordered_at"] < HELD_OUT],
        retail[retail["ordered_at"] >= HELD_OUT],
    )
    both = set(before["customer_id"]) & set(later["customer_id"])
    assert len(both) == 1396

    found = offers(before, offered=offered)

    ours = hit_rate(by_customer(found, both), later)
    theirs = hit_rate(commonest(before, both, new=offered is Offered.NEW), later)
    assert ours >= 1.5 * theirs
    assert found.verdict.startswith("What is bought together tells what comes next")


def planted(pairs: int = 300, seed: int = 2) -> pd.DataFrame:
    """Who bought a pump buys a valve, who bought a filter buys a seal; the rest is by lot."""
    generator = np.random.default_rng(seed)
    rows = []
    for number in range(pairs):
        first, second = (("pump", "valve"), ("filter", "seal"))[number % 2]
        lot = generator.choice([f"other{n}" for n in range(20)], 2, replace=False)
        rows += [(f"c{number:03}", item) for item in (first, second, *lot)]
    return pd.DataFrame(rows, columns=["customer_id", "product_id"])


def test_products_planted_together_are_offered() -> None:
    new = pd.DataFrame({"customer_id": ["new1", "new2"], "product_id": ["pump", "seal"]})

    found = offers(pd.concat([planted(), new]), count=1)

    firsts = found.frame.set_index("customer_id").drop(columns="rank").T.to_dict("list")
    assert firsts["new1"] == ["valve", "together", "pump"]
    assert firsts["new2"] == ["filter", "together", "seal"]
    assert found.hit_rate > 2 * found.common_rate


def test_where_nothing_goes_together_it_is_said_and_the_commonest_are_offered() -> None:
    generator = np.random.default_rng(7)
    share = np.linspace(0.5, 0.1, 20)
    rows = [
        (f"c{who:03}", f"p{item:02}")
        for who in range(600)
        for item in np.flatnonzero(generator.random(20) < share)
    ]

    found = offers(pd.DataFrame(rows, columns=["customer_id", "product_id"]))

    assert found.verdict.startswith("What is bought together tells no more than chance")
    assert set(found.frame["reason"]) == {"common"}


def test_open_needs_come_first_and_once() -> None:
    needs = pd.DataFrame({"customer_id": ["c000", "x"], "product_id": ["seal", "pump"]})

    found = offers(planted(), needs)

    mine = found.frame[found.frame["customer_id"] == "c000"]
    assert (mine["product"].iloc[0], mine["reason"].iloc[0]) == ("seal", "need")
    assert mine["product"].is_unique
    assert list(mine["rank"]) == [1, 2, 3]
    assert list(found.frame.loc[found.frame["customer_id"] == "x", "product"]) == ["pump"]


def test_nothing_bought_before_is_offered_unless_asked_for() -> None:
    lines = planted()
    owned = set(zip(lines["customer_id"], lines["product_id"], strict=True))

    new, any_ = offers(lines), offers(lines, offered=Offered.ANY)

    assert not owned & set(zip(new.frame["customer_id"], new.frame["product"], strict=True))
    assert set(any_.frame["reason"]) == {"again"}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "0 products were bought"),
        ([("a", "p")], "1 products were bought"),
        ([("a", "p")] * 50, "1 products were bought"),
        ([("a", None), (None, "p"), ("", "")], "0 products were bought"),
        ([("a", "p"), ("b", "q")], "Nothing to check offers by"),
    ],
    ids=["empty", "one", "all equal", "missing", "two"],
)
def test_too_little_is_a_sentence(rows: list[Any], told: str) -> None:
    found = offers(pd.DataFrame(rows, columns=["customer_id", "product_id"]))

    assert found.verdict.startswith(told)
