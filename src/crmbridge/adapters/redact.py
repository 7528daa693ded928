"""Removes registered secrets from texts that people or files get to see."""

import base64
import json
import logging
import re
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote, quote_plus

MARK = "[secret]"
_BREAK = r"(?:\s|\\n|\\r)*"  # a secret may be wrapped over lines, or its line breaks escaped


class Redactor:
    """Knows secrets and blots them out, also url-encoded, in base64, JSON-escaped or wrapped."""

    def __init__(self) -> None:
        self._patterns: dict[str, re.Pattern[str]] = {}

    def add(self, secret: str) -> None:
        """Register a secret; its lines too, so that half a key is no leak. "" is no secret."""
        lines = [line.strip() for line in secret.splitlines() if len(line.strip()) >= 8]
        for part in {secret.strip(), *lines} - {""}:
            for form in _forms(part):
                self._patterns.setdefault(form, _pattern(form))

    def clean(self, text: str) -> str:
        """The text with every stretch that belongs to a secret replaced by one mark.

        Overlapping secrets are blotted out together, so that no rest of the longer one stays.
        """
        spans = sorted(
            found.span(1)
            for pattern in list(self._patterns.values())
            for found in pattern.finditer(text)
        )
        return _replace(text, spans) if spans else text

    def clean_value(self, value: Any) -> Any:
        """The same for texts inside mappings, lists and tuples; other values stay."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, Mapping):
            return {self.clean_value(key): self.clean_value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.clean_value(item) for item in value)
        return self.clean(repr(value)) if isinstance(value, bytes | BaseException) else value

    def clean_error(self, error: BaseException) -> None:
        """Remove secrets from an error and all that caused it, in place."""
        seen: set[int] = set()
        current: BaseException | None = error
        while current is not None and id(current) not in seen:
            seen.add(id(current))
            current.args = tuple(_clean_argument(self, item) for item in current.args)
            for name, value in vars(current).items():
                if isinstance(value, str):
                    setattr(current, name, self.clean(value))
            current = current.__cause__ or current.__context__

    def processor(
        self, logger: Any, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """A structlog processor; it belongs last before the renderer."""
        del logger, method
        for key, value in event.items():
            event[key] = self.clean_value(value)
        return event

    def filter(self, record: logging.LogRecord) -> bool:
        """A filter for handlers of the standard logging module; lets every record through."""
        record.msg = self.clean(record.getMessage())
        record.args = None
        return True


def _clean_argument(redactor: Redactor, item: Any) -> Any:
    return item if isinstance(item, int | float) else redactor.clean(str(item))


def _forms(secret: str) -> Iterator[str]:
    """The ways in which a secret may be written down."""
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    if len(secret) >= 6:
        yield from _base64_forms(secret.encode())


def _base64_forms(secret: bytes) -> Iterator[str]:
    """The characters of base64 that depend on the secret alone, at each of three offsets.

    A secret stands at any offset in what is encoded, as in ``user:secret`` of Basic sign-in.
    """
    for offset in range(3):
        padded = bytes(offset) + secret
        start = (0, 2, 3)[offset]
        end = len(padded) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(padded).decode()[start:end]


def _pattern(form: str) -> re.Pattern[str]:
    """Finds a form wherever it starts, also where matches overlap."""
    gap = _BREAK if len(form) >= 8 else ""
    letters = gap.join(re.escape(letter) for letter in form)
    return re.compile(f"(?=({letters}))")


def _replace(text: str, spans: list[tuple[int, int]]) -> str:
    parts: list[str] = []
    end = 0
    for start, stop in spans:
        if start >= end and (start > end or not parts):
            parts += [text[end:start], MARK]
        end = max(end, stop)
    return "".join([*parts, text[end:]])
