"""Keeps the garbage collector from walking over pages of rows again and again."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

ROWS = 100_000


@contextmanager
def rarely_collecting() -> Iterator[None]:
    """Let many rows be made before the collector looks.

    Rows are freed by their reference counts; that each 700 of them would wake the collector costs
    a tenth of a pull's time. The limits before come back afterwards.
    """
    before = gc.get_threshold()
    gc.set_threshold(ROWS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
