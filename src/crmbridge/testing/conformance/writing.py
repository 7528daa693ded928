"""What writing must do, whatever the CRM."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from crmbridge.adapters import Check, Operation, Outcome, Status, WriteItem
from crmbridge.errors import CannotError, CrmbridgeError, UnknownOutcomeError
from crmbridge.testing.conformance.subject import Conformance, Subject

DONE = {Status.APPLIED, Status.UNCHANGED}


class WritingConformance(Conformance):
    """One outcome per item, nothing doubled, nothing overwritten that changed meanwhile."""

    def test_an_adapter_that_declares_no_write_refuses_one(self, subject: Subject) -> None:
        """It says that it cannot, and does nothing."""
        id_ = subject.fill(1)[0]

        if not _operations(subject):
            with subject.connect() as connection, pytest.raises(CannotError):
                connection.write([_update(subject, id_, "New")])

    def test_a_value_is_written_and_reads_back_the_same(self, subject: Subject) -> None:
        """What `normalise` promises is what the CRM holds and the next read gives."""
        if not _can(subject, Operation.UPDATE):
            return
        id_ = subject.fill(2)[0]

        outcome = _write(subject, [_update(subject, id_, " New value ")])[0]

        with subject.connect() as connection:
            wanted = connection.normalise(subject.object, subject.field, " New value ")
            pages = list(connection.read(subject.request()))
        assert outcome.status is Status.APPLIED
        assert subject.values(pages)[id_] == wanted

    def test_a_write_changes_only_what_it_names(self, subject: Subject) -> None:
        """Other fields and other records stay."""
        if not _can(subject, Operation.UPDATE):
            return
        ids = subject.fill(3)
        before = _held(subject)

        _write(subject, [_update(subject, ids[0], "New")])

        after = _held(subject)
        changed = {name for name in before[ids[0]] if before[ids[0]][name] != after[ids[0]][name]}
        assert subject.field in changed
        assert {id_: after[id_] for id_ in ids[1:]} == {id_: before[id_] for id_ in ids[1:]}

    def test_the_same_write_twice_is_harmless(self, subject: Subject) -> None:
        """The second time there is nothing to do."""
        if not _can(subject, Operation.UPDATE):
            return
        id_ = subject.fill(1)[0]
        item = _update(subject, id_, "New")

        first, second = _write(subject, [item]), _write(subject, [item])

        assert {one.status for one in (*first, *second)} <= DONE

    def test_a_field_is_emptied_only_by_clear(self, subject: Subject) -> None:
        """`Operation.CLEAR` empties the field it names."""
        if not (_can(subject, Operation.CLEAR) and subject.ability().clears):
            return
        id_ = subject.fill(1)[0]
        item = replace(_update(subject, id_, None), operation=Operation.CLEAR)

        outcome = _write(subject, [item])[0]

        assert outcome.status is Status.APPLIED
        assert not _held(subject)[id_].get(subject.field)

    def test_every_item_gets_one_outcome(self, subject: Subject) -> None:
        """As many as were sent, told apart by their names."""
        if not _can(subject, Operation.UPDATE):
            return
        count = min(subject.ability().batch, 50)
        ids = subject.fill(count)

        outcomes = _write(subject, [_update(subject, id_, f"New {id_}") for id_ in ids])

        assert sorted(one.item for one in outcomes) == sorted(f"update-{id_}" for id_ in ids)
        assert {one.status for one in outcomes} == {Status.APPLIED}

    def test_nothing_is_a_batch_too(self, subject: Subject) -> None:
        """An empty list has no outcome and needs no call."""
        if _operations(subject):
            assert list(_write(subject, [])) == []

    def test_a_bad_item_does_not_stop_the_others(self, subject: Subject) -> None:
        """It is rejected with a reason, the others are applied."""
        if subject.bad is None or not _can(subject, Operation.UPDATE):
            return
        ids = subject.fill(3)
        items = [_update(subject, id_, f"New {id_}") for id_ in ids]
        items[1] = replace(items[1], values=subject.bad)

        outcomes = _by_item(_write(subject, items))

        statuses = [outcomes[item.item].status for item in items]
        assert statuses == [Status.APPLIED, Status.REJECTED, Status.APPLIED]
        assert outcomes[items[1].item].error

    def test_a_record_that_is_gone_is_rejected(self, subject: Subject) -> None:
        """It is not created anew."""
        if not _can(subject, Operation.UPDATE):
            return
        ids = subject.fill(2)
        subject.truth.delete(subject.object, ids[0])

        outcomes = _by_item(_write(subject, [_update(subject, id_, "New") for id_ in ids]))

        assert outcomes[f"update-{ids[0]}"].status in {Status.REJECTED, Status.CONFLICT}
        assert outcomes[f"update-{ids[1]}"].status is Status.APPLIED
        assert ids[0] not in _held(subject)

    def test_what_somebody_changed_is_not_overwritten(self, subject: Subject) -> None:
        """The value we decided on is no longer there: a conflict, and theirs stays."""
        if not _can(subject, Operation.UPDATE) or subject.ability().check is Check.NONE:
            return
        id_ = subject.fill(1)[0]
        item = _expecting(subject, _update(subject, id_, "Ours"))
        subject.truth.edit(subject.object, id_, {subject.field: "Theirs"})

        outcome = _write(subject, [item])[0]

        assert outcome.status is Status.CONFLICT
        assert _held(subject)[id_][subject.field] == "Theirs"

    def test_what_nobody_changed_is_written(self, subject: Subject) -> None:
        """A check that always says conflict would be safe and useless."""
        if not _can(subject, Operation.UPDATE):
            return
        id_ = subject.fill(1)[0]

        outcome = _write(subject, [_expecting(subject, _update(subject, id_, "Ours"))])[0]

        assert outcome.status is Status.APPLIED

    def test_a_created_record_bears_our_key(self, subject: Subject) -> None:
        """By the key it is found again."""
        if not subject.created:
            return

        outcome = _write(subject, [_create(subject, 1), _create(subject, 2)])[0]

        found = _find(subject, ["key-1", "key-9"])
        assert outcome.status is Status.APPLIED
        assert list(found["key-1"]) == [outcome.id]
        assert list(found.get("key-9", ())) == []
        assert len(_held(subject, subject.created)) == 2

    def test_a_create_that_is_sent_again_does_not_double(self, subject: Subject) -> None:
        """Where the CRM keeps our key unique; elsewhere the host looks before it sends."""
        if not subject.created or not subject.ability(subject.created).key_is_unique:
            return

        first = _write(subject, [_create(subject, 1)])[0]
        second = _write(subject, [_create(subject, 1)])[0]

        assert second.status in DONE
        assert second.id == first.id
        assert len(_held(subject, subject.created)) == 1

    def test_a_lost_answer_is_no_failure(self, subject: Subject) -> None:
        """The write landed: its outcome is done or unknown, never rejected; its key finds it."""
        if "lost" not in subject.faults or not subject.created:
            return
        subject.faults["lost"]()

        try:
            statuses = {_write(subject, [_create(subject, 1)])[0].status}
        except UnknownOutcomeError:
            statuses = {Status.UNKNOWN}

        assert statuses <= {*DONE, Status.UNKNOWN}
        assert len(_find(subject, ["key-1"])["key-1"]) == 1

    def test_our_record_can_be_deleted_once(self, subject: Subject) -> None:
        """The second time it is gone already."""
        if not subject.created or not _can(subject, Operation.DELETE, subject.created):
            return
        id_ = _write(subject, [_create(subject, 1)])[0].id
        item = WriteItem(
            item="delete-1",
            operation=Operation.DELETE,
            object=subject.created,
            id=id_,
            key="key-1",
        )

        first, second = _write(subject, [item])[0], _write(subject, [item])[0]

        assert first.status is Status.APPLIED
        assert second.status in {Status.UNCHANGED, Status.REJECTED}
        assert id_ not in _held(subject, subject.created)

    def test_a_member_is_added_once_and_removed(self, subject: Subject) -> None:
        """Adding twice leaves one."""
        if not subject.members:
            return
        add = _member(subject, Operation.ADD_MEMBER)

        first, second = _write(subject, [add])[0], _write(subject, [add])[0]
        count = len(_held(subject, subject.members))
        remove = replace(_member(subject, Operation.REMOVE_MEMBER), id=first.id)
        removed = _write(subject, [remove])[0]

        assert (first.status, removed.status) == (Status.APPLIED, Status.APPLIED)
        assert second.status in DONE
        assert (count, len(_held(subject, subject.members))) == (1, 0)

    def test_the_status_of_a_member_is_set_once_and_never_blindly(self, subject: Subject) -> None:
        """Where it is declared: again is nothing, and a status that changed since is a conflict."""
        if not subject.members or not _can(subject, Operation.SET_MEMBER, subject.members):
            return
        add = _member(subject, Operation.ADD_MEMBER)
        _write(subject, [replace(add, values={**add.values, "status": "added"})])

        first, again, other = (
            _write(subject, [_to_status(subject, one)])[0].status
            for one in ("responded", "responded", "sent")
        )

        assert first is Status.APPLIED
        assert again in {Status.UNCHANGED, Status.CONFLICT}
        assert other is Status.CONFLICT

    def test_as_many_threads_write_as_declared(self, subject: Subject) -> None:
        """One connection, several batches at once, each with its own outcomes."""
        workers = subject.adapter.capabilities.workers
        if not _can(subject, Operation.UPDATE) or workers == 1:
            return
        ids = subject.fill(2 * workers)
        batches = [
            [_update(subject, id_, f"New {id_}") for id_ in ids[n::workers]] for n in range(workers)
        ]

        with subject.connect() as connection, ThreadPoolExecutor(workers) as pool:
            outcomes = [one for found in pool.map(connection.write, batches) for one in found]

        assert sorted(one.id for one in outcomes) == sorted(ids)
        assert {one.status for one in outcomes} == {Status.APPLIED}

    def test_a_batch_beyond_the_declared_size_is_taken_or_refused_whole(
        self, subject: Subject
    ) -> None:
        """The host splits batches; an adapter that gets a larger one does not cut it short."""
        batch = subject.ability().batch
        if not _can(subject, Operation.UPDATE) or batch > 500:
            return
        ids = subject.fill(batch + 1)
        before = _held(subject)

        try:
            outcomes = _write(subject, [_update(subject, id_, "New") for id_ in ids])
        except CrmbridgeError:
            assert _held(subject) == before
        else:
            assert len(outcomes) == batch + 1


def _operations(subject: Subject) -> frozenset[Operation]:
    abilities = subject.adapter.capabilities.objects.values()
    return frozenset(one for ability in abilities for one in ability.operations)


def _can(subject: Subject, operation: Operation, object_: str = "") -> bool:
    return operation in subject.ability(object_).operations


def _update(subject: Subject, id_: str, value: Any) -> WriteItem:
    return WriteItem(
        item=f"update-{id_}",
        operation=Operation.UPDATE,
        object=subject.object,
        id=id_,
        values={subject.field: value},
    )


def _expecting(subject: Subject, item: WriteItem) -> WriteItem:
    """The item as decided on what the CRM holds now, with its version where there is one."""
    with subject.connect() as connection:
        page = next(iter(connection.read(subject.request())))
    at = subject.ids(page).index(item.id)
    row = dict(zip(page.columns, page.rows[at], strict=True))
    name = subject.mapping(subject.object).get("version")
    version = str(row.get(name) or "") if isinstance(name, str) else ""
    return replace(item, expected={subject.field: row[subject.field]}, version=version)


def _create(subject: Subject, number: int) -> WriteItem:
    return WriteItem(
        item=f"create-{number}",
        operation=Operation.CREATE,
        object=subject.created,
        key=f"key-{number}",
        values=subject.new(number),
    )


def _member(subject: Subject, operation: Operation) -> WriteItem:
    return WriteItem(
        item=f"{operation.value}-1",
        operation=operation,
        object=subject.members,
        values=subject.member(1),
    )


def _to_status(subject: Subject, status: str) -> WriteItem:
    """What sets a member from added to this status."""
    item = _member(subject, Operation.SET_MEMBER)
    values, expected = {**item.values, "status": status}, {**item.values, "status": "added"}
    return replace(item, values=values, expected=expected)


def _write(subject: Subject, items: Sequence[WriteItem]) -> Sequence[Outcome]:
    with subject.connect() as connection:
        return connection.write(items)


def _find(subject: Subject, keys: Sequence[str]) -> Mapping[str, Sequence[str]]:
    field = subject.ability(subject.created).key_field
    with subject.connect() as connection:
        return connection.find_by_keys(subject.created, field, keys)


def _held(subject: Subject, object_: str = "") -> Mapping[str, Mapping[str, Any]]:
    return subject.truth.held(object_ or subject.object)


def _by_item(outcomes: Sequence[Outcome]) -> dict[str, Outcome]:
    return {one.item: one for one in outcomes}
