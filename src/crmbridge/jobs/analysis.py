"""Analyses the customers of a base connection: features, scores, segments, into the store."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pandas as pd

from crmbridge.engine.affinity import best_offers
from crmbridge.engine.parameters import (
    WORDS,
    PartWeights,
    Scale,
    ScoreParameters,
    SegmentParameters,
)
from crmbridge.engine.rates import market_table
from crmbridge.engine.scores import ScoredCustomers, score_visits
from crmbridge.engine.segment_model import SegmentModel
from crmbridge.engine.segments import (
    Membership,
    Segmentation,
    assign_segments,
    fit_segments,
    match_labels,
)
from crmbridge.jobs.known import key_of
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import Finding, RecordKey, from_millis, to_millis
from crmbridge.settings import ScoreSettings, SegmentSettings, Settings
from crmbridge.store.features import reduce_features
from crmbridge.store.models import Model, latest_model, save_model
from crmbridge.store.segments import Segment, load_segments
from crmbridge.store.territory import Record, load_customers, load_stream

MODEL = "transparent-1"
"""Version of the rules that scores are made by, kept with each score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysed:
    """What an analysis of a base connection found.

    Args:
        keys: customer id -> key, in the order of `customers`.
        customers: canonical columns and kept extra fields, by customer id.
    """

    base: str
    customers: pd.DataFrame
    features: pd.DataFrame
    keys: Mapping[str, RecordKey]
    scored: ScoredCustomers
    segmented: Segmentation
    findings: tuple[Finding, ...] = field(default=())


def base_connections(settings: Settings) -> dict[str, tuple[str, ...]]:
    """base connection -> itself and those that complete it, by name."""
    bases = sorted(name for name, item in settings.connections.items() if not item.completes)
    return {
        base: (
            base,
            *sorted(n for n, item in settings.connections.items() if item.completes == base),
        )
        for base in bases
    }


def analyse(workspace: Workspace, base: str, sources: Sequence[str]) -> Analysed:
    """Reduce, score and segment the customers of a base connection, and keep the results."""
    now = workspace.clock.now()
    records = completed_customers(workspace, sources)
    customers = _frame(records)
    features = reduce_features(workspace.store, tuple(sources), to_millis(now))
    features = features[~features.index.duplicated()].drop(columns="object", errors="ignore")
    features = features.join(_offers(workspace, sources))
    parameters = score_parameters(workspace, sources, now)
    scored = score_visits(customers, features, parameters, now)
    keys = {str(row["id"]): key_of(row) for row in reversed(records)}
    segmented = _segment(workspace, base, customers, features, keys, now)
    analysed = Analysed(
        base=base,
        customers=customers,
        features=features,
        keys=keys,
        scored=scored,
        segmented=segmented,
        findings=(*scored.findings, *segmented.findings),
    )
    _save(workspace, analysed, now)
    return analysed


def completed_customers(workspace: Workspace, sources: Sequence[str]) -> list[Record]:
    """Live customers of a base connection, completed by those that complete it."""
    by = {n: workspace.settings.connections[n].completes_by for n in sources[1:]}
    with workspace.store.read() as tx:
        return load_customers(tx, sources, by)


def _frame(records: Sequence[Record]) -> pd.DataFrame:
    """Customers by id, with what `extra` holds as columns of their own."""
    rows = [{**json.loads(row["extra"] or "{}"), **row} for row in records]
    frame = pd.DataFrame(rows, columns=None if rows else ["id", "name"])
    return frame.set_index("id")


def _offers(workspace: Workspace, sources: Sequence[str]) -> pd.DataFrame:
    with workspace.store.read() as tx:
        lines = load_stream(tx, "order_lines", sources)
        names = {row["id"]: row["name"] for row in load_stream(tx, "products", sources)}
    for line in lines:
        line["product"] = names.get(line["product_id"]) or line["product_id"]
    if not lines:
        return pd.DataFrame({"product_fit": [], "product_fit_name": []})
    return best_offers(pd.DataFrame(lines), "product")


def score_parameters(
    workspace: Workspace, sources: Sequence[str], now: datetime
) -> ScoreParameters:
    """The score's parameters: the settings, and the market learned from facts where they say
    nothing of it."""
    own: ScoreSettings = workspace.settings.engine.score
    market = dict(own.market)
    if not market:
        with workspace.store.read() as tx:
            facts = load_stream(tx, "market_facts", sources)
        market = market_table(pd.DataFrame(facts), now) if facts else {}
    classes = workspace.settings.planning.classes
    intervals = {name: rule.every_days for name, rule in classes.items() if rule.every_days}
    values = own.model_dump(exclude={"weights", "words", "market"})
    return ScoreParameters(
        weights=PartWeights(**own.weights.model_dump()),
        words={**WORDS, **own.words},
        market=market,
        **({"intervals": intervals} if intervals else {}),
        **values,
    )


def segment_parameters(own: SegmentSettings) -> SegmentParameters:
    """The segmentation's parameters from the settings."""
    return SegmentParameters(
        columns=own.on if own.method == "kmeans" else (),
        scale=Scale(own.scale),
        segments=own.k,
        **own.model_dump(include={
            "largest", "stability", "smallest_share", "bootstraps", "hysteresis",
            "min_dwell_days", "orders",
        }),
    )  # fmt: skip


def _segment(
    workspace: Workspace,
    base: str,
    customers: pd.DataFrame,
    features: pd.DataFrame,
    keys: Mapping[str, RecordKey],
    now: datetime,
) -> Segmentation:
    own = workspace.settings.engine.segments
    parameters = segment_parameters(own)
    extra = [name for name in parameters.columns if name not in features.columns]
    frame = features.join(customers[[name for name in extra if name in customers.columns]])
    with workspace.store.read() as tx:
        held = latest_model(tx, _model_name(base, parameters))
        before = {s.key.id: _membership(s) for s in load_segments(tx, base)}
    model = _model(held, frame, parameters, own.refit_days, workspace, now, base)
    segmented = assign_segments(model, frame, parameters, now, before)
    return segmented


def _model_name(base: str, parameters: SegmentParameters) -> str:
    """A model of other columns or another number is another model, not a refit."""
    return f"segments/{base}/{','.join(parameters.columns)}/{parameters.segments or ''}"


def _model(
    held: Model | None,
    frame: pd.DataFrame,
    parameters: SegmentParameters,
    refit_days: int,
    workspace: Workspace,
    now: datetime,
    base: str,
) -> SegmentModel:
    """The frozen model while it is young enough, else a new one with the old one's ids."""
    old = None if held is None else SegmentModel.loads(held.payload)
    if held is not None and old is not None:
        if now - from_millis(held.fitted_at) < timedelta(days=refit_days):
            return old
    new = fit_segments(frame, parameters, workspace.settings.planning.seed)
    new = new if old is None else match_labels(new, old, frame)
    model = Model(
        name=_model_name(base, parameters),
        version=new.version,
        payload=new.dumps(),
        card=json.dumps(new.card, sort_keys=True),
        fitted_at=to_millis(now),
    )
    with workspace.store.write() as tx:
        save_model(tx, model)
    return new


def _membership(held: Segment) -> Membership:
    return Membership(
        segment=held.segment,
        name=held.name,
        reasons=held.reasons,
        valid_from=from_millis(held.valid_from),
        min_dwell_until=_instant(held.min_dwell_until),
        manual=held.manual,
        expires_at=_instant(held.expires_at),
    )


def _instant(millis: int | None) -> datetime | None:
    return None if millis is None else from_millis(millis)


def _save(workspace: Workspace, found: Analysed, now: datetime) -> None:
    del asdict
