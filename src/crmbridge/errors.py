"""Errors, one class per decision of the person (or program) that reads them.

CrmbridgeError
|-- ConfigError      fix the settings, the mapping or a permission        exit 78
|-- UsageError       call the command differently                         exit 2
|-- SignInError      sign in again                                        exit 77
|-- RetryLaterError  try later: network, lock                             exit 75
|   `-- QuotaError   try later: the quota says when                       exit 75
|-- RecordError      skip this record, go on with the others              exit 1
|-- ConflictError    somebody else changed it: look, then decide again    exit 1
|-- UnknownOutcomeError  a write may have landed: look it up by its key   exit 1
|-- CannotError      this CRM (or adapter) does not offer that            exit 78
|-- RefusedError     refused for safety: a guard                          exit 3
`-- StorageError     disk or file                                         exit 74

Every message reads ``<where>: expected <what>, got <value>. <Next step.>`` and never holds a
secret or a whole record.
"""

from copy import copy
from datetime import datetime
from enum import Enum
from typing import Any, Self


class ExitCode(int, Enum):
    """What the process tells the scheduler that started it."""

    DONE = 0
    "Done; findings do not change it."
    DONE_WITH_REJECTS = 1
    "Done, with records quarantined, rejected, in conflict or of unknown outcome."
    USAGE = 2
    "Wrong usage."
    GUARD = 3
    "Stopped by a guard; nothing more was written."
    REVIEW = 4
    "A changeset waits for review."
    FAULT = 70
    "A fault in crmbridge itself; nothing more was written."
    STORAGE = 74
    "Disk or file."
    TRY_LATER = 75
    "Quota, lock or network."
    SIGN_IN = 77
    "Sign in again."
    CONFIG = 78
    "Fix the configuration."
    INTERRUPTED = 130
    "Ctrl-C; resumable."
    TERMINATED = 143
    "SIGTERM; resumable."


class CrmbridgeError(Exception):
    """Base of all errors that reach a user as one line."""

    exit_code = ExitCode.CONFIG

    def __init__(self, where: str, expected: str, got: str = "", next_step: str = "") -> None:
        self.where = where
        self.expected = expected
        self.got = got
        self.next_step = next_step
        super().__init__(self.line())

    def __reduce__(self) -> tuple[Any, ...]:
        """How the error crosses from one process to another: by what it was made from."""
        made_from = (self.where, self.expected, self.got, self.next_step)
        return type(self), made_from, self.__dict__

    def within(self, place: str) -> Self:
        """The same error, said of the larger work that it happened in."""
        found = copy(self)
        found.where = f"{place}: {self.where}"
        found.args = (found.line(),)
        return found

    def line(self) -> str:
        """The message as one line, with line breaks of foreign text folded."""
        text = f"{self.where}: expected {self.expected}"
        if self.got:
            text += f", got {self.got}"
        text = text.rstrip(".") + "."
        if self.next_step:
            text += f" {self.next_step.rstrip('.')}"
            text += "" if text.endswith("?") else "."
        return " ".join(text.split())


class ConfigError(CrmbridgeError):
    """Every record would fail: settings, mapping, field or permission. No retry helps."""

    exit_code = ExitCode.CONFIG


class UsageError(CrmbridgeError):
    """The command was called in a way it cannot carry out."""

    exit_code = ExitCode.USAGE


class SignInError(CrmbridgeError):
    """The CRM no longer accepts our credentials, after one refresh."""

    exit_code = ExitCode.SIGN_IN


class RetryLaterError(CrmbridgeError):
    """Transient: the same call may succeed later. Work done so far is kept."""

    exit_code = ExitCode.TRY_LATER


class QuotaError(RetryLaterError):
    """The CRM's or our own share of the quota is used up.

    Args:
        resume_at: aware time from which calls are allowed again, if known.
    """

    def __init__(
        self,
        where: str,
        expected: str,
        got: str = "",
        next_step: str = "",
        *,
        resume_at: datetime | None = None,
    ) -> None:
        self.resume_at = resume_at
        super().__init__(where, expected, got, next_step)


class RecordError(CrmbridgeError):
    """One record is bad; it is quarantined or rejected and the others go on."""

    exit_code = ExitCode.DONE_WITH_REJECTS


class ConflictError(CrmbridgeError):
    """The CRM's value changed since it was decided on; nothing was overwritten."""

    exit_code = ExitCode.DONE_WITH_REJECTS


class UnknownOutcomeError(CrmbridgeError):
    """A write was sent and its answer was lost; it is looked up by key, never sent blindly."""

    exit_code = ExitCode.DONE_WITH_REJECTS


class CannotError(CrmbridgeError):
    """The CRM or its adapter does not offer what was asked for."""

    exit_code = ExitCode.CONFIG


class RefusedError(CrmbridgeError):
    """Refused for safety by a guard; nothing more was written."""

    exit_code = ExitCode.GUARD


class StorageError(CrmbridgeError):
    """The store or another file could not be read or written; the transaction is rolled back."""

    exit_code = ExitCode.STORAGE
