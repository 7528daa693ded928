"""Whatever is wanted and whatever people did: writing settles it, and undo takes it back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crmbridge.adapters import Capabilities, ObjectCapability, Operation
from crmbridge.push import (
    Changeset,
    Desired,
    DesiredFields,
    DesiredRecord,
    Origin,
    OwnRecords,
    Scope,
    Seen,
    WritePolicy,
    decide,
    undo,
)
from crmbridge.push.desired import Presence, SeenRecord, SeenValue
from crmbridge.push.values import Value, instant_text, is_empty
from crmbridge.records import RecordKey

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
ORIGIN = Origin(now=NOW, epoch="e1")
ANN = "ann@example.com"
ALL = frozenset(Operation)
CAPABILITIES = Capabilities(
    objects={
        "Account": ObjectCapability(stream="customers", operations=ALL),
        "Event": ObjectCapability(stream="activities", operations=ALL),
    }
)
SCOPES = {
    ("sales", "Event"): Scope(
        reps=frozenset({ANN}), since=NOW - timedelta(days=7), until=NOW + timedelta(days=30)
    )
}


def rounded(object_: str, name: str, value: Value) -> Value:
    """As a CRM with two decimals and short texts keeps it."""
    if isinstance(value, float):
        return round(value, 2)
    return value.strip()[:5] if isinstance(value, str) and name != "start_at" else value


POLICIES = {
    "sales": WritePolicy(
        capabilities=CAPABILITIES,
        fields={"Account": frozenset({"Score", "Segment"})},
        own={"Event": OwnRecords(fields=frozenset({"start_at", "subject"}))},
        clear={"Account": frozenset({"Segment"})},
        normalise=rounded,
    )
}

results = st.one_of(st.none(), st.text(max_size=8), st.floats(), st.integers(-5, 5))
held = st.one_of(st.none(), st.text(max_size=8), st.floats(-1e6, 1e6), st.integers(-5, 5))


@st.composite
def values_seen(draw: st.DrawFn) -> SeenValue:
    seen = draw(held)
    return SeenValue(
        seen=seen, written=draw(st.one_of(st.just(seen), held)), is_written=draw(st.booleans())
    )


ids = st.sampled_from([f"A{number}" for number in range(6)])
names = st.sampled_from(["Score", "Segment", "Email"])
wanted_fields = st.dictionaries(ids, st.dictionaries(names, results), max_size=6)
seen_fields = st.dictionaries(ids, st.dictionaries(names, values_seen()), max_size=6)
days = st.integers(-3, 20)


@st.composite
def visits_seen(draw: st.DrawFn) -> SeenRecord:
    written = {"start_at": start(draw(days)), "subject": draw(st.sampled_from(["x", "y"]))}
    moved = {"start_at": start(draw(days)), "subject": draw(st.sampled_from(["x", "z"]))}
    return SeenRecord(
        id=f"E{draw(st.integers(0, 99))}",
        values=draw(st.sampled_from([written, moved])),
        written=written,
        version=draw(st.sampled_from(["", "1", "2"])),
        written_version="1",
        presence=draw(st.sampled_from(Presence)),
        rep=draw(st.sampled_from([ANN, "bob@example.com"])),
    )


keys = st.sampled_from([f"K{number}" for number in range(6)])
wanted_visits = st.dictionaries(keys, days, max_size=6)
seen_visits = st.dictionaries(keys, visits_seen(), max_size=6)


def start(day: int) -> str:
    return instant_text(NOW + timedelta(days=day, hours=2))


def desired_of(fields: dict[str, dict[str, Value]], visits: dict[str, int]) -> Desired:
    return Desired(
        fields=[
            DesiredFields(record=RecordKey("sales", "Account", id_), values=values)
            for id_, values in fields.items()
        ],
        records=[
            DesiredRecord(
                connection="sales",
                object="Event",
                key=key,
                values={"start_at": start(day), "subject": "x"},
                rep=ANN,
            )
            for key, day in visits.items()
        ],
        scopes=SCOPES,
    )


def seen_of(fields: dict[str, dict[str, SeenValue]], visits: dict[str, SeenRecord]) -> Seen:
    return Seen(
        fields={RecordKey("sales", "Account", id_): values for id_, values in fields.items()},
        records={("sales", "Event", key): record for key, record in visits.items()},
    )


def written(seen: Seen, changeset: Changeset) -> Seen:
    """What is seen after a CRM has carried out all items."""
    fields = {record: dict(values) for record, values in seen.fields.items()}
    records = dict(seen.records)
    for item in changeset.items:
        after = {change.field: change.after for change in item.changes}
        place = (item.connection, item.object, item.key)
        if item.operation is Operation.DELETE:
            del records[place]
        elif item.operation is Operation.CREATE:
            records[place] = SeenRecord(id=f"new {item.key}", values=after, written=after, rep=ANN)
        elif item.key:
            old = records[place]
            records[place] = replace(
                old, values={**old.values, **after}, written={**old.written, **after}
            )
        else:
            record = RecordKey(item.connection, item.object, item.id)
            for name, value in after.items():
                fields[record][name] = SeenValue(seen=value, written=value, is_written=True)
    return replace(seen, fields=fields, records=records)


@given(wanted_fields, seen_fields, wanted_visits, seen_visits)
def test_deciding_after_writing_gives_nothing(
    fields: dict[str, dict[str, Value]],
    shown: dict[str, dict[str, SeenValue]],
    visits: dict[str, int],
    calendar: dict[str, SeenRecord],
) -> None:
    desired, seen = desired_of(fields, visits), seen_of(shown, calendar)
    first = decide(desired, seen, POLICIES, ORIGIN)

    second = decide(desired, written(seen, first.changeset), POLICIES, ORIGIN)

    assert second.changeset.items == ()


@given(wanted_fields, seen_fields, wanted_visits, seen_visits)
def test_no_decision_breaks_a_promise(
    fields: dict[str, dict[str, Value]],
    shown: dict[str, dict[str, SeenValue]],
    visits: dict[str, int],
    calendar: dict[str, SeenRecord],
) -> None:
    seen = seen_of(shown, calendar)

    items = decide(desired_of(fields, visits), seen, POLICIES, ORIGIN).changeset.items

    for item in items:
        own = seen.records.get((item.connection, item.object, item.key))
        if item.operation is Operation.DELETE:
            assert own is not None
            assert own.values == own.written
            assert str(own.values["start_at"]) > instant_text(NOW)
        if item.operation is Operation.CREATE:
            assert own is None
        for change in item.changes:
            assert change.field != "Email"
            if is_empty(change.after) and item.operation is not Operation.DELETE:
                assert (item.operation, change.field) == (Operation.CLEAR, "Segment")
    assert len({item.item for item in items}) == len(items)


@given(wanted_fields, seen_fields, wanted_visits, seen_visits)
def test_undo_brings_back_what_was_there(
    fields: dict[str, dict[str, Value]],
    shown: dict[str, dict[str, SeenValue]],
    visits: dict[str, int],
    calendar: dict[str, SeenRecord],
) -> None:
    before = seen_of(shown, calendar)
    done = decide(desired_of(fields, visits), before, POLICIES, ORIGIN).changeset
    after = written(before, done)
    remote = {item.item: item.id or f"new {item.key}" for item in done.items}

    back = undo(done, remote, after, POLICIES, ORIGIN)

    restored = written(after, back.changeset)
    assert plain_fields(restored) == plain_fields(before)
    assert restored.records.keys() == before.records.keys()
    for place, record in before.records.items():
        assert restored.records[place].values == record.values


def plain_fields(seen: Seen) -> dict[RecordKey, dict[str, Value]]:
    return {
        record: {name: value.seen for name, value in values.items() if not is_empty(value.seen)}
        for record, values in seen.fields.items()
    }
