"""The changeset: what would change, item by item, as people review it and `apply` carries it out.

A changeset is a value. Its digest covers everything in it, its file is canonical to the byte, and
it says which organisations and which state of the store it was decided against.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from crmbridge.adapters import Operation
from crmbridge.errors import RefusedError, StorageError
from crmbridge.push.values import Value, canonical, instant_text, parse_instant

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field: the value the CRM showed last, and the value it should hold."""

    field: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One write.

    Args:
        item: name, unique in the changeset; the same decision gives the same name.
        id: remote id, "" for a create.
        key: our own key, on records that we create.
        version: the CRM's version that was decided on, "" where it has none.
        parent: id of the record that the CRM locks; items of one parent stand together.
        depends_on: item that must be applied first.
        reason: one line for people.
    """

    item: str
    connection: str
    object: str
    operation: Operation
    id: str = ""
    key: str = ""
    changes: tuple[Change, ...] = ()
    version: str = ""
    parent: str = ""
    depends_on: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardVerdict:
    """What one guard counted.

    Args:
        guard: ``changes``, ``first_fill`` or ``deletes``.
        field: "" where whole records are counted.
        count: values (or records) that would be overwritten, filled or deleted.
        total: values set (or visits of ours) now, which `count` is a share of.
        tripped: why the guard stops the changeset; "" where it does not.
    """

    guard: str
    connection: str
    object: str
    field: str
    count: int
    total: int
    tripped: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changeset:
    """Everything one `push` would write.

    Args:
        epoch: the store's epoch that it was decided in; a restored backup has another.
        organisations: connection -> id of the account, "" where the CRM tells none.
        items: in the order in which they are written.
        plan_id: the plan whose visits it writes; several are joined by ``+``; "" for none.
        guards: what the guards counted; one that is tripped needs ``--accept``.
        api_calls: forecast, connection -> calls.
        undoes: changeset that this one takes back, "" for none.
    """

    id: str
    created_at: datetime
    epoch: str
    organisations: Mapping[str, str]
    items: tuple[Item, ...]
    plan_id: str = ""
    guards: tuple[GuardVerdict, ...] = ()
    api_calls: Mapping[str, int] = field(default_factory=dict)
    undoes: str = ""

    @property
    def digest(self) -> str:
        """sha256 over the whole content, id included."""
        return hashlib.sha256(canonical(_content(self)).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """The document that ``diff --json`` prints: one row per field."""
        rows = [row for item in self.items for row in _rows(item)]
        return {"changeset": self.id, "items": rows, "api_calls": dict(self.api_calls)}


def item_name(operation: Operation, connection: str, object_: str, identity: str) -> str:
    """The name of the item that does this to that record: a letter and 24 hex digits."""
    text = canonical([operation.value, connection, object_, identity])
    return "i" + hashlib.sha256(text.encode()).hexdigest()[:24]


def named(changeset: Changeset) -> Changeset:
    """The changeset with the id that its content gives it."""
    content = canonical({**_content(changeset), "id": ""})
    return replace(changeset, id="c" + hashlib.sha256(content.encode()).hexdigest()[:12])


def render(changeset: Changeset) -> bytes:
    """The changeset's file: one item per line, the digest last, line feeds only."""
    head = {"format": FORMAT, **_content(changeset), "items": len(changeset.items)}
    lines = [canonical(head), *(canonical(_item_json(item)) for item in changeset.items)]
    lines.append(canonical({"digest": changeset.digest}))
    return ("\n".join(lines) + "\n").encode()


def parse(data: bytes, where: str = "changeset") -> Changeset:
    """Read what `render` wrote.

    Raises:
        RefusedError: a single byte differs from what was written: edited, cut short, or sent
            through a program that changed line ends.
    """
    try:
        head, *items, tail = [json.loads(line) for line in data.decode().split("\n")[:-1]]
        changeset = _from_json(head, items)
        is_whole = tail["digest"] == changeset.digest and render(changeset) == data
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _altered(where, "something else") from error
    if not is_whole:
        raise _altered(where, "other bytes")
    return changeset


