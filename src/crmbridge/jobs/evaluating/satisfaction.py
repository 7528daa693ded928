"""Evaluates satisfaction by four ratios, on what was pulled."""

from typing import Any

import pandas as pd

from crmbridge.engine.columns import texts
from crmbridge.engine.satisfaction import RATIOS, satisfaction_ratios
from crmbridge.jobs.analysis.customers import Analysed, analyse, base_connections
from crmbridge.jobs.evaluating.answer import Answer, known
from crmbridge.jobs.showing.files import satisfaction_facts
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import Finding

GROUPINGS = ("", "segment", "rep_id", "period", "customer_id")
"""What the ratios are told by; "" is over all."""


def answer_satisfaction(workspace: Workspace) -> Answer:
    """The four ratios of each base connection: over all, by segment, rep, month and customer."""
    connections: dict[str, Any] = {}
    findings: list[Finding] = []
    for base, sources in base_connections(workspace.settings).items():
        groups, found = _groups(workspace, analyse(workspace, base, sources))
        connections[base] = groups
        findings += found
    return Answer(document={"connections": connections}, findings=tuple(findings))


def _groups(
    workspace: Workspace, analysed: Analysed
) -> tuple[list[dict[str, Any]], tuple[Finding, ...]]:
    facts = satisfaction_facts(workspace, analysed)
    members = analysed.segmented.members
    keys = texts(facts, "customer_id")
    facts["segment"] = [members[key].name if key in members else "" for key in keys]
    overall = satisfaction_ratios(facts)
    rows = []
    for by in GROUPINGS:
        frame = satisfaction_ratios(facts, (by,) if by else ()).frame if by else overall.frame
        rows += [_row(by or "all", group, row) for group, row in frame.iterrows()]
    return rows, overall.findings


def _row(by: str, group: Any, row: "pd.Series[Any]") -> dict[str, Any]:
    ratios = {
        ratio.name: {
            "value": known(row[ratio.name]),
            "over": known(row[f"{ratio.name}_over"]),
            "under": known(row[f"{ratio.name}_under"]),
            "sentence": sentence,
        }
        for ratio, sentence in zip(RATIOS, row["sentences"], strict=True)
    }
    return {"by": by, "group": str(group), "ratios": ratios}
