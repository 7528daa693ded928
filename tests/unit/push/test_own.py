"""What people did to a visit of ours decides what becomes of it."""

from datetime import UTC, datetime

import pytest

from crmbridge.adapters import Capabilities, ObjectCapability, Operation
from crmbridge.push.desired import (
    DesiredRecord,
    OwnRecords,
    Presence,
    Scope,
    SeenRecord,
    WritePolicy,
)
from crmbridge.push.own import Fate, decide_unwanted, decide_wanted

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
TEN, TWELVE, PAST = "2026-03-03T10:00:00Z", "2026-03-03T12:00:00Z", "2026-03-01T10:00:00Z"
FIELDS = frozenset({"start_at", "end_at", "subject", "description", "rep_id", "status"})
SCOPE = Scope(
    reps=frozenset({"ann@example.com"}),
    since=datetime(2026, 3, 2, tzinfo=UTC),
    until=datetime(2026, 3, 16, tzinfo=UTC),
)
ALL = frozenset({Operation.CREATE, Operation.UPDATE, Operation.DELETE})


def a_policy(
    operations: frozenset[Operation] = ALL, fields: frozenset[str] = FIELDS
) -> WritePolicy:
    event = ObjectCapability(stream="activities", operations=operations)
    own = OwnRecords(fields=fields, reps=frozenset({"ann@example.com"}))
    return WritePolicy(capabilities=Capabilities(objects={"Event": event}), own={"Event": own})


def values(start: str = TEN, **others: object) -> dict[str, object]:
    return {"start_at": start, "subject": "Visit Acme", "status": "planned", **others}


def a_visit(**changes: object) -> DesiredRecord:
    return DesiredRecord(
        connection="sales",
        object="Event",
        key="K1",
        values=values(**changes),  # type: ignore[arg-type]
        rep="ann@example.com",
    )


def seen_visit(
    now: dict[str, object] | None = None,
    written: dict[str, object] | None = None,
    **changes: object,
) -> SeenRecord:
    held = now or values()
    base: dict[str, object] = {
        "id": "E1",
        "values": held,
        "written": written or held,
        "rep": "ann@example.com",
    }
    return SeenRecord(**{**base, **changes})  # type: ignore[arg-type]


def fate(desired: DesiredRecord, seen: SeenRecord | None, **changes: object) -> Fate:
    policy = changes.pop("policy", a_policy())
    barred = bool(changes.pop("is_barred", False))
    return decide_wanted(desired, seen, policy, is_barred=barred, now=NOW).fate  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("desired", "seen", "expected"),
    [
        (a_visit(), None, Fate.CREATE),
        (a_visit(start=PAST), None, Fate.PAST),
        (a_visit(), seen_visit(), Fate.HELD),
        (a_visit(start=TWELVE), seen_visit(), Fate.UPDATE),
        (a_visit(start=TWELVE), seen_visit(values(PAST)), Fate.PAST),
        # a person moved it, and the plan does not follow
        (a_visit(start=TEN), seen_visit(values(TWELVE), values(TEN)), Fate.MOVED),
        # a person moved it, and the planner pinned it there
        (a_visit(start=TWELVE), seen_visit(values(TWELVE), values(TEN)), Fate.HELD),
        # a person closed it
        (a_visit(), seen_visit(values(status="done"), values()), Fate.MOVED),
        # only a text differs: it waits for the next change
        (a_visit(subject="Visit Acme Ltd"), seen_visit(), Fate.HELD),
        (a_visit(), seen_visit(presence=Presence.DELETED), Fate.DECLINED),
        (a_visit(), seen_visit(presence=Presence.MISSING), Fate.MISSING),
        (a_visit(latitude=1.0), seen_visit(), Fate.HELD),
        (a_visit(subject=float("nan")), None, Fate.NOT_WRITABLE),
    ],
)
def test_a_wanted_visit(desired: DesiredRecord, seen: SeenRecord | None, expected: Fate) -> None:
    assert fate(desired, seen) is expected


def test_an_opted_out_customer_gets_no_visit() -> None:
    assert fate(a_visit(), None, is_barred=True) is Fate.BARRED


def test_a_rep_that_is_not_covered_gets_no_visit() -> None:
    bob = DesiredRecord(
        connection="sales", object="Event", key="K1", values=values(), rep="bob@example.com"
    )

    assert fate(bob, None) is Fate.NOT_COVERED


def test_a_text_that_a_person_changed_stays_when_the_visit_moves() -> None:
    seen = seen_visit(values(subject="Bring samples"), values())

    decision = decide_wanted(a_visit(start=TWELVE), seen, a_policy(), is_barred=False, now=NOW)

    assert decision.fate is Fate.UPDATE
    assert [change.field for change in decision.changes] == ["start_at"]


def test_texts_are_refreshed_when_the_visit_moves() -> None:
    desired = a_visit(start=TWELVE, subject="Visit Acme Ltd")

    decision = decide_wanted(desired, seen_visit(), a_policy(), is_barred=False, now=NOW)

    assert [change.field for change in decision.changes] == ["start_at", "subject"]


def test_a_create_sends_only_what_the_mapping_covers() -> None:
    policy = a_policy(fields=frozenset({"start_at"}))

    decision = decide_wanted(a_visit(), None, policy, is_barred=False, now=NOW)

    assert [change.field for change in decision.changes] == ["start_at"]


@pytest.mark.parametrize(
    ("seen", "operations", "expected"),
    [
        (seen_visit(), ALL, Fate.DELETE),
        (seen_visit(values(PAST)), ALL, None),
        (seen_visit(values(status="done")), ALL, None),
        (seen_visit(values(TWELVE), values(TEN)), ALL, Fate.KEPT),
        (seen_visit(values(subject="Bring samples"), values()), ALL, Fate.KEPT),
        # a person moved it, and refused it later
        (seen_visit(values(TWELVE, reply="declined"), values(TEN)), ALL, Fate.DELETE),
        (seen_visit(values(TWELVE, reply="snoozed"), values(TEN)), ALL, Fate.DELETE),
        (seen_visit(values(TWELVE, reply="accepted"), values(TEN)), ALL, Fate.KEPT),
        (seen_visit(values(subject="Note", reply="declined"), values()), ALL, Fate.KEPT),
        (seen_visit(presence=Presence.DELETED), ALL, None),
        (seen_visit(presence=Presence.MISSING), ALL, None),
        (seen_visit(version="8", written_version="7"), ALL, Fate.CANCEL),
        (seen_visit(version="7", written_version="7"), ALL, Fate.DELETE),
        (seen_visit(), frozenset({Operation.CREATE, Operation.UPDATE}), Fate.CANCEL),
        (seen_visit(), frozenset({Operation.CREATE}), Fate.KEPT),
        (seen_visit(rep="bob@example.com"), ALL, None),
        (seen_visit(values("2026-04-01T10:00:00Z")), ALL, None),
    ],
)
def test_a_visit_no_longer_wanted(
    seen: SeenRecord, operations: frozenset[Operation], expected: Fate | None
) -> None:
    decision = decide_unwanted("Event", seen, a_policy(operations), scope=SCOPE, now=NOW)

    assert (decision.fate if decision else None) is expected


def test_without_a_scope_nothing_is_taken_away() -> None:
    assert decide_unwanted("Event", seen_visit(), a_policy(), scope=None, now=NOW) is None
