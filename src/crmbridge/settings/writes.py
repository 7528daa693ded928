"""What the configuration lets crmbridge write, and when it stops to ask."""

from typing import Any, Literal

from pydantic import Field, field_validator

from crmbridge.settings.table import (
    Amount,
    Count,
    Email,
    Listed,
    Share,
    Table,
    expected,
)


class WriteLimits(Table):
    """When a changeset stops until a person has accepted exactly its number of changes."""

    changes: Count = 500
    "Most values already set that one changeset may change or clear, per object and field."
    share: Share = 0.10
    "The largest share of an object's values of one field that it may change or clear."


class WriteSettings(Table):
    """What may be written; what is not named here cannot be, by core or plugin."""

    visits: bool | Listed[Email] = False
    "Visits: of all reps, or of those in a list."
    visit_object: str = ""
    "The object that visits are written as; by default what the adapter proposes."
    campaigns: bool = False
    "Starts campaigns."
    members: bool = False
    "Adds and removes campaign members that crmbridge added."
    tasks: bool = False
    "Writes the tasks that follow a campaign's responses and visits."
    segment: str = ""
    "The customer's field that holds its segment."
    score: str = ""
    "The customer's field that holds its visit score."
    reasons: str = ""
    "The customer's field that holds the reasons."
    score_step: Amount = 15
    "Points of 100 by which a score must have moved before it is written again."
    first_fill: Literal["ask", "allow"] = "ask"
    "Filling a field that is empty everywhere stops once to ask, or is allowed."
    clear: bool = False
    "Lets an empty value clear a field."
    limits: WriteLimits = Field(default_factory=WriteLimits)
    "The guards."

    @field_validator("visits", mode="before")
    @classmethod
    def _visits(cls, value: Any) -> Any:
        if isinstance(value, bool | list | tuple):
            return value
        raise expected("true, false or a list of e-mail addresses")
