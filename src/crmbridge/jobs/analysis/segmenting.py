"""Segments customers by a frozen model that is kept in the store and refitted when it is due."""

import json
from datetime import datetime, timedelta

import pandas as pd

from crmbridge.engine.parameters import Scale, SegmentParameters
from crmbridge.engine.segment_model import SegmentModel
from crmbridge.engine.segments import (
    Membership,
    Segmentation,
    assign_segments,
    fit_segments,
    match_labels,
)
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import from_millis, to_millis
from crmbridge.settings import SegmentSettings
from crmbridge.store.models import Model, latest_model, save_model
from crmbridge.store.segments import Segment, load_segments


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


def segment_customers(
    workspace: Workspace, base: str, customers: pd.DataFrame, features: pd.DataFrame
) -> Segmentation:
    """Put customers into segments by the frozen model, fitting it where it is due.

    Args:
        customers: canonical columns and kept extra ones, by customer id.
        features: by the same ids.
    """
    now = workspace.clock.now()
    own = workspace.settings.engine.segments
    parameters = segment_parameters(own)
    extra = [name for name in parameters.columns if name not in features.columns]
    frame = features.join(customers[[name for name in extra if name in customers.columns]])
    with workspace.store.read() as tx:
        before = {held.key.id: _membership(held) for held in load_segments(tx, base)}
    model = _model(workspace, base, frame, parameters)
    return assign_segments(model, frame, parameters, now, before)


def _model_name(base: str, parameters: SegmentParameters) -> str:
    """A model of other columns or another number is another model, not a refit."""
    return f"segments/{base}/{','.join(parameters.columns)}/{parameters.segments or ''}"


def _model(
    workspace: Workspace, base: str, frame: pd.DataFrame, parameters: SegmentParameters
) -> SegmentModel:
    """The frozen model while it is young enough, else a new one with the old one's ids."""
    name, now = _model_name(base, parameters), workspace.clock.now()
    with workspace.store.read() as tx:
        held = latest_model(tx, name)
    old = None if held is None else SegmentModel.loads(held.payload)
    age = timedelta(days=workspace.settings.engine.segments.refit_days)
    if held is not None and old is not None and now - from_millis(held.fitted_at) < age:
        return old
    new = fit_segments(frame, parameters, workspace.settings.planning.seed)
    new = new if old is None else match_labels(new, old, frame)
    model = Model(
        name=name,
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
