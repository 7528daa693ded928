"""Draws which customers are left out of plans for a while, and measures what visits brought."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from crmbridge.engine.assignment import assign_arms
from crmbridge.engine.visit_effect import (
    HELD_OUT,
    VISITED,
    VisitEffect,
    VisitEffectParameters,
    effect_of_visits,
)
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import from_millis, to_millis
from crmbridge.store.history import order_amounts
from crmbridge.store.models import Model, latest_model, save_model
from crmbridge.store.plans import first_published

OUTCOME = "the amount ordered"
_MOST = 0.999
_DAY = 86_400_000

Drawn = Mapping[str, tuple[str, str, int]]
"""Customer id -> arm, the rep it was drawn with, and when, ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What visits brought, as far as it can be known.

    Args:
        since: the day from which on plans left customers out; None where none did yet.
        effect: None where nothing can be compared; `sentence` says why.
    """

    sentence: str
    since: date | None = None
    effect: VisitEffect | None = None


def draw_holdout(workspace: Workspace, base: str, customers: pd.DataFrame) -> None:
    """Draw an arm for each customer that has none, by the share that the settings hold out.

    Arms are drawn evenly among each rep's customers. Who has one keeps it; another share is
    another experiment, whose arms are drawn anew.

    Args:
        customers: canonical columns by customer id.
    """
    share = min(workspace.settings.planning.holdout_share, _MOST)
    if share <= 0:
        return
    with workspace.store.read() as tx:
        before = drawn_arms(tx, base, workspace.settings.planning.holdout_share)
    owners = customers.get("owner_id", pd.Series(None, index=customers.index, dtype=object))
    reps = {str(id_): str(rep) if rep else "" for id_, rep in owners.items()}
    fresh = [id_ for id_ in reps if id_ not in before]
    if not fresh:
        return
    salt, at = f"visits {base} {share:g}", to_millis(workspace.clock.now())
    shares = {HELD_OUT: share, VISITED: 1 - share}
    arms = assign_arms(fresh, [reps[id_] for id_ in fresh], shares, salt)
    drawn = {**before, **{id_: (arms[id_], reps[id_], at) for id_ in fresh}}
    _keep(workspace, _name(base, workspace.settings.planning.holdout_share), drawn, at)


def _keep(workspace: Workspace, name: str, drawn: Drawn, at: int) -> None:
    payload = json.dumps(drawn, sort_keys=True)
    model = Model(name=name, version="holdout-1", payload=payload, card="{}", fitted_at=at)
    with workspace.store.write() as tx:
        save_model(tx, model)


def drawn_arms(tx: Connection, base: str, share: float) -> dict[str, tuple[str, str, int]]:
    """The arms that were drawn for a share; empty before the first analysis with it."""
    held = latest_model(tx, _name(base, share)) if share > 0 else None
    if held is None:
        return {}
    return {id_: (arm, rep, at) for id_, (arm, rep, at) in json.loads(held.payload).items()}


def _name(base: str, share: float) -> str:
    return f"holdout/{base}/{share:g}"


def measured_effect(workspace: Workspace, base: str, sources: Sequence[str]) -> Measured:
    """What visits brought in orders: customers who could be visited against those held out.

    A customer counts from the first plan that was published after its arm was drawn, and once
    `effect_days` have passed since; the same time before takes known differences out.
    """
    share, now = workspace.settings.planning.holdout_share, to_millis(workspace.clock.now())
    with workspace.store.read() as tx:
        drawn = drawn_arms(tx, base, share)
        starts = sorted({at for _, _, at in drawn.values()})
        published = {at: first_published(tx, at) for at in starts}
        known = [at for at in published.values() if at is not None]
        since = min(known, default=now)
        orders = order_amounts(tx, sources, 2 * since - now)
    if not drawn or not known:
        return Measured(sentence=_why_not(drawn, share))
    facts = _facts(drawn, published, orders, now)
    least = workspace.settings.engine.score.effect_days
    facts = facts[facts["days"] >= least]
    day = from_millis(since).date()
    if facts.empty:
        told = f"Customers are held out since {day}: what visits bring can be told after"
        return Measured(sentence=f"{told} {least} days", since=day)
    parameters = VisitEffectParameters(outcome=OUTCOME, before="before", share=min(share, _MOST))
    effect = effect_of_visits(facts, parameters)
    return Measured(sentence=f"{effect.verdict}; since {day}", since=day, effect=effect)


def _why_not(drawn: Drawn, share: float) -> str:
    if share <= 0:
        return "Not measured: planning.holdout_share leaves nobody out of the plans"
    if not drawn:
        return "Not measured yet: customers are held out from the next analysis on"
    return "Not measured yet: no plan was published since customers are held out"


def _facts(
    drawn: Drawn, published: Mapping[int, int | None], orders: pd.DataFrame, now: int
) -> pd.DataFrame:
    """One row per customer: arm, rep, and what it ordered since it counts and just as long before.

    Those who ordered nothing ordered 0: everybody counts where the lot put them.
    """
    frame = pd.DataFrame(
        [(id_, rep, arm == HELD_OUT, published[at]) for id_, (arm, rep, at) in drawn.items()],
        columns=["customer_id", "rep_id", "held_out", "since"],
    )
    frame = frame[frame["since"].notna()].astype({"since": "int64", "held_out": "int64"})
    since = orders["customer_id"].map(frame.set_index("customer_id")["since"])
    at = orders["ordered_at"]
    amounts = {
        OUTCOME: orders[(at >= since) & (at < now)],
        "before": orders[(at >= 2 * since - now) & (at < since)],
    }
    for name, part in amounts.items():
        sums = part.groupby("customer_id")["amount"].sum()
        frame[name] = frame["customer_id"].map(sums).astype(np.float64).fillna(0.0)
    return frame.assign(days=(now - frame["since"]) / _DAY)


def effect_document(found: Measured) -> dict[str, Any]:
    """What was measured as plain values, for people and tools."""
    document: dict[str, Any] = {
        "verdict": found.sentence,
        "since": found.since.isoformat() if found.since else None,
    }
    if found.effect is None or found.effect.difference is None:
        return {**document, "effect": None}
    difference, effect = found.effect.difference, found.effect
    return {
        **document,
        "effect": difference.estimate,
        "ci_low": difference.low,
        "ci_high": difference.high,
        "p": difference.p,
        "visited": effect.visited.units,
        "held_out": effect.held_out.units,
        "sample_ratio_p": effect.sample_ratio_p,
    }
