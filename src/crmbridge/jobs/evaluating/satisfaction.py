"""Evaluates satisfaction by four ratios, and what visits brought, on what was pulled."""

from typing import Any

import pandas as pd

from crmbridge.engine.satisfaction import RATIOS
from crmbridge.jobs.analysis.customers import analyse, base_connections
from crmbridge.jobs.analysis.holdout import effect_document, measured_effect
from crmbridge.jobs.evaluating.answer import Answer, known
from crmbridge.jobs.showing.ratios import GROUPS, ratio_facts, ratios_by
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import Finding


def answer_satisfaction(workspace: Workspace) -> Answer:
    """The four ratios of each base connection: over all, by segment, rep, month, customer; and
    what its visits brought against the customers held out."""
    connections: dict[str, Any] = {}
    effects: dict[str, Any] = {}
    findings: list[Finding] = []
    for base, sources in base_connections(workspace.settings).items():
        analyse(workspace, base, sources)
        facts = ratio_facts(workspace, base)
        connections[base] = [
            _row(by, group, row)
            for by in GROUPS
            for group, row in ratios_by(facts, by).frame.iterrows()
        ]
        effects[base] = effect_document(measured_effect(workspace, base, sources))
        findings += ratios_by(facts, "all").findings
    return Answer(
        document={"connections": connections, "effect_of_visits": effects}, findings=tuple(findings)
    )


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
