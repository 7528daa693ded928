"""Walks the models: which keys a table of the configuration file knows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key that the file may hold.

    Args:
        path: the way to it; ``*`` stands for a name that the user chooses.
        table: the model whose field it is.
        below: the model of the table it holds, if it holds one.
    """

    path: tuple[str, ...]
    table: type[BaseModel]
    field: FieldInfo
    below: type[BaseModel] | None

    @property
    def name(self) -> str:
        """The key itself."""
        return next(part for part in reversed(self.path) if part != "*")


def walk(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[Key]:
    """Every key of a model and of the tables below it, in the order they are written."""
    for name, field in model.model_fields.items():
        stars, below = below_of(field.annotation)
        here = (*path, name)
        yield Key(path=here, table=model, field=field, below=below)
        if below is not None:
            yield from walk(below, (*here, *("*",) * stars))


def model_at(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel] | None:
    """The model of the table at a path of the document; None if no table is there."""
    parts = list(path)
    while parts:
        field = model.model_fields.get(str(parts.pop(0)))
        if field is None:
            return None
        stars, below = below_of(field.annotation)
        if below is None or len(parts) < stars:
            return None
        del parts[:stars]
        model = below
    return model


def below_of(annotation: Any) -> tuple[int, type[BaseModel] | None]:
    """How many names of the user's lead to a table, and its model."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return 0, annotation
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return below_of(arguments[0])
    if origin in (Union, UnionType):
        found = [below_of(argument) for argument in arguments]
        return next((item for item in found if item[1] is not None), (0, None))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        stars, below = below_of(arguments[1])
        return stars + 1, below
    return 0, None
