"""The example configurations over real files: every record comes, and every trap is told."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

Config = Callable[[str], Path]


@pytest.fixture(scope="module")
def maven(pull: Any, shared_config: Config) -> Any:
    """Maven's files, pulled once for the tests that only look."""
    return pull(shared_config("maven"))


def read(pulled: Any) -> dict[str, int]:
    return {stream: counts["read"] for stream, counts in pulled.counts.items() if counts["read"]}


def test_maven_comes_whole(maven: Any) -> None:
    assert maven.exit_code == 0
    assert read(maven) == {"customers": 85, "deals": 8_800, "products": 7, "reps": 35}
    assert maven.ask("SELECT count(*), sum(won), sum(closed) FROM deals") == [
        (8_800, 4_238, 4_238 + 2_473)
    ]


def test_maven_days_are_read_as_its_format_says(maven: Any) -> None:
    query = "SELECT opened_on, closed_on, amount FROM deals WHERE id = '1C1I7A6R'"
    assert maven.ask(query) == [("2016-10-20", "2017-03-01", 1054.0)]


def test_maven_deals_without_an_account_are_told_and_kept(maven: Any) -> None:
    assert maven.findings["reference.empty"][0] == 1_425
    assert maven.ask("SELECT count(*) FROM deals WHERE customer_id IS NULL") == [(1_425,)]


def test_maven_names_the_product_that_gtxpro_must_be(maven: Any) -> None:
    count, example = maven.findings["reference.unknown"]
    assert (count, "'GTXPro'" in example) == (1_480, True)


def test_maven_accounts_belong_to_the_agent_of_their_latest_deal(maven: Any) -> None:
    # Each account's deal with the latest engage_date, ties by the highest opportunity_id.
    expected = maven.ask(
        "SELECT customer_id, owner_id FROM (SELECT *, row_number() OVER (PARTITION BY customer_id"
        " ORDER BY opened_on IS NULL, opened_on DESC, id DESC) AS place FROM deals"
        " WHERE customer_id IS NOT NULL) WHERE place = 1 ORDER BY customer_id"
    )
    owners = maven.ask("SELECT id, owner_id FROM customers ORDER BY id")
    assert owners == expected
    assert len({owner for _, owner in owners}) == 27


def test_maven_pulled_again_changes_nothing(pull: Any, shared_config: Config) -> None:
    config = shared_config("maven")
    pull(config)

    again = pull(config)

    assert again.exit_code == 0
    assert {(one["new"], one["changed"], one["deleted"]) for one in again.counts.values()} == {
        (0, 0, 0)
    }


def test_hillstrom_comes_with_its_three_arms(pull: Any, shared_config: Config) -> None:
    pulled = pull(shared_config("hillstrom"))

    arms = pulled.ask(
        "SELECT arm, count(*), sum(responded), sum(converted) FROM campaign_members"
        " GROUP BY arm ORDER BY arm"
    )
    assert [(arm, count) for arm, count, _, _ in arms] == [
        ("Mens E-Mail", 21_307),
        ("No E-Mail", 21_306),
        ("Womens E-Mail", 21_387),
    ]
    assert pulled.counts["campaign_members"]["quarantined"] == 0
    assert (sum(row[2] for row in arms), sum(row[3] for row in arms)) == (9_394, 578)


def test_the_classic_files_become_one_customer_each(pull: Any, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config" / "classic", tmp_path / "classic")
    shutil.copy(ROOT / "config" / "classic.toml", tmp_path)

    pulled = pull(tmp_path / "classic.toml")

    assert read(pulled) == {"customers": 60, "market_facts": 60}
    assert pulled.findings["csv.id_missing"] == (1, "market_data.csv has no '1017'")
    query = "SELECT need, situation, feature, extra FROM customers WHERE id IN ('1001', '1017')"
    whole, without_market = pulled.ask(query)
    assert whole[:3] == (0.19, 0.64, 0.53)
    assert '"age":"28","education":"14","income":"31200"' in whole[3]
    assert without_market[1:3] == (None, 0.41)
