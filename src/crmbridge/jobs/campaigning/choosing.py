"""Chooses the members of every campaign that runs, and says why everybody else is left out."""

from bisect import insort
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pandas as pd

from crmbridge.engine.campaigns import CampaignParameters, Excluded, Members, choose_members
from crmbridge.jobs.campaigning.people import (
    Contacts,
    Looking,
    People,
    contacts_with,
    frame_of,
    people_of,
)
from crmbridge.jobs.campaigning.running import Campaign, why_resting
from crmbridge.jobs.territory.planning import Made
from crmbridge.jobs.workspace import Workspace
from crmbridge.push.desired import DesiredMember, MemberPlace, Presence, SeenMember
from crmbridge.records import Finding, RecordKey, to_millis
from crmbridge.store.campaigns import Candidate, load_candidates, save_candidates, unit_of

IN, OUT = "campaign", "holdout"
"""The arms of a campaign that holds people out."""
_NO_LIMIT = 1_000_000
_MINUTES = 60

SeenMembers = Mapping[MemberPlace, SeenMember]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a campaign's choice came to.

    Args:
        members: those to add, and those there who may stay.
        resting: why nobody is chosen now; "" for a campaign that runs.
    """

    campaign: Campaign
    members: tuple[DesiredMember, ...] = ()
    ledger: Mapping[Excluded, int] = field(default_factory=dict)
    resting: str = ""


def choose_all(
    workspace: Workspace, campaigns: Iterable[Campaign], made: Made, seen: SeenMembers
) -> list[Chosen]:
    """Choose for each campaign in the order of their names, and keep each one's ledger.

    A person chosen for one counts as contacted when the next is looked at: the pressure allowed
    is shared by all of them, and by visits, calls and mails.
    """
    everybody: dict[str, tuple[People, Contacts]] = {}
    found = []
    for campaign in campaigns:
        with workspace.store.read() as tx:
            resting = why_resting(tx, campaign, workspace.clock.now().date())
        if resting:
            found.append(Chosen(campaign=campaign, resting=resting))
            continue
        name = campaign.connection
        if name not in everybody:
            people = people_of(workspace, name)
            everybody[name] = (people, contacts_with(workspace, name, made))
        found.append(_choose(workspace, campaign, *everybody[name], seen))
    return found


def _choose(
    workspace: Workspace, campaign: Campaign, people: People, contacts: Contacts, seen: SeenMembers
) -> Chosen:
    settings, now = workspace.settings, workspace.clock.now()
    looking = Looking(
        now=now,
        pressure_days=settings.planning.pressure.days,
        allows_unknown=getattr(settings.consent.unknown, campaign.settings.channel) == "allow",
    )
    frame = frame_of(campaign, people, seen, contacts, looking)
    held = members_of(campaign, seen)
    with workspace.store.read() as tx:
        before = {one.key: one for one in load_candidates(tx, campaign.name) if one.arm}
    members = choose_members(
        frame,
        _parameters(campaign, settings.planning.pressure.max_contacts, len(held)),
        {unit_of(one.customer_id, key.id): one.arm for key, one in before.items()},
    )
    for key, row in _rows(members.chosen):
        unit = unit_of(row["customer_id"], RecordKey.parse(key).id)
        insort(contacts.setdefault(unit, []), to_millis(now))
    with workspace.store.write() as tx:
        candidates = _candidates(campaign, members, frame, now, workspace.run_id)
        save_candidates(tx, campaign.name, [_with_arm(one, before) for one in candidates])
    fresh = [_member(campaign, people, key, row) for key, row in _rows(members.chosen)]
    barred = set(frame.index[frame["allowed"] == 0])
    objects = {row["id"]: row["object"] for row in people.rows}
    kept = [_kept(campaign, place, objects) for place in held]
    stay = [one for one in kept if str(one.person) not in barred]
    return Chosen(campaign=campaign, members=(*stay, *fresh), ledger=members.ledger())


def members_of(campaign: Campaign, seen: SeenMembers) -> list[MemberPlace]:
    """Who is in a campaign now."""
    mine = (campaign.connection, campaign.id)
    return [
        place
        for place, one in sorted(seen.items(), key=lambda pair: pair[0])
        if campaign.id and place[:2] == mine and one.presence is Presence.LIVE
    ]


def _rows(frame: pd.DataFrame) -> Iterable[tuple[str, Mapping[Hashable, Any]]]:
    return zip(map(str, frame.index), frame.to_dict("records"), strict=True)


def _parameters(campaign: Campaign, most_contacts: int, held: int) -> CampaignParameters:
    own = campaign.settings
    arms = {IN: 1 - own.holdout, OUT: own.holdout} if own.holdout else {IN: 1.0}
    most = most_members(campaign)
    return CampaignParameters(
        name=campaign.name,
        size=None if most is None else max(most - held, 0),
        least_score=own.least_score,
        quiet_days=own.quiet_days,
        most_contacts=most_contacts or _NO_LIMIT,
        arms=arms,
        held_out=OUT if own.holdout else "",
    )


def most_members(campaign: Campaign) -> int | None:
    """How many members size, budget and the reps' hours allow; None for no limit."""
    own = campaign.settings
    limits = [] if own.size is None else [own.size]
    if own.budget and own.cost_each:
        limits.append(int(own.budget // own.cost_each))
    if own.rep_hours and own.minutes_each:
        limits.append(int(own.rep_hours * _MINUTES // own.minutes_each))
    return min(limits, default=None)


def _candidates(
    campaign: Campaign, members: Members, frame: pd.DataFrame, now: datetime, run_id: int
) -> Iterable[Candidate]:
    scores = frame["score"].to_dict()
    chosen = [(key, row, "", str(row["arm"])) for key, row in _rows(members.chosen)]
    out = [(key, row, row["reason"].name.lower(), "") for key, row in _rows(members.excluded)]
    for key, row, reason, arm in (*chosen, *out):
        yield Candidate(
            campaign=campaign.name,
            key=RecordKey.parse(key),
            customer_id=str(row["customer_id"]),
            reason=reason,
            arm=arm or (OUT if reason == Excluded.HOLDOUT.name.lower() else ""),
            score=float(scores[key]),
            decided_at=to_millis(now),
            run_id=run_id,
        )


def _with_arm(one: Candidate, before: Mapping[RecordKey, Candidate]) -> Candidate:
    """A member of before, or one who has its arm again, with the arm and when it was drawn."""
    old = before.get(one.key)
    if old is None or (one.arm or old.arm) != old.arm:
        return one
    return replace(one, arm=old.arm, decided_at=old.decided_at)


def _member(
    campaign: Campaign, people: People, key: str, row: Mapping[Hashable, Any]
) -> DesiredMember:
    return DesiredMember(
        connection=campaign.connection,
        object=campaign.member_object,
        campaign=campaign.id,
        campaign_key=(campaign.object, campaign.key),
        person=RecordKey.parse(key),
        is_contact=people.are_contacts,
        status=campaign.settings.status,
        arm=str(row["arm"]),
        channel=campaign.settings.channel,
        reason=f"chosen for {campaign.title}, score {row['score']:.2f}",
    )


def _kept(campaign: Campaign, place: MemberPlace, objects: Mapping[str, str]) -> DesiredMember:
    """One who is in already: desired, so that only those who may not stay are removed."""
    _, _, field_, id_ = place
    return DesiredMember(
        connection=campaign.connection,
        object=campaign.member_object,
        campaign=campaign.id,
        person=RecordKey(campaign.connection, objects.get(id_, ""), id_),
        is_contact=field_ == "contact_id",
        status=campaign.settings.status,
        channel=campaign.settings.channel,
    )


def ledger_findings(chosen: Iterable[Chosen]) -> list[Finding]:
    """How many each campaign left out, and why most of them."""
    findings = []
    for one in chosen:
        if one.resting or not one.ledger:
            continue
        reason, count = max(one.ledger.items(), key=lambda pair: pair[1])
        findings.append(
            Finding(
                code="campaign.left_out",
                count=sum(one.ledger.values()),
                example=f"{one.campaign.name}: {count} {reason.value.lower()}",
                remedy=f"Look at `crmbridge show campaign {one.campaign.name}`",
            )
        )
    return findings
