"""Custom fields as files that an administrator deploys by Salesforce's own tools.

The layout is the Metadata API's ("Deploying and Retrieving Metadata with the Zip File"): a
``package.xml``, a ``.object`` per object with its fields, and a permission set that shows them::

    sf project deploy start --metadata-dir FOLDER

Fields of Event and Task are fields of Activity, while their permissions name Event or Task
("CustomField", "PermissionSet", Metadata API reference). A deployment needs nothing of ours to run,
so that the integration user need not be one who may customize.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree

from crmbridge.adapters import NewField
from crmbridge_salesforce.provision import SET, home_of, metadata_of, permitted_names

VERSION = "62.0"
_SPACE = "http://soap.sforce.com/2006/04/metadata"
_README = """\
Custom fields that crmbridge writes to, and a permission set that shows them.

Deploy:   sf project deploy start --metadata-dir . --target-org YOUR-ORG
          (or zip these files and use Workbench: Migration, Deploy)
Then:     assign the permission set "{set}" to the user that crmbridge signs in as, and to the
          people who should see the fields:
          sf org assign permset --name {set} --on-behalf-of USERNAME
          Add the fields to page layouts where people should see them.
Undo:     delete the fields and the permission set in Setup.
"""


def package(fields: Sequence[NewField]) -> Mapping[str, str]:
    """File name -> text; deployed twice it changes nothing."""
    unique = {(*home_of(one), one.object): one for one in fields}
    wanted = [unique[place] for place in sorted(unique)]
    homes = {home_of(one): one for one in wanted}
    files = {"package.xml": _manifest(homes), "README.txt": _README.format(set=SET)}
    for object_, names in groupby(sorted(homes), key=lambda home: home[0]):
        found = [homes[home] for home in names]
        files[f"objects/{object_}.object"] = _object(found)
    files[f"permissionsets/{SET}.permissionset"] = _permission_set(wanted)
    return MappingProxyType(files)


def _manifest(homes: Iterable[tuple[str, str]]) -> str:
    root = ElementTree.Element("Package", xmlns=_SPACE)
    members = [f"{object_}.{name}" for object_, name in sorted(homes)]
    for kind, names in (("CustomField", members), ("PermissionSet", [SET])):
        types = ElementTree.SubElement(root, "types")
        for name in names:
            _add(types, "members", name)
        _add(types, "name", kind)
    _add(root, "version", VERSION)
    return _text(root)


def _object(fields: Sequence[NewField]) -> str:
    root = ElementTree.Element("CustomObject", xmlns=_SPACE)
    for one in fields:
        _add(root, "fields", {"fullName": home_of(one)[1], **metadata_of(one)})
    return _text(root)


def _permission_set(fields: Sequence[NewField]) -> str:
    root = ElementTree.Element("PermissionSet", xmlns=_SPACE)
    _add(root, "description", "Reading and editing of the fields that crmbridge writes to")
    names = sorted({name for one in fields for name in permitted_names(one)})
    for name in names:
        _add(root, "fieldPermissions", {"editable": True, "field": name, "readable": True})
    _add(root, "hasActivationRequired", False)
    _add(root, "label", SET)
    return _text(root)


def _add(parent: ElementTree.Element, name: str, value: Any) -> None:
    """A value as an element: tables become elements of elements, lists repeat theirs."""
    if isinstance(value, list):
        for one in value:
            _add(parent, name, one)
        return
    child = ElementTree.SubElement(parent, name)
    if isinstance(value, Mapping):
        for key in value:
            _add(child, key, value[key])
    else:
        child.text = str(value).lower() if isinstance(value, bool) else str(value)


def _text(root: ElementTree.Element) -> str:
    ElementTree.indent(root, "    ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"
