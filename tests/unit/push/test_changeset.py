"""A changeset is refused when a byte of its file, its store or its organisation differs."""

import math
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmbridge.adapters import Operation
from crmbridge.errors import RefusedError, StorageError
from crmbridge.push.changeset import (
    Change,
    Changeset,
    GuardVerdict,
    Item,
    load,
    named,
    parse,
    render,
    save,
)
from crmbridge.push.values import canonical, is_same, plain

ORGANISATIONS = {"sales": "org-1"}


def an_item(name: str = "i1", after: object = 71.5) -> Item:
    return Item(
        item=name,
        connection="sales",
        object="Account",
        id="A1",
        operation=Operation.UPDATE,
        changes=(Change(field="Score", before=None, after=after),),
        version="7",
        parent="A1",
        reason="no visit for 40 days",
    )


def a_changeset(*items: Item) -> Changeset:
    verdict = GuardVerdict(
        guard="changes", connection="sales", object="Account", field="Score", count=1, total=9
    )
    return named(
        Changeset(
            id="",
            created_at=datetime(2026, 3, 2, 8, tzinfo=UTC),
            epoch="e1",
            organisations=ORGANISATIONS,
            items=items or (an_item(),),
            guards=(verdict,),
            api_calls={"sales": 1},
        )
    )


def test_a_file_gives_back_what_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "changeset.jsonl"
    changeset = a_changeset(an_item(), an_item("i2", "Müller\r\n=1+1"))

    save(changeset, path)

    assert load(path, epoch="e1", organisations=ORGANISATIONS) == changeset
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_but_the_changeset_is_left_after_saving(tmp_path: Path) -> None:
    save(a_changeset(), tmp_path / "changeset.jsonl")

    assert [path.name for path in tmp_path.iterdir()] == ["changeset.jsonl"]


@pytest.mark.parametrize(
    "alter",
    [
        lambda data: data.replace(b"71.5", b"99.5"),
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: data + b"\n",
        lambda data: data.replace(b'"before":null', b'"before": null'),
        lambda data: b"",
        lambda data: b"\xff\xfe",
        lambda data: b"[" * 100_000,
        lambda data: data.replace(b"71.5", b"NaN"),
        lambda data: b"\n".join(reversed(data.split(b"\n"))),
    ],
    ids=[
        "value edited",
        "line ends changed",
        "cut short",
        "last line feed gone",
        "line added",
        "blanks added",
        "empty",
        "not text",
        "deep nesting",
        "not a number",
        "lines turned round",
    ],
)
def test_an_altered_file_is_refused(alter: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "changeset.jsonl"
    path.write_bytes(alter(render(a_changeset())))

    with pytest.raises(RefusedError, match="a changeset as it was written"):
        load(path, epoch="e1", organisations=ORGANISATIONS)


@given(position=st.integers(min_value=0), byte=st.integers(min_value=0, max_value=255))
def test_no_single_byte_can_change(position: int, byte: int) -> None:
    data = bytearray(render(a_changeset()))
    position %= len(data)
    if data[position] == byte:
        return
    data[position] = byte

    with pytest.raises(RefusedError):
        parse(bytes(data))


def test_a_changeset_of_another_organisation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "changeset.jsonl"
    save(a_changeset(), path)

    with pytest.raises(RefusedError, match="this is another account"):
        load(path, epoch="e1", organisations={"sales": "org-2"})


def test_a_changeset_of_another_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "changeset.jsonl"
    save(a_changeset(), path)

    with pytest.raises(RefusedError, match="store epoch e2"):
        load(path, epoch="e2", organisations=ORGANISATIONS)


def test_a_missing_file_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        load(tmp_path / "none", epoch="e1", organisations=ORGANISATIONS)


def test_digest_covers_the_order_of_items() -> None:
    there, back = (an_item("i1"), an_item("i2")), (an_item("i2"), an_item("i1"))

    assert a_changeset(*there).digest != a_changeset(*back).digest


def test_equal_content_gives_equal_ids() -> None:
    assert a_changeset().id == a_changeset().id
    assert a_changeset().id != named(replace(a_changeset(), epoch="e2")).id


def test_diff_shows_one_row_per_field() -> None:
    document = a_changeset().to_json()

    assert document["items"] == [
        {
            "connection": "sales",
            "object": "Account",
            "id": "A1",
            "key": "",
            "op": "update",
            "field": "Score",
            "before": None,
            "after": 71.5,
            "reason": "no visit for 40 days",
        }
    ]
    assert document["api_calls"] == {"sales": 1}


@pytest.mark.parametrize("value", [math.nan, math.inf, datetime(2026, 1, 1), "\ud800", object()])
def test_a_value_that_no_crm_can_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the message differs by kind
        plain(value)


def test_canonical_json_refuses_not_a_number() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical({"score": math.nan})


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (None, "", True),
        ("  ", None, True),
        (0, None, False),
        (0.1 + 0.2, 0.3, True),
        (70, 70.0, True),
        (70, "70", False),
        (True, 1, True),
        (False, None, False),
        ("a", "A", False),
        (["a"], ["a"], True),
    ],
)
def test_values_that_mean_the_same_are_the_same(
    left: object, right: object, expected: bool
) -> None:
    assert is_same(left, right) is expected
