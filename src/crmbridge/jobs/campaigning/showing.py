"""Shows how a campaign stands: pace, members, cost, and who was left out and why."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from crmbridge.engine.campaigns import Excluded
from crmbridge.jobs.campaigning.choosing import most_members
from crmbridge.jobs.campaigning.following import members_rows
from crmbridge.jobs.campaigning.pacing import not_written, pace_of
from crmbridge.jobs.campaigning.running import Campaign, campaigns_of, why_resting
from crmbridge.jobs.workspace import Workspace
from crmbridge.jobs.writing.deciding import writable
from crmbridge.records import from_millis
from crmbridge.store.campaigns import Candidate, load_candidates
from crmbridge.store.territory import load_stream

_MINUTES = 60


def explain_campaign(workspace: Workspace, name: str) -> dict[str, Any]:
    """All we know of a campaign.

    Raises:
        UsageError: the settings have none of that name.
        ConfigError: nothing may be written where it runs.
    """
    campaign = find_campaign(workspace, name)
    now = workspace.clock.now()
    with workspace.store.read() as tx:
        candidates = load_candidates(tx, name)
        found = pace_of(tx, campaign, now)
        resting = why_resting(tx, campaign, now.date())
        lost = not_written(tx, campaign)
        members = Counter(row["status"] or "" for row in members_rows(tx, campaign))
        owners = {
            row["id"]: row["owner_id"] or ""
            for row in load_stream(tx, "customers", (campaign.connection,))
        }
    chosen = [one for one in candidates if not one.reason]
    goal = campaign.settings.goal
    return {
        "campaign": name,
        "connection": campaign.connection,
        "id": campaign.id,
        "state": resting or "running",
        "goal": f"{goal.value:g} {goal.metric} by {goal.by}",
        "pace": found.sentence,
        "members": dict(sorted(members.items())),
        "candidates": len(candidates),
        "chosen": len(chosen),
        "left_out": ledger(candidates),
        "not_written": lost,
        "most_members": most_members(campaign),
        "reps": _reps(campaign, chosen, owners),
        "decided_at": _decided(candidates),
    }


def find_campaign(workspace: Workspace, name: str) -> Campaign:
    """A campaign of the settings, where it runs.

    Raises:
        UsageError: there is none of that name, or its connection takes no members.
    """
    from crmbridge.errors import UsageError

    workspace.settings.campaign(name)
    with writable(workspace) as target:
        campaigns, lost = campaigns_of(workspace, target.opened)
    for one in campaigns:
        if one.name == name:
            return one
    step = lost[0].remedy if lost else ""
    raise UsageError(f"campaigns.{name}", "a connection that takes members", "none", step)


def ledger(candidates: list[Candidate]) -> dict[str, int]:
    """How many were left out for which reason, in words; with the chosen they are all."""
    counts = Counter(one.reason for one in candidates if one.reason)
    return {
        reason.value: counts[reason.name.lower()]
        for reason in Excluded
        if counts[reason.name.lower()]
    }


def _reps(
    campaign: Campaign, chosen: list[Candidate], owners: Mapping[str, str]
) -> list[dict[str, Any]]:
    """What each rep gets of the members chosen last, the hours and the money they take."""
    own = campaign.settings
    counts = Counter(owners.get(one.customer_id, "") for one in chosen)
    return [
        {
            "rep": rep or "nobody",
            "members": count,
            "hours": round(count * own.minutes_each / _MINUTES, 2),
            "cost": round(count * own.cost_each, 2),
        }
        for rep, count in sorted(counts.items())
    ]


def _decided(candidates: list[Candidate]) -> str:
    at = max((one.decided_at for one in candidates), default=None)
    return "" if at is None else from_millis(at).isoformat(timespec="minutes")
