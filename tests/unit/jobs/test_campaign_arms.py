"""A campaign's arms are drawn evenly among each rep's customers, once, and stay."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from crmbridge.clock import StandingClock
from crmbridge.jobs.campaigning.choosing import IN, OUT, Chosen, SeenMembers, choose_all
from crmbridge.jobs.campaigning.running import Campaign
from crmbridge.jobs.territory.planning import Made
from crmbridge.push.desired import SeenMember
from crmbridge.settings import CampaignSettings
from crmbridge.store.campaigns import Candidate, load_candidates

SPRING = Campaign(
    name="spring",
    settings=CampaignSettings.model_validate({
        "goal": {"metric": "responses", "value": 5, "by": date(2026, 12, 31)}, "holdout": 0.5,
    }),
    connection="sales",
    object="",
    member_object="campaign_members",
    id="c1",
)  # fmt: skip


def people(shop: Any, count: int) -> None:
    shop.hold("customers", *({"id": f"a{n}", "owner_id": f"r{n % 3}"} for n in range(count)))
    shop.hold("contacts", *({"id": f"p{n}", "customer_id": f"a{n}", "email": f"p{n}@x.example"}
                            for n in range(count)))  # fmt: skip


def choose(shop: Any, seen: SeenMembers | None = None) -> Chosen:
    (chosen,) = choose_all(shop.space, [SPRING], Made.nothing(), seen or {})
    return chosen


def ledger(shop: Any) -> dict[str, Candidate]:
    with shop.space.store.read() as tx:
        return {one.key.id: one for one in load_candidates(tx, "spring")}


def allowing(open_shop: Any) -> Any:
    return open_shop('\n[consent.unknown]\nemail = "allow"\n')


def test_each_reps_customers_are_held_out_by_the_share(open_shop: Any) -> None:
    shop = allowing(open_shop)
    people(shop, 24)  # 8 of each of three reps

    choose(shop)

    counts = Counter((int(id_[1:]) % 3, one.arm) for id_, one in ledger(shop).items())
    assert counts == {(rep, arm): 4 for rep in range(3) for arm in (IN, OUT)}


def test_who_has_an_arm_keeps_it_when_people_come_and_members_are_in(open_shop: Any) -> None:
    shop = allowing(open_shop)
    people(shop, 24)
    first = choose(shop)
    before = ledger(shop)
    people(shop, 60)
    held = {
        ("sales", "c1", "contact_id", one.person.id): SeenMember(id="m", object="", is_ours=True)
        for one in first.members
    }
    later = StandingClock(shop.space.clock.now() + timedelta(days=1))

    choose(replace(shop, space=replace(shop.space, clock=later)), held)

    after = ledger(shop)
    assert {id_: after[id_].arm for id_ in before} == {i: one.arm for i, one in before.items()}
    assert all(after[id_].decided_at == one.decided_at for id_, one in before.items())
    assert {after[one.person.id].reason for one in first.members} == {"member"}
    assert Counter(one.arm for one in after.values()) == {IN: 30, OUT: 30}
