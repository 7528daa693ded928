"""Writes what a rep should know before a visit: the need, the market, what was said and promised.

Dates are written out and nothing is counted from today, so that a brief changes only when what it
tells has changed: it is part of the calendar entry, which must not be rewritten every night.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from crmbridge.jobs.analysis.preferences import Preference, known_preferences
from crmbridge.jobs.territory.known import Known, key_of
from crmbridge.jobs.territory.policies import VisitPolicy
from crmbridge.records import RecordKey, from_millis
from crmbridge.store.offers import Offer, load_offers
from crmbridge.store.segments import load_segments
from crmbridge.store.visiting import OpenNeed, last_contacts, open_needs, open_tasks

MOST_NEEDS, MOST_CONTACTS, MOST_PROMISES, MOST_OFFERS = 3, 2, 3, 2
LONGEST_LINE = 200
_MARKET = ("segment", "industry", "region")
"""What the CRM says of a customer's market; our own segments tell how the customer buys."""

Brief = tuple[str, ...]
Record = Mapping[str, Any]


def briefs_of(
    tx: Connection, known: Known, customers: Iterable[str], until: int
) -> dict[str, Brief]:
    """The brief for each of these customers, line by line.

    Args:
        customers: keys.
        until: ms; what happened later is not told.
    """
    rows = known.rows()
    wanted = [RecordKey.parse(key) for key in sorted(set(customers))]
    found: dict[str, Brief] = {}
    for base, sources in known.sources.items():
        own = [key for key in wanted if key.connection == base and key in rows]
        ids = [key.id for key in own]
        needs = _needs(open_needs(tx, sources), ids)
        segments = {one.key: one.name or one.segment for one in load_segments(tx, base)}
        last = last_contacts(tx, sources, ids, until, MOST_CONTACTS)
        tasks = open_tasks(tx, sources, ids)
        offers = {key: load_offers(tx, (base,), key) for key in own}
        habits = known_preferences(tx, base)
        for key in own:
            found[str(key)] = brief_of(
                rows[key],
                needs.get(key.id, ()),
                segments.get(key, ""),
                last.get(key.id, ()),
                tasks.get(key.id, ()),
                known.policies.get(key),
                talk_lines(offers[key], habits.get(key.id)),
            )
    return found


def brief_of(
    row: Record,
    needs: Sequence[OpenNeed],
    segment: str,
    contacts: Sequence[Record],
    promises: Sequence[Record],
    policy: VisitPolicy | None,
    talk: Sequence[str] = (),
) -> Brief:
    """One customer's brief.

    Args:
        needs: not met, the strongest first.
        segment: the customer's group as the analysis found it, which is no market.
        contacts: the latest first.
        promises: tasks not done, by day.
        talk: what to talk about and how they respond, as analyses found it.
    """
    lines = [*map(_need_line, needs[:MOST_NEEDS])]
    product = next((need.product or need.family for need in needs), "")
    lines += talk or ([f"Talk about: {product}"] if product else [])
    market = dict.fromkeys(row[name] for name in _MARKET if row[name])
    lines += [f"Market: {', '.join(market)}"] if market else []
    lines += [f"Customer group: {segment}"] if segment else []
    lines += map(_contact_line, contacts[:MOST_CONTACTS])
    lines += map(_promise_line, promises[:MOST_PROMISES])
    if policy is not None:
        lines += [f"[ ] {line}" for line in policy.agenda]
        if policy.outcome:
            lines.append(f"Fill in afterwards: {', '.join(dict.fromkeys(policy.outcome))}")
    return tuple(map(_folded, lines))


def talk_lines(offers: Sequence[Offer], habit: Preference | None) -> list[str]:
    """What to talk about, the best first, and how the customer responds."""
    talk = ", ".join(f"{one.product} ({one.why})" for one in offers[:MOST_OFFERS])
    lines = [f"Talk about: {talk}"] if talk else []
    told = habit.sentence() if habit is not None else ""
    return [*lines, told] if told else lines


def _needs(needs: Iterable[OpenNeed], ids: Sequence[str]) -> dict[str, list[OpenNeed]]:
    wanted = set(ids)
    found: dict[str, list[OpenNeed]] = {}
    for need in needs:
        if need.customer[1] in wanted:
            found.setdefault(need.customer[1], []).append(need)
    return found


def _need_line(need: OpenNeed) -> str:
    what = need.family or need.product or "not named"
    due = f", due {need.due_on}" if need.due_on else ""
    why = f" ({need.evidence})" if need.evidence else ""
    return f"Need: {what}{due}{why}"


def _contact_line(row: Record) -> str:
    day = from_millis(row["start_at"]).date().isoformat()
    said = " - ".join(part for part in (row["subject"], row["outcome"]) if part)
    return f"Last: {day} {row['kind']}{': ' if said else ''}{said}"


def _promise_line(row: Record) -> str:
    due = f" (due {row['due_on']})" if row["due_on"] else ""
    return f"Promised: {row['subject'] or 'a task without a name'}{due}"


def _folded(line: str) -> str:
    """One line of bounded length, whatever the CRM's text holds."""
    text = " ".join(line.split())
    return text if len(text) <= LONGEST_LINE else f"{text[: LONGEST_LINE - 3]}..."


def keys_of(rows: Iterable[Record]) -> dict[tuple[str, str], RecordKey]:
    """(connection, customer id) -> key."""
    return {(row["connection"], row["id"]): key_of(row) for row in rows}
