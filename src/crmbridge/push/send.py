"""Sends one batch and finds out what became of each item, whatever goes wrong on the way."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from crmbridge.adapters import Clock, ErrorClass, Outcome, Status, WriteItem
from crmbridge.errors import (
    CannotError,
    ConfigError,
    ConflictError,
    CrmbridgeError,
    QuotaError,
    RecordError,
    RetryLaterError,
    SignInError,
    StorageError,
    UnknownOutcomeError,
    UsageError,
)
from crmbridge.failpoint import reach
from crmbridge.push.batches import batches, calls
from crmbridge.push.settle import Target, settle, unknown

TRIES = 4
"""How often an item is sent at most; between two tries it is looked up unless it was refused."""

_WAIT_SECONDS = 0.5
"""Before the n-th repetition: 0.5 * 2**(n - 1) seconds. The HTTP client waited for the CRM's own
demands already; this is for locked rows and lost connections."""


@dataclass(slots=True, kw_only=True)
class Sent:
    """What is known after a batch was sent.

    Args:
        outcomes: item -> final outcome.
        unsent: items that certainly did not land and may be sent later.
        in_flight: items that may have landed, and that nobody can be asked about now.
        stop: why nothing more should be sent to this connection; None to go on.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    unsent: list[WriteItem] = field(default_factory=list)
    in_flight: list[WriteItem] = field(default_factory=list)
    stop: CrmbridgeError | None = None


def send(target: Target, items: Sequence[WriteItem], clock: Clock) -> Sent:
    """Send items of one object and operation, at most one call's.

    A whole-batch refusal is halved until the bad item stands alone; a lost answer is looked up;
    what did not land is sent again, up to `TRIES` times.

    Returns:
        every item in exactly one of the result's parts; nothing is raised for what the CRM or
        its adapter did.
    """
    sent = Sent()
    left = list(items)
    for attempt in range(TRIES):
        if attempt:
            clock.sleep(_WAIT_SECONDS * 2 ** (attempt - 1))
        left = _round(target, left, sent)
        if not left or sent.stop is not None:
            break
    if left and sent.stop is None:
        sent.stop = RetryLaterError(
            f"connections.{target.name}",
            "writes to be taken",
            f"none after {TRIES} tries",
            "Push the same changeset again later",
        )
    sent.unsent += left
    return sent


def _round(target: Target, items: Sequence[WriteItem], sent: Sent) -> list[WriteItem]:
    """Send once; what may be sent again comes back.

    What is left of a long job may be too little for one and too much for a batch.
    """
    left: list[WriteItem] = []
    for call in calls(items, target.capabilities.of(items[0].object)):
        left += call if sent.stop is not None else _call(target, call, sent)
    return left


def _call(target: Target, items: list[WriteItem], sent: Sent) -> list[WriteItem]:
    try:
        outcomes = target.connection.write(items)
    except Exception as error:  # a plugin may raise anything, and each item needs a verdict
        return _failed(target, items, error, sent)
    reach("push.batch.sent")
    return _sort(target, items, _one_each(items, outcomes), sent)


def _failed(
    target: Target, items: list[WriteItem], error: Exception, sent: Sent
) -> list[WriteItem]:
    kind = error_class(target, error)
    if kind in {ErrorClass.QUOTA, ErrorClass.SIGN_IN, ErrorClass.CONFIG}:
        sent.stop = stop_error(target, kind, error)
        return items
    if kind in {ErrorClass.RECORD, ErrorClass.CONFLICT}:
        return _halved(target, items, error, kind, sent)
    left = _look_up(target, items, sent, _line(error))
    if isinstance(error, StorageError):  # a full disk is no better a second later
        sent.stop = sent.stop or error
    return left


def _halved(
    target: Target, items: list[WriteItem], error: Exception, kind: ErrorClass, sent: Sent
) -> list[WriteItem]:
    """Refused as a whole: nothing landed, so the halves are sent until one item stands alone."""
    if len(items) == 1:
        status = Status.CONFLICT if kind is ErrorClass.CONFLICT else Status.REJECTED
        sent.outcomes[items[0].item] = _outcome(items[0], status, kind, _line(error))
        return []
    middle = len(items) // 2
    left = _round(target, items[:middle], sent)
    if sent.stop is not None:
        return left + items[middle:]
    return left + _round(target, items[middle:], sent)


def _one_each(items: Sequence[WriteItem], outcomes: Sequence[Outcome]) -> list[Outcome]:
    """One outcome per item that was sent; a silent or contradictory adapter leaves it unknown."""
    named: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        named.setdefault(outcome.item, []).append(outcome)
    silent = "the adapter gave no single outcome"
    return [
        found[0] if len(found := named.get(item.item, [])) == 1 else unknown(item, silent)
        for item in items
    ]


