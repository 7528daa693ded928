"""Decides changesets that stop a campaign, or shift those not yet reached to another."""

from dataclasses import replace

from crmbridge.errors import UsageError
from crmbridge.jobs.campaigning.desires import all_seen, stopping
from crmbridge.jobs.campaigning.running import Campaign, campaigns_of
from crmbridge.jobs.workspace import Workspace
from crmbridge.jobs.writing.deciding import Writable, decide_desired, writable
from crmbridge.push.decide import Decision
from crmbridge.push.desired import Desired, DesiredMember, Presence
from crmbridge.push.members import EARLY
from crmbridge.records import RecordKey, to_millis
from crmbridge.store.campaigns import CampaignState, save_state
from crmbridge.store.records import find_by_text


def stop_campaign(workspace: Workspace, name: str, shift_to: str = "") -> Decision:
    """Decide that a campaign ends: a changeset for review; from now on it takes nobody.

    Those whom we added and with whom nothing happened yet are removed; the others are history.

    Args:
        shift_to: a campaign of the same connection that takes those removed; "" for none.

    Raises:
        UsageError: there is no such campaign.
    """
    with writable(workspace) as target:
        campaign = _find(workspace, target, name)
        desired = stopping(campaign)
        if shift_to:
            other = _find(workspace, target, shift_to)
            desired = _shifted(workspace, target, desired, campaign, other)
        decision = decide_desired(workspace, desired, target)
    why = f"shifted to {shift_to}" if shift_to else "stopped"
    _keep(workspace, CampaignState(campaign=name, state="stopped", why=why, shifted_to=shift_to))
    return decision


def resume_campaign(workspace: Workspace, name: str) -> None:
    """Let a campaign take members again.

    Raises:
        UsageError: the settings have none of that name.
    """
    workspace.settings.campaign(name)
    _keep(workspace, CampaignState(campaign=name))


def _keep(workspace: Workspace, state: CampaignState) -> None:
    with workspace.store.write() as tx:
        save_state(tx, replace(state, at=to_millis(workspace.clock.now())))


def _find(workspace: Workspace, target: Writable, name: str) -> Campaign:
    workspace.settings.campaign(name)
    for one in campaigns_of(workspace, target.opened)[0]:
        if one.name == name:
            return one
    raise UsageError(f"campaigns.{name}", "a connection that takes members", "none")


def _shifted(
    workspace: Workspace, target: Writable, desired: Desired, campaign: Campaign, other: Campaign
) -> Desired:
    if other.connection != campaign.connection or not other.id:
        where = f"campaigns.{other.name}"
        step = "Push it first, or name another"
        raise UsageError(where, f"one that is in {campaign.connection} already", "none", step)
    mine = (campaign.connection, campaign.id)
    seen = all_seen(workspace, target.policies)
    moved = [
        place
        for place, one in sorted(seen.items(), key=lambda pair: pair[0])
        if place[:2] == mine and one.is_ours and one.status in EARLY
        and one.presence is Presence.LIVE
    ]  # fmt: skip
    return replace(desired, members=[_moved(workspace, other, place) for place in moved])


def _moved(
    workspace: Workspace, other: Campaign, place: tuple[str, str, str, str]
) -> DesiredMember:
    connection, _, field, id_ = place
    stream = "contacts" if field == "contact_id" else "customers"
    with workspace.store.read() as tx:
        keys = [key for key in find_by_text(tx, stream, id_) if key.id == id_]
    here = (key for key in keys if key.connection == connection)
    return DesiredMember(
        connection=connection,
        object=other.member_object,
        campaign=other.id,
        person=next(here, RecordKey(connection, "", id_)),
        is_contact=field == "contact_id",
        status=other.settings.status,
        channel=other.settings.channel,
        reason=f"shifted to {other.title}",
    )