def save(changeset: Changeset, path: Path) -> None:
    """Write the changeset's file whole or not at all, readable by its owner only.

    Raises:
        StorageError: the file cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(render(changeset))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise StorageError(str(path), "to write a changeset", error.strerror or "") from error


def load(path: Path, *, epoch: str, organisations: Mapping[str, str]) -> Changeset:
    """Read a changeset's file and make sure that it was decided here.

    Raises:
        RefusedError: the file was altered, or belongs to another store or organisation.
        StorageError: the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StorageError(str(path), "a changeset", error.strerror or "") from error
    changeset = parse(data, str(path))
    check_origin(changeset, epoch=epoch, organisations=organisations)
    return changeset


def check_origin(changeset: Changeset, *, epoch: str, organisations: Mapping[str, str]) -> None:
    """Make sure that a changeset was decided against this store and these accounts.

    Raises:
        RefusedError: it was not.
    """
    where = f"changeset {changeset.id}"
    if changeset.epoch != epoch:
        step = "Pull, then decide again with `crmbridge diff`"
        raise RefusedError(where, f"store epoch {epoch}", changeset.epoch, step)
    for connection, organisation in changeset.organisations.items():
        actual = organisations.get(connection)
        if actual != organisation:
            raise RefusedError(
                f"{where}: connections.{connection}",
                f"organisation {organisation!r}",
                repr(actual),
                "Check url and auth: this is another account",
            )


def _altered(where: str, got: str) -> RefusedError:
    return RefusedError(
        where, "a changeset as it was written", got, "Decide again with `crmbridge diff`"
    )


def _rows(item: Item) -> list[dict[str, Any]]:
    head = {
        "connection": item.connection,
        "object": item.object,
        "id": item.id,
        "key": item.key,
        "op": item.operation.value,
    }
    told = [one for one in item.changes if one.before != one.after or one.before is None]
    changes: Sequence[Change] = told or (Change(field="", before=None, after=None),)
    return [
        {
            **head,
            "field": change.field,
            "before": change.before,
            "after": change.after,
            "reason": item.reason,
        }
        for change in changes
    ]


def _content(changeset: Changeset) -> dict[str, Any]:
    return {
        "id": changeset.id,
        "created_at": instant_text(changeset.created_at),
        "epoch": changeset.epoch,
        "organisations": dict(changeset.organisations),
        "plan_id": changeset.plan_id,
        "undoes": changeset.undoes,
        "guards": [guard_json(verdict) for verdict in changeset.guards],
        "api_calls": dict(changeset.api_calls),
        "items": [_item_json(item) for item in changeset.items],
    }


def guard_json(verdict: GuardVerdict) -> dict[str, Any]:
    """A verdict as JSON."""
    return {name: getattr(verdict, name) for name in GuardVerdict.__slots__}


def change_json(change: Change) -> dict[str, Value]:
    """A change as the store keeps it: field, before, after."""
    return {"field": change.field, "before": change.before, "after": change.after}


def _item_json(item: Item) -> dict[str, Any]:
    return {
        "item": item.item,
        "connection": item.connection,
        "object": item.object,
        "operation": item.operation.value,
        "id": item.id,
        "key": item.key,
        "changes": [change_json(change) for change in item.changes],
        "version": item.version,
        "parent": item.parent,
        "depends_on": item.depends_on,
        "reason": item.reason,
    }


def _from_json(head: dict[str, Any], items: list[dict[str, Any]]) -> Changeset:
    if head.pop("format") != FORMAT or head.pop("items") != len(items):
        raise ValueError("another format or number of items")
    return Changeset(
        **{
            **head,
            "created_at": parse_instant(head["created_at"]),
            "guards": tuple(GuardVerdict(**verdict) for verdict in head["guards"]),
            "items": tuple(_item(item) for item in items),
        }
    )


def _item(raw: dict[str, Any]) -> Item:
    changes = tuple(Change(**change) for change in raw["changes"])
    return Item(**{**raw, "operation": Operation(raw["operation"]), "changes": changes})
