"""Whatever happens in a CRM and to its pulls: once it rests, two pulls bring the store in line."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from crmbridge.adapters import Capabilities, Deletes, Reading
from crmbridge.pull import PullReport, Source, SourceObject, pull
from crmbridge.store import open_store
from crmbridge.store.schema import LIVE, RECORDS
from crmbridge.testing.faults import Fault
from crmbridge.testing.memory import (
    OBJECTS,
    MemoryConnection,
    MemoryCrm,
    memory_capabilities,
    memory_mappings,
)

STREAMS = ("customers", "contacts")
CAPABILITIES = {
    "window": memory_capabilities(),
    "trailing": memory_capabilities(),
    "token": memory_capabilities(reading=Reading.TOKEN),
    "snapshot": memory_capabilities(reading=Reading.SNAPSHOT, deletes=Deletes.ABSENCE),
    "sweep": memory_capabilities(deletes=Deletes.SWEEP),
}
LAGS = {"trailing": 60}


def declared(name: str) -> Capabilities:
    found = CAPABILITIES[name]
    return Capabilities(
        objects=found.objects, has_clock=True, lag_minutes=LAGS.get(name, found.lag_minutes)
    )


class Life(RuleBasedStateMachine):
    """A CRM that people work in while it is pulled, with faults."""

    reading = "window"
    customers = Bundle("customers")
    contacts = Bundle("contacts")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = open_store(f"sqlite:///{Path(self.folder.name)}/store.db")
        self.crm = MemoryCrm()
        self.runs = 0
        self.survivor: dict[str, str] = {}
        self.crm.put("Account", {"name": "never deleted: an empty snapshot would not be believed"})
        self.crm.put("Contact", {"customer_id": "Account-1"})

    @rule(target=customers, name=st.text(alphabet="abc", max_size=3))
    def new_customer(self, name: str) -> str:
        return self.crm.put("Account", {"name": name})

    @rule(target=contacts, customer=customers)
    def new_contact(self, customer: str) -> str:
        return self.crm.put("Contact", {"customer_id": customer})

    @rule(customer=customers, latitude=st.sampled_from([None, 1.0, 2.0, 91.0]))
    def edit(self, customer: str, latitude: float | None) -> None:
        if customer in self.crm.held("Account"):
            self.crm.edit("Account", customer, {"latitude": latitude})

    @rule(contact=contacts)
    def touch_contact(self, contact: str) -> None:
        if contact in self.crm.held("Contact"):
            self.crm.edit("Contact", contact, {})

    @rule(customer=customers)
    def delete(self, customer: str) -> None:
        if customer in self.crm.held("Account"):
            self.crm.delete("Account", customer)

    @rule(customer=customers)
    def restore(self, customer: str) -> None:
        held = self.crm.records["Account"][customer]
        if held.is_deleted and not held.merged_into:
            self.crm.put("Account", {"name": "restored"}, customer)

    @rule(loser=consumes(customers), winner=customers)
    def merge(self, loser: str, winner: str) -> None:
        held = self.crm.held("Account")
        if self.reading in ("snapshot", "sweep") or loser == winner:
            return
        if loser in held and winner in held:
            self.crm.merge("Account", loser, winner)
            self.survivor[loser] = winner

    @rule(minutes=st.integers(1, 90))
    def wait(self, minutes: int) -> None:
        self.crm.clock.at += timedelta(minutes=minutes)

    @rule(minutes=st.integers(0, 8))
    def publish_late(self, minutes: int) -> None:
        self.crm.late = timedelta(minutes=minutes)

    @rule(
        call=st.sampled_from(["read", "read_ids", "read_by_ids", "count"]),
        fault=st.sampled_from([Fault.TRANSIENT, Fault.QUOTA, Fault.CONFIG, Fault.SIGN_IN]),
        after=st.integers(0, 4),
    )
    def plan_fault(self, call: str, fault: Fault, after: int) -> None:
        self.crm.faults.fail(call, fault, after=after)

    @rule(customer=customers)
    def somebody_edits_between_pages(self, customer: str) -> None:
        if customer in self.crm.held("Account"):
            self.crm.faults.before("read", lambda: self.edit(customer, 3.0))

    @rule(full=st.booleans())
    def pull_once(self, full: bool) -> None:
        self.pull(full=full)

    def pull(self, *, full: bool = False) -> PullReport:
        self.runs += 1
        self.crm.clock.at += timedelta(seconds=30)
        capabilities = declared(self.reading)
        return pull(
            self.store,
            Source(
                connection="crm",
                open=MemoryConnection(crm=self.crm, declared=capabilities),
                capabilities=capabilities,
                objects=tuple(
                    SourceObject(
                        stream=stream,
                        object=OBJECTS[stream],
                        fields=memory_mappings()[stream][OBJECTS[stream]],
                    )
                    for stream in STREAMS
                ),
                clock=self.crm.clock,
                run_id=self.runs,
                zone="UTC",
                full=full,
            ),
        )

    @invariant()
    def nothing_is_held_that_never_was(self) -> None:
        if hasattr(self, "store"):
            assert set(self._held("customers")) <= set(self.crm.records.get("Account", {}))

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        self.crm.faults.heal()
        self.crm.clock.at += timedelta(days=8)  # late changes are out, sweeps are due
        self.pull()
        report = self.pull()
        assert not report.problems, report.problems
        assert self._held("customers") == self._truth()
        assert self._held("contacts", "customer_id") == self._contacts()
        assert all(counts.new + counts.changed == 0 for counts in report.counts.values())
        self.store.close()
        self.folder.cleanup()

    def _held(self, stream: str, column: str = "latitude") -> dict[str, Any]:
        table = RECORDS[stream]
        query = select(table.c.id, table.c[column]).where(table.c.record_state == LIVE)
        with self.store.read() as tx:
            return {row[0]: row[1] for row in tx.execute(query)}

    def _truth(self) -> dict[str, Any]:
        """What is sound; a record that went bad stays as it was last sound, if ever."""
        held = self._held("customers")
        truth = {}
        for id_, values in self.crm.held("Account").items():
            latitude = values.get("latitude")
            if latitude != 91.0:
                truth[id_] = latitude
            elif id_ in held:
                truth[id_] = held[id_]
        return truth

    def _contacts(self) -> dict[str, Any]:
        def last(customer: str) -> str:
            while customer in self.survivor:
                customer = self.survivor[customer]
            return customer

        return {
            id_: last(values["customer_id"]) for id_, values in self.crm.held("Contact").items()
        }


@pytest.mark.parametrize("reading", list(CAPABILITIES))
def test_pulls_converge(reading: str) -> None:
    machine = type(f"Life_{reading}", (Life,), {"reading": reading})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],  # shrinking takes minutes on a disk
            suppress_health_check=list(HealthCheck),
        ),
    )
