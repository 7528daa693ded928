"""Decides who is added to campaigns, and what becomes of those that we added. Pure."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from crmbridge.adapters import Operation
from crmbridge.push.batches import REMOTE_ID_OF
from crmbridge.push.changeset import Change, Item, item_name
from crmbridge.push.desired import (
    Barred,
    Desired,
    DesiredMember,
    MemberPlace,
    Presence,
    Seen,
    SeenMember,
    WritePolicy,
)
from crmbridge.push.fields import Verdict
from crmbridge.push.notes import Notes
from crmbridge.push.own import Fate
from crmbridge.push.values import Value

EARLY = frozenset({"", "candidate", "added"})
"""Statuses of a member that nothing came of yet; later ones are history and stay."""


def member_items(
    desired: Desired,
    seen: Seen,
    policies: Mapping[str, WritePolicy],
    created: Container[str],
    *,
    barred: Barred,
    notes: Notes,
) -> list[Item]:
    """Members to add and to remove, and statuses to set.

    Each pair of campaign and person is one member, however often it is desired. Who is in already
    is left, whoever put them there, but for a later status of one whom we added and of whom nothing
    came yet; who was taken out by a person is not added again.

    Args:
        created: names of items that create a campaign in this changeset.
    """
    work = _Members(seen=seen, policies=policies, created=created, notes=notes)
    wanted: dict[tuple[str, ...], DesiredMember] = {}
    for one in desired.members:
        if barred.bars(one.channel, one.person):
            notes.add(Fate.BARRED.value, str(one.person))
        else:
            wanted.setdefault(_identity(one, work), one)
    added = [item for one in wanted.values() for item in _add(one, work)]
    return added + list(_remove(desired, set(wanted), work))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Members:
    seen: Seen
    policies: Mapping[str, WritePolicy]
    created: Container[str]
    notes: Notes

    def campaign(self, one: DesiredMember) -> str:
        """The campaign's id in the CRM, "" while it is not there."""
        found = self.seen.records.get((one.connection, *one.campaign_key))
        is_there = found is not None and found.presence is Presence.LIVE
        return one.campaign or (found.id if found is not None and is_there else "")

    def allows(self, connection: str, object_: str) -> bool:
        """Whether members of this object may be written."""
        policy = self.policies.get(connection)
        return policy is not None and object_ in policy.members

    def can_set(self, one: DesiredMember) -> bool:
        """Whether the CRM lets us set the status of one who is in already."""
        abilities = self.policies[one.connection].capabilities
        return Operation.SET_MEMBER in abilities.of(one.object).operations


def _identity(one: DesiredMember, work: _Members) -> tuple[str, ...]:
    campaign = work.campaign(one) or "/".join(one.campaign_key)
    return (one.connection, campaign, _person_field(one), one.person.id)


def _person_field(one: DesiredMember) -> str:
    return "contact_id" if one.is_contact else "customer_id"


def _add(one: DesiredMember, work: _Members) -> Iterator[Item]:
    if not work.allows(one.connection, one.object):
        work.notes.add(Verdict.NOT_ALLOWED.value, f"{one.connection}/{one.object}")
        return
    campaign = work.campaign(one)
    place: MemberPlace = (one.connection, campaign, _person_field(one), one.person.id)
    found = work.seen.members.get(place) if campaign else None
    if found is not None:
        if found.presence is not Presence.LIVE:
            work.notes.add("member_left", str(one.person))
        elif work.can_set(one) and _is_later(one.status, found):
            yield _set(place, found, one)
        return
    creation = item_name(Operation.CREATE, one.connection, *one.campaign_key)
    if not campaign and creation not in work.created:
        work.notes.add("no_campaign", "/".join((one.connection, *one.campaign_key)))
        return
    yield _added(one, campaign, creation)


def _added(one: DesiredMember, campaign: str, creation: str) -> Item:
    after: dict[str, Value] = {
        "campaign_id": campaign or {REMOTE_ID_OF: creation},
        _person_field(one): one.person.id,
        "status": one.status,
        "arm": one.arm,
    }
    identity = "/".join((campaign or one.campaign_key[1], _person_field(one), one.person.id))
    return Item(
        item=item_name(Operation.ADD_MEMBER, one.connection, one.object, identity),
        connection=one.connection,
        object=one.object,
        operation=Operation.ADD_MEMBER,
        changes=tuple(
            Change(field=name, before=None, after=value) for name, value in after.items() if value
        ),
        parent=campaign,
        depends_on="" if campaign else creation,
        reason=one.reason,
    )


def _is_later(status: str, found: SeenMember) -> bool:
    """Whether a status comes after what a member of ours has, and was not written before: where
    the CRM shows none, or took it and shows another, it is not written again and again."""
    is_open = found.is_ours and found.status in EARLY - {""} and found.written != status
    return is_open and status not in EARLY


def _set(place: MemberPlace, found: SeenMember, one: DesiredMember) -> Item:
    """The pair that a member joins goes along: it tells whose consent to ask."""
    _, campaign, person_field, person = place
    changes = (
        Change(field="campaign_id", before=campaign, after=campaign),
        Change(field=person_field, before=person, after=person),
        Change(field="status", before=found.status, after=one.status),
    )
    identity = f"{found.id}/{one.status}"
    return Item(
        item=item_name(Operation.SET_MEMBER, one.connection, one.object, identity),
        connection=one.connection,
        object=one.object,
        id=found.id,
        operation=Operation.SET_MEMBER,
        changes=changes,
        parent=campaign,
        reason=one.reason or "what the campaign's members are set to",
    )


def _remove(desired: Desired, wanted: Container[tuple[str, ...]], work: _Members) -> Iterator[Item]:
    for place, member in sorted(work.seen.members.items(), key=lambda pair: pair[0]):
        connection, campaign, _, person = place
        if place in wanted or (connection, campaign) not in desired.campaigns:
            continue
        if not work.allows(connection, member.object) or member.presence is not Presence.LIVE:
            continue
        if member.is_ours and member.status in EARLY:
            yield _removed(place, member)
        elif member.is_ours:
            work.notes.add("member_kept", f"{connection}/{campaign}/{person}")


def _removed(place: MemberPlace, member: SeenMember) -> Item:
    connection, campaign, person_field, person = place
    before = {"campaign_id": campaign, person_field: person}
    return Item(
        item=item_name(Operation.REMOVE_MEMBER, connection, member.object, member.id or person),
        connection=connection,
        object=member.object,
        id=member.id,
        operation=Operation.REMOVE_MEMBER,
        changes=tuple(
            Change(field=name, before=value, after=None) for name, value in before.items()
        ),
        parent=campaign,
        reason="no longer chosen",
    )
