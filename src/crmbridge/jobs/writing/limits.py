"""Tells what a CRM's interface cannot give, of the objects that the settings let us write."""

from collections.abc import Collection

from crmbridge.jobs.owning import own_objects
from crmbridge.jobs.workspace import Opened
from crmbridge.records import Finding


def notes_of(opened: Opened, objects: Collection[str]) -> list[str]:
    """What the adapter says of each of these objects, as lines for people."""
    noted = ((one, opened.capabilities.of(one).note) for one in objects)
    return [f"{opened.name}/{one}: {note}" for one, note in noted if note]


def limits_of(opened: Opened) -> list[Finding]:
    """The same as findings, for everything that records of ours may be written as."""
    written = own_objects(opened.capabilities, opened.objects, opened.settings.write)
    return [
        Finding(
            code=f"{opened.name}.limits",
            example=note,
            remedy="Nothing to do: this is how the CRM's interface is",
        )
        for note in notes_of(opened, written)
    ]
