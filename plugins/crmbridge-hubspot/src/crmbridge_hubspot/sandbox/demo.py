"""Fills a made-up account with the demo's company, and says how to work with it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from crmbridge.testing.demo_data import DEFAULT_END, DemoData, generate
from crmbridge_hubspot.sandbox.truth import Account, Clock

Row = Mapping[str, Any]
Ids = dict[str, str]

CUSTOM = {
    "latitude": "number", "longitude": "number", "visit_class": "string", "visit_zone": "string",
    "opening_hours": "string", "visit_interval_days": "number", "visit_minutes": "number",
    "market_segment": "string", "customer_number": "string",
    "segment_tag": "string", "visit_score": "number", "visit_reasons": "string",
}  # fmt: skip
"""Properties of companies that the demo's administrator made."""

KEY = "crmbridge_visit_key"


def load_demo(account: Account, end: date = DEFAULT_END) -> None:
    """Put the demo's company into an account, as if it had been there since the day before.

    The account's clock stands at six in the morning of the demo's day, and goes on by what is done.
    """
    account.clock = Clock(
        datetime.combine(end, time(6), UTC) - timedelta(days=2), timedelta(milliseconds=1)
    )
    _Loader(account, generate(end=end)).load()
    account.clock = Clock(datetime.combine(end, time(6), UTC))


class _Loader:
    def __init__(self, account: Account, data: DemoData) -> None:
        self._account = account
        self._data = data
        self._owners: Ids = {}
        self._companies: Ids = {}
        self._contacts: Ids = {}

    def load(self) -> None:
        for name, type_ in CUSTOM.items():
            self._account.define("companies", name, type=type_)
        self._account.define("meetings", KEY, hasUniqueValue=True)
        self._load_owners()
        self._load_companies()
        self._load_contacts()
        for row in self._rows("activities"):
            self._load_activity(row)
        self._load_sales()
        self._load_lists()

    def _rows(self, name: str) -> Iterator[Row]:
        table = self._data.tables[name]
        for row in table.rows:
            yield dict(zip(table.header, row, strict=True))

    def _load_owners(self) -> None:
        for row in self._rows("reps"):
            id_ = self._owners[row["id"]] = self._account.next_id()
            first, _, last = str(row["name"]).partition(" ")
            self._account.owners[id_] = {
                "id": id_,
                "email": row["email"],
                "firstName": first,
                "lastName": last,
                "archived": False,
                "teams": [{"id": "1", "name": row["team"], "primary": True}],
                "createdAt": "2024-01-01T00:00:00Z",
                "updatedAt": "2024-01-01T00:00:00Z",
            }

    def _load_companies(self) -> None:
        stages = {"active": "customer", "lapsed": "other", "closed": "other"}
        for row in self._rows("customers"):
            self._companies[row["id"]] = self._account.put(
                "companies",
                {
                    "name": row["name"],
                    "hubspot_owner_id": self._owners.get(row["owner_id"]),
                    "address": row["street"],
                    "zip": row["postcode"],
                    "city": row["city"],
                    "state": row["region"],
                    "country": row["country"],
                    "phone": row["phone"],
                    "industry": row["industry"],
                    "annualrevenue": row["revenue"],
                    "numberofemployees": row["employees"],
                    "lifecyclestage": stages.get(row["status"], "lead"),
                    "latitude": row["latitude"],
                    "longitude": row["longitude"],
                    "visit_class": row["class"],
                    "visit_zone": row["zone"],
                    "opening_hours": row["opening"],
                    "visit_interval_days": row["visit_interval_days"],
                    "visit_minutes": row["visit_minutes"],
                    "market_segment": row["segment"],
                    "customer_number": row["number"],
                },
            )

    def _load_contacts(self) -> None:
        denied = {
            row["contact_id"]
            for row in self._rows("consents")
            if row["channel"] == "email" and row["state"] == "denied"
        }
        for row in self._rows("contacts"):
            id_ = self._contacts[row["id"]] = self._account.put(
                "contacts",
                {
                    "firstname": row["first_name"],
                    "lastname": row["last_name"],
                    "email": row["email"],
                    "phone": row["phone"],
                    "jobtitle": row["role"],
                    "hubspot_owner_id": self._owners.get(row["owner_id"]),
                    "hs_email_optout": "true" if row["id"] in denied else None,
                },
            )
            self._link("contacts", id_, row["customer_id"], None, 279)

    def _load_activity(self, row: Row) -> None:
        make = _ACTIVITIES.get(row["kind"])
        if make is None:
            return
        object_, values = make(row)
        values["hs_timestamp"] = _utc(row["start_at"])
        values["hubspot_owner_id"] = self._owners.get(row["rep_id"])
        id_ = self._account.put(object_, values)
        self._link(object_, id_, row["customer_id"], row["contact_id"])

    def _link(self, object_: str, id_: str, customer: Any, contact: Any, type_: int = 0) -> None:
        if customer in self._companies:
            self._account.link(object_, id_, "companies", self._companies[customer], type_)
        if contact in self._contacts:
            self._account.link(object_, id_, "contacts", self._contacts[contact])

    def _load_sales(self) -> None:
        for row in self._rows("products"):
            values = {"name": row["name"], "hs_sku": row["sku"], "price": row["list_price"],
                      "hs_product_type": row["family"]}  # fmt: skip
            self._account.put("products", values)
        for row in self._rows("deals"):
            id_ = self._account.put(
                "deals",
                {
                    "dealname": row["name"],
                    "dealstage": row["stage"],
                    "amount": row["amount"],
                    "hubspot_owner_id": self._owners.get(row["owner_id"]),
                    "createdate": row["opened_on"],
                    "closedate": row["closed_on"],
                    "hs_is_closed": row["closed"],
                    "hs_is_closed_won": row["won"],
                },
            )
            self._link("deals", id_, row["customer_id"], None)

    def _load_lists(self) -> None:
        lists = {
            row["id"]: self._account.add_list(str(row["name"])) for row in self._rows("campaigns")
        }
        for row in self._rows("campaign_members"):
            if row["campaign_id"] in lists and row["contact_id"] in self._contacts:
                members = self._account.lists[lists[row["campaign_id"]]].members
                members[self._contacts[row["contact_id"]]] = self._account.clock.step()


