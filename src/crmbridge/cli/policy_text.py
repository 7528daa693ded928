"""The policy that holds for a customer, as text for a terminal of 80 columns."""

import textwrap
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from crmbridge.cli.output import WIDTH, plain

_PART, _VALUE = 12, 36


def policy_text(document: Mapping[str, Any]) -> str:
    """What `show policy` tells a person; the JSON document holds more."""
    lines = [f"{plain(document['name'])} ({plain(document['customer'])})"]
    lines.append(f"Visited by: {plain(document['rep'])}")
    lines += textwrap.wrap(f"May be visited: {_answer(document)}", WIDTH, subsequent_indent="  ")
    if document["lines"]:
        lines.append("")
    for line in document["lines"]:
        lines += _row(plain(line["part"]), plain(line["value"]), plain(line["origin"]))
    if document["reasons"]:
        lines += ["", "Worth a visit, because"]
    for reason in document["reasons"]:
        lines += textwrap.wrap(
            plain(reason), WIDTH, initial_indent="  ", subsequent_indent=" " * 10
        )
    return "\n".join(lines)


def _answer(document: Mapping[str, Any]) -> str:
    """Yes or no, why, and what would change it; each a sentence."""
    why, change = plain(document["why"]), plain(document["change"])
    if document["may_be_visited"]:
        told = f"yes, but not in the days of the next plan. {why}." if why else "yes"
    else:
        told = f"no. {why}."
    return f"{told} What helps: {change[:1].lower()}{change[1:]}." if change else told


def _row(part: str, value: str, origin: str) -> Iterator[str]:
    """One part: its name, its value and where that is from, each within its column."""
    values = textwrap.wrap(value, _VALUE - 2) or [""]
    origins = textwrap.wrap(origin, WIDTH - _PART - _VALUE - 2)
    for number, (left, right) in enumerate(zip_longest(values, origins, fillvalue="")):
        name = part if number == 0 else ""
        yield f"  {name:{_PART}}{left:{_VALUE}}{right}".rstrip()
