"""Decides changesets from plans and analyses, and those that take others back; writes nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from crmbridge.jobs.analysis.customers import base_connections
from crmbridge.jobs.campaigning.desires import wanted_of_campaigns
from crmbridge.jobs.owning import visit_object
from crmbridge.jobs.territory.planning import Made
from crmbridge.jobs.workspace import Opened, Workspace
from crmbridge.jobs.writing.allowed import policy_of
from crmbridge.jobs.writing.limits import notes_of
from crmbridge.jobs.writing.wanted import Results, desired_fields, desired_of_plans
from crmbridge.push.changeset import Changeset
from crmbridge.push.decide import Decision, Origin, decide
from crmbridge.push.desired import Barred, Desired, DesiredFields, WritePolicy
from crmbridge.push.facts import Ask, gather, gather_for
from crmbridge.push.guards import guarded_number
from crmbridge.push.ledger import save_changeset
from crmbridge.push.undo import undo_in
from crmbridge.records import RecordKey
from crmbridge.store.connections import list_accounts
from crmbridge.store.scores import Score, load_scores
from crmbridge.store.segments import load_segments


@dataclass(frozen=True, slots=True, kw_only=True)
class Writable:
    """Connections that may be written to, open.

    Args:
        objects: connection -> object that visits are written as.
    """

    opened: Mapping[str, Opened]
    policies: Mapping[str, WritePolicy]
    objects: Mapping[str, str]

    def notes_on(self, changeset: Changeset) -> list[str]:
        """What the CRMs cannot give of what a changeset writes."""
        written = {(item.connection, item.object): None for item in changeset.items}
        return [
            line for name, object_ in written for line in notes_of(self.opened[name], [object_])
        ]


@contextmanager
def writable(workspace: Workspace, names: Iterable[str] = ()) -> Iterator[Writable]:
    """Open the connections whose settings allow some write; others are never opened for it.

    Args:
        names: only these; all when empty.
    """
    wanted = set(names) or set(workspace.settings.connections)
    with ExitStack() as stack:
        opened = {
            name: stack.enter_context(workspace.open(name))
            for name in sorted(wanted)
            if allows_writes(workspace, name)
        }
        objects = {
            name: visit_object(one.capabilities, one.objects, one.settings.write)
            for name, one in opened.items()
        }
        yield Writable(
            opened=opened,
            policies={name: policy_of(one) for name, one in opened.items()},
            objects={name: object_ for name, object_ in objects.items() if object_},
        )


def allows_writes(workspace: Workspace, name: str) -> bool:
    """Whether the settings of a connection name anything that may be written."""
    write = workspace.settings.connections[name].write
    own = write.visits or write.campaigns or write.members or write.tasks
    return bool(own or write.segment or write.score or write.reasons)


def as_it_is(desired: Desired) -> Desired:
    """All of what is desired."""
    return desired


def decide_changes(
    workspace: Workspace,
    made: Made,
    target: Writable,
    narrow: Callable[[Desired], Desired] = as_it_is,
) -> Decision:
    """Decide what should change, from plans and stored analyses; keep the changeset.

    Args:
        narrow: leaves out of what is desired what was not asked for.
    """
    now = workspace.clock.now()
    fields = _fields(workspace, target)
    campaigns = wanted_of_campaigns(workspace, target.opened, target.policies, made)
    desired = narrow(campaigns.added_to(desired_of_plans(made, target.objects, fields, now)))
    ask = Ask(now=now, policies=target.policies, reps=_reps(made))
    seen = gather_for(workspace.store, desired, ask)
    barred = Barred(by_channel={"visit": frozenset(made.gathered.known.barred)})
    decision = decide(desired, seen, target.policies, _origin(workspace), barred)
    save_changeset(workspace.store, decision.changeset, workspace.run_id)
    return replace(decision, findings=(*decision.findings, *campaigns.findings))


def decide_desired(workspace: Workspace, desired: Desired, target: Writable) -> Decision:
    """Decide what should change to make the CRMs hold this and no more; keep the changeset."""
    ask = Ask(now=workspace.clock.now(), policies=target.policies)
    seen = gather_for(workspace.store, desired, ask)
    decision = decide(desired, seen, target.policies, _origin(workspace))
    save_changeset(workspace.store, decision.changeset, workspace.run_id)
    return decision


def _origin(workspace: Workspace) -> Origin:
    with workspace.store.read() as tx:
        organisations = {one.name: one.organisation for one in list_accounts(tx)}
    return Origin(
        now=workspace.clock.now(), epoch=workspace.store.epoch, organisations=organisations
    )


def _reps(made: Made) -> dict[tuple[str, str], str]:
    return {place: rep.id for place, rep in made.gathered.known.reps.by_record.items()}


def _fields(workspace: Workspace, target: Writable) -> list[DesiredFields]:
    found: list[DesiredFields] = []
    for base in base_connections(workspace.settings):
        if base not in target.opened:
            continue
        write = target.opened[base].settings.write
        with workspace.store.read() as tx:
            scores = load_scores(tx, (base,))
            segments = load_segments(tx, base)
        results = Results(
            scores=scores, segments=segments, written=_written(workspace, target, base, scores)
        )
        found += desired_fields(results, write)
    return found


def _written(
    workspace: Workspace, target: Writable, base: str, scores: Sequence[Score]
) -> dict[RecordKey, float]:
    """customer -> the score we wrote last, where it still stands."""
    name = target.opened[base].settings.write.score
    keys = [score.key for score in scores]
    ask = Ask(now=workspace.clock.now(), policies=target.policies, records=keys)
    seen = gather(workspace.store, ask).fields
    found = {}
    for key, values in seen.items():
        value = values.get(name)
        if value is not None and value.is_written:
            number = _number(value.written)
            if number is not None:
                found[key] = number
    return found


def _number(value: object) -> float | None:
    """A value as a number, also where a CRM gives numbers back as text; None if it is none."""
    try:
        return float(str(value))
    except ValueError:
        return None


def decide_undo(workspace: Workspace, changeset: str, target: Writable) -> Decision:
    """Decide a changeset that takes another one back; keep it."""
    ask = Ask(now=workspace.clock.now(), policies=target.policies)
    decision = undo_in(workspace.store, changeset, ask, _origin(workspace))
    save_changeset(workspace.store, decision.changeset, workspace.run_id)
    return decision


def is_guarded(changeset: Changeset) -> bool:
    """Whether a guard stops the changeset until its exact number is accepted."""
    return guarded_number(changeset) > 0
