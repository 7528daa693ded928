"""A stream's mapping, compiled for the columns of a page: raw rows in, record tuples out.

Pages are transposed and converted a column at a time (`convert`), then put together again as
tuples in the order of `store.schema.record_columns`. A row that does not fit is taken out with
its reasons; the others of its page go on.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, islice, repeat
from typing import Any

from crmbridge.adapters import FieldSource, Page, Rejected
from crmbridge.adapters.columns import Columns
from crmbridge.errors import ConfigError
from crmbridge.pull.consents import ConsentWriter
from crmbridge.pull.extras import ExtraPlan, Raw, Reasons, raw_id, raw_text
from crmbridge.pull.sources import FieldPlan, Notes, compile_source, nearest, target_field
from crmbridge.records import CONSENT_FIELDS, Stream
from crmbridge.store.schema import RECORD_KEY, record_columns

ALL_EXTRA = ("*",)
"""`MappingOptions.extra` that keeps every column that no field is mapped from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingOptions:
    """What a mapping needs to know of its connection.

    Args:
        where: prefix of errors, the settings' path of the mapping's table.
        zone: IANA name of the zone of times that name none; "" for UTC, with a note.
        extra: unmapped source fields to keep in ``extra``; `ALL_EXTRA` for all.
        write_fields: source fields that we may write: kept in ``extra``, and reported as seen.
        optional: canonical fields whose source the CRM may lack, as adapters' defaults are.
    """

    connection: str
    where: str = "mapping"
    zone: str = ""
    extra: tuple[str, ...] = ()
    write_fields: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()


def _nowhere(number: int) -> str:
    del number
    return ""


@dataclass(slots=True, kw_only=True)
class Converted:
    """A page as the store takes it.

    Args:
        names: columns of `rows`, those of the key first.
        rows: record tuples.
        rejected: rows that do not fit, with reasons.
        consents: record tuples of the stream ``consents``.
        consents_gone: channel -> ids of records whose consent field is empty now.
        seen: (id, values of the write fields) per row.
        notes: what a person should know about values that were taken in.
        place: number in `rows` -> where the row stands; "" where nobody knows.
    """

    names: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    rejected: list[Rejected] = field(default_factory=list)
    consents: list[tuple[Any, ...]] = field(default_factory=list)
    consents_gone: Mapping[str, Sequence[str]] = field(default_factory=dict)
    seen: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    notes: Notes = field(default_factory=Counter)
    place: Callable[[int], str] = _nowhere


