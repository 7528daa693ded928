"""Rates, shares and waits are kept, and the arithmetic of waiting is right."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmbridge.adapters import Quota
from crmbridge.adapters.budget import BLOCK, DailyBudget
from crmbridge.adapters.limits import Gate, Limits, Pause, TokenBucket
from crmbridge.adapters.retry import RetryBudget, retry_after
from crmbridge.clock import FixedClock
from crmbridge.errors import QuotaError, StorageError

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)

TAKE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from crmbridge.adapters.budget import DailyBudget
from crmbridge.adapters import Quota
from crmbridge.adapters.limits import Limits
from crmbridge.clock import FixedClock
from crmbridge.errors import QuotaError

clock = FixedClock(datetime(2026, 3, 2, 8, tzinfo=UTC))
budget = DailyBudget(Path(sys.argv[1]), "sales", Limits(daily_share=0.5), clock)
budget.learn(Quota(used=0, allowed=1000))
taken = 0
try:
    while True:
        budget.take()
        taken += 1
except QuotaError:
    print(taken)
"""


@pytest.mark.parametrize("most", [4, 2.5, 1, 0.5])
def test_no_stretch_of_a_second_sees_more_than_the_limit(most: float) -> None:
    clock = FixedClock(NOW)
    bucket = TokenBucket(most, 1.0, clock)
    passed: list[float] = []

    for number in range(40):
        bucket.take()
        passed.append(clock.monotonic())
        clock.at += timedelta(milliseconds=number % 3)

    whole = max(1, int(most))
    busiest = max(sum(at <= one < at + 0.999 for one in passed) for at in passed)
    assert busiest == whole
    assert busiest <= max(most, 1)
    assert sum(clock.slept) <= 40 / min(most, whole)  # and no slower than that


def test_no_limit_never_waits() -> None:
    clock = FixedClock(NOW)
    bucket = TokenBucket(0, 1.0, clock)

    for _ in range(1000):
        bucket.take()

    assert clock.slept == []


def test_the_gate_halves_and_slowly_opens_again() -> None:
    gate = Gate(8)

    gate.was_refused()
    gate.was_refused()
    closed = gate.open
    for _ in range(100):
        gate.went_well()

    assert (closed, gate.open) == (2.0, 8.0)


def test_the_gate_never_shuts() -> None:
    gate = Gate(2)
    for _ in range(5):
        gate.was_refused()

    with gate.passage():
        assert gate.open == 1.0


def test_a_pause_holds_everybody_once() -> None:
    clock = FixedClock(NOW)
    pause = Pause(clock)

    pause.hold(10)
    pause.hold(5)
    pause.wait()
    pause.wait()

    assert clock.slept == [10.0]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        ("1.5", 1.5),
        ("-1", 0.0),
        ("Mon, 02 Mar 2026 08:01:00 GMT", 60.0),
        ("Mon, 02 Mar 2026 08:01:00", 60.0),
        ("Mon, 02 Mar 2025 08:01:00 GMT", 0.0),
        ("", None),
        ("nan", None),
        ("later", None),
        ("Mon, 99 Mar 2026 08:01:00 GMT", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@settings(deadline=None)
@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ [\d:]+ ?[A-Z+\-\d]*"))
def test_no_text_is_too_odd_for_a_header(text: str) -> None:
    seconds = retry_after(text, NOW)

    assert seconds is None or seconds >= 0


def test_second_tries_are_a_few_and_one_in_five() -> None:
    budget = RetryBudget(2)
    for _ in range(10):
        budget.count()

    assert [budget.take() for _ in range(6)] == [True] * 4 + [False] * 2


def _budget(folder: Path, **limits: float) -> DailyBudget:
    shares = Limits(**({"daily_share": 0.5} | limits))  # type: ignore[arg-type]
    return DailyBudget(folder / "budget.db", "sales", shares, FixedClock(NOW))


def test_our_share_of_the_day_ends(tmp_path: Path) -> None:
    budget = _budget(tmp_path)
    budget.learn(Quota(used=0, allowed=300))

    for _ in range(150):
        budget.take()

    with pytest.raises(QuotaError, match="Run again after 2026-03-03 00:00") as caught:
        budget.take()
    assert caught.value.resume_at == datetime(2026, 3, 3, tzinfo=UTC)


def test_a_new_day_brings_a_new_share(tmp_path: Path) -> None:
    budget = _budget(tmp_path)
    budget.learn(Quota(used=0, allowed=2))
    budget.take()

    budget.clock.sleep(timedelta(days=1).total_seconds())

    budget.take()


def test_what_is_left_of_a_block_is_given_back(tmp_path: Path) -> None:
    first = _budget(tmp_path)
    first.learn(Quota(used=0, allowed=2 * BLOCK))
    first.take()
    first.close()

    second = _budget(tmp_path)
    second.learn(Quota(used=0, allowed=2 * BLOCK))
    for _ in range(BLOCK - 1):
        second.take()
    with pytest.raises(QuotaError):
        second.take()


def test_two_processes_share_one_day(tmp_path: Path) -> None:
    path = tmp_path / "budget.db"
    processes = [
        subprocess.Popen([sys.executable, "-c", TAKE, str(path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]

    taken = [int(process.communicate(timeout=60)[0]) for process in processes]

    assert sum(taken) == 500


def test_the_reserve_is_left_to_people_whoever_used_the_rest(tmp_path: Path) -> None:
    budget = _budget(tmp_path, reserve_share=0.1)
    quota = Quota(used=899, allowed=1000, resets_at=NOW + timedelta(hours=2))
    budget.learn(quota)
    budget.take()
    budget.learn(replace(quota, used=900))

    with pytest.raises(QuotaError, match="left to people, got 100") as caught:
        budget.take()

    assert caught.value.resume_at == NOW + timedelta(hours=2)


def test_an_unknown_quota_refuses_nothing(tmp_path: Path) -> None:
    budget = _budget(tmp_path)

    for _ in range(1000):
        budget.take()

    assert list(tmp_path.iterdir()) == []


def test_a_server_that_tells_no_quota_has_none_to_keep(tmp_path: Path) -> None:
    budget = _budget(tmp_path)
    budget.learn(Quota(used=0, allowed=0))

    for _ in range(3):
        budget.take()


def test_a_budget_that_cannot_be_written_is_an_error_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    budget = _budget(tmp_path / "file")
    budget.learn(Quota(used=0, allowed=10))

    with pytest.raises(StorageError):
        budget.take()
