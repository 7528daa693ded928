"""Keeps where the reading of each object stands, and forgets it when it no longer fits.

A position is bound to a digest of what it is only valid for: the organisation and the mapping. If
either changes, the saved position is not used and the object is read in full.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, select

from crmbridge.store.jsontext import from_json, to_json
from crmbridge.store.schema import certificates, positions
from crmbridge.store.writing import put


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Whose position: one pass over one object.

    Args:
        pass_: quick, trailing, sweep, links:OBJECT or formula.
        binding: see `bind`.
    """

    connection: str
    object: str
    pass_: str
    binding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A position as it was committed.

    Args:
        until: end of the stretch it covers in ms, where the pass reads windows.
    """

    position: Mapping[str, Any] = field(default_factory=dict)
    until: int | None = None
    saved_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Proof that a stretch was read whole: what the CRM counted and what was read.

    Args:
        expected: the CRM's own count, None where it cannot count.
    """

    connection: str
    object: str
    pass_: str
    since: int | None
    until: int | None
    expected: int | None
    read: int
    closed_at: int
    run_id: int


def bind(organisation: str, mapping: Mapping[str, Any]) -> str:
    """A digest of the organisation and an object's mapping, as `Spot` takes it."""
    text = json.dumps([organisation, mapping], sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def get_position(tx: Connection, spot: Spot) -> Saved | None:
    """The position last saved; None if there is none or it was bound to something else."""
    query = select(positions).where(
        positions.c.connection == spot.connection,
        positions.c.object == spot.object,
        positions.c["pass"] == spot.pass_,
        positions.c.binding == spot.binding,
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    return Saved(position=from_json(row.position), until=row.until, saved_at=row.saved_at)


def save_position(tx: Connection, spot: Spot, saved: Saved, run_id: int) -> None:
    """Keep a position, in the transaction that writes the rows it covers."""
    row = {
        "connection": spot.connection,
        "object": spot.object,
        "pass": spot.pass_,
        "binding": spot.binding,
        "position": to_json(dict(saved.position)),
        "until": saved.until,
        "saved_at": saved.saved_at,
        "run_id": run_id,
    }
    put(tx, positions, [row])


def clear_positions(tx: Connection, connection: str, object_: str = "") -> int:
    """Forget the positions of a connection, or of one object of it: the next pull reads in full.

    Returns:
        How many were forgotten.
    """
    query = delete(positions).where(positions.c.connection == connection)
    if object_:
        query = query.where(positions.c.object == object_)
    return tx.execute(query).rowcount


def list_positions(tx: Connection, connection: str) -> dict[tuple[str, str], Saved]:
    """(object, pass) -> position, whatever it was bound to."""
    rows = tx.execute(select(positions).where(positions.c.connection == connection))
    return {
        (row.object, row._mapping["pass"]): Saved(  # noqa: SLF001  public in SQLAlchemy
            position=from_json(row.position), until=row.until, saved_at=row.saved_at
        )
        for row in rows
    }


def add_certificate(tx: Connection, certificate: Certificate) -> None:
    """Keep proof that a stretch was read whole."""
    row = {name: getattr(certificate, name) for name in Certificate.__slots__ if name != "pass_"}
    tx.execute(certificates.insert().values({**row, "pass": certificate.pass_}))


def list_certificates(tx: Connection, connection: str, object_: str = "") -> list[Certificate]:
    """Certificates of a connection, or of one object of it, oldest first."""
    query = select(certificates).where(certificates.c.connection == connection)
    if object_:
        query = query.where(certificates.c.object == object_)
    rows = tx.execute(query.order_by(certificates.c.closed_at, certificates.c.until))
    found = [dict(row) for row in rows.mappings()]
    return [Certificate(pass_=row.pop("pass"), **row) for row in found]
