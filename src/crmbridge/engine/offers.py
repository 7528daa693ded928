"""What to talk about with each customer: open needs first, then what goes with what it bought."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from crmbridge.engine.columns import Numbers, numbers, texts
from crmbridge.engine.parameters import within
from crmbridge.records import Finding

DAY_MILLIS = 86_400_000
_CHUNK = 20_000
"""Customers ranked at once: a dense table of all of them and all products fills the memory."""
_BY_CHANCE, _LEAST_TRIED = 2.33, 100
"""Deviations above no gain that come by chance once in a hundred; customers a check needs."""


class Offered(Enum):
    """Which products may be offered."""

    NEW = "new"
    "Only what the customer never bought."
    ANY = "any"
    "What it bought before, too: the more often, the sooner."


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferParameters:
    """How offers are chosen.

    Args:
        product: the column compared: a product id, a name or a family.
        count: most offers for each customer, 1 to 50.
        strength: buyers that chance is worth, 0.1 to 10,000: one buyer of both proves little.
        most_products: products compared, commonest first, 2 to 5,000; rarer ones say too little.
    """

    product: str
    offered: Offered = Offered.NEW
    count: int = 3
    strength: float = 10.0
    most_products: int = 300

    def __post_init__(self) -> None:
        """Check the ranges."""
        within("engine.offers.count", self.count, 1, 50)
        within("engine.offers.strength", self.strength, 0.1, 10_000)
        within("engine.offers.most_products", self.most_products, 2, 5000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What to talk about.

    Args:
        frame: `customer_id`, `rank` (1 is first), `product`, `reason` (need, again, together or
            common), `because` (the product bought that leads to it, or ""); in order of id.
        hit_rate, common_rate: share of customers a hidden product of whom was among the offers,
            and among the commonest products; NaN where too little was bought to check.
        verdict: whether what is bought together says anything, in a sentence.
    """

    frame: pd.DataFrame
    hit_rate: float
    common_rate: float
    verdict: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bought:
    """Days on which each customer bought each product, commonest product first."""

    customers: list[str]
    products: list[str]
    days: csr_matrix

    def has(self) -> csr_matrix:
        return (self.days > 0).astype(np.float64)


def next_offers(
    lines: pd.DataFrame,
    parameters: OfferParameters,
    needs: pd.DataFrame | None = None,
    seed: int = 0,
) -> Offers:
    """The best offers for each customer, by need and by what is bought together.

    The lift of a pair is (buyers of both + strength) / (buyers by chance + strength); a product
    ranks by its best lift over what the customer bought. Whether that says anything is checked
    first: one product of each customer is hidden from pairs learned of other customers. Where
    the hidden one is found no more often than among the commonest, those are offered instead.

    Args:
        lines: `customer_id`, the product column and, for `Offered.ANY`, `ordered_at` in
            milliseconds (a line without counts as a day of its own).
        needs: open needs, strongest first: `customer_id` and the product column; they come first.
    """
    bought = _bought(lines, parameters)
    if len(bought.products) < 2:
        return _nothing(len(bought.products), needs, parameters)
    hits, common, tried, gained = _check(bought, parameters, seed)
    lift = _lift(bought.has(), parameters.strength) if gained else None
    rows = [*_needed(needs, parameters), *_ranked(bought, lift, parameters)]
    return Offers(
        frame=_in_order(rows, parameters.count),
        hit_rate=hits,
        common_rate=common,
        verdict=_verdict(hits, common, tried, gained=gained),
    )


def _bought(lines: pd.DataFrame, parameters: OfferParameters) -> _Bought:
    day = np.floor(numbers(lines, "ordered_at") / DAY_MILLIS)
    rows = pd.DataFrame(
        {
            "customer": pd.Series(texts(lines, "customer_id"), dtype=object),
            "item": pd.Series(texts(lines, parameters.product), dtype=object),
            "day": np.where(np.isnan(day), -1.0 - np.arange(len(lines)), day),
        }
    )
    rows = rows[(rows["customer"] != "") & (rows["item"] != "")].drop_duplicates()
    buyers = rows.drop_duplicates(["customer", "item"])["item"].value_counts()
    products = sorted(buyers.index, key=lambda item: (-buyers[item], item))
    products = products[: parameters.most_products]
    customers = sorted(set(rows["customer"]))
    rows = rows[rows["item"].isin(products)]
    at = (pd.Index(customers).get_indexer(rows["customer"]),
          pd.Index(products).get_indexer(rows["item"]))  # fmt: skip
    days = csr_matrix((np.ones(len(rows)), at), shape=(len(customers), len(products)))
    return _Bought(customers=customers, products=products, days=days)


def _lift(has: csr_matrix, strength: float) -> Numbers:
    both = (has.T @ has).toarray()
    buyers = np.diag(both).copy()
    np.fill_diagonal(both, 0.0)
    by_chance = np.outer(buyers, buyers) / max(has.shape[0], 1)
    return np.asarray((both + strength) / (by_chance + strength), dtype=np.float64)


