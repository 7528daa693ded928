"""Looks at connections without changing anything: before a first pull, and whether all is here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crmbridge.errors import CrmbridgeError
from crmbridge.jobs.pulling import names_in_order, source_of
from crmbridge.jobs.workspace import Workspace
from crmbridge.pull.foreseeing import Preview, preview
from crmbridge.pull.verifying import Verified, verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How one object stands, as `verify` shows it; None where nobody can tell."""

    connection: str
    object: str
    expected: int | None
    held: int
    sampled: int
    different: int
    verdict: str


def first_pulls(workspace: Workspace, names: Sequence[str], stream: str = "") -> Iterator[str]:
    """Before a first pull of a CRM, or of one stream of it: what it will read, line by line.

    Files are not looked at: counting them costs as much as reading them.
    """
    for name in names:
        if not workspace.settings.connections[name].url:
            continue
        try:
            with workspace.open(name) as opened:
                found = preview(workspace.store, source_of(workspace, opened, stream))
        except CrmbridgeError:
            continue  # the pull itself says so, and goes on with the others
        if all(one.error for one in found):
            continue  # the account lets nobody in: the pull says that once
        first = [one for one in found if one.is_first]
        yield from (_line(name, one) for one in first)


def _line(name: str, one: Preview) -> str:
    if one.error:
        return f"{name}/{one.object}: not counted, {one.error}"
    count = "an unknown number of" if one.count is None else f"{one.count}"
    since = one.since.isoformat(timespec="seconds") if one.since else "the beginning"
    return f"{name}/{one.object}: first pull, {count} records since {since}"


def verify_connections(workspace: Workspace, names: Sequence[str]) -> list[Checked]:
    """Compare what is held with what the CRMs say now.

    Raises:
        CrmbridgeError: a connection cannot be reached.
    """
    found = []
    for name in names_in_order(workspace, names):
        with workspace.open(name) as opened:
            source = source_of(workspace, opened)
            found += [_checked(name, one) for one in verify(workspace.store, source)]
    return found


def _checked(name: str, one: Verified) -> Checked:
    missing = None if one.expected is None else one.expected - one.held - one.waiting
    if one.different:
        verdict = f"pull again: {one.different[0]} differs"
    elif missing:
        verdict = f"{abs(missing)} {'missing here' if missing > 0 else 'too many here'}"
    elif one.waiting:
        verdict = f"all here, {one.waiting} of them in quarantine"
    else:
        verdict = "all here" if one.expected is not None else "as far as can be seen"
    return Checked(
        connection=name,
        object=one.object,
        expected=one.expected,
        held=one.held,
        sampled=one.sampled,
        different=len(one.different),
        verdict=verdict,
    )
