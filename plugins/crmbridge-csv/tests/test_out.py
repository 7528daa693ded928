"""What is written back, and how it stays harmless and whole."""

import stat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmbridge.adapters import Operation, Status, WriteItem
from crmbridge.errors import ConfigError, StorageError
from crmbridge_csv.join import Assembly, Source
from crmbridge_csv.out import OutFile, cell_of, guard, text_of, unguard

LEADS = st.sampled_from(["", " ", "\u3000", "'", "' ", "\ufeff"])
SIGNS = st.sampled_from("=+-@＝＋－＠")
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def update(id_: str, values: dict[str, Any], **more: Any) -> WriteItem:
    operation = more.pop("operation", Operation.UPDATE)
    return WriteItem(
        item=f"i{id_}", operation=operation, object="customers", id=id_, values=values, **more
    )


def visit(operation: Operation, key: str, **values: Any) -> WriteItem:
    is_new = operation is Operation.CREATE
    return WriteItem(
        item=f"v{key}",
        operation=operation,
        object="visits",
        key=key if is_new else "",
        id="" if is_new else key,
        values=values,
    )


def member(operation: Operation, campaign: str, contact: str) -> WriteItem:
    return WriteItem(
        item=f"{campaign}{contact}",
        operation=operation,
        object="campaign_members",
        values={"campaign_id": campaign, "contact_id": contact},
    )


@given(TEXTS)
def test_a_guarded_text_comes_back_as_it_was(text: str) -> None:
    assert unguard(guard(text)) == text


@given(
    st.sampled_from(["", " ", "\u3000", "'", "' ", "\ufeff"]),
    st.sampled_from("=+-@＝＋－＠"),
    TEXTS,
)
def test_no_cell_starts_a_formula(lead: str, sign: str, text: str) -> None:
    assert guard(lead + sign + text).startswith("'")


@pytest.mark.parametrize("text", ["\tx", "\rx", "\nx", "=cmd|' /C calc'!A0", "-5", "+49 30 1"])
def test_texts_that_spreadsheets_would_change_get_a_quote(text: str) -> None:
    assert cell_of(text) == f"'{text}"


@pytest.mark.parametrize(("value", "cell"), [(-5, "-5"), (-0.5, "-0.5"), (73.0, "73")])
def test_numbers_stay_numbers(value: float, cell: str) -> None:
    assert cell_of(value) == cell


@given(TEXTS)
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("out")
    file = OutFile(folder, "customers.csv", ";")
    file.patch({"1": {"reasons": cell_of(text)}})

    rows = Assembly(Source(base=file.table, decode=unguard), folder)

    assert [row for page in rows.pages() for row in page.rows] == [["1", text_of(text)]]


def test_a_field_is_written_beside_the_file_and_read_back_with_it(folder: Any) -> None:
    folder.put("customers.csv", "id,name\n1,Ann\n2,Bob\n")

    (outcome,) = folder.open().write([update("2", {"score": 73.5, "segment_tag": "=growing"})])

    assert (outcome.status, outcome.id) == (Status.APPLIED, "2")
    assert folder.written("customers") == "id,score,segment_tag\n2,73.5,'=growing\n"
    assert folder.records()[1] == {
        "id": "2",
        "name": "Bob",
        "score": "73.5",
        "segment_tag": "=growing",
    }


def test_our_own_write_is_a_change_that_the_next_read_sees(folder: Any) -> None:
    folder.put("customers.csv", "id,name\n1,Ann\n")
    position = folder.read()[-1].position
    folder.open().write([update("1", {"score": 1})])

    assert folder.read(position=position)[0].rows == [["1", "Ann", "1", ""]]


def test_the_same_value_again_is_unchanged_and_writes_nothing(folder: Any) -> None:
    folder.put("customers.csv", "id\n1\n")
    folder.open().write([update("1", {"score": 1})])
    before = (folder.path / "out" / "customers.csv").stat().st_mtime_ns

    (outcome,) = folder.open().write([update("1", {"score": 1.0})])

    assert outcome.status is Status.UNCHANGED
    assert (folder.path / "out" / "customers.csv").stat().st_mtime_ns == before


def test_a_value_that_a_person_changed_is_a_conflict(folder: Any) -> None:
    folder.put("customers.csv", "id\n1\n2\n")
    folder.put("out/customers.csv", "id,score\n1,50\n")

    outcomes = folder.open().write(
        [
            update("1", {"score": 2}, expected={"score": 1}),
            update("2", {"score": 2}, expected={"score": None}),
        ]
    )

    assert [one.status for one in outcomes] == [Status.CONFLICT, Status.APPLIED]
    assert folder.written("customers") == "id,score\n1,50\n2,2\n"


def test_a_record_that_is_gone_is_rejected(folder: Any) -> None:
    folder.put("customers.csv", "id\n1\n")

    (outcome,) = folder.open().write([update("9", {"score": 2})])

    assert (outcome.status, outcome.error) == (Status.REJECTED, "the record is gone")
    assert not (folder.path / "out").exists()


