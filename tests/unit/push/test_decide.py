"""A changeset holds exactly the writes that are wanted, allowed and safe, in a fixed order."""

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crmbridge.adapters import Capabilities, Check, ObjectCapability, Operation
from crmbridge.errors import RefusedError
from crmbridge.push.changeset import Changeset, Item
from crmbridge.push.decide import Decision, Origin, decide, forecast, in_order
from crmbridge.push.desired import (
    Barred,
    Desired,
    DesiredFields,
    DesiredRecord,
    FirstFill,
    Limits,
    OwnRecords,
    Scope,
    Seen,
    SeenRecord,
    SeenValue,
    WritePolicy,
)
from crmbridge.push.guards import check_guards, guarded_number
from crmbridge.records import RecordKey

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
ORIGIN = Origin(now=NOW, epoch="e1", organisations={"sales": "org-1"})
START = "2026-03-03T10:00:00Z"
RECORD_OPERATIONS = frozenset(
    {Operation.CREATE, Operation.UPDATE, Operation.CLEAR, Operation.DELETE}
)
CAPABILITIES = Capabilities(
    objects={
        "Account": ObjectCapability(
            stream="customers", operations=RECORD_OPERATIONS, batch=10, check=Check.COMPARE
        ),
        "Event": ObjectCapability(stream="activities", operations=RECORD_OPERATIONS, batch=10),
    }
)
SCOPES = {
    ("sales", "Event"): Scope(
        reps=frozenset({"ann@example.com"}), since=NOW, until=datetime(2026, 3, 16, tzinfo=UTC)
    )
}


def account(id_: str) -> RecordKey:
    return RecordKey("sales", "Account", id_)


def a_policy(**limits: object) -> dict[str, WritePolicy]:
    chosen: dict[str, object] = {"share": 1.0, "first_fill": FirstFill.ALLOW, **limits}
    return {
        "sales": WritePolicy(
            capabilities=CAPABILITIES,
            fields={"Account": frozenset({"Score", "Segment"})},
            own={"Event": OwnRecords(fields=frozenset({"start_at", "subject"}))},
            limits=Limits(**chosen),  # type: ignore[arg-type]
        )
    }


def scores(values: Mapping[str, object]) -> list[DesiredFields]:
    return [DesiredFields(record=account(id_), values={"Score": v}) for id_, v in values.items()]


def seen_scores(values: Mapping[str, object], *, filled: bool = False) -> Seen:
    places = frozenset({("sales", "Account", "Score")}) if filled else frozenset()
    return Seen(
        fields={account(id_): {"Score": SeenValue(seen=value)} for id_, value in values.items()},
        filled=places,
    )


def a_visit(number: int, **changes: object) -> DesiredRecord:
    base: dict[str, object] = {
        "connection": "sales",
        "object": "Event",
        "key": f"K{number}",
        "values": {"start_at": START, "subject": f"Visit {number}"},
        "customer": account(f"A{number}"),
        "rep": "ann@example.com",
        "parent": f"A{number}",
    }
    return DesiredRecord(**{**base, **changes})  # type: ignore[arg-type]


def seen_visits(*numbers: int) -> Seen:
    values = {"start_at": START, "subject": ""}
    return Seen(
        records={
            ("sales", "Event", f"K{number}"): SeenRecord(
                id=f"E{number}",
                values={**values, "subject": f"Visit {number}"},
                written={**values, "subject": f"Visit {number}"},
                rep="ann@example.com",
            )
            for number in numbers
        }
    )


def decided(desired: Desired, seen: Seen, **limits: object) -> Decision:
    return decide(desired, seen, a_policy(**limits), ORIGIN)


def codes(decision: Decision) -> list[str]:
    return [finding.code for finding in decision.findings]


def test_equal_values_give_no_item() -> None:
    decision = decided(Desired(fields=scores({"A1": 70.0})), seen_scores({"A1": 70}))

    assert decision.changeset.items == ()
    assert decision.findings == ()


def test_a_change_carries_before_after_version_and_reason() -> None:
    desired = DesiredFields(record=account("A1"), values={"Score": 70}, reason="new orders")
    seen = Seen(fields={account("A1"): {"Score": SeenValue(seen=50, version="7")}})

    (item,) = decided(Desired(fields=[desired]), seen).changeset.items

    assert (item.changes[0].before, item.changes[0].after) == (50, 70)
    assert (item.version, item.reason, item.parent) == ("7", "new orders", "A1")


