"""Decides what to talk about with customers: what they need, then what goes with what they buy."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from crmbridge.engine.offers import Offered, OfferParameters, Offers, next_offers
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import RecordKey, to_millis
from crmbridge.settings import OfferSettings
from crmbridge.store.models import Model, save_model
from crmbridge.store.offers import Offer, save_offers

MODEL = "offers-1"
_WHY = {
    "need": "open need on record",
    "again": "bought again and again",
    "together": "goes with {because}",
    "common": "most customers buy it",
}


def model_name(base: str) -> str:
    """What the offers' card is kept as."""
    return f"offers/{base}"


def keep_offers(
    workspace: Workspace,
    base: str,
    keys: Mapping[str, RecordKey],
    lines: pd.DataFrame,
    needs: pd.DataFrame,
) -> None:
    """Work out what to talk about with each customer, and keep it with a card of how good it is.

    Args:
        keys: customer id -> key, of the customers that get offers.
        lines: order lines with `customer_id` and `product`, a name in words.
        needs: `customer_id`, `need_name`; the strongest open one of each customer.
    """
    parameters = _parameters(workspace.settings.engine.offers)
    asked = needs.rename(columns={"need_name": parameters.product})
    found = next_offers(lines, parameters, asked, workspace.settings.planning.seed)
    model = Model(
        name=model_name(base),
        version=MODEL,
        payload="",
        card=json.dumps(_card(found), sort_keys=True),
        fitted_at=to_millis(workspace.clock.now()),
    )
    offers = _offers(found.frame.itertuples(index=False, name=None), keys, workspace.run_id)
    with workspace.store.write() as tx:
        save_offers(tx, base, offers)
        save_model(tx, model)


def _parameters(own: OfferSettings) -> OfferParameters:
    return OfferParameters(product="product", offered=Offered(own.offered), count=own.count)


def _card(found: Offers) -> dict[str, Any]:
    rates = {"hit_rate": found.hit_rate, "common_rate": found.common_rate}
    known = {name: None if np.isnan(rate) else rate for name, rate in rates.items()}
    return {"verdict": found.verdict, **known}


def _offers(
    rows: Iterable[Sequence[Any]], keys: Mapping[str, RecordKey], run_id: int
) -> Iterable[Offer]:
    for customer, rank, product, reason, because in rows:
        if customer in keys:
            why = _WHY[reason].format(because=because)
            yield Offer(
                key=keys[customer], rank=int(rank), product=product, why=why, model=MODEL,
                run_id=run_id,
            )  # fmt: skip
