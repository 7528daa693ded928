"""What a user may set on a connection to HubSpot."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class HubspotSettings(BaseModel):
    """The connection's own keys; ``url``, ``auth`` and ``limits`` are the host's.

    ``search_page`` is how many records one search gives, at most 200: older accounts' documents
    say 100. ``searches_per_second`` is HubSpot's own limit for them, for all that use the account
    (its changelog says four); 0 is none. ``archived`` looks for archived records with every pull,
    so that deletions are known.

    ``new_options`` adds options that an enumeration lacks and a write needs. ``lists_of`` says what
    campaigns' lists are lists of. ``member_status`` names a property of contacts that a campaign
    member's status is written to and read from, "" for none. ``subscriptions`` are the ids of the
    subscription types whose statuses count as consent, where the object subscriptions is read; all
    if empty.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    search_page: Annotated[int, Field(ge=1, le=200)] = 100
    searches_per_second: Annotated[float, Field(ge=0)] = 4
    archived: bool = True
    new_options: bool = False
    lists_of: Literal["contacts", "companies"] = "contacts"
    member_status: Annotated[str, Field(pattern=r"^[a-z0-9_]*$")] = ""
    subscriptions: tuple[str, ...] = ()
