"""Which segment each customer is in: fitted once, frozen, assigned daily without flicker."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from crmbridge.engine.clustering import best, centers_of, distances, try_numbers
from crmbridge.engine.columns import Numbers
from crmbridge.engine.encoding import Encoding, fit_encoding
from crmbridge.engine.parameters import SegmentParameters
from crmbridge.engine.rules import fit_rules, rule_segments
from crmbridge.engine.segment_model import SegmentModel
from crmbridge.records import Finding, Reason

Rows = NDArray[np.int64]

_TELLING, _EXTREME = 0.4, 1.5
"""Standard deviations from the mean from which a column is worth naming, and called very."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A customer's segment.

    Args:
        segment: stable id.
        valid_from: since when, aware.
        min_dwell_until: until when it is kept at least.
        manual: set by a person; it holds until `expires_at`, for ever where that is None.
    """

    segment: str
    name: str = ""
    reasons: tuple[Reason, ...] = ()
    valid_from: datetime
    min_dwell_until: datetime | None = None
    manual: bool = False
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation:
    """Everybody's segment, by customer id, and the version of the model that says so."""

    members: dict[str, Membership]
    model: str
    findings: tuple[Finding, ...] = ()


def fit_segments(
    features: pd.DataFrame, parameters: SegmentParameters, seed: int = 0
) -> SegmentModel:
    """Fit segments and freeze them.

    Without `parameters.columns`: the rules on size and trend. With columns: k-means, with the
    number of segments asked for, or else the best one that the data admit; where they admit
    none, or there is nothing to tell customers apart by, the rules, and a finding says so.

    Args:
        features: one row per customer by id. k-means depends on the order of rows.
    """
    if not parameters.columns:
        return fit_rules(features)
    encoding, findings = fit_encoding(features, parameters)
    matrix = encoding.matrix(features)
    distinct = len(np.unique(matrix, axis=0)) if matrix.size else 0
    if distinct < 2:
        sentence = f"{len(features)} customers differ in none of the columns: rules are used"
        return fit_rules(features, (*findings, _finding("segments.same", sentence)))
    count, card, more = _number_of_segments(matrix, distinct, parameters, seed)
    findings = (*findings, *more)
    if count is None:
        return fit_rules(features, findings)
    return _frozen(encoding, centers_of(matrix, count, seed), card, findings)


def _number_of_segments(
    matrix: Numbers, distinct: int, parameters: SegmentParameters, seed: int
) -> tuple[int | None, dict[str, object], tuple[Finding, ...]]:
    if parameters.segments is not None:
        count = min(parameters.segments, distinct)
        if count == parameters.segments:
            return count, {"asked": count}, ()
        sentence = f"{parameters.segments} segments were asked for, {distinct} customers differ"
        return count, {"asked": count}, (_finding("segments.fewer", sentence),)
    trials = try_numbers(matrix, parameters, seed)
    chosen = best(trials)
    card: dict[str, object] = {"trials": [asdict(trial) for trial in trials]}
    if chosen is not None:
        return chosen.clusters, card, ()
    sentence = (
        f"No number of segments from 2 to {parameters.largest} is stable (adjusted Rand index "
        f"{parameters.stability:g}) with {parameters.smallest_share:.0%} in the smallest: "
        "rules are used"
    )
    return None, card, (_finding("segments.none_admitted", sentence),)


def _finding(code: str, sentence: str) -> Finding:
    return Finding(code=code, example=sentence)


def _frozen(
    encoding: Encoding,
    centers: Numbers,
    card: dict[str, object],
    findings: tuple[Finding, ...],
) -> SegmentModel:
    order = np.lexsort((centers[:, 0], -centers.sum(axis=1)))
    ordered = centers[order]
    payload = {
        "entries": [dict(entry) for entry in encoding.entries],
        "centers": [[float(value) for value in center] for center in ordered],
        "ids": [f"s{number}" for number in range(1, len(ordered) + 1)],
        "names": _names(encoding.labels(), ordered),
        "next": len(ordered) + 1,
    }
    return SegmentModel(kind="clusters", payload=payload, card=card, findings=findings)


def _names(labels: list[str], centers: Numbers) -> list[str]:
    names: list[str] = []
    for center in centers:
        name = ", ".join(_telling(labels, center)) or "average"
        repeats = sum(other == name or other.startswith(f"{name} (") for other in names)
        names.append(f"{name} ({repeats + 1})" if repeats else name)
    return names


def _telling(labels: list[str], values: Numbers) -> list[str]:
    """The two columns in which these standardised values differ most from the average."""
    strongest = np.argsort(-np.abs(values), kind="stable")[:2]
    return [
        f"{_degree(float(values[at]))} {labels[at]}"
        for at in strongest
        if abs(values[at]) >= _TELLING
    ]


def _degree(value: float) -> str:
    word = "high" if value > 0 else "low"
    return f"very {word}" if abs(value) >= _EXTREME else word