def test_clear_empties_our_column_but_never_the_users(folder: Any) -> None:
    folder.put("customers.csv", "id,name\n1,Ann\n")
    folder.put("out/customers.csv", "id,score\n1,50\n")
    clear = Operation.CLEAR

    first = folder.open().write([update("1", {"score": None}, operation=clear)])
    second = folder.open().write([update("1", {"name": None}, operation=clear)])

    assert [first[0].status, second[0].status] == [Status.APPLIED, Status.REJECTED]
    assert folder.records()[0]["score"] == ""


def test_a_value_that_no_file_can_hold_is_rejected_alone(folder: Any) -> None:
    folder.put("customers.csv", "id\n1\n2\n")

    outcomes = folder.open().write([update("1", {"score": "a\0b"}), update("2", {"score": 2})])

    assert [one.status for one in outcomes] == [Status.REJECTED, Status.APPLIED]


def test_a_visit_is_created_moved_and_deleted_by_its_key(folder: Any) -> None:
    connection = folder.open()
    start = "2026-03-02T09:00:00Z"

    connection.write([visit(Operation.CREATE, "k1", start_at=start, subject="-Visit")])
    created = folder.records("visits")
    connection.write([visit(Operation.UPDATE, "k1", start_at="2026-03-03T09:00:00Z")])
    moved = folder.written("visits")
    connection.write([visit(Operation.DELETE, "k1")])

    assert created == [{"id": "k1", "start_at": start, "subject": "-Visit"}]
    assert moved == "id,start_at,subject\nk1,2026-03-03T09:00:00Z,'-Visit\n"
    assert folder.written("visits") == "id,start_at,subject\n"


def test_a_visit_sent_twice_is_one_visit(folder: Any) -> None:
    connection = folder.open()
    item = visit(Operation.CREATE, "k1", start_at="2026-03-02T09:00:00Z")

    outcomes = [*connection.write([item]), *connection.write([item])]

    assert [one.status for one in outcomes] == [Status.APPLIED, Status.UNCHANGED]
    assert connection.find_by_keys("visits", "id", ["k1", "k2"]) == {"k1": ["k1"]}


def test_members_are_added_beside_the_users_and_only_ours_are_removed(folder: Any) -> None:
    folder.put("campaign_members.csv", "id,campaign_id,contact_id\nm1,c1,p1\n")
    connection = folder.open()
    people = ("p1", "p2")

    added = connection.write([member(Operation.ADD_MEMBER, "c1", one) for one in people])
    pairs = [(one["id"], one["contact_id"]) for one in folder.records("campaign_members")]
    removed = connection.write([member(Operation.REMOVE_MEMBER, "c1", one) for one in people])

    assert [(one.status, one.id) for one in added] == [
        (Status.UNCHANGED, "m1"),
        (Status.APPLIED, "c1:p2:"),
    ]
    assert pairs == [("m1", "p1"), ("c1:p2:", "p2")]
    assert [one.status for one in removed] == [Status.REJECTED, Status.APPLIED]
    assert len(folder.records("campaign_members")) == 1


def test_the_version_before_stays_and_both_are_private(folder: Any) -> None:
    folder.put("customers.csv", "id\n1\n")
    connection = folder.open()
    connection.write([update("1", {"score": 1})])
    connection.write([update("1", {"score": 2})])

    out = folder.path / "out"
    previous = (out / "customers.csv.prev").read_text()

    assert previous == "id,score\n1,1\n"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()}
    assert modes == {"customers.csv": 0o600, "customers.csv.prev": 0o600}


def test_a_row_that_a_person_broke_stops_the_write(folder: Any) -> None:
    folder.put("customers.csv", "id\n1\n")
    folder.put("out/customers.csv", "id,score\n1,50,60\n")

    with pytest.raises(ConfigError, match=r"customers\.csv:2: expected 2 columns, got 3"):
        folder.open().write([update("1", {"score": 2})])

    assert folder.written("customers") == "id,score\n1,50,60\n"


def test_a_folder_that_cannot_be_made_is_a_storage_error(folder: Any) -> None:
    folder.put("customers.csv", "id\n1\n")
    folder.put("out", "a file where the folder should be")

    with pytest.raises(StorageError, match="expected a file to write"):
        folder.open().write([update("1", {"score": 2})])


def test_results_go_where_out_says(folder: Any) -> None:
    folder.put("customers.csv", "id\n1\n")

    folder.open(out="results/here").write([update("1", {"score": 2})])

    assert (folder.base / "results" / "here" / "customers.csv").exists()


@pytest.mark.parametrize(
    ("value", "back"), [(73.0, "73"), (0.1, "0.1"), ("", None), (None, None), (False, "false")]
)
def test_normalise_says_what_the_file_gives_back(folder: Any, value: Any, back: Any) -> None:
    assert folder.open().normalise("customers", "score", value) == back
