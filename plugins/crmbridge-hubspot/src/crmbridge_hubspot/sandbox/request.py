"""A request as the sandbox's endpoints see it, and as its log keeps it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmbridge_hubspot.sandbox.answers import invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request.

    Args:
        parts: the variable parts of its path, in order.
        failing: every second input of its batch is to be refused.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    parts: Sequence[str] = ()
    failing: bool = False

    @property
    def is_write(self) -> bool:
        """Whether it changes records."""
        reads = ("/search", "/batch/read", "/token", "/introspect", "/revoke")
        return self.method != "GET" and not self.path.endswith(reads)

    def json(self) -> Any:
        """Its document."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise invalid("Invalid input JSON") from error

    def names(self, name: str) -> Sequence[str]:
        """A parameter of several names."""
        return [one for one in self.query.get(name, "").split(",") if one]

    def number(self, name: str, default: int, most: int) -> int:
        """A parameter that is a number up to a bound."""
        value = int(self.query.get(name) or default)
        if not 0 < value <= most:
            raise invalid(f"{name} must be between 1 and {most}")
        return value
