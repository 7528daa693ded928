"""Stretches of time as (start, end) pairs of seconds, half open."""

from collections.abc import Iterable

Span = tuple[int, int]


def clip(span: Span, bounds: Span) -> Span | None:
    """The part of a span inside the bounds; None when nothing is left."""
    start, end = max(span[0], bounds[0]), min(span[1], bounds[1])
    return (start, end) if start < end else None


def union(spans: Iterable[Span]) -> list[Span]:
    """The same time without overlaps, in order; touching spans become one."""
    merged: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def without(span: Span, holes: Iterable[Span]) -> list[Span]:
    """What of a span lies outside all holes."""
    left: list[Span] = []
    start = span[0]
    for hole in union(holes):
        if hole[1] <= start:
            continue
        if hole[0] >= span[1]:
            break
        if hole[0] > start:
            left.append((start, hole[0]))
        start = hole[1]
    if start < span[1]:
        left.append((start, span[1]))
    return left


def length(spans: Iterable[Span]) -> int:
    """Seconds in all the spans together, which must not overlap."""
    return sum(end - start for start, end in spans)


def round_up(seconds: int, grid: int) -> int:
    """The first multiple of the grid that is not before."""
    return -(-seconds // grid) * grid


def round_down(seconds: int, grid: int) -> int:
    """The last multiple of the grid that is not after."""
    return seconds // grid * grid
