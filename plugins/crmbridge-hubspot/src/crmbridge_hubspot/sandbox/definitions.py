"""The endpoints of properties and their groups."""

from crmbridge_hubspot.sandbox.answers import Reply, invalid, not_found, refusal
from crmbridge_hubspot.sandbox.records import Records
from crmbridge_hubspot.sandbox.request import Asked
from crmbridge_hubspot.sandbox.truth import Kind, definition

MOST_UNIQUE = 10
"""Properties with unique values that a type may have (HubSpot's changelog, "Unique Properties
support for newly created Contact properties")."""


class Definitions:
    """Answers for one account."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def listing(self, asked: Asked) -> Reply:
        """The properties of a type."""
        return Reply(200, {"results": list(self._kind(asked).definitions.values())})

    def read(self, asked: Asked) -> Reply:
        """One property."""
        kind = self._kind(asked)
        if asked.parts[1] not in kind.definitions:
            raise not_found(asked.parts[1])
        return Reply(200, kind.definitions[asked.parts[1]])

    def create(self, asked: Asked) -> Reply:
        """Make a property; 409 if there is one of that name."""
        kind, body = self._kind(asked), asked.json()
        name = body["name"]
        if name != name.lower() or not all(body.get(k) for k in ("label", "type", "fieldType")):
            raise invalid(f"{name} is no name of a property")
        if name in kind.definitions:
            message = f"A property named '{name}' already exists."
            raise refusal(409, "OBJECT_ALREADY_EXISTS", message)
        if body.get("groupName") not in kind.groups:
            raise invalid(f"Property group {body.get('groupName')} does not exist")
        if body.get("hasUniqueValue") and len(_unique(kind)) >= MOST_UNIQUE:
            raise invalid(f"An object type may have {MOST_UNIQUE} properties with unique values")
        kind.definitions[name] = definition(**body)
        return Reply(201, kind.definitions[name])

    def update(self, asked: Asked) -> Reply:
        """Change a property: its options are replaced as a whole, uniqueness stays as it is."""
        kind, body = self._kind(asked), asked.json()
        held = kind.definitions.get(asked.parts[1])
        if held is None:
            raise not_found(asked.parts[1])
        if held["modificationMetadata"]["readOnlyDefinition"]:
            raise invalid(f"{asked.parts[1]} is a read only property")
        changed = {k: v for k, v in body.items() if k not in {"name", "hasUniqueValue"}}
        kind.definitions[asked.parts[1]] = {**held, **changed}
        return Reply(200, kind.definitions[asked.parts[1]])

    def groups(self, asked: Asked) -> Reply:
        """The groups of a type's properties."""
        found = [_group(name, label) for name, label in self._kind(asked).groups.items()]
        return Reply(200, {"results": found})

    def create_group(self, asked: Asked) -> Reply:
        """Make a group; 409 if there is one of that name."""
        kind, body = self._kind(asked), asked.json()
        if body["name"] in kind.groups:
            raise refusal(409, "OBJECT_ALREADY_EXISTS", f"{body['name']} already exists.")
        kind.groups[body["name"]] = body["label"]
        return Reply(201, _group(body["name"], body["label"]))

    def _kind(self, asked: Asked) -> Kind:
        return self._records.known(asked.parts[0])


def _unique(kind: Kind) -> list[str]:
    found = kind.definitions.values()
    return [one["name"] for one in found if one["hasUniqueValue"] and not one["hubspotDefined"]]


def _group(name: str, label: str) -> dict[str, object]:
    return {"name": name, "label": label, "displayOrder": -1, "archived": False}