def _sort(
    target: Target, items: Sequence[WriteItem], outcomes: Sequence[Outcome], sent: Sent
) -> list[WriteItem]:
    again: list[WriteItem] = []
    lost: list[WriteItem] = []
    for item, outcome in zip(items, outcomes, strict=True):
        if outcome.status is Status.UNKNOWN and not outcome.handle:
            lost.append(item)
        elif is_for_later(outcome):
            again.append(item)
            sent.stop = sent.stop or _stop_of(target, outcome)
        else:
            sent.outcomes[item.item] = outcome
    sent.stop = sent.stop or _all_misconfigured(target, outcomes)
    return again + (_look_up(target, lost, sent, "the answer was lost") if lost else [])


def is_for_later(outcome: Outcome) -> bool:
    """Whether an item was refused for now only: a locked row, a quota, a session that ended."""
    return outcome.status is Status.REJECTED and outcome.error_class in _AGAIN


_AGAIN = frozenset({ErrorClass.TRANSIENT, ErrorClass.QUOTA, ErrorClass.SIGN_IN})


def _stop_of(target: Target, outcome: Outcome) -> CrmbridgeError | None:
    if outcome.error_class in {None, ErrorClass.TRANSIENT}:
        return None
    assert outcome.error_class is not None  # noqa: S101  just looked
    return stop_error(target, outcome.error_class, None, outcome.error)


def _all_misconfigured(target: Target, outcomes: Sequence[Outcome]) -> CrmbridgeError | None:
    """A whole batch refused for its configuration: the next one would be refused, too."""
    if any(outcome.error_class is not ErrorClass.CONFIG for outcome in outcomes):
        return None
    return stop_error(target, ErrorClass.CONFIG, None, outcomes[0].error)


def _look_up(target: Target, items: Sequence[WriteItem], sent: Sent, why: str) -> list[WriteItem]:
    """Ask the CRM what landed; what did not may be sent again."""
    absent: list[WriteItem] = []
    for batch in batches(items, max(1, target.capabilities.of(items[0].object).batch)):
        try:
            settled = settle(target, batch) if sent.stop is None else None
        except Exception as error:
            sent.stop = stop_error(target, error_class(target, error), error, why)
            settled = None
        if settled is None:
            sent.in_flight += batch
            continue
        sent.outcomes.update({outcome.item: outcome for outcome in settled.outcomes})
        absent += settled.absent
    return absent


_BY_TYPE: tuple[tuple[Any, ErrorClass], ...] = (
    (QuotaError, ErrorClass.QUOTA),
    (RetryLaterError, ErrorClass.TRANSIENT),
    (SignInError, ErrorClass.SIGN_IN),
    (RecordError, ErrorClass.RECORD),
    (ConflictError, ErrorClass.CONFLICT),
    (UnknownOutcomeError, ErrorClass.UNKNOWN),
    (ConfigError | CannotError | UsageError, ErrorClass.CONFIG),
)


def error_class(target: Target, error: Exception) -> ErrorClass:
    """What to do about an error: by our own type, else as the adapter says, else unknown."""
    for kind, class_ in _BY_TYPE:
        if isinstance(error, kind):
            return class_
    try:
        return target.connection.classify(error) or ErrorClass.UNKNOWN
    except Exception:
        return ErrorClass.UNKNOWN


def stop_error(
    target: Target, kind: ErrorClass, error: Exception | None, said: str = ""
) -> CrmbridgeError:
    """The error that ends the work on a connection; the adapter's own where it is one of ours."""
    if isinstance(error, QuotaError | SignInError | ConfigError | RetryLaterError | StorageError):
        return error
    where = f"connections.{target.name}"
    got = said or (_line(error) if error else "")
    if kind is ErrorClass.QUOTA:
        return QuotaError(where, "calls left", got, "Push the same changeset again later")
    if kind is ErrorClass.SIGN_IN:
        return SignInError(where, "a session", got, f"Run `crmbridge connect {target.name}`")
    if kind is ErrorClass.CONFIG:
        return ConfigError(where, "writes that the CRM takes", got, "Run `crmbridge doctor`")
    return RetryLaterError(where, "an answer", got, "Push the same changeset again later")


def _outcome(item: WriteItem, status: Status, kind: ErrorClass, error: str) -> Outcome:
    return Outcome(item=item.item, status=status, id=item.id, error_class=kind, error=error)


def _line(error: Exception) -> str:
    """What people may read: our own messages; of foreign errors the type alone, since their text
    may hold a record or a secret."""
    return str(error) if isinstance(error, CrmbridgeError) else type(error).__name__


__all__ = ["TRIES", "Sent", "error_class", "is_for_later", "send", "stop_error"]
