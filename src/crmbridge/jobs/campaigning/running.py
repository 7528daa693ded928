"""Says which campaigns run, where, and by which ids and keys the CRM knows them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID, uuid5

from sqlalchemy import Connection, select

from crmbridge.jobs.owning import campaign_object, member_object, task_object
from crmbridge.jobs.workspace import Opened, Workspace
from crmbridge.push.ledger import DONE, State, last_of_keys
from crmbridge.records import Finding
from crmbridge.settings import CampaignSettings
from crmbridge.store.campaigns import get_state
from crmbridge.store.schema import LIVE, RECORDS

_NAMESPACE = UUID("5e1b8f0a-0f2c-5d8e-8b3f-3f5f0f0a7c11")


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign of the settings, and where it lives.

    Args:
        object: what campaigns are started as; "" where the settings name one that is there.
        member_object: what its members are written as.
        task_object: what follow-ups are written as; "" where none may be.
        id: the CRM's; "" until it is there.
    """

    name: str
    settings: CampaignSettings
    connection: str
    object: str
    member_object: str
    task_object: str = ""
    id: str = ""

    @property
    def key(self) -> str:
        """Our key of a campaign that we start, the same for ever."""
        return campaign_key(self.connection, self.name)

    @property
    def title(self) -> str:
        """Its name in the CRM."""
        return self.settings.title or self.name


def campaign_key(connection: str, name: str) -> str:
    """The key that a campaign which we start bears in its CRM."""
    return str(uuid5(_NAMESPACE, f"{connection}\n{name}"))


def campaign_channels(workspace: Workspace) -> dict[str, str]:
    """The CRM's id of a campaign, and our key of it -> the channel that its members need."""
    settings = workspace.settings
    found: dict[str, str] = {}
    keys: dict[str, str] = {}
    for name, own in settings.campaigns.items():
        key = campaign_key(settings.campaign_connection(name), name)
        found[own.id or key] = keys[key] = own.channel
    with workspace.store.read() as tx:
        for (_, _, key), last in last_of_keys(tx, keys).items():
            found[last.remote_id] = keys[key]
    return found


def follow_up_key(campaign: Campaign, kind: str, id_: str) -> str:
    """The key of the one task that follows a response or a visit."""
    return str(uuid5(_NAMESPACE, f"{campaign.connection}\n{campaign.name}\n{kind}\n{id_}"))


def campaigns_of(
    workspace: Workspace, opened: Mapping[str, Opened]
) -> tuple[list[Campaign], list[Finding]]:
    """The campaigns of the settings whose connection takes members, by name; what is amiss."""
    found, lost = [], []
    with workspace.store.read() as tx:
        for name in sorted(workspace.settings.campaigns):
            connection = workspace.settings.campaign_connection(name)
            one = _placed(tx, name, workspace.settings.campaign(name), opened.get(connection))
            if one is None:
                lost.append(name)
            else:
                found.append(one)
    remedy = "Set write.members (and write.campaigns, or the campaign's id) on its connection"
    findings = [
        Finding(code="campaign.nowhere", count=len(lost), example=lost[0], remedy=remedy)
        for _ in lost[:1]
    ]
    return found, findings


def _placed(
    tx: Connection, name: str, settings: CampaignSettings, opened: Opened | None
) -> Campaign | None:
    if opened is None or not opened.settings.write.members:
        return None
    write = opened.settings.write
    able, objects = opened.capabilities, opened.objects
    members = member_object(able, objects)
    starts = "" if settings.id else campaign_object(able, objects)
    if not members or not (settings.id or (starts and write.campaigns)):
        return None
    one = Campaign(
        name=name,
        settings=settings,
        connection=opened.name,
        object=starts,
        member_object=members,
        task_object=task_object(able, objects, write),
    )
    return replace(one, id=settings.id or _remote_id(tx, one))


def _remote_id(tx: Connection, one: Campaign) -> str:
    last = last_of_keys(tx, [one.key]).get((one.connection, one.object, one.key))
    return last.remote_id if last is not None and State(last.state) in DONE else ""


def why_resting(tx: Connection, campaign: Campaign, today: date) -> str:
    """Why a campaign takes nobody now; "" for one that runs."""
    state, own = get_state(tx, campaign.name), campaign.settings
    if state.state != "running":
        return state.why or state.state
    if own.starts_on is not None and today < own.starts_on:
        return f"starts on {own.starts_on}"
    if today > own.goal.by:
        return f"ended on {own.goal.by}"
    return "done in the CRM" if _status(tx, campaign) == "done" else ""


def _status(tx: Connection, campaign: Campaign) -> str:
    columns = RECORDS["campaigns"].c
    query = select(columns.status).where(
        columns.connection == campaign.connection,
        columns.id == campaign.id,
        columns.record_state == LIVE,
    )
    return (tx.scalar(query) or "") if campaign.id else ""
