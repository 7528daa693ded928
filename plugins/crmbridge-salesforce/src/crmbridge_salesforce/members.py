"""Adds people to campaigns, sets their status and removes them; a member is the pair of both."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crmbridge.adapters import ErrorClass, Outcome, Status, WriteItem
from crmbridge.adapters.http import Effect
from crmbridge_salesforce import soql
from crmbridge_salesforce.client import Client
from crmbridge_salesforce.codes import DOUBLE
from crmbridge_salesforce.ids import to_18
from crmbridge_salesforce.mapping import MEMBER
from crmbridge_salesforce.own import LEAD
from crmbridge_salesforce.statuses import Statuses
from crmbridge_salesforce.verdicts import conflict, is_gone, outcomes_of, refused, unchanged

Pair = tuple[str, str, str]
"""(campaign, ``ContactId`` or the like, person)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Writes CampaignMember.

    Args:
        statuses: those of the campaigns.
    """

    client: Client
    statuses: Statuses

    def add(self, items: Sequence[WriteItem]) -> list[Outcome]:
        """Add those who are no members yet, each once."""
        pairs = self._pairs(items)
        held = self._held(list(pairs.values()))
        fresh: dict[Pair, WriteItem] = {}
        for one in items:
            if _is_whole(pairs[one.item]) and pairs[one.item] not in held:
                fresh.setdefault(pairs[one.item], one)
        added = self._added(fresh)
        return [self._outcome(one, pairs[one.item], held, fresh, added) for one in items]

    def set(self, items: Sequence[WriteItem]) -> list[Outcome]:
        """Set the status of members that still have the one that was seen.

        "CampaignMember", Object Reference: update() is supported, and ``HasResponded`` follows from
        the status. Whoever responded meanwhile, or was given a status by a person, keeps it.
        """
        pairs = self._pairs(items)
        held = self._held(list(pairs.values()))
        self.statuses.learn({pair[0] for pair in held})
        self.statuses.prepare([(pairs[one.item][0], _status(one)) for one in items])
        shown = self._shown(sorted(set(held.values())))
        named = {one.item: replace(one, id=held.get(pairs[one.item], "")) for one in items}
        decided = {
            one.item: self._judged(named[one.item], pairs[one.item][0], shown) for one in items
        }
        sent = self._sent([named[name] for name, found in decided.items() if found is None])
        return [decided[one.item] or sent[one.item] for one in items]

    def remove(self, items: Sequence[WriteItem]) -> list[Outcome]:
        """Remove members, named by campaign and person: an id alone might be another's."""
        pairs = self._pairs(items)
        held = self._held(list(pairs.values()))
        doomed = [
            replace(one, id=held[pairs[one.item]]) for one in items if pairs[one.item] in held
        ]
        by_item = {one.item: one for one in self._removed(doomed)}
        return [by_item.get(one.item) or unchanged(one) for one in items]

    def _outcome(
        self,
        item: WriteItem,
        pair: Pair,
        held: Mapping[Pair, str],
        fresh: Mapping[Pair, WriteItem],
        added: Mapping[Pair, Outcome],
    ) -> Outcome:
        if not _is_whole(pair):
            words = "a member needs a campaign and a contact or lead"
            return refused(item, ErrorClass.RECORD, words)
        if pair in held:
            return unchanged(item, held[pair])
        if fresh[pair].item == item.item:
            return added[pair]
        first = added[pair]  # the same person twice in one batch
        status = Status.UNCHANGED if first.status is Status.APPLIED else first.status
        return replace(first, item=item.item, status=status)

    def _pairs(self, items: Sequence[WriteItem]) -> dict[str, Pair]:
        """Item -> whom it is about; a person account is a member by its contact.

        ``PersonContactId``, "Account", Object Reference; only where the account has such.
        """
        pairs = {one.item: pair_of(one) for one in items}
        accounts = {pair[2] for pair in pairs.values() if pair[1] == "AccountId" and pair[2]}
        described = self.client.describe("Account") if accounts else None
        names = {one.get("name") for one in (described or {}).get("fields") or ()}
        if "PersonContactId" not in names:
            return pairs
        people = self._people(sorted(accounts))
        return {
            item: (pair[0], "ContactId", people[pair[2]]) if pair[2] in people else pair
            for item, pair in pairs.items()
        }

    def _people(self, accounts: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in soql.parts(accounts, soql.LONGEST - 400):
            text = soql.select(
                ["Id", "PersonContactId"],
                "Account",
                soql.among("Id", part),
                "PersonContactId != null",
            )
            records = self.client.records(text)
            found |= {str(one["Id"]): str(one["PersonContactId"]) for one in records}
        return found

    def _added(self, fresh: Mapping[Pair, WriteItem]) -> dict[Pair, Outcome]:
        if not fresh:
            return {}
        pairs, items = list(fresh), list(fresh.values())
        wanted = [(pair[0], _status(item)) for pair, item in fresh.items()]
        self.statuses.prepare(wanted)
        records = [
            self._record(pair, status) for pair, (_, status) in zip(pairs, wanted, strict=True)
        ]
        document = {"allOrNone": False, "records": records}
        # KEYED: Salesforce refuses a second membership of the same person
        answer = self.client.send("POST", "composite/sobjects", document, Effect.KEYED)
        outcomes = outcomes_of(items, answer.data)
        held = self._held(
            [
                pair
                for pair, one in zip(pairs, outcomes, strict=True)
                if one.error.startswith(tuple(DOUBLE))
            ]
        )
        return {
            pair: unchanged(item, held[pair]) if pair in held else self._noted(one, pair, item)
            for pair, item, one in zip(pairs, items, outcomes, strict=True)
        }

    def _record(self, pair: Pair, status: str) -> dict[str, Any]:
        campaign, field, person = pair
        label = self.statuses.label(campaign, status)
        record = {"attributes": {"type": MEMBER}, "CampaignId": campaign, field: person}
        return record | ({"Status": label} if label else {})

    def _noted(self, outcome: Outcome, pair: Pair, item: WriteItem) -> Outcome:
        """An addition whose status the campaign lacks says so."""
        status = _status(item)
        is_lost = status in self.statuses.labels and not self.statuses.label(pair[0], status)
        if outcome.status is not Status.APPLIED or not is_lost:
            return outcome
        words = f"added with the campaign's own default: it has no {self.statuses.labels[status]}"
        return replace(outcome, error=words)

    def _removed(self, items: Sequence[WriteItem]) -> list[Outcome]:
        if not items:
            return []
        params = {"ids": ",".join(one.id for one in items), "allOrNone": "false"}
        answer = self.client.send("DELETE", "composite/sobjects", None, Effect.KEYED, params=params)
        outcomes = outcomes_of(items, answer.data)
        pairs = zip(items, outcomes, strict=True)
        return [unchanged(item) if is_gone(one) else one for item, one in pairs]

    def _judged(
        self, item: WriteItem, campaign: str, shown: Mapping[str, Mapping[str, Any]]
    ) -> Outcome | None:
        """What can be said before anything is sent; None for a status to send."""
        member = shown.get(item.id)
        if member is None:
            return refused(item, ErrorClass.RECORD, "is no member of the campaign any more")
        held, label = str(member["Status"] or ""), self.statuses.meaning(campaign, _status(item))
        if label is None:
            words = f"the campaign has no status for {_status(item)}, and none may be created"
            return refused(item, ErrorClass.CONFIG, words)
        if held == label:
            return unchanged(item)
        before = self.statuses.meaning(campaign, str(item.expected.get("status") or ""))
        return None if held == before else conflict(item, ["Status"])

    def _shown(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        for part in soql.parts(ids, soql.LONGEST - 200):
            text = soql.select(["Id", "Status"], MEMBER, soql.among("Id", part))
            found |= {str(one["Id"]): one for one in self.client.records(text)}
        return found

    def _sent(self, items: Sequence[WriteItem]) -> dict[str, Outcome]:
        if not items:
            return {}
        records = [
            {
                "attributes": {"type": MEMBER},
                "id": one.id,
                "Status": self.statuses.meaning(pair_of(one)[0], _status(one)),
            }
            for one in items
        ]
        document = {"allOrNone": False, "records": records}
        # ONCE: what is sent again must be compared again, which the host sees to
        answer = self.client.send("PATCH", "composite/sobjects", document, Effect.ONCE)
        return {one.item: one for one in outcomes_of(items, answer.data)}

    def _held(self, pairs: Sequence[Pair]) -> dict[Pair, str]:
        """The pairs that are members now, with the member's id."""
        found: dict[Pair, str] = {}
        for campaign, field, people in _grouped(pairs):
            for part in soql.parts(people, soql.LONGEST - 400):
                is_campaign = f"CampaignId = {soql.quoted(campaign)}"
                text = soql.select(["Id", field], MEMBER, is_campaign, soql.among(field, part))
                for record in self.client.records(text):
                    found[campaign, field, str(record[field])] = str(record["Id"])
        return found


def pair_of(item: WriteItem) -> Pair:
    """Campaign and person of an item, by their long ids."""
    contact = str(item.values.get("contact_id") or "")
    person = contact or str(item.values.get("customer_id") or "")
    field = "ContactId" if contact else "AccountId"
    if person.startswith(LEAD):
        field = "LeadId"
    return to_18(str(item.values.get("campaign_id") or "")), field, to_18(person)


def _status(item: WriteItem) -> str:
    return str(item.values.get("status") or "")


def _is_whole(pair: Pair) -> bool:
    return bool(pair[0] and pair[2])


def _grouped(pairs: Sequence[Pair]) -> Iterator[tuple[str, str, list[str]]]:
    people: dict[tuple[str, str], dict[str, None]] = {}
    for campaign, field, person in filter(_is_whole, pairs):
        people.setdefault((campaign, field), {})[person] = None
    for (campaign, field), found in people.items():
        yield campaign, field, list(found)
