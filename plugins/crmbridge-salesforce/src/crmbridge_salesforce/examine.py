"""Looks whether an account can be worked with, and says of each flaw what to do."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crmbridge.adapters import Context
from crmbridge.errors import ConfigError, RecordError
from crmbridge.records import Finding
from crmbridge_salesforce.auth import removals
from crmbridge_salesforce.client import Client
from crmbridge_salesforce.mapping import CAPABILITIES, KEYED, OBJECTS
from crmbridge_salesforce.settings import SalesforceSettings

_SMALL = ("Essentials", "Starter", "Group", "Professional", "Personal")
"""Editions that have no API, or only as an extra ("Salesforce Editions with API Access", Help)."""
_RETIRED = 31.0
"""Versions below were retired in Summer '25 (Help, "API Versions ... 21.0 through 30.0")."""


def examine(client: Client, settings: SalesforceSettings, context: Context) -> Sequence[Finding]:
    """All findings; none when all is well.

    Raises:
        SignInError: Salesforce does not accept us.
        RetryLaterError: it cannot be reached now.
    """
    return [
        *removals(context),
        *_version(client, settings),
        *_edition(client),
        *_objects(client, context),
        *_keys(client, settings),
    ]


def _version(client: Client, settings: SalesforceSettings) -> Iterable[Finding]:
    found = client.http.get("/services/data", accept=frozenset({404})).data
    offered = [float(one["version"]) for one in found] if isinstance(found, list) else []
    wanted = float(settings.api_version)
    if offered and wanted not in offered:
        yield Finding(
            code="salesforce.api_version",
            example=f"{settings.api_version}; offered are {min(offered)} to {max(offered)}",
            remedy=f'Set api_version = "{max(offered)}"',
        )
    elif wanted < _RETIRED:
        remedy = 'Set api_version = "62.0" or later'
        yield Finding(code="salesforce.api_version", example=settings.api_version, remedy=remedy)


def _edition(client: Client) -> Iterable[Finding]:
    try:
        found = client.query("SELECT OrganizationType FROM Organization").records
    except (ConfigError, RecordError):
        return
    edition = str(found[0].get("OrganizationType") or "") if found else ""
    if edition.startswith(_SMALL):
        yield Finding(
            code="salesforce.edition",
            example=edition,
            remedy="API access is an extra in this edition: ask Salesforce for it",
        )


def _objects(client: Client, context: Context) -> Iterable[Finding]:
    """Objects that cannot be seen, and mapped fields that cannot be read or written."""
    wanted = context.objects or OBJECTS
    for object_ in dict.fromkeys(one for names in wanted.values() for one in names):
        described = client.describe(object_)
        if described is None:
            yield Finding(
                code="salesforce.object_missing",
                example=object_,
                remedy="Let this user see the object, or take it out of the streams",
            )
            continue
        yield from _permissions(object_, described, context)
        yield from _fields(object_, described, context.write_fields.get(object_, ()))


def _permissions(object_: str, described: Mapping[str, Any], context: Context) -> Iterable[Finding]:
    """A description says what this very user may do with the object."""
    wanted = {"updateable": "edit"} if context.write_fields.get(object_) else {}
    if object_ == "Event":
        wanted = {"createable": "create", **wanted}
    for key, verb in wanted.items():
        if described.get(key) is False:
            yield Finding(
                code="salesforce.not_permitted",
                example=f"{verb} {object_}",
                remedy=f"Give this user the object permission to {verb} it, or write nothing there",
            )


def _fields(object_: str, described: Mapping[str, Any], writes: Sequence[str]) -> Iterable[Finding]:
    known = {str(one["name"]): one for one in described.get("fields") or ()}
    for name in writes:
        length = int(known.get(name, {}).get("length") or 0)
        if name in known and known[name].get("type") in {"string", "textarea"} and length < 40:
            yield Finding(
                code="salesforce.field_short",
                example=f"{object_}.{name} holds {length} characters",
                remedy="Make the field longer: texts that do not fit are refused",
            )


def _keys(client: Client, settings: SalesforceSettings) -> Iterable[Finding]:
    """The field that keeps a retry from writing a visit twice."""
    for object_ in sorted(KEYED & CAPABILITIES.objects.keys()):
        described = client.describe(object_)
        if described is None:
            continue
        fields = {str(one["name"]): one for one in described.get("fields") or ()}
        found = fields.get(settings.key_field)
        if found is None or not found.get("externalId"):
            yield Finding(
                code="salesforce.key_missing",
                example=f"{object_}.{settings.key_field}",
                remedy="Create it as a text field of 255, External ID and Unique, or run "
                "`crmbridge doctor --fix`; nothing is created there without it",
            )
        elif not found.get("unique"):
            yield Finding(
                code="salesforce.key_not_unique",
                example=f"{object_}.{settings.key_field}",
                remedy="Mark the field as Unique where Salesforce offers it",
            )
