"""Analyses the customers of a base connection: features, scores, segments, into the store."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd

from crmbridge.engine.affinity import best_offers
from crmbridge.engine.parameters import WORDS, PartWeights, ScoreParameters
from crmbridge.engine.rates import market_table
from crmbridge.engine.scores import ScoredCustomers, score_visits
from crmbridge.engine.segments import Membership, Segmentation
from crmbridge.jobs.analysis.buying import bought_lines, named_needs
from crmbridge.jobs.analysis.chances import VISITS, Chances, learned_chances, with_chances
from crmbridge.jobs.analysis.holdout import draw_holdout
from crmbridge.jobs.analysis.moved import learned_moved, with_moved
from crmbridge.jobs.analysis.offers import keep_offers
from crmbridge.jobs.analysis.preferences import Preference, keep_preferences
from crmbridge.jobs.analysis.scoring import rescored
from crmbridge.jobs.analysis.segmenting import segment_customers
from crmbridge.jobs.territory.known import key_of
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import Finding, RecordKey, to_millis
from crmbridge.settings import ScoreSettings, Settings
from crmbridge.store.feature_cache import current_features
from crmbridge.store.scores import Score, save_scores
from crmbridge.store.segments import Segment, save_segments
from crmbridge.store.territory import Record, load_customers, load_stream

MODEL = "transparent-1"
"""Version of the rules that scores are made by, kept with each score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysed:
    """What an analysis of a base connection found.

    Args:
        keys: customer id -> key, in the order of `customers`.
        customers: canonical columns and kept extra fields, by customer id.
        chances: learned ones, see `analysis.chances`.
        preferences: customer id -> what it responds to, of those known.
    """

    base: str
    customers: pd.DataFrame
    features: pd.DataFrame
    keys: Mapping[str, RecordKey]
    scored: ScoredCustomers
    segmented: Segmentation
    chances: Mapping[str, Chances] = field(default_factory=dict)
    preferences: Mapping[str, Preference] = field(default_factory=dict)
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
    customers = _frame(records, _own_fields(workspace.settings, base))
    features = current_features(workspace.store, tuple(sources), to_millis(now), workspace.run_id)
    features = features[~features.index.duplicated()].drop(columns="object", errors="ignore")
    lines, needs = bought_lines(workspace, sources), named_needs(workspace, sources)
    features = features.join(best_offers(lines, "product")).join(needs)
    chances, learned = learned_chances(workspace, base, sources, customers, features)
    moved, tried = learned_moved(workspace, base, sources, customers, features)
    features = with_moved(with_chances(features, chances[VISITS]), moved[VISITS])
    parameters = score_parameters(workspace, sources, now)
    scored = score_visits(customers, features, parameters, now)
    own = workspace.settings.engine.score.scorer
    if own:
        scored = rescored(workspace, scored, customers.join(features), parameters)
    keys = {str(row["id"]): key_of(row) for row in reversed(records)}
    segmented = segment_customers(workspace, base, customers, features)
    analysed = Analysed(
        base=base,
        customers=customers,
        features=features,
        keys=keys,
        scored=scored,
        segmented=segmented,
        chances=chances,
        preferences=keep_preferences(workspace, base, sources, customers),
        findings=(*learned, *tried, *scored.findings, *segmented.findings),
    )
    _save(workspace, analysed, now)
    draw_holdout(workspace, base, customers)
    asked = needs[needs["need_name"].notna()].rename_axis("customer_id").reset_index()
    keep_offers(workspace, base, keys, lines, asked)
    return analysed


def completed_customers(workspace: Workspace, sources: Sequence[str]) -> list[Record]:
    """Live customers of a base connection, completed by those that complete it."""
    by = {n: workspace.settings.connections[n].completes_by for n in sources[1:]}
    with workspace.store.read() as tx:
        return load_customers(tx, sources, by)


def _frame(records: Sequence[Record], own: frozenset[str]) -> pd.DataFrame:
    """Customers by id, with what `extra` holds as columns of their own.

    Args:
        own: fields that we write: results are no facts.
    """
    rows = []
    for row in records:
        extra = json.loads(row["extra"] or "{}")
        rows.append({**{name: extra[name] for name in extra if name not in own}, **row})
    frame = pd.DataFrame(rows, columns=None if rows else ["id", "name"])
    return frame.set_index("id")


def _own_fields(settings: Settings, base: str) -> frozenset[str]:
    write = settings.connections[base].write
    return frozenset((write.segment, write.score, write.reasons)) - {""}


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
    defaults = ScoreParameters()
    values = own.model_dump(exclude={
        "scorer", "weights", "words", "market", "refit_days", "effect_days",
        "learn_from",
    })  # fmt: skip
    return ScoreParameters(
        weights=PartWeights(**own.weights.model_dump()),
        words={**WORDS, **own.words},
        market=market,
        intervals=intervals or defaults.intervals,
        **values,
    )


def _save(workspace: Workspace, found: Analysed, now: datetime) -> None:
    run, at = workspace.run_id, to_millis(now)
    learned = found.chances[VISITS].version if VISITS in found.chances else ""
    model = f"{MODEL}+{VISITS} {learned}" if learned else MODEL
    if "uplift" in found.features.columns:
        model = f"{MODEL}+uplift of {VISITS}"
    scored: Mapping[Any, Mapping[Any, Any]] = found.scored.frame.to_dict("index")
    scores = [
        Score(
            key=key,
            score=float(scored[id_]["score"]),
            tier=scored[id_]["tier"],
            reasons=scored[id_]["reasons"],
            model=model,
            as_of=at,
            run_id=run,
        )
        for id_, key in found.keys.items()
    ]
    segments = [
        _segment(found.keys[id_], member, found.segmented.model, run)
        for id_, member in found.segmented.members.items()
        if id_ in found.keys
    ]
    with workspace.store.write() as tx:
        save_scores(tx, scores)
        save_segments(tx, segments)


def _segment(key: RecordKey, member: Membership, model: str, run: int) -> Segment:
    dwell, expires = member.min_dwell_until, member.expires_at
    return Segment(
        key=key,
        segment=member.segment,
        name=member.name,
        reasons=member.reasons,
        model=model,
        valid_from=to_millis(member.valid_from),
        run_id=run,
        min_dwell_until=None if dwell is None else to_millis(dwell),
        manual=member.manual,
        expires_at=None if expires is None else to_millis(expires),
    )
