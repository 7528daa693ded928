"""Planning values as JSON and back, without loss, and the digest that names a value."""

import base64
import hashlib
import json
import types
import zlib
from collections.abc import Callable
from dataclasses import Field, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from crmbridge.errors import UsageError

T = TypeVar("T")


def dumps(value: object) -> str:
    """One compact JSON text per value: keys sorted, instants in ISO 8601, bytes packed."""
    return _text(_plain(value, _pack))


def loads(kind: type[T], text: str) -> T:
    """The value that `dumps` wrote.

    Raises:
        UsageError: the text is not a value of that kind.
    """
    try:
        value: T = _read(kind, json.loads(text))
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise UsageError(
            kind.__name__, "a text that this version wrote", type(error).__name__
        ) from error
    return value


def digest(value: object) -> str:
    """SHA-256 of the value, in hexadecimal; equal values have equal digests on any machine."""
    # Packed bytes depend on the zlib at hand, so the digest takes their own hash instead.
    text = _text(_plain(value, lambda raw: hashlib.sha256(raw).hexdigest()))
    return hashlib.sha256(text.encode()).hexdigest()


def _text(plain: object) -> str:
    return json.dumps(
        plain, separators=(",", ":"), sort_keys=True, ensure_ascii=False, allow_nan=False
    )


def _pack(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw, 6)).decode("ascii")


def _plain(value: object, pack: Callable[[bytes], str]) -> object:
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, bytes):
        return pack(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item, pack) for item in value]
    if is_dataclass(value):
        told = [item for item in fields(value) if not _is_untold(item, value)]
        return {item.name: _plain(getattr(value, item.name), pack) for item in told}
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def _is_untold(item: Field[Any], value: object) -> bool:
    """Whether a field that came later says nothing yet."""
    return "untold" in item.metadata and bool(getattr(value, item.name) == item.default)


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {item.name: hints[item.name] for item in fields(kind)}


def _read(kind: Any, plain: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        inner = [item for item in get_args(kind) if item is not type(None)]
        return None if plain is None else _read(inner[0], plain)
    if origin is tuple:
        return _read_tuple(get_args(kind), plain)
    if is_dataclass(kind):
        hints = _hints(kind)  # type: ignore[arg-type]
        return kind(**{name: _read(hints[name], item) for name, item in plain.items()})  # type: ignore[operator]
    return _read_scalar(kind, plain)


def _read_tuple(args: tuple[Any, ...], plain: Any) -> tuple[Any, ...]:
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(_read(args[0], item) for item in plain)
    return tuple(_read(kind, item) for kind, item in zip(args, plain, strict=True))


def _read_scalar(kind: Any, plain: Any) -> Any:
    if kind in (date, datetime):
        return kind.fromisoformat(plain)
    if kind is bytes:
        return zlib.decompress(base64.b64decode(plain))
    if kind is float:
        return float(plain)
    if not isinstance(plain, kind) and not issubclass(kind, Enum):
        raise TypeError(f"{plain!r} is not {kind.__name__}")
    return kind(plain)
