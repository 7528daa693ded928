"""What commands print: one JSON document, or text that is safe and narrow enough for a terminal."""

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from crmbridge.records import Finding

WIDTH = 80


def show_json(document: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print one JSON document on standard output and nothing else."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, default=str)
    _say(sys.stdout, text)


def show(text: str = "") -> None:
    """Print lines of text on standard output."""
    _say(sys.stdout, text)


def note(text: str) -> None:
    """Say something about the work on standard error."""
    _say(sys.stderr, text)


def _say(stream: TextIO, text: str) -> None:
    """Write a line; a reader who has left, as `| head` does, changes neither work nor exit code."""
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def plain(value: object) -> str:
    """Foreign text without control characters, so that no escape sequence reaches the terminal."""
    text = "" if value is None else str(value)
    return "".join(" " if unicodedata.category(c) in {"Cc", "Cf"} else c for c in text)


def clipped(text: str, width: int) -> str:
    """The text within a width, cut with an ellipsis."""
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], width: int = WIDTH) -> str:
    """Rows under headers, columns aligned; the widest column gives way when the line is full."""
    cells = [[plain(cell) for cell in row] for row in rows]
    widths = [max([len(head), *(len(row[i]) for row in cells)]) for i, head in enumerate(headers)]
    while sum(widths) + 2 * (len(widths) - 1) > width and max(widths) > 8:
        widths[widths.index(max(widths))] -= 1
    lines = [_line(headers, widths), _line(["-" * w for w in widths], widths)]
    lines += [_line(row, widths) for row in cells]
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    parts = (clipped(cell, w).ljust(w) for cell, w in zip(cells, widths, strict=True))
    return "  ".join(parts).rstrip()


def note_findings(findings: Iterable[Finding]) -> None:
    """Say findings on standard error, one line each."""
    for finding in findings:
        note(finding_line(finding))


def finding_line(finding: Finding) -> str:
    """A finding as one line: how often, what, an example, what to do."""
    line = f"{finding.count} x {finding.code}"
    if finding.example:
        line += f": {plain(finding.example)}".rstrip(".")
    return f"{line}. {finding.remedy}".rstrip() if finding.remedy else line
