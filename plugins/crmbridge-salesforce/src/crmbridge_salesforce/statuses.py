"""Statuses of a campaign's members: which a campaign has, and those that it lacks.

Each campaign has statuses of its own, one of them its default ("CampaignMemberStatus", Object
Reference: since API version 39.0 at least one says ``HasResponded``). The reference's older
editions list ``create()`` for it and its newer ones do not, so that the description decides: what
may not be created is left to the campaign's default, and the outcome says so.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from crmbridge.adapters.http import Effect
from crmbridge_salesforce import soql
from crmbridge_salesforce.client import Client

STATUS = "CampaignMemberStatus"
RESPONDED = frozenset({"responded", "converted"})
"""Our statuses that mean a response."""


@dataclass(slots=True, kw_only=True)
class Statuses:
    """Statuses of campaigns.

    Args:
        labels: our status -> the label that it has in campaigns.
    """

    client: Client
    labels: Mapping[str, str]
    _known: dict[str, set[str]] = field(default_factory=dict)
    _defaults: dict[str, str] = field(default_factory=dict)

    def prepare(self, wanted: Sequence[tuple[str, str]]) -> None:
        """See to it that campaigns have the statuses that (campaign, our status) pairs name."""
        campaigns = {campaign for campaign, ours in wanted if campaign and ours in self.labels}
        self.learn(campaigns)
        missing = [
            pair
            for pair in dict.fromkeys(wanted)
            if pair[1] in self.labels and self.label(*pair) is None and pair[0] in self._known
        ]
        if missing and self._may_create():
            self._create(missing)

    def learn(self, campaigns: Set[str]) -> None:
        """See which statuses campaigns have, once."""
        self._learn(sorted(campaigns - self._known.keys()))

    def label(self, campaign: str, ours: str) -> str | None:
        """The campaign's own label of our status; None where it has none for it."""
        label = self.labels.get(ours, "")
        held = {one.lower(): one for one in self._known.get(campaign, ())}
        return held.get(label.lower())

    def meaning(self, campaign: str, ours: str) -> str | None:
        """The label that our status has there: one that has none of its own is the default."""
        return self.label(campaign, ours) if ours in self.labels else self._defaults.get(campaign)

    def _learn(self, campaigns: Sequence[str]) -> None:
        for part in soql.parts(campaigns, soql.LONGEST - 200):
            fields = ["CampaignId", "Label", "IsDefault"]
            text = soql.select(fields, STATUS, soql.among("CampaignId", part))
            for campaign in part:
                self._known.setdefault(campaign, set())
            for record in self.client.records(text):
                campaign, label = str(record["CampaignId"]), str(record["Label"])
                self._known.setdefault(campaign, set()).add(label)
                if record.get("IsDefault"):
                    self._defaults[campaign] = label

    def _may_create(self) -> bool:
        described = self.client.describe(STATUS)
        return described is not None and bool(described.get("createable"))

    def _create(self, missing: Sequence[tuple[str, str]]) -> None:
        """Give campaigns statuses; one that could not be had is simply not known afterwards."""
        for at in range(0, len(missing), 200):
            part = missing[at : at + 200]
            records = [
                {
                    "attributes": {"type": STATUS},
                    "CampaignId": campaign,
                    "Label": self.labels[ours],
                    "HasResponded": ours in RESPONDED,
                }
                for campaign, ours in part
            ]
            document = {"allOrNone": False, "records": records}
            # ONCE: what a lost answer did is read anew when the members are sent again
            self.client.send("POST", "composite/sobjects", document, Effect.ONCE)
        campaigns = sorted({campaign for campaign, _ in missing})
        self._learn(campaigns)
