"""The exit code says what needs a person most."""

import pytest

from crmbridge.errors import (
    ConfigError,
    CrmbridgeError,
    ExitCode,
    QuotaError,
    RetryLaterError,
    SignInError,
)
from crmbridge.push.report import ApplyReport, exit_code, no_outcomes

QUOTA = QuotaError("connections.sales", "calls left", "none")
LATER = RetryLaterError("connections.sales", "an answer")
SIGN_IN = SignInError("connections.sales", "a session")
CONFIG = ConfigError("connections.sales", "a field")


@pytest.mark.parametrize(
    ("outcomes", "stops", "expected"),
    [
        ({}, [], ExitCode.DONE),
        ({"applied": 9, "unchanged": 1}, [], ExitCode.DONE),
        ({"applied": 9, "rejected": 1}, [], ExitCode.DONE_WITH_REJECTS),
        ({"conflict": 1}, [], ExitCode.DONE_WITH_REJECTS),
        ({"unknown": 1}, [], ExitCode.DONE_WITH_REJECTS),
        ({"applied": 9}, [QUOTA], ExitCode.TRY_LATER),
        ({"rejected": 1}, [LATER], ExitCode.TRY_LATER),
        ({}, [QUOTA, SIGN_IN], ExitCode.SIGN_IN),
        ({}, [SIGN_IN, CONFIG], ExitCode.CONFIG),
    ],
)
def test_outcomes_and_stops_become_one_code(
    outcomes: dict[str, int], stops: list[CrmbridgeError], expected: ExitCode
) -> None:
    assert exit_code(outcomes, stops) is expected


def test_a_report_counts_every_outcome_even_at_zero() -> None:
    assert list(no_outcomes()) == ["applied", "unchanged", "rejected", "conflict", "unknown"]
    assert ApplyReport(changeset="c1").exit_code is ExitCode.DONE
    assert ApplyReport(changeset="c1", stops={"sales": QUOTA}).resume_at is None
