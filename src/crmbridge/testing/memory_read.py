"""How a made-up CRM is read: by window, by token or as a snapshot."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from crmbridge.adapters import Deletes, ObjectCapability, Page, Position, Reading, ReadRequest
from crmbridge.errors import UsageError
from crmbridge.records import from_millis, to_millis
from crmbridge.testing.truth import Held, MemoryCrm

FIXED = ("Id", "ModifiedAt", "Version")


def row_of(record: Held, columns: Sequence[str]) -> tuple[Any, ...]:
    """A record's values in the columns' order."""
    stamp = from_millis(record.modified).isoformat(timespec="milliseconds")
    fixed = {"Id": record.id, "ModifiedAt": stamp, "Version": record.version}
    return tuple(fixed.get(name, record.values.get(name)) for name in columns)


def pages_of(
    crm: MemoryCrm,
    request: ReadRequest,
    ability: ObjectCapability,
    fields: Sequence[str],
    page_size: int,
) -> Iterator[Page]:
    """Read an object as its capability says.

    Raises:
        UsageError: a window where none is used, or none where one is needed.
    """
    if (request.window is not None) != (ability.reading is Reading.WINDOW):
        raise UsageError(
            f"memory: {request.object}", f"{ability.reading.value} reading", "the other"
        )
    columns = (*FIXED, *(name for name in fields if name not in FIXED))
    reader = {
        Reading.WINDOW: _by_window,
        Reading.TOKEN: _by_token,
        Reading.SNAPSHOT: _snapshot,
    }[ability.reading]
    lists_deletes = ability.deletes is Deletes.LISTED
    for found, position, is_closed, is_complete in reader(crm, request, page_size):
        yield Page(
            object=request.object,
            columns=columns,
            rows=[row_of(one, columns) for one in found if not one.is_deleted],
            deleted=[one.id for one in found if lists_deletes and _is_gone(one)],
            merged=[(one.id, one.merged_into) for one in found if one.merged_into],
            position=position,
            closed=is_closed,
            complete=is_complete,
        )


_Stretch = tuple[list[Held], Position, bool, bool]


def _is_gone(record: Held) -> bool:
    return record.is_deleted and not record.merged_into


def _by_window(crm: MemoryCrm, request: ReadRequest, size: int) -> Iterator[_Stretch]:
    """Keyset pages over (modified, number) within the window that the host named."""
    assert request.window is not None
    window = request.window
    bounds: dict[str, Any] = {
        "since": to_millis(window.since) if window.since else 0,
        "until": to_millis(window.until),
    }
    after = (bounds["since"] - 1, 0)
    if {name: request.position.get(name) for name in bounds} == bounds:
        after = (request.position["after"][0], request.position["after"][1])
    is_complete = False
    while not is_complete:
        crm.reach("read")
        due = sorted(
            (one.modified, one.number, one)
            for one in crm.visible(request.object)
            if (one.modified, one.number) > after and one.modified < bounds["until"]
        )
        found = [one for _, _, one in due[:size]]
        after = (due[:size][-1][0], due[:size][-1][1]) if found else after
        is_complete = len(due) <= size
        yield found, {**bounds, "after": list(after)}, True, is_complete


def _by_token(crm: MemoryCrm, request: ReadRequest, size: int) -> Iterator[_Stretch]:
    """Changes in the order of their running numbers, after the one in the position."""
    after = int(request.position.get("after", 0))
    is_complete = False
    while not is_complete:
        crm.reach("read")
        due = [one for one in crm.visible(request.object) if one.number > after]
        after = due[:size][-1].number if due else after
        is_complete = len(due) <= size
        yield due[:size], {"after": after}, True, is_complete


def _snapshot(crm: MemoryCrm, request: ReadRequest, size: int) -> Iterator[_Stretch]:
    """All records; only the last page closes, and nothing at all where nothing changed."""
    found = [one for one in crm.visible(request.object) if not one.is_deleted]
    marks = "\n".join(f"{one.id}:{one.version}" for one in found)
    digest = hashlib.sha256(marks.encode()).hexdigest()
    if request.position.get("digest") == digest:
        crm.reach("read")
        return
    for start in range(0, max(len(found), 1), size):
        crm.reach("read")
        is_last = start + size >= len(found)
        position: Position = {"digest": digest} if is_last else {}
        yield found[start : start + size], position, is_last, is_last