def wanted_fields(
    sources: Mapping[str, FieldSource], options: MappingOptions, named: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The source fields to ask an adapter for, sorted; () for all there are.

    Args:
        named: the fields that the CRM has, where it describes them; optional ones that it lacks
            are not asked for.
    """
    if options.extra == ALL_EXTRA:
        return ()
    wanted = {*options.extra, *options.write_fields}
    for name, source in sources.items():
        table = {"field": source} if isinstance(source, str) else source
        is_optional = name in options.optional or table.get("optional", False)
        if table.get("field") and not (is_optional and named and table["field"] not in named):
            wanted.add(str(table["field"]))
    return tuple(sorted(wanted))


def compile_mapping(
    stream: Stream,
    object_: str,
    sources: Mapping[str, FieldSource],
    columns: Sequence[str],
    options: MappingOptions,
) -> "PageMapping":
    """Compile a mapping for pages with these columns.

    Raises:
        ConfigError: the mapping names a field that the stream or the CRM does not have, has no
            ``id``, or says what cannot be done.
    """
    notes: Notes = Counter()
    plans: dict[str, FieldPlan] = {}
    for name, source in sources.items():
        where = f"{options.where}.{stream.name}.{object_}.{name}"
        target = target_field(stream, name, where)
        plan = compile_source(target, source, where, options.zone, notes)
        if plan.source and plan.source not in columns:
            if name != "id" and (plan.optional or name in options.optional):
                continue
            raise ConfigError(
                where, f"a field of {object_}", repr(plan.source), nearest(plan.source, [*columns])
            )
        plans[name] = plan
    if "id" not in plans:
        raise ConfigError(f"{options.where}.{stream.name}.{object_}", "a source for id", "none")
    return PageMapping(stream, object_, plans, tuple(columns), options, notes)


def _names(stream: Stream, plans: Mapping[str, FieldPlan], extra: ExtraPlan) -> tuple[str, ...]:
    """The columns that a mapping fills."""
    filled = {*RECORD_KEY, *plans, *(["extra"] if extra.names else [])}
    return tuple(name for name in record_columns(stream) if name in filled)


def _placed(page: Page, keep: Sequence[bool]) -> Callable[[int], str]:
    """Where the n-th of the rows kept stands."""
    place = page.place
    if place is None:
        return _nowhere

    def find(number: int) -> str:
        kept = compress(range(len(keep)), keep)
        return place(next(islice(kept, number, None)))

    return find


class PageMapping:
    """Converts pages with certain columns; made by `compile_mapping`.

    ``names`` are the columns of the record tuples it makes: naming only what a mapping fills makes
    writing a wide stream twice as fast.
    """

    def __init__(
        self,
        stream: Stream,
        object_: str,
        plans: Mapping[str, FieldPlan],
        columns: tuple[str, ...],
        options: MappingOptions,
        notes: Notes,
    ) -> None:
        self.columns = columns
        self._stream = stream
        self._object = object_
        self._connection = options.connection
        self._notes = notes
        self._index = {name: number for number, name in enumerate(columns)}
        self._plans = plans
        mapped = {plan.source for plan in plans.values()}
        self._extra = ExtraPlan.choose(columns, mapped, options.extra, options.write_fields)
        self.names = _names(stream, plans, self._extra)
        self._consents = ConsentWriter(options.connection, object_, stream, self.names)

    def written_names(self) -> tuple[str, ...]:
        """The fields that we write, in the order of `Converted.seen`."""
        return tuple(name for name, _ in self._extra.writes)

    def sources(self) -> dict[str, str]:
        """Canonical field -> source field, of those that have one."""
        return {name: plan.source for name, plan in self._plans.items() if plan.source}

    def convert(self, page: Page) -> Converted:
        """Convert a page's rows, whose columns must be those it was compiled for."""
        self._notes.clear()
        if not page.rows:
            return Converted(names=self.names, rows=[], rejected=list(page.rejected))
        reasons: Reasons = {}
        raw = self._transposed(page.rows, reasons)
        columns = [self._column(name, raw, reasons) for name in self.names[2:]]
        states = {
            name: self._column(name, raw, reasons) for name in CONSENT_FIELDS if name in self._plans
        }
        keep = [True] * len(page.rows)
        for number in reasons:
            keep[number] = False
        head = (repeat(self._connection), repeat(self._object))
        rows = list(zip(*head, *columns, strict=False))
        if reasons:
            rows = list(compress(rows, keep))
        facts, gone = self._consents.facts(
            rows, [(self._plans[n], list(compress(column, keep))) for n, column in states.items()]
        )
        return Converted(
            names=self.names,
            rows=rows,
            rejected=[*page.rejected, *self._rejected(page, columns[0], reasons)],
            consents=facts,
            consents_gone=gone,
            seen=self._extra.seen([row[2] for row in rows], raw, keep),
            notes=Counter(self._notes),
            place=_placed(page, keep),
        )

    def _transposed(self, rows: Sequence[Sequence[Any]], reasons: Reasons) -> Raw:
        width = len(self.columns)
        if isinstance(rows, Columns) and len(rows.columns) == width:
            return rows.columns
        try:
            columns = list(zip(*rows, strict=True))
        except ValueError:
            columns = []
        if len(columns) == width:
            return columns
        for number, row in enumerate(rows):
            if len(row) != width:
                reasons[number] = [f"{self._object}: expected {width} values, got {len(row)}"]
        padded = [(*row, *repeat(None, width))[:width] for row in rows]
        return list(zip(*padded, strict=True))

    def _column(self, name: str, raw: Raw, reasons: Reasons) -> Iterable[Any]:
        if name == "extra":
            return self._extra.column(raw, reasons)
        plan = self._plans.get(name)
        if plan is None or plan.converter is None:
            return repeat(None if plan is None else plan.constant)
        values, unfit = plan.converter.convert(raw[self._index[plan.source]])
        if name == "id" and None in values:
            absent = [number for number, value in enumerate(values) if value is None]
            unfit = dict.fromkeys(absent, "expected an id, got an empty one") | unfit
        for number, reason in unfit.items():
            reasons.setdefault(number, []).append(f"{self._stream.name}.{name}: {reason}")
        return values

    def _rejected(self, page: Page, ids: Iterable[Any], reasons: Reasons) -> list[Rejected]:
        if not reasons:
            return []
        known = list(islice(ids, len(page.rows)))
        rejected = []
        for number in sorted(reasons):
            raw = raw_text(self.columns, page.rows[number])
            place = f"{page.place(number)}: " if page.place else ""
            rejected.append(
                Rejected(
                    id=known[number] or raw_id(raw),
                    reason=place + "; ".join(reasons[number]),
                    raw=raw,
                )
            )
        return rejected
