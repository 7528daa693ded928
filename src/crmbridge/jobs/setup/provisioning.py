"""Finds the fields that the allow-list needs and a CRM lacks, and has them made."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path, PurePosixPath

from crmbridge.adapters import NewField, Operation, RemoteObject
from crmbridge.errors import CannotError, CrmbridgeError, StorageError, UsageError
from crmbridge.jobs.owning import own_objects
from crmbridge.jobs.workspace import Opened, Workspace
from crmbridge.jobs.writing.allowed import source_fields
from crmbridge.planning import Reply
from crmbridge.records import Finding, to_millis
from crmbridge.store.audit import AuditLine, add_audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A field that a CRM lacks, and what it is for."""

    connection: str
    field: NewField
    why: str


def missing_fields(workspace: Workspace, names: Sequence[str] = ()) -> list[Missing]:
    """Fields that what is configured writes to and that the CRMs lack, by connection and object.

    Args:
        names: connections to look at; all when empty. Of those that cannot be opened or described
            nothing is known here: `examine` says why.

    Raises:
        UsageError: a name is not in the configuration.
    """
    for name in names:
        workspace.settings.connection(name)
    found: list[Missing] = []
    for name in names or sorted(workspace.settings.connections):
        try:
            with workspace.open(name) as opened:
                found += missing_of(opened)
        except CrmbridgeError:
            continue
    return found


def missing_of(opened: Opened) -> list[Missing]:
    """The fields that are missing in one account; only of objects that can be seen there."""
    if not opened.capabilities.describes:
        return []
    wanted = list(_wanted(opened))
    if not wanted:
        return []
    described = {one.name: one for one in opened.connection.describe()}
    return [one for one in wanted if _lacks(described, one.field)]


def _lacks(described: Mapping[str, RemoteObject], field: NewField) -> bool:
    found = described.get(field.object)
    return found is not None and field.name not in {one.name for one in found.fields}


def _wanted(opened: Opened) -> Iterator[Missing]:
    """All fields that the settings have us write, on customers first, then our keys."""
    write = opened.settings.write
    results = (
        (write.segment, "text", "the customer's segment"),
        (write.score, "number", "the visit score, 0 to 100"),
        (write.reasons, "text", "why the score is as it is"),
    )
    for object_ in opened.objects.get("customers", ()):
        for name, type_, why in results:
            if name:
                yield _missing(opened, object_, name, type_, why)
    for object_ in _keyed(opened):
        name = source_fields(opened, object_).get("visit_key", "")
        name = name or opened.capabilities.of(object_).key_field
        why = "our key, so that nothing is written twice"
        yield _missing(opened, object_, name, "text", why, is_key=True)
        yield from _answers(opened, object_)


def _answers(opened: Opened, object_: str) -> Iterator[Missing]:
    """The fields in which a rep answers to a visit, where the mapping names any."""
    mapped = source_fields(opened, object_)
    for name, type_ in (("reply", "picklist"), ("reply_until", "date"), ("reply_reason", "text")):
        if mapped.get(name):
            found = _missing(opened, object_, mapped[name], type_, "a rep's answer to a visit")
            words = tuple(reply.value for reply in Reply) if name == "reply" else ()
            yield replace(found, field=replace(found.field, picklist=words))


def _keyed(opened: Opened) -> Iterator[str]:
    """The objects that records with a key of ours are written to."""
    for object_ in own_objects(opened.capabilities, opened.objects, opened.settings.write):
        ability = opened.capabilities.of(object_)
        if ability.key_field and Operation.CREATE in ability.operations:
            yield object_


def _missing(
    opened: Opened, object_: str, name: str, type_: str, why: str, *, is_key: bool = False
) -> Missing:
    label = name.removesuffix("__c").replace("_", " ").strip()
    field = NewField(object=object_, name=name, label=label, type=type_, unique=is_key)
    return Missing(connection=opened.name, field=field, why=why)


def provision(workspace: Workspace, missing: Sequence[Missing], actor: str) -> list[Finding]:
    """Have the fields made, by the connections that they are missing from.

    Returns:
        what could not be made, and what is left to a person.

    Raises:
        CrmbridgeError: a connection cannot be opened, or is another account than before.
    """
    findings: list[Finding] = []
    for name, group in groupby(missing, key=lambda one: one.connection):
        fields = [one.field for one in group]
        with workspace.lease(name) as opened:
            if not opened.capabilities.provisions:
                findings += [_by_hand(name, field) for field in fields]
                continue
            _note(workspace, name, fields, actor)
            findings += opened.connection.provision(fields)
    return findings


def _by_hand(name: str, field: NewField) -> Finding:
    return Finding(
        code=f"{name}.field_missing",
        example=f"{field.object}.{field.name}",
        remedy="This adapter makes no fields: make it in the CRM",
    )


def _note(workspace: Workspace, name: str, fields: Sequence[NewField], actor: str) -> None:
    """Write down who had fields made, before they are."""
    at = to_millis(workspace.clock.now())
    lines = [
        AuditLine(
            at=at,
            actor=actor,
            action="provision",
            connection=name,
            object=field.object,
            operation="create",
            status="asked",
            detail=f"{field.name} ({field.type})",
        )
        for field in fields
    ]
    with workspace.store.write() as tx:
        add_audit(tx, lines)


def write_package(workspace: Workspace, missing: Sequence[Missing], folder: Path) -> list[Path]:
    """Write files by which an administrator can make the fields; never over a file that is there.

    Returns:
        the files, in a folder per connection.

    Raises:
        CannotError: the CRM has no such files.
        UsageError: a file is there already.
        StorageError: it cannot be written.
    """
    written = []
    for name, group in groupby(missing, key=lambda one: one.connection):
        adapter = workspace.adapter(workspace.settings.connection(name))
        if adapter.package is None:
            expected = "an adapter that has files for administrators"
            raise CannotError(
                f"connections.{name}", expected, adapter.name, "Use doctor --fix without --package"
            )
        files = adapter.package([one.field for one in group])
        for path, text in sorted(files.items()):
            written.append(_write(folder / name / _inside(path), text))
    return written


def _inside(path: str) -> PurePosixPath:
    found = PurePosixPath(path)
    if found.is_absolute() or ".." in found.parts:
        raise CannotError("package", "files below its folder", repr(path))
    return found


def _write(target: Path, text: str) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError as error:
        next_step = "Move it away, or name another folder"
        raise UsageError(str(target), "no file here yet", "one", next_step) from error
    except OSError as error:
        raise StorageError(str(target), "a place to write to", error.strerror or "") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return target
