"""Links the same customer of two CRMs, keeps doubtful pairs for review, and takes decisions."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from crmbridge.errors import UsageError
from crmbridge.jobs.analysis.customers import base_connections, completed_customers
from crmbridge.jobs.identity.customers import COLUMNS, comparable, match_parameters
from crmbridge.jobs.identity.matching import match
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import RecordKey, to_millis
from crmbridge.store.audit import AuditLine, add_audit
from crmbridge.store.identities import (
    Decider,
    Identity,
    LinkState,
    decided,
    drop_identities,
    get_identity,
    load_identities,
    save_identities,
)

MODEL = "splink-1"
_FOUND = ("left", "right", "probability", "why")


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """How many pairs stand in each state after linking."""

    linked: int
    review: int
    rejected: int

    def sentence(self) -> str:
        """The same in words."""
        return f"Linked pairs: {self.linked}; waiting for review: {self.review}."


def link_customers(workspace: Workspace) -> Linked:
    """Find the same customers across all base connections and keep the pairs.

    What a person decided stays as it is; nothing is written to a CRM.

    Raises:
        ConfigError: the extra is not installed.
    """
    bases = base_connections(workspace.settings)
    own = workspace.settings.engine.identity
    tables = {
        base: comparable(completed_customers(workspace, sources)) for base, sources in bases.items()
    }
    with workspace.store.read() as tx:
        held = load_identities(tx)
    said = {one.id: one for one in held if one.decided_by is Decider.PERSON}
    found: dict[str, Identity] = {}
    for left, right in combinations(sorted(tables), 2):
        pairs = _pairs(tables[left], tables[right], workspace.settings.planning.seed)
        for one in _decide(pairs, workspace, said.values(), own.link_from, own.review_from):
            if one.id not in said:
                found[one.id] = one
    gone = [one.id for one in held if one.id not in said and one.id not in found]
    with workspace.store.write() as tx:
        save_identities(tx, found.values())
        drop_identities(tx, gone)
        return _counted(load_identities(tx))


def _pairs(left: pd.DataFrame, right: pd.DataFrame, seed: int) -> pd.DataFrame:
    shared = [name for name in COLUMNS if left[name].notna().any() and right[name].notna().any()]
    return match(left, right, match_parameters(seed, shared))


def _decide(
    pairs: pd.DataFrame,
    workspace: Workspace,
    said: Iterable[Identity],
    link_from: float,
    review_from: float,
) -> Iterator[Identity]:
    """Pairs as the probability decides them, best first: each record is linked once at most."""
    said = list(said)
    taken = {str(end) for one in said if one.state is LinkState.LINKED
             for end in (one.left, one.right)}  # fmt: skip
    no = {(str(one.left), str(one.right)) for one in said if one.state is LinkState.REJECTED}
    at = to_millis(workspace.clock.now())
    for left, right, probability, why in zip(*(pairs[name] for name in _FOUND), strict=True):
        ends = {str(left), str(right)}
        if probability < review_from or (str(left), str(right)) in no:
            continue
        is_sure = probability >= link_from and not ends & taken
        taken |= ends if is_sure else set()
        yield Identity(
            left=RecordKey.parse(str(left)),
            right=RecordKey.parse(str(right)),
            probability=round(float(probability), 6),
            state=LinkState.LINKED if is_sure else LinkState.REVIEW,
            why=str(why),
            model=MODEL,
            found_at=at,
            run_id=workspace.run_id,
        )


def _counted(found: list[Identity]) -> Linked:
    count = {state: sum(one.state is state for one in found) for state in LinkState}
    return Linked(
        linked=count[LinkState.LINKED],
        review=count[LinkState.REVIEW],
        rejected=count[LinkState.REJECTED],
    )


_WORDS: Mapping[str, LinkState] = {
    "accept": LinkState.LINKED,
    "reject": LinkState.REJECTED,
    "undo": LinkState.REVIEW,
}


def decide_pair(workspace: Workspace, id_: str, word: str) -> Identity:
    """Link a pair, part it, or let it wait for review again; no later linking changes that.

    Args:
        word: ``accept``, ``reject`` or ``undo``.

    Raises:
        UsageError: no pair has that id.
    """
    at = to_millis(workspace.clock.now())
    with workspace.store.write() as tx:
        held = get_identity(tx, id_)
        if held is None:
            raise UsageError(f"identity {word}", "a pair's id", repr(id_), "See `identity review`")
        one = decided(held, _WORDS[word], at)
        save_identities(tx, [one])
        line = AuditLine(
            at=at, actor=f"identity {word}", action="identity", operation=word,
            connection=one.left.connection, object=one.left.object, record_id=one.left.id,
            status=one.state.value, detail=f"was {held.state.value}",
        )  # fmt: skip
        add_audit(tx, [line])
    return one
