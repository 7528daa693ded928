"""Notices that an older backup of the store's file was put back.

Beside the file lies ``FILE.seen``: the store's epoch and how far its numbers of runs and audit
lines had come when it was last opened or closed. A store that stands behind that, or has another
epoch, is not the one we left: it gets a new epoch, so that changesets decided before are refused,
and its connections count as never pulled. What was copied back together with ``FILE.seen``, and a
server that was restored, cannot be told from the store we left.
"""

import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from crmbridge.store.schema import audit, connections, meta, runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How far a store has come; `runs` and `audit` only grow."""

    epoch: str
    runs: int
    audit: int

    def is_behind(self, other: "Mark") -> bool:
        """Whether this store is not the one that the other mark was made of, or an older state."""
        return self.epoch != other.epoch or self.runs < other.runs or self.audit < other.audit


def mark_of(tx: Connection) -> Mark:
    """How far this store has come."""
    epoch = tx.scalar(select(meta.c.value).where(meta.c.key == "epoch"))
    last_run = tx.scalar(select(func.max(runs.c.id)))
    last_line = tx.scalar(select(func.max(audit.c.number)))
    return Mark(epoch=epoch or "", runs=last_run or 0, audit=last_line or 0)


def read_mark(path: Path) -> Mark | None:
    """The mark beside a store's file; None if there is none that can be read."""
    try:
        raw = json.loads(_beside(path).read_text())
        return Mark(epoch=str(raw["epoch"]), runs=int(raw["runs"]), audit=int(raw["audit"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_mark(path: Path, mark: Mark) -> None:
    """Keep the mark beside the file, whole or not at all; where nothing can be written, nothing."""
    part = _beside(path).with_name(f"{path.name}.seen-{secrets.token_hex(4)}")
    with suppress(OSError):
        handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(json.dumps(asdict(mark)))
            file.flush()
            os.fsync(file.fileno())
        part.replace(_beside(path))


def begin_anew(tx: Connection) -> None:
    """Give a store a new epoch and let its connections count as never pulled."""
    tx.execute(meta.delete().where(meta.c.key == "epoch"))
    tx.execute(meta.insert().values(key="epoch", value=secrets.token_hex(16)))
    tx.execute(connections.update().values(pulled_at=None))


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.seen")
