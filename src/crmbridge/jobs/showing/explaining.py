"""Tells all that is known of a record, with reasons."""

from collections.abc import Sequence
from typing import Any

from crmbridge.errors import UsageError
from crmbridge.jobs.showing.customer import about_customer
from crmbridge.jobs.territory.keeping import load_plans
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import STREAMS, Kind, Reason, RecordKey, from_millis
from crmbridge.store.field_values import get_field_values
from crmbridge.store.records import find_by_text, find_record
from crmbridge.store.scores import load_scores
from crmbridge.store.segments import load_segments


def find_key(workspace: Workspace, text: str, streams: Sequence[str]) -> RecordKey:
    """The record that a text names: ``connection/object/id``, or the only one it is found in.

    Raises:
        UsageError: none is found, or several.
    """
    if text.count("/") >= 2:
        return RecordKey.parse(text)
    with workspace.store.read() as tx:
        found = [key for stream in streams for key in find_by_text(tx, stream, text)]
    if len(found) == 1:
        return found[0]
    some = ", ".join(str(key) for key in found[:5]) or "none"
    raise UsageError("show", "text that one record bears", some, "Write connection/object/id")


def explain_record(workspace: Workspace, text: str) -> dict[str, Any]:
    """All we know of a record: its fields, score, segment, planned visits, values written.

    Raises:
        UsageError: there is no such record.
    """
    key = find_key(workspace, text, tuple(STREAMS))
    with workspace.store.read() as tx:
        found = find_record(tx, key)
        if found is None:
            raise UsageError("show", "a record that was pulled", repr(str(key)))
        stream, values = found
        score = next((s for s in load_scores(tx, (key.connection,)) if s.key == key), None)
        segment = next((s for s in load_segments(tx, key.connection) if s.key == key), None)
        written = get_field_values(tx, (key.connection, key.object), [key.id])
    document: dict[str, Any] = {"record": str(key), "stream": stream}
    document["fields"] = {name: _shown(stream, name, value) for name, value in values.items()}
    if score is not None:
        document["score"] = {"score": round(score.score, 4), "tier": score.tier}
        document["reasons"] = reason_lines(score.reasons)
    if segment is not None:
        document["segment"] = {"id": segment.segment, "name": segment.name}
        document["segment_reasons"] = [reason.text for reason in segment.reasons]
    if stream == "customers":
        document |= about_customer(workspace, key)
    document["visits"] = _visits(workspace, key)
    document["written"] = {
        field: {"in the CRM": value.seen, "written by us": value.written}
        for (_, field), value in written.items()
    }
    return document


def _shown(stream: str, name: str, value: Any) -> Any:
    field = STREAMS[stream].by_name.get(name)
    is_instant = name == "modified_at" or (field is not None and field.kind is Kind.INSTANT)
    if is_instant and isinstance(value, int):
        return from_millis(value).isoformat(timespec="seconds")
    return value


def reason_lines(reasons: Sequence[Reason]) -> list[str]:
    """Each reason with its weight, for people."""
    return [f"{reason.weight:+.3f} {reason.text}" for reason in reasons]


def _visits(workspace: Workspace, key: RecordKey) -> list[str]:
    """What the plans made last say of a customer."""
    lines = []
    for _, plan, _ in load_plans(workspace):
        lines += [
            f"{v.wall_start:%Y-%m-%d %H:%M} by {v.rep}: "
            + "; ".join(reason.text for reason in v.reasons)
            for v in plan.visits
            if v.customer == str(key)
        ]
        lines += [
            f"not planned: {item.text}. {item.change}".rstrip()
            for item in plan.left_out
            if item.customer == str(key)
        ]
    return lines
