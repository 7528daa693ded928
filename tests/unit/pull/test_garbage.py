"""How the garbage collector is held back during a pull."""

import gc

import pytest

from crmbridge.pull.garbage import ROWS, rarely_collecting


def test_the_collectors_limits_come_back_after_an_error() -> None:
    before = gc.get_threshold()

    with pytest.raises(ValueError, match="stop"), rarely_collecting():
        assert gc.get_threshold()[0] == ROWS
        raise ValueError("stop")

    assert gc.get_threshold() == before
