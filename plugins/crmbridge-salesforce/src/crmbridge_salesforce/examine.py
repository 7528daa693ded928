"""Looks whether an account can be worked with, and says of each flaw what to do."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from crmbridge.adapters import Context, Operation
from crmbridge.errors import ConfigError, RecordError
from crmbridge.records import Finding
from crmbridge_salesforce.auth import removals
from crmbridge_salesforce.client import Client
from crmbridge_salesforce.mapping import CAPABILITIES, KEYED, OBJECTS
from crmbridge_salesforce.settings import SalesforceSettings

_SMALL = ("Essentials", "Starter", "Group", "Professional", "Personal")
"""Editions that have no API, or only as an extra ("Salesforce Editions with API Access", Help)."""
_ENOUGH = frozenset({"api", "full"})
_LITTLE = 0.1
_LIMITS = {
    "DailyApiRequests": "API requests",
    "DailyBulkV2QueryJobs": "bulk query jobs",
    "DailyBulkApiBatches": "bulk batches",
}
"""Names of the limits resource ("Limits", REST API guide) -> what they count."""
_VERBS = {
    "createable": ("create", {Operation.CREATE, Operation.ADD_MEMBER}),
    "deletable": ("delete", {Operation.DELETE, Operation.REMOVE_MEMBER}),
    "updateable": ("edit", {Operation.UPDATE, Operation.SET_MEMBER}),
}
"""Key of a description -> what it lets this user do, and our operations that need it."""
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
        *_scopes(context),
        *_quota(client),
        *_objects(client, context),
        *_keys(client, settings, context),
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


def _scopes(context: Context) -> Iterable[Finding]:
    """What a token may be used for, where the sign-in said it ("OAuth Tokens and Scopes", Help)."""
    token = context.tokens.get(context.connection) if context.tokens else None
    scopes = (token.extra.get("scope", "") if token else "").split()
    if scopes and not _ENOUGH & set(scopes):
        yield Finding(
            code="salesforce.scope_missing",
            example=f"the app has {', '.join(scopes)}",
            remedy="Give the app the scope api (Manage user data via APIs), then run "
            f"`crmbridge connect {context.connection}` again",
        )


def _quota(client: Client) -> Iterable[Finding]:
    """Calls that are left today, everybody's, and jobs."""
    found = client.get("limits", accept=frozenset({400, 403, 404, 405})).data
    limits = found if isinstance(found, Mapping) else {}
    for name, words in _LIMITS.items():
        one = limits.get(name)
        allowed = int(one.get("Max") or 0) if isinstance(one, Mapping) else 0
        left = int(one.get("Remaining") or 0) if isinstance(one, Mapping) else 0
        if allowed and left < allowed * _LITTLE:
            yield Finding(
                code="salesforce.quota_low",
                example=f"{left} of {allowed} {words} are left of the last 24 hours",
                remedy="Run later, let other integrations ask less, or buy more from Salesforce",
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
        yield from _fields(object_, described, context.write_fields.get(object_, ()), _own(context))


def _permissions(object_: str, described: Mapping[str, Any], context: Context) -> Iterable[Finding]:
    """A description says what this very user may do with the object."""
    wanted = {"updateable": "edit"} if context.write_fields.get(object_) else {}
    if object_ in _own(context):
        operations = CAPABILITIES.of(object_).operations
        wanted |= {key: verb for key, (verb, needs) in _VERBS.items() if needs & operations}
    for key, verb in wanted.items():
        if described.get(key) is False:
            yield Finding(
                code="salesforce.not_permitted",
                example=f"{verb} {object_}",
                remedy=f"Give this user the object permission to {verb} it, or write nothing there",
            )


def _own(context: Context) -> Collection[str]:
    """The objects that records of ours are written as; visits where nobody said."""
    return ("Event",) if context.own is None else context.own


def _fields(
    object_: str, described: Mapping[str, Any], writes: Sequence[str], own: Collection[str]
) -> Iterable[Finding]:
    known = {str(one["name"]): one for one in described.get("fields") or ()}
    for name in writes:
        found = known.get(name)
        if found is None:
            yield Finding(
                code="salesforce.field_missing",
                example=f"{object_}.{name}",
                remedy="Create it by `crmbridge doctor --fix`, or let this user see it: Salesforce "
                "does not tell the two apart",
            )
        else:
            yield from _unfit(f"{object_}.{name}", found)
    if object_ in own:
        yield from _demanded(object_, known.values())


def _unfit(where: str, found: Mapping[str, Any]) -> Iterable[Finding]:
    """What keeps a field from being written."""
    if found.get("calculated"):
        remedy = "Name another field to write to: this one is a formula"
        yield Finding(code="salesforce.field_formula", example=where, remedy=remedy)
    elif found.get("updateable") is False:
        yield Finding(
            code="salesforce.field_read_only",
            example=where,
            remedy="Let this user edit the field, by a permission set or the profile",
        )
    length = int(found.get("length") or 0)
    if found.get("type") in {"string", "textarea"} and length < 40:
        yield Finding(
            code="salesforce.field_short",
            example=f"{where} holds {length} characters",
            remedy="Make the field longer: texts that do not fit are refused",
        )


def _demanded(object_: str, fields: Iterable[Mapping[str, Any]]) -> Iterable[Finding]:
    """Custom fields without which nothing is created; we would leave them empty."""
    for one in fields:
        has_default = one.get("defaultedOnCreate") or one.get("type") == "boolean"
        if one.get("custom") and one.get("nillable") is False and not has_default:
            yield Finding(
                code="salesforce.field_required",
                example=f"{object_}.{one['name']}",
                remedy="Give the field a default, or require it by the page layout only: records "
                "that crmbridge creates leave it empty",
            )


def _keys(client: Client, settings: SalesforceSettings, context: Context) -> Iterable[Finding]:
    """The field that keeps a retry from writing a visit twice."""
    for object_ in sorted(KEYED if context.own is None else KEYED & set(context.own)):
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
