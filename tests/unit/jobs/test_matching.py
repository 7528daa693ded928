"""The same person is found twice as reliably as published, and nobody else is taken for them."""

import os
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("splink", reason="the extra `identity` is not installed")

from crmbridge.jobs.identity.matching import Likeness, MatchParameters, match

FOLDER = Path(__file__).parents[3] / "../shared/data/linkage"

PERSONS = MatchParameters(
    columns={
        "given_name": Likeness.NAME, "surname": Likeness.NAME, "date_of_birth": Likeness.CODE,
        "postcode": Likeness.CODE, "address_1": Likeness.TEXT, "suburb": Likeness.TEXT,
        "street_number": Likeness.CODE, "state": Likeness.WORD, "soc_sec_id": Likeness.CODE,
    },
    blocks=(
        ("given_name", "surname"), ("date_of_birth",), ("postcode", "surname"),
        ("postcode", "given_name"), ("suburb", "street_number"), ("address_1",),
        ("substr(surname, 1, 3)", "substr(given_name, 1, 3)"), ("soc_sec_id",),
    ),
    learned_on=(("date_of_birth",), ("given_name", "surname")),
    sure=(("given_name", "surname", "date_of_birth"), ("date_of_birth", "postcode")),
)  # fmt: skip


def people(name: str) -> pd.DataFrame:
    """One of febrl's two files, 5,000 persons each, by their record's name."""
    if not FOLDER.is_dir() and not os.environ.get("CI"):
        pytest.skip("the shared data are not beside the project")
    frame = pd.read_csv(FOLDER / name, skipinitialspace=True, dtype=str)
    frame.columns = frame.columns.str.strip()
    assert len(frame) == 5000
    return frame.set_index("rec_id")


def precision_and_recall(drop: tuple[str, ...] = ()) -> tuple[float, float]:
    """At a probability of .95; rec-12-org and rec-12-dup-0 are the same person."""
    left, right = people("dataset4a.csv"), people("dataset4b.csv")
    found = match(left.drop(columns=list(drop)), right.drop(columns=list(drop)), PERSONS)
    linked = found[found["probability"] >= 0.95]
    same = linked["left"].str.split("-").str[1] == linked["right"].str.split("-").str[1]
    return float(same.mean()), float(same.sum() / len(left))


def test_febrl4_is_linked_as_published() -> None:
    precision, recall = precision_and_recall()

    assert 2 * precision * recall / (precision + recall) >= 0.995


def test_febrl4_is_linked_without_the_social_number() -> None:
    precision, recall = precision_and_recall(drop=("soc_sec_id",))

    assert precision >= 0.998
    assert recall >= 0.965


def few(*rows: tuple[str, str, str | None], prefix: str) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["name", "postcode", "email"])
    return frame.set_axis([f"{prefix}{number}" for number in range(len(rows))])


SHOPS = MatchParameters(
    columns={"name": Likeness.NAME, "postcode": Likeness.CODE, "email": Likeness.CODE},
    blocks=(("name", "postcode"), ("email",), ("substr(name, 1, 4)",)),
    learned_on=(),
    sure=(),
)


def test_few_rows_are_matched_without_learning() -> None:
    left = few(("miller", "10115", "m@x.example"), ("smith", "20095", None), prefix="a")
    right = few(("smith", "80331", None), ("millar", "10115", "m@x.example"), prefix="b")

    found = match(left, right, SHOPS)

    best = found.iloc[0]
    assert (best["left"], best["right"]) == ("a0", "b1")
    assert best["probability"] > 0.95
    assert best["why"] == "name alike, postcode equal, email equal"
    assert (found["probability"].iloc[1:] < 0.5).all()


def test_tables_with_nothing_in_common_give_no_pairs() -> None:
    left = few(("miller", "10115", None), prefix="a")

    assert match(left, left.assign(name=None, postcode=None), SHOPS).empty
    assert match(left.iloc[:0], left, SHOPS).empty
