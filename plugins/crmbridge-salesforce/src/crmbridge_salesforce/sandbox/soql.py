"""A real grammar for the part of SOQL that clients send here; the rest is refused by name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<instant>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
  | (?P<day>\d{4}-\d\d-\d\d(?![\dT:]))
  | (?P<number>-?\d+(?:\.\d+)?(?![\w.]))
  | (?P<name>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*)
  | (?P<sign><=|>=|!=|<>|[=<>(),])
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_WORDS = frozenset(
    {"select", "from", "where", "and", "or", "not", "in", "like", "order", "by", "limit", "asc",
     "desc", "nulls", "first", "last", "offset", "group", "having", "true", "false", "null"}
)  # fmt: skip


_NAMED_LIKE_WORDS = frozenset({"order", "group"})
"""Objects that are called like a word of the language."""


class SoqlError(Exception):
    """A query that Salesforce would refuse."""

    def __init__(self, message: str, code: str = "MALFORMED_QUERY") -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a query: its kind, its text, and its value where it is a literal."""

    kind: str
    text: str
    value: Any = None

    @property
    def word(self) -> str:
        """The text in lower case where it is a name."""
        return self.text.lower() if self.kind == "name" else self.text


@dataclass(frozen=True, slots=True)
class Compare:
    """A field, an operator in lower case, and a literal or a list of them."""

    field: str
    operator: str
    literals: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Junction:
    """Conditions joined by ``and`` or ``or``, or one that is turned round by ``not``."""

    operator: str
    parts: tuple["Condition", ...]


Condition = Compare | Junction


@dataclass(frozen=True, slots=True)
class Query:
    """A query taken apart; `fields` is empty for COUNT()."""

    fields: tuple[str, ...]
    object: str
    where: Condition | None = None
    order: tuple[tuple[str, bool], ...] = ()
    limit: int | None = None


def parse(text: str) -> Query:
    """Take a query apart.

    Raises:
        SoqlError: it is none, or uses what this grammar does not know.
    """
    return _Parser(_tokens(text)).query()


def _tokens(text: str) -> list[Token]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise SoqlError(f"unexpected token: '{text[at:].strip()[:20]}'")
        kind = match.lastgroup or ""
        raw = match.group(kind)
        found.append(Token(kind, raw, _value(kind, raw)))
        at = match.end()
    return found


def _value(kind: str, raw: str) -> Any:
    if kind == "string":
        return re.sub(r"\\(.)", lambda m: _unescaped(m.group(1)), raw[1:-1], flags=re.DOTALL)
    if kind == "number":
        return float(raw)
    return raw


def _unescaped(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter in "'\"\\_%":
        return letter
    raise SoqlError(f"Illegal string escape sequence '\\{letter}'")


class _Parser:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def query(self) -> Query:
        self._need("select")
        fields = self._fields()
        self._need("from")
        object_ = self._name(_NAMED_LIKE_WORDS)
        where = self._junction() if self._take("where") else None
        order = self._order() if self._take("order") else ()
        limit = int(self._literal("number").value) if self._take("limit") else None
        if self._at < len(self._tokens):
            raise SoqlError(f"unexpected token: '{self._tokens[self._at].text}'")
        return Query(fields, object_, where, order, limit)

    def _fields(self) -> tuple[str, ...]:
        if self._peek() == "count":
            self._at += 1
            self._need("(")
            self._need(")")
            return ()
        found = [self._name()]
        while self._take(","):
            found.append(self._name())
        return tuple(found)

    def _junction(self) -> Condition:
        parts, operator = [self._term()], ""
        while self._peek() in {"and", "or"}:
            word = self._peek()
            if operator and word != operator:
                raise SoqlError("unexpected token: mixed AND and OR need parentheses")
            operator = word
            self._at += 1
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else Junction(operator, tuple(parts))

    def _term(self) -> Condition:
        if self._take("not"):
            return Junction("not", (self._term(),))
        if self._take("("):
            inner = self._junction()
            self._need(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Compare:
        field = self._name()
        if self._take("not"):
            self._need("in")
            return Compare(field, "not in", self._list())
        if self._take("in"):
            return Compare(field, "in", self._list())
        sign = self._peek()
        if sign not in {"=", "!=", "<>", "<", ">", "<=", ">=", "like"}:
            raise SoqlError(f"unexpected token: '{sign or '<EOF>'}'")
        self._at += 1
        return Compare(field, "!=" if sign == "<>" else sign, (self._literal(),))

    def _list(self) -> tuple[Token, ...]:
        self._need("(")
        found = [self._literal()]
        while self._take(","):
            found.append(self._literal())
        self._need(")")
        return tuple(found)

    def _order(self) -> tuple[tuple[str, bool], ...]:
        self._need("by")
        found = [self._order_item()]
        while self._take(","):
            found.append(self._order_item())
        return tuple(found)

    def _order_item(self) -> tuple[str, bool]:
        name = self._name()
        is_descending = self._take("desc")
        if not is_descending:
            self._take("asc")
        return name, is_descending

    def _literal(self, kind: str = "") -> Token:
        token = self._tokens[self._at] if self._at < len(self._tokens) else Token("", "<EOF>")
        is_word = token.kind == "name" and token.word in {"true", "false", "null"}
        if token.kind in {"", "sign"} or (token.kind == "name" and not is_word):
            raise SoqlError(f"unexpected token: '{token.text}'")
        if kind and token.kind != kind:
            raise SoqlError(f"unexpected token: '{token.text}'")
        self._at += 1
        return Token("word", token.word) if is_word else token

    def _name(self, allowed: frozenset[str] = frozenset()) -> str:
        token = self._tokens[self._at] if self._at < len(self._tokens) else Token("", "<EOF>")
        if token.kind != "name" or token.word in _WORDS - allowed:
            raise SoqlError(f"unexpected token: '{token.text}'")
        self._at += 1
        return token.text

    def _peek(self) -> str:
        return self._tokens[self._at].word if self._at < len(self._tokens) else ""

    def _take(self, word: str) -> bool:
        if self._peek() != word:
            return False
        self._at += 1
        return True

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise SoqlError(f"expecting '{word}', found '{self._peek() or '<EOF>'}'")