def test_two_wishes_for_one_record_become_one_item() -> None:
    desired = [
        DesiredFields(record=account("A1"), values={"Segment": "gold"}),
        DesiredFields(record=account("A1"), values={"Score": 70}),
    ]
    seen = Seen(fields={account("A1"): {"Score": SeenValue(), "Segment": SeenValue()}})

    (item,) = decided(Desired(fields=desired), seen).changeset.items

    assert [change.field for change in item.changes] == ["Score", "Segment"]


def test_what_is_not_written_becomes_a_counted_finding() -> None:
    desired = [
        DesiredFields(record=account("A1"), values={"Email": "x@example.com"}),
        DesiredFields(record=account("A2"), values={"Email": "y@example.com"}),
        DesiredFields(record=RecordKey("other", "Account", "A3"), values={"Score": 1}),
    ]

    decision = decided(Desired(fields=desired), seen_scores({"A1": 1, "A2": 1}))

    assert decision.changeset.items == ()
    assert [(one.code, one.count) for one in decision.findings] == [("push.not_allowed", 3)]


def test_a_visit_of_an_opted_out_customer_is_not_created_and_an_existing_one_is_taken_away() -> (
    None
):
    desired = Desired(records=[a_visit(1), a_visit(2)], scopes=SCOPES)
    barred = Barred(by_channel={"visit": frozenset({account("A1"), account("A2")})})

    decision = decide(desired, seen_visits(2), a_policy(), ORIGIN, barred)

    assert [(one.key, one.operation) for one in decision.changeset.items] == [
        ("K2", Operation.DELETE)
    ]
    assert codes(decision) == ["push.barred"]


def test_a_barred_contact_bars_the_visit() -> None:
    contact = RecordKey("sales", "Contact", "C1")
    barred = Barred(by_channel={"visit": frozenset({contact})})
    desired = Desired(records=[a_visit(1, contact=contact)])

    assert decide(desired, Seen(), a_policy(), ORIGIN, barred).changeset.items == ()


def test_another_channel_does_not_bar_a_visit() -> None:
    barred = Barred(by_channel={"email": frozenset({account("A1")})})

    decision = decide(Desired(records=[a_visit(1)]), Seen(), a_policy(), ORIGIN, barred)

    assert len(decision.changeset.items) == 1


def test_order_of_input_does_not_matter() -> None:
    desired = [*scores({f"A{number}": number for number in range(30)})]
    visits = [a_visit(number) for number in range(20)]
    seen = seen_scores({f"A{number}": 100 for number in range(30)})
    first = decided(Desired(fields=desired, records=visits), seen).changeset

    random.Random(7).shuffle(desired)
    random.Random(8).shuffle(visits)
    second = decided(Desired(fields=desired, records=visits), seen).changeset

    assert (first.id, first.digest) == (second.id, second.digest)


def test_items_of_one_parent_stand_together() -> None:
    visits = [a_visit(number, parent=f"A{number % 3}") for number in range(12)]

    items = decided(Desired(records=visits), Seen()).changeset.items

    assert [item.parent for item in items] == ["A0"] * 4 + ["A1"] * 4 + ["A2"] * 4


def test_what_others_depend_on_comes_first() -> None:
    def an_item(name: str, depends_on: str = "") -> Item:
        return Item(
            item=name,
            connection="sales",
            object="Z" if not depends_on else "A",
            operation=Operation.CREATE,
            depends_on=depends_on,
        )

    items = in_order([an_item("i3", "i2"), an_item("i2", "i1"), an_item("i1")])

    assert [item.item for item in items] == ["i1", "i2", "i3"]


def test_a_circle_of_dependencies_is_an_error() -> None:
    first = Item(item="i1", connection="s", object="O", operation=Operation.CREATE, depends_on="i2")

    with pytest.raises(ValueError, match="depends on itself"):
        in_order([first, replace(first, item="i2", depends_on="i1")])


def test_calls_are_forecast_by_batch_and_by_check() -> None:
    visits = [a_visit(number) for number in range(25)]
    desired = Desired(fields=scores({"A1": 70}), records=visits)

    changeset = decided(desired, seen_scores({"A1": 50})).changeset

    # 25 creates in batches of 10 are 3 calls; one update is compared first, so 2 calls
    assert changeset.api_calls == {"sales": 5}
    assert forecast([], a_policy()) == {}


# Guards