def assign_segments(
    model: SegmentModel,
    features: pd.DataFrame,
    parameters: SegmentParameters,
    now: datetime,
    previous: Mapping[str, Membership] | None = None,
) -> Segmentation:
    """Put each customer into a segment of a frozen model.

    A segment set by hand wins until it expires. Otherwise a customer keeps its segment until
    the minimum dwell is over *and* another one is nearer by more than the hysteresis.

    Args:
        features: one row per customer by id; order is irrelevant.
        previous: who is where now, by customer id.
    """
    held = previous or {}
    keys = [str(key) for key in features.index]
    wanted = _wanted(model, features, [held.get(key) for key in keys], parameters)
    members = {
        key: _decided(held.get(key), new, parameters, now)
        for key, new in zip(keys, wanted, strict=True)
    }
    return Segmentation(members=members, model=model.version, findings=model.findings)


def _wanted(
    model: SegmentModel,
    features: pd.DataFrame,
    held: list[Membership | None],
    parameters: SegmentParameters,
) -> list[tuple[str, str, tuple[Reason, ...]]]:
    ids = [membership.segment if membership else "" for membership in held]
    if model.kind == "rules":
        return rule_segments(model, features, ids, parameters.hysteresis)
    encoding = Encoding(entries=tuple(model.payload["entries"]))
    matrix = encoding.matrix(features)
    away = distances(matrix, np.array(model.payload["centers"]))
    chosen = _nearest(away, model.payload["ids"], ids, parameters.hysteresis)
    segments, names = model.payload["ids"], model.payload["names"]
    reasons = _cluster_reasons(encoding.labels(), matrix)
    return [
        (segments[at], names[at], why) for at, why in zip(chosen.tolist(), reasons, strict=True)
    ]


def _nearest(away: Numbers, ids: list[str], held: list[str], hysteresis: float) -> Rows:
    """The nearest segment of each row; the one it has, unless another is nearer by the band."""
    rows, nearest = np.arange(len(away)), away.argmin(axis=1)
    places = {id_: at for at, id_ in enumerate(ids)}
    now_in = np.array([places.get(id_, -1) for id_ in held], dtype=np.int64)
    kept = (now_in >= 0) & (away[rows, nearest] >= (1 - hysteresis) * away[rows, now_in])
    return np.where(kept, now_in, nearest)


def _cluster_reasons(labels: list[str], matrix: Numbers) -> list[tuple[Reason, ...]]:
    """The two columns in which each row differs most from the average, equal reasons built once."""
    strongest = np.argsort(-np.abs(matrix), axis=1, kind="stable")[:, :2]
    values = np.take_along_axis(matrix, strongest, axis=1)
    telling = np.abs(values) >= _TELLING
    known: dict[tuple[str, ...], tuple[Reason, ...]] = {}
    found = []
    for columns, row, tells in zip(
        strongest.tolist(), values.tolist(), telling.tolist(), strict=True
    ):
        told = tuple(
            f"{_degree(value)} {labels[at]}"
            for at, value, tell in zip(columns, row, tells, strict=True)
            if tell
        ) or ("near the average in every column",)
        if told not in known:
            known[told] = tuple(
                Reason(code="cluster.column", text=text.capitalize()) for text in told
            )
        found.append(known[told])
    return found


def _decided(
    held: Membership | None,
    wanted: tuple[str, str, tuple[Reason, ...]],
    parameters: SegmentParameters,
    now: datetime,
) -> Membership:
    segment, name, reasons = wanted
    if held and held.manual and (held.expires_at is None or held.expires_at > now):
        return held
    if held and not held.manual and held.min_dwell_until and held.min_dwell_until > now:
        return held
    is_same = held is not None and held.segment == segment and not held.manual
    start = held.valid_from if held and is_same else now
    dwell = held.min_dwell_until if held and is_same else _dwell(parameters, now)
    return Membership(
        segment=segment, name=name, reasons=reasons, valid_from=start, min_dwell_until=dwell
    )


def _dwell(parameters: SegmentParameters, now: datetime) -> datetime:
    return now + timedelta(days=parameters.min_dwell_days)


def match_labels(new: SegmentModel, old: SegmentModel, features: pd.DataFrame) -> SegmentModel:
    """Give a refitted model the ids of the old one, so that as few customers as can be move.

    The Hungarian method pairs the segments with the greatest common membership of `features`;
    a new segment without a pair gets an id that was never used. Rules keep their ids anyway.
    """
    if new.kind != "clusters" or old.kind != "clusters":
        return new
    now_in, were_in = _labels(new, features), _labels(old, features)
    shared = np.zeros((len(new.payload["ids"]), len(old.payload["ids"])))
    np.add.at(shared, (now_in, were_in), 1)
    rows, columns = linear_sum_assignment(-shared)
    paired = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    fresh, ids = int(old.payload["next"]), []
    for at in range(len(shared)):
        if at in paired:
            ids.append(old.payload["ids"][paired[at]])
        else:
            ids.append(f"s{fresh}")
            fresh += 1
    return new.with_payload(ids=ids, next=fresh)


def _labels(model: SegmentModel, features: pd.DataFrame) -> list[int]:
    matrix = Encoding(entries=tuple(model.payload["entries"])).matrix(features)
    return [int(at) for at in distances(matrix, np.array(model.payload["centers"])).argmin(axis=1)]


def flip_rate(before: Mapping[str, str], after: Mapping[str, str]) -> float:
    """Share of the customers known on both days whose segment id changed; 0 where none is."""
    common = before.keys() & after.keys()
    if not common:
        return 0.0
    return sum(before[key] != after[key] for key in common) / len(common)
