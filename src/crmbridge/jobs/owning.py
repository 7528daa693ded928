"""Decides as which of a CRM's objects records of ours are written: visits, tasks, campaigns."""

from collections.abc import Iterator, Mapping, Sequence

from crmbridge.adapters import Capabilities, Operation
from crmbridge.settings import WriteSettings

Objects = Mapping[str, Sequence[str]]
"""stream -> objects that are read."""


def own_objects(
    capabilities: Capabilities, objects: Objects, write: WriteSettings
) -> tuple[str, ...]:
    """Everything that records of ours may be written as, each once."""
    found = (
        visit_object(capabilities, objects, write),
        task_object(capabilities, objects, write),
        campaign_object(capabilities, objects) if write.campaigns else "",
        member_object(capabilities, objects) if write.members else "",
    )
    return tuple(dict.fromkeys(filter(None, found)))


def visit_object(capabilities: Capabilities, objects: Objects, write: WriteSettings) -> str:
    """The object that visits are written as: the one the settings name, else the first of the
    activities that takes new records with a key of ours; "" if visits are not written."""
    if not write.visits:
        return ""
    return write.visit_object or next(_keyed(capabilities, objects, "activities"), "")


def task_object(capabilities: Capabilities, objects: Objects, write: WriteSettings) -> str:
    """What follow-ups are written as; "" where the settings or the CRM let nobody."""
    if not write.tasks:
        return ""
    able = _keyed(capabilities, objects, "activities")
    return next((one for one in able if "task" in one.lower()), "")


def campaign_object(capabilities: Capabilities, objects: Objects) -> str:
    """What campaigns are started as; "" where the CRM lets nobody."""
    return next(_keyed(capabilities, objects, "campaigns"), "")


def member_object(capabilities: Capabilities, objects: Objects) -> str:
    """What members are written as; "" where the CRM lets nobody."""
    for object_ in objects.get("campaign_members", ()):
        if Operation.ADD_MEMBER in capabilities.of(object_).operations:
            return object_
    return ""


def _keyed(capabilities: Capabilities, objects: Objects, stream: str) -> Iterator[str]:
    for object_ in objects.get(stream, ()):
        ability = capabilities.of(object_)
        if Operation.CREATE in ability.operations and ability.key_field:
            yield object_
