"""Keeps what each customer responds to, as the engine judges it from contacts and orders."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from crmbridge.engine.preferences import WEEKDAYS, PreferenceParameters, preferences_of
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import to_millis
from crmbridge.store.history import contacts_tried
from crmbridge.store.models import Model, latest_model, save_model
from crmbridge.store.territory import load_stream

MODEL = "preferences-1"
DAY = 86_400_000
_DAYS = 730
MOST = 1_000_000
"""Contacts judged by; of more, the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """How and when a customer responds, and what it buys; "" and -1 where that is not known.

    Args:
        weekday: 0 is Monday.
        hour: begins at this hour of the customer's day.
        responses: of so many `tries`.
        products: kinds of product, the commonest first, by commas.
    """

    channel: str = ""
    weekday: int = -1
    hour: int = -1
    responses: int = 0
    tries: int = 0
    products: str = ""

    def sentence(self) -> str:
        """In words, without counts, so that it changes only when the customer does."""
        parts = []
        if self.channel:
            day = f" on {WEEKDAYS[self.weekday]}" if self.weekday >= 0 else ""
            hour = f" about {self.hour}:00" if self.hour >= 0 else ""
            parts.append(f"Responds best by {self.channel.replace('_', ' ')}{day}{hour}")
        if self.products:
            parts.append(f"{'buys' if parts else 'Buys'} {self.products}")
        return "; ".join(parts)


def keep_preferences(
    workspace: Workspace, base: str, sources: Sequence[str], customers: pd.DataFrame
) -> dict[str, Preference]:
    """Judge what customers of a base connection respond to, from the last two years, and keep it.

    Args:
        customers: canonical columns by customer id.

    Returns:
        as `known_preferences` will.
    """
    now = workspace.clock.now()
    with workspace.store.read() as tx:
        contacts = contacts_tried(tx, sources, to_millis(now) - _DAYS * DAY, MOST)
        lines = _lines(tx, sources)
    if "zone" in customers.columns:
        zones = customers["zone"][~customers.index.duplicated()].to_dict()
        contacts["zone"] = [zones.get(id_) for id_ in contacts["customer_id"]]
    found = preferences_of(contacts, lines, PreferenceParameters(), now)
    rows: Mapping[Any, Mapping[Any, Any]] = found.frame.to_dict("index")
    kept = {str(id_): _kept(row) for id_, row in rows.items() if row["channel"] or row["products"]}
    everybody = {"channel": found.channel, "weekday": found.weekday, "hour": found.hour}
    model = Model(
        name=_name(base),
        version=MODEL,
        payload=json.dumps(kept, sort_keys=True),
        card=json.dumps({"everybody": everybody, "told": [f.example for f in found.findings]}),
        fitted_at=to_millis(now),
    )
    with workspace.store.write() as tx:
        save_model(tx, model)
    return {id_: Preference(**row) for id_, row in kept.items()}


def known_preferences(tx: Connection, base: str) -> dict[str, Preference]:
    """What the last analysis found, by customer id; who hardly responded and bought is absent."""
    held = latest_model(tx, _name(base))
    if held is None:
        return {}
    return {id_: Preference(**row) for id_, row in json.loads(held.payload).items()}


def _name(base: str) -> str:
    return f"preferences/{base}"


def _kept(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        **{name: str(row[name]) for name in ("channel", "products")},
        **{name: int(row[name]) for name in ("weekday", "hour", "responses", "tries")},
    }


def _lines(tx: Connection, sources: Sequence[str]) -> pd.DataFrame:
    """Order lines with the kind of product, which is its family where it has one."""
    products = load_stream(tx, "products", sources)
    kinds = {row["id"]: row["family"] or row["name"] for row in products}
    lines = load_stream(tx, "order_lines", sources)
    rows = [(line["customer_id"], kinds.get(line["product_id"])) for line in lines]
    return pd.DataFrame(rows, columns=["customer_id", "family"])
