"""Keeps who is the same customer in two CRMs; nothing is ever merged, and each link can go."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from sqlalchemy import Connection, select

from crmbridge.records import RecordKey
from crmbridge.store.schema import identities
from crmbridge.store.writing import in_parts, put_rows

_NAMES = (
    "id", "left_connection", "left_object", "left_id", "right_connection", "right_object",
    "right_id", "probability", "state", "decided_by", "why", "model", "found_at", "decided_at",
    "run_id",
)  # fmt: skip


class LinkState(Enum):
    """What holds of two records."""

    REVIEW = "review"
    "They may be the same customer; a person has to say."
    LINKED = "linked"
    "They are the same customer."
    REJECTED = "rejected"
    "They are not."


class Decider(Enum):
    """Who said so."""

    MODEL = "model"
    "The probability; the next linking may say otherwise."
    PERSON = "person"
    "A person; no linking changes it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Two records that are, may be or are not the same customer.

    Args:
        left, right: `left` is the lesser key.
        probability: that they are the same, as found last.
        why: the fields that agree, in words.
        found_at, decided_at: ms.
    """

    left: RecordKey
    right: RecordKey
    probability: float
    state: LinkState
    decided_by: Decider = Decider.MODEL
    why: str = ""
    model: str = ""
    found_at: int
    decided_at: int | None = None
    run_id: int = 0

    @property
    def id(self) -> str:
        """Short name of the pair, the same whenever it is found."""
        return identity_id(self.left, self.right)


def identity_id(left: RecordKey, right: RecordKey) -> str:
    """The name of a pair of records, whatever their order."""
    first, second = sorted((str(left), str(right)))
    return "i" + hashlib.sha256(f"{first}\n{second}".encode()).hexdigest()[:12]


def save_identities(tx: Connection, found: Iterable[Identity]) -> int:
    """Keep pairs; how many are new or differ. One that is the same keeps the time it had."""
    rows = (_row(one) for one in found)
    return put_rows(tx, identities, _NAMES, rows, quiet=("found_at", "run_id"))


def load_identities(
    tx: Connection, states: Sequence[LinkState] = tuple(LinkState)
) -> list[Identity]:
    """Pairs in some states, the likeliest first, then by id."""
    query = (
        select(*(identities.c[name] for name in _NAMES))
        .where(identities.c.state.in_([state.value for state in states]))
        .order_by(identities.c.probability.desc(), identities.c.id)
    )
    return [_identity(row) for row in tx.execute(query)]


def get_identity(tx: Connection, id_: str) -> Identity | None:
    """A pair by its id."""
    query = select(*(identities.c[name] for name in _NAMES)).where(identities.c.id == id_)
    row = tx.execute(query).one_or_none()
    return None if row is None else _identity(row)


def drop_identities(tx: Connection, ids: Iterable[str]) -> int:
    """Forget pairs; how many there were."""
    return sum(
        tx.execute(identities.delete().where(identities.c.id.in_(part))).rowcount
        for part in in_parts(ids)
    )


def decided(one: Identity, state: LinkState, at: int) -> Identity:
    """The pair as a person decided it."""
    return replace(one, state=state, decided_by=Decider.PERSON, decided_at=at)


def _row(one: Identity) -> tuple[Any, ...]:
    return (
        *(one.id, one.left.connection, one.left.object, one.left.id),
        *(one.right.connection, one.right.object, one.right.id, one.probability),
        *(one.state.value, one.decided_by.value, one.why, one.model, one.found_at),
        *(one.decided_at, one.run_id),
    )


def _identity(row: Any) -> Identity:
    return Identity(
        left=RecordKey(row.left_connection, row.left_object, row.left_id),
        right=RecordKey(row.right_connection, row.right_object, row.right_id),
        probability=row.probability,
        state=LinkState(row.state),
        decided_by=Decider(row.decided_by),
        why=row.why,
        model=row.model,
        found_at=row.found_at,
        decided_at=row.decided_at,
        run_id=row.run_id,
    )
