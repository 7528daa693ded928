"""Answers what is held on a person, and erases it so that a later pull does not undo it."""

from typing import Any

from crmbridge.errors import UsageError
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import to_millis
from crmbridge.store.audit import AuditLine, add_audit
from crmbridge.store.erase import erase_person
from crmbridge.store.persons import find_person, held_on


def held_on_person(workspace: Workspace, text: str) -> dict[str, list[dict[str, Any]]]:
    """Table -> rows about the person whom an address or key names.

    Raises:
        UsageError: nobody is found.
    """
    with workspace.store.read() as tx:
        person = find_person(tx, text)
        found = held_on(tx, person)
    if not found:
        raise UsageError("person", "somebody we hold something on", repr(text))
    return found


def erase(workspace: Workspace, text: str) -> int:
    """Erase a person from the store; how many rows went.

    Raises:
        UsageError: nobody is found.
    """
    rows = sum(len(held) for held in held_on_person(workspace, text).values())
    at = to_millis(workspace.clock.now())
    with workspace.store.read() as tx:
        person = find_person(tx, text)
    erase_person(workspace.store, person, at)
    with workspace.store.write() as tx:
        add_audit(tx, [AuditLine(at=at, actor="erase-person", action="erase", detail="a person")])
    return rows
