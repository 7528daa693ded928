"""Decides who may be visited and which contact is met, from the strictest of all consents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crmbridge.jobs.territory.known import key_of
from crmbridge.records import RecordKey

Consents = Mapping[tuple[RecordKey, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitConsent:
    """Who is barred from visits, and whom to meet at the others.

    Args:
        barred: customer -> why.
        contacts: customer -> record of the contact to meet; absent where none is known.
    """

    barred: Mapping[RecordKey, str] = field(default_factory=dict)
    contacts: Mapping[RecordKey, Mapping[str, Any]] = field(default_factory=dict)


def visit_consent(
    customers: Iterable[Mapping[str, Any]],
    contacts: Iterable[Mapping[str, Any]],
    of_customers: Consents,
    of_contacts: Consents,
    unknown: str,
) -> VisitConsent:
    """Decide whom a visit may be to.

    A customer is barred if the customer denies visits, or if every contact there does. Among the
    contacts that do not, the one with a role is met, then the first by name.

    Args:
        contacts: records in a stable order.
        unknown: ``allow`` or ``deny``: what holds where nothing is known.
    """
    people: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for contact in contacts:
        if contact["customer_id"]:
            people.setdefault((contact["connection"], contact["customer_id"]), []).append(contact)
    barred: dict[RecordKey, str] = {}
    chosen: dict[RecordKey, Mapping[str, Any]] = {}
    for customer in customers:
        key = key_of(customer)
        there = people.get((key.connection, key.id), [])
        allowed = [one for one in there if _allows(of_contacts, key_of(one), unknown)]
        if of_customers.get((key, "visit")) == "denied":
            barred[key] = "the customer wants no visits"
        elif there and not allowed:
            barred[key] = "no contact there wants visits"
        elif not there and not _allows(of_customers, key, unknown):
            barred[key] = "consent to visits is not known, and the configuration then denies them"
        if allowed:
            chosen[key] = min(allowed, key=_preference)
    return VisitConsent(barred=barred, contacts=chosen)


def _allows(consents: Consents, key: RecordKey, unknown: str) -> bool:
    state = consents.get((key, "visit"), "unknown")
    return state == "granted" or (state == "unknown" and unknown == "allow")


def _preference(contact: Mapping[str, Any]) -> tuple[bool, str, str]:
    return (not contact["role"], contact["last_name"] or "", contact["id"])
