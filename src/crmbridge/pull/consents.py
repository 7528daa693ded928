"""Consent fields of customers and contacts as facts of the stream ``consents``."""

from collections.abc import Mapping, Sequence
from itertools import compress, repeat
from operator import is_, is_not, itemgetter
from typing import Any

from crmbridge.pull.sources import CONSENT_STREAMS, FieldPlan
from crmbridge.records import STREAMS, Stream
from crmbridge.store.schema import record_columns

_COLUMNS = {name: number for number, name in enumerate(record_columns(STREAMS["consents"]))}
_ADDRESSED = {"email": "email", "call": "phone"}
"""Channel -> the field that holds the address the fact is about."""
_BY_ID = itemgetter(2)


def fact_id(object_: str, record_id: str, channel: str) -> str:
    """The id of the fact that a record's consent field states."""
    return f"{object_}:{record_id}:{channel}"


class ConsentWriter:
    """Makes consent rows of record rows; a fact's id is ``object:id:channel``."""

    def __init__(self, connection: str, object_: str, stream: Stream, names: Sequence[str]) -> None:
        self._connection = connection
        self._object = object_
        self._owner = CONSENT_STREAMS.get(stream.name, "")
        self._position = {name: number for number, name in enumerate(names)}

    def facts(
        self, rows: Sequence[tuple[Any, ...]], states: Sequence[tuple[FieldPlan, Sequence[Any]]]
    ) -> tuple[list[tuple[Any, ...]], Mapping[str, Sequence[str]]]:
        """Facts of a page.

        Args:
            states: per consent field of the mapping, the states of the rows.

        Returns:
            rows of ``consents``; and channel -> ids of records of which nothing is stated now.
        """
        facts: list[tuple[Any, ...]] = []
        gone: dict[str, Sequence[str]] = {}
        for plan, column in states:
            channel = plan.field.name.removeprefix("consent_")
            gone[channel] = list(compress(map(_BY_ID, rows), map(is_, column, repeat(None))))
            if len(gone[channel]) == len(rows):
                continue
            stated = compress(zip(rows, column, strict=True), map(is_not, column, repeat(None)))
            facts += [self._fact(row, channel, state, plan.source) for row, state in stated]
        return facts, {channel: ids for channel, ids in gone.items() if ids}

    def _fact(self, row: tuple[Any, ...], channel: str, state: str, source: str) -> tuple[Any, ...]:
        address = self._of(row, _ADDRESSED.get(channel, ""))
        values = {
            "connection": self._connection,
            "object": self._object,
            "id": fact_id(self._object, row[2], channel),
            "customer_id": self._of(row, "customer_id"),
            self._owner: row[2],
            "address": address.lower() if address else None,
            "channel": channel,
            "state": state,
            "source": source or None,
            "modified_at": self._of(row, "modified_at"),
        }
        return tuple(values.get(name) for name in _COLUMNS)

    def _of(self, row: tuple[Any, ...], name: str) -> Any:
        number = self._position.get(name)
        return None if number is None else row[number]
