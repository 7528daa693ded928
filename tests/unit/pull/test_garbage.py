"""How the garbage collector is held back during a pull."""

import gc

import pytest

from crmbridge.pull.garbage import ROWS, rarely_collecting


def fail_inside() -> int:
    with rarely_collecting():
        inside = gc.get_threshold()[0]
        raise RuntimeError(str(inside))


def test_the_collectors_limits_come_back_after_an_error() -> None:
    before = gc.get_threshold()

    with pytest.raises(RuntimeError, match=str(ROWS)):
        fail_inside()

    assert gc.get_threshold() == before
