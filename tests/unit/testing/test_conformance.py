"""The conformance suite finds the faults that adapters really have."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from crmbridge.adapters import (
    Link,
    Outcome,
    Page,
    Reading,
    ReadRequest,
    RemoteObject,
    Status,
    WriteItem,
)
from crmbridge.testing.conformance import AdapterConformance, Subject
from crmbridge.testing.memory import (
    MemoryConnection,
    memory_adapter,
    memory_capabilities,
)
from crmbridge.testing.truth import MemoryCrm


class _LosesTheLastRow(MemoryConnection):
    def read(self, request: ReadRequest) -> Iterator[Page]:
        for page in super().read(request):
            yield replace(page, rows=page.rows[:-1]) if page.complete else page


class _ClosesTooEarly(MemoryConnection):
    def read(self, request: ReadRequest) -> Iterator[Page]:
        pages = list(super().read(request))
        for page in pages:
            yield replace(page, position=pages[-1].position)


class _ReadsAllAgain(MemoryConnection):
    def read(self, request: ReadRequest) -> Iterator[Page]:
        yield from super().read(replace(request, position={}))


class _TurnsNotAvailableIntoNothing(MemoryConnection):
    def read(self, request: ReadRequest) -> Iterator[Page]:
        for page in super().read(request):
            rows = [tuple("" if value == "N/A" else value for value in row) for row in page.rows]
            yield replace(page, rows=rows)


class _SaysNothingOfDeletes(MemoryConnection):
    def read(self, request: ReadRequest) -> Iterator[Page]:
        for page in super().read(request):
            yield replace(page, deleted=())


class _SaysNothingOfMerges(MemoryConnection):
    def read(self, request: ReadRequest) -> Iterator[Page]:
        for page in super().read(request):
            yield replace(page, merged=())


class _SweepsOnePage(MemoryConnection):
    def read_ids(self, object_: str) -> Iterator[Sequence[str]]:
        yield next(iter(super().read_ids(object_)))


class _CutsLinksAtHundred(MemoryConnection):
    def read_links(self, object_: str, ids: Sequence[str], to: str) -> Iterator[Sequence[Link]]:
        links = [link for page in super().read_links(object_, ids, to) for link in page]
        yield links[:100]


class _ForgetsAnOutcome(MemoryConnection):
    def write(self, items: Sequence[WriteItem]) -> Sequence[Outcome]:
        return super().write(items)[:-1]


class _Overwrites(MemoryConnection):
    def write(self, items: Sequence[WriteItem]) -> Sequence[Outcome]:
        return super().write([replace(item, expected={}, version="") for item in items])


class _AlwaysFindsConflicts(MemoryConnection):
    def write(self, items: Sequence[WriteItem]) -> Sequence[Outcome]:
        return [Outcome(item=item.item, status=Status.CONFLICT) for item in items]


class _CreatesTwice(MemoryConnection):
    def write(self, items: Sequence[WriteItem]) -> Sequence[Outcome]:
        for item in items:
            self.crm.put(item.object, {**item.values, "visit_key": item.key})
        return super().write(items)


class _PromisesAnotherValue(MemoryConnection):
    def normalise(self, object_: str, field_: str, value: Any) -> Any:
        return value


class _DescribesNoFields(MemoryConnection):
    def describe(self) -> Sequence[RemoteObject]:
        return [replace(one, fields=()) for one in super().describe()]


class _FindsNothing(MemoryConnection):
    def find_by_keys(
        self, object_: str, key_field: str, keys: Sequence[str]
    ) -> Mapping[str, Sequence[str]]:
        return dict.fromkeys(keys, ())


def _subject(kind: type[MemoryConnection], **changes: Any) -> Subject:
    crm = MemoryCrm()
    declared = memory_capabilities(**changes)
    return Subject(
        adapter=memory_adapter(crm, declared),
        truth=crm,
        connect=lambda: kind(crm=crm, declared=declared),
        object="Account",
        field="name",
        sample=lambda number: {"name": f"Customer {number}"},
        created="Event",
        merge=lambda loser, winner: crm.merge("Account", loser, winner),
    )


Test = Callable[[AdapterConformance, Subject], None]
SUITE = AdapterConformance

FAULTS: list[tuple[type[MemoryConnection], Test, dict[str, Any]]] = [
    (_LosesTheLastRow, SUITE.test_every_record_is_read, {}),
    (_ClosesTooEarly, SUITE.test_reading_goes_on_from_every_position, {}),
    (_ReadsAllAgain, SUITE.test_nothing_new_is_read_when_nothing_changed, {}),
    (
        _ReadsAllAgain,
        SUITE.test_nothing_new_is_read_when_nothing_changed,
        {"reading": Reading.SNAPSHOT},
    ),
    (_SaysNothingOfDeletes, SUITE.test_a_deletion_becomes_known_as_declared, {}),
    (_SaysNothingOfMerges, SUITE.test_a_merge_names_the_survivor, {}),
    (_SweepsOnePage, SUITE.test_a_sweep_gives_all_ids, {}),
    (_CutsLinksAtHundred, SUITE.test_all_links_are_read, {"links": ("Contact",)}),
    (_ForgetsAnOutcome, SUITE.test_every_item_gets_one_outcome, {}),
    (_Overwrites, SUITE.test_what_somebody_changed_is_not_overwritten, {}),
    (_AlwaysFindsConflicts, SUITE.test_what_nobody_changed_is_written, {}),
    (_CreatesTwice, SUITE.test_a_created_record_bears_our_key, {}),
    (_PromisesAnotherValue, SUITE.test_a_value_is_written_and_reads_back_the_same, {}),
    (_DescribesNoFields, SUITE.test_a_description_names_the_fields_that_are_read, {}),
    (_FindsNothing, SUITE.test_a_created_record_bears_our_key, {}),
]


@pytest.mark.parametrize(
    ("kind", "test", "changes"), FAULTS, ids=[f"{one[0].__name__}" for one in FAULTS]
)
def test_a_faulty_adapter_is_found_out(
    kind: type[MemoryConnection], test: Test, changes: dict[str, Any]
) -> None:
    test(SUITE(), _subject(MemoryConnection, **changes))

    with pytest.raises(AssertionError):
        test(SUITE(), _subject(kind, **changes))


def test_a_text_that_is_lost_is_found_out() -> None:
    with pytest.raises(AssertionError):
        SUITE().test_texts_come_back_as_they_are(_subject(_TurnsNotAvailableIntoNothing), "N/A")


def test_an_adapter_that_pretends_is_found_out() -> None:
    class Pretends(MemoryConnection):
        def count(self, object_: str, window: object) -> int:
            return 0

    with pytest.raises(pytest.fail.Exception):
        SUITE().test_the_count_is_the_crms(_subject(Pretends, counts=False))
