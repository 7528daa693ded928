"""The glue: a HubSpot account as the host works with it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from crmbridge.adapters import (
    Adapter,
    Connection,
    Context,
    Link,
    NewField,
    Operation,
    Outcome,
    Page,
    Quota,
    ReadRequest,
    RemoteObject,
    Sandbox,
    Window,
    WriteItem,
)
from crmbridge.errors import CannotError
from crmbridge.records import Finding
from crmbridge_hubspot import setup
from crmbridge_hubspot.attaching import Attacher
from crmbridge_hubspot.browser import SIGN_IN
from crmbridge_hubspot.campaign_lists import create_lists, lists_by_key
from crmbridge_hubspot.client import HubspotApi
from crmbridge_hubspot.computed import COMPUTED_OF
from crmbridge_hubspot.fields import MAPPINGS
from crmbridge_hubspot.links import read_links, read_sold_to
from crmbridge_hubspot.mapping import (
    CAPABILITIES,
    LINES,
    LISTS,
    MEMBERS,
    OBJECTS,
    ORDERS,
    OWN,
    PERSONS,
    is_record,
    type_of,
)
from crmbridge_hubspot.members import write_members
from crmbridge_hubspot.options import Options
from crmbridge_hubspot.read import Reader
from crmbridge_hubspot.settings import HubspotSettings
from crmbridge_hubspot.values import LINKED, normal, to_text
from crmbridge_hubspot.whole import WholeReader
from crmbridge_hubspot.write import Writer


class HubspotConnection(Connection):
    """An open account."""

    def __init__(self, settings: HubspotSettings, context: Context) -> None:
        self._settings = settings
        self._context = context

    @cached_property
    def _api(self) -> HubspotApi:
        return HubspotApi(self._context, self._settings.searches_per_second)

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self._api, self._settings)

    @cached_property
    def _attacher(self) -> Attacher:
        customers = self._context.objects.get("customers", ())
        return Attacher(self._api, "contacts" if PERSONS in customers else "companies")

    @cached_property
    def _objects(self) -> tuple[str, ...]:
        """The objects that are read: those configured, else all that we know."""
        named = [object_ for objects in self._context.objects.values() for object_ in objects]
        return tuple(dict.fromkeys(named or CAPABILITIES.objects))

    def check(self) -> Sequence[Finding]:
        """Findings on missing scopes, objects, and the property of our key."""
        fields = self._context.write_fields
        own = self._context.own
        if own is None:
            own = tuple(one for one in OWN[:1] if one in self._objects)
        keyed = [one for one in own if one in OWN]
        found = setup.check(self._api, self._objects, keyed, fields)
        return [*setup.ending(self._context.auth), *found]

    def organisation(self) -> str:
        """The account's number; "" where the app may not see it."""
        answer = self._api.account()
        data = answer.data if isinstance(answer.data, dict) else {}
        return str(data.get("portalId") or "")

    def describe(self) -> Sequence[RemoteObject]:
        """The properties of the objects that are read."""
        return setup.describe(self._api, self._objects)

    def server_time(self) -> Any:
        """HubSpot's clock, to the second."""
        return self._api.now()

    def quota(self) -> Quota:
        """The day's calls, which HubSpot tells private apps only; else none of none."""
        return self._api.quota()

    def read(self, request: ReadRequest) -> Iterator[Page]:
        """A window of records by list or search, or the whole of what comes whole."""
        if not is_record(request.object):
            own = self._settings
            return WholeReader(self._api, own.subscriptions, own.member_status).read(request)
        return self._reader.read(request, self._fields(request.object, request.fields))

    def count(self, object_: str, window: Window | None) -> int:
        """How many records HubSpot's search counts."""
        self._must_be_record(object_, "count")
        return self._reader.count(object_, window)

    def read_ids(self, object_: str) -> Iterator[Sequence[str]]:
        """All ids, by list: search may be behind."""
        self._must_be_record(object_, "read_ids")
        return self._reader.ids(object_)

    def read_by_ids(self, object_: str, ids: Sequence[str], fields: tuple[str, ...]) -> Page:
        """Records as they are now, not as search remembers them; visits with whom they are
        linked to, where that is asked for."""
        self._must_be_record(object_, "read_by_ids")
        linked = [name for name in fields if object_ in OWN and name in LINKED]
        plain = [name for name in fields if name not in linked]
        page = self._reader.by_ids(object_, ids, self._fields(object_, plain))
        return self._attacher.with_ends(page, linked) if linked else page

    def read_links(self, object_: str, ids: Sequence[str], to: str) -> Iterator[Sequence[Link]]:
        """All associations from these records to those of another object."""
        if to not in CAPABILITIES.of(object_).links:
            raise CannotError(f"{object_}", f"links to {to} to be declared", "none")
        if object_ == LINES and to != ORDERS:
            ways = [one for one in ("deals", ORDERS) if one == "deals" or one in self._objects]
            return read_sold_to(self._api, type_of(to), ids, ways)
        return read_links(self._api, type_of(object_), type_of(to), ids)

    def find_by_keys(
        self, object_: str, key_field: str, keys: Sequence[str]
    ) -> Mapping[str, Sequence[str]]:
        """Records by a property with unique values: a read, not a search, which lags. Lists by
        the key in their names."""
        if object_ == LISTS:
            return lists_by_key(self._api, keys)
        found = self._api.read_batch(type_of(object_), keys, (key_field,), key_field)
        ids: dict[str, list[str]] = {}
        for record in found:
            ids.setdefault(str(record["properties"][key_field]), []).append(str(record["id"]))
        return ids

    def write(self, items: Sequence[WriteItem]) -> Sequence[Outcome]:
        """Write visits, properties, lists or memberships.

        Raises:
            CannotError: the object does not take that operation.
        """
        if not items:
            return []
        object_, operation = items[0].object, items[0].operation
        if operation not in CAPABILITIES.of(object_).operations:
            raise CannotError(object_, f"{operation.value} to be declared", "nothing")
        if object_ == MEMBERS:
            return write_members(self._api, items, self._settings.member_status)
        if object_ == LISTS:
            return create_lists(self._api, items, self._settings.lists_of)
        options = Options(self._api) if self._settings.new_options else None
        return Writer(self._api, self._attacher, options).write(items)

    def provision(self, fields: Sequence[NewField]) -> Sequence[Finding]:
        """Create properties."""
        return setup.provision(self._api, fields)

    def normalise(self, object_: str, field_: str, value: Any) -> Any:
        """The value as HubSpot gives it back: texts without outer space, numbers as numbers."""
        del field_  # nothing of a property's type is known without the network
        if value is None:
            return None
        is_own = Operation.CREATE in CAPABILITIES.of(object_).operations
        if is_own or object_ == MEMBERS:
            return value.strip() if isinstance(value, str) else value
        return normal(value) if not isinstance(value, list | dict) else to_text(value)

    def _fields(self, object_: str, fields: Sequence[str]) -> Sequence[str]:
        """The fields wanted; all that the type has where none are named."""
        if fields:
            return fields
        found = self._api.properties(type_of(object_))
        if found is not None:
            return [*(str(one["name"]) for one in found), *COMPUTED_OF.get(object_, ())]
        mapping = MAPPINGS[CAPABILITIES.of(object_).stream][object_]
        named = (one if isinstance(one, str) else one.get("field", "") for one in mapping.values())
        return [str(name) for name in named if name]

    def _must_be_record(self, object_: str, what: str) -> None:
        if not is_record(object_):
            raise CannotError(object_, f"{what} to be declared", "nothing")


def open_hubspot(settings: BaseModel, context: Context) -> Connection:
    """Open a connection; nothing is sent yet."""
    return HubspotConnection(HubspotSettings.model_validate(settings.model_dump()), context)


@contextmanager
def open_sandbox(port: int = 0) -> Iterator[Sandbox]:
    """A made-up HubSpot on this machine, with the demo's company in it."""
    from crmbridge_hubspot.sandbox import sandbox
    from crmbridge_hubspot.sandbox.demo import DEMO_TOML

    with sandbox(port, demo=True) as running:
        yield Sandbox(
            url=running.url,
            settings=DEMO_TOML.format(url=running.url),
            secrets={"HUBSPOT_TOKEN": "pat-sandbox"},
        )


ADAPTER = Adapter(
    name="hubspot",
    title="HubSpot",
    settings=HubspotSettings,
    capabilities=CAPABILITIES,
    open=open_hubspot,
    mappings=MAPPINGS,
    objects=OBJECTS,
    sandbox=open_sandbox,
    sign_in=SIGN_IN,
)
