"""What long jobs must do: the same as batches, and be there to be asked later."""

from collections.abc import Sequence
from dataclasses import replace

from crmbridge.adapters import Operation, Outcome, Status, WriteItem
from crmbridge.errors import CrmbridgeError
from crmbridge.testing.conformance.subject import Conformance, Subject

MOST = 3_000
"""Jobs that begin with more items are not tried: a test must not take minutes."""

ASKS = 50


class JobConformance(Conformance):
    """Runs for objects whose capability declares ``bulk_from``."""

    def test_a_job_gives_each_item_its_outcome(self, subject: Subject) -> None:
        """As many outcomes as items, and the CRM holds what was sent."""
        count = _size(subject)
        if not count:
            return
        ids = subject.fill(count)

        outcomes = _ended(subject, _updates(subject, ids))

        held = subject.truth.held(subject.object)
        assert sorted(one.item for one in outcomes) == sorted(f"update-{id_}" for id_ in ids)
        assert {one.status for one in outcomes} == {Status.APPLIED}
        assert {held[id_][subject.field] for id_ in ids} == {"New"}

    def test_a_bad_item_does_not_stop_its_job(self, subject: Subject) -> None:
        """It is rejected with a reason, the others are applied."""
        count = _size(subject)
        if not count or subject.bad is None:
            return
        items = _updates(subject, subject.fill(count))
        items[1] = replace(items[1], values=subject.bad)

        outcomes = {one.item: one for one in _ended(subject, items)}

        assert outcomes[items[1].item].status is Status.REJECTED
        assert outcomes[items[1].item].error
        assert {outcomes[one.item].status for one in (items[0], *items[2:])} == {Status.APPLIED}

    def test_a_job_that_takes_long_is_taken_up_by_another_connection(
        self, subject: Subject
    ) -> None:
        """It leaves a handle; what it did is known later, and it was done once."""
        count = _size(subject)
        if not count or "slow" not in subject.faults:
            return
        ids = subject.fill(count)
        subject.faults["slow"]()

        with subject.connect() as connection:
            first = connection.write(_updates(subject, ids))
        outcomes = _taken_up(subject, first)

        assert {one.status for one in first} == {Status.UNKNOWN}
        assert all(one.handle for one in first)
        assert sorted(one.item for one in outcomes) == sorted(f"update-{id_}" for id_ in ids)
        assert {one.status for one in outcomes} <= {Status.APPLIED, Status.UNCHANGED}

    def test_a_job_that_is_not_there_is_no_success(self, subject: Subject) -> None:
        """An unknown handle says nothing certain of any item, or is refused."""
        if not subject.adapter.capabilities.resumes:
            return

        with subject.connect() as connection:
            try:
                outcomes = connection.resume("no-such-job")
            except CrmbridgeError:
                return

        assert {one.status for one in outcomes} <= {Status.UNKNOWN}


def _size(subject: Subject) -> int:
    """Items enough for a job; 0 where none is to be tried."""
    ability = subject.ability()
    is_tried = 0 < ability.bulk_from <= MOST and Operation.UPDATE in ability.operations
    return ability.bulk_from if is_tried else 0


def _updates(subject: Subject, ids: Sequence[str]) -> list[WriteItem]:
    return [
        WriteItem(
            item=f"update-{id_}",
            operation=Operation.UPDATE,
            object=subject.object,
            id=id_,
            values={subject.field: "New"},
        )
        for id_ in ids
    ]


def _ended(subject: Subject, items: Sequence[WriteItem]) -> Sequence[Outcome]:
    """The outcomes of a job, however long it takes."""
    with subject.connect() as connection:
        outcomes = connection.write(items)
    return _taken_up(subject, outcomes)


def _taken_up(subject: Subject, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    """Ask until nothing is under way; what was known is kept."""
    known = {one.item: one for one in outcomes}
    for _ in range(ASKS):
        handles = sorted({one.handle for one in known.values()} - {""})
        if not handles:
            break
        with subject.connect() as connection:
            for handle in handles:
                known |= {one.item: one for one in connection.resume(handle)}
    return list(known.values())
