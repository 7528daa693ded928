"""Bad files through a whole pull: a clear line, the right exit code, nothing lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GOOD = "id,name,latitude,revenue,last_visit_at\n" + "".join(
    f"{number},Customer {number},52.5,1000,2026-01-31\n" for number in range(1, 51)
)
CONFIG = """\
[store]
url = "sqlite:///store.db"

[connections.files]
adapter = "csv"
path = "data"
zone = "UTC"
{more}
"""

Put = Callable[..., Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Writes customers.csv and gives the configuration."""
    (tmp_path / "data").mkdir()

    def put(content: str | bytes | None, more: str = "") -> Path:
        data = content.encode() if isinstance(content, str) else content
        target = tmp_path / "data" / "customers.csv"
        target.unlink(missing_ok=True)
        if data is not None:
            target.write_bytes(data)
        config = tmp_path / "crmbridge.toml"
        config.write_text(CONFIG.format(more=more), encoding="utf-8")
        return config

    return put


def live(pulled: Any) -> int:
    return int(pulled.ask("SELECT count(*) FROM customers WHERE record_state = 0")[0][0])


def reasons(pulled: Any) -> list[str]:
    return [row[0] for row in pulled.ask("SELECT reason FROM quarantine ORDER BY reason")]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "customers that was here, got none. Put it back"),
        ("", "customers.csv:1: expected a header line, got none"),
        (GOOD.replace(",", ";"), 'Set delimiter = ";"'),
        (GOOD.encode("utf-16"), 'Set encoding = "utf-16"'),
        (GOOD.encode() + b"51,Jos\xe9,1,1,2026-01-31\n", "got byte 0xe9 at offset"),
        (GOOD.replace("latitude", "name"), "each column name once, got 'name' again"),
        (GOOD.replace("id,", "number,", 1), "customers.csv:1: expected a column 'id'"),
        (GOOD + '51,"open,1,1,2026-01-31\n52,x,1,1,2026-01-31\n', "csv:52: expected the quote"),
    ],
    ids=["missing", "empty", "semicolons", "utf-16", "cp1252", "twice", "no id", "open quote"],
)  # fmt: skip
def test_a_file_that_went_bad_stops_its_stream_and_keeps_the_records(
    pull: Any, put: Put, content: str | bytes | None, line: str
) -> None:
    pull(put(GOOD))

    pulled = pull(put(content))

    assert pulled.exit_code == 78
    assert [one for one in pulled.stops if line in one] == pulled.stops
    assert live(pulled) == 50


def test_a_file_that_never_was_is_told_by_its_name(pull: Any, put: Put) -> None:
    pulled = pull(put(None, '[connections.files.streams.customers]\nfiles = ["gone.csv"]'))

    assert pulled.exit_code == 78
    assert "gone.csv: expected a readable file, got nothing there" in pulled.stops[0]


def test_a_folder_that_is_not_there_is_told_once(pull: Any, put: Put, tmp_path: Path) -> None:
    config = put(None)
    (tmp_path / "data").rmdir()

    pulled = pull(config)

    assert pulled.exit_code == 78
    assert [line for line in pulled.stops if "data: expected a folder, got none" in line] == (
        pulled.stops[:1]
    )
    assert len(pulled.stops) == 1


def test_a_header_alone_is_not_believed_where_records_were(pull: Any, put: Put) -> None:
    pull(put(GOOD))

    pulled = pull(put(GOOD.splitlines()[0] + "\n"))

    assert pulled.exit_code == 3
    assert "of 50 records to disappear, got 50" in pulled.stops[0]
    assert live(pulled) == 50


def test_a_file_that_shrank_to_a_tenth_is_not_believed_until_it_is_accepted(
    pull: Any, put: Put
) -> None:
    pull(put(GOOD))
    small = put("".join(GOOD.splitlines(keepends=True)[:6]))

    refused = pull(small)
    kept = live(refused)
    accepted = pull(small, "--accept-shrink", "45")

    assert (refused.exit_code, kept) == (3, 50)
    assert "--accept-shrink 45" in refused.stops[0]
    assert (accepted.exit_code, live(accepted)) == (0, 5)


def test_a_byte_order_mark_makes_no_difference(pull: Any, put: Put) -> None:
    pulled = pull(put(GOOD.encode("utf-8-sig")))

    assert (pulled.exit_code, live(pulled)) == (0, 50)


BAD_ROWS = {
    f"51,{'x' * 1_000_000},52,1,2026-01-31": "expected a row of CSV, got: field larger than",
    "52,a\0b,52,1,2026-01-31": "expected text, got a NUL byte",
    "53,short": "expected 5 columns, got 2",
    "54,long,52,1,2026-01-31,x": "expected 5 columns, got 6",
    "7,again,52,1,2026-01-31": "customers.id: expected each id once, got '7' again",
    ",nobody,52,1,2026-01-31": "customers.id: expected an id",
    "57,late,52,1,2026-02-30": "customers.last_visit_at: expected a date or time like 2026-01",
    "58,pole,91,1,2026-01-31": "customers.latitude: expected -90 to 90, got '91'",
    "59,debt,52,-1,2026-01-31": "customers.revenue: expected 0 or more, got '-1'",
}
"""A row -> why it is quarantined."""


def test_bad_rows_are_quarantined_with_their_lines_and_the_others_come(pull: Any, put: Put) -> None:
    pulled = pull(put(GOOD + "\n".join([*BAD_ROWS, "60,last,52,1,2026-01-31"])))

    found = dict(reason.split(": ", 1) for reason in reasons(pulled))
    assert pulled.exit_code == 1
    assert list(found) == [f"customers.csv:{line}" for line in range(52, 61)]
    for reason, expected in zip(found.values(), BAD_ROWS.values(), strict=True):
        assert reason.startswith(expected)
    assert (live(pulled), pulled.counts["customers"]["read"]) == (51, 60)


def test_a_record_whose_row_went_bad_is_kept(pull: Any, put: Put) -> None:
    pull(put(GOOD))

    pulled = pull(put(GOOD.replace("7,Customer 7,52.5", "7,Customer 7,95")))

    assert (pulled.exit_code, live(pulled)) == (1, 50)


def test_a_row_that_was_mended_leaves_quarantine(pull: Any, put: Put) -> None:
    pull(put(f"{GOOD}51,short\n"))

    pulled = pull(put(f"{GOOD}51,whole,52,1,2026-01-31\n"))

    assert (pulled.exit_code, live(pulled), reasons(pulled)) == (0, 51, [])


def test_dates_in_another_order_are_told_not_guessed(pull: Any, put: Put) -> None:
    pulled = pull(put(GOOD.replace("2026-01-31", "31.01.2026"), 'date_format = "%d.%m.%Y"'))

    assert (pulled.exit_code, live(pulled)) == (0, 50)
    assert pulled.ask("SELECT DISTINCT last_visit_at FROM customers") == [(1_769_817_600_000,)]
