"""The glue: Salesforce as the host sees it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib.resources import files
from typing import Any

from pydantic import BaseModel

from crmbridge.adapters import (
    Adapter,
    Connection,
    Context,
    ErrorClass,
    NewField,
    Outcome,
    Page,
    Quota,
    ReadRequest,
    RemoteObject,
    Sandbox,
    Window,
    WriteItem,
)
from crmbridge.records import Finding
from crmbridge_salesforce.client import Client
from crmbridge_salesforce.describe import describe_all
from crmbridge_salesforce.examine import examine
from crmbridge_salesforce.ingest import Ingest
from crmbridge_salesforce.lookup import Lookup
from crmbridge_salesforce.mapping import CAPABILITIES, MAPPINGS, OBJECTS
from crmbridge_salesforce.package import package
from crmbridge_salesforce.provision import provision
from crmbridge_salesforce.read import WindowReader
from crmbridge_salesforce.settings import SalesforceSettings
from crmbridge_salesforce.sign_in import SIGN_IN
from crmbridge_salesforce.values import normal
from crmbridge_salesforce.write import Writer


class SalesforceConnection(Connection):
    """An open account."""

    def __init__(self, settings: SalesforceSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._client = Client(context=context, version=settings.api_version)
        self._reader = WindowReader(client=self._client, bulk_from=settings.bulk_from)
        self._lookup = Lookup(client=self._client)
        self._writer = Writer(
            client=self._client,
            lookup=self._lookup,
            settings=settings,
            ingest=Ingest(client=self._client),
        )

    def check(self) -> Sequence[Finding]:
        """Findings about the sign-in, the version, permissions and fields."""
        return examine(self._client, self._settings, self._context)

    def read(self, request: ReadRequest) -> Iterator[Page]:
        """A window of SystemModstamp, deleted and merged records named in its pages."""
        return self._reader.read(request)

    def organisation(self) -> str:
        """The organisation's id."""
        return self._client.organisation()

    def describe(self) -> Sequence[RemoteObject]:
        """The objects that we read or write, as far as this user may see them."""
        return describe_all(self._client, CAPABILITIES.objects)

    def server_time(self) -> datetime:
        """The ``Date`` of an answer."""
        return self._client.clock()

    def count(self, object_: str, window: Window | None) -> int:
        """Records that are not deleted."""
        return self._reader.count(object_, window)

    def quota(self) -> Quota:
        """API requests of the last 24 hours, everybody's."""
        return self._client.quota()

    def read_ids(self, object_: str) -> Iterator[Sequence[str]]:
        """The ids of all records that are not deleted, archived ones too."""
        return self._lookup.all_ids(object_)

    def read_by_ids(self, object_: str, ids: Sequence[str], fields: tuple[str, ...]) -> Page:
        """Records as they are now, and which of them were deleted or merged."""
        return self._lookup.by_ids(object_, ids, fields)

    def find_by_keys(
        self, object_: str, key_field: str, keys: Sequence[str]
    ) -> Mapping[str, Sequence[str]]:
        """Ids of the records that bear our keys; queries see what was just written."""
        del key_field  # the settings may call it otherwise
        return self._lookup.by_keys(object_, self._settings.key_field, keys)

    def write(self, items: Sequence[WriteItem]) -> Sequence[Outcome]:
        """Write by calls of 200 rows, or by a job, each row with its own verdict."""
        return self._writer.write(items) if items else []

    def resume(self, handle: str) -> Sequence[Outcome]:
        """What became of rows of a job that was still under way."""
        return self._writer.resume(handle)

    def provision(self, fields: Sequence[NewField]) -> Sequence[Finding]:
        """Create custom fields and let this user see them."""
        return provision(self._client, fields)

    def normalise(self, object_: str, field_: str, value: Any) -> Any:
        """Texts without outer space, instants to the second."""
        return normal(object_, field_, value)

    def classify(self, error: Exception) -> ErrorClass | None:
        """Errors of this adapter are the host's own."""
        del error
        return None


def open_salesforce(settings: BaseModel, context: Context) -> Connection:
    """Open a connection; nothing is sent yet."""
    return SalesforceConnection(SalesforceSettings.model_validate(settings.model_dump()), context)


@contextmanager
def open_sandbox(port: int = 0) -> Iterator[Sandbox]:
    """A made-up Salesforce on this machine, with the demo's company in it."""
    from crmbridge.testing.demo_data import generate
    from crmbridge_salesforce.sandbox import start_demo

    text = files("crmbridge_salesforce").joinpath("demo.toml").read_text("utf-8")
    text = text.replace(".salesforce/", "")  # hides files beside other work; here all is the demo's
    with start_demo(generate(), port) as running:
        yield Sandbox(
            url=running.url,
            settings=text.replace("http://127.0.0.1:8765", running.url),
            secrets={"SALESFORCE_SESSION": "sandbox-session"},
        )


ADAPTER = Adapter(
    name="salesforce",
    title="Salesforce",
    settings=SalesforceSettings,
    capabilities=CAPABILITIES,
    open=open_salesforce,
    mappings=MAPPINGS,
    objects=OBJECTS,
    sandbox=open_sandbox,
    sign_in=SIGN_IN,
    package=package,
)
