"""Entry point of the command line: errors become one line and an exit code."""

import os
import signal
import sys
import traceback
from types import FrameType
from typing import NoReturn

from crmbridge.cli.app import app, was_debug_asked
from crmbridge.errors import CrmbridgeError, ExitCode


class Stopped(BaseException):
    """A signal asked the process to end; open transactions roll back on the way out."""

    def __init__(self, code: ExitCode) -> None:
        self.code = code
        super().__init__(code.name)


def main() -> NoReturn:
    """Run a command and exit with its code; no traceback reaches a user unless asked for."""
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    try:
        app(prog_name="crmbridge")
    except CrmbridgeError as error:
        _end(error.line(), error.exit_code, error)
    except Stopped as stop:
        _end("Stopped. What was done is kept; the same command goes on from there.", stop.code)
    except BrokenPipeError:
        _silence_stdout()
        sys.exit(ExitCode.DONE)
    except Exception as error:  # the last net: a fault of ours, said as such
        kind = type(error).__name__
        _end(
            f"crmbridge: a fault in crmbridge itself, {kind}: {_folded(str(error))} "
            "Nothing more was written. Run again with `crmbridge --debug ...` and report it.",
            ExitCode.FAULT,
            error,
        )
    sys.exit(ExitCode.DONE)


def _stop(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)  # a second one ends at once
    code = ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED
    raise Stopped(code)


def _end(line: str, code: ExitCode, error: BaseException | None = None) -> NoReturn:
    if error is not None and was_debug_asked():
        traceback.print_exception(error)
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except BrokenPipeError:
        _silence_stdout()
    sys.exit(int(code))


def _folded(text: str) -> str:
    return " ".join(text.split())[:200]


def _silence_stdout() -> None:
    """Keep the interpreter from complaining about a closed pipe while it shuts down."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


if __name__ == "__main__":
    main()
