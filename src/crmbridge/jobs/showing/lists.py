"""Lists what people go through one by one: doubtful places, visits that say too little."""

from dataclasses import asdict
from typing import Any

from crmbridge.jobs.territory.audit import DAYS, audit_visits
from crmbridge.jobs.territory.gathering import gather
from crmbridge.jobs.territory.places import place_flaws, quality_counts
from crmbridge.jobs.workspace import Workspace


def list_places(workspace: Workspace) -> dict[str, Any]:
    """How well customers' places are known, and each that is unknown or doubtful."""
    known = gather(workspace, workspace.clock.now().date()).known
    flaws = place_flaws([dict(row) for row in known.customers])
    return {
        "quality": quality_counts(known.customers),
        "places": [
            f"{one.name} ({one.customer}), {one.owner or 'no owner'}: "
            f"{one.flaw.replace('_', ' ')}. {one.remedy}"
            for one in flaws
        ],
        "flaws": [{**asdict(one), "remedy": one.remedy} for one in flaws],
    }


def list_audit(workspace: Workspace) -> dict[str, Any]:
    """Past visits by rep, and each whose fields are not filled as the policy asks."""
    audits = audit_visits(workspace)
    return {
        "days": DAYS,
        "reps": [
            f"{one.rep}: {one.filled} of {one.visits} visits hold all that must be filled"
            for one in audits
        ],
        "visits": [
            f"{audit.rep}, {one.day}, {one.customer} ({one.visit}): {', '.join(one.fields)} empty"
            for audit in audits
            for one in audit.empty
        ],
        "audit": [asdict(one) for one in audits],
    }
