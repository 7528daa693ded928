"""What became of an item, in the host's words."""

from crmbridge.adapters import ErrorClass, Outcome, Status, WriteItem


def done(item: WriteItem, status: Status, id_: str = "") -> Outcome:
    """It is there, by this write or from before."""
    return Outcome(item=item.item, status=status, id=id_ or item.id)


def unknown(item: WriteItem, why: str) -> Outcome:
    """It may have landed: the host looks it up."""
    kind = ErrorClass.UNKNOWN
    return Outcome(item=item.item, status=Status.UNKNOWN, id=item.id, error_class=kind, error=why)


def refused(item: WriteItem, kind: ErrorClass, why: str, *, id_: str = "") -> Outcome:
    """HubSpot said no."""
    return Outcome(
        item=item.item, status=Status.REJECTED, id=id_ or item.id, error_class=kind, error=why
    )
