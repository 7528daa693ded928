"""What analyses found of a customer is shown, and told to the rep before a visit."""

from typing import Any

from crmbridge.jobs.analysis.customers import analyse
from crmbridge.jobs.analysis.preferences import Preference
from crmbridge.jobs.showing.explaining import explain_record
from crmbridge.jobs.territory.briefs import brief_of, talk_lines
from crmbridge.records import RecordKey
from crmbridge.store.identities import Identity, LinkState, save_identities
from crmbridge.store.offers import Offer

KEY = RecordKey("sales", "customers", "a")


def test_show_tells_chances_talk_preference_and_other_records(shop: Any) -> None:
    shop.hold("customers", {"id": "a", "name": "Acme"})
    shop.hold("needs", {"customer_id": "a", "family": "cups", "strength": 0.7, "met": 0})
    shop.hold("activities", *({"kind": "call", "direction": "in", "customer_id": "a",
                               "start_at": shop.at(7 * week)} for week in (1, 2, 3)))  # fmt: skip
    other = Identity(left=KEY, right=RecordKey("shop", "c", "9"), probability=1,
                     state=LinkState.LINKED, found_at=0)  # fmt: skip
    with shop.space.store.write() as tx:
        save_identities(tx, [other])
    analyse(shop.space, "sales", ("sales",))

    found = explain_record(shop.space, "sales/customers/a")

    assert found["talk_about"] == ["cups (open need on record)"]
    assert found["preference"]["channel"] == "call; 3 responses to 3 contacts"
    assert found["preference"]["hour"] == "8 to 9"
    assert "50 of each are the least" in found["chances"]["order after a visit"]
    assert found["same_customer"] == ["shop/c/9"]


def test_show_says_what_is_not_known_yet(shop: Any) -> None:
    shop.hold("customers", {"id": "a"})

    found = explain_record(shop.space, "sales/customers/a")

    assert set(found["chances"].values()) == {"not analysed yet"}
    assert found["preference"] == {"known": "too few responses to tell"}
    assert "same_customer" not in found


def test_a_brief_says_what_to_talk_about_and_how_they_respond() -> None:
    offer = Offer(key=KEY, rank=1, product="cups", why="open need on record", model="m")
    habit = Preference(channel="call", weekday=0, hour=8, responses=3)

    brief = brief_of({"segment": None, "industry": None, "region": None}, (), "", (), (), None,
                     talk_lines([offer], habit))  # fmt: skip

    assert brief == (
        "Talk about: cups (open need on record)",
        "Responds best by call on Monday about 8:00",
    )
