from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crmbridge.engine.campaigns import (
    CampaignParameters,
    Excluded,
    Members,
    choose_members,
)
from crmbridge.errors import ConfigError


def person(key: str, **more: Any) -> dict[str, Any]:
    row = {"id": key, "customer_id": f"c{key}", "address": f"{key}@x.example", "allowed": 1}
    return {**row, "score": 0.5, **more}


def choose(*people: dict[str, Any], previous: Any = None, **more: Any) -> Members:
    frame = pd.DataFrame(people).set_index("id")
    return choose_members(frame, CampaignParameters(name="spring", **more), previous)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"allowed": 0}, Excluded.OPTED_OUT),
        ({"allowed": None}, Excluded.OPTED_OUT),
        ({"address": ""}, Excluded.NO_ADDRESS),
        ({"address": "1@X.example "}, Excluded.DUPLICATE),
        ({"customer_id": "c1"}, Excluded.OTHER_CONTACT),
        ({"is_member": 1}, Excluded.MEMBER),
        ({"last_contact_days": 3.0}, Excluded.RECENT),
        ({"contacts_28": 4}, Excluded.PRESSURE),
        ({"score": 0.1}, Excluded.LOW_SCORE),
        ({"score": 0.3}, Excluded.FULL),
    ],
)
def test_everybody_left_out_has_a_reason(more: dict[str, Any], reason: Excluded) -> None:
    found = choose(
        person("1", score=0.9),
        person("2", **more),
        size=1 if reason is Excluded.FULL else None,
        least_score=0.2,
        quiet_days=7,
        most_contacts=4,
    )

    assert list(found.chosen.index) == ["1"]
    assert found.ledger() == {reason: 1}


def crowd(count: int = 400) -> list[dict[str, Any]]:
    generator = np.random.default_rng(2)
    return [
        person(
            f"{i:04}",
            customer_id=f"c{i // 2}",
            score=float(generator.random()),
            allowed=int(generator.random() < 0.8),
            contacts_28=int(generator.integers(0, 6)),
        )
        for i in range(count)
    ]


def test_the_ledger_sums_to_all_who_are_not_in() -> None:
    found = choose(*crowd(), size=50, most_contacts=5, least_score=0.2)

    assert len(found.chosen) == 50
    assert sum(found.ledger().values()) == 350


def test_the_order_of_people_changes_nothing() -> None:
    people = crowd()

    forward, backward = choose(*people, size=50), choose(*people[::-1], size=50)

    pd.testing.assert_frame_equal(forward.chosen, backward.chosen)
    pd.testing.assert_frame_equal(forward.excluded, backward.excluded)


def test_more_people_move_nobody_to_another_arm() -> None:
    few = choose(*crowd(100)).chosen
    drawn = dict(zip(few["customer_id"], few["arm"], strict=True))

    many = choose(*crowd(400), previous=drawn).chosen["arm"]

    common = few.index.intersection(many.index)
    assert (few["arm"][common] == many[common]).all()
    assert len(common) > 20


def test_each_reps_arms_are_filled_to_within_one() -> None:
    people = [person(f"{at:03}", rep=f"r{at % 7}") for at in range(140)]  # 20 of each rep

    chosen = choose(*people, arms={"control": 1, "mail": 3}).chosen

    counts = Counter((int(str(key)) % 7, arm) for key, arm in chosen["arm"].items())
    assert all(abs(counts[rep, "mail"] - 15) <= 1 for rep in range(7))


def test_another_campaign_draws_anew() -> None:
    frame = pd.DataFrame([person(str(at)) for at in range(100)]).set_index("id")

    arms = [
        choose_members(frame, CampaignParameters(name=name)).chosen["arm"].sort_index()
        for name in ("spring", "autumn")
    ]

    assert 30 <= (arms[0] == arms[1]).sum() <= 70


def test_the_contact_of_the_first_rank_is_chosen() -> None:
    found = choose(person("1", customer_id="c", rank=2), person("2", customer_id="c", rank=1))

    assert list(found.chosen.index) == ["2"]


def test_a_customer_with_a_member_gets_no_second() -> None:
    found = choose(
        person("1", customer_id="c", score=0.9), person("2", customer_id="c", is_member=1)
    )

    assert found.ledger() == {Excluded.OTHER_CONTACT: 1, Excluded.MEMBER: 1}


def test_nobody_is_no_campaign() -> None:
    found = choose_members(pd.DataFrame(), CampaignParameters(name="spring"))

    assert found.chosen.empty
    assert found.ledger() == {}


def test_an_arm_without_a_share_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"campaign\.arms"):
        CampaignParameters(name="spring", arms={"control": 0.0})


def test_the_held_out_are_told_and_take_their_customers_place() -> None:
    people = [person(f"{at:03}", customer_id=f"c{at // 2}") for at in range(400)]

    found = choose(*people, arms={"in": 0.8, "out": 0.2}, held_out="out")

    ledger = found.ledger()
    assert set(found.chosen["arm"]) == {"in"}
    assert 20 <= ledger[Excluded.HOLDOUT] <= 60  # a fifth of 200 customers
    assert len(found.chosen) + sum(ledger.values()) == 400
    assert ledger[Excluded.OTHER_CONTACT] == 200  # nobody is reached in a held-out one's stead
