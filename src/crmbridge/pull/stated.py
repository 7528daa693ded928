"""Knows which consents of an object are held, so that a page's silence can withdraw them.

Of nearly all records nothing is stated: looking each of them up would cost more than all else.
"""

from collections.abc import Iterable, Mapping, Sequence

from crmbridge.pull.consents import fact_id

MOST_HELD = 100_000
"""Ids held in memory, about 15 MB; beyond that the database is asked."""


class Stated:
    """Ids of the live facts that an object's records state.

    Args:
        held: ids of those in the store; more than `MOST_HELD` stand for any number.
    """

    def __init__(self, object_: str, held: Sequence[str] = ()) -> None:
        self._object = object_
        self._by_channel: dict[str, set[str]] | None = {}
        self.add(held)

    def add(self, ids: Iterable[str]) -> None:
        """Take in ids of facts."""
        for id_ in ids:
            if self._by_channel is None:
                return
            record, _, channel = id_.removeprefix(f"{self._object}:").rpartition(":")
            self._by_channel.setdefault(channel, set()).add(record)
        if self._by_channel and sum(map(len, self._by_channel.values())) > MOST_HELD:
            self._by_channel = None

    def among(self, silent: Mapping[str, Sequence[str]]) -> list[str]:
        """Ids of facts that may be held, of channel -> records of which nothing is stated now."""
        held = self._by_channel
        return [
            fact_id(self._object, record, channel)
            for channel, records in silent.items()
            for record in (
                records if held is None else held.get(channel, frozenset()).intersection(records)
            )
        ]
