"""Starts campaigns as lists that are kept by hand, each once.

Lists have no property that holds a key and can be searched (hubspot-api-client: PublicObjectList),
and their names are unique in an account (developers.hubspot.com, "Lists API"): so our key stands in
the name, and a second try is refused instead of making a second list.
"""

import re
from collections.abc import Mapping, Sequence

from crmbridge.adapters import ErrorClass, Outcome, Status, WriteItem
from crmbridge_hubspot.client import HubspotApi
from crmbridge_hubspot.dialect import words_of
from crmbridge_hubspot.outcomes import done, refused
from crmbridge_hubspot.vendor import TurnedDownError

_TYPES = {"contacts": "0-1", "companies": "0-2"}
_MARKED = re.compile(r"(.*) \[crmbridge ([^\]]+)\]", re.DOTALL)


def list_name(name: str, key: str) -> str:
    """The name of a list that we make."""
    return f"{name.strip()} [crmbridge {key}]"


def shown_name(name: str) -> str:
    """A list's name without our key."""
    found = _MARKED.fullmatch(name)
    return found[1] if found else name


def key_in(name: str) -> str:
    """Our key in a list's name; "" where it is not ours."""
    found = _MARKED.fullmatch(name)
    return found[2] if found else ""


def lists_by_key(api: HubspotApi, keys: Sequence[str]) -> dict[str, list[str]]:
    """key -> ids of the lists that bear it, of all lists that there are."""
    found: dict[str, list[str]] = {}
    for page in api.lists():
        for one in page:
            key = key_in(str(one.get("name") or ""))
            if key in keys:
                found.setdefault(key, []).append(str(one["listId"]))
    return found


def create_lists(api: HubspotApi, items: Sequence[WriteItem], of: str) -> list[Outcome]:
    """Make a list for each item; one that is there already is ours if it bears our key.

    Args:
        of: what they are lists of: contacts or companies.
    """
    return [_create(api, item, _TYPES[of]) for item in items]


def _create(api: HubspotApi, item: WriteItem, object_type: str) -> Outcome:
    name = str(item.values.get("name") or "").strip()
    if not name or not item.key:
        return refused(item, ErrorClass.RECORD, "a list needs a name and a key of ours")
    body = {
        "name": list_name(name, item.key),
        "objectTypeId": object_type,
        "processingType": "MANUAL",
    }
    try:
        made: Mapping[str, Mapping[str, str]] = api.create_list(body)
    except TurnedDownError as no:
        held = lists_by_key(api, [item.key]).get(item.key)
        if held:
            return done(item, Status.APPLIED, held[0])
        document = no.response.json_or_none()
        words = words_of(document) if isinstance(document, dict) else ""
        return refused(item, ErrorClass.RECORD, f"{no.response.status} {words}".strip())
    return done(item, Status.APPLIED, str(made["list"]["listId"]))
