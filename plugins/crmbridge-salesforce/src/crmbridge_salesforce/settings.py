"""What a user may set on a connection to Salesforce."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

CustomField = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*__c$")]


class SalesforceSettings(BaseModel):
    """The connection's own keys.

    ``api_version`` is the REST API's; ``key_field`` the external-id field of Event, Task and
    Campaign that holds our key. From ``bulk_from`` records on, a window is read by Bulk API 2.0; 0
    never does. ``exact`` writes accounts one by one, under the condition that nobody changed them
    since they were compared. ``member_status`` says which status of a campaign's members stands for
    which of ours; a status that is not named is left to the campaign's default.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_version: Annotated[str, Field(pattern=r"^[3-9]\d\.0$")] = "62.0"
    key_field: CustomField = "crmbridge_key__c"
    bulk_from: Annotated[int, Field(ge=0)] = 10_000
    exact: bool = False
    member_status: dict[str, str] = Field(
        default_factory=lambda: {"sent": "Sent", "responded": "Responded"}
    )
