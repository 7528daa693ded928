"""Turns campaigns into what their CRM should hold: the record, its members, the tasks after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from crmbridge.jobs.analysis.customers import base_connections, completed_customers
from crmbridge.jobs.campaigning.choosing import (
    Chosen,
    SeenMembers,
    choose_all,
    ledger_findings,
)
from crmbridge.jobs.campaigning.following import follow_ups
from crmbridge.jobs.campaigning.pacing import pace_findings
from crmbridge.jobs.campaigning.running import Campaign, campaigns_of
from crmbridge.jobs.territory.planning import Made
from crmbridge.jobs.workspace import Opened, Workspace
from crmbridge.push.desired import Desired, DesiredRecord, WritePolicy
from crmbridge.push.seen_members import seen_members
from crmbridge.records import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What campaigns ask of a changeset, and what people should know."""

    chosen: Sequence[Chosen] = ()
    tasks: Sequence[DesiredRecord] = ()
    findings: tuple[Finding, ...] = ()

    def added_to(self, desired: Desired) -> Desired:
        """What else is desired, with this."""
        running = [one for one in self.chosen if not one.resting]
        starts = [_record(one.campaign) for one in running if one.campaign.object]
        whole = {(one.campaign.connection, one.campaign.id) for one in running if one.campaign.id}
        return replace(
            desired,
            records=[*desired.records, *starts, *self.tasks],
            members=[*desired.members, *(member for one in running for member in one.members)],
            campaigns=desired.campaigns | whole,
        )


def wanted_of_campaigns(
    workspace: Workspace,
    opened: Mapping[str, Opened],
    policies: Mapping[str, WritePolicy],
    made: Made,
) -> Wanted:
    """What the campaigns of the settings ask for today."""
    if not workspace.settings.campaigns:
        return Wanted()
    campaigns, lost = campaigns_of(workspace, opened)
    seen = all_seen(workspace, policies)
    chosen = choose_all(workspace, campaigns, made, seen)
    tasks = [task for campaign in campaigns for task in _tasks(workspace, campaign)]
    findings = (*lost, *ledger_findings(chosen), *pace_findings(workspace, campaigns))
    return Wanted(chosen=chosen, tasks=tasks, findings=findings)


def all_seen(workspace: Workspace, policies: Mapping[str, WritePolicy]) -> SeenMembers:
    """Everybody's memberships, as pulled or just written."""
    with workspace.store.read() as tx:
        return seen_members(tx, policies)


def _tasks(workspace: Workspace, campaign: Campaign) -> list[DesiredRecord]:
    if not campaign.settings.follow_up.after:
        return []
    sources = base_connections(workspace.settings).get(campaign.connection, (campaign.connection,))
    customers = {row["id"]: row for row in completed_customers(workspace, sources)}
    with workspace.store.read() as tx:
        return follow_ups(tx, campaign, customers, workspace.clock.now())


def _record(campaign: Campaign, status: str = "active") -> DesiredRecord:
    own = campaign.settings
    return DesiredRecord(
        connection=campaign.connection,
        object=campaign.object,
        key=campaign.key,
        values={
            "name": campaign.title,
            "status": status,
            "starts_on": own.starts_on.isoformat() if own.starts_on else "",
            "ends_on": own.goal.by.isoformat(),
            "budget": own.budget or None,
            "goal_metric": own.goal.metric,
            "goal_value": own.goal.value,
        },
        channel="",
        reason=f"{own.goal.value:g} {own.goal.metric} by {own.goal.by}",
    )


def stopping(campaign: Campaign) -> Desired:
    """What stopping asks for: the record done, and those removed with whom nothing happened yet."""
    records = [_record(campaign, "done")] if campaign.object and campaign.id else []
    whole = {(campaign.connection, campaign.id)} if campaign.id else set()
    return Desired(records=records, campaigns=frozenset(whole))