def _check(
    bought: _Bought, parameters: OfferParameters, seed: int
) -> tuple[float, float, int, bool]:
    """Hit rates of pairs and of the commonest, customers tried, and whether pairs find more."""
    has, generator = bought.has(), np.random.default_rng(seed)
    order = generator.permutation(has.shape[0])
    found: list[tuple[bool, bool]] = []
    halves = np.array_split(order, 2)
    for mine, others in zip(halves, reversed(halves), strict=True):
        learned = has[others]
        lift = _lift(learned, parameters.strength)
        common = np.asarray(learned.sum(axis=0)).ravel()
        several = mine[np.asarray(has[mine].sum(axis=1)).ravel() >= 2]
        for rows in _chunks(several):
            shown = has[rows].toarray()
            hidden = _hide_one(shown, generator)
            found += zip(
                _hit(_best_lift(shown, lift), shown, hidden, parameters.count),
                _hit(np.tile(common, (len(rows), 1)), shown, hidden, parameters.count),
                strict=True,
            )
    if len(found) < _LEAST_TRIED:
        return float("nan"), float("nan"), len(found), False
    ours, theirs = (np.array(each) for each in zip(*found, strict=True))
    only_ours, only_theirs = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    gain = (only_ours - only_theirs) / max(np.sqrt(only_ours + only_theirs), 1.0)
    return float(ours.mean()), float(theirs.mean()), len(found), bool(gain > _BY_CHANCE)


def _chunks(rows: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Iterator[list[int]]:
    for start in range(0, len(rows), _CHUNK):
        yield [int(row) for row in rows[start : start + _CHUNK]]


def _hide_one(shown: Numbers, generator: np.random.Generator) -> Numbers:
    """Take one product from each row, by lot; say which."""
    hidden = (shown * generator.random(shown.shape)).argmax(axis=1)
    shown[np.arange(len(shown)), hidden] = 0.0
    return np.asarray(hidden, dtype=np.float64)


def _hit(scores: Numbers, shown: Numbers, hidden: Numbers, count: int) -> list[bool]:
    open_ = np.where(shown > 0, -np.inf, scores)
    own = open_[np.arange(len(open_)), hidden.astype(np.int64)]
    return [bool(better < count) for better in (open_ > own[:, None]).sum(axis=1)]


def _best_lift(shown: Numbers, lift: Numbers) -> Numbers:
    best = np.full(shown.shape, -1.0)
    for item in range(shown.shape[1]):
        owners = shown[:, item] > 0
        best[owners] = np.maximum(best[owners], lift[item])
    return best


_Row = tuple[str, int, float, str, str, str]
"""Customer, kind of reason as a number, minus its strength, product, reason, because."""


def _ranked(bought: _Bought, lift: Numbers | None, parameters: OfferParameters) -> Iterator[_Row]:
    everybody = np.arange(len(bought.customers))
    for rows in _chunks(everybody):
        days = bought.days[rows].toarray()
        common = -np.tile(np.arange(days.shape[1], dtype=np.float64), (len(rows), 1))
        new = common if lift is None else _best_lift(days, lift)
        again = days if parameters.offered is Offered.ANY else np.zeros(days.shape)
        # Both -lift and -place sort among themselves; bought again always comes before.
        score = np.where(again > 0, 1e6 * again + common, np.where(days > 0, -np.inf, new))
        order = np.argsort(-score, axis=1, kind="stable")[:, : parameters.count]
        for at, row in enumerate(rows):
            for item in order[at]:
                if np.isfinite(score[at, item]):
                    yield _offer(bought, row, int(item), (days[at], lift), float(score[at, item]))


def _offer(
    bought: _Bought, row: int, item: int, known: tuple[Numbers, Numbers | None], score: float
) -> _Row:
    days, lift = known
    name, because, reason = bought.products[item], "", "common"
    if days[item] > 0:
        reason = "again"
    elif lift is not None and (days > 0).any():
        owned = np.flatnonzero(days > 0)
        reason, because = "together", bought.products[int(owned[lift[owned, item].argmax()])]
    return bought.customers[row], 1, -score, name, reason, because


def _needed(needs: pd.DataFrame | None, parameters: OfferParameters) -> Iterator[_Row]:
    if needs is None:
        return
    pairs = zip(texts(needs, "customer_id"), texts(needs, parameters.product), strict=True)
    for place, (customer, item) in enumerate(pairs):
        if customer and item:
            yield customer, 0, float(place), item, "need", ""


def _in_order(rows: list[_Row], count: int) -> pd.DataFrame:
    columns = ["customer_id", "kind", "order", "product", "reason", "because"]
    frame = pd.DataFrame(rows, columns=columns)
    frame = frame.sort_values(["customer_id", "kind", "order"], kind="stable")
    frame = frame.drop_duplicates(["customer_id", "product"])
    frame["rank"] = frame.groupby("customer_id").cumcount() + 1
    kept = frame[frame["rank"] <= count]
    return kept[["customer_id", "rank", "product", "reason", "because"]].reset_index(drop=True)


def _verdict(hits: float, common: float, tried: int, *, gained: bool) -> str:
    if np.isnan(hits):
        return (
            f"Nothing to check offers by: {tried} customers bought several products, "
            f"{_LEAST_TRIED} are the least; the commonest are offered"
        )
    told = f"a hidden product was among the offers of {hits:.1%}, the commonest of {common:.1%}"
    if gained:
        return f"What is bought together tells what comes next: {told}"
    return f"What is bought together tells no more than chance: {told}; those are offered"


def _nothing(products: int, needs: pd.DataFrame | None, parameters: OfferParameters) -> Offers:
    sentence = f"{products} products were bought, two are the least: only open needs are offered"
    return Offers(
        frame=_in_order(list(_needed(needs, parameters)), parameters.count),
        hit_rate=float("nan"),
        common_rate=float("nan"),
        verdict=sentence,
        findings=(Finding(code="offers.too_little", count=products, example=sentence),),
    )
