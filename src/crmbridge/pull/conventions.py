"""How all dates and numbers of a connection are written, laid under what its mapping says."""

from collections.abc import Mapping
from dataclasses import dataclass

from crmbridge.adapters import FieldSource
from crmbridge.pull.convert import is_numeric
from crmbridge.records import ENVELOPE, Kind, Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Conventions:
    """What a connection's ``date_format``, ``decimal`` and ``zone`` say; "" for nothing."""

    date_format: str = ""
    decimal: str = ""
    zone: str = ""

    def under(self, stream: Stream, fields: Mapping[str, FieldSource]) -> dict[str, FieldSource]:
        """The sources of a stream's fields with these conventions where they name none."""
        return {name: self._under(stream, name, source) for name, source in fields.items()}

    def _under(self, stream: Stream, name: str, source: FieldSource) -> FieldSource:
        table = {"field": source} if isinstance(source, str) else source
        wanted = self._of(stream, name)
        if not wanted or "field" not in table:
            return source
        return {**wanted, **table}

    def _of(self, stream: Stream, name: str) -> dict[str, str]:
        field = stream.by_name.get(name)
        kind = field.kind if field else Kind.INSTANT if name in ENVELOPE[2:] else Kind.TEXT
        found = {}
        if kind in {Kind.DATE, Kind.INSTANT}:
            found = {"format": self.date_format, "zone": self.zone}
        elif is_numeric(kind):
            found = {"decimal": self.decimal}
        return {key: value for key, value in found.items() if value}
