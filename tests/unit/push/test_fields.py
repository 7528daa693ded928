"""What happened on each side of a field decides whether we write it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmbridge.adapters import Capabilities
from crmbridge.push.desired import Ownership, SeenValue, WritePolicy
from crmbridge.push.fields import Verdict, decide_field

ACCOUNT = "Account"


def a_policy(**changes: object) -> WritePolicy:
    values: dict[str, object] = {
        "capabilities": Capabilities(objects={}),
        "fields": {ACCOUNT: frozenset({"Score", "Owner"})},
        "protected": {ACCOUNT: frozenset({"Owner"})},
    }
    return WritePolicy(**{**values, **changes})  # type: ignore[arg-type]


def ours(seen: object, written: object) -> SeenValue:
    return SeenValue(seen=seen, written=written, is_written=True)


def theirs(seen: object) -> SeenValue:
    return SeenValue(seen=seen)


@pytest.mark.parametrize(
    ("wanted", "seen", "verdict"),
    [
        # nobody wrote before
        (70, theirs(None), Verdict.WRITE),
        (70, theirs(""), Verdict.WRITE),
        (70, theirs(50), Verdict.WRITE),
        (70, theirs(70), Verdict.HELD),
        (70, theirs(70.0000000001), Verdict.HELD),
        (None, theirs(None), Verdict.HELD),
        (None, theirs(50), Verdict.NO_RESULT),
        ("", theirs("x"), Verdict.NO_RESULT),
        # we wrote it, and it stands
        (70, ours(50, 50), Verdict.WRITE),
        (70, ours(70, 70), Verdict.HELD),
        (None, ours(50, 50), Verdict.NO_RESULT),
        # we wrote it, and a person changed it
        (70, ours(60, 50), Verdict.PERSON),
        (70, ours(None, 50), Verdict.PERSON),
        (70, ours(70, 50), Verdict.HELD),
        (None, ours(60, 50), Verdict.PERSON),
        # we cleared it, and a person filled it
        (70, ours(60, None), Verdict.PERSON),
        (70, ours(None, None), Verdict.WRITE),
        # never read
        (70, None, Verdict.NOT_SEEN),
        # no value at all
        (math.nan, theirs(50), Verdict.NOT_WRITABLE),
        (-math.inf, theirs(None), Verdict.NOT_WRITABLE),
    ],
)
def test_each_history_has_one_verdict(
    wanted: object, seen: SeenValue | None, verdict: Verdict
) -> None:
    assert decide_field(ACCOUNT, "Score", wanted, seen, a_policy()).verdict is verdict


def test_a_field_that_the_allow_list_does_not_name_is_never_written() -> None:
    decision = decide_field(ACCOUNT, "Email", "x@example.com", theirs(None), a_policy())

    assert decision.verdict is Verdict.NOT_ALLOWED
    assert decision.change is None


@pytest.mark.parametrize("name", ["Owner", "consent_email", "consent_visit"])
def test_consent_and_owners_are_never_written_even_where_allowed(name: str) -> None:
    policy = a_policy(fields={ACCOUNT: frozenset({name})})

    assert decide_field(ACCOUNT, name, "x", theirs(None), policy).verdict is Verdict.PROTECTED


def test_empty_clears_only_where_clear_is_asked_for() -> None:
    policy = a_policy(clear={ACCOUNT: frozenset({"Score"})})

    decision = decide_field(ACCOUNT, "Score", None, ours(50, 50), policy)

    assert decision.verdict is Verdict.CLEAR
    assert decision.change is not None
    assert (decision.change.before, decision.change.after) == (50, None)


def test_clear_never_clears_what_a_person_wrote() -> None:
    policy = a_policy(clear={ACCOUNT: frozenset({"Score"})})

    assert decide_field(ACCOUNT, "Score", None, ours(60, 50), policy).verdict is Verdict.PERSON


def test_fill_empty_leaves_a_value_that_was_there_before_us() -> None:
    policy = a_policy(ownership={ACCOUNT: {"Score": Ownership.FILL_EMPTY}})

    assert decide_field(ACCOUNT, "Score", 70, theirs(50), policy).verdict is Verdict.TAKEN
    assert decide_field(ACCOUNT, "Score", 70, theirs(None), policy).verdict is Verdict.WRITE
    assert decide_field(ACCOUNT, "Score", 70, ours(50, 50), policy).verdict is Verdict.WRITE


def test_values_are_compared_as_the_crm_will_give_them_back() -> None:
    policy = a_policy(normalise=lambda object_, name, value: str(round(value)))

    assert decide_field(ACCOUNT, "Score", 70.4, theirs(70), policy).verdict is Verdict.HELD
    change = decide_field(ACCOUNT, "Score", 71.4, theirs(70), policy).change
    assert change is not None
    assert change.after == "71"


def test_a_value_that_the_crm_would_change_once_more_is_written_as_it_ends_up() -> None:
    policy = a_policy(normalise=lambda object_, name, value: value.strip()[:5])

    change = decide_field(ACCOUNT, "Score", "abcd efg", theirs(None), policy).change

    assert change is not None
    assert change.after == "abcd"


@given(
    wanted=st.one_of(st.none(), st.text(max_size=3), st.floats(), st.booleans()),
    seen=st.one_of(
        st.none(),
        st.text(max_size=3),
        st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
    ),
)
def test_writing_what_was_decided_settles_the_field(wanted: object, seen: object) -> None:
    first = decide_field(ACCOUNT, "Score", wanted, theirs(seen), a_policy())
    if first.change is None:
        return

    after = ours(first.change.after, first.change.after)

    assert decide_field(ACCOUNT, "Score", wanted, after, a_policy()).verdict is Verdict.HELD
