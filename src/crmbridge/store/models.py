"""Keeps fitted models, so that they stay frozen until they are fitted again."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, select

from crmbridge.store.schema import models
from crmbridge.store.writing import put


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A fitted model.

    Args:
        payload: the text that it is applied with.
        card: what it was fitted on and how well it does, JSON.
        fitted_at: ms.
    """

    name: str
    version: str
    payload: str
    card: str
    fitted_at: int


def save_model(tx: Connection, model: Model) -> None:
    """Keep a model, in the place of one of the same name and version."""
    put(tx, models, [asdict(model)])


def latest_model(tx: Connection, name: str) -> Model | None:
    """The model of this name that was fitted last; None if there is none."""
    query = (
        select(models)
        .where(models.c.name == name)
        .order_by(models.c.fitted_at.desc(), models.c.version.desc())
    )
    row = tx.execute(query.limit(1)).one_or_none()
    return None if row is None else Model(**row._asdict())
