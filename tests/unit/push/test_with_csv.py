"""The CSV adapter gives back texts: a changeset for its folder settles all the same."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crmbridge.adapters import Connection, Context
from crmbridge.clock import FixedClock
from crmbridge.push import (
    Desired,
    DesiredFields,
    FirstFill,
    Limits,
    Orders,
    Origin,
    OwnRecords,
    PlannedVisit,
    Scope,
    Seen,
    Target,
    WritePolicy,
    apply,
    decide,
    desired_visits,
    save_changeset,
)
from crmbridge.push.desired import SeenRecord, SeenValue
from crmbridge.records import RecordKey
from crmbridge.store import Store

csv_plugin = pytest.importorskip("crmbridge_csv.adapter", reason="the CSV plugin is not installed")

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
ACME = RecordKey("files", "customers", "1")
FIELDS = frozenset(
    {"status", "subject", "description", "location", "start_at", "end_at", "zone", "busy",
     "rep_id", "customer_id"}
)  # fmt: skip


class Silent:
    """A log that nobody reads."""

    def debug(self, event: str, **facts: Any) -> None: ...
    def info(self, event: str, **facts: Any) -> None: ...
    def warning(self, event: str, **facts: Any) -> None: ...


@pytest.fixture
def target(tmp_path: Path) -> Target:
    (tmp_path / "customers.csv").write_text("id,name,score\n1,Acme,50\n2,Bolt,\n")
    adapter = csv_plugin.ADAPTER
    context = Context(
        connection="files",
        base=tmp_path,
        folder=tmp_path,
        clock=FixedClock(NOW),
        log=Silent(),
        write_fields={"customers": ("score", "segment")},
    )
    connection = adapter.open(adapter.settings(path="."), context)
    return Target(name="files", connection=connection, capabilities=adapter.capabilities)


def rows(connection: Connection, object_: str, *ids: str) -> dict[str, Mapping[str, Any]]:
    page = connection.read_by_ids(object_, ids, ())
    found = [dict(zip(page.columns, row, strict=True)) for row in page.rows]
    return {row["id"]: row for row in found}


def seen(target: Target, *keys: str) -> Seen:
    """What a pull would show."""
    fields = {
        RecordKey("files", "customers", id_): {
            name: SeenValue(seen=row.get(name)) for name in ("score", "segment")
        }
        for id_, row in rows(target.connection, "customers", "1", "2").items()
    }
    visits = rows(target.connection, "visits", *keys)
    records = {
        ("files", "visits", key): SeenRecord(
            id=key, values=visits[key], written=visits[key], rep="ann@example.com"
        )
        for key in keys
        if key in visits
    }
    return Seen(fields=fields, records=records)


def a_policy(target: Target) -> dict[str, WritePolicy]:
    return {
        "files": WritePolicy(
            capabilities=target.capabilities,
            fields={"customers": frozenset({"score", "segment"})},
            own={"visits": OwnRecords(fields=FIELDS)},
            normalise=target.connection.normalise,
            limits=Limits(share=1.0, first_fill=FirstFill.ALLOW),
        )
    }


def wanted(hour: int) -> Desired:
    visit = PlannedVisit(
        visit_id="v1",
        connection="files",
        rep="ann@example.com",
        rep_id="ann",
        customer=ACME,
        customer_name='=Acme, "GmbH"\nBerlin',
        start_at=datetime(2026, 3, 3, hour, tzinfo=UTC),
        end_at=datetime(2026, 3, 3, hour + 1, tzinfo=UTC),
        zone="Europe/Berlin",
        location="Am Markt 1",
    )
    scores = DesiredFields(record=ACME, values={"score": 71.5, "segment": "gold"})
    scope = Scope(
        reps=frozenset({"ann@example.com"}), since=NOW, until=datetime(2026, 3, 16, tzinfo=UTC)
    )
    return Desired(
        fields=[scores],
        records=desired_visits([visit], {"files": "visits"}),
        scopes={("files", "visits"): scope},
    )


def test_a_folder_of_files_settles(store: Store, target: Target) -> None:
    origin = Origin(now=NOW, epoch=store.epoch)
    key = wanted(10).records[0].key
    first = decide(wanted(10), seen(target), a_policy(target), origin).changeset
    save_changeset(store, first, run_id=1)

    report = apply(store, first.id, {"files": target}, Orders(clock=FixedClock(NOW)))
    second = decide(wanted(10), seen(target, key), a_policy(target), origin)
    moved = decide(wanted(11), seen(target, key), a_policy(target), origin)

    assert report.outcomes["applied"] == 2
    assert second.changeset.items == ()
    assert [change.field for change in moved.changeset.items[0].changes] == ["end_at", "start_at"]
    visit = rows(target.connection, "visits", key)[key]
    assert visit["start_at"] == "2026-03-03T10:00:00Z"
    assert visit["subject"] == 'Visit =Acme, "GmbH"\nBerlin'


def test_a_plan_that_lets_a_visit_go_takes_it_out_of_the_file(store: Store, target: Target) -> None:
    key = wanted(10).records[0].key
    for desired, known in ((wanted(10), ()), (Desired(scopes=wanted(10).scopes), (key,))):
        origin = Origin(now=NOW, epoch=store.epoch)
        done = decide(desired, seen(target, *known), a_policy(target), origin).changeset
        save_changeset(store, done, run_id=1)
        apply(store, done.id, {"files": target}, Orders(clock=FixedClock(NOW)))

    assert rows(target.connection, "visits", key) == {}
