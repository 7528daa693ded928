"""Packs the raw numbers of many customers into few rows, and lays what came later over them.

Half a million rows of JSON take seconds to read, blocks of columns a tenth of one. What is reduced
again is kept per customer beside the blocks, until it is worth writing them anew.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pandas as pd
from numpy.typing import NDArray

CUSTOMERS = 16_384
"""In a block."""

_BYTE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Raw numbers of customers, ordered by id and object.

    Args:
        numbers: (customers, columns).
    """

    columns: tuple[str, ...]
    ids: NDArray[Any]
    objects: NDArray[Any]
    numbers: NDArray[np.float64]

    def frame(self) -> pd.DataFrame:
        """Indexed by id, with the object as the first column."""
        index = pd.Index(self.ids.tolist(), name="id")
        frame = pd.DataFrame(self.numbers, index=index, columns=list(self.columns), copy=False)
        frame.insert(0, "object", self.objects.tolist())
        return frame

    def of(self, name: str) -> NDArray[np.float64]:
        """One column."""
        return self.numbers[:, self.columns.index(name)]

    def with_again(self, ids: Iterable[str], again: "Kept") -> "Kept":
        """With what was reduced again in the place of `ids`, of which some may be gone or new.

        Args:
            again: of no others than `ids`. `self` is used up.
        """
        old = _places(self.ids, sorted(set(ids)))
        if _is_same(self.ids[old], again.ids) and _is_same(self.objects[old], again.objects):
            self.numbers[old] = again.numbers
            return self
        left = np.delete(self.ids, old)
        known = left.tolist()
        at = [bisect_left(known, id_) for id_ in again.ids.tolist()]
        return Kept(
            columns=self.columns,
            ids=np.insert(left, at, again.ids),
            objects=np.insert(np.delete(self.objects, old), at, again.objects),
            numbers=np.insert(np.delete(self.numbers, old, axis=0), at, again.numbers, axis=0),
        )


def kept_of(frame: pd.DataFrame, columns: tuple[str, ...]) -> Kept:
    """What a frame holds: indexed by id, with ``object`` and these columns, in order."""
    return Kept(
        columns=columns,
        ids=frame.index.to_numpy(dtype=object),
        objects=frame["object"].to_numpy(dtype=object),
        numbers=np.asfortranarray(frame[list(columns)].to_numpy(dtype=np.float64)),
    )


def blocks_of(kept: Kept) -> Iterator[tuple[bytes, bytes]]:
    """Keys and numbers of each block, as bytes."""
    for start in range(0, len(kept.ids), CUSTOMERS):
        part = slice(start, start + CUSTOMERS)
        keys = orjson.dumps([kept.ids[part].tolist(), kept.objects[part].tolist()])
        yield keys, _packed(kept.numbers[part])


def kept_in(blocks: Sequence[tuple[bytes, bytes]], columns: tuple[str, ...]) -> Kept:
    """What some blocks hold."""
    keys = [orjson.loads(key) for key, _ in blocks]
    ids, objects = ([one for part in keys for one in part[side]] for side in (0, 1))
    numbers = np.empty((len(ids), len(columns)), order="F")
    start = 0
    for (part, _), (_, packed) in zip(keys, blocks, strict=True):
        _unpack(packed, numbers[start : start + len(part)])
        start += len(part)
    return Kept(columns=columns, ids=_texts(ids), objects=_texts(objects), numbers=numbers)


def row_texts(ids: Iterable[str], again: Kept) -> Iterator[tuple[str, str]]:
    """Id and JSON of each of `ids`; of a customer who is gone without an object."""
    known = again.ids.tolist()
    for id_ in ids:
        places = range(bisect_left(known, id_), bisect_right(known, id_))
        rows = [[again.objects[at], again.numbers[at].tolist()] for at in places]
        yield id_, orjson.dumps(rows).decode()  # NaN becomes null


def kept_in_rows(rows: Sequence[tuple[str, str]], columns: tuple[str, ...]) -> Kept:
    """What `row_texts` gave, ordered by id."""
    parts = [(id_, *one) for id_, text in sorted(rows) for one in orjson.loads(text)]
    numbers = np.array([part[2] for part in parts], dtype=np.float64)
    return Kept(
        columns=columns,
        ids=_texts([part[0] for part in parts]),
        objects=_texts([part[1] for part in parts]),
        numbers=numbers.reshape(len(parts), len(columns)),
    )


def _packed(numbers: NDArray[np.float64]) -> bytes:
    """A line of JSON that says for each column its one number or its type, then the columns."""
    said: list[float | str | None] = []
    parts = []
    for column in numbers.T:
        first = column[0]
        if np.all(column == first) or np.all(np.isnan(column)):
            said.append(None if np.isnan(first) else float(first))
            continue
        type_ = "u1" if np.all((column >= 0) & (column <= _BYTE) & (column % 1 == 0)) else "<f8"
        said.append(type_)
        parts.append(column.astype(type_).tobytes())
    return b"".join((json.dumps(said).encode(), b"\n", *parts))


def _unpack(packed: bytes, into: NDArray[np.float64]) -> None:
    head, _, rest = packed.partition(b"\n")
    start = 0
    for number, said in enumerate(json.loads(head)):
        if not isinstance(said, str):
            into[:, number] = np.nan if said is None else said
            continue
        part = np.frombuffer(rest, dtype=said, count=len(into), offset=start)
        into[:, number] = part
        start += part.nbytes


def _places(ids: NDArray[Any], asked: Sequence[str]) -> list[int]:
    known = ids.tolist()
    return [
        place for id_ in asked for place in range(bisect_left(known, id_), bisect_right(known, id_))
    ]


def _is_same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return bool(one.tolist() == other.tolist())


def _texts(items: Sequence[str]) -> NDArray[Any]:
    made = np.empty(len(items), dtype=object)
    made[:] = items
    return made
