"""Tells what a CRM's interface cannot give, of the objects that the settings let us write."""

from collections.abc import Collection

from crmbridge.jobs.campaigning.running import campaign_object, member_object, task_object
from crmbridge.jobs.workspace import Opened
from crmbridge.jobs.writing.allowed import visit_object
from crmbridge.records import Finding


def written_objects(opened: Opened) -> list[str]:
    """Objects that records of ours may be written to: visits, tasks, campaigns, members."""
    write = opened.settings.write
    found = (
        visit_object(opened.capabilities, opened.objects, write),
        task_object(opened),
        campaign_object(opened) if write.campaigns else "",
        member_object(opened) if write.members else "",
    )
    return list(dict.fromkeys(filter(None, found)))


def notes_of(opened: Opened, objects: Collection[str]) -> list[str]:
    """What the adapter says of each of these objects, as lines for people."""
    noted = ((one, opened.capabilities.of(one).note) for one in objects)
    return [f"{opened.name}/{one}: {note}" for one, note in noted if note]


def limits_of(opened: Opened) -> list[Finding]:
    """The same as findings, for everything that may be written."""
    return [
        Finding(
            code=f"{opened.name}.limits",
            example=note,
            remedy="Nothing to do: this is how the CRM's interface is",
        )
        for note in notes_of(opened, written_objects(opened))
    ]
