"""What the configuration says of campaigns: what for, for whom, at what cost, and what follows."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from crmbridge.settings.table import Amount, Count, Listed, NonEmpty, Positive, Share, Table

After = Literal["response", "visit"]


class GoalSettings(Table):
    """What a campaign is to bring about, and by when."""

    metric: Literal["responses", "conversions", "visits", "orders", "amount"] = "responses"
    "What is counted: members who responded or converted, their visits or orders, money."
    value: Annotated[float, Field(gt=0)]
    "How much of it."
    by: date
    "The day by which."


class FollowUpSettings(Table):
    """What a response or a finished visit leads to: one task for the customer's rep."""

    after: Listed[After] = ()
    "What a task follows: response, visit."
    days: Count = 3
    "Days after it on which the task is due."
    subject: str = "Follow up"
    "What the task is called, before the campaign's name."


class CampaignSettings(Table):
    """One campaign. Members are added and kept; the CRM itself, or people, do the rest."""

    goal: GoalSettings
    "What it is to bring about."
    connection: str = ""
    "The connection that it runs in; the only one that may write campaigns by default."
    title: str = ""
    "Its name in the CRM; by default that of its table."
    id: str = ""
    "A campaign or list of the CRM that is there already; by default one is started."
    channel: Literal["email", "call", "visit"] = "email"
    "How its members are reached; they must have allowed that."
    starts_on: date | None = None
    "The first day on which members are added."
    segments: Listed[NonEmpty] = ()
    "Only customers of these segments, by name or id."
    least_score: Share = 0.0
    "Only customers whose score is at least this."
    size: Positive | None = None
    "Most members."
    budget: Amount = 0.0
    "Money there is, in the CRM's currency; 0 for no limit."
    cost_each: Amount = 0.0
    "Money that one member costs."
    rep_hours: Amount = 0.0
    "Hours that reps have for it; 0 for no limit."
    minutes_each: Amount = 0.0
    "Minutes of a rep that one member takes."
    quiet_days: Count = 0
    "Days since the last contact, at least."
    holdout: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    "Share of those who fit that is left out, to measure what the campaign does."
    status: Literal["added", "sent"] = "added"
    "Status of a member when added."
    follow_up: FollowUpSettings = Field(default_factory=FollowUpSettings)
    "What follows."


Campaigns = Mapping[str, CampaignSettings]
