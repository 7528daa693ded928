"""One page ahead, never more."""

import threading
from collections.abc import Generator

import pytest

from crmbridge.pull.ahead import one_ahead


class Made:
    """Makes numbers, and says how far it came; `closed` once it is left."""

    def __init__(self, until: int, error: Exception | None = None) -> None:
        self.until = until
        self.error = error
        self.last = -1
        self.closed = False
        self.came = threading.Condition()

    def numbers(self) -> Generator[int, None, None]:
        try:
            for number in range(self.until):
                with self.came:
                    self.last = number
                    self.came.notify_all()
                yield number
            if self.error:
                raise self.error
        finally:
            self.closed = True

    def wait_for(self, number: int) -> bool:
        with self.came:
            return self.came.wait_for(lambda: self.last >= number, timeout=10)


def always(_: int) -> bool:
    return True


def test_all_items_come_in_their_order() -> None:
    with one_ahead(Made(100).numbers(), always) as items:
        assert list(items) == list(range(100))


def test_the_next_is_made_while_one_is_held_and_no_other() -> None:
    made = Made(10)

    with one_ahead(made.numbers(), always) as items:
        assert next(items) == 0
        assert made.wait_for(1)
        assert not threading.Event().wait(0.05)
        assert made.last == 1


def test_what_is_not_at_hand_is_made_only_when_it_is_asked_for() -> None:
    made = Made(10)

    with one_ahead(made.numbers(), lambda number: number == 1) as items:
        assert next(items) == 0
        assert not threading.Event().wait(0.05)
        assert made.last == 0
        assert next(items) == 1
        assert made.wait_for(2)
        assert next(items) == 2
        assert not threading.Event().wait(0.05)
        assert made.last == 2


def test_an_error_comes_after_what_was_made_before_it() -> None:
    taken: list[int] = []

    with (
        pytest.raises(ValueError, match="here"),
        one_ahead(Made(2, ValueError("here")).numbers(), always) as items,
    ):
        taken.extend(iter(lambda: next(items), None))

    assert taken == [0, 1]


def left_by(made: Made, error: type[BaseException]) -> None:
    with one_ahead(made.numbers(), always) as items:
        next(items)
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_who_leaves_early_leaves_nothing_open(error: type[BaseException]) -> None:
    made = Made(10)

    with pytest.raises(error):
        left_by(made, error)

    assert made.closed
    assert not [one for one in threading.enumerate() if one.name == "one ahead"]
