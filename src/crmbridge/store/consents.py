"""Decides what a person allows: the strictest of all that any connected system says.

denied > unknown > granted. A fact counts for the record it was stated of, for the record that one
was merged into, for every record with the same e-mail address, and, for calls, for every record
with the same phone number. Facts of a connection that completes another are about the other's
records. A record of which nothing is said is not in the result: that is unknown.
"""

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import Connection, text

from crmbridge.records import RecordKey

_STATES = ("granted", "unknown", "denied")

_OWNERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "contacts": ("contact_id", "fact.contact_id IS NOT NULL"),
        "customers": ("customer_id", "fact.contact_id IS NULL AND fact.customer_id IS NOT NULL"),
    }
)


def effective_consents(tx: Connection, stream: str) -> dict[tuple[RecordKey, str], str]:
    """(record, channel) -> granted, unknown or denied, for live contacts or customers.

    Args:
        stream: ``contacts`` or ``customers``. A customer's own facts only: whether its contacts'
            count, too, depends on whom a visit is to.
    """
    rows = tx.execute(text(_query(stream)))
    return {(RecordKey(*row[:3]), row[3]): _STATES[row[4]] for row in rows}


def denied_records(tx: Connection, channel: str) -> frozenset[RecordKey]:
    """Contacts and customers that must not be reached through a channel."""
    return frozenset(
        key
        for stream in _OWNERS
        for (key, on), state in effective_consents(tx, stream).items()
        if on == channel and state == "denied"
    )


def barred_from_visits(tx: Connection, unknown_is_denied: bool) -> dict[RecordKey, str]:
    """Customers that must not be visited -> why, in a sentence.

    Args:
        unknown_is_denied: the policy for customers of whom nothing, or nothing certain, is said.
    """
    known = effective_consents(tx, "customers")
    states = {key: state for (key, channel), state in known.items() if channel == "visit"}
    barred = {key: "opted out of visits" for key, state in states.items() if state == "denied"}
    if unknown_is_denied:
        rows = tx.execute(text("SELECT connection, object, id FROM customers WHERE record_state=0"))
        for key in (RecordKey(*row) for row in rows):
            if states.get(key, "unknown") == "unknown":
                barred[key] = "consent to visits is unknown, and consent.unknown.visit is deny"
    return barred


def _query(stream: str) -> str:
    return f"""
        WITH facts AS (
            SELECT COALESCE(NULLIF(account.completes, ''), fact.connection) AS connection,
                fact.customer_id, fact.contact_id, lower(fact.address) AS address, fact.channel,
                CASE fact.state WHEN 'denied' THEN 2 WHEN 'granted' THEN 0 ELSE 1 END AS rank
            FROM consents AS fact
            LEFT JOIN connections AS account ON account.name = fact.connection
            WHERE fact.record_state <> 2),
        stated AS ({_stated("contacts")} UNION ALL {_stated("customers")}),
        emails AS (
            SELECT address, channel, rank FROM facts WHERE address LIKE '%@%'
            UNION ALL {_addresses("lower(held.email)")}),
        phones AS (
            SELECT {_digits("address")} AS address, rank FROM facts
            WHERE channel = 'call' AND address IS NOT NULL AND address NOT LIKE '%@%'
            UNION ALL SELECT address, rank FROM ({_addresses(_digits("held.phone"))}) AS numbers
            WHERE channel = 'call'),
        strictest_email AS (
            SELECT address, channel, max(rank) AS rank FROM emails
            WHERE address <> '' GROUP BY address, channel),
        strictest_phone AS (
            SELECT address, max(rank) AS rank FROM phones WHERE address <> '' GROUP BY address)
        SELECT connection, object, id, channel, max(rank) FROM (
            SELECT held.connection, held.object, held.id, said.channel, said.rank
            FROM {stream} AS held JOIN stated AS said ON said.stream = '{stream}'
                AND said.connection = held.connection AND said.id = held.id
            WHERE held.record_state = 0
            UNION ALL
            SELECT held.connection, held.object, held.id, said.channel, said.rank
            FROM {stream} AS held JOIN strictest_email AS said ON said.address = lower(held.email)
            WHERE held.record_state = 0
            UNION ALL
            SELECT held.connection, held.object, held.id, 'call', said.rank
            FROM {stream} AS held
            JOIN strictest_phone AS said ON said.address = {_digits("held.phone")}
            WHERE held.record_state = 0) AS found
        GROUP BY connection, object, id, channel"""


def _stated(stream: str) -> str:
    """Facts by the record they were stated of, and by the one it was merged into."""
    owner, condition = _OWNERS[stream]
    return f"""
            SELECT '{stream}' AS stream, fact.connection, fact.{owner} AS id, fact.channel,
                fact.rank
            FROM facts AS fact WHERE {condition}
            UNION ALL
            SELECT '{stream}', fact.connection, merged.winner_id, fact.channel, fact.rank
            FROM facts AS fact
            JOIN aliases AS merged
                ON merged.connection = fact.connection AND merged.loser_id = fact.{owner}
            JOIN {stream} AS loser ON loser.connection = merged.connection
                AND loser.object = merged.object AND loser.id = merged.loser_id
            WHERE {condition}"""


def _addresses(address: str) -> str:
    """Facts by an address of the record they were stated of; a deleted record's still binds."""
    parts = [
        f"""SELECT {address} AS address, said.channel, said.rank
            FROM stated AS said JOIN {stream} AS held ON said.stream = '{stream}'
                AND held.connection = said.connection AND held.id = said.id
            WHERE {address} IS NOT NULL"""
        for stream in _OWNERS
    ]
    return " UNION ALL ".join(parts)


def _digits(column: str) -> str:
    """A phone number without what people put between its digits."""
    for sign in (" ", "-", "/", "(", ")", "."):
        column = f"replace({column}, '{sign}', '')"
    return column
