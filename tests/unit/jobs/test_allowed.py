"""Which fields of a visit are written."""

from collections.abc import Callable

import pytest

from crmbridge.jobs.workspace import Workspace
from crmbridge.jobs.writing.allowed import policy_of

HUBSPOT = """
[connections.crm]
adapter = "hubspot"
url = "http://127.0.0.1:9"
[connections.crm.write]
visits = true
"""
WITHOUT = "[connections.crm.streams.contacts]\ndisabled = true\n"


@pytest.mark.parametrize(("more", "has_contact"), [("", True), (WITHOUT, False)])
def test_a_contact_is_written_where_links_tell_of_it(
    space: Callable[..., Workspace], more: str, has_contact: bool
) -> None:
    """HubSpot's meetings have no field for it; without contacts no link is read."""
    with space(HUBSPOT + more).open("crm") as opened:
        fields = policy_of(opened).own["meetings"].fields

    assert ("contact_id" in fields) is has_contact
    assert "customer_id" not in fields
    assert {"start_at", "subject", "rep_id"} <= fields
