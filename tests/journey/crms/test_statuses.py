"""A campaign's members follow the status that its settings name, in each CRM's own words."""

from typing import Any

SPRING = """
[campaigns.spring]
title = "Spring offer"
goal = { metric = "responses", value = 50, by = 2026-12-31 }
status = "added"

[consent.unknown]
"""
SOON, TUESDAY, WEDNESDAY = (
    "2026-11-02T06:20:00Z",
    "2026-11-03T06:00:00Z",
    "2026-11-04T06:00:00Z",
)
OWN = {
    "salesforce": 'member_status = { sent = "Mailed", responded = "Responded" }\n',
    "hubspot": 'member_status = "campaign_status"\n',
}


def test_who_was_added_is_set_to_sent_once_the_campaign_was(office: Any) -> None:
    office.desk.configure("[consent.unknown]\n", SPRING)
    office.desk.configure('email = "deny"', 'email = "allow"')
    office.desk.configure("visits = true", "campaigns = true\nmembers = true\n")
    adapter = f'adapter = "{office.name}"\n'
    office.desk.configure(adapter, adapter + OWN[office.name])
    if office.name == "hubspot":
        office.crm.account.define("contacts", "campaign_status")
    first, second = office.crm.add_people(["a@x.example", "b@x.example"])
    office.change()
    office.desk.configure('status = "added"', 'status = "sent"')
    office("run", "--json", now=SOON)
    shown = office("diff", "--json", now=SOON).json
    people_set = [row for row in shown["items"] if row["op"] == "set_member"]
    give(office, second, "responded")

    pushed = office("push", shown["changeset"], "--json", now=SOON).json
    later = office.change(now=TUESDAY)
    again = office.change(now=WEDNESDAY)

    assert {(row["field"], row["before"], row["after"]) for row in people_set} == {
        ("status", "added", "sent")
    }
    assert pushed["outcomes"]["conflict"] == 1
    held = statuses(office)
    assert held[first] in {"Mailed", "sent"}
    assert held[second] in {"Responded", "responded"}
    assert not later["outcomes"].get("conflict")
    assert not again["changeset"].get("update")


def give(office: Any, contact: str, status: str) -> None:
    """A person gives a member a status."""
    if office.name == "hubspot":
        office.crm.account.edit("contacts", contact, {"campaign_status": status})
        return
    mine = [
        i for i, m in office.crm.org.held("CampaignMember").items() if m["ContactId"] == contact
    ]
    values = {"Status": "Responded", "HasResponded": True}
    office.crm.org.edit("CampaignMember", mine[0], values)


def statuses(office: Any) -> dict[str, str]:
    """contact -> status that the CRM shows."""
    members: dict[str, str] = office.crm.members("Spring offer")
    if office.name == "hubspot":
        held = office.crm.account.held("contacts")
        return {one: held[one].get("campaign_status") for one in members}
    return members
