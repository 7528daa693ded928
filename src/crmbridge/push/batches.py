"""Cuts the items of a changeset into waves and batches, and turns them into writes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TypeVar

from crmbridge.adapters import ObjectCapability, Operation, WriteItem
from crmbridge.push.changeset import Item
from crmbridge.push.values import Value

REMOTE_ID_OF = "remote_id_of"
"""``{"remote_id_of": "i1f..."}`` as a value stands for the id that this item's record gets."""


One = TypeVar("One", Item, WriteItem)


def waves(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Runs of neighbours that one kind of call can write; no wave depends on itself."""
    for _, group in groupby(items, key=lambda item: (item.object, item.operation)):
        wave: list[Item] = []
        names: set[str] = set()
        for item in group:
            if item.depends_on in names:
                yield wave
                wave, names = [], set()
            wave.append(item)
            names.add(item.item)
        yield wave


def calls(items: Sequence[One], ability: ObjectCapability) -> Iterator[list[One]]:
    """What each call of `Connection.write` gets: batches, or long jobs while enough items wait.

    A call has at most ``batch`` items, or from ``bulk_from`` to ``bulk_batch`` of them: nothing
    between, so that an adapter knows by the number alone how to send it.
    """
    left, size = list(items), max(1, ability.batch)
    while ability.bulk_from and len(left) >= max(ability.bulk_from, size + 1):
        job = next(batches(left, max(ability.bulk_batch, size)))
        if len(job) < ability.bulk_from:  # a large family comes next, and stays together
            break
        yield job
        left = left[len(job) :]
    yield from batches(left, size)


def batches(items: Sequence[One], size: int) -> Iterator[list[One]]:
    """Batches of at most `size` in which items of one parent stand together.

    A parent is split only where it alone has more items than fit.
    """
    batch: list[One] = []
    for _, group in groupby(items, key=lambda item: item.parent or item.item):
        family = list(group)
        if batch and len(batch) + len(family) > size:
            yield batch
            batch = []
        batch += family
        while len(batch) > size:
            yield batch[:size]
            batch = batch[size:]
    if batch:
        yield batch


def write_item(item: Item, remote_ids: Mapping[str, str], version: str = "") -> WriteItem:
    """The write that carries out an item.

    Args:
        remote_ids: item -> id of the record it wrote, for what others depend on.
        version: newer than the item's own, where this run wrote the record before.
    """
    before = {change.field: change.before for change in item.changes}
    after = {change.field: _resolved(change.after, remote_ids) for change in item.changes}
    takes_away = item.operation in {Operation.DELETE, Operation.REMOVE_MEMBER}
    is_new = item.operation in {Operation.CREATE, Operation.ADD_MEMBER}
    return WriteItem(
        item=item.item,
        operation=item.operation,
        object=item.object,
        id=item.id,
        key=item.key,
        values=_values(item.operation, before, after),
        expected={} if is_new or item.operation is Operation.REMOVE_MEMBER else before,
        version=version or item.version,
        parent=item.parent or remote_ids.get(item.depends_on, ""),
        depends_on="" if takes_away else item.depends_on,
    )


def _values(
    operation: Operation, before: Mapping[str, Value], after: Mapping[str, Value]
) -> Mapping[str, Value]:
    if operation is Operation.DELETE:
        return {}
    if operation is Operation.REMOVE_MEMBER:
        return before  # a member is named by the pair it joins
    return after


def _resolved(value: Value, remote_ids: Mapping[str, str]) -> Value:
    if isinstance(value, dict) and set(value) == {REMOTE_ID_OF}:
        return remote_ids.get(value[REMOTE_ID_OF], "")
    return value