def rescored(count: int, total: int, **limits: object) -> Changeset:
    before = {f"A{number}": 50 for number in range(total)}
    after: dict[str, object] = {f"A{number}": 70 for number in range(count)}
    return decided(Desired(fields=scores(after)), seen_scores(before), **limits).changeset


@pytest.mark.parametrize(
    ("count", "total", "limits", "number"),
    [
        (10, 100, {"share": 0.10}, 0),
        (11, 100, {"share": 0.10}, 11),
        (1, 5, {"share": 0.10}, 1),
        (500, 500, {"changes": 500}, 0),
        (501, 501, {"changes": 500}, 501),
        (501, 501, {"changes": 500, "share": 0.5}, 501),
    ],
)
def test_overwriting_too_much_trips_with_the_exact_number(
    count: int, total: int, limits: dict[str, object], number: int
) -> None:
    assert guarded_number(rescored(count, total, **limits)) == number


def test_share_is_of_all_values_set_in_the_crm_where_that_is_known() -> None:
    seen = replace(seen_scores({"A1": 50}), set_counts={("sales", "Account", "Score"): 1000})

    changeset = decided(Desired(fields=scores({"A1": 70})), seen, share=0.1).changeset

    assert guarded_number(changeset) == 0
    assert changeset.guards[0].total == 1000


def test_a_first_fill_stops_once() -> None:
    desired = Desired(fields=scores({"A1": 70, "A2": 60}))
    empty: dict[str, object] = {"A1": None, "A2": ""}
    stop = {"first_fill": FirstFill.ASK}

    assert guarded_number(decided(desired, seen_scores(empty), **stop).changeset) == 2
    assert guarded_number(decided(desired, seen_scores(empty, filled=True), **stop).changeset) == 0
    assert guarded_number(decided(desired, seen_scores(empty)).changeset) == 0


def test_creates_of_visits_trip_no_guard() -> None:
    visits = [a_visit(number) for number in range(1000)]

    changeset = decided(Desired(records=visits), Seen(), first_fill=FirstFill.ASK).changeset

    assert len(changeset.items) == 1000
    assert guarded_number(changeset) == 0


def test_moving_our_own_visits_is_counted_but_not_by_share() -> None:
    later = {"start_at": "2026-03-04T10:00:00Z", "subject": "x"}
    visits = [a_visit(number, values=later) for number in range(4)]
    desired = Desired(records=visits, scopes=SCOPES)

    assert guarded_number(decided(desired, seen_visits(*range(4)), share=0.1).changeset) == 0
    # 4 start_at and 4 subject
    assert guarded_number(decided(desired, seen_visits(*range(4)), changes=3).changeset) == 8


def test_deletes_have_their_own_limit() -> None:
    kept = [a_visit(number) for number in range(5)]
    desired = Desired(records=kept, scopes=SCOPES)

    assert guarded_number(decided(desired, seen_visits(*range(8)), deletes=3).changeset) == 0
    assert guarded_number(decided(desired, seen_visits(*range(9)), deletes=3).changeset) == 4


def test_an_empty_plan_does_not_take_all_visits_away_unasked() -> None:
    changeset = decided(Desired(scopes=SCOPES), seen_visits(1, 2, 3)).changeset

    assert guarded_number(changeset) == 3


def test_only_exactly_the_guarded_number_is_accepted() -> None:
    changeset = rescored(11, 100, share=0.1)

    check_guards(changeset, 11)
    for wrong in (None, 0, 10, 12):
        with pytest.raises(RefusedError, match="changes 11 of 100 values set, more than 10%"):
            check_guards(changeset, wrong)


def test_a_number_where_no_guard_stops_is_refused() -> None:
    with pytest.raises(RefusedError, match="only where a guard stops"):
        check_guards(rescored(1, 100), 1)


def test_unseen_records_are_never_written() -> None:
    decision = decided(Desired(fields=scores({"A1": 70})), Seen())

    assert decision.changeset.items == ()
    assert codes(decision) == ["push.not_seen"]


def test_a_visit_that_a_person_moved_is_reported_and_left() -> None:
    moved = SeenRecord(
        id="E1",
        values={"start_at": "2026-03-05T10:00:00Z"},
        written={"start_at": START},
        rep="ann@example.com",
    )
    seen = Seen(records={("sales", "Event", "K1"): moved})

    decision = decided(Desired(records=[a_visit(1)], scopes=SCOPES), seen)

    assert decision.changeset.items == ()
    assert [(one.key, one.fate.value) for one in decision.touched] == [("K1", "moved")]