def _meeting(row: Row) -> tuple[str, dict[str, Any]]:
    outcomes = {"planned": "SCHEDULED", "missed": "NO_SHOW", "cancelled": "CANCELED"}
    return "meetings", {
        "hs_meeting_title": row["subject"],
        "hs_meeting_location": row["location"],
        "hs_meeting_start_time": _utc(row["start_at"]),
        "hs_meeting_end_time": _utc(row["end_at"]),
        "hs_meeting_outcome": outcomes.get(row["status"], "COMPLETED"),
    }


def _call(row: Row) -> tuple[str, dict[str, Any]]:
    direction = "INBOUND" if row["direction"] == "in" else "OUTBOUND"
    return "calls", {"hs_call_title": row["subject"], "hs_call_direction": direction}


def _email(row: Row) -> tuple[str, dict[str, Any]]:
    direction = "INCOMING_EMAIL" if row["direction"] == "in" else "EMAIL"
    return "emails", {"hs_email_subject": row["subject"], "hs_email_direction": direction}


_ACTIVITIES = {"visit": _meeting, "meeting": _meeting, "call": _call, "email": _email}


def _utc(text: Any) -> str | None:
    """A time as the account writes it."""
    if not text:
        return None
    at = datetime.fromisoformat(str(text)).astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.000Z"


DEMO_TOML = """\
# The demo over HubSpot: a made-up company in a sandbox, and the whole way from pull to push.

[store]
url = "sqlite:///demo.db"

[connections.demo]
adapter = "hubspot"
url = "{url}"
auth = {{ access_token = {{ env = "HUBSPOT_TOKEN" }} }}   # pat-sandbox
currency = "EUR"
searches_per_second = 0                  # a sandbox has no limits

[connections.demo.mapping.customers.companies]   # properties that the demo's account has of its own
class = "visit_class"
latitude = "latitude"
longitude = "longitude"
zone = "visit_zone"
opening = "opening_hours"
visit_interval_days = "visit_interval_days"
visit_minutes = "visit_minutes"
segment = "market_segment"
number = "customer_number"

[connections.demo.write]
visits = true
segment = "segment_tag"
score = "visit_score"
reasons = "visit_reasons"
first_fill = "allow"

[consent.unknown]
visit = "allow"
call = "allow"
email = "deny"

[planning]
horizon_days = 14
iterations_per_rep = 5000
seed = 1

[planning.rep_defaults]
zone = "Europe/Berlin"
days = ["mon", "tue", "wed", "thu", "fri"]
start = 08:00:00
end = 17:00:00
lunch = {{ at = 12:00:00, minutes = 45 }}

[planning.classes.A]
every_days = 14
minutes = 60

[planning.classes.B]
every_days = 28
minutes = 45

[planning.classes.C]
every_days = 56
minutes = 30

[jobs.demo]
connections = ["demo"]
steps = ["pull", "analyze", "plan", "push"]
push = "review"
"""
"""A configuration for the demo's account; ``url`` is to be filled in."""
